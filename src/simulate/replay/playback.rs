//! The task that plays.
//!
//! Owns the pace. Waits wherever a session's queue is full, so that a client that reads slowly slows the playback and
//! nothing piles up.

use std::ops::Range;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::options::{Ending, Speed};
use super::{Recorded, Replay, Told};
use crate::clock;
use crate::domain::MonoTime;
use crate::simulate::hub::{Activity, BATCH_FRAMES, Command, Delivery};
use crate::simulate::server::Shared;
use crate::simulate::source::Source;

/// Plays the recordings: once, or for ever.
pub(in crate::simulate) async fn play(shared: Arc<Shared>) {
    let Source::Replay(replay) = &shared.source else { return };
    loop {
        subscribed(&shared, replay).await;
        pass(&shared, replay).await;
        drained(&shared).await;
        replay.passes.fetch_add(1, Ordering::AcqRel);
        if replay.options.ending == Ending::Stay {
            replay.finished.send_replace(true);
            return;
        }
        // First back to the start, then the closing: a client that is back at once must get the first snapshot.
        replay.rewind();
        let close = || Command::Close { code: 1001, reason: "The recording starts anew" };
        for queue in shared.hub.retire() {
            let _ = queue.send(close()).await;
        }
    }
}

impl Replay {
    fn rewind(&self) {
        let mut cursors: Vec<_> = self
            .cursors
            .values()
            .map(|cursor| cursor.lock().unwrap_or_else(PoisonError::into_inner))
            .collect();
        self.position.store(0, Ordering::Release);
        cursors.iter_mut().for_each(|cursor| cursor.rewind());
        drop(cursors);
        self.told.iter().for_each(Told::rewind);
    }
}

/// Waits until the subscriptions are complete.
async fn subscribed(shared: &Shared, replay: &Replay) {
    let mut activity = shared.hub.activity();
    loop {
        let Activity { covered, last, .. } = *activity.borrow_and_update();
        let quiet = clock::mono().since(last);
        let settle = replay.options.settle;
        if covered == shared.hub.streams() || (covered > 0 && quiet >= settle) {
            return;
        }
        if covered == 0 {
            if activity.changed().await.is_err() {
                return std::future::pending().await;
            }
        } else {
            let _ = tokio::time::timeout(settle.saturating_sub(quiet), activity.changed()).await;
        }
    }
}

/// Plays from the first frame to the last.
async fn pass(shared: &Shared, replay: &Replay) {
    let Some(first) = replay.frames.first().map(|frame| frame.nanos) else { return };
    let activity = shared.hub.activity();
    let mut paused = shared.paused.subscribe();
    let mut pace = Pace { speed: replay.options.speed, first, started: clock::mono() };
    let mut position = 0;
    while position < replay.frames.len() {
        pace.hold(&mut paused, shared, replay.frames[position].nanos).await;
        if pace.speed == Speed::Max && activity.borrow().covered == 0 {
            // The clock of a recording at full speed is its client: without one it stands still.
            subscribed(shared, replay).await;
        }
        let due = pace.due(&replay.frames[position..]);
        if due == 0 {
            pace.wait(replay.frames[position].nanos, &mut paused).await;
            continue;
        }
        send(shared, replay, position..position + due).await;
        position += due;
    }
}

/// Routes a batch, then sends it with the routes released. The position moves while they are held: see
/// [`crate::simulate::hub`].
async fn send(shared: &Shared, replay: &Replay, batch: Range<usize>) {
    let deliveries = {
        let mut router = shared.hub.router();
        for index in batch.clone() {
            let frame = &replay.frames[index];
            router.push(frame.stream, &frame.text);
            replay.tell(index, &mut router);
        }
        replay.position.store(batch.end, Ordering::Release);
        router.finish()
    };
    if deliveries.is_empty() {
        // Nobody listens, and nothing below would yield.
        tokio::task::yield_now().await;
    }
    for Delivery { queue, frames, .. } in deliveries {
        // An error means that the session has ended.
        let _ = queue.send(Command::Frames(frames)).await;
    }
}

/// Waits until all that was queued is in the sockets.
async fn drained(shared: &Shared) {
    for queue in shared.hub.queues() {
        let (done, wait) = oneshot::channel();
        if queue.send(Command::Barrier(done)).await.is_ok() {
            let _ = wait.await;
        }
    }
}

/// When which frame is due.
#[derive(Debug)]
struct Pace {
    speed: Speed,
    /// The recording's time that was due at `started`.
    first: i64,
    started: MonoTime,
}

impl Pace {
    /// How many of the next frames are due, at most a batch.
    fn due(&self, frames: &[Recorded]) -> usize {
        let batch = &frames[..frames.len().min(BATCH_FRAMES)];
        let Speed::Times(times) = self.speed else { return batch.len() };
        let elapsed = clock::mono().since(self.started).as_nanos().saturating_mul(u128::from(times));
        let now = self.first.saturating_add(i64::try_from(elapsed).unwrap_or(i64::MAX));
        batch.partition_point(|frame| frame.nanos <= now)
    }

    /// Waits until a frame of this time is due, or a pause is ordered.
    async fn wait(&self, nanos: i64, paused: &mut watch::Receiver<bool>) {
        let Speed::Times(times) = self.speed else { return };
        let after = u64::try_from(nanos.saturating_sub(self.first)).unwrap_or(0) / u64::from(times.max(1));
        let at = self.started.after(Duration::from_nanos(after));
        let _ = tokio::time::timeout(at.since(clock::mono()), paused.changed()).await;
    }

    /// Stands still for as long as a pause lasts; the recording's clock goes on where it stood.
    async fn hold(&mut self, paused: &mut watch::Receiver<bool>, shared: &Shared, nanos: i64) {
        if !*paused.borrow_and_update() {
            return;
        }
        drained(shared).await;
        shared.stand_still(paused).await;
        (self.first, self.started) = (nanos, clock::mono());
    }
}
