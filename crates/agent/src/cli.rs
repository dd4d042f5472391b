//! What the command line asks for.

use std::ffi::OsString;
use std::process::ExitCode;
use view::Window;

pub(crate) const HELP: &str = "\
Sidetone: click a number and your phone rings, then theirs.

  sidetone                        start in the tray; if it runs, show the panel
  sidetone LINK                   call a tel:, callto: or sip: link (asks first, where set);
                                  a sidetone: link connects this desktop to a server (asks first)
  sidetone dial NUMBER|LINK       call
  sidetone hangup                 end the call of this phone
  sidetone status [--json]        connection, calls, cards, times of the last calls
  sidetone show [panel|settings]  open a window
  sidetone enrol LINK|CODE [--server URL]
                                  connect this desktop to an integration server
  sidetone sign-out               forget that server and its token
  sidetone who NUMBER|NAME        who is that? with where it was asked and how long it took
  sidetone sources                what is asked who calls, and how it does
  sidetone connector test FILE    try a connector file; list, show and more: sidetone connector
  sidetone quit                   end Sidetone
  sidetone --version | --help

Exit codes: 0 done, 1 a connector's test failed, 2 wrong usage, 3 Sidetone is not running, 4 refused (the sentence says why),
5 no answer in time or an error of the system.";

/// What a script can rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Usage = 2,
    NotRunning = 3,
    Refused = 4,
    Failed = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Start,
    /// The system hands over a link.
    Link(String),
    Dial(String),
    HangUp,
    Status {
        json: bool,
    },
    Show(Window),
    /// Connects to a server: a link, or a code and the server's address.
    Enrol {
        text: String,
        server: Option<String>,
    },
    SignOut,
    /// People by number or name, of all sources.
    Who(String),
    Sources,
    /// What follows belongs to the connectors' own command.
    Connector(Vec<String>),
    Quit,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Do(Command),
    Say(String),
    Wrong(String),
}

/// Reads the arguments. A link is recognised by its scheme, so that no link can pose as a command or an option.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Parsed {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if let [link] = arguments.as_slice()
        && let Some(link) = link.to_str().filter(|text| is_link(text))
    {
        return Parsed::Do(Command::Link(link.to_owned()));
    }
    // What follows `dial` is never an option: `dial -- -5` and `dial -5` mean the same nonsense to a PBX.
    if arguments.first().is_some_and(|first| first == "dial") {
        let number: Vec<String> = arguments
            .drain(1..)
            .filter(|part| part != "--")
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        return match number.join(" ") {
            number if number.trim().is_empty() => wrong("dial: which number?"),
            number => Parsed::Do(Command::Dial(number)),
        };
    }
    // A number may begin with a dash as well as anything.
    if arguments.first().is_some_and(|first| first == "who") {
        let words = arguments.drain(1..).filter(|part| part != "--");
        let words: Vec<String> = words
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        return match words.join(" ") {
            who if who.trim().is_empty() => wrong("who: which number or name?"),
            who => Parsed::Do(Command::Who(who)),
        };
    }
    if arguments.first().is_some_and(|first| first == "connector") {
        let words = arguments.drain(1..);
        let words = words.map(|part| part.to_string_lossy().into_owned());
        return Parsed::Do(Command::Connector(words.collect()));
    }
    match options(arguments) {
        Ok(parsed) => parsed,
        Err(error) => wrong(&error.to_string()),
    }
}

fn options(arguments: Vec<OsString>) -> Result<Parsed, lexopt::Error> {
    use lexopt::prelude::{Long, Short, Value};
    let mut parser = lexopt::Parser::from_args(arguments);
    let (mut words, mut json, mut server) = (Vec::new(), false, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Parsed::Say(HELP.into())),
            Short('V') | Long("version") => {
                return Ok(Parsed::Say(format!(
                    "sidetone {}",
                    env!("CARGO_PKG_VERSION")
                )));
            }
            Long("json") => json = true,
            Long("server") => server = Some(parser.value()?.to_string_lossy().into_owned()),
            Value(word) => words.push(word.to_string_lossy().into_owned()),
            Short(_) | Long(_) => return Err(argument.unexpected()),
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let command = match words.as_slice() {
        ["enrol", text] if !json => Command::Enrol {
            text: (*text).to_owned(),
            server,
        },
        ["enrol", ..] => return Ok(wrong("enrol: one link or code")),
        _ if server.is_some() => return Ok(wrong("--server belongs to enrol")),
        [] if !json => Command::Start,
        ["status"] => Command::Status { json },
        _ if json => return Ok(wrong("--json belongs to status")),
        ["hangup"] => Command::HangUp,
        ["show"] | ["show", "panel"] => Command::Show(Window::Panel),
        ["show", "settings"] => Command::Show(Window::Settings),
        ["sign-out"] => Command::SignOut,
        ["sources"] => Command::Sources,
        ["quit"] => Command::Quit,
        other => return Ok(wrong(&format!("not understood: {}", other.join(" ")))),
    };
    Ok(Parsed::Do(command))
}

