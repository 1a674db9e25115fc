//! The way into a recording: where sessions and REST workers leave what they received.
//!
//! Owns the records of one feed between their arrival and the recorder, which takes them several times a second. Never
//! waits, never wakes anybody, never allocates for a frame. Holds at most `buffer_bytes_max` of frames and as much of
//! answers (twice that with what the recorder is writing): what comes on top is dropped and counted.

use std::iter::Peekable;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::lane::{Lane, Record, Records};
use super::line::Source;
use crate::domain::ReceiveTime;

/// The part of the frames' buffer that stands ready for the moments in which the recorder holds the buffer itself.
const ASIDE_PART: usize = 8;

/// How often both buffers may be found held by the recorder before a frame is dropped.
const ATTEMPTS_MAX: usize = 16;

/// Where to leave what was received. A tap that is off takes nothing, and costs a branch.
#[derive(Debug, Clone, Default)]
pub struct Tap(Option<Arc<Intake>>);

impl Tap {
    /// A tap that is off.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// A tap, and where its records come out.
    #[must_use]
    pub fn on(buffer_bytes_max: usize) -> (Self, Outlet) {
        let lanes = || {
            let frames = Lane::reserved(buffer_bytes_max);
            let aside = Lane::reserved(buffer_bytes_max / ASIDE_PART);
            (frames, aside, Lane::growing(buffer_bytes_max))
        };
        let (frames, aside, answers) = lanes();
        let intake = Arc::new(Intake {
            frames: Mutex::new(frames),
            aside: Mutex::new(aside),
            answers: Mutex::new(answers),
            number: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        });
        let (frames, aside, answers) = lanes();
        (Self(Some(Arc::clone(&intake))), Outlet { intake, frames, aside, answers })
    }

    /// A websocket frame. All frames of a feed must come from one thread: their order is that of the calls.
    #[inline]
    pub fn frame(&self, received: ReceiveTime, frame: &[u8]) {
        if let Some(intake) = &self.0 {
            intake.frame(received, frame);
        }
    }

    /// An answer over REST; from any thread but the hot one.
    pub fn rest(&self, received: ReceiveTime, path_and_query: &str, body: &[u8]) {
        if let Some(intake) = &self.0 {
            let parts = [path_and_query.as_bytes(), b" ", body];
            let pushed = locked(&intake.answers).push(received, 0, &parts);
            intake.count(pushed.is_ok());
        }
    }
}

#[derive(Debug)]
struct Intake {
    frames: Mutex<Lane>,
    /// Takes the frames that come while the recorder holds `frames`. It does so for nanoseconds, unless the system takes the
    /// processor away from it just then; whoever receives must not wait for that.
    aside: Mutex<Lane>,
    answers: Mutex<Lane>,
    /// Of the next frame. Only the thread that receives changes it.
    number: AtomicU64,
    dropped: AtomicU64,
}

impl Intake {
    #[inline]
    fn frame(&self, received: ReceiveTime, frame: &[u8]) {
        let number = self.number.load(Ordering::Relaxed);
        self.number.store(number + 1, Ordering::Relaxed);
        // The recorder holds one of them at a time: both are found held only where it goes from one to the other just then.
        for lane in [&self.frames, &self.aside].into_iter().cycle().take(2 * ATTEMPTS_MAX) {
            let mut lane = match lane.try_lock() {
                Ok(lane) => lane,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => continue,
            };
            let pushed = lane.push(received, number, &[frame]);
            drop(lane);
            return self.count(pushed.is_ok());
        }
        self.count(false);
    }

