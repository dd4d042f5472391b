//! What the controller asks for, in order; the loop does it when the controller is done.

use desktop::{
    ClientId, ConnectorCommand, Keep, Notification, PeopleWish, ServerCommand, Shell, Tray,
};
use secrecy::SecretString;
use view::{AgentMessage, Reply, Settings, Window};

/// A thing to do.
#[derive(Debug)]
pub(crate) enum Effect {
    Reply(ClientId, u64, Reply),
    Publish(AgentMessage),
    Tray(Tray),
    Notify(Notification),
    Withdraw(String),
    Windows(Keep),
    Backend(engine::Command),
    Server(ServerCommand),
    /// Reads the engine's feed by these settings, or no more.
    Follow(Option<Settings>),
    SaveSettings(Settings),
    LoadSecret(Settings),
    StoreSecret(Settings, SecretString),
    ForgetSecret(Settings),
    UseSources(Settings),
    People(String, PeopleWish),
    Connector(ConnectorCommand),
    OpenLink(String),
    CheckLinks,
    TakeLinks,
    Quit,
}

/// Collects; emptied after each input, so it holds what one input leads to.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) list: Vec<Effect>,
}

impl Effects {
    fn push(&mut self, effect: Effect) {
        self.list.push(effect);
    }
}

impl Shell for Effects {
    fn reply(&mut self, client: ClientId, id: u64, reply: Reply) {
        self.push(Effect::Reply(client, id, reply));
    }

    fn publish(&mut self, message: AgentMessage) {
        self.push(Effect::Publish(message));
    }

    /// Only the newest counts.
    fn set_tray(&mut self, tray: &Tray) {
        self.list
            .retain(|effect| !matches!(effect, Effect::Tray(_)));
        self.push(Effect::Tray(tray.clone()));
    }

    fn notify(&mut self, notification: Notification) {
        self.push(Effect::Notify(notification));
    }

    fn withdraw(&mut self, key: &str) {
        self.push(Effect::Withdraw(key.to_owned()));
    }

    fn windows(&mut self, keep: Keep) {
        self.push(Effect::Windows(keep));
    }

    fn backend(&mut self, command: engine::Command) {
        self.push(Effect::Backend(command));
    }

    fn server(&mut self, command: ServerCommand) {
        self.push(Effect::Server(command));
    }

    fn follow(&mut self, settings: Option<&Settings>) {
        self.push(Effect::Follow(settings.cloned()));
    }

    fn save_settings(&mut self, settings: &Settings) {
        self.push(Effect::SaveSettings(settings.clone()));
    }

    fn load_secret(&mut self, settings: &Settings) {
        self.push(Effect::LoadSecret(settings.clone()));
    }

    fn store_secret(&mut self, settings: &Settings, secret: SecretString) {
        self.push(Effect::StoreSecret(settings.clone(), secret));
    }

    fn forget_secret(&mut self, settings: &Settings) {
        self.push(Effect::ForgetSecret(settings.clone()));
    }

    fn use_sources(&mut self, settings: &Settings) {
        self.push(Effect::UseSources(settings.clone()));
    }

    fn people(&mut self, id: &str, wish: PeopleWish) {
        self.push(Effect::People(id.to_owned(), wish));
    }

    fn connector(&mut self, command: ConnectorCommand) {
        self.push(Effect::Connector(command));
    }

    fn open_link(&mut self, url: &str) {
        self.push(Effect::OpenLink(url.to_owned()));
    }

    fn check_links(&mut self) {
        self.push(Effect::CheckLinks);
    }

    fn take_links(&mut self) {
        self.push(Effect::TakeLinks);
    }

    fn without_windows(&mut self, _wanted: Window, words: &str) {
        let notification = Notification {
            key: "windows".into(),
            title: "Sidetone has no windows here".into(),
            body: words.to_owned(),
            urgent: false,
            hang_up: false,
        };
        self.push(Effect::Notify(notification));
    }

    fn quit(&mut self) {
        self.push(Effect::Quit);
    }
}
