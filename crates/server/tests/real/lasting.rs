//! The server is killed again and again while people call; afterwards every call is in the log once and true.

use crate::firm::{Server, Setup};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};
use testkit::{
    Asterisk, Phones, Postgres, asterisk,
    phones::{Customer, PhoneCall, Policy, What},
};
use wire::{
    MissedCall,
    rest::{LogEntry, LogOutcome, LogPage, LogSource},
};

/// Kills in the usual run, half of them on each database; `SIDETONE_KILLS` asks for more.
const KILLS: u64 = 52;
/// Customers who call at the same time; phones have four calls each, and one that ends overlaps the next.
const CALLERS: u64 = 3;
const SOON: Duration = Duration::from_secs(20);
/// The PBX's records are read some seconds after a call.
const SETTLED: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_or_doubled_when_the_server_is_killed_on_sqlite() {
    survive(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_or_doubled_when_the_server_is_killed_on_postgresql() {
    let postgres = Postgres::start().expect("PostgreSQL");
    survive(Some(postgres.database().expect("a database"))).await;
}

async fn survive(store: Option<String>) {
    let seed = number_of("SIDETONE_SEED").unwrap_or_else(clock);
    let kills = number_of("SIDETONE_KILLS").unwrap_or(KILLS) / 2;
    println!("SIDETONE_SEED={seed}");
    let (asterisk, phones) = firm();
    let setup = Setup {
        store,
        pbx: PBX.into(),
        ..Setup::default()
    };
    let mut server = Server::prepare(&asterisk, &setup);
    let load = Load::default();
    let mut chance = Chance(seed);
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (load, phones) = (&load, &phones);
            scope.spawn(move || load.call(phones, Chance(seed ^ ((caller + 1) << 32))));
        }
        // Whatever panics: the callers have to end, or the scope never does.
        let _over = Over(&load.is_over);
        for kill in 0..kills {
            server.launch();
            thread::sleep(chance.between(200, 2_000));
            server.kill();
            if kill % 3 == 0 {
                thread::sleep(chance.between(100, 2_500));
            }
        }
        server.start();
    });
    let placed = load.placed.into_inner().expect("calls");
    println!("{} calls, {kills} kills", placed.len());
    assert!(placed.len() >= kills as usize, "hardly any load");
    let token = server.enrol("chief").await.token.0;
    let (log, mistold) = settled(&server, &token, &placed).await;
    tell_sources(&log);
    let mut told = placed;
    told.retain(|caller, _| !mistold.contains(caller));
    each_is_found_by_its_number(&server, &token, &told).await;
    if mistold.is_empty() {
        board_is_right(&server, &token, &told).await;
    }
}

/// What a caller does, and what has to be in the log for it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// 101 answers.
    Answered,
    /// 102 refuses.
    Busy,
    /// 103 rings until the caller gives up.
    NotAnswered,
    /// The queue of 104, who answers.
    Queue,
    /// A queue where nobody is, until the caller gives up.
    LeftQueue,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Answered,
        Self::Busy,
        Self::NotAnswered,
        Self::Queue,
        Self::LeftQueue,
    ];

    fn line(self) -> &'static str {
        match self {
            Self::Answered => "74951230001",
            Self::Busy => "74951230004",
            Self::NotAnswered => "74951230012",
            Self::Queue => "74951230020",
            Self::LeftQueue => "74951230021",
        }
    }

    fn outcome(self) -> LogOutcome {
        match self {
            Self::Answered | Self::Queue => LogOutcome::Answered,
            Self::Busy => LogOutcome::Busy,
            Self::NotAnswered | Self::LeftQueue => LogOutcome::Missed,
        }
    }

    /// Whether somebody has to call back.
    fn is_on_the_board(self) -> bool {
        matches!(self, Self::NotAnswered | Self::LeftQueue)
    }
}

/// Calls that were placed, by the digits of the caller.
type Placed = BTreeMap<String, Kind>;

