//! A little PBX: channels, bridges and Local pairs, and the events that Asterisk makes of what becomes of them.

use std::fmt::Write;

/// One message as it comes over the link.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Milliseconds since the beginning.
    pub(crate) at: u64,
    pub(crate) text: String,
    /// Not sent: what the PBX knows of a channel and shows only when it is asked for its lists.
    pub(crate) silent: bool,
}

/// Names a channel of one exchange.
pub(crate) type Ch = usize;

/// Names a bridge of one exchange.
pub(crate) type Br = usize;

#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) uniqueid: String,
    pub(crate) linkedid: String,
    /// What the linkedid really is; events show it when Asterisk sees fit.
    true_linkedid: String,
    pub(crate) name: String,
    pub(crate) state: u8,
    pub(crate) number: String,
    pub(crate) caller_name: String,
    pub(crate) connected: String,
    pub(crate) exten: String,
}

#[derive(Debug)]
struct Bridge {
    id: String,
    kind: &'static str,
    creator: &'static str,
    name: String,
    members: Vec<Ch>,
}

/// Chance that can be played again.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// One call's share of the PBX: what it does it does at `now`, a millisecond an event.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Sets its ids apart from those of other exchanges.
    number: usize,
    pub(crate) frames: Vec<Frame>,
    pub(crate) now: u64,
    pub(crate) channels: Vec<Channel>,
    bridges: Vec<Bridge>,
    pub(crate) dice: Dice,
}

pub(crate) const DOWN: u8 = 0;
pub(crate) const RING: u8 = 4;
pub(crate) const RINGING: u8 = 5;
pub(crate) const UP: u8 = 6;

impl Exchange {
    pub(crate) fn new(number: usize, start: u64, seed: u64) -> Self {
        Self {
            number,
            frames: Vec::new(),
            now: start,
            channels: Vec::new(),
            bridges: Vec::new(),
            dice: Dice::new(seed),
        }
    }

    /// People take their time: between half a second and four.
    pub(crate) fn wait(&mut self) {
        self.now += 600 + self.dice.below(3_400);
    }

    /// A channel of `technology/endpoint`; of the call of `linked`, or of a new one.
    pub(crate) fn newchannel(
        &mut self,
        endpoint: &str,
        linked: Option<Ch>,
        state: u8,
        who: (&str, &str),
        exten: &str,
    ) -> Ch {
        let ch = self.channels.len();
        let uniqueid = format!("lab-1795228.{}{ch:02}", self.number + 1);
        let linkedid = match linked {
            Some(linked) => self.channels[linked].true_linkedid.clone(),
            None => uniqueid.clone(),
        };
        let half = if endpoint.starts_with("Local/") {
            ""
        } else {
            "-"
        };
        let name = if half.is_empty() {
            endpoint.to_owned()
        } else {
            format!("{endpoint}-{:08x}", self.number * 64 + ch)
        };
        self.channels.push(Channel {
            uniqueid,
            true_linkedid: linkedid.clone(),
            linkedid,
            name,
            state,
            number: who.0.to_owned(),
            caller_name: who.1.to_owned(),
            connected: "<unknown>".to_owned(),
            exten: exten.to_owned(),
        });
        self.event("Newchannel", &[("", ch)], "");
        ch
    }

    /// Both halves of `Local/number@context`, told of each other.
    pub(crate) fn local_pair(&mut self, stem: &str, linked: Ch, number: &str) -> (Ch, Ch) {
        let stem = format!(
            "Local/{stem}-{:08x}",
            self.number * 64 + self.channels.len()
        );
        let one = self.newchannel(
            &format!("{stem};1"),
            Some(linked),
            DOWN,
            (number, ""),
            number,
        );
        let two = self.newchannel(
            &format!("{stem};2"),
            Some(linked),
            RING,
            (number, ""),
            number,
        );
        self.event("LocalBridge", &[("LocalOne", one), ("LocalTwo", two)], "");
        (one, two)
    }

    pub(crate) fn state(&mut self, ch: Ch, state: u8) {
        self.channels[ch].state = state;
        self.event("Newstate", &[("", ch)], "");
    }

    pub(crate) fn runs(&mut self, ch: Ch, application: &str, data: &str) {
        let extra = format!("Application: {application}\r\nAppData: {data}\r\n");
        self.event("Newexten", &[("", ch)], &extra);
    }

    pub(crate) fn newbridge(&mut self) -> Br {
        self.named_bridge("basic", "<unknown>", "<unknown>")
    }

