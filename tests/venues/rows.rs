//! The table, row by row: at each venue the fault is noticed as it says and no later, or it is not, and then all is right again.
//!
//! With one made-up market a venue; `TICKCACHE_TABLE_SEEDS` says with how many (`./test.sh long` takes more).

use std::time::Duration;

use tickcache::clock;
use tickcache::domain::{Channel, Entity, MonoTime, PriceFrom, Reason, State};
use tickcache::simulate::{Break, Rule};

use crate::cases::{CASES, Case};
use crate::seeded;
use crate::stage::{BEAT, FIRST_DATA, Key, Log, PATIENCE, Stage, Turn, on_paused_time};
use crate::table::{Of, Outcome, WHATS, What, Within, outcome};
use crate::truth::Lie;

/// How long nothing may happen after what is not noticed.
const WATCHED: Duration = Duration::from_secs(3);

/// How often a fault strikes that only sometimes shows.
const STRIKES_MAX: u32 = 30;

/// The instrument that is struck. The other one must not notice.
const STRUCK: usize = 0;

/// How often a fault strikes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Often {
    Once,
    /// Each tenth frame, until it is cleared.
    Always,
}

/// What happened since a fault was ordered.
struct Seen {
    /// When the fault struck, at most one beat late.
    struck: MonoTime,
    /// Events of each channel until then.
    events: [u64; 4],
    turns: Vec<Turn>,
    lies: Vec<Lie>,
}

struct Trial<'a> {
    stage: &'a Stage,
    what: What,
    of: Of,
}

