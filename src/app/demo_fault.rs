//! What `tickcache demo --fault` can show.
//!
//! Owns the names of the faults, and when the one that was asked for strikes: between [`BEGIN`] and [`END`], at one instrument.
//! Never judges what comes of it: that is what the table shows.

use std::time::Duration;

use crate::clock;
use crate::simulate::{Break, Fault, Rule, Simulator, Undecodable};

/// When the fault begins, after the start of the demo: everything is live by then.
pub(super) const BEGIN: Duration = Duration::from_secs(4);

/// When the venue is itself again.
pub(super) const END: Duration = Duration::from_secs(12);

/// By how much the host's clock is set forward.
const STEP: Duration = Duration::from_secs(3);

/// What strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Strike {
    /// A few frames of the stream that the instrument's price is made of.
    Frames(Fault),
    /// One frame of it, and what follows.
    Once(Fault),
    /// Each request to subscribe, after the sessions have ended.
    Requests(Fault),
    /// The wall clock of this machine, not the venue's.
    Clock,
}

/// A fault that a demo shows.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) name: &'static str,
    /// What happens, in a few words.
    pub(super) what: &'static str,
    strike: Strike,
}

const fn shown(name: &'static str, what: &'static str, strike: Strike) -> Shown {
    Shown { name, what, strike }
}

const SHOWN: [Shown; 20] = [
    shown("dropped", "frames are never sent", Strike::Frames(Fault::Drop)),
    shown("duplicated", "frames are sent twice", Strike::Frames(Fault::Duplicate)),
    shown("reordered", "frames are sent behind the next one", Strike::Frames(Fault::Swap)),
    shown("altered", "one digit of a frame is another", Strike::Frames(Fault::Alter)),
    shown("crossed", "bids lie above asks", Strike::Frames(Fault::Cross)),
    shown("time-back", "the venue's times are 10 s back", Strike::Frames(Fault::TimeBack)),
    shown("time-ahead", "the venue's times are thirty years ahead", Strike::Frames(Fault::TimeAhead)),
    shown("cut", "frames end in the middle", Strike::Frames(Fault::Undecodable(Undecodable::Cut))),
    shown(
        "wrong-types",
        "fields are of other types",
        Strike::Frames(Fault::Undecodable(Undecodable::WrongTypes)),
    ),
    shown("digits", "a number has 60 digits", Strike::Frames(Fault::Undecodable(Undecodable::Digits))),
    shown("layout", "frames are of an unknown form", Strike::Frames(Fault::Undecodable(Undecodable::Layout))),
    shown("restart", "the ids of quotes begin anew", Strike::Once(Fault::Restart)),
    shown("late", "the connection is 1.5 s late", Strike::Once(Fault::Delay(Duration::from_millis(1_500)))),
    shown("stalled", "a stream stalls", Strike::Once(Fault::Stall(Duration::from_secs(3_600)))),
    shown("half-open", "the connection is half-open", Strike::Once(Fault::Break(Break::HalfOpen))),
    shown("reset", "the connection is reset", Strike::Once(Fault::Break(Break::Reset))),
    shown("closed", "the venue closes the session", Strike::Once(Fault::Close(1001))),
    shown("silent", "subscriptions are acknowledged, and silent", Strike::Requests(Fault::Silent)),
    shown("refused", "the name is refused", Strike::Requests(Fault::Refuse)),
    shown("clock", "this machine's wall clock is set 3 s forward, then back", Strike::Clock),
];

/// The fault of a name. The error names all that there are.
pub(super) fn named(name: &str) -> anyhow::Result<&'static Shown> {
    SHOWN.iter().find(|shown| shown.name == name).ok_or_else(|| {
        let lines: Vec<String> =
            SHOWN.iter().map(|shown| format!("  {:<12} {}", shown.name, shown.what)).collect();
        anyhow::anyhow!("--fault {name}: no such fault; there are\n{}", lines.join("\n"))
    })
}

impl Shown {
    /// Strikes and ends in time; never returns.
    pub(super) async fn play(&self, simulator: &Simulator) {
        tokio::time::sleep(BEGIN).await;
        self.begin(simulator).await;
        tokio::time::sleep(END - BEGIN).await;
        simulator.faults().clear();
        if self.strike == Strike::Clock {
            step(-1);
        }
        std::future::pending().await
    }

    async fn begin(&self, simulator: &Simulator) {
        let symbol = struck(simulator);
        let stream = price_stream(simulator, &symbol);
        match &self.strike {
            Strike::Frames(fault) => {
                simulator.faults().set([Rule::new(&stream, fault.clone()).every(10).times(4)]);
            }
            Strike::Once(fault) => simulator.faults().set([Rule::new(&stream, fault.clone()).times(1)]),
            Strike::Requests(fault) => {
                simulator.faults().set([Rule::new(&symbol, fault.clone())]);
                simulator.break_sessions(Break::Reset).await;
            }
            Strike::Clock => step(1),
        }
    }

    /// Where the demo is, in one line.
    pub(super) fn line(&self, simulator: &Simulator, since_start: Duration) -> String {
        let (name, what, symbol) = (self.name, self.what, struck(simulator));
        let until = |time: Duration| time.saturating_sub(since_start).as_secs() + 1;
        if since_start < BEGIN {
            format!("fault {name} ({what}) strikes {symbol} in {} s\n", until(BEGIN))
        } else if since_start < END {
            format!("fault {name} ({what}) strikes {symbol} now, for {} s more\n", until(END))
        } else {
            format!("fault {name} is over: what it made suspect becomes live by itself, within 30 s\n")
        }
    }
}

/// The stream that a symbol's price is made of, at any venue.
fn price_stream(simulator: &Simulator, symbol: &str) -> String {
    let is_price = |name: &String| {
        let known = ["bookTicker", "orderbook.1.", "bbo", "level2"].iter().any(|part| name.contains(part));
        known && name.contains(symbol)
    };
    simulator.streams().into_iter().find(is_price).unwrap_or_else(|| symbol.to_owned())
}

/// What streams of the first instrument are told by.
fn struck(simulator: &Simulator) -> String {
    let symbol = simulator.symbols().first().map(|info| info.symbol.clone()).unwrap_or_default();
    let are_streams_lowercase = simulator.venue().starts_with("binance");
    if are_streams_lowercase { symbol.to_lowercase() } else { symbol }
}

fn step(direction: i64) {
    clock::step_wall(direction * i64::try_from(STEP.as_nanos()).unwrap_or(i64::MAX));
}
