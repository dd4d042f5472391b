//! The configuration files of one run, made from the templates in `crates/testkit/asterisk`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{AsteriskProgram, Configuration, Options, certificate, install};
use crate::ports::PortBlock;

// What the ports of a block are for.
pub(super) const AMI: u16 = 0;
pub(super) const AMI_TLS: u16 = 1;
pub(super) const SIP: u16 = 2;
pub(super) const TRUNK: u16 = 3;
pub(super) const PHONE_MEDIA: u16 = 10;
const RTP_FIRST: u16 = 100;
const RTP_LAST: u16 = 199;

const EMPTY: &str = include_str!("../../asterisk/empty.conf");

const TEMPLATES: [(&str, &str); 22] = [
    // These three are only looked for; without them modules refuse to load.
    ("acl.conf", EMPTY),
    ("pjproject.conf", EMPTY),
    ("udptl.conf", EMPTY),
    ("ccss.conf", EMPTY),
    ("cel.conf", EMPTY),
    (
        "asterisk.conf",
        include_str!("../../asterisk/asterisk.conf"),
    ),
    ("cdr.conf", include_str!("../../asterisk/cdr.conf")),
    (
        "cdr_manager.conf",
        include_str!("../../asterisk/cdr_manager.conf"),
    ),
    (
        "confbridge.conf",
        include_str!("../../asterisk/confbridge.conf"),
    ),
    (
        "extensions.conf",
        include_str!("../../asterisk/extensions.conf"),
    ),
    (
        "features.conf",
        include_str!("../../asterisk/features.conf"),
    ),
    ("http.conf", EMPTY),
    (
        "indications.conf",
        include_str!("../../asterisk/indications.conf"),
    ),
    ("logger.conf", include_str!("../../asterisk/logger.conf")),
    ("manager.conf", include_str!("../../asterisk/manager.conf")),
    ("modules.conf", include_str!("../../asterisk/modules.conf")),
    (
        "musiconhold.conf",
        include_str!("../../asterisk/musiconhold.conf"),
    ),
    ("pjsip.conf", include_str!("../../asterisk/pjsip.conf")),
    ("queues.conf", include_str!("../../asterisk/queues.conf")),
    (
        "res_parking.conf",
        include_str!("../../asterisk/res_parking.conf"),
    ),
    ("rtp.conf", include_str!("../../asterisk/rtp.conf")),
    (
        "voicemail.conf",
        include_str!("../../asterisk/voicemail.conf"),
    ),
];

/// What is written in the place of the template of that name.
const FREEPBX: [(&str, &str); 2] = [
    (
        "extensions.conf",
        include_str!("../../asterisk/freepbx/extensions.conf"),
    ),
    (
        "queues.conf",
        include_str!("../../asterisk/freepbx/queues.conf"),
    ),
];

/// Writes `folder/etc` and creates the folders that Asterisk expects beside it.
pub(super) fn write(
    folder: &Path,
    program: &AsteriskProgram,
    ports: &PortBlock,
    options: &Options,
) -> Result<()> {
    for name in [
        "etc",
        "cache",
        "lib",
        "agi",
        "spool/monitor",
        "run",
        "log",
        "log/cdr-csv",
    ] {
        fs::create_dir_all(folder.join(name)).with_context(|| format!("create {name}"))?;
    }
    let etc = folder.join("etc");
    certificate::write(&etc)?;
    let modules = install::modules_folder(program.root())?;
    let (replaced, system_name, comes_back): (&[(&str, &str)], _, _) = match options.configuration {
        Configuration::Plain => (&[], "systemname = sidetone-test", "yes"),
        // FreePBX sets no name: unique ids then look like decimals.
        Configuration::Freepbx => (&FREEPBX, "", "no"),
    };
    let values = [
        ("@run@", folder.display().to_string()),
        ("@root@", program.root().display().to_string()),
        ("@modules@", modules.display().to_string()),
        ("@ami@", ports.port(AMI).to_string()),
        ("@ami_tls@", ports.port(AMI_TLS).to_string()),
        ("@sip@", ports.port(SIP).to_string()),
        ("@trunk@", ports.port(TRUNK).to_string()),
        ("@rtp_first@", ports.port(RTP_FIRST).to_string()),
        ("@rtp_last@", ports.port(RTP_LAST).to_string()),
        ("@ring_seconds@", options.ring.as_secs().max(1).to_string()),
        ("@context@", options.configuration.context().to_owned()),
        ("@system_name@", system_name.to_owned()),
        ("@park_comes_back_to_parker@", comes_back.to_owned()),
    ];
    for (name, template) in TEMPLATES {
        let template = replaced
            .iter()
            .find(|(other, _)| *other == name)
            .map_or(template, |(_, text)| text);
        let mut text = values
            .iter()
            .fold(template.to_owned(), |text, (key, value)| {
                text.replace(key, value)
            });
        for (_, extra) in options.extra.iter().filter(|(file, _)| *file == name) {
            text.push('\n');
            text.push_str(extra);
            text.push('\n');
        }
        fs::write(etc.join(name), text).with_context(|| format!("write {name}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_of_the_templates_is_known() {
        let known = [
            "@run@",
            "@root@",
            "@modules@",
            "@ami@",
            "@ami_tls@",
            "@sip@",
            "@trunk@",
            "@rtp_first@",
            "@rtp_last@",
            "@ring_seconds@",
            "@context@",
            "@system_name@",
            "@park_comes_back_to_parker@",
        ];
        for (name, template) in TEMPLATES.iter().chain(&FREEPBX) {
            let rest = known
                .iter()
                .fold((*template).to_owned(), |text, key| text.replace(key, ""));
            let is_placeholder = |word: &str| {
                !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
            };
            let left: Vec<&str> = rest
                .lines()
                .filter(|line| {
                    let words: Vec<&str> = line.split('@').collect();
                    words[1..words.len().max(2) - 1]
                        .iter()
                        .copied()
                        .any(is_placeholder)
                })
                .collect();
            assert!(left.is_empty(), "{name}: {left:?}");
        }
    }
}
