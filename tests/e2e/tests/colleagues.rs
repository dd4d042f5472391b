//! Colleagues in the panel window: their lamps as the phones stand, and a call that is passed on to one of them.
#![cfg(target_os = "linux")]

use agent_link::{Place, Receiver, Sender};
use e2e::scene::{DIRECT_LINE, Through};
use e2e::{Scene, Setup};
use std::time::Duration;
use testkit::phones::Customer;
use view::{AgentMessage, KeepWindows, Reply, Request, Window};
use wire::{Answer, CallState, Fact, Lamp, Mine, Order};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn lamps_are_as_the_phones_and_a_call_is_passed_on() {
    let scene = scene();
    let mut panel = Panel::open(&scene).await;
    panel
        .until("102 is free", |facts| lamp(facts, "102", Lamp::Idle))
        .await;

    let call = scene.phones.dial("103", "102").expect("103 calls");
    panel
        .until("102 rings", |facts| lamp(facts, "102", Lamp::Ringing))
        .await;
    let theirs = scene.phones.wait_incoming("102", 0, SOON).expect("rings");
    scene.phones.answer(theirs).expect("answer");
    panel
        .until("102 talks", |facts| lamp(facts, "102", Lamp::InUse))
        .await;
    scene.phones.hang_up(call).expect("hang up");
    panel
        .until("103 is free", |facts| lamp(facts, "103", Lamp::Idle))
        .await;

    let customer = Customer::new("+442079460958", "ADA L");
    scene
        .phones
        .customer_calls(&customer, DIRECT_LINE)
        .expect("call");
    let mine = scene.phones.wait_incoming("101", 0, SOON).expect("rings");
    scene.phones.answer(mine).expect("answer");
    panel.until("I talk", |facts| talked(facts).is_some()).await;
    let call = talked(&panel.facts);
    let order = Order::BlindTransfer { to: "103".into() };
    let answer = panel.wish(wire::Request::Order { call, order }).await;
    assert_eq!(answer, Answer::Done);
    scene
        .phones
        .wait_incoming("103", 0, SOON)
        .expect("103 rings");
    panel
        .until("103 rings", |facts| lamp(facts, "103", Lamp::Ringing))
        .await;
    panel
        .until("I am free", |facts| talked(facts).is_none())
        .await;
}

/// The test takes the place of the window program. In server mode that has been started by the question for settings.
fn scene() -> Scene {
    let mut setup = Setup {
        through: Through::Direct,
        ..Setup::default()
    };
    setup.settings.keep_windows = KeepWindows::OnDemand;
    Scene::start(&setup).expect("a scene")
}

/// The panel window with its colleagues open.
struct Panel {
    sender: Sender,
    receiver: Receiver,
    facts: Vec<Fact>,
}

impl Panel {
    async fn open(scene: &Scene) -> Self {
        let folder = scene.session.runtime_folder().join("sidetone");
        let place = Place::at(folder).expect("a place");
        let (sender, receiver) = agent_link::connect(&place).await.expect("connects");
        let mut panel = Self {
            sender,
            receiver,
            facts: Vec::new(),
        };
        let window = Window::Panel;
        panel.ask(Request::Show { window }).await;
        panel.ask(Request::Follow { on: true }).await;
        panel
    }

    async fn wish(&mut self, wish: wire::Request) -> Answer {
        let request_id = "w1".to_owned();
        let reply = self.ask(Request::Wish { request_id, wish }).await;
        let Reply::Answer(answer) = reply else {
            panic!("{reply:?}")
        };
        answer
    }

    async fn ask(&mut self, request: Request) -> Reply {
        let asked = self.sender.send(request).await.expect("sent");
        loop {
            let message = self.hear().await;
            if let AgentMessage::Reply { id, reply } = message {
                assert_eq!(id, asked, "one question at a time");
                return reply;
            }
            self.take(message);
        }
    }

    async fn until(&mut self, what: &str, accept: impl Fn(&[Fact]) -> bool) {
        while !accept(&self.facts) {
            let heard = tokio::time::timeout(SOON, self.hear()).await;
            let message = heard.unwrap_or_else(|_| panic!("{what}: {:?}", self.facts));
            self.take(message);
        }
    }

    async fn hear(&mut self) -> AgentMessage {
        let heard = tokio::time::timeout(SOON, self.receiver.next()).await;
        heard.expect("in time").expect("a message").expect("a line")
    }

    fn take(&mut self, message: AgentMessage) {
        let AgentMessage::Facts {
            from_nothing,
            facts,
        } = message
        else {
            return;
        };
        if from_nothing {
            self.facts.clear();
        }
        for fact in facts {
            self.facts.retain(|known| name(known) != name(&fact));
            self.facts.push(fact);
        }
    }
}

fn lamp(facts: &[Fact], number: &str, wanted: Lamp) -> bool {
    facts.iter().any(|fact| {
        matches!(fact, Fact::Extension { value: Some(shown), .. }
            if shown.extension == number && shown.lamp == wanted)
    })
}

/// The own call that is talked.
fn talked(facts: &[Fact]) -> Option<String> {
    facts.iter().find_map(|fact| {
        let Fact::Call { value, .. } = fact else {
            return None;
        };
        let is_talked =
            |call: &&wire::Call| call.mine == Mine::Up && call.state == CallState::Talking;
        value.as_ref().filter(is_talked).map(|call| call.id.clone())
    })
}

fn name(fact: &Fact) -> (std::mem::Discriminant<Fact>, &str) {
    let key = match fact {
        Fact::Me { .. } | Fact::Phone { .. } => "",
        Fact::Pbx { key, .. }
        | Fact::Call { key, .. }
        | Fact::Dial { key, .. }
        | Fact::Extension { key, .. }
        | Fact::Queue { key, .. }
        | Fact::Parked { key, .. }
        | Fact::Missed { key, .. } => key,
    };
    (std::mem::discriminant(fact), key)
}
