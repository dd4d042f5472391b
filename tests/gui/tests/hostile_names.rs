//! A thousand hostile caller names through the real Asterisk into card and panel: text, and nothing but text.
#![cfg(target_os = "linux")]

use e2e::Setup;
use e2e::scene::DIRECT_LINE;
use gui::hostile::{name, token};
use gui::{Driver, Listener, SOON, Stage, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;
use testkit::phones::{Customer, RawCaller};

const NAMES: usize = 1_000;
/// More than one phone takes calls for would be missed at once.
const AT_ONCE: usize = 4;

#[test]
fn a_thousand_hostile_names_are_shown_as_text() {
    let mut setup = Setup {
        contacts: String::new(),
        ..Setup::default()
    };
    let (page, stage) = Stage::start_driven("hostile", &mut setup).expect("a stage");
    let listener = Listener::start().expect("an address");
    let address = format!("127.0.0.1:{}", listener.port());
    let began = Instant::now();

    page.turn_to("card").expect("card");
    let innocent = innocent_elements(&page, &stage);
    let mut refused = Vec::new();
    let mut nameless = Vec::new();
    for batch in (0..NAMES).collect::<Vec<_>>().chunks(AT_ONCE) {
        let mut callers = Vec::new();
        for &index in batch {
            let bytes = name(index, &address);
            match RawCaller::ring(&stage.asterisk, &number(index), &bytes, DIRECT_LINE, SOON) {
                Ok(caller) => callers.push((index, caller)),
                Err(error) => refused.push((index, error.to_string())),
            }
        }
        let shown = wait_for("every card", SOON, || {
            let shown = page.texts("article h2")?;
            Ok((shown.len() == callers.len()).then_some(shown))
        })
        .unwrap_or_else(|error| {
            panic!(
                "{error:#} of {}: {:?}; refused {refused:?}",
                callers.len(),
                page.texts("article")
            )
        });
        for (index, _) in &callers {
            let token = token(*index);
            if !shown.iter().any(|text| text.contains(&token)) {
                nameless.push((*index, shown.clone()));
            }
        }
        nothing_is_pushed_out(&page);
        let elements = elements(&page);
        let new: Vec<_> = elements.difference(&innocent).collect();
        assert!(new.is_empty(), "after {batch:?}: {new:?}");
        unharmed(&page);
        if batch[0] == 0 {
            page.turn_to("panel").expect("panel");
            nothing_is_pushed_out(&page);
            page.turn_to("card").expect("card");
            stage
                .picture(None, "cards")
                .expect("a picture of the cards");
        }
        page.script("document.querySelectorAll('button.hide').forEach((button) => button.click())")
            .expect("hide");
        for (_, caller) in callers {
            caller.cancel().expect("hang up");
        }
        wait_for("no card", SOON, || {
            Ok(page.texts("article")?.is_empty().then_some(()))
        })
        .expect("no card");
    }
    println!(
        "{NAMES} names in {:?}; Asterisk refused {}, without a name on the card {}",
        began.elapsed(),
        refused.len(),
        nameless.len()
    );
    assert!(nameless.is_empty(), "{nameless:?}");
    assert!(refused.len() < NAMES / 50, "{refused:?}");

    page.turn_to("panel").expect("panel");
    page.wait_text("[aria-label='Recent calls']", |text| {
        text.contains(&token(NAMES - 1))
    })
    .expect("listed");
    for dangerous in [
        "script:not([src])",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "[onerror]",
        "[onload]",
    ] {
        assert!(
            page.texts(dangerous).expect("texts").is_empty(),
            "{dangerous}"
        );
    }
    unharmed(&page);
    stage.picture(None, "panel").expect("a picture");

    assert_eq!(
        listener.heard().expect("it listens"),
        Vec::<String>::new(),
        "a request has left"
    );
    assert_eq!(stage.status().expect("status").calls, []);
}

/// The second wall, should a name ever become markup: the pages' policy stops what it would do.
#[test]
fn the_policy_of_the_pages_runs_nothing_inline_and_calls_nobody() {
    let (page, stage) =
        Stage::start_driven("policy", &mut Setup::default()).expect("a stage with WebDriver");
    let listener = Listener::start().expect("an address");
    let attack = format!(
        "const address = 'http://127.0.0.1:{}/x';
         window.stopped = [];
         document.addEventListener('securitypolicyviolation', (event) => stopped.push(event.effectiveDirective));
         const inline = document.createElement('script');
         inline.text = 'window.hit = 1';
         const remote = document.createElement('script');
         remote.src = address;
         const style = document.createElement('link');
         Object.assign(style, {{ rel: 'stylesheet', href: address }});
         const frame = document.createElement('iframe');
         frame.src = address;
         const handler = document.createElement('div');
         handler.innerHTML = `<img src=\"${{address}}\" onerror=\"window.hit = 1\">`;
         document.body.append(inline, remote, style, frame, handler);
         fetch(address).catch(() => null);
         return null",
        listener.port()
    );
    for name in ["card", "panel"] {
        page.turn_to(name).expect("page");
        page.script(&attack).expect("attack");
        for directive in [
            "script-src",
            "style-src",
            "frame-src",
            "img-src",
            "connect-src",
        ] {
            wait_for(directive, SOON, || {
                let stopped = page.script("return window.stopped")?;
                let names = stopped.as_array().into_iter().flatten();
                let mut names = names.filter_map(Value::as_str);
                Ok(names.any(|name| name.starts_with(directive)).then_some(()))
            })
            .unwrap_or_else(|error| {
                panic!(
                    "{name}: {error:#}: {:?}",
                    page.script("return window.stopped")
                )
            });
        }
        let hit = page.script("return typeof window.hit").expect("answers");
        assert_eq!(hit, json!("undefined"), "{name}");
    }
    assert_eq!(listener.heard().expect("it listens"), Vec::<String>::new());
    assert!(stage.status().expect("status").windows);
}

fn number(index: usize) -> String {
    format!("+7916{index:07}")
}

/// The kinds of elements and attributes that a card is made of.
fn elements(page: &Driver) -> BTreeSet<String> {
    let found = page
        .script(
            "const kinds = new Set();
             for (const element of document.querySelectorAll('*')) {
               kinds.add(element.localName);
               for (const { name } of element.attributes) kinds.add(`${element.localName}[${name}]`);
             }
             for (const h2 of document.querySelectorAll('h2'))
               if (h2.childElementCount > 0) kinds.add('an element inside a name');
             return [...kinds]",
        )
        .expect("elements");
    serde_json::from_value(found).expect("names of elements")
}

/// What a card of a stranger with a harmless name is made of.
fn innocent_elements(page: &Driver, stage: &Stage) -> BTreeSet<String> {
    let calls = [1, 2].map(|number| {
        let caller = Customer::new(&format!("+4420794600{number:02}"), "Harmless");
        stage
            .phones
            .customer_calls(&caller, DIRECT_LINE)
            .expect("call")
    });
    stage.ringing(2).expect("cards");
    wait_for("two names", SOON, || {
        Ok((page.texts("h2")?.len() == 2).then_some(()))
    })
    .expect("cards");
    let innocent = elements(page);
    page.script("document.querySelectorAll('button.hide').forEach((button) => button.click())")
        .expect("hide");
    for call in calls {
        stage.phones.hang_up(call).expect("hang up");
    }
    wait_for("no card", SOON, || {
        Ok(page.texts("article")?.is_empty().then_some(()))
    })
    .expect("no card");
    innocent
}

/// However long a name is, the buttons beside it can be reached.
fn nothing_is_pushed_out(page: &Driver) {
    let outside = page
        .script(
            "return [...document.querySelectorAll('button')]
               .filter((button) => button.getBoundingClientRect().right > innerWidth)
               .map((button) => button.ariaLabel)",
        )
        .expect("the page answers");
    assert_eq!(outside, json!([]));
}

/// No script of a caller has run, and the page is where it was.
fn unharmed(page: &Driver) {
    let seen = page
        .script(
            "return [typeof window.hit, typeof ({}).hit, document.title.startsWith('Sidetone'),
                     document.styleSheets.length > 0, window.frames.length, location.protocol]",
        )
        .expect("the page answers");
    assert_eq!(
        seen,
        json!([
            "undefined",
            "undefined",
            true,
            true,
            0,
            Value::from("tauri:")
        ])
    );
}
