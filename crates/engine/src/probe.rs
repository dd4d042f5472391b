//! Tries settings over a connection of its own: can we log in, may we do what we need, is the phone there?

use crate::{
    Config, Desk, PhoneState, TestReport, Verdict,
    link::link_config,
    phone::of_device,
    words::{no_right, sentence},
};
use ami::{
    Action, ActionId, DeviceStatus, Event, FieldValue, Message, Originate, Refusal, Response,
    Rights, SessionEvent, Uniqueid,
};
use ami_client::{Link, LinkError, LinkEvent, SendError};
use std::time::Duration;
use tokio::time::timeout;

/// A person waits for it.
const LIMIT: Duration = Duration::from_secs(15);
/// The answer of an Originate that cannot ring comes in milliseconds.
const EVENT_LIMIT: Duration = Duration::from_secs(3);
/// A phone that no PBX has: an Originate to it ends at once and rings nobody.
const NO_PHONE: &str = "PJSIP/sidetone-test-rings-nobody";

/// Looks at everything within [`LIMIT`]. `random` keeps its channel apart from those of other programs.
pub(crate) async fn probe(config: &Config, random: u64) -> TestReport {
    let link = match link_config(&config.pbx) {
        Ok(link) => link,
        Err(words) => return not_connected(words),
    };
    let mut probe = Probe {
        link: Link::new(link),
        findings: Findings::default(),
    };
    match timeout(LIMIT, probe.run(config, random)).await {
        Ok(Ok(())) => probe.findings.report(config),
        Ok(Err(why)) => not_connected(sentence(&why)),
        Err(_) => not_connected(format!("{} did not answer in time.", config.pbx.host)),
    }
}

pub(crate) fn too_many() -> TestReport {
    not_connected("Other tests are still running; try again when they have ended.".into())
}

fn not_connected(words: String) -> TestReport {
    let phone = "Not tried: there is no connection to the phone system.".into();
    TestReport {
        connection: Verdict {
            passed: false,
            words,
        },
        phone: Verdict {
            passed: false,
            words: phone,
        },
    }
}

struct Probe {
    link: Link,
    findings: Findings,
}

/// What the PBX has told.
#[derive(Default)]
struct Findings {
    version: u32,
    rights: Option<Rights>,
    devices_listed: bool,
    phone: Option<PhoneState>,
    /// `Message` of the refusal.
    originate_refused: Option<String>,
    /// An event of class `call` arrived.
    hears_calls: bool,
}

/// What one thing heard from the link means for the step that waits.
enum Heard {
    Up(u32),
    Rights(Rights),
    Refused(String),
    Listed,
    Accepted,
    Device(Option<PhoneState>),
    OriginateResponse,
    Other,
}

impl Probe {
    async fn run(&mut self, config: &Config, random: u64) -> Result<(), String> {
        let device = config.desk.channel.as_str();
        loop {
            if let Heard::Up(version) = self.hear(None, device).await? {
                self.findings.version = version;
                break;
            }
        }
        self.ask_rights(device).await?;
        self.ask_phone(device).await?;
        let rights = self.findings.rights.as_ref();
        if rights.is_none_or(|rights| rights.allows("Originate")) {
            self.ask_events(config, random).await?;
        }
        Ok(())
    }

    /// Open to every user, and lists exactly what his write classes allow.
    async fn ask_rights(&mut self, device: &str) -> Result<(), String> {
        let id = self.send(&Action::ListCommands)?;
        loop {
            match self.hear(Some(id), device).await? {
                Heard::Rights(rights) => {
                    self.findings.rights = Some(rights);
                    return Ok(());
                }
                Heard::Refused(_) => return Ok(()),
                Heard::Up(_)
                | Heard::Listed
                | Heard::Accepted
                | Heard::Device(_)
                | Heard::OriginateResponse
                | Heard::Other => {}
            }
        }
    }

    async fn ask_phone(&mut self, device: &str) -> Result<(), String> {
        let id = self.send(&Action::DeviceStateList)?;
        loop {
            match self.hear(Some(id), device).await? {
                Heard::Device(state) => self.findings.phone = state.or(self.findings.phone),
                Heard::Refused(_) => return Ok(()),
                Heard::Listed => {
                    self.findings.devices_listed = true;
                    return Ok(());
                }
                Heard::Up(_)
                | Heard::Rights(_)
                | Heard::Accepted
                | Heard::OriginateResponse
                | Heard::Other => {}
            }
        }
    }

    /// The read classes of a user cannot be asked for. An Originate to a phone that does not exist rings nobody, and
    /// its OriginateResponse is an event of class `call`.
    async fn ask_events(&mut self, config: &Config, random: u64) -> Result<(), String> {
        let field = |text: &str| FieldValue::new(text).map_err(|why| why.to_string());
        let originate = Originate {
            channel: field(NO_PHONE)?,
            channel_id: Uniqueid::from(format!("sidetone-test-{random:016x}")),
            exten: field(&config.desk.extension)?,
            context: field(&config.desk.context)?,
            priority: 1,
            timeout: Duration::from_secs(1),
            connected_line: None,
            caller_id: None,
            early_media: false,
            account: None,
            variables: Vec::new(),
        };
        let id = self.send(&Action::Originate(originate))?;
        match timeout(EVENT_LIMIT, self.await_event(id, &config.desk.channel)).await {
            Ok(result) => result,
            Err(_) => Ok(()),
        }
    }

