//! The only reader of time.
//!
//! Owns the two clocks and the reading of both; everything else takes `now` as an argument. Never sleeps. Cheap enough
//! (two vDSO calls) for every socket read. A test may let both follow tokio's clock, which it can pause.

#![allow(clippy::disallowed_methods, reason = "this is the one place that reads clocks")]

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::{MonoTime, Now, WallTime};

static START: OnceLock<(Instant, SystemTime)> = OnceLock::new();

/// Never set but by tests.
static FOLLOWS_TOKIO: AtomicBool = AtomicBool::new(false);

/// From now on both clocks of this process are tokio's: where a runtime's time is paused they stand still with it. For tests.
#[doc(hidden)]
pub fn follow_tokio() {
    FOLLOWS_TOKIO.store(true, Ordering::Relaxed);
}

/// By how much a test has set this process's wall clock, in nanoseconds.
static STEPPED: AtomicI64 = AtomicI64::new(0);

thread_local! {
    /// The same where the clocks follow tokio's: there each test has a thread, and a clock, of its own.
    static STEPPED_HERE: Cell<i64> = const { Cell::new(0) };
}

/// Sets the wall clock forward by so many nanoseconds, or back: this process's, or this thread's where clocks follow tokio's. For
/// tests.
#[doc(hidden)]
pub fn step_wall(nanos: i64) {
    if FOLLOWS_TOKIO.load(Ordering::Relaxed) {
        STEPPED_HERE.set(STEPPED_HERE.get().saturating_add(nanos));
    } else {
        STEPPED.fetch_add(nanos, Ordering::Relaxed);
    }
}

/// Reads both clocks.
#[must_use]
pub fn now() -> Now {
    Now { wall: wall(), mono: mono() }
}

/// Reads the monotonic clock: nanoseconds since its first reading in this process.
#[must_use]
pub fn mono() -> MonoTime {
    MonoTime::from_nanos(u64::try_from(elapsed().as_nanos()).unwrap_or(u64::MAX))
}

/// Reads the wall clock. A clock set before 1970 reads as 1970.
#[must_use]
pub fn wall() -> WallTime {
    let stepped = if FOLLOWS_TOKIO.load(Ordering::Relaxed) {
        STEPPED_HERE.get()
    } else {
        STEPPED.load(Ordering::Relaxed)
    };
    WallTime::from_nanos(true_wall().nanos().saturating_add(stepped))
}

/// The wall clock as if no test had set it: that of a simulated venue, which is another machine.
#[doc(hidden)]
#[must_use]
pub fn true_wall() -> WallTime {
    let time = if FOLLOWS_TOKIO.load(Ordering::Relaxed) { start().1 + elapsed() } else { SystemTime::now() };
    let nanos = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    WallTime::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

fn start() -> &'static (Instant, SystemTime) {
    START.get_or_init(|| (Instant::now(), SystemTime::now()))
}

fn elapsed() -> Duration {
    let start = start().0;
    if FOLLOWS_TOKIO.load(Ordering::Relaxed) {
        return tokio::time::Instant::now().into_std().saturating_duration_since(start);
    }
    start.elapsed()
}