fn wrong(words: &str) -> Parsed {
    Parsed::Wrong(format!("sidetone: {words}\n\n{HELP}"))
}

fn is_link(text: &str) -> bool {
    let scheme = text.split(':').next().unwrap_or_default();
    text.contains(':')
        && ["tel", "callto", "sip", "sips", "sidetone"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Parsed {
        parse(arguments.iter().map(OsString::from))
    }

    fn enrol(text: &str, server: Option<&str>) -> Command {
        Command::Enrol {
            text: text.into(),
            server: server.map(str::to_owned),
        }
    }

    #[test]
    fn every_command_is_understood() {
        for (arguments, command) in [
            (&[][..], Command::Start),
            (&["tel:+7916"], Command::Link("tel:+7916".into())),
            (&["TEL:+7916"], Command::Link("TEL:+7916".into())),
            (
                &["dial", "+7 916", "111"],
                Command::Dial("+7 916 111".into()),
            ),
            (&["dial", "--json"], Command::Dial("--json".into())),
            (&["dial", "tel:1"], Command::Dial("tel:1".into())),
            (&["hangup"], Command::HangUp),
            (&["status"], Command::Status { json: false }),
            (&["status", "--json"], Command::Status { json: true }),
            (&["--json", "status"], Command::Status { json: true }),
            (&["show"], Command::Show(Window::Panel)),
            (&["show", "settings"], Command::Show(Window::Settings)),
            (
                &["SIDETONE://enrol/pbx/abcd"],
                Command::Link("SIDETONE://enrol/pbx/abcd".into()),
            ),
            (&["enrol", "abcd"], enrol("abcd", None)),
            (
                &["enrol", "sidetone://enrol/pbx/abcd"],
                enrol("sidetone://enrol/pbx/abcd", None),
            ),
            (
                &["enrol", "abcd", "--server", "pbx.example"],
                enrol("abcd", Some("pbx.example")),
            ),
            (
                &["enrol", "--server=https://pbx.example", "abcd"],
                enrol("abcd", Some("https://pbx.example")),
            ),
            (&["sign-out"], Command::SignOut),
            (
                &["who", "+7 906", "2195047"],
                Command::Who("+7 906 2195047".into()),
            ),
            (&["who", "--", "Ada"], Command::Who("Ada".into())),
            (&["sources"], Command::Sources),
            (
                &["connector", "test", "own.toml", "--live"],
                Command::Connector(vec!["test".into(), "own.toml".into(), "--live".into()]),
            ),
            (&["quit"], Command::Quit),
        ] {
            assert_eq!(parsed(arguments), Parsed::Do(command), "{arguments:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for arguments in [
            &["dial"][..],
            &["who"],
            &["sources", "all"],
            &["show", "card"],
            &["--frobnicate"],
            &["hangup", "now"],
            &["quit", "--json"],
            &["mailto:x"],
            &["enrol"],
            &["enrol", "a", "b"],
            &["enrol", "abcd", "--server"],
            &["status", "--server", "pbx"],
            &["sign-out", "now"],
        ] {
            assert!(
                matches!(parsed(arguments), Parsed::Wrong(_)),
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn a_link_with_spaces_and_dashes_is_one_link_and_never_an_option() {
        assert_eq!(
            parsed(&["tel: --quit"]),
            Parsed::Do(Command::Link("tel: --quit".into()))
        );
        assert!(matches!(parsed(&["tel:1", "quit"]), Parsed::Wrong(_)));
    }
}
