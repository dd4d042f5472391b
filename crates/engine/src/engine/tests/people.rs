//! Who calls, as slow sources tell it while phones ring.

use super::*;
use std::pin::Pin;

const ADA: &str = "Ada Lovelace, Analytical Engines Ltd";

#[test]
fn a_hundred_desks_that_ring_ask_once_and_are_all_told() {
    let crm = Crm::new();
    let people = directory(vec![crm.clone()]);
    let mut news = people.listen();
    let mut desk = Desk::connected_with("100", people, Instant::now());
    for id in 1..=100 {
        desk.engine.command(DeskId(id), seat(), desk.now);
    }
    let _ = desk.story();
    let _ = desk.play_until("22/d_incoming_answered", "DialState", 1);
    assert_eq!(shown(&desk), [(100, People::Asking)]);
    let changed = crm.answer(&mut news);
    assert_eq!(changed, Changed::Numbers(vec!["+79161234567".into()]));
    desk.engine.people_changed(&changed, desk.now);
    let told = shown(&desk);
    assert!(
        matches!(told.as_slice(), [(100, People::One { .. })]),
        "{told:?}"
    );
    assert_eq!(crm.asked(), 1);
    let told = desk.told().into_iter().filter(|(_, update)| {
        matches!(update, Update::Call(call) if call.people.one().is_some_and(|one| one.name == "Ada Lovelace"))
    });
    assert_eq!(told.count(), 100);
}

#[test]
fn news_of_a_number_cost_nothing_to_calls_of_others() {
    let people = directory(Vec::new());
    let mut desk = Desk::connected_with("101", people, Instant::now());
    let _ = desk.play_until("22/d_incoming_answered", "DialState", 1);
    let visits = |desk: &Desk| desk.engine.desks.visits.get();
    let before = visits(&desk);
    let others = Changed::Numbers((0..1_000).map(|n| format!("+4420{n:08}")).collect());
    desk.engine.people_changed(&others, desk.now);
    assert_eq!(visits(&desk), before);
    let its = Changed::Numbers(vec!["+79161234567".into()]);
    desk.engine.people_changed(&its, desk.now);
    assert_eq!(visits(&desk), before + 1);
    desk.engine.forget_calls("gone", desk.now);
    assert!(desk.engine.desks.shown_of(None).is_empty());
}

#[test]
fn a_question_waits_for_the_sources_and_no_longer_than_two_seconds() {
    let crm = Crm::new();
    let people = directory(vec![crm.clone()]);
    let mut news = people.listen();
    let mut desk = Desk::connected_with("101", people, Instant::now());
    let ask = |desk: &mut Desk, key, number: &str| {
        let number = number.to_owned();
        desk.command(Command::WhoIs { key, number });
        answers(desk)
    };
    // Nobody is asked of what is no number, or of a colleague.
    assert_eq!(ask(&mut desk, 1, "nobody"), [(1, People::Nobody)]);
    assert_eq!(ask(&mut desk, 2, "102"), [(2, People::Nobody)]);
    assert_eq!(crm.asked(), 0);
    assert_eq!(ask(&mut desk, 3, "+7 916 123-45-67"), []);
    let late = desk.now + Duration::from_secs(2);
    assert_eq!(desk.engine.poll_timeout(), Some(late));
    desk.engine.handle_timeout(late);
    assert_eq!(answers(&mut desk), [(3, People::Asking)]);
    assert_eq!(ask(&mut desk, 4, "8 916 123-45-67"), []);
    let changed = crm.answer(&mut news);
    desk.engine.people_changed(&changed, late);
    let told = answers(&mut desk);
    assert!(
        matches!(told.as_slice(), [(4, People::One { .. })]),
        "{told:?}"
    );
    assert_eq!(crm.asked(), 1);
}

#[test]
fn a_late_answer_names_who_is_on_the_line_and_whom_we_call() {
    let crm = Crm::new();
    let people = directory(vec![crm.clone()]);
    let mut news = people.listen();
    let mut desk = Desk::connected_with("101", people, Instant::now());
    desk.dial("d", "+79161234567");
    let _ = desk.story();
    let changed = crm.answer(&mut news);
    desk.engine.people_changed(&changed, desk.now);
    let dials = desk
        .told()
        .into_iter()
        .filter_map(|(_, update)| match update {
            Update::Dial(dial) => Some(dial.people),
            _ => None,
        });
    let dials: Vec<_> = dials.collect();
    assert!(
        matches!(dials.as_slice(), [People::One { .. }]),
        "{dials:?}"
    );
    let story = desk.play_until("22/d_incoming_answered", "DialState", 1);
    assert!(story.contains(ADA), "{story}");
}

/// What is shown of calls, and at how many desks.
fn shown(desk: &Desk) -> Vec<(usize, People)> {
    let mut shown: Vec<(usize, People)> = Vec::new();
    for (_, seat) in desk.engine.desks.iter() {
        for call in seat.shown.values() {
            let people = &call.update.people;
            match shown.iter_mut().find(|(_, known)| known == people) {
                Some((desks, _)) => *desks += 1,
                None => shown.push((1, people.clone())),
            }
        }
    }
    shown
}

fn answers(desk: &mut Desk) -> Vec<(u64, People)> {
    let updates = desk.told().into_iter();
    let answers = updates.filter_map(|(_, update)| match update {
        Update::WhoIs { key, people } => Some((key, people)),
        _ => None,
    });
    answers.collect()
}

fn seat() -> Command {
    Command::Seat(Some(Box::new(settings("101"))))
}

/// A CRM that knows everybody as Ada, and answers once it is told to.
struct Crm {
    asked: AtomicUsize,
    may_answer: watch::Sender<bool>,
}

impl Crm {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            asked: AtomicUsize::new(0),
            may_answer: watch::Sender::new(false),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Waits until the directory has heard it.
    fn answer(&self, news: &mut contacts::Listener) -> Changed {
        self.may_answer.send_replace(true);
        runtime()
            .block_on(async { timeout(Duration::from_secs(30), news.changed()).await })
            .expect("news")
    }
}

impl Source for Crm {
    fn id(&self) -> &str {
        "crm"
    }

    fn title(&self) -> &str {
        "CRM"
    }

    fn look_up<'a>(&'a self, question: &'a Question) -> Answering<'a, Vec<Person>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut may_answer = self.may_answer.subscribe();
        Box::pin(async move {
            // The sender lives in what this is of.
            let _ = may_answer.wait_for(|may| *may).await;
            Ok(vec![Person {
                name: "Ada Lovelace".into(),
                company: Some("Analytical Engines Ltd".into()),
                numbers: vec![question.number.clone()],
                ..Person::default()
            }])
        })
    }

    fn find<'a>(&'a self, _: &'a str, _: usize) -> Answering<'a, Vec<Person>> {
        Box::pin(std::future::ready(Ok(Vec::new()))) as Pin<Box<_>>
    }
}
