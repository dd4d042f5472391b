//! A made-up agent for looking at the windows: start it, then `sidetone-ui`, in the same `XDG_RUNTIME_DIR`.
//! `scripted_agent panel|confirm|settings|card|all` shows what it says; `scripted_agent bench 30` rings so many times
//! and prints how long each card took from the event to the painted window.
#![expect(clippy::print_stdout, reason = "a tool for people")]

use agent_link::{ClientId, Place, Server, ServerEvent};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::sleep;
use view::{
    AgentMessage, Card, CardPhase, Change, ClientMessage, Confirm, Connection, CountryOption, Dial,
    DialEnd, DialStep, Direction, Explanation, Kind, Lamp, Me, Party, People, Person, Recent,
    RecentOutcome, Reply, Request, SecretState, Settings, SettingsView, Snapshot, State,
    TestReport, Tick, TickState, WhyStep, Window,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scene = std::env::args().nth(1).unwrap_or_else(|| "all".into());
    let count = std::env::args()
        .nth(2)
        .and_then(|n| n.parse().ok())
        .unwrap_or(30);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut server = Server::bind(&Place::of_this_user()?)?;
        let client = loop {
            if let Some(ServerEvent::Connected { client, .. }) = server.next().await {
                break client;
            }
        };
        let agent = Agent {
            server,
            client,
            state: busy(),
            seq: 1,
        };
        agent.play(&scene, count).await;
        Ok(())
    })
}

struct Agent {
    server: Server,
    client: ClientId,
    state: State,
    seq: u64,
}

impl Agent {
    async fn play(mut self, scene: &str, count: usize) {
        if scene == "bench" {
            self.state.confirm = None;
        }
        let snapshot = Box::new(Snapshot {
            seq: self.seq,
            state: self.state.clone(),
        });
        self.say(&AgentMessage::Snapshot { snapshot });
        let windows: &[Window] = match scene {
            "bench" => return self.bench(count).await,
            "panel" => &[Window::Panel],
            "confirm" => &[Window::Confirm],
            "settings" => &[Window::Settings],
            "card" | "idle" => &[],
            _ => &[Window::Settings, Window::Panel, Window::Confirm],
        };
        for &window in windows {
            self.say(&AgentMessage::Show { window });
        }
        if matches!(scene, "all" | "card") {
            self.change(Change::Cards(vec![card("1", ada()), talking()]));
        }
        while let Some(message) = self.asked().await {
            println!("{message:?}");
            self.answer(message);
        }
    }

    /// What the windows ask next; `None`: they have gone.
    async fn asked(&mut self) -> Option<ClientMessage> {
        loop {
            match self.server.next().await? {
                ServerEvent::Request { message, .. } => return Some(message),
                ServerEvent::Gone { client } if client == self.client => return None,
                ServerEvent::Gone { .. } | ServerEvent::Connected { .. } => {}
            }
        }
    }

    fn answer(&mut self, ClientMessage { id, request }: ClientMessage) {
        let mut after = None;
        let mut reply = Reply::Done;
        match request {
            Request::Explain { text } => reply = Reply::Explanation(explain(&text)),
            Request::Show { window } => self.say(&AgentMessage::Show { window }),
            Request::HideCard { call } => {
                let left = self
                    .state
                    .cards
                    .iter()
                    .filter(|card| card.call != call)
                    .cloned();
                after = Some(Change::Cards(left.collect()));
            }
            Request::ConfirmDial { .. } | Request::DismissConfirm { .. } => {
                after = Some(Change::Confirm(None))
            }
            Request::TestSettings { .. } => after = Some(Change::Test(Some(report()))),
            Request::Dial { .. } => reply = Reply::Dialling { dial: "d".into() },
            Request::Snapshot
            | Request::Cancel { .. }
            | Request::HangUp { .. }
            | Request::ForgetDial { .. }
            | Request::SaveSettings { .. }
            | Request::TakeLinks
            | Request::Enrol { .. }
            | Request::ConfirmEnrol { .. }
            | Request::DismissEnrol { .. }
            | Request::SignOut
            | Request::Follow { .. }
            | Request::Wish { .. }
            | Request::SaveConnector { .. }
            | Request::RemoveConnector { .. }
            | Request::MoveConnector { .. }
            | Request::TestConnector { .. }
            | Request::ReadConnectorFile { .. }
            | Request::SignInConnector { .. }
            | Request::OpenLink { .. }
            | Request::Closed { .. }
            | Request::Painted { .. }
            | Request::Status
            | Request::Quit => {}
        }
        self.say(&AgentMessage::Reply { id, reply });
        if let Some(change) = after {
            self.change(change);
        }
    }

