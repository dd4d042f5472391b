//! The tray icon and its menu as plain data.

use view::{CardPhase, Lamp, State, Window};

/// What can be chosen in the tray.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrayAction {
    /// Left click.
    Activate,
    Open(Window),
    HangUp,
    /// Calls back the newest missed call or dials the newest number again.
    Redial {
        text: String,
    },
    Reconnect,
    Quit,
}

/// A line of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MenuItem {
    /// Says something, cannot be chosen.
    Words(String),
    Action {
        action: TrayAction,
        label: String,
        enabled: bool,
    },
    Separator,
}

/// What the tray shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tray {
    pub lamp: Lamp,
    pub tooltip: String,
    pub menu: Vec<MenuItem>,
}

impl Tray {
    /// Draws the tray for this state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let action = |action, label: &str, enabled| MenuItem::Action {
            action,
            label: label.to_owned(),
            enabled,
        };
        let mut menu = vec![MenuItem::Words(line(state)), MenuItem::Separator];
        menu.push(action(
            TrayAction::Open(Window::Panel),
            "Open Sidetone",
            true,
        ));
        menu.push(action(TrayAction::HangUp, "Hang up", has_call(state)));
        if let Some(text) = state
            .recent
            .iter()
            .find_map(|recent| recent.call_back.clone())
        {
            let label = format!("Call {} again", last_called(state));
            menu.push(MenuItem::Action {
                action: TrayAction::Redial { text },
                label,
                enabled: state.connection.is_up(),
            });
        }
        menu.push(action(
            TrayAction::Open(Window::Settings),
            "Settings…",
            true,
        ));
        if matches!(
            state.connection,
            view::Connection::Away { .. } | view::Connection::Refused { .. }
        ) {
            menu.push(action(TrayAction::Reconnect, "Connect now", true));
        }
        menu.push(MenuItem::Separator);
        menu.push(action(TrayAction::Quit, "Quit", true));
        Self {
            lamp: state.me.lamp,
            tooltip: tooltip(state),
            menu,
        }
    }
}

fn line(state: &State) -> String {
    if state.connection.is_up() {
        state.me.tooltip()
    } else {
        state.connection.words()
    }
}

fn tooltip(state: &State) -> String {
    if state.connection.is_up() {
        state.me.tooltip()
    } else if state.me.extension.is_empty() {
        match &state.server {
            Some(_) => format!("Sidetone: offline. {}", state.connection.words()),
            None => state.me.tooltip(),
        }
    } else {
        format!("{}. {}", state.me.tooltip(), state.connection.words())
    }
}

fn has_call(state: &State) -> bool {
    state.dials.iter().any(|dial| dial.can_cancel)
        || state.cards.iter().any(|card| {
            matches!(card.phase, CardPhase::Ringing | CardPhase::Talking { .. }) && card.can_hang_up
        })
        || state.me.lamp == Lamp::InCall
}

fn last_called(state: &State) -> String {
    let newest = state
        .recent
        .iter()
        .find(|recent| recent.call_back.is_some());
    newest
        .and_then(|recent| {
            recent
                .person
                .as_ref()
                .map(|person| person.name.clone())
                .or_else(|| recent.party.number.clone())
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use view::{Connection, Me};

    #[test]
    fn an_offline_tray_says_why_and_offers_to_connect() {
        let state = State {
            connection: Connection::Away {
                words: "No answer from pbx".into(),
                retry_at: 0,
            },
            me: Me {
                extension: "101".into(),
                ..Me::default()
            },
            ..State::default()
        };
        let tray = Tray::of(&state);
        assert_eq!(tray.tooltip, "Sidetone 101: offline. No answer from pbx");
        assert!(tray.menu.iter().any(|item| matches!(
            item,
            MenuItem::Action {
                action: TrayAction::Reconnect,
                enabled: true,
                ..
            }
        )));
    }

    #[test]
    fn hang_up_is_grey_without_a_call() {
        let tray = Tray::of(&State::default());
        assert!(tray.menu.iter().any(|item| matches!(
            item,
            MenuItem::Action {
                action: TrayAction::HangUp,
                enabled: false,
                ..
            }
        )));
    }
}
