//! What a scenario is written in: customers call, phones ring, people talk.

use crate::{Recording, Stage};
use anyhow::{Context as _, Result, bail};
use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::time::Duration;
use testkit::asterisk::{Configuration, LAB, ManagerEvent, SIDETONE, Watch};
use testkit::phones::{Customer, PhoneCall, Policy, TRUNK, What};

/// By then whatever is waited for has happened, also on a busy machine.
const SOON: Duration = Duration::from_secs(20);
/// How long phones ring before somebody answers, where the scenario is about something else.
const RING: Duration = Duration::from_millis(800);
/// How long people talk.
const TALK: Duration = Duration::from_millis(1500);

/// The firm's numbers, as customers dial them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Rings 101, who has no mailbox.
    Extension101,
    /// All members ring: 102 and 103.
    Queue,
    /// Rings 101 and 102.
    Group,
    /// 103, then 104, four seconds each.
    QueueInOrder,
    /// 1 is the group.
    Menu,
    /// Rings 104, then the mailbox.
    Mailbox104,
    /// Rings 104 and a mobile phone.
    FollowMe,
    /// 103, 104, 101, three seconds each.
    Hunt,
    /// An extension with two phones.
    Extension105,
    /// Rings 103.
    Extension103,
    /// Rings 101, recorded from before the answer.
    Recorded,
    /// A group whose member is followed; with FreePBX only.
    FollowedGroup,
    /// Rings 104 and a mobile phone that has to press 1; with FreePBX only.
    FollowMeConfirmed,
}

impl Line {
    /// The number as the telephone company delivers it.
    pub const fn number(self) -> &'static str {
        match self {
            Self::Extension101 => "74951230001",
            Self::Queue => "74951230002",
            Self::Group => "74951230003",
            Self::QueueInOrder => "74951230005",
            Self::Menu => "74951230006",
            Self::Mailbox104 => "74951230007",
            Self::FollowMe => "74951230008",
            Self::Hunt => "74951230010",
            Self::Extension105 => "74951230011",
            Self::Extension103 => "74951230012",
            Self::Recorded => "74951230013",
            Self::FollowedGroup => "74951230014",
            Self::FollowMeConfirmed => "74951230015",
        }
    }
}

/// Every phone outside, as [`Take::rings`] knows it.
pub(crate) const TRUNK_PHONE: &str = TRUNK;

/// One playing of a scenario, recorded.
#[derive(Debug)]
pub struct Take<'a> {
    stage: &'a Stage,
    watch: Watch,
    sidetone: Watch,
    /// Sessions of one who loses the link in the middle of each talk; what the ended ones heard.
    returning: RefCell<(Vec<Vec<u8>>, Watch)>,
    first_event: usize,
    first_line: usize,
    /// Calls that were told to the scenario already.
    known: RefCell<HashSet<PhoneCall>>,
    customers: Cell<u32>,
}

impl<'a> Take<'a> {
    pub(crate) fn begin(stage: &'a Stage) -> Result<Self> {
        let phones = &stage.phones;
        for phone in ["101", "102", "103", "104", "105", "105b", TRUNK] {
            phones.set_policy(phone, Policy::Ring)?;
        }
        Ok(Self {
            stage,
            watch: stage.asterisk.record(LAB)?,
            sidetone: stage.asterisk.record(SIDETONE)?,
            returning: RefCell::new((Vec::new(), stage.asterisk.record(SIDETONE)?)),
            first_event: phones.mark(),
            first_line: phones.log().len(),
            known: RefCell::default(),
            customers: Cell::new(0),
        })
    }

    /// Everybody who is still in a call hangs up.
    pub(crate) fn end(self) -> Result<Recording> {
        let phones = &self.stage.phones;
        let (mut began, mut over) = (Vec::new(), HashSet::new());
        for event in phones.events().drain(..).skip(self.first_event) {
            let Some(call) = event.call else { continue };
            if matches!(event.what, What::Ended { .. }) {
                over.insert(call);
            } else if !began.contains(&call) {
                began.push(call);
            }
        }
        for call in began.into_iter().filter(|call| !over.contains(call)) {
            // It may end by itself just now.
            let _ = phones.hang_up(call);
            phones.wait_ended(call, SOON)?;
        }
        self.watch
            .wait_for_all(SOON, |events| channels_left(events) == 0)
            .context("channels are left")?;
        let (mut segments, returning) = self.returning.into_inner();
        for watch in [&self.watch, &self.sidetone, &returning] {
            watch.wait_quiet(Duration::from_millis(150), SOON)?;
        }
        segments.push(returning.received());
        let mut lines = phones.log().split_off(self.first_line);
        lines.sort_by(|one, other| time_of(one).total_cmp(&time_of(other)));
        Ok(Recording {
            ami: self.watch.received(),
            sent: self.watch.sent(),
            ami_of_sidetone: self.sidetone.received(),
            ami_of_returning: segments,
            phones: lines,
        })
    }

