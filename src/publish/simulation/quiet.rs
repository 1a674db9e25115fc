//! The last look: after the faults and a quiet time everything is right.
//!
//! Owns what "right" is. Changes nothing.

use crate::codec::key::lease_key;
use crate::domain::{Feed, Namespace, State};

use super::driving::feed_index;
use super::market;
use super::world::{MS, World};

/// Within so long before the end each engine has had nothing unwritten.
const CLEAN_WITHIN: u64 = 600 * MS;

impl World {
    pub(super) fn look_at_the_end(&mut self) {
        let now = self.now;
        let primary = self.primary;
        self.servers[primary].set_time(now);
        for feed in 0..self.market.feeds.len() {
            if let Err(wrong) = self.look_at_feed(feed) {
                self.judge.fail(format!("at the end: feed {feed}: {wrong}"));
            }
        }
        for (index, engine) in self.engines.iter().enumerate() {
            let since = now - engine.clean_at;
            if engine.lives() && (engine.connection.is_none() || since > CLEAN_WITHIN) {
                let (up, left) = (engine.connection.is_some(), engine.pipeline.unwritten());
                self.judge.fail(format!(
                    "at the end: engine {index}: connected: {up}, {left} unwritten for {} ms",
                    since / MS
                ));
            }
        }
        if self.market.confirms {
            self.look_at_readers();
        }
    }

    fn look_at_feed(&self, feed: usize) -> Result<(), String> {
        let named = &self.market.feeds[feed];
        let mut owners = Vec::new();
        for engine in self.engines.iter().filter(|engine| engine.lives()) {
            let mono = engine.clocks.now(self.now).mono;
            owners.extend(engine.pipeline.authority(feed_index(feed), mono).map(|epoch| (engine, epoch)));
        }
        let [(owner, epoch)] = owners[..] else {
            let names: Vec<_> = owners.iter().map(|(engine, epoch)| (engine.owner(), epoch)).collect();
            return Err(format!("owned by {names:?}"));
        };
        let space = &self.servers[self.primary].space;
        let lease = space.text(lease_key(&Namespace::default(), named).as_bytes())?;
        let expected = format!("{}:{epoch}", owner.owner());
        if lease != Some(expected.as_bytes()) {
            return Err(format!("the lease is {:?}, not {expected}", lease.map(String::from_utf8_lossy)));
        }
        let alive = self.engines.iter().filter(|engine| engine.lives() && engine.is_warm);
        let preferred = alive.max_by_key(|engine| weight(&engine.name, named)).ok_or("nobody is warm")?;
        if preferred.name != owner.name {
            return Err(format!("{} has it, {} should", owner.name, preferred.name));
        }
        for (key, of) in self.market.keys.iter().enumerate().filter(|(_, of)| of.feed == feed) {
            let newest = self.market.newest[key];
            let bytes = space.text(&of.name)?.ok_or(format!("key {key} is gone, {newest} was the last"))?;
            let (version, found) = (market::version(bytes), market::read(bytes));
            if found != Some((newest, State::Live)) || version.map(|(epoch, _)| epoch) != Some(epoch.get()) {
                return Err(format!("key {key} is {found:?} as {version:?}, not {newest} of epoch {epoch}"));
            }
        }
        Ok(())
    }

    fn look_at_readers(&mut self) {
        for (index, reader) in self.readers.iter().enumerate() {
            for (key, newest) in self.market.newest.iter().enumerate() {
                let shown = reader.shows(key, self.now).and_then(|(_, bytes)| market::read(bytes));
                if shown != Some((*newest, State::Live)) {
                    self.judge.fail(format!(
                        "at the end: reader {index} shows {shown:?} for key {key}, not {newest}"
                    ));
                }
            }
        }
    }
}

/// The contract of the sharing, computed apart from the roster: FNV-1a of engine, 0, venue, 0, partition, then the
/// finaliser of `splitmix64`.
fn weight(engine: &str, feed: &Feed) -> u64 {
    let text = [engine.as_bytes(), &[0], feed.venue.as_str().as_bytes(), &[0], &feed.partition.to_be_bytes()];
    let mut hash = 14_695_981_039_346_656_037_u64;
    for byte in text.concat() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211);
    }
    for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9_u64), (27, 0x94d0_49bb_1331_11eb)] {
        hash = (hash ^ (hash >> shift)).wrapping_mul(factor);
    }
    hash ^ (hash >> 31)
}
