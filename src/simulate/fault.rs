//! Faults that a test orders from the venue.
//!
//! Owns the rules, which can be set and cleared while the simulator runs, and the counting of when they strike. Never
//! touches a socket: [`super::session`] and [`super::rest`] ask what to do and do it. At most [`RULES_MAX`] rules stand at
//! a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::dialect::hash;

/// The most rules at a time; [`Faults::set`] panics beyond it.
pub const RULES_MAX: usize = 64;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A frame of garbage goes out ahead of the good one.
    Garbage(Garbage),
    /// A text frame of this many bytes goes out ahead of the good one.
    Huge(usize),
    /// The frame goes out twice.
    Duplicate,
    /// The frame goes out behind the next one of its stream.
    Swap,
    /// The frame is never sent.
    Drop,
    /// The frame, and all behind it on its connection, waits.
    Delay(Duration),
    /// One digit of a level's price or quantity is another. Strikes only frames of books and quotes.
    Alter,
    /// A bid lies above the best ask, and all else is consistent: ids, and the checksum where there is one. Strikes only
    /// frames of books and quotes.
    Cross,
    /// The venue's own times in the frame are 10 s back. Frames without a time stay as they are.
    TimeBack,
    /// The venue's own times in the frame are thirty years ahead. Frames without a time stay as they are.
    TimeAhead,
    /// The frame cannot be decoded.
    Undecodable(Undecodable),
    /// From the frame on, the ids of its stream begin anew at 2, as after maintenance. Strikes only quotes with ids; a new
    /// subscription of the stream ends it.
    Restart,
    /// From the frame on, its stream is held back for so long, then all of it goes out in order; the rest of the connection
    /// goes on. A new subscription of the stream ends it.
    Stall(Duration),
    /// The session is closed with this code in place of the frame.
    Close(u16),
    /// The connection ends, without a close frame, in place of the frame.
    Break(Break),
    /// The subscription is acknowledged, and no data follows.
    Silent,
    /// The session is closed (1008) right after the acknowledgement of the subscription.
    CloseOnSubscribe,
    /// The request to subscribe is refused in the venue's words: at Bybit, Binance and Coinbase with all that it names. A rule
    /// names the symbol, at Binance the stream.
    Refuse,
    /// REST, or the websocket's handshake, answers with this status, and with Retry-After where given.
    Status {
        /// The HTTP status, such as 429, 418 or 500.
        status: u16,
        /// Seconds of the Retry-After header.
        retry_after_s: Option<u32>,
    },
    /// REST answers late.
    SlowRest(Duration),
    /// REST answers 200 with a body that is not JSON.
    GarbageBody,
}

/// Forms of garbage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Garbage {
    /// A text that is no JSON.
    NotJson,
    /// JSON in the stream's envelope with fields of wrong types: for Binance made up, for others the frame itself with its
    /// prices, quantities and times replaced.
    WrongTypes,
    /// JSON of an unknown event.
    UnknownEvent,
    /// An empty text frame.
    Empty,
    /// A binary frame of bytes that are no UTF-8.
    Binary,
    /// A text frame that is no UTF-8: breaks the websocket protocol, so a client's library ends the session.
    InvalidUtf8,
}

/// Why a frame cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undecodable {
    /// It ends in the middle of its JSON.
    Cut,
    /// Prices, quantities and times have other types.
    WrongTypes,
    /// A number has more digits than anybody holds.
    Digits,
    /// It is JSON of a form that nobody knows, and names its instrument.
    Layout,
}

/// Ways to end a connection without saying so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Break {
    /// TCP reset.
    Reset,
    /// TCP FIN without a websocket close.
    Fin,
    /// Neither reads nor writes any more, and keeps the connection open.
    HalfOpen,
}

/// When a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Strikes where the stream's name, or REST's path and query, contains this text. Empty: everywhere.
    pub on: String,
    /// Strikes at every n-th match, counted over all connections. 0 counts as 1.
    pub every: u32,
    /// Strikes so many times, then never again. `None`: for ever.
    pub times: Option<u32>,
    /// What goes wrong.
    pub fault: Fault,
}

