//! Finding scalars in JSON text without changing a byte of it.
//!
//! Owns a scanner that tells where each scalar is and under which key. Text that is no JSON yields what was found before.

/// A number, string or word of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scalar<'a> {
    /// The innermost key above it.
    pub(super) key: &'a str,
    /// Where it stands in the innermost array, if it stands in one.
    pub(super) index: Option<usize>,
    /// Where it begins and ends, without quotes.
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, Copy)]
enum Within<'a> {
    Object { key: &'a str },
    Array { key: &'a str, index: usize },
}

impl<'a> Within<'a> {
    fn key(&self) -> &'a str {
        match self {
            Self::Object { key } | Self::Array { key, .. } => key,
        }
    }
}

/// All scalars of a text, in order.
pub(super) fn scalars(text: &str) -> Vec<Scalar<'_>> {
    let bytes = text.as_bytes();
    let mut stack: Vec<Within<'_>> = Vec::new();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let key = stack.last().map_or("", Within::key);
        match bytes[at] {
            b'{' => stack.push(Within::Object { key }),
            b'[' => stack.push(Within::Array { key, index: 0 }),
            b'}' | b']' => {
                stack.pop();
            }
            b',' => {
                if let Some(Within::Array { index, .. }) = stack.last_mut() {
                    *index += 1;
                }
            }
            b'"' => {
                let Some(end) = string_end(bytes, at + 1) else { return found };
                let is_key = bytes.get(end + 1) == Some(&b':');
                match stack.last_mut() {
                    Some(Within::Object { key }) if is_key => *key = &text[at + 1..end],
                    within => found.push(scalar(within.as_deref(), at + 1, end)),
                }
                at = end;
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                let rest = &bytes[at..];
                let length = rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b' '));
                let end = at + length.unwrap_or(rest.len());
                found.push(scalar(stack.last(), at, end));
                at = end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn scalar<'a>(within: Option<&Within<'a>>, start: usize, end: usize) -> Scalar<'a> {
    let index = match within {
        Some(Within::Array { index, .. }) => Some(*index),
        Some(Within::Object { .. }) | None => None,
    };
    Scalar { key: within.map_or("", Within::key), index, start, end }
}

fn string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_found_with_their_keys_and_places() {
        let text = r#"{"a":[["1.5","2"],[3,true]],"b":{"c":-7,"d":"x\"y"},"e":null}"#;
        let found: Vec<_> =
            scalars(text).iter().map(|one| (one.key, one.index, &text[one.start..one.end])).collect();
        assert_eq!(
            found,
            [
                ("a", Some(0), "1.5"),
                ("a", Some(1), "2"),
                ("a", Some(0), "3"),
                ("a", Some(1), "true"),
                ("c", None, "-7"),
                ("d", None, "x\\\"y"),
                ("e", None, "null"),
            ]
        );
        assert!(scalars("{\"cut").is_empty());
    }
}
