//! What a simulated Redis stores: strings and hashes, with expiry on the server's own clock.
//!
//! Owns the keys and the list of changes that a replica has not got yet. Knows nothing of the project, so that the test that
//! compares the native scripts with a real server can use it too. Expiry times are absolute, as Redis keeps and replicates
//! them: on a replica whose clock differs a key expires at another time.

use std::collections::{BTreeMap, VecDeque};

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(Vec<u8>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
}

/// A key's value and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    /// Milliseconds on the server's clock.
    pub(crate) expires_ms: Option<i64>,
    /// When it was last written or renewed, in nanoseconds of the simulation; a real server has no such thing.
    pub(crate) touched: u64,
    /// The TTL that it was given then.
    pub(crate) ttl_ms: i64,
}

/// A change on its way to a replica.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) at: u64,
    pub(crate) key: Vec<u8>,
    pub(crate) entry: Option<Entry>,
}

/// Why a command that writes is refused; the words of the error.
pub(crate) type Refused = String;

#[derive(Debug, Clone, Default)]
pub(crate) struct Keyspace {
    entries: BTreeMap<Vec<u8>, Entry>,
    /// The server's clock, microseconds since the Unix epoch.
    pub(crate) now_us: i64,
    /// The simulation's clock.
    pub(crate) at: u64,
    /// The error of every command that needs memory.
    pub(crate) full: Option<Refused>,
    /// The error of every command that writes.
    pub(crate) read_only: Option<Refused>,
    pub(crate) changes: VecDeque<Change>,
}

impl Keyspace {
    pub(crate) fn now_ms(&self) -> i64 {
        self.now_us.div_euclid(1_000)
    }

    /// A key that lives.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&Entry> {
        let now_ms = self.now_ms();
        self.entries.get(key).filter(|entry| entry.expires_ms.is_none_or(|end| now_ms < end))
    }

    /// A string that lives; an error where something else does.
    pub(crate) fn text(&self, key: &[u8]) -> Result<Option<&[u8]>, Refused> {
        match self.get(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Hash(_)) => Err(wrong_type()),
        }
    }

    /// A hash that lives.
    pub(crate) fn hash(&self, key: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Refused> {
        match self.get(key).map(|entry| &entry.value) {
            None => Ok(BTreeMap::new()),
            Some(Value::Hash(fields)) => Ok(fields.clone()),
            Some(Value::Text(_)) => Err(wrong_type()),
        }
    }

    /// Milliseconds left; -1 without an end, -2 without a key.
    pub(crate) fn pttl(&self, key: &[u8]) -> i64 {
        match self.get(key) {
            None => -2,
            Some(Entry { expires_ms: None, .. }) => -1,
            Some(Entry { expires_ms: Some(end), .. }) => end - self.now_ms(),
        }
    }

    fn may_write(&self, needs_memory: bool) -> Result<(), Refused> {
        let full = self.full.as_ref().filter(|_| needs_memory);
        self.read_only.as_ref().or(full).map_or(Ok(()), |words| Err(words.clone()))
    }

    fn store(&mut self, key: &[u8], entry: Option<Entry>) {
        match &entry {
            Some(entry) => drop(self.entries.insert(key.to_vec(), entry.clone())),
            None => drop(self.entries.remove(key)),
        }
        self.changes.push_back(Change { at: self.at, key: key.to_vec(), entry });
    }

    pub(crate) fn set(&mut self, key: &[u8], text: &[u8], ttl_ms: Option<i64>) -> Result<(), Refused> {
        self.may_write(true)?;
        let expires_ms = ttl_ms.map(|ttl| self.now_ms() + ttl);
        let (value, touched) = (Value::Text(text.to_vec()), self.at);
        self.store(key, Some(Entry { value, expires_ms, touched, ttl_ms: ttl_ms.unwrap_or(-1) }));
        Ok(())
    }

    pub(crate) fn expire(&mut self, key: &[u8], ttl_ms: i64) -> Result<(), Refused> {
        self.may_write(false)?;
        if let Some(entry) = self.get(key).cloned() {
            let expires_ms = Some(self.now_ms() + ttl_ms);
            self.store(key, Some(Entry { expires_ms, touched: self.at, ttl_ms, ..entry }));
        }
        Ok(())
    }

    /// Says whether it was there.
    pub(crate) fn delete(&mut self, key: &[u8]) -> Result<bool, Refused> {
        self.may_write(false)?;
        let lived = self.get(key).is_some();
        if lived {
            self.store(key, None);
        }
        Ok(lived)
    }

    pub(crate) fn set_field(&mut self, key: &[u8], field: &[u8], text: &[u8]) -> Result<(), Refused> {
        self.may_write(true)?;
        let mut fields = self.hash(key)?;
        fields.insert(field.to_vec(), text.to_vec());
        self.put_hash(key, fields);
        Ok(())
    }

    pub(crate) fn delete_field(&mut self, key: &[u8], field: &[u8]) -> Result<(), Refused> {
        self.may_write(false)?;
        let mut fields = self.hash(key)?;
        if fields.remove(field).is_some() {
            self.put_hash(key, fields);
        }
        Ok(())
    }

    fn put_hash(&mut self, key: &[u8], fields: BTreeMap<Vec<u8>, Vec<u8>>) {
        let expires_ms = self.get(key).and_then(|entry| entry.expires_ms);
        let entry = Entry { value: Value::Hash(fields), expires_ms, touched: self.at, ttl_ms: -1 };
        let is_empty = matches!(&entry.value, Value::Hash(fields) if fields.is_empty());
        self.store(key, (!is_empty).then_some(entry));
    }

    /// Every key that lives.
    pub(crate) fn keys(&self) -> Vec<Vec<u8>> {
        self.entries.keys().filter(|key| self.get(key).is_some()).cloned().collect()
    }

    /// FLUSHALL.
    pub(crate) fn clear(&mut self) {
        for key in self.keys() {
            self.store(&key, None);
        }
    }

    /// A change of the primary's arrives.
    pub(crate) fn apply(&mut self, change: Change) {
        match change.entry {
            Some(entry) => drop(self.entries.insert(change.key, entry)),
            None => drop(self.entries.remove(&change.key)),
        }
    }

    /// Holds what `other` holds, on its own clock.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.entries.clone_from(&other.entries);
        self.changes.clear();
    }
}

fn wrong_type() -> Refused {
    "WRONGTYPE Operation against a key holding the wrong kind of value".to_owned()
}