impl Rule {
    /// Strikes at each match, for ever.
    #[must_use]
    pub fn new(on: &str, fault: Fault) -> Self {
        Self { on: on.to_owned(), every: 1, times: None, fault }
    }

    /// Strikes at every n-th match only.
    #[must_use]
    pub fn every(mut self, every: u32) -> Self {
        self.every = every;
        self
    }

    /// Strikes this often only.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }
}

/// Where in the simulator a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Frame,
    /// A frame of a book or a quote.
    Levels,
    Subscription,
    /// A name in a request to subscribe.
    Name,
    Rest,
}

impl Fault {
    /// Whether it has a meaning for frames that hold no levels.
    fn fits(&self, place: Place) -> bool {
        match self {
            Self::Alter | Self::Cross | Self::Restart => place == Place::Levels,
            _ => self.place() == place || (place == Place::Levels && self.place() == Place::Frame),
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::Garbage(_)
            | Self::Huge(_)
            | Self::Duplicate
            | Self::Swap
            | Self::Drop
            | Self::Delay(_)
            | Self::Alter
            | Self::Cross
            | Self::TimeBack
            | Self::TimeAhead
            | Self::Undecodable(_)
            | Self::Restart
            | Self::Stall(_)
            | Self::Close(_)
            | Self::Break(_) => Place::Frame,
            Self::Silent | Self::CloseOnSubscribe => Place::Subscription,
            Self::Refuse => Place::Name,
            Self::Status { .. } | Self::SlowRest(_) | Self::GarbageBody => Place::Rest,
        }
    }
}

/// The rules in force. A handle: clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Whether any rule stands; spares the hot path the lock.
    any: AtomicBool,
    armed: Mutex<Vec<Armed>>,
    plan: Mutex<Option<Plan>>,
}

/// Faults at pseudo-random frames.
#[derive(Debug)]
struct Plan {
    seed: u64,
    on: String,
    one_in: u32,
    faults: Vec<Fault>,
    /// Frames so far, per stream.
    frames: HashMap<String, u64>,
    struck: u64,
}

impl Plan {
    /// The decision depends on the seed, the stream and how many frames of it there were: not on how streams interleave.
    fn strike(&mut self, place: Place, name: &str) -> Option<Fault> {
        if !matches!(place, Place::Frame | Place::Levels) || !name.contains(&self.on) {
            return None;
        }
        let count = match self.frames.get_mut(name) {
            Some(count) => count,
            None => self.frames.entry(name.to_owned()).or_default(),
        };
        *count += 1;
        let mixed = self.seed ^ hash(name) ^ count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut random = fastrand::Rng::with_seed(mixed);
        if random.u32(..self.one_in.max(1)) != 0 {
            return None;
        }
        let fitting: Vec<&Fault> = self.faults.iter().filter(|fault| fault.fits(place)).collect();
        let chosen = fitting.get(random.usize(..fitting.len().max(1))).map(|fault| (*fault).clone());
        self.struck += u64::from(chosen.is_some());
        chosen
    }
}

#[derive(Debug)]
struct Armed {
    rule: Rule,
    matched: u32,
    struck: u32,
}

impl Faults {
    /// Puts these rules in the place of all others.
    ///
    /// # Panics
    ///
    /// Where there are more than [`RULES_MAX`].
    pub fn set(&self, rules: impl IntoIterator<Item = Rule>) {
        let armed: Vec<Armed> = rules.into_iter().map(|rule| Armed { rule, matched: 0, struck: 0 }).collect();
        assert!(armed.len() <= RULES_MAX, "{} rules, at most {RULES_MAX}", armed.len());
        let mut guard = self.lock();
        *guard = armed;
        self.0.any.store(!guard.is_empty() || self.plan().is_some(), Ordering::Release);
    }

    /// Besides the rules: about one in `one_in` frames of the streams whose names contain `on` gets one of these faults, by a
    /// pseudo-random choice. The n-th frame of a stream, counted over all connections, has the same lot for the same seed.
    /// Faults of subscriptions and of REST are never chosen.
    pub fn seeded(&self, seed: u64, on: &str, one_in: u32, faults: impl IntoIterator<Item = Fault>) {
        let (faults, on) = (faults.into_iter().collect(), on.to_owned());
        let plan = Plan { seed, on, one_in, faults, frames: HashMap::new(), struck: 0 };
        *self.plan() = Some(plan);
        self.0.any.store(true, Ordering::Release);
    }

