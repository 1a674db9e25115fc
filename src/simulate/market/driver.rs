//! The task that lets a made-up market go on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{Market, Sink};
use crate::clock;
use crate::simulate::hub::{Command, Delivery, Router, StreamId};
use crate::simulate::server::Shared;
use crate::simulate::source::locked;

impl Sink for Router<'_> {
    fn wants(&self, stream: StreamId) -> bool {
        Router::wants(self, stream)
    }

    fn push(&mut self, stream: StreamId, text: String) {
        Router::push(self, stream, &Utf8Bytes::from(text));
    }
}

/// Steps the market for ever, except while it is paused. A session whose queue is full is ended.
pub(in crate::simulate) async fn drive(shared: Arc<Shared>, step: Duration) {
    let crate::simulate::source::Source::Market(market) = &shared.source else { return };
    let mut paused = shared.paused.subscribe();
    let mut beat = tokio::time::interval(step);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        if *paused.borrow_and_update() {
            deliver(&shared, advance(&shared, market, Market::flush));
            shared.stand_still(&mut paused).await;
        }
        deliver(&shared, advance(&shared, market, Market::step));
    }
}

/// The routes stay locked while the market goes on: see [`crate::simulate::hub`].
fn advance<'a>(
    shared: &'a Shared,
    market: &Mutex<Market>,
    how: impl FnOnce(&mut Market, i64, &mut Router<'a>),
) -> Vec<Delivery> {
    let mut router = shared.hub.router();
    let now_ms = clock::true_wall().nanos() / 1_000_000;
    how(&mut locked(market), now_ms, &mut router);
    router.finish()
}

fn deliver(shared: &Shared, deliveries: Vec<Delivery>) {
    for Delivery { session, queue, frames } in deliveries {
        if let Err(TrySendError::Full(_)) = queue.try_send(Command::Frames(frames)) {
            shared.counters.slow_sessions.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tracing::warn!("a client of the simulated market does not read: its session is ended");
            shared.hub.abort(session);
        }
    }
}
