//! What a card costs beyond the CRM's own time: ring → card filled by a live CRM, beside a bare client that asks the same
//! of the same server in the same run. A part of `cargo xtask bench contacts`.
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
    use anyhow::{Context as _, Result, bail, ensure};
    use e2e::crm::{self, Connection};
    use e2e::scene::DIRECT_LINE;
    use e2e::{Scene, Setup};
    use serde_json::{Value, json};
    use std::time::{Duration, Instant, SystemTime};
    use testkit::phones::RawCaller;
    use testkit::tryton::{Party, Phone};
    use testkit::{Odoo, Tryton};
    use view::{Card, Reply, Request, State};

    const RUNS: usize = 30;
    const SOON: Duration = Duration::from_secs(20);
    /// What the product may take of its own, from the event of the ring to the filled card.
    const OWN: Duration = Duration::from_millis(20);

    pub(super) fn main() -> Result<()> {
        println!(
            "{:<36} {:>9} {:>9} {:>12} {:>12} {:>13} {:>7}  goal",
            "ring → card filled",
            "median",
            "p95",
            "CRM says",
            "bare at rest",
            "bare in ring",
            "ratio"
        );
        let mut missed = 0;
        missed += usize::from(tryton()?.say());
        let with_odoo = std::env::args().any(|argument| argument == "--full");
        match with_odoo.then(testkit::odoo::prepare) {
            Some(Ok(())) => missed += usize::from(odoo()?.say()),
            Some(Err(why)) => println!("Odoo: skipped, {why:#}"),
            None => println!("Odoo: skipped, only with --full"),
        }
        ensure!(missed == 0, "{missed} goals missed");
        Ok(())
    }

    /// Times of one CRM, each sorted.
    struct Times {
        name: &'static str,
        filled: Vec<Duration>,
        /// As the card has it.
        source: Vec<Duration>,
        /// The bare client's, with nothing else going on.
        at_rest: Vec<Duration>,
        /// The bare client's while a call of a known number rings: phone system and windows want the processor as well.
        in_ring: Vec<Duration>,
    }

    impl Times {
        /// Whether the goal is missed.
        fn say(mut self) -> bool {
            for times in [
                &mut self.filled,
                &mut self.source,
                &mut self.at_rest,
                &mut self.in_ring,
            ] {
                times.sort_unstable();
            }
            let [filled, source, at_rest, in_ring] =
                [&self.filled, &self.source, &self.at_rest, &self.in_ring]
                    .map(|times| times[times.len() / 2]);
            let p95 = self.filled[(self.filled.len() * 95).div_ceil(100) - 1];
            let is_missed = filled > in_ring + OWN;
            println!(
                "{:<36} {:>9} {:>9} {:>12} {:>12} {:>13} {:>7.1}  ≤ bare in ring + {} ms{}",
                format!("{} ({} runs)", self.name, self.filled.len()),
                millis(filled),
                millis(p95),
                millis(source),
                millis(at_rest),
                millis(in_ring),
                filled.as_secs_f64() / in_ring.as_secs_f64().max(1e-9),
                OWN.as_millis(),
                if is_missed { "  MISSED" } else { "" }
            );
            is_missed
        }
    }

    fn millis(time: Duration) -> String {
        format!("{:.1} ms", time.as_secs_f64() * 1000.0)
    }

    fn tryton() -> Result<Times> {
        let tryton = Tryton::start()?;
        for number in numbers() {
            tryton.add(&Party {
                name: &number,
                phones: &[Phone::own(&number)],
                ..Party::default()
            })?;
        }
        let bare = |number: &str| {
            let domain = json!([
                ["type", "in", ["phone", "mobile"]],
                ["value_compact", "in", variants(number)]
            ]);
            let fields = json!([
                "party",
                "party.rec_name",
                "party.code",
                "party.email",
                "name",
                "value",
                "value_compact",
                "comment"
            ]);
            let parameters = json!([domain, 0, 20, null, fields, {}]);
            tryton.call("model.party.contact_mechanism.search_read", &parameters)
        };
        measure("Tryton", &Connection::tryton(&tryton), bare)
    }

    fn odoo() -> Result<Times> {
        let odoo = Odoo::start()?;
        for number in numbers() {
            odoo.add(&number, None, &number)?;
        }
        let bare = |number: &str| {
            let national = number.trim_start_matches("+7");
            let domain = json!([["phone_mobile_search", "ilike", national]]);
            let parameters =
                json!({ "domain": domain, "fields": ["display_name", "phone"], "limit": 10 });
            odoo.call("res.partner", "search_read", &parameters)
        };
        // Deals and notes are questions of their own, one after the other, which the bare client does not ask.
        let mut connection = Connection::odoo(&odoo);
        let values = &mut connection.settings.values;
        values.insert("facts".into(), "false".into());
        measure("Odoo, person only", &connection, bare)
    }

    /// Each number is asked for once by the product, and by the bare client a moment before and while it rings once more.
    fn measure(
        name: &'static str,
        connection: &Connection,
        bare: impl Fn(&str) -> Result<Value>,
    ) -> Result<Times> {
        let setup = Setup {
            contacts: String::new(),
            connectors: vec![connection.clone()],
            through: e2e::Through::Direct,
            ..Setup::default()
        };
        let scene = Scene::start(&setup)?;
        scene.wait("windows", SOON, |status| status.windows)?;
        let mut times = Times {
            name,
            filled: Vec::new(),
            source: Vec::new(),
            at_rest: Vec::new(),
            in_ring: Vec::new(),
        };
        for (run, number) in numbers().enumerate() {
            let ask = || -> Result<Duration> {
                let start = Instant::now();
                let found = bare(&number)?;
                let took = start.elapsed();
                ensure!(
                    found[0].is_object(),
                    "{name} does not know {number}: {found}"
                );
                Ok(took)
            };
            let at_rest = ask()?;
            let (filled, source) = ring(&scene, &number)?;
            // The product knows the number now and asks nobody.
            let caller = RawCaller::ring(&scene.asterisk, &number, b"", DIRECT_LINE, SOON)?;
            let in_ring = ask()?;
            let (state, _) = self::filled(&scene)?;
            put_away(&scene, caller, state.cards.first().context("a card")?)?;
            // The first one signs in and loads the window's fonts.
            if run > 0 {
                times.at_rest.push(at_rest);
                times.in_ring.push(in_ring);
                times.filled.push(filled);
                times.source.push(source);
            }
        }
        Ok(times)
    }

    fn numbers() -> impl Iterator<Item = String> {
        (0..=RUNS).map(|number| format!("+7906219{number:04}"))
    }

    fn variants(number: &str) -> [String; 4] {
        let national = number.trim_start_matches("+7");
        [
            number.to_owned(),
            format!("7{national}"),
            format!("8{national}"),
            national.to_owned(),
        ]
    }

    /// From the event of the ring, read by the agent, until its state has the filled card; and the source's own time.
    fn ring(scene: &Scene, number: &str) -> Result<(Duration, Duration)> {
        let caller = RawCaller::ring(&scene.asterisk, number, b"", DIRECT_LINE, SOON)?;
        let (state, seen) = filled(scene)?;
        let card = state.cards.first().context("a card")?;
        let took = crm::found_by(card).and_then(|report| report.took_ms);
        let status = scene.status()?;
        let hops = status.hops.rings.iter().find(|ring| ring.call == card.call);
        let read = hops.context("when it rang")?.event_read;
        put_away(scene, caller, card)?;
        let source = Duration::from_millis(took.context("how long it took")?.into());
        Ok((seen.saturating_sub(Duration::from_micros(read)), source))
    }

    fn put_away(scene: &Scene, caller: RawCaller, card: &Card) -> Result<()> {
        caller.cancel()?;
        scene.ask(Request::HideCard {
            call: card.call.clone(),
        })?;
        scene
            .wait("no card", SOON, |status| {
                status.calls.is_empty() && status.cards.is_empty()
            })
            .map(drop)
    }

    /// Asks again and again without a pause, about once a millisecond; the time since 1970 with it.
    fn filled(scene: &Scene) -> Result<(State, Duration)> {
        let until = Instant::now() + SOON;
        while Instant::now() < until {
            let Reply::Snapshot(snapshot) = scene.ask(Request::Snapshot)? else {
                bail!("no snapshot")
            };
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
            let known = |card: &Card| crm::is_filled(card) && card.people.one().is_some();
            if snapshot.state.cards.iter().any(known) {
                return Ok((snapshot.state, now));
            }
        }
        bail!("no card is filled within {SOON:?}")
    }
}
