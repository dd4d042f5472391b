//! Stands between the agent and the pages: keeps the last state for windows that open later, passes on what pages
//! ask within their rights, and shows each window when its page has been laid out.

use crate::rights;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};
use tauri::ipc::Channel;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};
use view::{
    AgentMessage, Change, Refusal, RefusalCode, Reply, Request, Snapshot, UnixMicros, Window,
};

/// Ticks that wait for the relay; pages make a handful a second.
const TICKS: usize = 64;

/// What a page hears: a message of the agent and when it reached this program.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct News {
    received_at: UnixMicros,
    #[serde(flatten)]
    message: AgentMessage,
}

/// What a page has laid out.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct LaidOut {
    /// Of the content, in logical pixels; 0: the window keeps its size.
    height: u32,
    /// There is nothing to show.
    empty: bool,
}

/// What can be seen on the card.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Painted {
    calls: Vec<String>,
    received_at: UnixMicros,
}

/// All that can happen to the windows.
pub(crate) enum Tick {
    Agent(Box<AgentMessage>),
    Subscribe {
        window: Window,
        channel: Channel<News>,
    },
    Request {
        window: Window,
        request: Request,
        answer: oneshot::Sender<Reply>,
    },
    LaidOut {
        window: Window,
        what: LaidOut,
    },
    Painted(Painted),
    TakeKeyboard,
    /// The close button of the window's frame.
    CloseButton {
        window: Window,
    },
}

/// Reaches the relay from commands and window events.
#[derive(Clone)]
pub(crate) struct Relay(mpsc::Sender<Tick>);

impl Relay {
    pub(crate) async fn send(&self, tick: Tick) -> Result<(), String> {
        let sent = self.0.send(tick).await;
        sent.map_err(|_| "the windows are ending".to_owned())
    }

    /// From the event loop, which must not wait.
    pub(crate) fn send_now(&self, tick: Tick) {
        if self.0.try_send(tick).is_err() {
            warn!("window event dropped: the relay is busy or gone");
        }
    }
}

/// The windows themselves.
pub(crate) trait Frames {
    /// Makes the window, hidden; nothing if it is there.
    fn open(&self, window: Window);
    /// Gives the content this height, in logical pixels.
    fn fit(&self, window: Window, height: u32);
    /// Shows the window; all but the card come to the front and take the focus.
    fn show(&self, window: Window);
    fn hide(&self, window: Window);
    /// Lets the card have the keyboard until it is hidden.
    fn take_keyboard(&self);
}

/// Who waits for a reply of the agent.
enum Waiting {
    Page(oneshot::Sender<Reply>),
    /// A snapshot after a gap in the numbers.
    Resync,
}

pub(crate) struct Loop<F> {
    frames: F,
    to_agent: mpsc::Sender<Request>,
    from_agent: mpsc::Receiver<AgentMessage>,
    ticks: mpsc::Receiver<Tick>,
    /// As of the last message; `None` until the agent has sent one.
    known: Option<Snapshot>,
    received_at: UnixMicros,
    pages: HashMap<Window, Channel<News>>,
    waiting: BTreeMap<u64, Waiting>,
    last_id: u64,
    /// Windows whose page has been laid out at least once.
    drawn: HashSet<Window>,
    /// Windows to be shown as soon as that has happened.
    wanted: HashSet<Window>,
}

impl<F: Frames> Loop<F> {
    pub(crate) fn new(
        frames: F,
        to_agent: mpsc::Sender<Request>,
        from_agent: mpsc::Receiver<AgentMessage>,
    ) -> (Self, Relay) {
        let (tick, ticks) = mpsc::channel(TICKS);
        let relay = Self {
            frames,
            to_agent,
            from_agent,
            ticks,
            known: None,
            received_at: 0,
            pages: HashMap::new(),
            waiting: BTreeMap::new(),
            last_id: 0,
            drawn: HashSet::new(),
            wanted: HashSet::new(),
        };
        (relay, Relay(tick))
    }

    /// Runs until the agent ends the windows or goes away.
    pub(crate) async fn run(mut self) {
        loop {
            let tick = tokio::select! {
                message = self.from_agent.recv() => message.map(|message| Tick::Agent(Box::new(message))),
                tick = self.ticks.recv() => tick,
            };
            match tick {
                None => return,
                Some(Tick::Agent(message)) if *message == AgentMessage::End => return,
                Some(tick) => self.handle(tick, unix_micros()),
            }
        }
    }

