//! What the pages say is true.

use crm::{File, cases, cli};

#[test]
fn the_connector_of_the_page_for_beginners_works_as_it_stands_there() {
    let page = include_str!("../../../docs/crm/own.md");
    let blocks: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let text = format!("{}\n{}", blocks[0], blocks[1]);
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
    assert!(
        report
            .text
            .contains("FAIL --set db=…: this has to be filled in"),
        "{}",
        report.text
    );
}
