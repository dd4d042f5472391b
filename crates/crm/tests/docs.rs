//! What the pages say is true.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "helpers of tests"
)]

mod server;

use crm::{File, cases, cli};
use phone_number::{DialPlan, Region, Variant};
use server::{Answer, Server};

const PAGE: &str = include_str!("../../../docs/crm/own.md");
const NUMBER: &str = "+7 906 219-50-47";
/// What the page supposes that the CRM answers.
const IVAN: &str = r#"{"items": [{"id": 7, "full_name": "Ivan Ivanov", "firm": {"title": "Vektor"}, "phones": [{"value": "8 (906) 219-50-47"}]}]}"#;

#[test]
fn the_connector_of_the_page_for_beginners_works_as_it_stands_there() {
    let text = format!("{}\n{}", block(0), block(1));
    let file = File::parse(&text, "own.toml").unwrap();
    let results = cases::run(&file);
    assert_eq!(results.len(), 1);
    assert!(results[0].passed(), "{}", results[0]);
}

#[tokio::test]
async fn the_command_tells_what_is_wrong_and_ends_so() {
    let run = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        async move { cli::run(&words).await }
    };
    let good = run(&["test", "tryton"]).await;
    assert_eq!(good.code, 0, "{}", good.text);
    assert!(good.text.ends_with("cases passed\n"), "{}", good.text);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.toml");
    let text = run(&["show", "tryton"])
        .await
        .text
        .replacen("[http]\nbase", "[http]\nbsae", 1);
    std::fs::write(&path, text).unwrap();
    let broken = run(&["test", path.to_str().unwrap()]).await;
    assert_eq!(broken.code, 1);
    assert!(
        broken
            .text
            .contains("there is no key “bsae” here; did you mean “base”?"),
        "{}",
        broken.text
    );
    for wrong in [
        &["test"][..],
        &["tset"],
        &["test", "tryton", "--secret", "password=open"],
        &["test", "tryton", "--livee"],
    ] {
        assert_eq!(run(wrong).await.code, 2, "{wrong:?}");
    }
    assert_eq!(run(&["test", "no-such-file.toml"]).await.code, 1);
}

#[tokio::test]
async fn a_setting_that_is_missing_is_named_before_anything_is_asked() {
    let words = [
        "test",
        "tryton",
        "--live",
        "--set",
        "base_url=https://erp.example",
    ]
    .map(str::to_owned);
    let report = cli::run(&words).await;
    assert_eq!(report.code, 1);
    for line in [
        "FAIL --set db=…: this has to be filled in",
        "FAIL --secret password=@FILE: this has to be filled in",
    ] {
        assert!(report.text.contains(line), "{}", report.text);
    }
}

#[tokio::test]
async fn a_secret_in_the_command_is_refused_with_the_right_option() {
    let own = Own::new(&block(0));
    let report = own
        .test(&[
            "--live",
            "--set",
            "base_url=https://crm.example",
            "--set",
            "api_key=open-word",
        ])
        .await;
    assert_eq!(report.code, 1);
    assert!(PAGE.contains("`this is a secret`"));
    assert_eq!(
        lines(&report.text),
        [
            "own: Our CRM",
            "FAIL --set api_key=…: this is a secret; put it into a file and use --secret api_key=@FILE"
        ]
    );
}

#[tokio::test]
async fn a_question_without_live_is_refused() {
    let own = Own::new(&block(0));
    for option in ["--lookup", "--find"] {
        let report = own.test(&[option, "x"]).await;
        assert_eq!(report.code, 2);
        assert!(
            report
                .text
                .starts_with("--lookup and --find ask a real CRM: they go with --live only\n"),
            "{}",
            report.text
        );
    }
}

#[tokio::test]
async fn the_slip_of_the_page_is_told_at_its_line() {
    let own = Own::new(&block(0).replacen("\nbase =", "\nbsae =", 1));
    let report = own.test(&[]).await;
    let told = report.text.replace(own.path(), "own.toml");
    assert_eq!(lines(&told).len(), 1, "{told}");
    assert!(PAGE.contains(told.trim()), "{told}");
}

