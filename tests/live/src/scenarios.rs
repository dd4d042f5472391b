//! Every scenario by its name.

mod calls;
mod clicks;
mod groups;
mod services;
mod transfers;

use crate::Take;
use anyhow::Result;
use testkit::asterisk::Configuration;

/// Something that happens on the telephone every day.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// As in `cargo xtask record-trace NAME`.
    pub name: &'static str,
    /// What happens, in a sentence.
    pub about: &'static str,
    on: &'static [Configuration],
    /// One of those that every test run plays.
    pub quick: bool,
    /// The extension whose click it begins with, see [`Take::click`].
    pub click: Option<&'static str>,
    pub(crate) play: fn(&Take<'_>) -> Result<()>,
}

impl Scenario {
    const fn new(
        name: &'static str,
        about: &'static str,
        play: fn(&Take<'_>) -> Result<()>,
    ) -> Self {
        Self {
            name,
            about,
            on: &Configuration::ALL,
            quick: false,
            click: None,
            play,
        }
    }

    const fn quick(mut self) -> Self {
        self.quick = true;
        self
    }

    const fn click(mut self, agent: &'static str) -> Self {
        self.click = Some(agent);
        self
    }

    /// For what only a dialplan like FreePBX's does.
    const fn on_freepbx(mut self) -> Self {
        self.on = &[Configuration::Freepbx];
        self
    }

    pub fn is_for(&self, configuration: Configuration) -> bool {
        self.on.contains(&configuration)
    }
}

/// The scenario of that name.
pub fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

pub const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "click_to_call_answered",
        "the agent answers, then the customer; the agent hangs up",
        clicks::answered,
    )
    .click("101")
    .quick(),
    Scenario::new(
        "click_to_call_rejected",
        "the agent rejects: the customer is never called",
        clicks::rejected,
    )
    .click("101"),
    Scenario::new(
        "click_to_call_busy",
        "the agent answers, the customer is busy",
        clicks::busy,
    )
    .click("101"),
    Scenario::new(
        "click_to_call_agents_voicemail",
        "the agent rejects and his mailbox answers in his place",
        clicks::agents_voicemail,
    )
    .click("102")
    .on_freepbx()
    .quick(),
    Scenario::new(
        "click_to_call_no_answer",
        "the agent answers, the customer rings; the agent gives up",
        clicks::no_answer,
    )
    .click("101"),
    Scenario::new(
        "click_to_call_cancelled",
        "the click is taken back while the agent's phone rings",
        clicks::cancelled,
    )
    .click("101"),
    Scenario::new(
        "click_then_transfer_to_queue",
        "the agent sends the customer whom he called to the queue, 102 answers",
        clicks::then_transfer_to_queue,
    )
    .click("101"),
    Scenario::new(
        "incoming_answered",
        "a customer with a Cyrillic name calls, 101 answers, the customer hangs up",
        calls::answered,
    )
    .quick(),
    Scenario::new(
        "incoming_agent_hangs_up",
        "the same, 101 hangs up",
        calls::agent_hangs_up,
    ),
    Scenario::new(
        "incoming_missed",
        "101 rings until Asterisk gives up",
        calls::missed,
    ),
    Scenario::new(
        "incoming_caller_gives_up",
        "the customer hangs up while 101 rings",
        calls::caller_gives_up,
    )
    .quick(),
    Scenario::new(
        "incoming_forwarded",
        "103 has forwarded his phone to a mobile, which answers",
        calls::forwarded,
    )
    .on_freepbx(),
    Scenario::new(
        "outgoing_second_trunk",
        "the first trunk is full, the second one reaches the customer",
        calls::outgoing_second_trunk,
    )
    .on_freepbx(),
    Scenario::new("incoming_rejected", "101 rejects", calls::rejected),
    Scenario::new(
        "incoming_agent_offline",
        "101's phone is unplugged: nobody rings",
        calls::agent_offline,
    ),
    Scenario::new(
        "incoming_anonymous",
        "a caller without a number, answered",
        calls::anonymous,
    ),
    Scenario::new(
        "outgoing",
        "104 dials a customer, who answers and hangs up",
        calls::outgoing,
    ),
    Scenario::new(
        "outgoing_busy",
        "104 dials a customer, who is busy",
        calls::outgoing_busy,
    ),
    Scenario::new(
        "internal",
        "101 calls 105's two phones; the second answers",
        calls::internal,
    ),
    Scenario::new(
        "hold",
        "101 puts the customer on hold and takes him back",
        calls::hold,
    )
    .quick(),
    Scenario::new(
        "call_waiting",
        "a second customer calls 101, who holds the first meanwhile",
        calls::call_waiting,
    ),
    Scenario::new(
        "two_phones_one_extension",
        "both phones of 105 ring, the second answers",
        calls::two_phones,
    ),
    Scenario::new(
        "ring_group",
        "101 and 102 ring, 102 answers",
        groups::ring_group,
    )
    .quick(),
    Scenario::new(
        "hunt_group",
        "103 and 104 ring one after the other, then 101, who answers",
        groups::hunt_group,
    ),
    Scenario::new(
        "queue_ring_all",
        "102 and 103 ring, 103 rejects, 102 answers",
        groups::queue_ring_all,
    )
    .quick(),
    Scenario::new(
        "queue_in_order",
        "103 does not answer, 104 does; both behind Local channels",
        groups::queue_in_order,
    ),
    Scenario::new(
        "queue_abandoned",
        "the customer gives up while the queue rings",
        groups::queue_abandoned,
    )
    .quick(),
    Scenario::new(
        "ring_group_missed",
        "101 and 102 ring until the customer gives up",
        groups::ring_group_missed,
    ),
    Scenario::new(
        "queue_two_callers",
        "two customers wait; 102 and 103 take one each",
        groups::queue_two_callers,
    ),
    Scenario::new(
        "queue_agent_gets_second_call",
        "103 took a call of the queue and gets a direct one",
        groups::queue_agent_gets_second_call,
    ),
    Scenario::new(
        "queue_pickup",
        "103 rings for the queue in order, 101 takes the call by *8103",
        groups::queue_pickup,
    )
    .on_freepbx(),
    Scenario::new(
        "follow_me",
        "104 rings and a mobile phone, which answers",
        groups::follow_me,
    ),
    Scenario::new(
        "follow_me_in_a_group",
        "the same behind a group: Local channels three deep",
        groups::follow_me_in_a_group,
    )
    .on_freepbx(),
    Scenario::new(
        "follow_me_confirmed",
        "the mobile phone is asked, and presses 1",
        groups::follow_me_confirmed,
    )
    .on_freepbx(),
    Scenario::new(
        "follow_me_declined",
        "the mobile phone is asked and does not want it, 104 rejects: voicemail",
        groups::follow_me_declined,
    )
    .on_freepbx(),
    Scenario::new(
        "queue_then_attended_transfer",
        "102 takes a call of the queue, asks 105 and joins both",
        groups::queue_then_attended_transfer,
    ),
    Scenario::new(
        "queue_then_transfer_to_queue",
        "102 takes a call of the queue and sends it to the other queue, 103 answers",
        groups::queue_then_transfer_to_queue,
    ),
    Scenario::new(
        "menu_then_group",
        "the customer presses 1, the group rings, 101 answers",
        groups::menu_then_group,
    ),
    Scenario::new(
        "blind_transfer_refer",
        "101 sends the customer to 103 by REFER",
        transfers::blind_refer,
    )
    .quick(),
    Scenario::new(
        "blind_transfer_ami",
        "101's customer is sent to 103 by the action BlindTransfer",
        transfers::blind_ami,
    ),
    Scenario::new(
        "blind_transfer_busy",
        "103 sends the customer to 101, who is busy",
        transfers::blind_busy,
    ),
    Scenario::new(
        "blind_transfer_to_mailbox",
        "101 sends the customer to 104, who does not answer: voicemail",
        transfers::blind_to_mailbox,
    )
    .on_freepbx(),
    Scenario::new(
        "attended_transfer_refer",
        "101 asks 103 first, then joins both by REFER with Replaces",
        transfers::attended_refer,
    )
    .quick(),
    Scenario::new(
        "attended_transfer_ami",
        "101 asks 103 by the action Atxfer and leaves",
        transfers::attended_ami,
    ),
    Scenario::new(
        "blind_transfer_by_keys",
        "101 presses #1 and 103: Asterisk itself transfers",
        transfers::blind_keys,
    ),
    Scenario::new(
        "attended_transfer_by_keys",
        "101 presses *2 and 103, talks with 103 and leaves",
        transfers::attended_keys,
    ),
    Scenario::new(
        "attended_transfer_given_up",
        "103 does not take it: 101 goes back to the customer",
        transfers::attended_given_up,
    ),
    Scenario::new(
        "transfer_twice",
        "101 sends the customer to 103, who sends him to 104",
        transfers::twice,
    ),
    Scenario::new(
        "redirect",
        "the customer alone is taken from 101 and sent to 103",
        transfers::redirect,
    ),
    Scenario::new(
        "park_and_pickup",
        "101 parks the customer, 102 takes him",
        transfers::park_and_pickup,
    ),
    Scenario::new(
        "park_timeout",
        "101 parks the customer, nobody takes him, 101 rings again",
        transfers::park_timeout,
    ),
    Scenario::new(
        "directed_pickup",
        "101 rings, 102 takes the call by *8101",
        transfers::directed_pickup,
    ),
    Scenario::new(
        "conference_of_three",
        "a customer and 101 are moved to a room, 102 joins them",
        transfers::conference,
    ),
    Scenario::new(
        "voicemail",
        "104 does not answer, the customer leaves a message",
        services::voicemail,
    ),
    Scenario::new(
        "do_not_disturb",
        "101 does not want to be disturbed and does not ring",
        services::do_not_disturb,
    ),
    Scenario::new(
        "busy_hour",
        "three customers at once: one held, one at two phones, one in the queue",
        services::busy_hour,
    )
    .quick(),
    Scenario::new(
        "spy_and_recording",
        "103 listens to 101 and a customer while the call is recorded",
        services::spy_and_recording,
    ),
    Scenario::new(
        "recorded_before_answer",
        "recording begins while 101 rings",
        services::recorded,
    ),
];