    #[inline]
    fn count(&self, is_taken: bool) {
        if !is_taken {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The next frame in the order of arrival.
fn next_of<'a>(frames: &mut Peekable<Records<'a>>, aside: &mut Peekable<Records<'a>>) -> Option<Record<'a>> {
    let next = frames.peek().map(|frame| frame.number);
    aside.next_if(|frame| next.is_none_or(|next| frame.number < next)).or_else(|| frames.next())
}

/// A push leaves a lane whole or untouched, so a lock whose holder panicked is as good as any.
fn locked(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a tap's records come out.
#[derive(Debug)]
pub struct Outlet {
    intake: Arc<Intake>,
    frames: Lane,
    aside: Lane,
    answers: Lane,
}

impl Outlet {
    /// Records that were dropped so far because the recorder did not keep up.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.intake.dropped.load(Ordering::Relaxed)
    }

    /// Takes all that has come. Frames keep their order; an answer stands ahead of the frames that came after it.
    pub(super) fn drain(&mut self, mut take: impl FnMut(Source, ReceiveTime, &[u8])) {
        self.swap();
        let mut answers = self.answers.records().peekable();
        let (mut frames, mut aside) = (self.frames.records().peekable(), self.aside.records().peekable());
        while let Some(frame) = next_of(&mut frames, &mut aside) {
            while let Some(answer) = answers.next_if(|answer| answer.received <= frame.received) {
                take(Source::Rest, answer.received, answer.bytes);
            }
            take(Source::Ws, frame.received, frame.bytes);
        }
        answers.for_each(|answer| take(Source::Rest, answer.received, answer.bytes));
    }

    /// Takes all that has come, and throws it away: for measuring.
    pub fn discard(&mut self) {
        self.swap();
    }

    /// Puts empty lanes into the place of filled ones: `frames` ahead of `aside`. A frame goes aside only where it has found the
    /// recorder at `frames`, so what is taken from `aside` now came ahead of all that will be in `frames` from now on.
    fn swap(&mut self) {
        let intake = &*self.intake;
        let pairs = [
            (&mut self.answers, &intake.answers),
            (&mut self.frames, &intake.frames),
            (&mut self.aside, &intake.aside),
        ];
        for (own, shared) in pairs {
            own.clear();
            std::mem::swap(own, &mut *locked(shared));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(outlet: &mut Outlet) -> Vec<(i64, String)> {
        let mut records = Vec::new();
        outlet.drain(|_, received, bytes| {
            records.push((received.nanos(), String::from_utf8(bytes.to_vec()).unwrap()));
        });
        records
    }

    fn at(nanos: i64) -> ReceiveTime {
        ReceiveTime::from_nanos(nanos)
    }

    fn owned(records: &[(i64, &str)]) -> Vec<(i64, String)> {
        records.iter().map(|(time, text)| (*time, (*text).to_owned())).collect()
    }

    #[test]
    fn answers_stand_among_the_frames_by_their_times() {
        let (tap, mut outlet) = Tap::on(1 << 20);
        tap.rest(at(2), "/a", b"A");
        tap.frame(at(1), b"one");
        tap.frame(at(3), b"three");
        tap.clone().rest(at(4), "/b", b"B");
        assert_eq!(drained(&mut outlet), owned(&[(1, "one"), (2, "/a A"), (3, "three"), (4, "/b B")]));
        assert_eq!(drained(&mut outlet), []);
        tap.frame(at(5), b"five");
        assert_eq!(drained(&mut outlet), owned(&[(5, "five")]));
    }

    #[test]
    fn an_overflow_drops_the_newest_and_counts_it_until_there_is_room_again() {
        let (tap, mut outlet) = Tap::on(80);
        for time in 0..10 {
            tap.frame(at(time), b"0123456789");
            tap.rest(at(time), "/", b"01234567");
        }
        let records = drained(&mut outlet);
        assert_eq!(records.iter().map(|(time, _)| *time).collect::<Vec<_>>(), [0, 0, 1, 1]);
        assert_eq!(outlet.dropped(), 16);
        tap.frame(at(11), b"again");
        assert_eq!(drained(&mut outlet), owned(&[(11, "again")]));
    }

    #[test]
    fn a_frame_never_waits_for_the_recorder_and_keeps_its_place() {
        let (tap, mut outlet) = Tap::on(1 << 10);
        tap.frame(at(1), b"before");
        {
            // The recorder, stopped by the system in the middle of its swap.
            let intake = Arc::clone(&outlet.intake);
            let _held = intake.frames.lock().unwrap();
            tap.frame(at(2), b"meanwhile");
        }
        assert_eq!(drained(&mut outlet), owned(&[(1, "before"), (2, "meanwhile")]));
        assert_eq!(outlet.dropped(), 0);
    }

    #[test]
    fn every_frame_comes_out_once_and_in_order_while_another_thread_takes_them() {
        const FRAMES: i64 = 200_000;
        let (tap, mut outlet) = Tap::on(64 << 20);
        let sender = std::thread::spawn(move || {
            for time in 0..FRAMES {
                tap.frame(at(time), b"frame");
            }
        });
        let mut next = 0;
        while next < FRAMES {
            outlet.drain(|_, received, _| {
                assert_eq!(received.nanos(), next);
                next += 1;
            });
        }
        sender.join().unwrap();
        assert_eq!(outlet.dropped(), 0);
    }

    #[test]
    fn a_tap_that_is_off_takes_nothing() {
        Tap::off().frame(at(1), b"frame");
        Tap::default().rest(at(1), "/", b"body");
    }
}
