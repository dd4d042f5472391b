//! Outgoing calls: from the wish to the end, and the question before it.

use super::server::capitalised;
use super::{Asker, Controller, LookUp, WHO_IS};
use crate::confirm::Asked;
use crate::convert;
use crate::dialler::{A_MINUTE, AT_ONCE, Verdict};
use crate::plan::{Wanted, plan};
use crate::shell::{Notification, Now, Shell};
use engine::{Command, DialUpdate};
use std::time::{Duration, Instant};
use view::{
    Change, Confirm, Dial, DialEnd, DialStep, Explanation, People, RefusalCode, Reply, Source,
    StepTime, Window,
};

/// A finished dial is shown this long; one that failed long enough to read why.
const DONE: Duration = Duration::from_secs(5);
const FAILED: Duration = Duration::from_secs(30);

/// An outgoing call and how long it is still shown.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) view: Dial,
    gone_at: Option<Instant>,
    /// Came from a link: nobody may be looking at the panel.
    from_link: bool,
}

impl Outgoing {
    pub(super) fn gone_at(&self) -> Option<Instant> {
        self.gone_at
    }
}

/// Why a wish did not become a dial.
type Refused = (RefusalCode, String);

impl<S: Shell> Controller<S> {
    pub(super) fn dial(
        &mut self,
        asker: Asker,
        text: &str,
        source: &Source,
        request_id: &str,
        now: Now,
    ) {
        if let Some(dial) = self.dialler.known(request_id) {
            let dial = dial.to_owned();
            return self.reply(asker, Reply::Dialling { dial });
        }
        let from_link = matches!(source, Source::Link { .. });
        let plan = plan(&self.dial_plan(), text);
        let Some(wanted) = plan.target else {
            let Explanation::Refused { words, .. } = plan.explanation else {
                return;
            };
            return self.refuse_dial(asker, from_link, (RefusalCode::NoNumber, words));
        };
        if wanted.question.is_some() || self.must_ask(source) {
            let outcome = self.ask_first(text, plan.explanation, &wanted, source, request_id, now);
            return match outcome {
                Ok(confirm) => self.reply(asker, Reply::AskedFirst { confirm }),
                Err(refused) => self.refuse_dial(asker, from_link, refused),
            };
        }
        match self.start(wanted, request_id, from_link, now) {
            Ok(dial) => self.reply(asker, Reply::Dialling { dial }),
            Err(refused) => self.refuse_dial(asker, from_link, refused),
        }
    }

    pub(super) fn dial_from_tray(&mut self, text: &str, now: Now) {
        let wanted = plan(&self.dial_plan(), text).target;
        let request_id = format!("tray {}", now.unix_us);
        if let Some(wanted) = wanted
            && let Err((_, words)) = self.start(wanted, &request_id, true, now)
        {
            self.notify_failure("dial", &words);
        }
    }

    fn must_ask(&self, source: &Source) -> bool {
        let settings = &self.state.settings.settings;
        match source {
            Source::Typed => false,
            Source::Link { program: None } => settings.confirm_links,
            Source::Link {
                program: Some(program),
            } => settings.confirm_links && !settings.trusted_programs.contains(program),
        }
    }

    fn ask_first(
        &mut self,
        text: &str,
        explanation: Explanation,
        wanted: &Wanted,
        source: &Source,
        request_id: &str,
        now: Now,
    ) -> Result<String, Refused> {
        let program = match source {
            Source::Typed => None,
            Source::Link { program } => program.clone(),
        };
        let id = format!("q{:x}", now.unix_us);
        let from_extension = self.extension();
        let confirm = Confirm {
            id: id.clone(),
            program,
            text: text.to_owned(),
            explanation,
            from_extension,
            trouble: self.trouble(),
        };
        match self.question.ask(confirm, text, request_id, now.instant) {
            Asked::Same(id) => Ok(id),
            Asked::Busy => Err((
                RefusalCode::TooMany,
                "Not called: another link waits for your answer.".into(),
            )),
            Asked::New => {
                self.draw_confirm();
                self.look_up(
                    wanted.number.clone(),
                    LookUp::Confirm {
                        confirm: id.clone(),
                    },
                );
                self.show(Window::Confirm);
                Ok(id)
            }
        }
    }

    pub(super) fn confirmed(&mut self, asker: Asker, confirm: &str, always: bool, now: Now) {
        let Some(pending) = self.question.take(confirm) else {
            return self.refuse(
                asker,
                RefusalCode::NoSuchCall,
                "This question is no longer asked.",
            );
        };
        self.draw_confirm();
        if let (true, Some(program)) = (always, &pending.confirm.program) {
            self.trust(program);
        }
        let wanted = plan(&self.dial_plan(), &pending.text).target;
        let outcome = match wanted {
            Some(wanted) => self.start(wanted, &pending.request_id, true, now),
            None => Err((
                RefusalCode::NoNumber,
                "Not called: the dial plan has changed.".into(),
            )),
        };
        match outcome {
            Ok(dial) => {
                // Whoever said yes wants to see how far it is, and to be able to stop it.
                self.show(Window::Panel);
                self.reply(asker, Reply::Dialling { dial });
            }
            Err(refused) => self.refuse_dial(asker, true, refused),
        }
    }

    fn trust(&mut self, program: &str) {
        let mut view = self.state.settings.clone();
        if !view
            .settings
            .trusted_programs
            .iter()
            .any(|trusted| trusted == program)
        {
            view.settings.trusted_programs.push(program.to_owned());
            self.shell.save_settings(&view.settings);
            self.change(Change::Settings(Box::new(view)));
        }
    }

