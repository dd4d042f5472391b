//! Callers who wait in queues, and what the PBX does with a caller instead of a person: voicemail, recording, spying.

use std::time::Instant;

use ami::{MessageWaiting, QueueCall, Uniqueid, Value};

use super::{CallKey, CallTracker, ChannelKey};
use crate::{Call, QueueVisit, Role, Taken, Voicemail, extensions::Technology};

/// The application that runs: `ExecIf(1?VoiceMail(103@default,us):NoOp())` chooses one.
fn chosen<'a>(application: &'a [u8], app_data: &'a [u8]) -> &'a [u8] {
    if !application.eq_ignore_ascii_case(b"ExecIf") {
        return application;
    }
    let branch = if let Some(branches) = app_data.strip_prefix(b"1?") {
        branches
    } else {
        let after = app_data.windows(2).position(|pair| pair == b"):");
        after.map_or(&app_data[..0], |after| &app_data[after + 2..])
    };
    branch.split(|byte| *byte == b'(').next().unwrap_or(branch)
}

/// More questions about channels than this wait for the PBX's next list.
const MOST_UNCLEAR: usize = 256;

impl CallTracker {
    pub(super) fn queue_join(
        &mut self,
        channel: &ami::Channel<'_>,
        queue: Value<'_>,
        position: u32,
        now: Instant,
    ) {
        if let Some(key) = self.known(channel, now) {
            self.joined_queue(self.channels[key].call, &queue.text(), position, now);
        }
    }

    pub(super) fn joined_queue(
        &mut self,
        call: CallKey,
        queue: &str,
        position: u32,
        joined: Instant,
    ) {
        let queues = &mut self.calls[call].call.queues;
        let waits_there = |visit: &QueueVisit| visit.left.is_none() && *visit.queue == *queue;
        if queues.iter().any(waits_there) {
            return;
        }
        if queues.len() >= Call::STEPS {
            queues.remove(0);
        }
        queues.push(QueueVisit {
            queue: queue.into(),
            joined,
            left: None,
            position,
            offered: Vec::new(),
            outcome: None,
        });
        self.changed(call);
    }

    pub(super) fn queue_leave(&mut self, channel: &ami::Channel<'_>, now: Instant) {
        self.on_visit(channel, now, |visit, _| {
            visit.left.get_or_insert(now);
        });
    }

    /// Comes before the QueueCallerLeave of the same caller.
    pub(super) fn queue_abandon(&mut self, channel: &ami::Channel<'_>, now: Instant) {
        self.on_visit(channel, now, |visit, _| {
            visit.outcome = Some(Taken::Abandoned)
        });
    }

    pub(super) fn agent_called(&mut self, call: &QueueCall<'_>, now: Instant) {
        let member = self.member(call);
        self.on_visit(&call.caller, now, |visit, _| {
            if !visit.offered.contains(&member) && visit.offered.len() < Call::LEGS {
                visit.offered.push(member);
            }
        });
    }

    /// Comes after the QueueCallerLeave of the same caller.
    pub(super) fn agent_connect(&mut self, call: &QueueCall<'_>, now: Instant) {
        let member = self.member(call);
        let key = self.known(&call.caller, now);
        let taker = key.and_then(|key| self.calls[self.channels[key].call].picked_up_by.take());
        self.on_visit(&call.caller, now, |visit, _| {
            visit.outcome = Some(Taken::By(taker.unwrap_or(member)));
        });
    }

    fn on_visit(
        &mut self,
        channel: &ami::Channel<'_>,
        now: Instant,
        change: impl FnOnce(&mut QueueVisit, ChannelKey),
    ) {
        let Some(key) = self.known(channel, now) else {
            return;
        };
        let call = self.channels[key].call;
        if let Some(visit) = self.calls[call].call.queues.last_mut() {
            change(visit, key);
            self.changed(call);
        }
    }

