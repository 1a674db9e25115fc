//! Replies, in both versions of the protocol.
//!
//! Owns how each kind of reply is written. Appends to the connection's reused buffer and allocates nothing besides.

use std::io::Write as _;

/// The version of the protocol that a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Protocol {
    /// What a connection begins with.
    #[default]
    Resp2,
    /// After `HELLO 3`.
    Resp3,
}

/// Appends replies.
#[derive(Debug)]
pub(super) struct Replies<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) protocol: Protocol,
}

/// The longest `u64`, a type byte and the line's end.
const HEAD_BYTES: usize = 24;

/// Appends `<kind><number>\r\n`.
#[inline]
pub(super) fn head(out: &mut Vec<u8>, kind: u8, number: u64) {
    let mut text = [0_u8; HEAD_BYTES];
    let mut at = HEAD_BYTES - 2;
    text[at..].copy_from_slice(b"\r\n");
    let mut rest = number;
    loop {
        at -= 1;
        text[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    at -= 1;
    text[at] = kind;
    out.extend_from_slice(&text[at..]);
}

/// Appends a bulk string.
#[inline]
pub(super) fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    head(out, b'$', bytes.len() as u64);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

impl Replies<'_> {
    /// `+text`.
    pub(super) fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// `-text`. What would end the line becomes a space, as in redis-server.
    pub(super) fn error(&mut self, text: impl AsRef<[u8]>) {
        let one_line = |byte: &u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte };
        self.out.push(b'-');
        self.out.extend(text.as_ref().iter().map(one_line));
        self.out.extend_from_slice(b"\r\n");
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.out.push(kind);
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }

    /// `:number`.
    pub(super) fn integer(&mut self, number: i64) {
        match u64::try_from(number) {
            Ok(number) => head(self.out, b':', number),
            Err(_) => write!(self.out, ":{number}\r\n").expect("a Vec takes everything"),
        }
    }

    /// A number of things.
    pub(super) fn count(&mut self, count: usize) {
        head(self.out, b':', count as u64);
    }

    /// `$length`, and the bytes.
    #[inline]
    pub(super) fn bulk(&mut self, bytes: &[u8]) {
        bulk(self.out, bytes);
    }

    /// "There is none".
    pub(super) fn null(&mut self) {
        let null: &[u8] = if self.protocol == Protocol::Resp3 { b"_\r\n" } else { b"$-1\r\n" };
        self.out.extend_from_slice(null);
    }

    /// The head of an array: so many elements are to follow.
    pub(super) fn array(&mut self, elements: usize) {
        head(self.out, b'*', elements as u64);
    }

    /// The head of a map: so many pairs are to follow.
    pub(super) fn map(&mut self, pairs: usize) {
        match self.protocol {
            Protocol::Resp3 => head(self.out, b'%', pairs as u64),
            Protocol::Resp2 => head(self.out, b'*', 2 * pairs as u64),
        }
    }

    /// The head of a set.
    pub(super) fn set(&mut self, elements: usize) {
        head(self.out, if self.protocol == Protocol::Resp3 { b'~' } else { b'*' }, elements as u64);
    }

    /// The head of what was not asked for.
    pub(super) fn push(&mut self, elements: usize) {
        head(self.out, if self.protocol == Protocol::Resp3 { b'>' } else { b'*' }, elements as u64);
    }

    /// Text for people.
    pub(super) fn verbatim(&mut self, text: &str) {
        match self.protocol {
            Protocol::Resp3 => {
                head(self.out, b'=', text.len() as u64 + 4);
                self.out.extend_from_slice(b"txt:");
                self.out.extend_from_slice(text.as_bytes());
                self.out.extend_from_slice(b"\r\n");
            }
            Protocol::Resp2 => self.bulk(text.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(protocol: Protocol, write: impl FnOnce(&mut Replies<'_>)) -> String {
        let mut out = Vec::new();
        write(&mut Replies { out: &mut out, protocol });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_kind_is_written_as_its_protocol_has_it() {
        type Write = fn(&mut Replies<'_>);
        let cases: [(Write, &str, &str); 9] = [
            (|replies| replies.simple("OK"), "+OK\r\n", "+OK\r\n"),
            (|replies| replies.error("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"),
            (|replies| replies.bulk(b"ab"), "$2\r\nab\r\n", "$2\r\nab\r\n"),
            (|replies| replies.null(), "$-1\r\n", "_\r\n"),
            (|replies| replies.array(3), "*3\r\n", "*3\r\n"),
            (|replies| replies.map(3), "*6\r\n", "%3\r\n"),
            (|replies| replies.set(3), "*3\r\n", "~3\r\n"),
            (|replies| replies.push(3), "*3\r\n", ">3\r\n"),
            (|replies| replies.verbatim("ab"), "$2\r\nab\r\n", "=6\r\ntxt:ab\r\n"),
        ];
        for (write, resp2, resp3) in cases {
            assert_eq!(written(Protocol::Resp2, write), resp2);
            assert_eq!(written(Protocol::Resp3, write), resp3);
        }
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, 10, -1, -2, -10, -987, i64::MAX, i64::MIN] {
            assert_eq!(written(Protocol::Resp2, |replies| replies.integer(number)), format!(":{number}\r\n"));
        }
    }
}
