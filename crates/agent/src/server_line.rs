//! The line to the integration server as the loop has it: there or not, and its events in the controller's words.

use desktop::{ServerCommand, ServerEvent};
use secrecy::SecretString;
use server_client::{Config, Fingerprint, Link, LinkEvent, NotSent, Rest, Trust};
use view::Tls;
use wire::{
    Answer, Client, EnrolCode, ErrorCode, Failure, Interest, Request, ServerAddress,
    rest::{Enrol, Enrolled},
};

/// At most one line.
#[derive(Debug, Default)]
pub(crate) struct ServerLine {
    link: Option<Link>,
    /// Followed besides one's own, over this line and the next.
    interest: Interest,
}

impl ServerLine {
    /// What happens next; never anything without a line. Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> ServerEvent {
        match &mut self.link {
            Some(link) => told(link.next().await),
            None => std::future::pending().await,
        }
    }

    /// Does what the controller wants, but for enrolment. Gives what there is to say at once.
    pub(crate) fn command(&mut self, command: ServerCommand) -> Option<ServerEvent> {
        match command {
            ServerCommand::Connect { server, tls, token } => self.connect(server, &tls, token),
            ServerCommand::Disconnect => {
                self.link = None;
                None
            }
            ServerCommand::Send { id, request } => self.send(id, request),
            ServerCommand::RetryNow => {
                if let Some(link) = &mut self.link {
                    link.retry_now();
                }
                None
            }
            ServerCommand::Follow(interest) => {
                self.follow(interest);
                None
            }
            ServerCommand::Enrol { .. } => None,
        }
    }

    fn connect(
        &mut self,
        server: ServerAddress,
        tls: &Tls,
        token: SecretString,
    ) -> Option<ServerEvent> {
        self.link = None;
        let tls = match trust(tls) {
            Ok(tls) => tls,
            Err(words) => {
                let failure = Failure::new(ErrorCode::BadRequest, words);
                return Some(ServerEvent::Refused(failure));
            }
        };
        self.link = Some(Link::new(Config {
            server,
            tls,
            token,
            client: client(),
            interest: self.interest.clone(),
        }));
        None
    }

    fn follow(&mut self, interest: Interest) {
        if let Some(link) = self.link.as_mut().filter(|_| self.interest != interest) {
            link.follow(interest.clone());
        }
        self.interest = interest;
    }

    /// What did not leave never will; that is said in place of an answer.
    fn send(&mut self, id: String, request: Request) -> Option<ServerEvent> {
        let sent = match &mut self.link {
            Some(link) => link.send(id.clone(), request),
            None => Err(NotSent::NotConnected),
        };
        let why = sent.err()?;
        let answer = Answer::Failed(Failure::new(ErrorCode::Refused, format!("{why}.")));
        Some(ServerEvent::Reply { id, answer })
    }
}

fn told(event: LinkEvent) -> ServerEvent {
    match event {
        LinkEvent::Connecting { attempt } => ServerEvent::Connecting { attempt },
        LinkEvent::Up { server, me, now } => {
            tracing::info!(%server, "connected to the server");
            ServerEvent::Up {
                server,
                me,
                now_ms: now,
            }
        }
        LinkEvent::Snapshot(facts) => ServerEvent::Snapshot(facts),
        LinkEvent::Changes(facts) => ServerEvent::Changes(facts),
        LinkEvent::Reply { id, answer } => ServerEvent::Reply { id, answer },
        LinkEvent::Lag(lag) => ServerEvent::Lag(lag),
        LinkEvent::Down { why, retry_in } => {
            tracing::info!(%why, "no line to the server");
            let words = why.to_string();
            ServerEvent::Down { words, retry_in }
        }
        LinkEvent::Refused(failure) => {
            tracing::warn!(code = ?failure.code, "the server refuses us");
            ServerEvent::Refused(failure)
        }
    }
}

/// Trades the code for a token; the error is a sentence.
pub(crate) async fn enrol(
    server: ServerAddress,
    tls: Tls,
    code: EnrolCode,
    device: String,
) -> Result<Box<Enrolled>, String> {
    let rest = Rest::new(server, trust(&tls)?);
    let device = match device.trim() {
        "" => computer(),
        device => device.to_owned(),
    };
    let enrol = Enrol {
        code: code.reveal().to_owned(),
        device,
        client: client(),
    };
    match rest.enrol(&enrol).await {
        Ok(enrolled) => Ok(Box::new(enrolled)),
        Err(why) => {
            let why = why.to_string();
            tracing::info!(%why, "not enrolled");
            Err(sentence(&why))
        }
    }
}

fn trust(tls: &Tls) -> Result<Trust, String> {
    Ok(match tls {
        Tls::Off | Tls::PlainAllowed | Tls::System => Trust::System,
        Tls::Ca { file } => Trust::Ca { file: file.into() },
        Tls::Pin { sha256 } => Trust::Pin {
            sha256: Fingerprint::parse(sha256).ok_or(
                "The SHA-256 fingerprint of the server's certificate must have 64 hexadecimal digits.",
            )?,
        },
    })
}

fn client() -> Client {
    Client {
        program: "sidetone".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        platform: std::env::consts::OS.into(),
    }
}

/// The computer's name, for the list of devices.
fn computer() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    match name.trim() {
        "" => "A desktop".to_owned(),
        name => name.chars().take(64).collect(),
    }
}

fn sentence(words: &str) -> String {
    let mut chars = words.trim_end_matches('.').chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_sent_is_answered_and_not_kept() {
        let mut line = ServerLine::default();
        let told = line.command(ServerCommand::Send {
            id: "d1".into(),
            request: Request::Dial { text: "102".into() },
        });
        assert!(matches!(
            told,
            Some(ServerEvent::Reply { id, answer: Answer::Failed(failure) })
                if id == "d1" && failure.code == ErrorCode::Refused
        ));
    }

    #[test]
    fn a_fingerprint_that_is_none_is_said_and_trusts_nobody() {
        let tls = Tls::Pin {
            sha256: "ab".into(),
        };
        assert!(trust(&tls).unwrap_err().contains("64"));
    }

    #[test]
    fn the_device_has_a_name() {
        assert!(!computer().is_empty());
    }
}
