//! The commands that write values: the fence script over many keys, or a plain SET each.
//!
//! Owns the parts of these commands that never change, ready to be copied. Never decides what is written, nor where.
//! A script writes at most [`SCRIPT_VALUES_MAX`](super::batch::SCRIPT_VALUES_MAX) keys; on a Cluster all of one slot.

use std::ops::Range;

use crate::codec::key::{cluster_slot, derived_keys};
use crate::domain::{MonoTime, Namespace, SlotId, Version};

use super::batch::{Batch, Entry, SentValue, append_bulk, append_head};
use super::script::WRITE;
use super::{SlotKey, SlotPlan};

/// Who gets accepted values without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    /// Nobody: readers poll.
    Off,
    /// The subscribers of each key's update channel.
    On,
}

/// How many servers the keys are spread over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// One: a single Redis, or what Sentinel calls the primary.
    One,
    /// By slot, over a Redis Cluster: commands keep to one slot, and channels are sharded.
    Cluster,
}

impl Spread {
    /// The command that publishes.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::One => "PUBLISH",
            Self::Cluster => "SPUBLISH",
        }
    }

    /// As the field `transport` of `meta` says.
    #[must_use]
    pub const fn transport(self) -> &'static str {
        match self {
            Self::One => "publish",
            Self::Cluster => "spublish",
        }
    }
}

/// An encoded value on its way into a batch.
#[derive(Debug, Clone)]
pub(super) struct Staged {
    /// Of which key.
    pub(super) slot: SlotId,
    /// Its version.
    pub(super) version: Version,
    /// When its update was received, if its latency counts.
    pub(super) received: Option<MonoTime>,
    /// The number of the last event that waits for it.
    pub(super) events_upto: Option<u64>,
    /// Its bytes, within the arena.
    pub(super) bytes: Range<usize>,
    /// The Cluster slot of its key.
    pub(super) cluster_slot: u16,
    /// Alone, after an ASKING: the key is being moved to the server that this goes to.
    pub(super) asking: bool,
}

#[derive(Debug)]
struct KeyParts {
    /// The key as a bulk string.
    key: Box<[u8]>,
    /// Its TTL in milliseconds as a bulk string.
    ttl: Box<[u8]>,
    /// Its update channel as a bulk string.
    channel: Box<[u8]>,
    /// What is computed from it.
    derived: Box<[String]>,
    cluster_slot: u16,
}

impl KeyParts {
    fn new(slot: &SlotKey, namespace: &Namespace) -> Self {
        let prefix = format!("{namespace}:v1:");
        let rest = slot.key.strip_prefix(&prefix).unwrap_or(&slot.key);
        Self {
            key: bulk(slot.key.as_bytes()),
            ttl: bulk(slot.ttl_ms().to_string().as_bytes()),
            channel: bulk(format!("{prefix}update:{rest}").as_bytes()),
            derived: derived_keys(namespace, &slot.instrument).into(),
            cluster_slot: cluster_slot(&slot.key),
        }
    }
}

fn bulk(text: &[u8]) -> Box<[u8]> {
    let mut out = Vec::new();
    append_bulk(&mut out, text);
    out.into()
}

/// The commands that write values.
#[derive(Debug)]
pub(super) struct Writes {
    keys: Vec<KeyParts>,
    fenced: bool,
    push: Push,
    spread: Spread,
    /// `EVALSHA` and the script's hash.
    call: Box<[u8]>,
    /// The script's first arguments: verb and namespace.
    context: Box<[u8]>,
}

impl Writes {
    /// For the plan's keys.
    pub(super) fn new(
        plan: &SlotPlan,
        namespace: &Namespace,
        fenced: bool,
        push: Push,
        spread: Spread,
    ) -> Self {
        let verb = if push == Push::On { spread.verb() } else { "" };
        Self {
            keys: plan.slots().iter().map(|slot| KeyParts::new(slot, namespace)).collect(),
            fenced,
            push,
            spread,
            call: [bulk(b"EVALSHA"), bulk(WRITE.hash.as_bytes())].concat().into(),
            context: [bulk(verb.as_bytes()), bulk(namespace.as_str().as_bytes())].concat().into(),
        }
    }

    /// Whether the fence script writes.
    pub(super) const fn is_fenced(&self) -> bool {
        self.fenced
    }

    /// The Cluster slot of a key.
    pub(super) fn cluster_slot(&self, slot: SlotId) -> u16 {
        match self.spread {
            // One script takes whatever keys there are: which slot is of no account.
            Spread::One => 0,
            Spread::Cluster => self.keys[slot.0 as usize].cluster_slot,
        }
    }

    /// Appends the commands that write `staged`, whose bytes are in `arena`. `alone`: a script a key.
    pub(super) fn append(&self, batch: &mut Batch, staged: &mut [Staged], arena: &[u8], alone: bool) {
        if !self.fenced {
            for value in &*staged {
                self.append_set(batch, value, arena);
            }
        } else if alone {
            for value in &*staged {
                self.append_script(batch, std::slice::from_ref(value), arena);
            }
        } else if self.spread == Spread::One {
            self.append_script(batch, staged, arena);
        } else {
            staged.sort_by_key(|value| (value.cluster_slot, value.asking));
            // One that is being moved goes by itself.
            for group in staged.chunk_by(|one, other| one.cluster_slot == other.cluster_slot && !other.asking)
            {
                self.append_script(batch, group, arena);
            }
        }
    }

