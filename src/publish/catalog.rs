//! What there is, written beside the values: the hashes `{namespace}:v1:catalog` and `{namespace}:v1:meta`.
//!
//! Owns the fields and which of them are still to be sent. Everything is sent again on each connection. Never deletes a
//! field that it was not told of: other engines' stand in the same hash. At most [`FIELDS_MAX`] fields (a further one is
//! refused), [`FIELDS_PER_COMMAND`] a batch.

use std::collections::{BTreeMap, BTreeSet};

use crate::codec::key::{catalog_key, meta_key};
use crate::domain::Namespace;

use super::SLOTS_MAX;
use super::batch::{Batch, Entry};

/// Fields of one writer: as many as it has keys.
pub const FIELDS_MAX: usize = SLOTS_MAX;
/// Fields in one HSET or HDEL.
pub const FIELDS_PER_COMMAND: usize = 64;

/// The fields of the catalog, and which of them are still to be sent.
#[derive(Debug)]
pub(super) struct Catalog {
    catalog_key: String,
    meta_key: String,
    /// `None` = to be removed. Kept, so that a removal that Redis missed is repeated.
    fields: BTreeMap<String, Option<String>>,
    unsent: BTreeSet<String>,
    meta_unsent: bool,
}

impl Catalog {
    /// Without fields.
    pub(super) fn new(namespace: &Namespace) -> Self {
        Self {
            catalog_key: catalog_key(namespace),
            meta_key: meta_key(namespace),
            fields: BTreeMap::new(),
            unsent: BTreeSet::new(),
            meta_unsent: true,
        }
    }

    /// Sets (`Some`) or removes (`None`) a field; says whether there was room for it.
    pub(super) fn change(&mut self, field: &str, value: Option<&str>) -> bool {
        if !self.fields.contains_key(field) && self.fields.len() >= FIELDS_MAX {
            return false;
        }
        self.fields.insert(field.to_owned(), value.map(str::to_owned));
        self.unsent.insert(field.to_owned());
        true
    }

    /// Everything is to be sent again.
    pub(super) fn mark_all(&mut self) {
        self.meta_unsent = true;
        self.unsent.extend(self.fields.keys().cloned());
    }

    /// Whether something is to be sent.
    pub(super) fn is_unsent(&self) -> bool {
        self.meta_unsent || !self.unsent.is_empty()
    }

    /// Appends what fits into one batch.
    pub(super) fn append(&mut self, batch: &mut Batch) {
        if std::mem::take(&mut self.meta_unsent) {
            let words: [&[u8]; 6] =
                [b"HSET", self.meta_key.as_bytes(), b"transport", b"publish", b"schema", b"1"];
            batch.push_command(Entry::Catalog, &words);
        }
        let fields: Vec<String> =
            std::iter::from_fn(|| self.unsent.pop_first()).take(FIELDS_PER_COMMAND).collect();
        let key = self.catalog_key.as_bytes();
        let (mut set, mut removed): (Vec<&[u8]>, Vec<&[u8]>) = (vec![b"HSET", key], vec![b"HDEL", key]);
        for field in &fields {
            match self.fields.get(field).and_then(Option::as_ref) {
                Some(value) => set.extend([field.as_bytes(), value.as_bytes()]),
                None => removed.push(field.as_bytes()),
            }
        }
        for words in [set, removed] {
            if words.len() > 2 {
                batch.push_command(Entry::Catalog, &words);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(catalog: &mut Catalog) -> (String, usize) {
        let mut batch = Batch::default();
        catalog.append(&mut batch);
        (String::from_utf8(batch.bytes).unwrap(), batch.entries.len())
    }

    #[test]
    fn fields_are_set_removed_and_all_sent_again_after_a_reconnect() {
        let mut catalog = Catalog::new(&"tickcache".parse().unwrap());
        catalog.change("BTC-USDT:binance", Some("binance/0 price"));
        catalog.change("OLD-USDT:binance", None);
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
            catalog.mark_all();
        }
    }

    #[test]
    fn a_large_catalog_goes_in_pieces() {
        let mut catalog = Catalog::new(&"tickcache".parse().unwrap());
        for index in 0..100 {
            assert!(catalog.change(&format!("field{index}"), Some("x")));
        }
        assert_eq!(sent(&mut catalog).1, 2);
        assert!(catalog.is_unsent());
        assert_eq!(sent(&mut catalog).1, 1);
        assert!(!catalog.is_unsent());
    }
}