impl Trial<'_> {
    fn name(&self) -> String {
        format!("{}: {} ({})", self.stage.case.venue, self.what.text(), self.of.text())
    }

    fn channel(&self) -> Channel {
        match self.of {
            Of::Quote => Channel::Quote,
            Of::Book => Channel::Depth,
        }
    }

    /// The values that the struck stream makes.
    fn keys(&self) -> Vec<Key> {
        let venue = tickcache::feed::venue(self.stage.case.venue).expect("registered");
        match (self.of, venue.defaults().price_from()) {
            (Of::Quote, _) => vec![(STRUCK, Entity::Price)],
            (Of::Book, PriceFrom::Bbo) => vec![(STRUCK, Entity::Liquidity)],
            (Of::Book, PriceFrom::Book) => vec![(STRUCK, Entity::Liquidity), (STRUCK, Entity::Price)],
        }
    }

    /// Orders the fault once, or again and again, and waits from the first one on until `enough` or `patience` is over.
    async fn strike(&self, how_often: Often, enough: impl Fn(&Log) -> bool, patience: Duration) -> Seen {
        let stage = self.stage;
        let early = stage.take_turns();
        assert_eq!(early, [], "{}: before the fault", self.name());
        stage.desk.log.borrow_mut().lies.clear();
        let on = match self.what {
            What::Refused => stage.refusable(self.channel(), STRUCK),
            _ => stage.case.stream(self.channel(), "BTC"),
        };
        let rule = Rule::new(&on, self.what.fault());
        stage.simulator.faults().set([match how_often {
            // Each request, until the one name is found among the others.
            _ if self.what == What::Refused => rule,
            Often::Once => rule.times(1),
            Often::Always => rule.every(10),
        }]);
        if self.what.is_of_request() {
            stage.simulator.break_sessions(Break::Reset).await;
        }
        let has_struck = || stage.simulator.faults().struck()[0] > 0;
        stage.until(&self.name(), PATIENCE, has_struck).await;
        let struck = clock::mono();
        let events = stage.desk.log.borrow().events.get(&STRUCK).copied().unwrap_or_default();
        let started = clock::mono();
        while !enough(&stage.desk.log.borrow()) && clock::mono().since(started) < patience {
            tokio::time::sleep(BEAT).await;
        }
        stage.simulator.faults().clear();
        let lies = std::mem::take(&mut stage.desk.log.borrow_mut().lies);
        Seen { struck, events, turns: stage.take_turns(), lies }
    }

    /// The first turn of a key to be suspect for this reason.
    fn found(turns: &[Turn], key: Key, reasons: &[Reason]) -> Option<Turn> {
        let found = turns.iter().find(|turn| turn.key == key && reasons.contains(&turn.reason)).copied();
        found.filter(|turn| turn.state == State::Suspect)
    }

    async fn is_detected(&self, reasons: &[Reason], within: Within) {
        let all = |log: &Log| self.keys().iter().all(|&key| Self::found(&log.turns, key, reasons).is_some());
        let patience = match within {
            Within::Time(time) => time + WATCHED,
            _ => FIRST_DATA + WATCHED,
        };
        let seen = self.strike(Often::Once, all, patience).await;
        // Where nothing but time orders changes, the book lacks one until it comes.
        let lacks_one = within == Within::LateFrame && self.what == What::Reordered;
        for key in self.keys() {
            let turn = Self::found(&seen.turns, key, reasons);
            let turn = turn.unwrap_or_else(|| panic!("{}: not {reasons:?}: {:?}", self.name(), seen.turns));
            self.is_in_time(&seen, turn, within);
            // Nothing but what was ordered: a subscription is one of a new session.
            let first = seen.turns.iter().find(|turn| turn.key == key).map(|turn| turn.reason);
            let ordered = first.is_some_and(|first| reasons.contains(&first));
            assert!(self.what.is_of_request() || ordered, "{}: {:?}", self.name(), seen.turns);
        }
        assert!(lacks_one || seen.lies.is_empty(), "{}: live, and wrong: {:?}", self.name(), seen.lies);
        self.leaves_others_alone(&seen);
    }

    fn is_in_time(&self, seen: &Seen, turn: Turn, within: Within) {
        let after = turn.at.since(seen.struck);
        let channel = self.channel() as usize;
        let frames = turn.events[channel].saturating_sub(seen.events[channel]);
        let in_time = match within {
            Within::Frame | Within::NextFrame => frames <= 1,
            Within::LateFrame | Within::SecondFrame => frames <= 2,
            // What is asserted of every strike is all of it.
            Within::TenBest => true,
            Within::Time(time) => after <= time,
            Within::FirstData(time) => after + BEAT >= FIRST_DATA && after <= FIRST_DATA + time,
        };
        eprintln!("{}: {} after {after:?}, {frames} frames", self.name(), turn.reason);
        assert!(in_time, "{}: {} after {after:?}, {frames} frames", self.name(), turn.reason);
    }

    fn leaves_others_alone(&self, seen: &Seen) {
        if self.what.is_of_connection() || self.what.is_of_request() {
            return;
        }
        // Kraken's ticker is the figures, too.
        let figures = (STRUCK, Entity::Volume);
        let others = |turn: &&Turn| !self.keys().contains(&turn.key) && turn.key != figures;
        let others: Vec<&Turn> = seen.turns.iter().filter(others).collect();
        assert!(others.is_empty(), "{}: {others:?}", self.name());
    }

    /// Strikes until it was where it can be noticed.
    async fn is_detected_sometimes(&self, reasons: &[Reason], within: Within) {
        let key = self.keys()[0];
        for _ in 0..STRIKES_MAX {
            let found = |log: &Log| Self::found(&log.turns, key, reasons).is_some();
            let seen = self.strike(Often::Once, found, Duration::from_millis(150)).await;
            self.leaves_others_alone(&seen);
            if within == Within::TenBest {
                let wrong: Vec<&Lie> = seen.lies.iter().filter(|lie| lie.in_ten_best).collect();
                assert!(wrong.is_empty(), "{}: live, and wrong in the ten best: {wrong:?}", self.name());
            }
            if let Some(turn) = Self::found(&seen.turns, key, reasons) {
                return self.is_in_time(&seen, turn, within);
            }
        }
        panic!("{}: struck {STRIKES_MAX} times and never {reasons:?}", self.name());
    }

    async fn is_not_noticed(&self, outcome: Outcome) {
        let seen = self.strike(Often::Once, |_| false, WATCHED).await;
        assert_eq!(seen.turns, [], "{}: {outcome:?}", self.name());
        assert_eq!(seen.lies, [], "{}: {outcome:?}", self.name());
    }

    /// A claim of weakness is a claim, too: wrong values were live.
    async fn cannot_be_detected(&self, sometimes: &[Reason]) {
        // What is late is no lie, only old.
        let is_late = self.what == What::Delayed;
        let (often, patience) = if is_late { (Often::Once, WATCHED) } else { (Often::Always, PATIENCE) };
        let seen = self.strike(often, |log| !is_late && !log.lies.is_empty(), patience).await;
        // How a value that is suspect comes back is not the question.
        let from_live = |&&turn: &&Turn| {
            let before = seen.turns.iter().take_while(|other| **other != turn);
            before.filter(|other| other.key == turn.key).last().is_none_or(|last| last.reason == Reason::None)
        };
        let known = |turn: &&Turn| turn.reason == Reason::None || sometimes.contains(&turn.reason);
        let others: Vec<&Turn> = seen.turns.iter().filter(from_live).filter(|turn| !known(turn)).collect();
        assert!(others.is_empty(), "{}: {others:?}", self.name());
        assert!(is_late || !seen.lies.is_empty(), "{}: nothing was wrong", self.name());
        eprintln!("{}: {} turns, {} lies", self.name(), seen.turns.len(), seen.lies.len());
        self.leaves_others_alone(&seen);
        // Nobody will tell the engine that its book is wrong.
        let ends = self.stage.desk.ends.get();
        self.stage.simulator.break_sessions(Break::Reset).await;
        self.stage.until("the sessions end", PATIENCE, || self.stage.desk.ends.get() >= ends + 2).await;
    }

    async fn run(&self, outcome: Outcome) {
        match outcome {
            Outcome::Detected(reasons, within) => self.is_detected(reasons, within).await,
            Outcome::DetectedWhere(_, reasons, within) => self.is_detected_sometimes(reasons, within).await,
            Outcome::Harmless | Outcome::Replaced => self.is_not_noticed(outcome).await,
            Outcome::Undetectable(sometimes) => self.cannot_be_detected(sometimes).await,
        }
        self.stage.right().await;
        // What is told of the next fault is not of this one: what was late, or broken, is over.
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.stage.right().await;
        self.stage.take_turns();
    }
}