#[derive(Default)]
struct Load {
    is_over: AtomicBool,
    next: AtomicU32,
    placed: Mutex<Placed>,
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

impl Load {
    /// One call after the other, each with a number of its own.
    fn call(&self, phones: &Phones, mut chance: Chance) {
        while !self.is_over.load(Relaxed) {
            let kind = Kind::ALL[chance.below(Kind::ALL.len() as u64) as usize];
            let digits = format!("447712{:06}", self.next.fetch_add(1, Relaxed));
            self.placed
                .lock()
                .expect("calls")
                .insert(digits.clone(), kind);
            let customer = Customer::new(&format!("+{digits}"), "");
            one(phones, &customer, kind, &mut chance);
        }
    }
}

fn one(phones: &Phones, customer: &Customer, kind: Kind, chance: &mut Chance) {
    let mark = phones.mark();
    let call = placed(phones, customer, kind.line());
    let until = |wanted: fn(&What) -> bool| {
        let found = phones.wait_after(mark, SOON, |event| {
            event.call == Some(call) && wanted(&event.what)
        });
        found.unwrap_or_else(|why| panic!("{kind:?} by {}: {why:#}", customer.number));
    };
    match kind {
        Kind::Busy => {}
        Kind::NotAnswered => until(|what| matches!(what, What::Ringing { .. })),
        Kind::Answered | Kind::Queue | Kind::LeftQueue => {
            until(|what| matches!(what, What::Answered { .. }));
        }
    }
    match kind {
        Kind::Busy => {}
        Kind::Queue => {
            // The queue answers before its member does.
            let taken = phones.wait_after(mark, SOON, |event| {
                event.phone == "104"
                    && matches!(&event.what, What::Answered { remote } if remote.contains(&customer.number))
            });
            taken.expect("104 takes it");
        }
        Kind::NotAnswered | Kind::Answered | Kind::LeftQueue => {}
    }
    if kind != Kind::Busy {
        thread::sleep(chance.between(50, 1_500));
        phones.hang_up(call).expect("hang up");
    }
    until(|what| matches!(what, What::Ended { .. }));
}

/// The phones let go of a call some time after its end, and say until then that they have too many.
fn placed(phones: &Phones, customer: &Customer, line: &str) -> PhoneCall {
    let until = Instant::now() + SOON;
    loop {
        match phones.customer_calls(customer, line) {
            Ok(call) => return call,
            Err(why) => assert!(Instant::now() < until, "{why:#}"),
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until the PBX's records are in, and looks at every call.
async fn settled(
    server: &Server,
    token: &str,
    placed: &Placed,
) -> (Vec<LogEntry>, BTreeSet<String>) {
    let until = Instant::now() + SETTLED;
    loop {
        let log = whole_log(server, token).await;
        let wrong = wrong(&log, placed);
        let is_told = |call: &LogEntry| call.source != LogSource::Live;
        if wrong.lost.is_empty() && wrong.mistold.is_empty() && log.iter().all(is_told) {
            return (log, BTreeSet::new());
        }
        if Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(500)).await;
            continue;
        }
        let told: Vec<&String> = wrong.mistold.values().collect();
        println!("told wrong: {told:#?}");
        assert!(
            wrong.lost.is_empty() && told.len() <= MISTOLD,
            "{} calls placed, {} in the log; lost or doubled: {:#?}",
            placed.len(),
            log.len(),
            wrong.lost
        );
        return (log, wrong.mistold.into_keys().collect());
    }
}

/// Calls of a run that may be told wrong, none of which may be lost or doubled. What only a server knew that was killed
/// (who rang, who answered first) is not in the PBX's records: in one of some hundred calls the log then names another
/// outcome, or the called phone as the caller.
const MISTOLD: usize = 2;

/// What is not as it was.
#[derive(Default)]
struct Wrong {
    /// Not in the log, or more than once.
    lost: Vec<String>,
    /// Once, and not as it was; by caller.
    mistold: BTreeMap<String, String>,
}

fn wrong(log: &[LogEntry], placed: &Placed) -> Wrong {
    let mut by_caller: BTreeMap<String, Vec<&LogEntry>> = BTreeMap::new();
    for call in log {
        let caller = digits(call.caller.number.as_deref().unwrap_or_default());
        by_caller.entry(caller).or_default().push(call);
    }
    let mut wrong = Wrong::default();
    for (caller, calls) in &by_caller {
        if !placed.contains_key(caller) {
            let line = format!("nobody called: {calls:?}");
            wrong.mistold.insert(caller.clone(), line);
        }
    }
    // A call under its called phone's number is there, and told wrong.
    let mut strangers = wrong.mistold.len();
    for (caller, kind) in placed {
        match by_caller.get(caller).map(Vec::as_slice) {
            None if strangers > 0 => {
                strangers -= 1;
                let line = format!("{caller} {kind:?}: under another number");
                wrong.mistold.insert(caller.clone(), line);
            }
            None => wrong.lost.push(format!("{caller} {kind:?}: lost")),
            Some([call]) if call.outcome == kind.outcome() && call.ended.is_some() => {}
            Some([call]) => {
                let line = format!("{caller} {kind:?}: {call:?}");
                wrong.mistold.insert(caller.clone(), line);
            }
            Some(calls) => {
                let line = format!("{caller} {kind:?}: doubled {calls:#?}");
                wrong.lost.push(line);
            }
        }
    }
    wrong
}

async fn whole_log(server: &Server, token: &str) -> Vec<LogEntry> {
    let mut log = Vec::new();
    let mut path = "/api/v1/calls?limit=100".to_owned();
    loop {
        let answer = server.get(&path, token).await;
        let page: LogPage = answer.json().await.expect("a page");
        log.extend(page.calls);
        let Some(next) = page.next else { return log };
        path = format!("/api/v1/calls?limit=100&before={next}");
    }
}

async fn each_is_found_by_its_number(server: &Server, token: &str, placed: &Placed) {
    for digits in placed.keys() {
        let path = format!("/api/v1/calls?text=%2B{digits}");
        let page: LogPage = server.get(&path, token).await.json().await.expect("a page");
        assert_eq!(page.calls.len(), 1, "{digits}: {:?}", page.calls);
    }
}

/// Whoever has to be called back is on the board, and nobody else.
async fn board_is_right(server: &Server, token: &str, placed: &Placed) {
    let answer = server.get("/api/v1/missed", token).await;
    let board: Vec<MissedCall> = answer.json().await.expect("a board");
    let number = |item: &MissedCall| digits(item.party.number.as_deref().unwrap_or_default());
    let waiting: Vec<String> = board.iter().map(number).collect();
    for (item, number) in board.iter().zip(&waiting) {
        let kind = placed.get(number);
        assert!(kind.is_some_and(|kind| kind.is_on_the_board()), "{item:?}");
        assert_eq!(item.times, 1, "{item:?}");
    }
    let missed = placed.iter().filter(|(_, kind)| kind.is_on_the_board());
    // The board shows the newest 500.
    if missed.clone().count() <= 500 {
        for (digits, kind) in missed {
            assert!(
                waiting.contains(digits),
                "{digits} {kind:?} is not on the board"
            );
        }
    }
}

fn tell_sources(log: &[LogEntry]) {
    let of = |source| log.iter().filter(|call| call.source == source).count();
    let (both, told) = (of(LogSource::LiveAndCdr), of(LogSource::Cdr));
    println!("{both} seen and told by the PBX, {told} told by the PBX alone");
    assert!(both > 0 && told > 0, "the kills did not hit any call");
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn firm() -> (Asterisk, Phones) {
    let asterisk = Asterisk::start(&asterisk::Options {
        extra: vec![
            ("extensions.conf", LINES.into()),
            ("queues.conf", QUEUES.into()),
            ("cdr.conf", CDR.into()),
            (
                "modules.conf",
                "load = func_cdr.so\nload = cdr_csv.so".into(),
            ),
        ],
        ..asterisk::Options::default()
    });
    let asterisk = asterisk.expect("Asterisk");
    let phones = Phones::start(&asterisk).expect("phones");
    for (phone, policy) in [
        ("101", Policy::answer_after(50)),
        ("102", Policy::reject(486)),
        ("103", Policy::Ring),
        ("104", Policy::answer_after(50)),
    ] {
        phones.set_policy(phone, policy).expect("a policy");
    }
    (asterisk, phones)
}

/// The same numbers for the same seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    fn between(&mut self, from_ms: u64, until_ms: u64) -> Duration {
        Duration::from_millis(from_ms + self.below(until_ms - from_ms))
    }
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("a clock").as_nanos() as u64
}

/// A queue of 104 and a queue of nobody, reached from outside.
const LINES: &str = "
exten => 74951230020,1,Answer()
 same => n,Queue(load,tTkK,,,30)
 same => n,Hangup()
exten => 74951230021,1,Answer()
 same => n,Queue(nobody,tTkK,,,30)
 same => n,Hangup()
";
const QUEUES: &str = "
[load]
strategy = ringall
timeout = 15
retry = 1
ringinuse = yes
member => PJSIP/104,0,Denis Agent,PJSIP/104

[nobody]
strategy = ringall
";
const CDR: &str = "
[csv]
usegmtime = yes
loguniqueid = yes
newcdrcolumns = yes
";
/// The PBX's records name the extension that was reached, 103, where the dialplan went on from the number outside.
const PBX: &str = r#"
[pbx.handling]
missed_lines = ["74951230012", "103", "74951230021"]
[pbx.records]
csv = "@asterisk@/log/cdr-csv/Master.csv"
csv_utc = true
"#;