    /// The stage itself.
    pub fn stage(&self) -> &Stage {
        self.stage
    }

    pub fn is_freepbx(&self) -> bool {
        self.stage.configuration == Configuration::Freepbx
    }

    /// A customer calls.
    pub fn customer_calls(&self, name: &str, line: Line) -> Result<PhoneCall> {
        let index = self.customers.get() + 1;
        self.customers.set(index);
        let customer = Customer::new(&format!("+7916123450{index}"), name);
        self.calls(&customer, line)
    }

    /// Somebody in particular calls.
    pub fn calls(&self, customer: &Customer, line: Line) -> Result<PhoneCall> {
        let call = self.stage.phones.customer_calls(customer, line.number())?;
        self.known.borrow_mut().insert(call);
        Ok(call)
    }

    /// A phone of the firm dials.
    pub fn dials(&self, phone: &str, number: &str) -> Result<PhoneCall> {
        let call = self.stage.phones.dial(phone, number)?;
        self.known.borrow_mut().insert(call);
        Ok(call)
    }

    /// What a phone does with the calls that come from now on, where nobody decides at the time.
    pub fn policy(&self, phone: &str, policy: Policy) -> Result<()> {
        self.stage.phones.set_policy(phone, policy)
    }

    /// Waits until a phone rings, [`TRUNK_PHONE`] being every phone outside.
    pub fn rings(&self, phone: &str) -> Result<PhoneCall> {
        let found = self
            .stage
            .phones
            .wait_after(self.first_event, SOON, |event| {
                event.phone == phone
                    && matches!(event.what, What::Incoming { .. })
                    && event
                        .call
                        .is_some_and(|call| !self.known.borrow().contains(&call))
            })
            .with_context(|| format!("{phone} does not ring"))?;
        let call = found.call.context("a ringing call without its number")?;
        self.known.borrow_mut().insert(call);
        Ok(call)
    }

    /// Waits until a phone rings, lets it ring for a while and takes the call.
    pub fn answers(&self, phone: &str) -> Result<PhoneCall> {
        let call = self.rings(phone)?;
        self.let_ring();
        self.answer(call)?;
        Ok(call)
    }

    pub fn answer(&self, call: PhoneCall) -> Result<()> {
        self.stage.phones.answer(call)?;
        self.answered(call)
    }

    /// Waits until the other side has answered.
    pub fn answered(&self, call: PhoneCall) -> Result<()> {
        self.stage.phones.wait_answered(call, SOON).map(drop)
    }

    pub fn rejects(&self, call: PhoneCall, code: u16) -> Result<()> {
        self.stage.phones.reject(call, code)?;
        self.ended(call)
    }

    pub fn hang_up(&self, call: PhoneCall) -> Result<()> {
        self.stage.phones.hang_up(call)?;
        self.ended(call)
    }

    /// Hangs up unless the call has just ended by itself.
    pub fn leaves(&self, call: PhoneCall) -> Result<()> {
        let _ = self.stage.phones.hang_up(call);
        self.ended(call)
    }

    /// Waits until a call has ended, whoever ended it.
    pub fn ended(&self, call: PhoneCall) -> Result<()> {
        self.stage.phones.wait_ended(call, SOON).map(drop)
    }

    pub fn hold(&self, call: PhoneCall) -> Result<()> {
        self.stage.phones.hold(call)?;
        self.event(|event| event.is("Hold")).map(drop)
    }

    pub fn unhold(&self, call: PhoneCall) -> Result<()> {
        self.stage.phones.unhold(call)?;
        self.event(|event| event.is("Unhold")).map(drop)
    }

    pub fn presses(&self, call: PhoneCall, keys: &str) -> Result<()> {
        self.stage.phones.press(call, keys)
    }

    /// Sends the other side elsewhere by REFER; the phone leaves when it hears that this is done.
    pub fn refers(&self, call: PhoneCall, to: &str) -> Result<()> {
        self.stage.phones.transfer(call, to)
    }

