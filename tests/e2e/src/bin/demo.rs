//! The main job, played on a real Asterisk and told step by step: the program behind `cargo xtask demo`.
#![allow(
    clippy::print_stdout,
    reason = "this program talks to the person at the terminal"
)]

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the demo needs Linux: it fetches Asterisk from Debian");
}

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    linux::main()
}

#[cfg(target_os = "linux")]
mod linux {
    use anyhow::{Context as _, Result};
    use e2e::crm::Connection;
    use e2e::scene::DIRECT_LINE;
    use e2e::{Scene, Setup, crm};
    use std::cell::Cell;
    use std::io::BufRead as _;
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};
    use testkit::Tryton;
    use testkit::browser::{Chromium, Consent, LinkPage};
    use testkit::phones::{Customer, Policy};
    use testkit::session::{Display, WindowId, WindowInfo};
    use view::{Card, CardPhase, DialStep, KeepWindows, Status};
    use wire::{SourceReport, SourceState};

    const CUSTOMER: &str = "+79161112233";
    const LINKS: [&str; 3] = ["tel:+7-916-111-22-33", "tel:102", "tel:+44-20-7946-0958"];
    const SOON: Duration = Duration::from_secs(20);

    pub(super) fn main() -> Result<()> {
        let with_person = std::env::var_os("DISPLAY").is_some_and(|display| !display.is_empty())
            && !std::env::args().any(|argument| argument == "--headless");
        let pictures = PathBuf::from("target/demo");
        std::fs::create_dir_all(&pictures).context("make target/demo")?;
        install()?;
        let stage = Stage::set(with_person)?;
        stage.link_is_clicked(&pictures)?;
        stage.customer_calls(&pictures)?;
        if with_person { stage.stay() } else { Ok(()) }
    }

    /// Fetches what the first run needs, and says so; later runs find it.
    fn install() -> Result<()> {
        let start = Instant::now();
        let say =
            |sentence: &str| println!("  {sentence} ({:.1} s)", start.elapsed().as_secs_f64());
        testkit::asterisk::install(say).context("fetch Asterisk")?;
        testkit::phones::install(say).context("install the SIP phones")?;
        testkit::tryton::prepare(say).context("install Tryton")?;
        Ok(())
    }

    struct Stage {
        scene: Scene,
        /// The firm's customers are here and in no book.
        _tryton: Tryton,
        page: LinkPage,
        with_person: bool,
        /// Steps of the dial that were told already.
        told: Cell<usize>,
    }

    impl Drop for Stage {
        /// On a person's own desktop nothing is left in the keychain.
        fn drop(&mut self) {
            let _ = crm::disconnect(&self.scene);
        }
    }

    impl Stage {
        fn set(with_person: bool) -> Result<Self> {
            let mut setup = Setup::default();
            if with_person {
                setup.session.display = Display::Existing;
            }
            setup.settings.confirm_links = true;
            setup.settings.keep_windows = KeepWindows::Always;
            setup.contacts = String::new();
            let start = Instant::now();
            let tryton = std::thread::spawn(crm::start);
            let scene = Scene::start(&setup)?;
            let tryton = tryton
                .join()
                .map_err(|_| anyhow::anyhow!("Tryton was not started"))?
                .context("start Tryton")?;
            crm::connect(&scene, &Connection::tryton(&tryton))?;
            scene
                .session
                .install_handler(scene.agent.program())
                .context("take tel: links")?;
            scene.phones.set_policy("101", Policy::answer_after(1500))?;
            scene.phones.set_policy("102", Policy::answer_after(1500))?;
            scene
                .phones
                .set_customer_policy(CUSTOMER, Policy::answer_after(2000))?;
            let connection = scene.status()?.connection.words();
            println!(
                "Asterisk runs at {} with phones 101 to 104 and a trunk to the outside.",
                scene.asterisk.ami_addr()
            );
            println!(
                "Sidetone sits in the tray of extension 101. {connection}. ({:.1} s)",
                start.elapsed().as_secs_f64()
            );
            println!(
                "Tryton runs at {} with {} customers; Sidetone asks it who calls.",
                tryton.url(),
                crm::customers()
            );
            Ok(Self {
                scene,
                _tryton: tryton,
                page: LinkPage::serve(&LINKS)?,
                with_person,
                told: Cell::new(0),
            })
        }

        fn link_is_clicked(&self, pictures: &Path) -> Result<()> {
            println!("\nYou click {} on a web page.", LINKS[0]);
            let browser = Chromium::open(&self.scene.session, &self.page, Consent::Remembered)?;
            let clicked = browser.click(0)?;
            let confirm = self.window("Sidetone: call a number?")?;
            println!(
                "  +{:5.2} s  a window asks: call this number?",
                clicked.elapsed().as_secs_f64()
            );
            self.picture(Some(&confirm), &pictures.join("confirm.png"))?;
            self.say_yes(confirm.id)?;
            println!("  +{:5.2} s  you say yes", clicked.elapsed().as_secs_f64());
            self.scene.sidetone(&["show", "panel"])?;
            let said_yes = Instant::now();
            let panel = self.window("Sidetone")?;
            self.tell_until(clicked, |step| *step == DialStep::Answered)?;
            println!("  answered after {:.1} s", said_yes.elapsed().as_secs_f64());
            self.picture(Some(&panel), &pictures.join("panel.png"))?;
            self.scene.sidetone(&["hangup"])?;
            self.tell_until(clicked, DialStep::is_over)
        }

        /// The button takes nothing for a moment after it appears, so that a stray Enter does not dial.
        fn say_yes(&self, window: WindowId) -> Result<()> {
            let until = Instant::now() + SOON;
            while self
                .scene
                .wait_state("a state", SOON, |_| true)?
                .confirm
                .is_some()
            {
                anyhow::ensure!(Instant::now() < until, "the question takes no yes");
                self.scene.session.activate(window)?;
                self.scene.session.press("Return")?;
                std::thread::sleep(Duration::from_millis(150));
            }
            Ok(())
        }

        /// Says every step of the newest dial until one is reached.
        fn tell_until(&self, clicked: Instant, reached: impl Fn(&DialStep) -> bool) -> Result<()> {
            let until = Instant::now() + SOON;
            let mut told = self.told.take();
            loop {
                let status = self.scene.status()?;
                let dial = status.dials.last();
                let steps = dial.map_or(&[][..], |dial| &dial.reached);
                for step in steps.iter().skip(told) {
                    println!(
                        "  +{:5.2} s  {}",
                        clicked.elapsed().as_secs_f64(),
                        step.words
                    );
                }
                told = steps.len();
                if dial.is_some_and(|dial| reached(&dial.step)) {
                    self.told.set(told);
                    return Ok(());
                }
                anyhow::ensure!(
                    Instant::now() < until,
                    "the call stays at: {:?}",
                    dial.map(|dial| &dial.step)
                );
                std::thread::sleep(Duration::from_millis(20));
            }
        }

        fn customer_calls(&self, pictures: &Path) -> Result<()> {
            println!("\nA customer calls your line.");
            self.scene.phones.set_policy("101", Policy::Ring)?;
            let since = Instant::now();
            let customer = Customer::new("+442079460958", "LOVELACE A");
            let call = self.scene.phones.customer_calls(&customer, DIRECT_LINE)?;
            let ringing = |status: &Status| card(status).is_some();
            let status = self.scene.wait("the card", SOON, ringing)?;
            let card = card(&status).context("a card")?;
            println!(
                "  +{:5.2} s  card: {}",
                since.elapsed().as_secs_f64(),
                who(card)
            );
            let id = card.call.clone();
            self.tell_who_it_is(since)?;
            let status = self.scene.wait("the card is painted", SOON, |status| {
                status
                    .hops
                    .rings
                    .iter()
                    .any(|ring| ring.call == id && ring.painted.is_some())
            })?;
            if let Some(ring) = status.hops.rings.iter().find(|ring| ring.call == id)
                && let Some(painted) = ring.painted
            {
                let micros = painted.saturating_sub(ring.event_read);
                println!(
                    "  painted {:.0} ms after Asterisk said that it rings",
                    micros as f64 / 1000.0
                );
            }
            let window = self.window("Sidetone: calls")?;
            self.picture(Some(&window), &pictures.join("card.png"))?;
            self.picture(None, &pictures.join("screen.png"))?;
            println!("  pictures: {}", pictures.display());
            if !self.with_person {
                self.scene.phones.hang_up(call)?;
                self.scene
                    .wait("the end", SOON, |status| status.calls.is_empty())?;
                println!(
                    "  +{:5.2} s  they gave up: missed, with a line in the panel to call back",
                    since.elapsed().as_secs_f64()
                );
                println!("\nThere is no display here, so the demo ends.");
            }
            Ok(())
        }

        /// Where the card's facts come from, once everybody who was asked has answered.
        fn tell_who_it_is(&self, since: Instant) -> Result<()> {
            let filled = |status: &Status| card(status).is_some_and(crm::is_filled);
            let status = self.scene.wait("what Tryton knows", SOON, filled)?;
            let card = card(&status).context("a card")?;
            println!(
                "  +{:5.2} s  card: {}",
                since.elapsed().as_secs_f64(),
                who(card)
            );
            for report in &card.sources {
                println!("            {}", told_by(report));
            }
            Ok(())
        }

        /// The person tries it; Enter makes a customer call.
        fn stay(&self) -> Result<()> {
            let _browser = Chromium::open(&self.scene.session, &self.page, Consent::Remembered)?;
            self.scene
                .phones
                .set_policy("101", Policy::answer_after(3000))?;
            println!("\nNow you. Your phone picks up by itself after 3 s.");
            println!("  Click a link in the browser window, or left-click the tray icon.");
            println!(
                "  In another terminal: XDG_RUNTIME_DIR={} {} dial 102",
                self.scene.session.runtime_folder().display(),
                self.scene.agent.program().display()
            );
            println!(
                "  Enter here makes a customer call; q and Enter, or Ctrl-C, ends everything."
            );
            let callers = [
                ("+442079460958", "LOVELACE A"),
                ("+12125550100", ""),
                ("+79062195047", ""),
                ("anonymous", "Anonymous"),
            ];
            let mut next = callers.iter().cycle();
            for line in std::io::stdin().lock().lines() {
                if line?.trim() == "q" {
                    break;
                }
                if let Some((number, name)) = next.next() {
                    println!("calling from {number}");
                    self.scene
                        .phones
                        .customer_calls(&Customer::new(number, name), DIRECT_LINE)?;
                }
            }
            Ok(())
        }

        fn window(&self, title: &str) -> Result<WindowInfo> {
            self.scene
                .session
                .windows()
                .wait_for(SOON, |window| window.mapped && window.title == title)
        }

        fn picture(&self, window: Option<&WindowInfo>, file: &Path) -> Result<()> {
            self.scene.picture(window.map(|window| window.id), file)
        }
    }

    fn card(status: &Status) -> Option<&Card> {
        status
            .cards
            .iter()
            .find(|card| card.phase == CardPhase::Ringing)
    }

    /// Where that comes from, and how long it took.
    fn told_by(report: &SourceReport) -> String {
        let source = &report.source;
        let took = report.took_ms.map(|took| format!(" after {took} ms"));
        let took = took.unwrap_or_default();
        match &report.state {
            SourceState::Asking => format!("{source} is asked"),
            SourceState::Found { people: 1 } => format!("{source} said so{took}"),
            SourceState::Found { people } => format!("{source} knows {people} people{took}"),
            SourceState::Nobody => format!("{source} knows nobody{took}"),
            SourceState::Failed { words } => format!("{source}: {words}"),
        }
    }

    fn who(card: &Card) -> String {
        let number = card.party.number.as_deref().unwrap_or("number withheld");
        match card.people.one() {
            Some(person) => {
                let company = person
                    .company
                    .as_ref()
                    .map(|company| format!(", {company}"))
                    .unwrap_or_default();
                format!("{}{company} ({number})", person.name)
            }
            None => number.to_owned(),
        }
    }
}
