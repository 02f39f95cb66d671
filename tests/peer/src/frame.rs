//! WebSocket frames as bytes, so that they may be wrong on purpose.

/// The head of an unmasked, final frame: the opcode, and a length that need not be true.
#[must_use]
pub fn frame_header(opcode: u8, len: u64) -> Vec<u8> {
    let mut out = vec![0x80 | opcode];
    push_len(&mut out, len);
    out
}

/// A text frame.
#[must_use]
pub fn text_frame(text: &str) -> Vec<u8> {
    frame(TEXT, text.as_bytes())
}

/// A binary frame.
#[must_use]
pub fn binary_frame(bytes: &[u8]) -> Vec<u8> {
    frame(BINARY, bytes)
}

/// A ping frame.
#[must_use]
pub fn ping_frame(bytes: &[u8]) -> Vec<u8> {
    frame(PING, bytes)
}

/// A close frame; code 1005 gives one without a code.
#[must_use]
pub fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    if code == NO_CODE {
        return frame(CLOSE, &[]);
    }
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_bytes());
    frame(CLOSE, &payload)
}

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
/// Stands for a close frame without a code.
pub(crate) const NO_CODE: u16 = 1005;

pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = frame_header(opcode, payload.len() as u64);
    out.extend_from_slice(payload);
    out
}

/// A fragment that is not the last of its message.
pub(crate) fn fragment(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![opcode];
    push_len(&mut out, payload.len() as u64);
    out.extend_from_slice(payload);
    out
}

fn push_len(out: &mut Vec<u8>, len: u64) {
    match len {
        0..=125 => out.push(len as u8),
        126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
}

/// A frame of a client.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) fin: bool,
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The code of a Close frame.
    pub(crate) fn code(&self) -> u16 {
        self.payload.first_chunk().map_or(NO_CODE, |code| u16::from_be_bytes(*code))
    }
}

#[derive(Debug, PartialEq)]
pub(crate) enum ParseError {
    /// Longer than allowed.
    TooLong,
    /// Against RFC 6455.
    Broken(&'static str),
}

/// Takes one frame off the front of `buf`, or `None` when it is not all there yet.
pub(crate) fn take(buf: &mut Vec<u8>, max: usize) -> Result<Option<Frame>, ParseError> {
    let &[first, second, ..] = buf.as_slice() else { return Ok(None) };
    let (len, at) = match second & 0x7f {
        126 => match buf.get(2..4) {
            Some(bytes) => (u64::from(u16::from_be_bytes(bytes.try_into().unwrap_or_default())), 4),
            None => return Ok(None),
        },
        127 => match buf.get(2..10) {
            Some(bytes) => (u64::from_be_bytes(bytes.try_into().unwrap_or_default()), 10),
            None => return Ok(None),
        },
        short => (u64::from(short), 2),
    };
    let opcode = first & 0x0f;
    if first & 0x70 != 0 {
        return Err(ParseError::Broken("reserved bits are set"));
    }
    if second & 0x80 == 0 {
        return Err(ParseError::Broken("a client frame is not masked"));
    }
    if opcode >= CLOSE && (len > 125 || first & 0x80 == 0) {
        return Err(ParseError::Broken("a control frame is long or fragmented"));
    }
    if len > max as u64 {
        return Err(ParseError::TooLong);
    }
    let (start, end) = (at + 4, (len as usize).saturating_add(at + 4));
    let (Some(mask), Some(body)) = (buf.get(at..start), buf.get(start..end)) else { return Ok(None) };
    let payload = body.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    buf.drain(..end);
    Ok(Some(Frame { fin: first & 0x80 != 0, opcode, payload }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = if fin { frame(opcode, payload) } else { fragment(opcode, payload) };
        out[1] |= 0x80;
        let head = out.len() - payload.len();
        let mask = [1, 2, 3, 4];
        for (i, byte) in out[head..].iter_mut().enumerate() {
            *byte ^= mask[i % 4];
        }
        out.splice(head..head, mask);
        out
    }

    #[test]
    fn every_length_survives_any_split() {
        for len in [0, 1, 125, 126, 127, 0xffff, 0x10000] {
            let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let whole = masked(true, BINARY, &payload);
            for cut in [0, 1, 2, 3, 5, whole.len() - 1] {
                let cut = cut.min(whole.len() - 1);
                let mut buf = whole[..cut].to_vec();
                assert_eq!(take(&mut buf, usize::MAX), Ok(None));
                buf.extend_from_slice(&whole[cut..]);
                let frame = take(&mut buf, usize::MAX).unwrap().unwrap();
                assert_eq!(frame, Frame { fin: true, opcode: BINARY, payload: payload.clone() });
                assert!(buf.is_empty());
            }
        }
    }

    #[test]
    fn what_is_wrong_is_refused_before_the_payload_arrives() {
        let header = |bytes: &[u8]| take(&mut bytes.to_vec(), 1000);
        assert_eq!(header(&[0x81, 0xfe, 0x04, 0x00]), Err(ParseError::TooLong));
        assert!(matches!(header(&[0x81, 0x01]), Err(ParseError::Broken(_))));
        assert!(matches!(header(&[0xc1, 0x81]), Err(ParseError::Broken(_))));
        assert!(matches!(header(&[0x09, 0x81]), Err(ParseError::Broken(_))));
        assert!(matches!(header(&[0x89, 0xfe, 0x00, 0x7e]), Err(ParseError::Broken(_))));
        let huge = [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(header(&huge), Err(ParseError::TooLong));
    }
}