    fn handle(&mut self, tick: Tick, now: UnixMicros) {
        match tick {
            Tick::Agent(message) => self.heard(*message, now),
            Tick::Subscribe { window, channel } => self.subscribe(window, channel),
            Tick::Request {
                window,
                request,
                answer,
            } => self.request(window, request, answer),
            Tick::LaidOut { window, what } => self.laid_out(window, what),
            Tick::Painted(painted) => self.painted(painted, now),
            Tick::TakeKeyboard => self.frames.take_keyboard(),
            Tick::CloseButton { window } => {
                self.frames.hide(window);
                self.tell(Request::Closed { window }, None);
            }
        }
    }

    fn heard(&mut self, message: AgentMessage, now: UnixMicros) {
        match message {
            AgentMessage::Reply { id, reply } => self.replied(id, reply, now),
            AgentMessage::Snapshot { snapshot } => self.replace(*snapshot, now),
            AgentMessage::Change { seq, change } => self.change(seq, change, now),
            AgentMessage::Facts { .. } => self.pass_on(message, now),
            AgentMessage::Show { window } => self.show(window),
            // Seen by the loop itself.
            AgentMessage::End => {}
        }
    }

    fn replied(&mut self, id: u64, reply: Reply, now: UnixMicros) {
        match (self.waiting.remove(&id), reply) {
            // A page that has stopped waiting is told nothing.
            (Some(Waiting::Page(answer)), reply) => drop(answer.send(reply)),
            (Some(Waiting::Resync), Reply::Snapshot(snapshot)) => self.replace(*snapshot, now),
            (Some(Waiting::Resync), _) => warn!("the agent gave no snapshot"),
            (None, _) => {}
        }
    }

    fn replace(&mut self, snapshot: Snapshot, now: UnixMicros) {
        self.received_at = now;
        self.known = Some(snapshot.clone());
        if snapshot.state.confirm.is_none() {
            self.frames.hide(Window::Confirm);
        }
        self.publish(AgentMessage::Snapshot {
            snapshot: Box::new(snapshot),
        });
    }

    fn change(&mut self, seq: u64, change: Change, now: UnixMicros) {
        let Some(known) = &mut self.known else {
            return;
        };
        if seq <= known.seq {
            return;
        }
        if seq != known.seq + 1 {
            debug!(seq, known = known.seq, "gap in the changes");
            if !self.waiting.values().any(|w| matches!(w, Waiting::Resync)) {
                self.tell(Request::Snapshot, Some(Waiting::Resync));
            }
            return;
        }
        known.seq = seq;
        known.state.apply(change.clone());
        self.received_at = now;
        if matches!(change, Change::Confirm(None)) {
            self.wanted.remove(&Window::Confirm);
            self.frames.hide(Window::Confirm);
        }
        self.publish(AgentMessage::Change { seq, change });
    }

    /// Colleagues are shown in the panel alone, and are not kept here: a page that opens later asks for them.
    fn pass_on(&self, message: AgentMessage, received_at: UnixMicros) {
        let Some(page) = self.pages.get(&Window::Panel) else {
            return;
        };
        let news = News {
            received_at,
            message,
        };
        if let Err(error) = page.send(news) {
            warn!(%error, "panel not reached");
        }
    }

    fn publish(&self, message: AgentMessage) {
        let news = News {
            received_at: self.received_at,
            message,
        };
        for (window, page) in &self.pages {
            if let Err(error) = page.send(news.clone()) {
                warn!(?window, %error, "page not reached");
            }
        }
    }

    fn subscribe(&mut self, window: Window, channel: Channel<News>) {
        if let Some(snapshot) = self.known.clone() {
            let news = News {
                received_at: self.received_at,
                message: AgentMessage::Snapshot {
                    snapshot: Box::new(snapshot),
                },
            };
            if let Err(error) = channel.send(news) {
                warn!(?window, %error, "page not reached");
            }
        }
        self.pages.insert(window, channel);
    }

