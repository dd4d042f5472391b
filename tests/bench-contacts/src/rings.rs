//! A hundred phones that ring at once for one caller, whom a slow source knows: it is asked once, and costs its own time.

use crate::sample::Sample;
use crate::table::{Row, Table};
use anyhow::{Context as _, Result, ensure};
use contacts::{Answering, Directory, Person, Question, Source, directory::Settings};
use phone_number::{DialPlan, Region};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep};
use wire::Record;

const PHONES: usize = 100;
/// What the source takes for itself.
const OWN: Duration = Duration::from_millis(50);
const ROUNDS: usize = 21;
/// In milliseconds, for the last of the phones.
const WANTED: f64 = 20.0;

pub(crate) fn run(table: &mut Table) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .context("start a runtime")?;
    runtime.block_on(rings(table))
}

async fn rings(table: &mut Table) -> Result<()> {
    let plan = DialPlan::new(Region::RU);
    let crm = Arc::new(Crm {
        plan: plan.clone(),
        asked: AtomicU64::new(0),
    });
    let directory = Directory::new(Settings::new(plan.clone()));
    directory.set_sources(vec![crm.clone()]);
    let mut added = Vec::new();
    for round in 0..ROUNDS {
        let number = plan.number(&format!("+7906{round:07}"))?;
        let question = Question {
            number,
            line: None,
            extension: None,
        };
        added.push(one(&directory, &question).await?);
    }
    let asked = crm.asked.load(SeqCst);
    table.add(Row {
        what: format!("requests to a source for {PHONES} phones that ring"),
        goal: "1".to_owned(),
        median: format!("{}", asked as f64 / ROUNDS as f64),
        spread: format!("{ROUNDS} callers"),
        beside: String::new(),
        missed: asked != ROUNDS as u64,
    });
    let added = Sample::new(added);
    table.add(Row {
        what: format!(
            "the last of them has its card after the source's {} ms",
            OWN.as_millis()
        ),
        goal: format!("+ ≤ {WANTED} ms"),
        median: format!("+ {:.1} ms", added.median()),
        spread: added.spread(),
        beside: String::new(),
        missed: added.median() > WANTED,
    });
    Ok(())
}

/// How much longer than the source itself the last phone waits, in milliseconds.
async fn one(directory: &Directory, question: &Question) -> Result<f64> {
    let start = Instant::now();
    let rings = (0..PHONES).map(|_| {
        let (directory, question) = (directory.clone(), question.clone());
        tokio::spawn(async move { directory.who_until(&question, start + OWN * 100).await })
    });
    for ring in rings.collect::<Vec<_>>() {
        let who = ring.await?;
        ensure!(
            who.people.one().is_some(),
            "somebody does not know who calls"
        );
    }
    Ok((start.elapsed().as_secs_f64() - OWN.as_secs_f64()) * 1e3)
}

/// Knows everybody, and takes its time.
struct Crm {
    plan: DialPlan,
    asked: AtomicU64,
}

impl Source for Crm {
    fn id(&self) -> &str {
        "crm"
    }

    fn title(&self) -> &str {
        "CRM"
    }

    fn look_up<'a>(&'a self, question: &'a Question) -> Answering<'a, Vec<Person>> {
        self.asked.fetch_add(1, SeqCst);
        Box::pin(async {
            sleep(OWN).await;
            let number = self.plan.number(question.number.normal_form());
            Ok(vec![Person {
                name: "Ada".to_owned(),
                numbers: number.into_iter().collect(),
                record: Record {
                    source: "crm".to_owned(),
                    kind: "person".to_owned(),
                    id: "1".to_owned(),
                },
                ..Person::default()
            }])
        })
    }

    fn find<'a>(&'a self, _: &'a str, _: usize) -> Answering<'a, Vec<Person>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