fn holds_at(case: Case) {
    for seed in 1..=seeded::wanted("TICKCACHE_TABLE_SEEDS").unwrap_or(1) {
        for of in [Of::Quote, Of::Book] {
            on_paused_time(holds(case, of, seed));
        }
    }
}

async fn holds(case: Case, of: Of, seed: u64) {
    eprintln!("{}: market {seed}", case.venue);
    let stage = Stage::start(case, seed).await;
    stage.right().await;
    // So that each stream's usual pace is known.
    tokio::time::sleep(Duration::from_secs(if case.depth < 20 { 20 } else { 5 })).await;
    stage.take_turns();
    for what in WHATS {
        if let Some(outcome) = outcome(what, of, case.venue) {
            let before = stage.desk.garbage.get();
            Trial { stage: &stage, what, of }.run(outcome).await;
            let garbage = stage.desk.garbage.get() - before;
            assert_eq!(garbage, u32::from(what.is_undecodable()), "{}: {}", case.venue, what.text());
        }
    }
    stage.stop().await;
}

macro_rules! at_each_venue {
    ($($test:ident: $venue:literal;)+) => {
        $(#[test]
        fn $test() {
            holds_at(Case::of($venue));
        })+

        #[test]
        fn each_venue_has_its_test() {
            assert_eq!([$($venue),+], CASES.map(|case| case.venue));
        }
    };
}
at_each_venue! {
    the_table_holds_at_binance: "binance";
    the_table_holds_at_binance_usdm: "binance-usdm";
    the_table_holds_at_bybit: "bybit";
    the_table_holds_at_bybit_linear: "bybit-linear";
    the_table_holds_at_coinbase: "coinbase";
    the_table_holds_at_hyperliquid: "hyperliquid";
    the_table_holds_at_kraken: "kraken";
    the_table_holds_at_okx: "okx";
}