    /// Rings `count` times on the prepared window; each time waits until it is painted and takes the card away.
    async fn bench(&mut self, count: usize) {
        sleep(Duration::from_secs(3)).await;
        let mut took = Vec::new();
        for i in 0..count {
            let call = format!("b{i}");
            let rang = unix_micros();
            self.change(Change::Cards(vec![card(&call, ada())]));
            took.push(self.painted(&[call]).await.saturating_sub(rang));
            sleep(Duration::from_millis(200)).await;
            self.change(Change::Cards(vec![]));
            self.painted(&[]).await;
            sleep(Duration::from_millis(300)).await;
        }
        println!("first: {} ms", took[0] as f64 / 1000.0);
        took.sort_unstable();
        let at = |share: usize| took[(took.len() - 1) * share / 100] as f64 / 1000.0;
        let (median, p95, least, most) = (at(50), at(95), at(0), at(100));
        println!(
            "event to painted, {count} times: median {median} ms, p95 {p95} ms, {least} to {most} ms"
        );
        self.say(&AgentMessage::End);
        // The windows go when they have read it.
        while self.asked().await.is_some() {}
    }

    async fn painted(&mut self, wanted: &[String]) -> u64 {
        while let Some(ClientMessage { request, .. }) = self.asked().await {
            if let Request::Painted {
                calls, painted_at, ..
            } = request
                && calls == wanted
            {
                return painted_at;
            }
        }
        0
    }

    fn change(&mut self, change: Change) {
        self.seq += 1;
        self.state.apply(change.clone());
        let seq = self.seq;
        self.say(&AgentMessage::Change { seq, change });
    }

    fn say(&mut self, message: &AgentMessage) {
        self.server.send(self.client, message);
    }
}

fn unix_micros() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_micros() as u64)
}

/// Unix milliseconds, so many seconds ago.
fn ago(seconds: u64) -> u64 {
    unix_micros() / 1000 - seconds * 1000
}

fn person(name: &str, company: &str) -> Person {
    Person {
        name: name.into(),
        company: Some(company.into()),
        source: "contacts.vcf".into(),
        ..Person::default()
    }
}

fn ada() -> People {
    People::One {
        person: person("Ada Lovelace", "Analytical Engines Ltd"),
    }
}

fn party(number: &str) -> Party {
    Party {
        number: Some(number.into()),
        name: None,
    }
}

fn card(call: &str, people: People) -> Card {
    Card {
        call: call.into(),
        phase: CardPhase::Ringing,
        party: party("+44 20 7946 0958"),
        people,
        sources: Vec::new(),
        remembered: None,
        line: Some("Sales line".into()),
        extension: "101".into(),
        since: ago(3),
        can_hang_up: true,
    }
}

fn talking() -> Card {
    Card {
        phase: CardPhase::Talking {
            talking_since: ago(221),
        },
        party: party("+49 30 9018 2200"),
        line: None,
        ..card(
            "2",
            People::Several {
                people: vec![
                    person("Иван Иванов", "ООО Ромашка"),
                    person("Мария Иванова", "ООО Ромашка"),
                ],
            },
        )
    }
}

