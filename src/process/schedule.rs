//! Which instruments have to be looked at now.
//!
//! Owns a wheel of [`BUCKETS`] buckets, each [`WIDTH`] wide, with every instrument in exactly one of them: a timer then costs by what is
//! due and not by how many instruments there are. Never later than asked by more than one bucket; what is asked for beyond the wheel is
//! looked at once around it.

use std::time::Duration;

use crate::domain::MonoTime;

const WIDTH: Duration = Duration::from_millis(50);
const BUCKETS: usize = 32;

#[derive(Debug)]
pub(super) struct Schedule {
    buckets: Vec<Vec<u32>>,
    /// The number of the first bucket that was not looked at yet, counted from the clock's start.
    next: u64,
}

impl Schedule {
    /// So many instruments, all of them due at once.
    pub(super) fn new(instruments: u32) -> Self {
        let mut buckets = vec![Vec::new(); BUCKETS];
        buckets[0].extend(0..instruments);
        Self { buckets, next: 0 }
    }

    /// Moves whatever is due into `due`.
    pub(super) fn take(&mut self, now: MonoTime, due: &mut Vec<u32>) {
        let last = number(now);
        let passed = (last + 1).saturating_sub(self.next).min(BUCKETS as u64);
        for number in (last + 1).saturating_sub(passed)..=last {
            due.append(&mut self.buckets[place(number)]);
        }
        self.next = self.next.max(last + 1);
    }

    /// An instrument that was taken is due again at `at`.
    pub(super) fn put(&mut self, instrument: u32, at: MonoTime) {
        let number = number(at).clamp(self.next, self.next + BUCKETS as u64 - 1);
        self.buckets[place(number)].push(instrument);
    }
}

fn number(time: MonoTime) -> u64 {
    time.nanos() / u64::try_from(WIDTH.as_nanos()).expect("a short time")
}

fn place(number: u64) -> usize {
    usize::try_from(number % BUCKETS as u64).expect("below the number of buckets")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    fn taken(schedule: &mut Schedule, millis: u64) -> Vec<u32> {
        let mut due = Vec::new();
        schedule.take(at(millis), &mut due);
        due.sort_unstable();
        due
    }

    #[test]
    fn each_is_due_when_it_asked_to_be_and_never_lost() {
        let mut schedule = Schedule::new(3);
        assert_eq!(taken(&mut schedule, 1_000), [0, 1, 2]);
        schedule.put(0, at(1_100));
        schedule.put(1, at(1_850));
        schedule.put(2, at(900_000));
        assert_eq!(taken(&mut schedule, 1_050), [0_u32; 0]);
        assert_eq!(taken(&mut schedule, 1_100), [0]);
        assert_eq!(taken(&mut schedule, 1_100), [0_u32; 0]);
        schedule.put(0, at(1));
        assert_eq!(taken(&mut schedule, 1_150), [0], "what is overdue comes next");
        schedule.put(0, at(1_200));
        assert_eq!(taken(&mut schedule, 1_900), [0, 1]);
        assert_eq!(taken(&mut schedule, 1_050 + 1_600), [2], "at the latest once around");
    }

    #[test]
    fn a_clock_that_was_long_away_finds_everything() {
        let mut schedule = Schedule::new(100);
        let mut due = Vec::new();
        schedule.take(at(60_000), &mut due);
        for (index, instrument) in due.drain(..).enumerate() {
            schedule.put(instrument, at(60_000 + 50 * index as u64));
        }
        assert_eq!(taken(&mut schedule, 3_600_000), (0..100).collect::<Vec<_>>());
    }
}