    /// Joins the other sides of two calls by REFER with Replaces.
    pub fn joins(&self, call: PhoneCall, other: PhoneCall) -> Result<()> {
        self.stage.phones.join(call, other)
    }

    /// The scenario is about these moments, therefore they are slept.
    pub fn let_ring(&self) {
        std::thread::sleep(RING);
    }

    /// In the middle of it one client loses its link.
    pub fn talk(&self) -> Result<()> {
        std::thread::sleep(TALK / 2);
        self.lose_link()?;
        std::thread::sleep(TALK / 2);
        Ok(())
    }

    /// A session ends, and the next one asks for the lists from which the engine rebuilds its state.
    fn lose_link(&self) -> Result<()> {
        let mut returning = self.returning.borrow_mut();
        let heard = returning.1.received();
        returning.0.push(heard);
        returning.1 = self.stage.asterisk.record(SIDETONE)?;
        let room = [("Action", "ConfbridgeList"), ("Conference", "800")];
        let lists: [&[(&str, &str)]; 6] = [
            &[("Action", "BridgeList")],
            &[("Action", "ParkedCalls")],
            &[("Action", "ConfbridgeListRooms")],
            &room,
            &[("Action", "QueueStatus")],
            // Last: with its end the rebuilding begins.
            &[("Action", "CoreShowChannels")],
        ];
        for list in lists {
            // Asterisk refuses to list what there is none of.
            returning.1.action(list)?;
        }
        returning
            .1
            .wait_for(SOON, |event| event.is("CoreShowChannelsComplete"))
            .map(drop)
    }

    /// Sends an action that must succeed.
    pub fn action(&self, headers: &[(&str, &str)]) -> Result<ManagerEvent> {
        let reply = self.watch.action(headers)?;
        if reply.get("Response") != Some("Success") {
            bail!(
                "{headers:?} was refused: {}",
                reply.get("Message").unwrap_or_default()
            );
        }
        Ok(reply)
    }

    /// A click on a number: the agent's phone first, then the number.
    pub fn click(&self, agent: &str, number: &str) -> Result<()> {
        let context = self.stage.configuration.context();
        let channel = match self.stage.configuration {
            Configuration::Plain => format!("PJSIP/{agent}"),
            // There an extension is more than its phone.
            Configuration::Freepbx => format!("Local/{agent}@{context}/n"),
        };
        self.action(&[
            ("Action", "Originate"),
            ("Channel", &channel),
            ("ChannelId", &click_id(agent)),
            ("OtherChannelId", &format!("{}-2", click_id(agent))),
            ("Context", context),
            ("Exten", number),
            ("Priority", "1"),
            ("CallerID", number),
            ("Timeout", "20000"),
            ("Async", "true"),
        ])
        .map(drop)
    }

    /// Name of the newest channel of a phone that is not hung up, from what the manager interface said.
    pub fn channel(&self, phone: &str) -> Result<String> {
        let prefix = format!("PJSIP/{phone}-");
        let events = self.watch.all(|event| {
            event
                .get("Channel")
                .is_some_and(|name| name.starts_with(&prefix))
        });
        let is_gone = |name: &str| {
            events
                .iter()
                .any(|event| event.is("Hangup") && event.get("Channel") == Some(name))
        };
        events
            .iter()
            .filter(|event| event.is("Newchannel"))
            .filter_map(|event| event.get("Channel"))
            .rfind(|name| !is_gone(name))
            .map(str::to_owned)
            .with_context(|| format!("{phone} has no channel"))
    }

    /// Waits for an event, past or still to come.
    pub fn event(&self, accept: impl FnMut(&ManagerEvent) -> bool) -> Result<ManagerEvent> {
        self.watch.wait_for(SOON, accept)
    }
}

/// The ChannelId of [`Take::click`].
pub fn click_id(agent: &str) -> String {
    format!("click-{agent}")
}

fn channels_left(events: &VecDeque<ManagerEvent>) -> usize {
    let ids = |name: &str| -> HashSet<&str> {
        events
            .iter()
            .filter(|event| event.is(name))
            .filter_map(|event| event.get("Uniqueid"))
            .collect()
    };
    ids("Newchannel").difference(&ids("Hangup")).count()
}

/// The `t` at the beginning of each line of the phones' log.
fn time_of(line: &str) -> f64 {
    line.split_once("\"t\": ")
        .and_then(|(_, rest)| rest.split([',', '}']).next())
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or_default()
}