    fn start(
        &mut self,
        wanted: Wanted,
        request_id: &str,
        from_link: bool,
        now: Now,
    ) -> Result<String, Refused> {
        if let Some(trouble) = self.trouble() {
            return Err((RefusalCode::NotConnected, format!("Not called: {trouble}")));
        }
        let dial =
            match self
                .dialler
                .wish(request_id, wanted.dial.as_str(), now.instant, now.unix_us)
            {
                Verdict::Same(dial) => return Ok(dial),
                Verdict::TooMany => {
                    let words = format!(
                        "Not called: more than {A_MINUTE} calls a minute or {AT_ONCE} at once."
                    );
                    return Err((RefusalCode::TooMany, words));
                }
                Verdict::New(dial) => dial,
            };
        self.hops.asked(&dial, now.unix_us);
        let extension = self.extension();
        let view = Dial {
            id: dial.clone(),
            display: wanted.display,
            dials: wanted.dial.to_string(),
            people: People::Asking,
            step: DialStep::Queued,
            since: now.unix_ms(),
            reached: vec![StepTime {
                words: DialStep::Queued.words(&extension),
                at: now.unix_ms(),
            }],
            can_cancel: true,
        };
        // The engine first: nothing that is drawn may delay the call.
        let command = Command::Dial {
            dial: dial.clone().into(),
            target: wanted.dial,
            number: wanted.number,
            tones: wanted.tones,
            asked: now.instant,
        };
        self.backend(command);
        self.outgoing.push(Outgoing {
            view,
            gone_at: None,
            from_link,
        });
        self.draw_dials();
        Ok(dial)
    }

    pub(super) fn dial_progress(&mut self, update: DialUpdate, now: Now) {
        let id = update.dial.to_string();
        let at = now.unix_us_of(update.at) / 1000;
        if let Some(hops) = self.hops.dial(&id) {
            hops.originate_sent = update.stamps.sent.map(|at| now.unix_us_of(at));
            hops.queued = update.stamps.queued.map(|at| now.unix_us_of(at));
            hops.phone_rings = update.stamps.phone_rings.map(|at| now.unix_us_of(at));
        }
        let extension = self.extension();
        let Some(outgoing) = self
            .outgoing
            .iter_mut()
            .find(|outgoing| outgoing.view.id == id)
        else {
            return;
        };
        outgoing.view.people = update.people;
        let step = convert::step(update.progress);
        if outgoing.view.step == step {
            return self.draw_dials();
        }
        outgoing.view.reached.push(StepTime {
            words: step.words(&extension),
            at,
        });
        outgoing.view.since = at;
        outgoing.view.can_cancel = !step.is_over();
        outgoing.view.step = step;
        let failure = outgoing.end(now.instant);
        if outgoing.view.step.is_over() {
            self.dialler.ended(&id);
        }
        if let Some(words) = failure.filter(|_| !self.panel_is_open()) {
            self.notify_failure(&id, &words);
        }
        self.draw_dials();
        self.draw_me();
    }

    pub(super) fn draw_dials(&mut self) {
        self.change(Change::Dials(
            self.outgoing
                .iter()
                .map(|outgoing| outgoing.view.clone())
                .collect(),
        ));
    }

    pub(super) fn cancel(&mut self, asker: Asker, dial: &str) {
        let running = self
            .outgoing
            .iter()
            .any(|outgoing| outgoing.view.id == dial && !outgoing.view.step.is_over());
        if !running {
            return self.refuse(asker, RefusalCode::NoSuchCall, "This call is over already.");
        }
        self.backend(Command::Cancel { dial: dial.into() });
        self.reply(asker, Reply::Done);
    }

    pub(super) fn explain(&mut self, asker: Asker, text: &str, now: Now) {
        let plan = plan(&self.dial_plan(), text);
        let Some(wanted) = plan.target else {
            return self.reply(asker, Reply::Explanation(plan.explanation));
        };
        let explanation = Box::new(plan.explanation);
        self.look_up(
            wanted.number,
            LookUp::Explain {
                asker,
                explanation,
                until: now.instant + WHO_IS,
            },
        );
    }

    /// A refusal of a link is said aloud: whoever clicked sees neither our exit code nor our words.
    fn refuse_dial(&mut self, asker: Asker, from_link: bool, (code, words): Refused) {
        if from_link {
            self.notify_failure("dial", &words);
        }
        self.refuse(asker, code, words);
    }

    fn notify_failure(&mut self, key: &str, words: &str) {
        let (title, body) = match words.split_once(": ") {
            Some(("Not called", why)) => ("Not called".to_owned(), capitalised(why)),
            _ => ("The call did not go through".to_owned(), words.to_owned()),
        };
        self.shell.notify(Notification {
            key: key.to_owned(),
            title,
            body,
            urgent: false,
            hang_up: false,
        });
    }
}

impl Outgoing {
    /// Sets how long the dial stays; gives the sentence where a call from a link failed.
    fn end(&mut self, now: Instant) -> Option<String> {
        let DialStep::Ended { end, words } = &self.view.step else {
            // It was given up as unknown, and the line came back with news.
            self.gone_at = None;
            return None;
        };
        let went_well = matches!(end, DialEnd::ByThem | DialEnd::ByYou | DialEnd::Cancelled);
        self.gone_at = Some(now + if went_well { DONE } else { FAILED });
        (!went_well && self.from_link).then(|| words.clone())
    }
}