    fn request(&mut self, window: Window, request: Request, answer: oneshot::Sender<Reply>) {
        if !rights::may(window, &request) {
            warn!(?window, "a page asked for what it may not");
            let refusal = Refusal {
                code: RefusalCode::BadRequest,
                words: "This window may not do that.".into(),
            };
            drop(answer.send(Reply::Refused(refusal)));
            return;
        }
        match (request, &self.known) {
            (Request::Snapshot, Some(snapshot)) => {
                drop(answer.send(Reply::Snapshot(Box::new(snapshot.clone()))));
            }
            (Request::Closed { window }, _) => {
                self.frames.hide(window);
                self.tell(Request::Closed { window }, Some(Waiting::Page(answer)));
            }
            (request, _) => self.tell(request, Some(Waiting::Page(answer))),
        }
    }

    fn laid_out(&mut self, window: Window, what: LaidOut) {
        self.drawn.insert(window);
        if what.empty {
            return;
        }
        if what.height > 0 {
            self.frames.fit(window, what.height);
        }
        // The card shows itself; the others wait for the agent's word.
        if window == Window::Card || self.wanted.remove(&window) {
            self.frames.show(window);
        }
    }

    fn painted(&mut self, painted: Painted, now: UnixMicros) {
        if painted.calls.is_empty() {
            self.frames.hide(Window::Card);
        }
        let request = Request::Painted {
            calls: painted.calls,
            received_at: painted.received_at,
            painted_at: now,
        };
        self.tell(request, None);
    }

    fn show(&mut self, window: Window) {
        // The card shows itself when it has something to show.
        if window == Window::Card {
            return;
        }
        if self.drawn.contains(&window) {
            self.frames.show(window);
        } else {
            self.wanted.insert(window);
            self.frames.open(window);
        }
    }

    /// Requests are numbered from 1 in the order in which the agent's socket takes them.
    fn tell(&mut self, request: Request, waiting: Option<Waiting>) {
        self.waiting
            .retain(|_, w| !matches!(w, Waiting::Page(answer) if answer.is_closed()));
        if self.to_agent.try_send(request).is_err() {
            // Dropping `waiting` answers the page.
            warn!("the agent does not take requests");
            return;
        }
        self.last_id += 1;
        if let Some(waiting) = waiting {
            self.waiting.insert(self.last_id, waiting);
        }
    }
}

