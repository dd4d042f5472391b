//! What the product costs in time and memory, each figure beside a bare lower bound or a rival of the same run: the
//! program behind `cargo xtask bench`. Medians and 95th percentiles; a share of them is written for the README.
#![allow(
    clippy::print_stdout,
    reason = "this program talks to the person at the terminal"
)]

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the bench needs Linux: it fetches Asterisk from Debian");
}

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    linux::main()
}

#[cfg(target_os = "linux")]
mod linux {
    use anyhow::{Context as _, Result, ensure};
    use e2e::scene::DIRECT_LINE;
    use e2e::sidetone::binary;
    use e2e::{Scene, Setup, Sidetone};
    use std::io;
    use std::path::Path;
    use std::process::{Command, ExitStatus, Stdio};
    use std::time::{Duration, Instant};
    use testkit::browser::{Chromium, Consent, LinkPage};
    use testkit::fault_proxy::{Direction, FaultProxy};
    use testkit::phones::RawCaller;
    use testkit::processes::{memory_of_tree, running};
    use view::{CardPhase, KeepWindows, Request, RingHops, Settings};

    /// Of each figure, unless it says otherwise.
    const RUNS: usize = 30;
    /// Of memory, a second apart.
    const READINGS: usize = 7;
    const SOON: Duration = Duration::from_secs(20);
    /// The agent allows ten dials a minute; a fresh one begins anew.
    const DIALS_OF_ONE_AGENT: usize = 8;

    pub(super) fn main() -> Result<()> {
        let mut rows = Vec::new();
        let mut say = |row: Row| {
            println!("{}", row.line());
            rows.push(row);
        };
        println!("{}", Row::HEAD);
        let bare = bare_process()?;
        say(bare.row("an empty process, start → end", Goal::None, String::new()));
        say(starts(&bare)?);
        say(hand_over(&bare)?);
        say(dials(&bare)?);
        for row in prepared_cards()? {
            say(row);
        }
        for row in cards_from_nothing()? {
            say(row);
        }
        for row in memory()? {
            say(row);
        }
        if std::env::args().any(|argument| argument == "--markdown") {
            println!(
                "\n| what | goal | median | p95 | beside it, in the same run |\n|---|---|---|---|---|"
            );
            for row in &rows {
                println!("{}", row.markdown());
            }
        }
        let missed = rows.iter().filter(|row| row.missed).count();
        ensure!(missed == 0, "{missed} goals missed");
        Ok(())
    }

    /// What a figure must not exceed.
    #[derive(Clone, Copy)]
    enum Goal {
        None,
        /// The median, in milliseconds.
        Median(f64),
        /// The 95th percentile, in milliseconds.
        P95(f64),
        /// The median, in MiB.
        Memory(f64),
    }

    impl Goal {
        fn words(self) -> String {
            match self {
                Self::None => String::new(),
                Self::Median(limit) => format!("≤ {limit:.0} ms"),
                Self::P95(limit) => format!("p95 ≤ {limit:.0} ms"),
                Self::Memory(limit) => format!("≤ {limit:.0} MiB"),
            }
        }

        fn is_missed(self, median: f64, p95: f64) -> bool {
            match self {
                Self::None => false,
                Self::Median(limit) | Self::Memory(limit) => median > limit,
                Self::P95(limit) => p95 > limit,
            }
        }
    }

    /// A figure with its goal and what stands beside it.
    struct Row {
        what: String,
        goal: Goal,
        median: String,
        p95: String,
        beside: String,
        missed: bool,
    }

    impl Row {
        const HEAD: &str = "what                                                     goal             median      p95         beside it, in the same run";

        fn line(&self) -> String {
            format!(
                "{:<56} {:<16} {:<11} {:<11} {}{}",
                self.what,
                self.goal.words(),
                self.median,
                self.p95,
                self.beside,
                if self.missed { "  MISSED" } else { "" }
            )
        }

