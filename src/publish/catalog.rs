//! What there is, written beside the values: the hashes `{namespace}:v1:catalog` and `{namespace}:v1:meta`.
//!
//! Owns the fields, whose feed's they are, and which of them are still to be sent. Only the fields of feeds that this engine
//! writes are sent, all of them on each connection and at each takeover. Never deletes a field that it was not told of: other
//! engines' stand in the same hash. At most [`FIELDS_MAX`] fields (a further one is
//! refused), [`FIELDS_PER_COMMAND`] a batch.

use std::collections::{BTreeMap, BTreeSet};

use crate::codec::key::{catalog_key, meta_key};
use crate::domain::Namespace;

use super::batch::{Batch, Entry};
use super::{FeedIndex, SLOTS_MAX, Spread};

/// Fields of one writer: as many as it has keys.
pub const FIELDS_MAX: usize = SLOTS_MAX;
/// Fields in one HSET or HDEL.
pub const FIELDS_PER_COMMAND: usize = 64;

/// The fields of the catalog, and which of them are still to be sent.
#[derive(Debug)]
pub(super) struct Catalog {
    catalog_key: String,
    meta_key: String,
    spread: Spread,
    /// `None` = to be removed. Kept, so that a removal that Redis missed is repeated.
    fields: BTreeMap<String, (FeedIndex, Option<String>)>,
    unsent: BTreeSet<String>,
    meta_unsent: bool,
    /// Something that is no hash stands under the key.
    catalog_foreign: bool,
    meta_foreign: bool,
}

impl Catalog {
    /// Without fields.
    pub(super) fn new(namespace: &Namespace, spread: Spread) -> Self {
        Self {
            spread,
            catalog_key: catalog_key(namespace),
            meta_key: meta_key(namespace),
            fields: BTreeMap::new(),
            unsent: BTreeSet::new(),
            meta_unsent: false,
            catalog_foreign: false,
            meta_foreign: false,
        }
    }

    /// Sets (`Some`) or removes (`None`) a field; says whether there was room for it.
    pub(super) fn change(&mut self, feed: FeedIndex, field: &str, value: Option<&str>) -> bool {
        if !self.fields.contains_key(field) && self.fields.len() >= FIELDS_MAX {
            return false;
        }
        self.fields.insert(field.to_owned(), (feed, value.map(str::to_owned)));
        self.unsent.insert(field.to_owned());
        true
    }

    /// The fields of a feed are to be sent (again): this engine writes it.
    pub(super) fn mark_feed(&mut self, feed: FeedIndex) {
        self.meta_unsent = true;
        let own = self.fields.iter().filter(|(_, (of, _))| *of == feed);
        self.unsent.extend(own.map(|(field, _)| field.clone()));
    }

    /// The fields of a feed are not to be sent: another engine writes it.
    pub(super) fn forget_feed(&mut self, feed: FeedIndex) {
        let fields = &self.fields;
        self.unsent.retain(|field| fields.get(field).is_some_and(|(of, _)| *of != feed));
    }

    /// The keys that it writes: the catalog's, and that of `meta`.
    pub(super) fn keys(&self) -> [&str; 2] {
        [&self.catalog_key, &self.meta_key]
    }

    /// Whether fields of the catalog are to be sent.
    #[inline]
    pub(super) fn is_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Whether `meta` is to be sent.
    #[inline]
    pub(super) const fn is_meta_unsent(&self) -> bool {
        self.meta_unsent
    }

    /// Something else than a hash stands under the key that this entry wrote to: it goes before the fields are sent.
    pub(super) const fn is_foreign(&mut self, entry: Entry) {
        match entry {
            Entry::Catalog => self.catalog_foreign = true,
            Entry::Meta => self.meta_foreign = true,
            _ => {}
        }
    }