fn explain(text: &str) -> Explanation {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return Explanation::Refused {
            words: "There is no number in this text.".into(),
            steps: vec![],
        };
    }
    let step = |what: &str, result: &str| WhyStep {
        what: what.into(),
        result: result.into(),
    };
    Explanation::Dials {
        kind: Kind::National,
        display: "+44 20 7946 0958".into(),
        dials: format!("9{digits}"),
        steps: vec![
            step("as given", text),
            step("read as a number of the United Kingdom", "+442079460958"),
            step("outside line “9”", &format!("9{digits}")),
        ],
        question: None,
        people: ada(),
    }
}

fn busy() -> State {
    let dial = |id: &str, step| Dial {
        id: id.into(),
        display: "+39 02 1234 567".into(),
        dials: "0039021234567".into(),
        people: People::Nobody,
        step,
        since: ago(4),
        reached: vec![],
        can_cancel: true,
    };
    let recent = |call: &str, direction, who, number, seconds, outcome| Recent {
        call: call.into(),
        direction,
        party: party(number),
        person: who,
        line: None,
        at: ago(seconds),
        outcome,
        call_back: Some(number.into()),
    };
    State {
        connection: Connection::Connected {
            pbx: "office PBX".into(),
            version: "Asterisk 20.19.0".into(),
            lag_ms: Some(4),
            since: ago(3600),
        },
        me: Me {
            extension: "101".into(),
            lamp: Lamp::Ringing,
            phone_trouble: None,
        },
        dials: vec![
            dial(
                "1",
                DialStep::Ended {
                    end: DialEnd::YourPhoneOffline,
                    words: DialEnd::YourPhoneOffline.words("101"),
                },
            ),
            dial("2", DialStep::RingingThere),
        ],
        recent: vec![
            recent(
                "1",
                Direction::Incoming,
                Some(person("Grace Hopper", "Support queue")),
                "+442079460991",
                900,
                RecentOutcome::Missed,
            ),
            recent(
                "2",
                Direction::Outgoing,
                Some(person("Karl Weiss", "Weiss GmbH")),
                "+49301234567",
                5400,
                RecentOutcome::Talked { seconds: 372 },
            ),
            recent(
                "3",
                Direction::Incoming,
                Some(person("Мария Иванова", "ООО Ромашка")),
                "+79062195047",
                9000,
                RecentOutcome::AnsweredElsewhere { by: "103".into() },
            ),
            recent(
                "4",
                Direction::Incoming,
                None,
                "+1 212 555 0100",
                95_000,
                RecentOutcome::Talked { seconds: 40 },
            ),
        ],
        confirm: Some(Box::new(Confirm {
            id: "q".into(),
            program: Some("Chromium".into()),
            text: "tel:+442079460958".into(),
            explanation: explain("+442079460958"),
            from_extension: "101".into(),
            trouble: None,
        })),
        settings: SettingsView {
            settings: Settings {
                pbx_host: "pbx.example.com".into(),
                user: "sidetone".into(),
                extension: "101".into(),
                contacts_file: "/home/anna/contacts.vcf".into(),
                ..Settings::default()
            },
            secret: SecretState::Stored,
            managed: vec![],
            countries: ["DE", "GB", "RU"]
                .map(|code| CountryOption {
                    code: code.into(),
                    calling_code: "+44".into(),
                })
                .to_vec(),
            phones: vec![],
            connectors: Default::default(),
            contacts: Some("3 people, 1 entry skipped: line 12 has no end".into()),
        },
        ..State::default()
    }
}

fn report() -> TestReport {
    let tick = |state, words: &str| Tick {
        state,
        words: words.into(),
    };
    TestReport {
        connection: tick(
            TickState::Passed,
            "Connected to office PBX (Asterisk 20.19.0); sidetone may originate.",
        ),
        phone: tick(
            TickState::Failed,
            "Your phone 101 is not registered. Check that it is switched on.",
        ),
        links: tick(TickState::Running, ""),
    }
}