    fn append_script(&self, batch: &mut Batch, group: &[Staged], arena: &[u8]) {
        if group.is_empty() {
            return;
        }
        if group[0].asking {
            batch.push_command(Entry::Aside, &[b"ASKING"]);
        }
        let out = &mut batch.bytes;
        // EVALSHA, hash, number of keys, keys, verb, namespace, then value and TTL of each key.
        append_head(out, b'*', 3 + group.len() + 2 + 2 * group.len());
        out.extend_from_slice(&self.call);
        append_bulk(out, group.len().to_string().as_bytes());
        for value in group {
            out.extend_from_slice(&self.keys[value.slot.0 as usize].key);
        }
        out.extend_from_slice(&self.context);
        for value in group {
            append_bulk(out, &arena[value.bytes.clone()]);
            out.extend_from_slice(&self.keys[value.slot.0 as usize].ttl);
        }
        let values = u16::try_from(group.len()).expect("a batch holds fewer values");
        batch.entries.push(Entry::Fenced { values });
        batch.values.extend(group.iter().map(sent));
        for value in group.iter().filter(|value| value.events_upto.is_some()) {
            self.append_derived(batch, value.slot);
        }
    }

    fn append_set(&self, batch: &mut Batch, value: &Staged, arena: &[u8]) {
        let parts = &self.keys[value.slot.0 as usize];
        let bytes = &arena[value.bytes.clone()];
        let out = &mut batch.bytes;
        out.extend_from_slice(b"*5\r\n$3\r\nSET\r\n");
        out.extend_from_slice(&parts.key);
        append_bulk(out, bytes);
        out.extend_from_slice(b"$2\r\nPX\r\n");
        out.extend_from_slice(&parts.ttl);
        batch.entries.push(Entry::Set);
        batch.values.push(sent(value));
        if self.push == Push::On {
            let out = &mut batch.bytes;
            append_head(out, b'*', 3);
            append_bulk(out, self.spread.verb().as_bytes());
            out.extend_from_slice(&parts.channel);
            append_bulk(out, bytes);
            batch.entries.push(Entry::Aside);
        }
        if value.events_upto.is_some() {
            self.append_derived(batch, value.slot);
        }
    }

    /// What was computed from a value that something happened to is no longer true.
    fn append_derived(&self, batch: &mut Batch, slot: SlotId) {
        for key in &self.keys[slot.0 as usize].derived {
            batch.push_command(Entry::Aside, &[b"DEL", key.as_bytes()]);
        }
    }
}

const fn sent(value: &Staged) -> SentValue {
    let Staged { slot, version, received, events_upto, .. } = *value;
    SentValue { slot, version, received, events_upto }
}

#[cfg(test)]
mod tests {
    use super::super::testing::plan;
    use super::*;
    use crate::domain::{Epoch, Sequence};

    fn staged(slot: u32, bytes: Range<usize>, cluster_slot: u16) -> Staged {
        let version = Version { epoch: Epoch::new(5).unwrap(), sequence: Sequence::new(1).unwrap() };
        Staged {
            slot: SlotId(slot),
            version,
            received: None,
            events_upto: None,
            bytes,
            cluster_slot,
            asking: false,
        }
    }

    /// The words of each command.
    fn commands(bytes: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(bytes);
        let mut parts = text.split("\r\n");
        let mut found = Vec::new();
        while let Some(count) = parts.next().and_then(|head| head.strip_prefix('*')) {
            let words = (0..count.parse::<usize>().unwrap()).map(|_| {
                let length: usize = parts.next().unwrap()[1..].parse().unwrap();
                let word = parts.next().unwrap();
                assert_eq!(word.len(), length);
                word
            });
            found.push(words.collect::<Vec<_>>().join(" "));
        }
        found
    }

    fn writes(fenced: bool, push: Push, spread: Spread) -> Writes {
        Writes::new(&plan(2, 1), &"prod:t".parse().unwrap(), fenced, push, spread)
    }

    #[test]
    fn one_script_writes_all_keys_of_a_server() {
        let mut batch = Batch::default();
        let mut values = [staged(0, 0..1, 1), staged(2, 1..3, 2)];
        writes(true, Push::On, Spread::One).append(&mut batch, &mut values, b"abb", false);
        let expected = format!("EVALSHA {} 2 key0 key2 PUBLISH prod:t a 30000 bb 300000", WRITE.hash);
        assert_eq!(commands(&batch.bytes), [expected]);
        assert_eq!(batch.entries, [Entry::Fenced { values: 2 }]);
        assert_eq!(batch.values.len(), 2);
    }

    #[test]
    fn on_a_cluster_each_slot_has_its_script_and_what_moves_goes_alone() {
        let mut batch = Batch::default();
        let mut values = [staged(0, 0..1, 9), staged(1, 1..2, 4), staged(2, 2..3, 9)];
        values[2].asking = true;
        writes(true, Push::Off, Spread::Cluster).append(&mut batch, &mut values, b"abc", false);
        let script = |rest: &str| format!("EVALSHA {} 1 {rest}", WRITE.hash);
        assert_eq!(
            commands(&batch.bytes),
            [
                script("key1  prod:t b 30000"),
                script("key0  prod:t a 30000"),
                "ASKING".to_owned(),
                script("key2  prod:t c 300000"),
            ]
        );
        assert_eq!(batch.values.iter().map(|value| value.slot.0).collect::<Vec<_>>(), [1, 0, 2]);
    }

    #[test]
    fn without_a_fence_each_value_is_set_and_pushed() {
        let mut batch = Batch::default();
        let mut values = [staged(1, 0..1, 0)];
        values[0].events_upto = Some(3);
        writes(false, Push::On, Spread::One).append(&mut batch, &mut values, b"v", false);
        assert_eq!(
            commands(&batch.bytes),
            ["SET key1 v PX 30000", "PUBLISH prod:t:v1:update:key1 v", "DEL prod:t:v1:compare:{BTC-USDT}",]
        );
        assert_eq!(batch.entries, [Entry::Set, Entry::Aside, Entry::Aside]);
    }
}
