//! Prices that keep changing, the same at every engine, and the proof that the newest stands in Redis.
#![allow(dead_code, reason = "every test binary uses another part of it")]

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use redis::{AsyncCommands, RedisResult};
use tickcache::codec::decode_lease;
use tickcache::codec::key::lease_key;
use tickcache::domain::Namespace;
use tickcache::publish::{Servers, Writer};
use tokio::task::JoinHandle;

use crate::rig::{Rig, bid, push, until, version};
use crate::watcher::{connect, port_of};

const ROUND_EVERY: Duration = Duration::from_millis(4);

/// A market that several engines watch.
#[derive(Debug)]
pub(crate) struct Market {
    round: Rc<Cell<i128>>,
    running: Rc<Cell<bool>>,
    task: JoinHandle<()>,
}

impl Market {
    /// Every key of every engine gets a new price each round.
    pub(crate) fn open(engines: &[&Rig]) -> Self {
        let (round, running) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(true)));
        let writers: Vec<(Writer, usize)> =
            engines.iter().map(|rig| (rig.writer.clone(), rig.keys.len())).collect();
        let task = tokio::task::spawn_local(trade(writers, Rc::clone(&round), Rc::clone(&running)));
        Self { round, running, task }
    }

    /// Some more rounds.
    pub(crate) async fn go_on(&self, rounds: i128) {
        self.running.set(true);
        let until = self.round.get() + rounds;
        while self.round.get() < until {
            tokio::time::sleep(ROUND_EVERY).await;
        }
    }

    /// No further change; returns the last price of every key.
    pub(crate) fn halt(&self) -> u64 {
        self.running.set(false);
        u64::try_from(self.round.get()).unwrap()
    }
}

impl Drop for Market {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn trade(mut writers: Vec<(Writer, usize)>, round: Rc<Cell<i128>>, running: Rc<Cell<bool>>) {
    loop {
        if running.get() {
            round.set(round.get() + 1);
            for (writer, keys) in &mut writers {
                for slot in 0..*keys {
                    push(writer, slot, round.get());
                }
            }
        }
        tokio::time::sleep(ROUND_EVERY).await;
    }
}

/// One key at whichever server has it.
pub(crate) async fn get(servers: &Servers, key: &str) -> RedisResult<Option<Vec<u8>>> {
    let port = port_of(&servers.topology.borrow(), key);
    let Some(port) = port else { return Ok(None) };
    connect(port, None).await?.get(key).await
}

/// Waits until every key has this price, written by the owner of a living lease and under its epoch. Returns the place of
/// the owner of each feed among the engines.
pub(crate) async fn settled(servers: &Servers, engines: &[&Rig], price: u64) -> Vec<usize> {
    let rig = engines[0];
    let mut owners = Vec::new();
    for (feed, index) in rig.feeds.iter().zip(rig.feed_indexes()) {
        let lease = lease_key(&Namespace::default(), feed);
        let keys: Vec<&String> = rig.keys.iter().skip(index.0.into()).step_by(rig.feeds.len()).collect();
        let mut seen = Err(String::new());
        let right = async || {
            seen = look(servers, engines, &lease, &keys, price).await;
            seen.is_ok()
        };
        let patient = tokio::time::timeout(Duration::from_secs(60), until(&lease, right)).await;
        assert!(patient.is_ok(), "{feed}: not within 60 s: {seen:?}");
        // What was seen then: an engine that prefers the feed may have it by now.
        owners.push(seen.expect("it is right"));
    }
    owners
}

async fn look(
    servers: &Servers,
    engines: &[&Rig],
    lease: &str,
    keys: &[&String],
    price: u64,
) -> Result<usize, String> {
    let failed = |error| format!("{error}");
    let held = get(servers, lease).await.map_err(failed)?.ok_or("no lease")?;
    let (owner, epoch) = decode_lease(&held).ok_or("no lease of ours")?;
    for key in keys {
        let value = get(servers, key).await.map_err(failed)?.ok_or_else(|| format!("{key} is missing"))?;
        let (found, under) = (bid(&value), version(&value).0);
        if (found, under) != (price, epoch.get()) {
            return Err(format!("{key}: {found} of epoch {under}, wanted {price} of {epoch}"));
        }
    }
    engines.iter().position(|rig| rig.owner == owner).ok_or_else(|| format!("{owner} is nobody"))
}
