//! What each window may ask of the agent. A page that was taken over can do no more than its own buttons.

use view::{Request, Source, Window, Wish};

/// Whether the page in `window` may send `request`.
pub(crate) fn may(window: Window, request: &Request) -> bool {
    match request {
        Request::Snapshot => true,
        Request::HangUp { call: Some(_) } => matches!(window, Window::Card | Window::Panel),
        Request::HideCard { .. } => window == Window::Card,
        // A page cannot pretend to be a link, nor a link to have been typed.
        Request::Dial { source, .. } => window == Window::Panel && *source == Source::Typed,
        Request::Explain { .. }
        | Request::Follow { .. }
        | Request::Cancel { .. }
        | Request::ForgetDial { .. }
        | Request::Show {
            window: Window::Settings,
        } => window == Window::Panel,
        Request::Wish { wish, .. } => {
            window == Window::Panel || (window == Window::Card && is_of_people(wish))
        }
        Request::OpenLink { .. } => matches!(window, Window::Card | Window::Panel),
        Request::ConfirmDial { .. } | Request::DismissConfirm { .. } => window == Window::Confirm,
        Request::SaveSettings { .. }
        | Request::TestSettings { .. }
        | Request::SaveConnector { .. }
        | Request::RemoveConnector { .. }
        | Request::MoveConnector { .. }
        | Request::TestConnector { .. }
        | Request::ReadConnectorFile { .. }
        | Request::SignInConnector { .. }
        | Request::TakeLinks
        | Request::SignOut => window == Window::Settings,
        Request::Enrol { source, .. } => window == Window::Settings && *source == Source::Typed,
        Request::ConfirmEnrol { .. } | Request::DismissEnrol { .. } => window == Window::Confirm,
        Request::Closed { window: closed } => *closed == window && window != Window::Card,
        // `painted` is a command of its own, which takes the time itself; the rest belongs to the command line.
        Request::Painted { .. }
        | Request::HangUp { call: None }
        | Request::Show { .. }
        | Request::Status
        | Request::Quit => false,
    }
}

/// Who calls, and who it is instead: what the card's own buttons want.
fn is_of_people(wish: &Wish) -> bool {
    match wish {
        Wish::FindPeople { .. }
        | Wish::LinkPerson { .. }
        | Wish::UnlinkPerson { .. }
        | Wish::PersonForms { .. }
        | Wish::CreatePerson { .. } => true,
        Wish::Dial { .. }
        | Wish::Cancel { .. }
        | Wish::HangUp { .. }
        | Wish::Order { .. }
        | Wish::Explain { .. }
        | Wish::WhoIs { .. }
        | Wish::CloseMissed { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use view::{ConnectorSettings, Settings};

    const WINDOWS: [Window; 4] = [
        Window::Card,
        Window::Panel,
        Window::Confirm,
        Window::Settings,
    ];

    #[test]
    fn each_window_may_ask_for_what_its_own_buttons_need() {
        use Window::{Card, Confirm, Panel, Settings as Form};
        let dial = |source| Request::Dial {
            text: "102".into(),
            source,
            request_id: "r".into(),
        };
        let enrol = |source| Request::Enrol {
            text: "code".into(),
            server: None,
            source,
        };
        let id = || "x".to_owned();
        let wish = |wish| Request::Wish {
            request_id: id(),
            wish,
        };
        let connector = ConnectorSettings::default;
        let secrets = BTreeMap::new;
        let table: Vec<(Request, &[Window])> = vec![
            (Request::Snapshot, &WINDOWS),
            (dial(Source::Typed), &[Panel]),
            (dial(Source::Link { program: None }), &[]),
            (Request::Explain { text: id() }, &[Panel]),
            (Request::Follow { on: true }, &[Panel]),
            (
                Request::ConfirmDial {
                    confirm: id(),
                    always: false,
                },
                &[Confirm],
            ),
            (Request::DismissConfirm { confirm: id() }, &[Confirm]),
            (Request::Cancel { dial: id() }, &[Panel]),
            (Request::HangUp { call: Some(id()) }, &[Card, Panel]),
            (Request::HangUp { call: None }, &[]),
            (Request::HideCard { call: id() }, &[Card]),
            (Request::ForgetDial { dial: id() }, &[Panel]),
            (
                Request::SaveSettings {
                    settings: Box::new(Settings::default()),
                    secret: None,
                },
                &[Form],
            ),
            (
                Request::TestSettings {
                    settings: Box::new(Settings::default()),
                    secret: None,
                },
                &[Form],
            ),
            (wish(Wish::UnlinkPerson { call: id() }), &[Card, Panel]),
            (wish(Wish::Dial { text: id() }), &[Panel]),
            (Request::OpenLink { url: id() }, &[Card, Panel]),
            (
                Request::SaveConnector {
                    connector: connector(),
                    secrets: secrets(),
                },
                &[Form],
            ),
            (
                Request::TestConnector {
                    connector: connector(),
                    secrets: secrets(),
                },
                &[Form],
            ),
            (Request::RemoveConnector { connector: id() }, &[Form]),
            (
                Request::MoveConnector {
                    connector: id(),
                    to: 0,
                },
                &[Form],
            ),
            (Request::ReadConnectorFile { file: id() }, &[Form]),
            (Request::SignInConnector { connector: id() }, &[Form]),
            (Request::TakeLinks, &[Form]),
            (Request::SignOut, &[Form]),
            (enrol(Source::Typed), &[Form]),
            (enrol(Source::Link { program: None }), &[]),
            (Request::ConfirmEnrol { enrolment: id() }, &[Confirm]),
            (Request::DismissEnrol { enrolment: id() }, &[Confirm]),
            (Request::Show { window: Form }, &[Panel]),
            (Request::Show { window: Panel }, &[]),
            (Request::Show { window: Card }, &[]),
            (Request::Show { window: Confirm }, &[]),
            (Request::Closed { window: Card }, &[]),
            (Request::Closed { window: Panel }, &[Panel]),
            (Request::Closed { window: Confirm }, &[Confirm]),
            (Request::Closed { window: Form }, &[Form]),
            (
                Request::Painted {
                    calls: vec![],
                    received_at: 0,
                    painted_at: 0,
                },
                &[],
            ),
            (Request::Status, &[]),
            (Request::Quit, &[]),
        ];
        for (request, allowed) in table {
            let may: Vec<Window> = WINDOWS
                .into_iter()
                .filter(|window| may(*window, &request))
                .collect();
            assert_eq!(may, allowed, "{request:?}");
        }
    }
}
