//! The configuration files of one run, made from the templates in `crates/testkit/asterisk`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{AsteriskProgram, Options, certificate, install};
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

const TEMPLATES: [(&str, &str); 20] = [
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
    ("rtp.conf", include_str!("../../asterisk/rtp.conf")),
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
        "spool",
        "run",
        "log",
        "log/cdr-csv",
    ] {
        fs::create_dir_all(folder.join(name)).with_context(|| format!("create {name}"))?;
    }
    let etc = folder.join("etc");
    certificate::write(&etc)?;
    let modules = install::modules_folder(program.root())?;
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
    ];
    for (name, template) in TEMPLATES {
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
        ];
        for (name, template) in TEMPLATES {
            let rest = known
                .iter()
                .fold(template.to_owned(), |text, key| text.replace(key, ""));
            let left: Vec<&str> = rest
                .lines()
                .filter(|line| line.matches('@').count() > 1)
                .collect();
            assert!(left.is_empty(), "{name}: {left:?}");
        }
    }
}