    async fn await_event(&mut self, id: ActionId, device: &str) -> Result<(), String> {
        loop {
            match self.hear(Some(id), device).await? {
                Heard::OriginateResponse => {
                    self.findings.hears_calls = true;
                    return Ok(());
                }
                Heard::Refused(why) => {
                    self.findings.originate_refused = Some(why);
                    return Ok(());
                }
                Heard::Up(_)
                | Heard::Rights(_)
                | Heard::Listed
                | Heard::Accepted
                | Heard::Device(_)
                | Heard::Other => {}
            }
        }
    }

    fn send(&mut self, action: &Action) -> Result<ActionId, String> {
        self.link
            .send(action)
            .map_err(|why: SendError| why.to_string())
    }

    /// The next thing that is said about `asked`; the first failure of the connection ends the test.
    async fn hear(&mut self, asked: Option<ActionId>, device: &str) -> Result<Heard, String> {
        Ok(match self.link.next().await {
            LinkEvent::Up { asterisk } => Heard::Up(asterisk),
            LinkEvent::Down { why, .. } => return Err(LinkError::to_string(&why)),
            LinkEvent::Session(event) => heard(&event, asked, device),
            LinkEvent::Connecting { .. } | LinkEvent::Lag(_) => Heard::Other,
        })
    }
}

fn heard(event: &SessionEvent<'_>, asked: Option<ActionId>, device: &str) -> Heard {
    match event {
        SessionEvent::Reply {
            action_id,
            action,
            response,
            message,
        } if Some(*action_id) == asked => replied(action, *response, message),
        SessionEvent::ListItem {
            event:
                Event::DeviceStateChange {
                    device: name,
                    state,
                },
            ..
        } if *name == *device => Heard::Device(of_device(DeviceStatus::from_word(state.bytes()))),
        SessionEvent::ListComplete { action_id, .. } if Some(*action_id) == asked => Heard::Listed,
        SessionEvent::TimedOut { action_id, .. } if Some(*action_id) == asked => {
            Heard::Refused("no answer in time".into())
        }
        // Ours or another's: it was heard.
        SessionEvent::Event(Event::OriginateResponse(_)) => Heard::OriginateResponse,
        SessionEvent::Reply { .. }
        | SessionEvent::ListItem { .. }
        | SessionEvent::ListComplete { .. }
        | SessionEvent::TimedOut { .. }
        | SessionEvent::Event(_)
        | SessionEvent::Banner(_)
        | SessionEvent::LoggedIn
        | SessionEvent::LoginRefused { .. }
        | SessionEvent::LoginTimedOut
        | SessionEvent::Unanswered { .. }
        | SessionEvent::Lag(_)
        | SessionEvent::Silent(_) => Heard::Other,
    }
}

fn replied(action: &str, response: Response, message: &Message<'_>) -> Heard {
    if response == Response::Error {
        let why = message.get("Message").map(|text| text.text().into_owned());
        return Heard::Refused(why.unwrap_or_default());
    }
    if action == "ListCommands" {
        Heard::Rights(Rights::from_list_commands(message))
    } else {
        Heard::Accepted
    }
}

impl Findings {
    fn report(&self, config: &Config) -> TestReport {
        let connection = match self.trouble(config) {
            Some(words) => Verdict {
                passed: false,
                words,
            },
            None => Verdict {
                passed: true,
                words: format!(
                    "Connected to Asterisk {} at {}.",
                    self.version, config.pbx.host
                ),
            },
        };
        TestReport {
            connection,
            phone: self.phone(config),
        }
    }

    /// The first right that is missing.
    fn trouble(&self, config: &Config) -> Option<String> {
        let Desk {
            context, extension, ..
        } = &config.desk;
        let user = &config.pbx.user;
        if let Some(rights) = &self.rights {
            let needed = ["Originate", "Hangup", "CoreShowChannels"];
            let mut missing = needed.iter().filter_map(|action| rights.missing(action));
            if let Some(class) = missing.find_map(|missing| missing.classes().first().copied()) {
                return Some(format!("Connected, but {}", no_right(user, class.as_str())));
            }
        }
        match self.originate_refused.as_deref().map(Refusal::new) {
            Some(Refusal::PermissionDenied) => {
                Some(format!("Connected, but {}", no_right(user, "originate")))
            }
            Some(Refusal::NoSuchExtension) => Some(format!(
                "Connected, but the context “{context}” does not know {extension}: check own extension and context."
            )),
            Some(why) => Some(format!("Connected, but calls are refused: {}", why.words())),
            None if !self.hears_calls => Some(format!(
                "Connected, but the AMI user “{user}” hears of no calls; add “call” to the line read= of this user in manager.conf."
            )),
            None => None,
        }
    }

    fn phone(&self, config: &Config) -> Verdict {
        let Desk {
            extension, channel, ..
        } = &config.desk;
        let failed = |words| Verdict {
            passed: false,
            words,
        };
        match self.phone {
            Some(PhoneState {
                registered: Some(true),
                ..
            }) => Verdict {
                passed: true,
                words: format!("Your phone {extension} is registered."),
            },
            Some(PhoneState {
                registered: Some(false),
                ..
            }) => failed(format!(
                "Your phone {extension} is not registered: switch it on, or check its account."
            )),
            Some(PhoneState {
                registered: None, ..
            })
            | None
                if self.devices_listed =>
            {
                failed(format!(
                    "The phone system has no phone {channel}: check own channel in the settings."
                ))
            }
            Some(PhoneState {
                registered: None, ..
            })
            | None => failed(format!(
                "Cannot see whether {channel} is registered: {}",
                no_right(&config.pbx.user, "reporting")
            )),
        }
    }
}
