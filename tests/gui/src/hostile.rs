//! Caller names that somebody might send to take over the window that shows them.

/// What one name is made of, with `§` for the address that must never be called.
const PAYLOADS: &[&str] = &[
    "<script>window.hit=1;fetch('http://§/x')</script>",
    "<img src=x onerror=window.hit=1>",
    "<img src=http://§/x>",
    "<svg/onload=window.hit=1>",
    "<svg><script href=http://§/x></script></svg>",
    "<svg><image href=http://§/x /></svg>",
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
    "<iframe src=http://§/x></iframe>",
    "<object data=http://§/x></object>",
    "<embed src=http://§/x>",
    "<link rel=stylesheet href=http://§/x>",
    "<link rel=preload as=image href=http://§/x>",
    "<link rel=dns-prefetch href=//§>",
    "<style>*{background:url(http://§/x)}</style>",
    "<style>@import 'http://§/x';</style>",
    "<body onload=window.hit=1>",
    "<base href=http://§/>",
    "<meta http-equiv=refresh content='0;url=http://§/x'>",
    "<form action=http://§/x><input autofocus onfocus=window.hit=1></form>",
    "<details open ontoggle=window.hit=1>",
    "<video src=http://§/x onerror=window.hit=1></video>",
    "<audio src=http://§/x autoplay>",
    "<a href=javascript:window.hit=1>call me</a>",
    "<a href=http://§/x ping=http://§/y>call me</a>",
    "<math><mtext><table><mglyph><style><img src onerror=window.hit=1>",
    "<template><script>window.hit=1</script></template>",
    "<noscript><p title='</noscript><img src onerror=window.hit=1>'>",
    "<marquee onstart=window.hit=1>",
    "<!--><script>window.hit=1</script>-->",
    "]]><script>window.hit=1</script>",
    "</h2></article><script>window.hit=1</script>",
    "</title><script>window.hit=1</script>",
    "javascript:window.hit=1",
    "JaVaScRiPt:window.hit=1//",
    "data:text/html,<script>window.hit=1</script>",
    "vbscript:msgbox(1)",
    "http://§/x",
    "https://§/x",
    "file:///etc/passwd",
    "tel:+79990000000",
    "sidetone://quit",
    "tauri://localhost/index.html",
    "ipc://localhost/request",
    "{window.hit=1}",
    "{{constructor.constructor('window.hit=1')()}}",
    "${window.hit=1}",
    "`${window.hit=1}`",
    "{@html '<img src onerror=window.hit=1>'}",
    "{#each x as y}{/each}",
    "'-window.hit-'",
    "\";window.hit=1;//",
    "\\\";window.hit=1;//",
    "');window.hit=1;//",
    "' OR '1'='1",
    "&lt;script&gt;window.hit=1&lt;/script&gt;",
    "&#60;img src onerror=window.hit=1&#62;",
    "&#x3C;svg onload=window.hit=1&#x3E;",
    "\\u003cscript\\u003ewindow.hit=1\\u003c/script\\u003e",
    "\\x3cscript\\x3ewindow.hit=1",
    "%3Cscript%3Ewindow.hit=1%3C/script%3E",
    "+ADw-script+AD4-window.hit=1+ADw-/script+AD4-",
    "\u{ff1c}script\u{ff1e}window.hit=1",
    "%s%s%s%n%n%n%x%d",
    "{0}{1}{}{:?}",
    "$(touch /tmp/x)`touch /tmp/x`;touch /tmp/x|x&",
    "../../../../etc/passwd",
    "\u{1b}[31mred\u{1b}]0;owned\u{7}",
    "\u{202e}drawkcab\u{202c}",
    "\u{2066}\u{2067}\u{2068}inside\u{2069}",
    "\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}thin",
    "\u{ad}\u{34f}\u{61c}\u{180e}none",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466} family",
    "Z\u{351}\u{36b}\u{343}\u{36a}\u{302}\u{36b}\u{33d}\u{34f}\u{334}\u{319}\u{324}a\u{32f}lgo",
    "\u{fdfd}\u{fdfd}\u{fdfd}",
    "\u{0645}\u{0631}\u{062d}\u{0628}\u{0627} \u{05e9}\u{05dc}\u{05d5}\u{05dd}",
    "\u{e0001}\u{e0041}tags",
    "\u{fffd}\u{fffe}\u{ffff}",
    "\u{85}\u{2028}\u{2029}lines",
    "__proto__",
    "constructor",
    "toString",
    "null",
    "undefined",
    "NaN",
    "[object Object]",
    "{\"__proto__\":{\"hit\":1}}",
    "Action: Originate",
    "Event: FullyBooted",
];

/// Bytes that are no text at all.
const BYTES: &[&[u8]] = &[
    b"\xff\xfe\xfd<img src onerror=window.hit=1>",
    b"\xc0\xbcscript\xc0\xbewindow.hit=1",
    b"\xed\xa0\x80\xed\xb0\x80 halves",
    b"\xf8\x88\x80\x80\x80 long form",
    b"\xc3 cut",
    b"\xe0\x80\xbc overlong",
    b"\xcf\xf0\xe8\xe2\xe5\xf2 old",
    b"\x01\x02\x03\x04\x05\x06\x07\x08 control",
    b"\x7f\x80\x81\x9b31m C1",
    b"null \x00 byte",
];

/// Name number `index`, which begins with `N` and that number; `address` is what must never be called.
#[must_use]
pub fn name(index: usize, address: &str) -> Vec<u8> {
    let mut name = token(index).into_bytes();
    let kinds = PAYLOADS.len() + BYTES.len();
    let (kind, round) = (index % kinds, index / kinds);
    let payload = match PAYLOADS.get(kind) {
        Some(payload) => payload.replace('§', address).into_bytes(),
        None => BYTES[kind - PAYLOADS.len()].to_vec(),
    };
    // The same thing in other surroundings: alone, quoted, closed before, with much text behind.
    let (before, after): (&[u8], &[u8]) = match round % 6 {
        0 => (b" ", b""),
        1 => (b" \"'>", b"<!--"),
        2 => (b" </p></h2></span>", b""),
        3 => (b"\t", b"\""),
        4 => (b" \\", b"\\"),
        _ => (b" &", b";"),
    };
    name.extend_from_slice(before);
    name.extend_from_slice(&payload);
    name.extend_from_slice(after);
    if round % 10 == 9 {
        name.resize(4_000, b'A');
    }
    name
}

/// The beginning by which a name is found again.
#[must_use]
pub fn token(index: usize) -> String {
    format!("N{index:04}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_thousand_names_are_a_thousand_different_ones() {
        let names: HashSet<_> = (0..1_000).map(|index| name(index, "127.0.0.1:1")).collect();
        assert_eq!(names.len(), 1_000);
        assert!(names.iter().all(|name| name.starts_with(b"N")));
        assert!(names.iter().any(|name| name.len() >= 4_000));
    }
}
