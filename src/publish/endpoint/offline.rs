//! The endpoint without a socket: bytes in, replies out. For fuzzing, and for tests that need many conversations.
//!
//! Owns a table of one value and what all clients share. Never listens. A conversation is one client's, from its first byte
//! to its last; what a client of a real connection could be told, it is told.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::runtime::Runtime;

use crate::clock;
use crate::domain::{Entity, Epoch, Feed, Namespace, Sequence, SlotId, Venue, Version};

use super::super::{FeedIndex, SlotKey, SlotPlan, ValueTable};
use super::session::Shared;
use super::{EmbeddedLimits, EmbeddedOptions, connection};

/// The key that has a value.
pub const KEY: &str = "tickcache:v1:price:{BTC-USDT}:binance";

/// An endpoint without a socket.
#[derive(Debug)]
pub struct Offline {
    shared: Shared,
    runtime: Runtime,
}

impl Offline {
    /// With one value under [`KEY`], and a password where one is given.
    #[must_use]
    pub fn new(limits: EmbeddedLimits, password: Option<&str>) -> Self {
        let venue: Venue = "binance".parse().expect("a venue's name");
        let slot = SlotKey {
            key: KEY.to_owned(),
            entity: Entity::Price,
            instrument: "BTC-USDT".parse().expect("an instrument's name"),
            venue: venue.clone(),
            feed: FeedIndex(0),
            ttl: std::time::Duration::from_secs(3_600),
        };
        let mut plan = SlotPlan::new();
        plan.add(slot).expect("there is room for one key");
        let table = Arc::new(ValueTable::new(&plan));
        let version = Version {
            epoch: Epoch::new(7).expect("below the limit"),
            sequence: Sequence::new(1).expect("below the limit"),
        };
        table.store(SlotId(0), b"a value", version, clock::mono());
        let options = EmbeddedOptions {
            listen: ([127, 0, 0, 1], 0).into(),
            password: password.map(str::to_owned),
            tls: None,
            limits,
            namespace: Namespace::default(),
            tables: vec![(table, vec![Feed { venue, partition: 0 }])],
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        Self {
            shared: Shared::new(options, 0),
            runtime: runtime.expect("a runtime without a driver of sockets"),
        }
    }

    /// What one client is told that sends these bytes, at most `piece` at a time, and nothing more.
    #[must_use]
    pub fn talk(&self, bytes: &[u8], piece: usize) -> Vec<u8> {
        self.runtime.block_on(async {
            let (client, server) = duplex(piece.max(1));
            let (mut replies, mut requests) = tokio::io::split(client);
            let mut said = Vec::new();
            let sending = async {
                // Whoever ends the conversation early has said why.
                let _ = requests.write_all(bytes).await;
                let _ = requests.shutdown().await;
            };
            let serving = connection::serve(server, 1, &self.shared);
            let _ = tokio::join!(sending, replies.read_to_end(&mut said), serving);
            said
        })
    }
}