    pub(crate) fn named_bridge(
        &mut self,
        kind: &'static str,
        creator: &'static str,
        name: &str,
    ) -> Br {
        let id = format!("{:08x}-bridge-{}", self.number, self.bridges.len());
        self.bridges.push(Bridge {
            id,
            kind,
            creator,
            name: name.to_owned(),
            members: Vec::new(),
        });
        let bridge = self.bridges.len() - 1;
        let text = self.bridge_text(bridge, "Bridge");
        self.event("BridgeCreate", &[], &text);
        bridge
    }

    /// All in one bridge have the oldest Linkedid of them. No event tells; the next ones show it, at once or later.
    pub(crate) fn enter(&mut self, bridge: Br, ch: Ch) {
        self.bridges[bridge].members.push(ch);
        let members = self.bridges[bridge].members.clone();
        let linkedids = members
            .iter()
            .map(|member| &self.channels[*member].true_linkedid);
        let oldest = linkedids.min().cloned().unwrap_or_default();
        if self.bridges[bridge].kind == "basic" {
            for member in members {
                self.channels[member].true_linkedid.clone_from(&oldest);
            }
        }
        let text = self.bridge_text(bridge, "Bridge");
        self.event("BridgeEnter", &[("", ch)], &text);
        for member in self.bridges[bridge].members.clone() {
            self.know_linkedid(member);
        }
    }

    pub(crate) fn leave(&mut self, bridge: Br, ch: Ch) {
        self.bridges[bridge].members.retain(|member| *member != ch);
        let text = self.bridge_text(bridge, "Bridge");
        self.event("BridgeLeave", &[("", ch)], &text);
    }

    pub(crate) fn destroy(&mut self, bridge: Br) {
        let text = self.bridge_text(bridge, "Bridge");
        self.event("BridgeDestroy", &[], &text);
    }

    pub(crate) fn bridge_text(&self, bridge: Br, prefix: &str) -> String {
        let Bridge {
            id,
            kind,
            creator,
            name,
            members,
        } = &self.bridges[bridge];
        let count = members.len();
        format!(
            "{prefix}Uniqueid: {id}\r\n{prefix}Type: {kind}\r\n{prefix}Technology: simple_bridge\r\n\
             {prefix}Creator: {creator}\r\n{prefix}Name: {name}\r\n{prefix}NumChannels: {count}\r\n"
        )
    }

    pub(crate) fn hangup(&mut self, ch: Ch, cause: u16) {
        self.channels[ch].linkedid = self.channels[ch].true_linkedid.clone();
        self.event(
            "Hangup",
            &[("", ch)],
            &format!("Cause: {cause}\r\nCause-txt: -\r\n"),
        );
    }

    /// An event about channels, each with the prefix of its headers.
    pub(crate) fn event(&mut self, name: &str, channels: &[(&str, Ch)], extra: &str) {
        let mut text = format!("Event: {name}\r\nPrivilege: call,all\r\n");
        for (prefix, ch) in channels {
            self.show_linkedid(*ch);
            self.channels[*ch].write(&mut text, prefix);
        }
        text.push_str(extra);
        text.push_str("\r\n");
        self.frames.push(Frame {
            at: self.now,
            text,
            silent: false,
        });
        for (_, ch) in channels {
            self.know_linkedid(*ch);
        }
        self.now += 1;
    }

    fn know_linkedid(&mut self, ch: Ch) {
        let channel = &self.channels[ch];
        if channel.linkedid == channel.true_linkedid {
            return;
        }
        let mut text = "Event: Newstate\r\n".to_owned();
        let linkedid = channel.true_linkedid.clone();
        let known = Channel {
            linkedid,
            ..channel.clone()
        };
        known.write(&mut text, "");
        text.push_str("\r\n");
        self.frames.push(Frame {
            at: self.now,
            text,
            silent: true,
        });
    }

    fn show_linkedid(&mut self, ch: Ch) {
        if !self.dice.once_in(3) {
            self.channels[ch].linkedid = self.channels[ch].true_linkedid.clone();
        }
    }
}

impl Channel {
    fn write(&self, out: &mut String, prefix: &str) {
        let describe = match self.state {
            DOWN => "Down",
            RING => "Ring",
            RINGING => "Ringing",
            _ => "Up",
        };
        for (key, value) in [
            ("Channel", &*self.name),
            ("ChannelState", &self.state.to_string()),
            ("ChannelStateDesc", describe),
            ("CallerIDNum", &self.number),
            ("CallerIDName", &self.caller_name),
            ("ConnectedLineNum", &self.connected),
            ("ConnectedLineName", "<unknown>"),
            ("Language", "en"),
            ("AccountCode", ""),
            ("Context", "internal"),
            ("Exten", &self.exten),
            ("Priority", "1"),
            ("Uniqueid", &self.uniqueid),
            ("Linkedid", &self.linkedid),
        ] {
            // Writing to a text does not fail.
            let _ = write!(out, "{prefix}{key}: {value}\r\n");
        }
    }
}
