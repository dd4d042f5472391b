//! How calls are handled where phone systems differ.

/// What an administrator has set up on the PBX, as far as calls are passed on, joined, recorded or kept away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handling {
    /// The conference room for calls of three; `None`: there is none.
    pub conference: Option<Conference>,
    /// Empty: the parking lot of the channel, mostly `default`.
    pub parking_lot: String,
    /// As a member of queues, `Local/101@from-queue/n`; empty: the phone.
    pub queue_interface: String,
    /// Whose state tells a queue that we are busy, `hint:101@ext-local`; empty: the interface.
    pub queue_state_interface: String,
    pub do_not_disturb: DoNotDisturb,
    /// Where recordings go, below Asterisk's own folder for them.
    pub recordings: String,
}

/// A conference room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conference {
    /// What is dialled to come in.
    pub exten: String,
    /// Where; empty: the context of our calls.
    pub context: String,
}

/// What the dialplan looks at before it rings a phone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DoNotDisturb {
    /// Nothing.
    #[default]
    Off,
    /// The lamp `Custom:DND101`.
    DeviceState,
    /// The entry `DND/101` of Asterisk's database.
    Database,
    /// Both, as FreePBX does.
    Both,
}

impl Default for Handling {
    fn default() -> Self {
        Self {
            conference: None,
            parking_lot: String::new(),
            queue_interface: String::new(),
            queue_state_interface: String::new(),
            do_not_disturb: DoNotDisturb::Off,
            recordings: "sidetone".into(),
        }
    }
}