#[test]
fn the_spellings_of_the_page_are_those_that_are_sent() {
    let number = DialPlan::new(Region::RU).number(NUMBER).unwrap();
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    let mut seen = 0;
    for row in rows.take_while(|row| !row.contains("it says")) {
        let cells: Vec<Vec<&str>> = row.split(" | ").map(code).collect();
        let [names, sent, ..] = cells.as_slice() else {
            continue;
        };
        for (name, sent) in names.iter().zip(sent) {
            let Ok(variant) = name.parse::<Variant>() else {
                continue;
            };
            assert_eq!(number.variant(&variant).as_deref(), Some(*sent), "{name}");
            seen += 1;
        }
    }
    assert_eq!(seen, 10);
}

#[tokio::test]
async fn the_real_crm_of_the_page_answers_as_the_page_says() {
    let server = Server::start(|request| match request.line.contains("9062195047") {
        true => Answer::json(IVAN),
        false => Answer::json(r#"{"items": []}"#),
    })
    .await;
    let told = Own::new(&block(0)).live(&server).await;
    assert_eq!(told.code, 0, "{}", told.text);
    let said = PAGE.split("```\nown: Our CRM\n").nth(1).unwrap();
    let said = said.split("```").next().unwrap();
    let came = told
        .text
        .replace(&server.base(), "https://crm.firm.example");
    assert_eq!(
        lines(&without_times(&came))[1..],
        lines(&without_times(said))
    );
    // The test, him at once, and who is nobody by both spellings.
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn nobody_found_is_explained() {
    let elsewhere =
        r#"{"items": [{"id": 7, "full_name": "Ivan", "firm": {}, "phone": "8 (906) 219-50-47"}]}"#;
    for (answer, words) in [
        (
            elsewhere,
            "+79062195047: answered 1 row, none has a number at /phones/*/value; it has: firm, full_name, id, phone",
        ),
        (
            r#"{"total": 1, "results": []}"#,
            "9062195047: answered with nothing at /items; it has: results, total",
        ),
        (
            r#"{"items": [{"uid": 7}, {"uid": 8}]}"#,
            "9062195047: answered 2 rows, none has anything at /id; it has: uid",
        ),
        (
            r#"{"items": [{"id": 7, "phones": [{"value": "+7 906 219-50-48"}]}]}"#,
            "9062195047: answered 1 row, none has this number at /phones/*/value",
        ),
        (r#"{"items": []}"#, "+79062195047: 0 rows"),
        (r#"{"items": []}"#, "9062195047: 0 rows"),
        (
            r#"{"items": []}"#,
            "if somebody is there, try another spelling in “numbers”",
        ),
    ] {
        let server = Server::start(move |_| Answer::json(answer)).await;
        let told = Own::new(&block(0)).live(&server).await.text;
        assert!(told.contains("0 found ("), "{told}");
        let told: Vec<&str> = told.lines().map(str::trim).collect();
        assert!(told.contains(&words), "{told:#?}");
    }
}

#[tokio::test]
async fn a_number_without_a_country_is_of_the_country_that_is_named() {
    let rows =
        r#"{"items": [{"id": 7, "full_name": "Ann", "phones": [{"value": "020 7946 0018"}]}]}"#;
    let server = Server::start(move |_| Answer::json(rows)).await;
    let own = Own::new(&block(0));
    let base = format!("base_url={}", server.base());
    let key = format!("api_key=@{}", own.key().display());
    let words = ["--live", "--set", &base, "--secret", &key, "--lookup"];
    for (more, found) in [
        (&["+44 20 7946 0018"][..], "0 found"),
        (&["020 7946 0018", "--country", "GB"], "1 found"),
    ] {
        let told = own.test(&[&words[..], more].concat()).await.text;
        assert!(told.contains(found), "{told}");
    }
    assert!(PAGE.contains("`--country GB` says another one"));
    let in_file = format!("{}\n[cases]\ncountry = \"GB\"\n", block(0));
    let own = Own::new(&in_file);
    let told = own.test(&[&words[..], &["020 7946 0018"]].concat()).await;
    assert!(told.text.contains("1 found"), "{}", told.text);
}

#[tokio::test]
async fn a_number_that_has_none_of_the_spellings_is_not_asked() {
    let server = Server::start(|_| Answer::json(r#"{"items": []}"#)).await;
    let own = Own::new(&block(0));
    let base = format!("base_url={}", server.base());
    let key = format!("api_key=@{}", own.key().display());
    let words = [
        "--live", "--set", &base, "--secret", &key, "--lookup", "101",
    ];
    let told = own.test(&words).await.text;
    assert!(told.contains("nothing was asked: "), "{told}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_page_says_what_to_do_about_each_reason() {
    for row in [
        "| `answered with nothing at /items; it has: …` |",
        "| `none has a number at …` or `none has anything at …` |",
        "| `none has this number at …` |",
        "| `0 rows` at each spelling |",
        "| `which nobody has: … came` |",
        "| `more than 50 rows` |",
    ] {
        assert!(PAGE.contains(row), "{row}");
    }
}

#[tokio::test]
async fn a_crm_that_answers_everybody_is_noticed() {
    let server = Server::start(|_| Answer::json(IVAN)).await;
    let told = Own::new(&block(0)).live(&server).await;
    assert_eq!(told.code, 0);
    assert!(
        told.text
            .contains("WARN +7 906 764-05-92, which nobody has: 1 row came"),
        "{}",
        told.text
    );
    let trusting = block(0).replacen("each = ", "verify = \"trust\"\neach = ", 1);
    let told = Own::new(&trusting).live(&server).await;
    assert_eq!(told.code, 1);
    assert!(
        told.text
            .contains("FAIL +7 906 764-05-92, which nobody has: 1 found"),
        "{}",
        told.text
    );
}

#[tokio::test]
async fn a_404_for_nobody_is_told_with_its_remedy() {
    let server = Server::start(|request| match request.line.contains("9062195047") {
        true => Answer::json(IVAN),
        false if request.line.contains("limit") => Answer::json("{}"),
        false => Answer::json("{}").status(404),
    })
    .await;
    let told = Own::new(&block(0)).live(&server).await;
    assert!(told.text.contains("empty = [404]"), "{}", told.text);
    let remedy = block(0).replacen(
        "request = { path = \"/contacts\", query = { phone",
        "request = { path = \"/contacts\", empty = [404], query = { phone",
        1,
    );
    let told = Own::new(&remedy).live(&server).await;
    assert!(
        told.text.ends_with("which nobody has: 0 found\n"),
        "{}",
        told.text
    );
}

#[tokio::test]
async fn who_is_behind_the_first_fifty_rows_is_told_as_that() {
    let row = r#"{"id": 1, "phones": [{"value": "+7 906 000-00-00"}]}"#;
    let rows = format!(r#"{{"items": [{}]}}"#, [row; 51].join(","));
    let server = Server::start(move |_| Answer::json(&rows)).await;
    let told = Own::new(&block(0)).live(&server).await;
    assert_eq!(told.code, 1);
    let words = "FAIL +7 906 219-50-47: Our CRM answered more than 50 rows, and the caller is not among the first 50: perhaps it does not understand the question";
    assert!(told.text.contains(words), "{}", told.text);
    let other = r#"{"id": 1}"#;
    let mut rows = vec![other; 60];
    rows[3] = &IVAN[11..IVAN.len() - 2];
    let rows = format!(r#"{{"items": [{}]}}"#, rows.join(","));
    let server = Server::start(move |_| Answer::json(&rows)).await;
    let told = Own::new(&block(0)).live(&server).await;
    assert!(told.text.contains("1 found"), "{}", told.text);
    assert!(
        told.text
            .contains("60 rows came; only the first 50 are looked at"),
        "{}",
        told.text
    );
}

#[tokio::test]
async fn a_key_file_of_any_editor_is_read() {
    for content in [
        "\u{feff}key-of-file\r\n",
        "key-of-file\n\n",
        " key-of-file ",
    ] {
        let server = Server::start(|_| Answer::json(IVAN)).await;
        let own = Own::new(&block(0));
        std::fs::write(own.key(), content).unwrap();
        own.live(&server).await;
        let request = server.requests().remove(0);
        assert_eq!(request.header("authorization"), Some("Bearer key-of-file"));
    }
}

#[test]
fn what_the_page_says_of_variations_is_taken() {
    let link = block(0).find("[link]").unwrap();
    let test = block(0).find("[test]").unwrap();
    let without_link = format!("{}{}", &block(0)[..link], &block(0)[test..]);
    let two_names = block(0).replacen(
        "\"/full_name\"",
        "\"{{ row.first_name }} {{ row.last_name }}\"",
        1,
    );
    let one_phone = block(0).replacen("\"/phones/*/value\"", "\"/phone\"", 1);
    for text in [without_link, two_names, one_phone] {
        assert_ne!(text, block(0));
        File::parse(&text, "own.toml").unwrap();
    }
    for words in [
        "name = \"{{ row.first_name }} {{ row.last_name }}\"",
        "phones = [\"/phone\"]",
    ] {
        assert!(PAGE.contains(words), "{words}");
    }
}

#[test]
fn an_answer_is_pasted_in_single_quotes_and_each_spelling_is_an_exchange() {
    let first = block(1);
    let start = first.find("[[case.exchange]]").unwrap();
    let nobody = "[[case.exchange]]\nrequest = { path = \"/api/contacts\", query = { phone = \"+79062195047\" } }\nresponse = { json = '{\"items\": [], \"next\": null}' }\n";
    let then = first[start..].replacen("+79062195047", "9062195047", 1);
    let text = format!("{}\n{}{nobody}{then}", block(0), &first[..start]);
    let results = cases::run(&File::parse(&text, "own.toml").unwrap());
    assert!(results[0].passed(), "{}", results[0]);
}

#[test]
fn a_next_spelling_that_is_not_recorded_is_told_with_its_reason() {
    let text =
        format!("{}\n{}", block(0), block(1)).replacen("phones = [{ value", "phones = [{ valeu", 1);
    let results = cases::run(&File::parse(&text, "own.toml").unwrap());
    let told = results[0].to_string();
    for words in [
        "GET /api/contacts is sent and not recorded, with phone=9062195047: the answer before it gave nobody, so the next spelling was asked",
        "+79062195047: answered 1 row, none has a number at /phones/*/value; it has: firm, full_name, id, phones",
    ] {
        assert!(told.contains(words), "{told}");
    }
    assert!(PAGE.contains("`the answer before it gave nobody, so the next spelling was asked`"));
}

/// A TOML block of the page.
fn block(index: usize) -> String {
    let mut blocks = PAGE.split("```toml\n").skip(1);
    let rest = blocks.nth(index).unwrap();
    rest.split("```").next().unwrap().to_owned()
}

/// What stands in backticks.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

fn without_times(text: &str) -> String {
    let line = |line: &str| match line.rsplit_once(" (") {
        Some((words, time)) if time.ends_with(" ms)") => format!("{words}\n"),
        Some(_) | None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// A file of somebody, and his key, in a folder of their own.
struct Own {
    folder: tempfile::TempDir,
    path: String,
}

impl Own {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::write(folder.path().join("key.txt"), "key-1").unwrap();
        let path = path.to_str().unwrap().to_owned();
        Self { folder, path }
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn key(&self) -> std::path::PathBuf {
        self.folder.path().join("key.txt")
    }

    async fn test(&self, more: &[&str]) -> cli::Report {
        let words = ["test", &self.path].into_iter().chain(more.iter().copied());
        cli::run(&words.map(str::to_owned).collect::<Vec<_>>()).await
    }

    /// As the page says.
    async fn live(&self, server: &Server) -> cli::Report {
        let base = format!("base_url={}", server.base());
        let key = format!("api_key=@{}", self.key().display());
        self.test(&[
            "--live", "--set", &base, "--secret", &key, "--lookup", NUMBER,
        ])
        .await
    }
}