    /// How often the seeded faults have struck.
    #[must_use]
    pub fn seeded_struck(&self) -> u64 {
        self.plan().as_ref().map_or(0, |plan| plan.struck)
    }

    /// Takes all rules and the seeded faults away. Frames held back by [`Fault::Swap`] go out behind the next one of their
    /// stream.
    pub fn clear(&self) {
        *self.plan() = None;
        self.set([]);
    }

    /// How often each rule has struck, in the order in which they were set.
    #[must_use]
    pub fn struck(&self) -> Vec<u32> {
        self.lock().iter().map(|armed| armed.struck).collect()
    }

    pub(super) fn any(&self) -> bool {
        self.0.any.load(Ordering::Acquire)
    }

    /// The faults that strike here and now; counts the match.
    pub(super) fn strike(&self, place: Place, name: &str) -> Vec<Fault> {
        if !self.any() {
            return Vec::new();
        }
        let mut guard = self.lock();
        let matching =
            guard.iter_mut().filter(|armed| armed.rule.fault.fits(place) && name.contains(&armed.rule.on));
        let mut faults = Vec::new();
        for armed in matching {
            armed.matched = armed.matched.wrapping_add(1);
            let due = armed.matched.is_multiple_of(armed.rule.every.max(1));
            if due && armed.rule.times.is_none_or(|times| armed.struck < times) {
                armed.struck = armed.struck.saturating_add(1);
                faults.push(armed.rule.fault.clone());
            }
        }
        faults.extend(self.plan().as_mut().and_then(|plan| plan.strike(place, name)));
        faults
    }

    fn plan(&self) -> MutexGuard<'_, Option<Plan>> {
        self.0.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.0.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_at_every_nth_match_and_so_many_times() {
        let faults = Faults::default();
        faults.set([Rule::new("@depth", Fault::Drop).every(3).times(2)]);
        let struck: Vec<usize> = (1..=12)
            .filter(|_| faults.strike(Place::Frame, "btcusdt@trade").is_empty())
            .filter(|_| !faults.strike(Place::Frame, "btcusdt@depth@100ms").is_empty())
            .collect();
        assert_eq!(struck, [3, 6]);
        assert_eq!(faults.struck(), [2]);
    }

    #[test]
    fn seeded_faults_are_the_same_for_a_seed_and_fit_their_frames() {
        let lots = |seed| {
            let faults = Faults::default();
            faults.seeded(seed, "", 10, [Fault::Drop, Fault::Alter, Fault::Silent]);
            let lots: Vec<_> = (0..1000)
                .map(|n| {
                    // Another stream in between changes nothing.
                    if n % 3 == 0 {
                        faults.strike(Place::Frame, "trades:B");
                    }
                    faults.strike(Place::Levels, "books:A")
                })
                .collect();
            assert!(faults.seeded_struck() > 60);
            lots
        };
        assert_eq!(lots(1), lots(1));
        assert_ne!(lots(1), lots(2));
        let chosen = lots(1).concat();
        assert!((60..150).contains(&chosen.len()), "{}", chosen.len());
        assert!(chosen.contains(&Fault::Alter) && chosen.contains(&Fault::Drop));
        assert!(!chosen.contains(&Fault::Silent));
    }

    #[test]
    fn a_rule_strikes_only_where_its_fault_belongs_and_not_after_clearing() {
        let faults = Faults::default();
        faults.set([Rule::new("", Fault::Silent), Rule::new("depth", Fault::GarbageBody)]);
        assert!(faults.strike(Place::Frame, "a@trade").is_empty());
        assert_eq!(faults.strike(Place::Subscription, "a@trade"), [Fault::Silent]);
        assert_eq!(faults.strike(Place::Rest, "/api/v3/depth?symbol=A"), [Fault::GarbageBody]);
        faults.clear();
        assert!(faults.strike(Place::Subscription, "a@trade").is_empty());
    }
}