        fn markdown(&self) -> String {
            format!(
                "| {} | {} | {}{} | {} | {} |",
                self.what,
                self.goal.words(),
                self.median,
                if self.missed { " **missed**" } else { "" },
                self.p95,
                self.beside
            )
        }
    }

    /// Durations of one kind, sorted.
    struct Sample(Vec<Duration>);

    impl Sample {
        fn new(mut runs: Vec<Duration>) -> Result<Self> {
            ensure!(!runs.is_empty(), "nothing was measured");
            runs.sort_unstable();
            Ok(Self(runs))
        }

        fn median(&self) -> Duration {
            self.0[self.0.len() / 2]
        }

        fn p95(&self) -> Duration {
            self.0[(self.0.len() * 95).div_ceil(100) - 1]
        }

        fn row(&self, what: &str, goal: Goal, beside: String) -> Row {
            let of = |time: Duration| time.as_secs_f64() * 1000.0;
            Row {
                what: format!("{what} ({} runs)", self.0.len()),
                goal,
                median: millis(self.median()),
                p95: millis(self.p95()),
                beside,
                missed: goal.is_missed(of(self.median()), of(self.p95())),
            }
        }

        fn times(&self, other: &Self) -> f64 {
            self.median().as_secs_f64() / other.median().as_secs_f64().max(1e-9)
        }
    }

    fn millis(time: Duration) -> String {
        format!("{:.1} ms", time.as_secs_f64() * 1000.0)
    }

    /// The least that starting any program and waiting for its end takes here.
    fn bare_process() -> Result<Sample> {
        Sample::new(
            (0..RUNS)
                .map(|_| timed(|| Command::new("true").status()))
                .collect::<Result<_>>()?,
        )
    }

    fn timed(work: impl FnOnce() -> io::Result<ExitStatus>) -> Result<Duration> {
        let start = Instant::now();
        let status = work()?;
        let took = start.elapsed();
        ensure!(status.success(), "a measured program ended with {status}");
        Ok(took)
    }

    fn setup(keep_windows: KeepWindows) -> Setup {
        let mut setup = Setup::default();
        setup.settings.keep_windows = keep_windows;
        setup
    }

    fn settings_of(scene: &Scene) -> Result<Settings> {
        Ok(scene
            .wait_state("settings", SOON, |_| true)?
            .settings
            .settings)
    }

