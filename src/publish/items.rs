//! The elements of a reply that is an array: scripts answer with them.
//!
//! Owns their kinds and one buffer of their text. Keeps at most [`ITEMS_MAX`] elements and [`ITEMS_TEXT_MAX`] bytes: an
//! element beyond is not kept, a text that does not fit is [`Item::Other`].

/// Elements that are kept of one array.
pub const ITEMS_MAX: usize = 1_024;
/// Bytes of text that are kept of one array.
pub const ITEMS_TEXT_MAX: usize = 64 << 10;

/// An element of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// A whole number.
    Integer(i64),
    /// A string.
    Text(&'a [u8]),
    /// Anything else, or more than is kept.
    Other,
}

#[derive(Debug, Clone, Copy)]
enum Kept {
    Integer(i64),
    /// Where its text ends; it begins where the one before it ends.
    Text(usize),
    Other,
}

/// The elements of the last array.
#[derive(Debug)]
pub(super) struct Items {
    kept: Vec<Kept>,
    text: Vec<u8>,
    /// Where the text of the element at hand begins.
    start: usize,
    overflow: bool,
}

impl Items {
    /// None.
    pub(super) const fn new() -> Self {
        Self { kept: Vec::new(), text: Vec::new(), start: 0, overflow: false }
    }

    /// Forgets them; keeps the memory.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.text.clear();
        (self.start, self.overflow) = (0, false);
    }

    /// Bytes of the element at hand.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        if self.text.len() + bytes.len() > ITEMS_TEXT_MAX {
            self.overflow = true;
        } else {
            self.text.extend_from_slice(bytes);
        }
    }

    /// The element at hand is complete, and of this type of RESP.
    pub(super) fn end(&mut self, kind: u8) {
        let overflow = std::mem::take(&mut self.overflow);
        let text = &self.text[self.start..];
        let kept = match kind {
            _ if overflow => Kept::Other,
            b':' => std::str::from_utf8(text)
                .ok()
                .and_then(|digits| digits.parse().ok())
                .map_or(Kept::Other, Kept::Integer),
            b'$' | b'+' | b'=' => Kept::Text(self.text.len()),
            _ => Kept::Other,
        };
        if !matches!(kept, Kept::Text(_)) {
            self.text.truncate(self.start);
        }
        self.start = self.text.len();
        self.push(kept);
    }

    /// A number that was read by other means.
    #[inline]
    pub(super) fn push_integer(&mut self, number: i64) {
        self.push(Kept::Integer(number));
    }

    /// An array within the array.
    pub(super) fn push_other(&mut self) {
        self.push(Kept::Other);
    }

    #[inline]
    fn push(&mut self, kept: Kept) {
        if self.kept.len() < ITEMS_MAX {
            self.kept.push(kept);
        }
    }

    /// In their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        let mut start = 0;
        self.kept.iter().map(move |kept| match *kept {
            Kept::Integer(number) => Item::Integer(number),
            Kept::Text(end) => Item::Text(&self.text[std::mem::replace(&mut start, end)..end]),
            Kept::Other => Item::Other,
        })
    }
}
