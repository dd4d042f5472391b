//! As much of WebSocket (RFC 6455) as a client that trusts its server needs.

/// What comes after the request line and `Host`.
pub(crate) const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                                  Sec-WebSocket-Key: c2lkZXRvbmUtYmVuY2gtMQ==\r\n\r\n";

/// A frame that has come whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    Text(&'a [u8]),
    Ping,
    Close,
    Other,
}

/// The first frame and what is left behind it; `None` while it is not whole.
pub(super) fn read(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match second & 0x7f {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        short => (usize::from(short), rest),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    let frame = match first & 0x0f {
        1 => Frame::Text(payload),
        8 => Frame::Close,
        9 => Frame::Ping,
        _ => Frame::Other,
    };
    Some((frame, rest))
}

/// A frame of a client, masked with zeros.
fn masked(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | kind];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap_or(0)),
        long => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(long).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

pub(crate) fn text(payload: &str) -> Vec<u8> {
    masked(1, payload.as_bytes())
}

pub(super) fn pong() -> Vec<u8> {
    masked(10, b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_once_it_is_whole() {
        let mut bytes = vec![0x81, 126, 1, 0];
        bytes.extend([b'x'; 256]);
        bytes.extend([0x89, 0]);
        assert_eq!(read(&bytes[..259]), None);
        let (frame, rest) = read(&bytes).expect("a frame");
        assert_eq!(frame, Frame::Text(&[b'x'; 256]));
        assert_eq!(read(rest), Some((Frame::Ping, &[][..])));
    }
}