    /// Whose phone a queue tries: by the extension behind `PJSIP/101`, by the number dialled in `Local/103@…`.
    fn member(&self, call: &QueueCall<'_>) -> Box<str> {
        let interface = call.interface.text();
        if let Some(extension) = self.extensions.of(&interface) {
            return extension.as_str().into();
        }
        let local = interface
            .strip_prefix("Local/")
            .and_then(|rest| rest.split('@').next());
        local.unwrap_or(&interface).into()
    }

    /// What the dialplan does on a channel now. Needs the class `dialplan` or an answer to a question.
    pub(super) fn application(
        &mut self,
        channel: &ami::Channel<'_>,
        application: Value<'_>,
        app_data: Value<'_>,
        now: Instant,
    ) {
        let Some(key) = self.known(channel, now) else {
            return;
        };
        self.channels[key].application_known = true;
        self.runs(key, chosen(application.bytes(), app_data.bytes()), now);
    }

    pub(super) fn runs(&mut self, key: ChannelKey, application: &[u8], now: Instant) {
        if !application.eq_ignore_ascii_case(b"VoiceMail") {
            return;
        }
        let call = self.channels[key].call;
        let is_callers =
            self.channels[key].role == Some(Role::Caller) || !self.channels[key].is_phone();
        let entry = &mut self.calls[call];
        if is_callers && entry.may_reach_voicemail() && entry.call.voicemail.is_none() {
            entry.call.voicemail = Some(Voicemail {
                since: now,
                mailbox: None,
                message: false,
            });
            self.changed(call);
        }
    }

    /// A message was left on this channel.
    pub(super) fn message_waiting(&mut self, waiting: &MessageWaiting<'_>, now: Instant) {
        let Some(channel) = &waiting.channel else {
            return;
        };
        let Some(key) = self.known(channel, now) else {
            return;
        };
        // Listening to one's own messages changes the count as well.
        if waiting.new == 0 || self.channels[key].role != Some(Role::Caller) {
            return;
        }
        let call = self.channels[key].call;
        let entry = &mut self.calls[call];
        if !entry.may_reach_voicemail() {
            return;
        }
        let voicemail = entry.call.voicemail.get_or_insert(Voicemail {
            since: now,
            mailbox: None,
            message: false,
        });
        voicemail.mailbox = Some(waiting.mailbox.text().into());
        voicemail.message = true;
        self.changed(call);
    }

    /// The PBX itself has picked up for a caller: which of its applications did is worth a question.
    pub(super) fn wonder(&mut self, key: ChannelKey) {
        if !self.channels[key].application_known && self.unclear.len() < MOST_UNCLEAR {
            self.unclear.push_back(key);
        }
    }

    pub(super) fn record(&mut self, channel: &ami::Channel<'_>, recording: bool, now: Instant) {
        if let Some(key) = self.known(channel, now) {
            self.channels[key].recording = recording;
            self.settle_recording(self.channels[key].call);
        }
    }

    /// Our own order to record this channel, or to stop, was carried out: from Asterisk 13 no event tells it.
    pub fn recording(&mut self, uniqueid: &Uniqueid, recording: bool) {
        if let Some(key) = self.by_uniqueid.get(uniqueid).copied() {
            self.channels[key].recording = recording;
            self.settle_recording(self.channels[key].call);
        }
    }

    pub(super) fn settle_recording(&mut self, call: CallKey) {
        let recording = self
            .channels
            .values()
            .any(|channel| channel.call == call && channel.recording);
        let Some(entry) = self.calls.get_mut(call) else {
            return;
        };
        if std::mem::replace(&mut entry.call.recording, recording) != recording {
            self.changed(call);
        }
    }

    /// Who listens is no party of what he listens to; his own call says what it is for.
    pub(super) fn spy(&mut self, spyer: &ami::Channel<'_>, now: Instant) {
        let Some(key) = self.known(spyer, now) else {
            return;
        };
        let call = self.channels[key].call;
        if self.channels[key].technology != Technology::Helper
            && !std::mem::replace(&mut self.calls[call].call.spying, true)
        {
            self.changed(call);
        }
    }
}