    /// Appends the fields of `meta`. `asking`: the key is being moved to the server that this goes to.
    pub(super) fn append_meta(&mut self, batch: &mut Batch, asking: bool) {
        self.meta_unsent = false;
        if std::mem::take(&mut self.meta_foreign) {
            push(batch, Entry::Aside, &[b"DEL", self.meta_key.as_bytes()], asking);
        }
        let transport = self.spread.transport().as_bytes();
        let words: [&[u8]; 6] = [b"HSET", self.meta_key.as_bytes(), b"transport", transport, b"schema", b"1"];
        push(batch, Entry::Meta, &words, asking);
    }

    /// Appends what fits into one batch.
    pub(super) fn append(&mut self, batch: &mut Batch, asking: bool) {
        let fields: Vec<String> =
            std::iter::from_fn(|| self.unsent.pop_first()).take(FIELDS_PER_COMMAND).collect();
        let key = self.catalog_key.as_bytes();
        if std::mem::take(&mut self.catalog_foreign) {
            push(batch, Entry::Aside, &[b"DEL", key], asking);
        }
        let (mut set, mut removed): (Vec<&[u8]>, Vec<&[u8]>) = (vec![b"HSET", key], vec![b"HDEL", key]);
        for field in &fields {
            match self.fields.get(field).and_then(|(_, value)| value.as_ref()) {
                Some(value) => set.extend([field.as_bytes(), value.as_bytes()]),
                None => removed.push(field.as_bytes()),
            }
        }
        for words in [set, removed] {
            if words.len() > 2 {
                push(batch, Entry::Catalog, &words, asking);
            }
        }
    }
}

fn push(batch: &mut Batch, entry: Entry, words: &[&[u8]], asking: bool) {
    if asking {
        batch.push_command(Entry::Aside, &[b"ASKING"]);
    }
    batch.push_command(entry, words);
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: FeedIndex = FeedIndex(0);

    fn catalog() -> Catalog {
        Catalog::new(&Namespace::default(), Spread::One)
    }

    fn sent(catalog: &mut Catalog) -> (String, usize) {
        let mut batch = Batch::default();
        catalog.append_meta(&mut batch, false);
        catalog.append(&mut batch, false);
        (String::from_utf8(batch.bytes).unwrap(), batch.entries.len())
    }

    #[test]
    fn fields_are_set_removed_and_all_sent_again_when_asked() {
        let mut catalog = catalog();
        catalog.change(FEED, "BTC-USDT:binance", Some("binance/0 price"));
        catalog.change(FEED, "OLD-USDT:binance", None);
        for _ in 0..2 {
            let (text, commands) = sent(&mut catalog);
            assert_eq!(commands, 3);
            assert!(text.contains(
                "$17\r\ntickcache:v1:meta\r\n$9\r\ntransport\r\n$7\r\npublish\r\n$6\r\nschema\r\n$1\r\n1"
            ));
            assert!(text.contains(
                "HSET\r\n$20\r\ntickcache:v1:catalog\r\n$16\r\nBTC-USDT:binance\r\n$15\r\nbinance/0 price"
            ));
            assert!(text.contains("HDEL\r\n$20\r\ntickcache:v1:catalog\r\n$16\r\nOLD-USDT:binance\r\n"));
            assert!(!catalog.is_unsent());
            catalog.mark_feed(FEED);
            assert!(catalog.is_meta_unsent());
        }
    }

    #[test]
    fn the_fields_of_a_feed_that_another_engine_writes_are_not_sent() {
        let mut catalog = catalog();
        catalog.change(FEED, "BTC-USDT:binance", Some("binance/0 price"));
        catalog.change(FeedIndex(1), "BTC-USDT:okx", Some("okx/0 price"));
        catalog.forget_feed(FEED);
        let (text, _) = sent(&mut catalog);
        assert!(text.contains("okx") && !text.contains("binance"), "{text}");
    }

    #[test]
    fn a_large_catalog_goes_in_pieces() {
        let mut catalog = catalog();
        for index in 0..100 {
            assert!(catalog.change(FEED, &format!("field{index}"), Some("x")));
        }
        assert_eq!(sent(&mut catalog).1, 2);
        assert!(catalog.is_unsent());
        assert_eq!(sent(&mut catalog).1, 2);
        assert!(!catalog.is_unsent());
    }
}
