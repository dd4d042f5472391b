//! A recorded Originate taken for ours. We always send a ChannelId; the recordings were mostly made without.

use ami::{Event, Uniqueid};

use crate::Recording;

const OUR_ID: &str = "click-1";

/// The recording as if the id that Asterisk made had been our ChannelId, also where it says `<unknown>` for the lack of
/// one; and that id.
pub(super) fn ours(recording: &Recording) -> (Recording, Uniqueid) {
    let mut id = None;
    recording.for_each(|message| {
        if let (
            Some(Event::DialBegin {
                caller: None, dest, ..
            }),
            None,
        ) = (message.event(), &id)
        {
            id = Some(dest.uniqueid.text().into_owned());
        }
    });
    let id = id.unwrap_or_else(|| OUR_ID.to_owned());
    let bytes = replace(
        &recording.bytes,
        b"Uniqueid: <unknown>\r",
        format!("Uniqueid: {id}\r").as_bytes(),
    );
    let ours = Recording {
        bytes,
        charset: recording.charset,
    };
    (ours, Uniqueid::from(id))
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}
