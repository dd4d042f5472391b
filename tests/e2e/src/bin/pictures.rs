//! Takes the screenshots of `docs/pictures`: real windows, real calls, light and dark.
#![allow(
    clippy::print_stdout,
    reason = "this program talks to the person at the terminal"
)]

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the pictures are taken on Linux: Asterisk comes from Debian");
}

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    linux::main()
}

#[cfg(target_os = "linux")]
mod linux {
    use anyhow::{Context as _, Result};
    use e2e::scene::DIRECT_LINE;
    use e2e::{Scene, Setup};
    use std::path::PathBuf;
    use std::time::Duration;
    use testkit::browser::{Chromium, Consent, LinkPage};
    use testkit::phones::{Customer, Policy};
    use testkit::session::ColorScheme;
    use view::{CardPhase, DialStep, Request, TickState, Window};

    const SOON: Duration = Duration::from_secs(20);
    const GERMANY: &str = "+49301234567";

    pub(super) fn main() -> Result<()> {
        for (name, scheme) in [("light", ColorScheme::Light), ("dark", ColorScheme::Dark)] {
            Studio::open(name, scheme)?.take_all()?;
        }
        Ok(())
    }

    struct Studio {
        name: &'static str,
        scene: Scene,
    }

    impl Studio {
        fn open(name: &'static str, scheme: ColorScheme) -> Result<Self> {
            let mut setup = Setup::default();
            setup.session.color_scheme = scheme;
            setup.settings.confirm_links = true;
            setup.settings.context = "internal".into();
            setup.settings.dial_plan.outside_prefix = "9".into();
            let scene = Scene::start(&setup)?;
            scene.wait("windows", SOON, |status| status.windows)?;
            scene.session.install_handler(scene.agent.program())?;
            Ok(Self { name, scene })
        }

        fn take_all(&self) -> Result<()> {
            self.make_history()?;
            self.card()?;
            self.confirm()?;
            self.panel()?;
            self.settings()
        }

        /// Calls that the panel lists: one missed, one talked.
        fn make_history(&self) -> Result<()> {
            let phones = &self.scene.phones;
            let missed = phones.customer_calls(&Customer::new("+12125550100", ""), DIRECT_LINE)?;
            self.scene
                .wait("a ring", SOON, |status| !status.cards.is_empty())?;
            phones.hang_up(missed)?;
            self.scene
                .wait("no call", SOON, |status| status.calls.is_empty())?;
            let mark = phones.mark();
            let talked = phones.customer_calls(&Customer::new("+79161112233", ""), DIRECT_LINE)?;
            phones.answer(phones.wait_incoming("101", mark, SOON)?)?;
            let talking = |phase: &CardPhase| matches!(phase, CardPhase::Talking { .. });
            self.scene.wait("a talk", SOON, |status| {
                status.cards.iter().any(|card| talking(&card.phase))
            })?;
            // A talk of a few seconds: the list shows how long.
            std::thread::sleep(Duration::from_secs(3));
            phones.hang_up(talked)?;
            self.scene.wait("no call", SOON, |status| {
                status.calls.is_empty()
                    && status
                        .cards
                        .iter()
                        .all(|card| card.phase == CardPhase::Missed)
            })?;
            self.hide_cards()
        }

        fn hide_cards(&self) -> Result<()> {
            for card in self.scene.status()?.cards {
                self.scene.ask(Request::HideCard { call: card.call })?;
            }
            Ok(())
        }

        /// A person that is known, and two who share a number.
        fn card(&self) -> Result<()> {
            let first = self
                .scene
                .phones
                .customer_calls(&Customer::new("+442079460958", ""), DIRECT_LINE)?;
            self.scene
                .wait("one card", SOON, |status| status.cards.len() == 1)?;
            let second = self
                .scene
                .phones
                .customer_calls(&Customer::new("+79062195047", ""), DIRECT_LINE)?;
            self.scene.wait("two cards, painted", SOON, |status| {
                status.cards.len() == 2
                    && status.cards.iter().all(|card| {
                        status
                            .hops
                            .rings
                            .iter()
                            .any(|ring| ring.call == card.call && ring.painted.is_some())
                    })
            })?;
            self.take("card", "Sidetone: calls")?;
            for call in [first, second] {
                self.scene.phones.hang_up(call)?;
            }
            self.hide_cards()?;
            self.scene
                .wait("no call", SOON, |status| status.calls.is_empty())?;
            Ok(())
        }

        fn confirm(&self) -> Result<()> {
            let page = LinkPage::serve(&["tel:+49-30-1234567"])?;
            let browser = Chromium::open(&self.scene.session, &page, Consent::Remembered)?;
            browser.click(0)?;
            let person = |state: &view::State| {
                let explanation = state.confirm.as_ref().map(|confirm| &confirm.explanation);
                matches!(explanation, Some(view::Explanation::Dials { people, .. }) if people.one().is_some())
            };
            let state = self.scene.wait_state("the question", SOON, person)?;
            // Its button takes no click for a moment, so that a stray Enter does not dial.
            std::thread::sleep(Duration::from_millis(700));
            self.take("confirm", "Sidetone: call a number?")?;
            let confirm = state.confirm.context("a question")?.id;
            self.scene.ask(Request::DismissConfirm { confirm })?;
            Ok(())
        }

        fn panel(&self) -> Result<()> {
            self.scene
                .phones
                .set_policy("101", Policy::answer_after(200))?;
            self.scene
                .phones
                .set_customer_policy(GERMANY, Policy::Ring)?;
            self.scene.sidetone(&["show", "panel"])?;
            self.scene.sidetone(&["dial", GERMANY])?;
            self.scene.wait("it rings there", SOON, |status| {
                status
                    .dials
                    .iter()
                    .any(|dial| dial.step == DialStep::RingingThere)
            })?;
            let panel = self
                .scene
                .session
                .windows()
                .wait_for(SOON, |window| window.mapped && window.title == "Sidetone")?;
            self.scene.session.activate(panel.id)?;
            self.scene.session.type_text("+39 (02) 1234 567")?;
            std::thread::sleep(Duration::from_secs(1));
            self.take("panel", "Sidetone")?;
            self.scene.sidetone(&["hangup"])?;
            self.scene
                .wait("no call", SOON, |status| status.calls.is_empty())?;
            Ok(())
        }

        fn settings(&self) -> Result<()> {
            self.scene.ask(Request::TakeLinks)?;
            self.scene.ask(Request::Show {
                window: Window::Settings,
            })?;
            let title = "Sidetone: settings";
            let window = self
                .scene
                .session
                .windows()
                .wait_for(SOON, |window| window.mapped && window.title == title)?;
            self.scene.session.activate(window.id)?;
            self.scene.picture(
                Some(window.id),
                &self.scene.session.home().join("before.png"),
            )?;
            self.scene.session.press("alt+t")?;
            self.scene.wait_state("three ticks", SOON, |state| {
                let ticks = state
                    .test
                    .as_ref()
                    .map(|test| [&test.connection, &test.phone, &test.links]);
                ticks.is_some_and(|ticks| ticks.iter().all(|tick| tick.state != TickState::Running))
            })?;
            std::thread::sleep(Duration::from_millis(500));
            self.take("settings", "Sidetone: settings")
        }

        fn take(&self, what: &str, title: &str) -> Result<()> {
            let window = self
                .scene
                .session
                .windows()
                .wait_for(SOON, |window| window.mapped && window.title == title)?;
            let file = PathBuf::from(format!("docs/pictures/{what}-{}.png", self.name));
            self.scene.picture(Some(window.id), &file)?;
            println!("{}", file.display());
            Ok(())
        }
    }
}