    /// Started → the tray host is told of the icon.
    fn starts(bare: &Sample) -> Result<Row> {
        let mut scene = Scene::start(&setup(KeepWindows::OnDemand))?;
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            scene.sidetone(&["quit"])?;
            scene.agent.wait_ended(SOON)?;
            let host = scene.session.tray().context("a tray host")?;
            let mark = host.registrations().mark();
            let start = Instant::now();
            let mut command = scene.session.command(binary("sidetone")?);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let mut child = scene.session.spawn(&mut command)?;
            let registered = host.registrations().wait_after(mark, SOON, |_| true)?;
            runs.push(registered.at.saturating_duration_since(start));
            child.kill()?;
            child.wait()?;
            scene.agent = Sidetone::start(&scene.session, &[])?;
        }
        let sample = Sample::new(runs)?;
        let beside = format!(
            "an empty process: {}, {:.1} times",
            millis(bare.median()),
            sample.times(bare)
        );
        Ok(sample.row("start → tray registered", Goal::P95(25.0), beside))
    }

    /// `sidetone status`, from its start to its end.
    fn hand_over(bare: &Sample) -> Result<Row> {
        let scene = Scene::start(&setup(KeepWindows::OnDemand))?;
        let run = || {
            let mut command = scene.session.command(scene.agent.program());
            command.arg("status").stdout(Stdio::null());
            timed(|| command.status())
        };
        let sample = Sample::new((0..RUNS).map(|_| run()).collect::<Result<_>>()?)?;
        let beside = format!(
            "an empty process: {}, {:.1} times",
            millis(bare.median()),
            sample.times(bare)
        );
        Ok(sample.row("`sidetone status`, start → end", Goal::None, beside))
    }

    /// Handler started → Originate seen on the wire by a proxy before Asterisk.
    fn dials(bare: &Sample) -> Result<Row> {
        let mut scene = Scene::start(&setup(KeepWindows::OnDemand))?;
        let proxy = FaultProxy::start(scene.asterisk.ami_addr())?;
        let mut settings = settings_of(&scene)?;
        settings.pbx_port = proxy.addr().port();
        let mut runs = Vec::new();
        while runs.len() < RUNS {
            scene.restart_agent_with(&settings, Some(testkit::asterisk::SIDETONE.secret))?;
            scene.wait("connected", SOON, |status| {
                status.connection.is_up() && status.me.lamp == view::Lamp::Idle
            })?;
            for _ in 0..DIALS_OF_ONE_AGENT {
                runs.push(dial(&scene, &proxy, runs.len())?);
            }
        }
        let sample = Sample::new(runs)?;
        let beside = format!(
            "an empty process: {}, {:.1} times",
            millis(bare.median()),
            sample.times(bare)
        );
        Ok(sample.row(
            "link handler started → Originate on the wire",
            Goal::P95(10.0),
            beside,
        ))
    }

    fn dial(scene: &Scene, proxy: &FaultProxy, number: usize) -> Result<Duration> {
        let mark = proxy.passed().mark();
        let mut command = scene.session.command(scene.agent.program());
        command
            .arg(format!("tel:+7916111{number:04}"))
            .stdout(Stdio::null());
        let start = Instant::now();
        let mut child = command.spawn()?;
        let sent = proxy.wait_for_text(Direction::ToServer, "Action: Originate", mark, SOON)?;
        child.wait()?;
        scene.sidetone(&["hangup"])?;
        scene.wait("no call", SOON, |status| {
            status.calls.is_empty() && status.dials.iter().all(|dial| dial.step.is_over())
        })?;
        Ok(sent.saturating_duration_since(start))
    }

    /// A customer's call until its card is painted; then it ends and the card is put away.
    fn ring(scene: &Scene, number: usize) -> Result<RingHops> {
        let caller = RawCaller::ring(
            &scene.asterisk,
            &format!("+4420794{number:05}"),
            b"Bench",
            DIRECT_LINE,
            SOON,
        )?;
        let status = scene.wait("a painted card", SOON, |status| {
            let rings = status
                .cards
                .iter()
                .find(|card| card.phase == CardPhase::Ringing);
            rings.is_some_and(|card| {
                status
                    .hops
                    .rings
                    .iter()
                    .any(|ring| ring.call == card.call && ring.painted.is_some())
            })
        })?;
        let hops = status.hops.rings.last().context("hops")?.clone();
        caller.cancel()?;
        scene.ask(Request::HideCard {
            call: hops.call.clone(),
        })?;
        scene.wait("no card", SOON, |status| {
            status.calls.is_empty() && status.cards.is_empty()
        })?;
        Ok(hops)
    }

    fn micros(from: u64, to: u64) -> Duration {
        Duration::from_micros(to.saturating_sub(from))
    }

    fn prepared_cards() -> Result<Vec<Row>> {
        let scene = Scene::start(&setup(KeepWindows::Always))?;
        scene.wait("windows", SOON, |status| status.windows)?;
        // The first card after the start also loads fonts; it is counted.
        let hops = (0..RUNS)
            .map(|number| ring(&scene, number))
            .collect::<Result<Vec<_>>>()?;
        let painted = Sample::new(
            hops.iter()
                .filter_map(|ring| Some(micros(ring.event_read, ring.painted?)))
                .collect(),
        )?;
        let to_window = Sample::new(
            hops.iter()
                .filter_map(|ring| Some(micros(ring.event_read, ring.received?)))
                .collect(),
        )?;
        let beside = format!(
            "of it until `sidetone-ui` has the news: {}",
            millis(to_window.median())
        );
        Ok(vec![painted.row(
            "ring event → card painted, window prepared",
            Goal::P95(50.0),
            beside,
        )])
    }

    fn cards_from_nothing() -> Result<Vec<Row>> {
        let mut scene = Scene::start(&setup(KeepWindows::OnDemand))?;
        let settings = settings_of(&scene)?;
        let mut hops = Vec::new();
        for number in 0..RUNS {
            scene.restart_agent_with(&settings, None)?;
            scene.wait("connected, no windows", SOON, |status| {
                status.connection.is_up() && status.me.lamp == view::Lamp::Idle && !status.windows
            })?;
            hops.push(ring(&scene, number)?);
        }
        let painted = Sample::new(
            hops.iter()
                .filter_map(|ring| Some(micros(ring.event_read, ring.painted?)))
                .collect(),
        )?;
        let notified = Sample::new(
            hops.iter()
                .filter_map(|ring| Some(micros(ring.event_read, ring.notified?)))
                .collect(),
        )?;
        Ok(vec![
            painted.row(
                "ring event → card painted, windows not running",
                Goal::Median(700.0),
                "the number is notified meanwhile".into(),
            ),
            notified.row(
                "ring event → notification decided",
                Goal::Median(30.0),
                String::new(),
            ),
        ])
    }

    fn memory() -> Result<Vec<Row>> {
        let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
        let mut rows = Vec::new();
        let cases = [
            (
                "PSS idle, connected, no window",
                Goal::Memory(15.0),
                KeepWindows::OnDemand,
            ),
            (
                "PSS idle, connected, card prepared",
                Goal::None,
                KeepWindows::Always,
            ),
        ];
        for (what, goal, keep) in cases {
            let scene = Scene::start(&setup(keep))?;
            let wanted = keep == KeepWindows::Always;
            scene.wait("windows as set", SOON, |status| status.windows == wanted)?;
            // What was needed to start is given back within seconds.
            std::thread::sleep(Duration::from_secs(10));
            let (mut readings, mut processes) = (Vec::new(), 0);
            for _ in 0..READINGS {
                let (memory, found) = memory_of_tree(scene.agent.pid())?;
                processes = found;
                readings.push(memory.pss);
                std::thread::sleep(Duration::from_secs(1));
            }
            readings.sort_unstable();
            let (median, most) = (readings[READINGS / 2], readings[READINGS - 1]);
            let beside = match wanted {
                false => format!("{processes} process"),
                true => format!(
                    "{processes} processes; Chromium with one small page as an app: {}",
                    mib(chromium(&scene)?)
                ),
            };
            rows.push(Row {
                what: format!("{what} ({READINGS} readings)"),
                goal,
                median: mib(median),
                p95: format!("most {}", mib(most)),
                beside,
                missed: goal.is_missed(median as f64 / 1024.0, most as f64 / 1024.0),
            });
        }
        Ok(rows)
    }

    /// PSS in KiB of what most rivals are built on, showing one page with three links.
    fn chromium(scene: &Scene) -> Result<u64> {
        let page = LinkPage::serve(&["tel:1", "tel:2", "tel:3"])?;
        let _browser = Chromium::open(&scene.session, &page, Consent::Remembered)?;
        std::thread::sleep(Duration::from_secs(5));
        let pids = running(Path::new("/usr/lib/chromium/chromium"))?;
        let root = pids.into_iter().min().context("Chromium runs")?;
        let mut readings = Vec::new();
        for _ in 0..READINGS {
            readings.push(memory_of_tree(root)?.0.pss);
            std::thread::sleep(Duration::from_secs(1));
        }
        readings.sort_unstable();
        Ok(readings[READINGS / 2])
    }
}
