//! When the window program is needed, and when it may end.

use super::Controller;
use crate::shell::{ClientId, Keep, Now, Shell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use view::{AgentMessage, CardPhase, KeepWindows, Window};

/// A painted card takes 20 to 50 ms; what takes longer gets a notification meanwhile.
const PAINT: Duration = Duration::from_millis(300);
/// While calls are likely the windows stay this long after the last need.
const LIKELY: Duration = Duration::from_secs(600);
const ON_DEMAND: Duration = Duration::from_secs(20);

/// What is known of `sidetone-ui`.
#[derive(Debug, Default)]
pub(super) struct Windows {
    client: Option<ClientId>,
    wanted: bool,
    open: BTreeSet<&'static str>,
    unpainted: Vec<(String, Instant)>,
    idle_since: Option<Instant>,
    ends_at: Option<Instant>,
}

impl Windows {
    pub(super) fn is_connected(&self) -> bool {
        self.client.is_some()
    }

    pub(super) fn is(&self, client: ClientId) -> bool {
        self.client == Some(client)
    }

    pub(super) fn await_paint(&mut self, call: &str, now: Instant) {
        self.unpainted.push((call.to_owned(), now + PAINT));
    }

    pub(super) fn is_painted(&mut self, call: &str) {
        self.unpainted.retain(|(unpainted, _)| unpainted != call);
    }

    pub(super) fn next_expiry(&self) -> Option<Instant> {
        let paint = self.unpainted.iter().map(|(_, at)| *at).min();
        [paint, self.ends_at].into_iter().flatten().min()
    }
}

fn name(window: Window) -> &'static str {
    match window {
        Window::Card => "card",
        Window::Panel => "panel",
        Window::Confirm => "confirm",
        Window::Settings => "settings",
    }
}

const ALL: [Window; 3] = [Window::Panel, Window::Confirm, Window::Settings];

impl<S: Shell> Controller<S> {
    pub(super) fn keep_windows_at_start(&mut self) {
        if self.state.settings.settings.keep_windows == KeepWindows::Always {
            self.need_windows();
        }
    }

    /// A window will be needed now: starts the program where it does not run.
    pub(super) fn need_windows(&mut self) {
        self.windows.idle_since = None;
        self.windows.ends_at = None;
        self.windows.wanted = true;
        if !self.windows.is_connected() {
            self.shell.windows(Keep::Running);
        }
    }

    pub(super) fn show(&mut self, window: Window) {
        if window == Window::Card {
            return;
        }
        self.windows.open.insert(name(window));
        if window == Window::Settings {
            self.draw_choices();
        }
        self.need_windows();
        if self.windows.is_connected() {
            self.shell.publish(AgentMessage::Show { window });
        }
    }

    pub(super) fn closed(&mut self, window: Window, now: Now) {
        self.windows.open.remove(name(window));
        if window == Window::Confirm {
            self.question.drop_pending();
            self.drop_enrolment();
            self.draw_confirm();
        }
        if window == Window::Settings {
            self.forget_choices();
        }
        self.expire_windows(now);
    }

    pub(super) fn is_open(&self, window: Window) -> bool {
        self.windows.open.contains(name(window))
    }

    pub(super) fn windows_connected(&mut self, client: ClientId, now: Now) {
        self.windows.client = Some(client);
        self.forget_colleagues(now);
        let snapshot = Box::new(self.snapshot());
        self.shell.publish(AgentMessage::Snapshot { snapshot });
        for window in ALL {
            if self.windows.open.contains(name(window)) {
                self.shell.publish(AgentMessage::Show { window });
            }
        }
        self.draw_forms();
        let ringing: Vec<String> = self.ringing_cards();
        for call in ringing {
            self.hops
                .ring(&call, now.unix_us)
                .published
                .get_or_insert(now.unix_us);
        }
    }

    fn ringing_cards(&self) -> Vec<String> {
        let ringing = self
            .state
            .cards
            .iter()
            .filter(|card| card.phase == CardPhase::Ringing);
        ringing.map(|card| card.call.clone()).collect()
    }

    /// The program ended. Where a window is open or a card is shown it comes back at once; nothing is lost, it gets a snapshot.
    pub(super) fn windows_gone(&mut self, now: Now) {
        self.windows.client = None;
        self.forget_choices();
        self.forget_colleagues(now);
        self.windows.unpainted.clear();
        if !self.state.cards.is_empty() || !self.windows.open.is_empty() || self.keeps_always() {
            for call in self.ringing_cards() {
                // One that is out already may have been put away meanwhile.
                self.rung.remove(&call);
                self.notify_ring(&call, now);
            }
            self.need_windows();
        } else {
            self.windows.wanted = false;
            self.windows.ends_at = None;
        }
    }

    pub(super) fn windows_failed(&mut self, words: &str) {
        self.windows.wanted = false;
        let wanted = ALL
            .into_iter()
            .find(|window| self.windows.open.contains(name(*window)));
        self.windows.open.clear();
        if let Some(window) = wanted {
            self.shell.without_windows(window, words);
        }
    }

    pub(super) fn panel_is_open(&self) -> bool {
        self.windows.open.contains(name(Window::Panel))
    }

    fn keeps_always(&self) -> bool {
        self.state.settings.settings.keep_windows == KeepWindows::Always
    }

    pub(super) fn expire_windows(&mut self, now: Now) {
        let (late, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.windows.unpainted)
            .into_iter()
            .partition(|(_, at)| *at <= now.instant);
        self.windows.unpainted = rest;
        for (call, _) in late {
            self.notify_ring(&call, now);
        }
        self.end_idle_windows(now.instant);
    }

    fn end_idle_windows(&mut self, now: Instant) {
        let busy = !self.windows.open.is_empty()
            || !self.state.cards.is_empty()
            || self.state.confirm.is_some()
            || self.state.enrolment.is_some();
        if !self.windows.wanted || busy || self.keeps_always() {
            self.windows.idle_since = None;
            self.windows.ends_at = None;
            return;
        }
        let idle_since = *self.windows.idle_since.get_or_insert(now);
        let wait = match self.state.settings.settings.keep_windows {
            KeepWindows::Always | KeepWindows::Likely => LIKELY,
            KeepWindows::OnDemand => ON_DEMAND,
        };
        let ends_at = idle_since + wait;
        if ends_at > now {
            self.windows.ends_at = Some(ends_at);
            return;
        }
        self.windows.wanted = false;
        self.windows.ends_at = None;
        self.shell.windows(Keep::Ended);
    }
}