fn unix_micros() -> UnixMicros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_micros() as UnixMicros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tauri::ipc::InvokeResponseBody;
    use view::{Card, CardPhase, Confirm, Explanation, Me, Party, People, State};

    type Told = Arc<Mutex<Vec<String>>>;

    struct FakeFrames(Told);

    impl FakeFrames {
        fn note(&self, text: String) {
            self.0.lock().expect("one thread").push(text);
        }
    }

    impl Frames for FakeFrames {
        fn open(&self, window: Window) {
            self.note(format!("open {window:?}"));
        }
        fn fit(&self, window: Window, height: u32) {
            self.note(format!("fit {window:?} {height}"));
        }
        fn show(&self, window: Window) {
            self.note(format!("show {window:?}"));
        }
        fn hide(&self, window: Window) {
            self.note(format!("hide {window:?}"));
        }
        fn take_keyboard(&self) {
            self.note("keyboard".into());
        }
    }

    struct Bench {
        relay: Loop<FakeFrames>,
        told: Told,
        asked: mpsc::Receiver<Request>,
        _agent: mpsc::Sender<AgentMessage>,
    }

    impl Bench {
        fn new() -> Self {
            let (to_agent, asked) = mpsc::channel(8);
            let (agent, from_agent) = mpsc::channel(8);
            let told = Told::default();
            let (relay, _) = Loop::new(FakeFrames(told.clone()), to_agent, from_agent);
            Self {
                relay,
                told,
                asked,
                _agent: agent,
            }
        }

        fn agent(&mut self, message: AgentMessage, now: UnixMicros) {
            self.relay.handle(Tick::Agent(Box::new(message)), now);
        }

        fn snapshot(&mut self, seq: u64, state: State) {
            let snapshot = Box::new(Snapshot { seq, state });
            self.agent(AgentMessage::Snapshot { snapshot }, 1);
        }

        fn page(&mut self, window: Window) -> Told {
            let heard = Told::default();
            let into = heard.clone();
            let channel = Channel::new(move |body| {
                let InvokeResponseBody::Json(text) = body else {
                    panic!("news are JSON");
                };
                into.lock().expect("one thread").push(text);
                Ok(())
            });
            self.relay.handle(Tick::Subscribe { window, channel }, 0);
            heard
        }

        fn ask(&mut self, window: Window, request: Request) -> oneshot::Receiver<Reply> {
            let (answer, answered) = oneshot::channel();
            let tick = Tick::Request {
                window,
                request,
                answer,
            };
            self.relay.handle(tick, 0);
            answered
        }

        fn laid_out(&mut self, window: Window, empty: bool) {
            let what = LaidOut { height: 120, empty };
            self.relay.handle(Tick::LaidOut { window, what }, 0);
        }

        fn painted(&mut self, calls: &[&str], received_at: UnixMicros, now: UnixMicros) {
            let painted = Painted {
                calls: calls.iter().map(|&call| call.to_owned()).collect(),
                received_at,
            };
            self.relay.handle(Tick::Painted(painted), now);
        }

        fn told(&self) -> Vec<String> {
            std::mem::take(&mut self.told.lock().expect("one thread"))
        }
    }

    fn card(call: &str) -> Card {
        Card {
            call: call.into(),
            phase: CardPhase::Ringing,
            party: Party::default(),
            people: People::Asking,
            sources: Vec::new(),
            remembered: None,
            line: None,
            extension: "101".into(),
            since: 0,
            can_hang_up: true,
        }
    }

    fn heard(told: &Told) -> Vec<serde_json::Value> {
        let texts = std::mem::take(&mut *told.lock().expect("one thread"));
        texts
            .iter()
            .map(|text| serde_json::from_str(text).expect("is JSON"))
            .collect()
    }

    #[test]
    fn facts_about_colleagues_reach_the_panel_alone() {
        let mut bench = Bench::new();
        bench.snapshot(1, State::default());
        let (panel, card) = (bench.page(Window::Panel), bench.page(Window::Card));
        let facts = AgentMessage::Facts {
            from_nothing: true,
            facts: Vec::new(),
        };
        bench.agent(facts, 2);
        let heard = |page: &Told| page.lock().expect("one thread").clone();
        assert_eq!(heard(&card).len(), 1, "the snapshot alone");
        assert!(heard(&panel)[1].contains("from_nothing"));
    }

    #[test]
    fn a_window_that_opens_later_gets_the_state_as_of_now() {
        let mut bench = Bench::new();
        bench.snapshot(4, State::default());
        let change = Change::Me(Me {
            extension: "101".into(),
            ..Me::default()
        });
        bench.agent(AgentMessage::Change { seq: 5, change }, 77);
        let page = bench.page(Window::Panel);
        let news = heard(&page);
        assert_eq!(news.len(), 1);
        assert_eq!(news[0]["message"], "snapshot");
        assert_eq!(news[0]["snapshot"]["seq"], 5);
        assert_eq!(news[0]["snapshot"]["state"]["me"]["extension"], "101");
        assert_eq!(news[0]["receivedAt"], 77);
    }

    #[test]
    fn changes_reach_every_page_with_the_time_of_their_arrival() {
        let mut bench = Bench::new();
        bench.snapshot(1, State::default());
        let pages = [bench.page(Window::Card), bench.page(Window::Panel)];
        pages.iter().for_each(|page| drop(heard(page)));
        let change = Change::Cards(vec![card("a")]);
        bench.agent(AgentMessage::Change { seq: 2, change }, 500);
        for page in &pages {
            let news = heard(page);
            assert_eq!(news[0]["receivedAt"], 500);
            assert_eq!(news[0]["seq"], 2);
            assert_eq!(news[0]["change"]["part"], "cards");
            assert_eq!(news[0]["change"]["value"][0]["call"], "a");
        }
    }

    #[test]
    fn a_gap_is_closed_by_one_snapshot() {
        let mut bench = Bench::new();
        bench.snapshot(1, State::default());
        let page = bench.page(Window::Panel);
        heard(&page);
        for seq in [3, 4] {
            let change = Change::Cards(vec![]);
            bench.agent(AgentMessage::Change { seq, change }, 2);
        }
        let asked = bench.asked.try_recv().expect("asks");
        assert_eq!(asked, Request::Snapshot);
        assert!(bench.asked.try_recv().is_err());
        assert!(heard(&page).is_empty());
        let reply = Reply::Snapshot(Box::new(Snapshot {
            seq: 4,
            state: State::default(),
        }));
        bench.agent(AgentMessage::Reply { id: 1, reply }, 3);
        assert_eq!(heard(&page)[0]["snapshot"]["seq"], 4);
    }

    #[test]
    fn the_card_is_shown_when_laid_out_and_hidden_when_painted_empty() {
        let mut bench = Bench::new();
        bench.laid_out(Window::Card, true);
        assert!(bench.told().is_empty());
        bench.laid_out(Window::Card, false);
        assert_eq!(bench.told(), ["fit Card 120", "show Card"]);
        bench.laid_out(Window::Card, true);
        assert!(bench.told().is_empty());
        bench.painted(&[], 50, 60);
        assert_eq!(bench.told(), ["hide Card"]);
    }

    #[test]
    fn the_agent_hears_which_calls_can_be_seen_and_since_when() {
        let mut bench = Bench::new();
        bench.painted(&["a"], 10, 30);
        let asked = bench.asked.try_recv().expect("tells");
        assert_eq!(
            asked,
            Request::Painted {
                calls: vec!["a".into()],
                received_at: 10,
                painted_at: 30
            }
        );
    }

    #[test]
    fn other_windows_are_shown_when_asked_for_and_laid_out() {
        let mut bench = Bench::new();
        let window = Window::Panel;
        bench.laid_out(window, false);
        assert_eq!(bench.told(), ["fit Panel 120"]);
        bench.agent(AgentMessage::Show { window }, 0);
        assert_eq!(bench.told(), ["show Panel"]);

        let window = Window::Settings;
        bench.agent(AgentMessage::Show { window }, 0);
        assert_eq!(bench.told(), ["open Settings"]);
        bench.laid_out(window, false);
        assert_eq!(bench.told(), ["fit Settings 120", "show Settings"]);
        bench.laid_out(window, false);
        assert_eq!(bench.told(), ["fit Settings 120"]);
    }

    #[test]
    fn an_answered_question_takes_its_window_away() {
        let mut bench = Bench::new();
        let confirm = Confirm {
            id: "q".into(),
            program: None,
            text: String::new(),
            explanation: Explanation::Refused {
                words: String::new(),
                steps: vec![],
            },
            from_extension: String::new(),
            trouble: None,
        };
        let state = State {
            confirm: Some(Box::new(confirm)),
            ..State::default()
        };
        bench.snapshot(1, state);
        assert!(bench.told().is_empty());
        let change = Change::Confirm(None);
        bench.agent(AgentMessage::Change { seq: 2, change }, 0);
        assert_eq!(bench.told(), ["hide Confirm"]);
    }

    #[test]
    fn a_page_gets_the_reply_to_its_own_request() {
        let mut bench = Bench::new();
        let call = Some("a".to_owned());
        let mut answered = bench.ask(Window::Card, Request::HangUp { call: call.clone() });
        let asked = bench.asked.try_recv().expect("passes on");
        assert_eq!(asked, Request::HangUp { call });
        assert!(answered.try_recv().is_err());
        let reply = Reply::Done;
        bench.agent(AgentMessage::Reply { id: 1, reply }, 0);
        assert_eq!(answered.try_recv(), Ok(Reply::Done));
    }

    #[test]
    fn what_a_page_may_not_ask_never_reaches_the_agent() {
        let mut bench = Bench::new();
        let mut answered = bench.ask(Window::Card, Request::Quit);
        assert!(matches!(answered.try_recv(), Ok(Reply::Refused(_))));
        assert!(bench.asked.try_recv().is_err());
    }

    #[test]
    fn closing_hides_at_once_and_says_so() {
        let mut bench = Bench::new();
        let window = Window::Panel;
        bench.relay.handle(Tick::CloseButton { window }, 0);
        drop(bench.ask(window, Request::Closed { window }));
        assert_eq!(bench.told(), ["hide Panel", "hide Panel"]);
        for _ in 0..2 {
            let asked = bench.asked.try_recv().expect("tells");
            assert_eq!(asked, Request::Closed { window });
        }
    }

    #[test]
    fn a_page_is_answered_even_when_the_agent_takes_nothing() {
        let mut bench = Bench::new();
        bench.asked.close();
        let mut answered = bench.ask(Window::Panel, Request::Explain { text: "1".into() });
        assert_eq!(
            answered.try_recv(),
            Err(oneshot::error::TryRecvError::Closed)
        );
        assert!(bench.relay.waiting.is_empty());
    }
}
