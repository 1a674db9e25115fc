//! Which fault is noticed at which venue, by what, and how soon. The README holds the same table: [`crate::readme`] compares them.

use std::time::Duration;

use tickcache::domain::Reason;
use tickcache::simulate::{Break, Fault, Undecodable};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Dropped,
    Duplicated,
    Reordered,
    Altered,
    Crossed,
    TimeBack,
    Delayed,
    Stalled,
    Silent,
    HalfOpen,
    Fin,
    Reset,
    Closed,
    Cut,
    WrongTypes,
    Digits,
    Layout,
    TimeAhead,
    Restart,
    Refused,
}

/// In the README's order.
pub(crate) const WHATS: [What; 20] = [
    What::Dropped,
    What::Duplicated,
    What::Reordered,
    What::Altered,
    What::Crossed,
    What::TimeBack,
    What::Delayed,
    What::Stalled,
    What::Silent,
    What::HalfOpen,
    What::Fin,
    What::Reset,
    What::Closed,
    What::Cut,
    What::WrongTypes,
    What::Digits,
    What::Layout,
    What::TimeAhead,
    What::Restart,
    What::Refused,
];

/// Longer than the engine lets a frame be late, and shorter than any silence that it asks about.
pub(crate) const DELAY: Duration = Duration::from_millis(1_500);

impl What {
    pub(crate) fn fault(self) -> Fault {
        match self {
            Self::Dropped => Fault::Drop,
            Self::Duplicated => Fault::Duplicate,
            Self::Reordered => Fault::Swap,
            Self::Altered => Fault::Alter,
            Self::Crossed => Fault::Cross,
            Self::TimeBack => Fault::TimeBack,
            Self::Delayed => Fault::Delay(DELAY),
            Self::Stalled => Fault::Stall(Duration::from_secs(3_600)),
            Self::Silent => Fault::Silent,
            Self::HalfOpen => Fault::Break(Break::HalfOpen),
            Self::Fin => Fault::Break(Break::Fin),
            Self::Reset => Fault::Break(Break::Reset),
            Self::Closed => Fault::Close(1001),
            Self::Cut => Fault::Undecodable(Undecodable::Cut),
            Self::WrongTypes => Fault::Undecodable(Undecodable::WrongTypes),
            Self::Digits => Fault::Undecodable(Undecodable::Digits),
            Self::Layout => Fault::Undecodable(Undecodable::Layout),
            Self::TimeAhead => Fault::TimeAhead,
            Self::Restart => Fault::Restart,
            Self::Refused => Fault::Refuse,
        }
    }

    /// Whether it strikes everything that its connection carries.
    pub(crate) const fn is_of_connection(self) -> bool {
        matches!(self, Self::Delayed | Self::HalfOpen | Self::Fin | Self::Reset | Self::Closed)
    }

    /// Whether it strikes a request to subscribe.
    pub(crate) const fn is_of_request(self) -> bool {
        matches!(self, Self::Silent | Self::Refused)
    }

    /// Whether frames cannot be decoded.
    pub(crate) const fn is_undecodable(self) -> bool {
        matches!(self, Self::Cut | Self::WrongTypes | Self::Digits | Self::Layout)
    }

    /// Whether a stream can have it.
    pub(crate) fn exists(self, of: Of, venue: &str) -> bool {
        self != Self::Restart || (of == Quote && COUNTED_QUOTES.contains(&venue))
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Dropped => "frame dropped",
            Self::Duplicated => "frame sent twice",
            Self::Reordered => "frame behind the next one",
            Self::Altered => "one digit altered",
            Self::Crossed => "bid above ask, consistent otherwise",
            Self::TimeBack => "venue's times 10 s back",
            Self::Delayed => "connection 1.5 s late",
            Self::Stalled => "stream stalls, session goes on",
            Self::Silent => "acknowledged, then silent",
            Self::HalfOpen => "connection half-open",
            Self::Fin => "connection ended (FIN)",
            Self::Reset => "connection reset (RST)",
            Self::Closed => "closed by a close frame",
            Self::Cut => "frame cut short",
            Self::WrongTypes => "fields of other types",
            Self::Digits => "number of 60 digits",
            Self::Layout => "layout that nobody knows",
            Self::TimeAhead => "venue's times 30 years ahead",
            Self::Restart => "ids begin anew",
            Self::Refused => "name refused",
        }
    }
}

/// Which frames it strikes, and with them which value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// The venue's top of book: the price.
    Quote,
    /// The book: the liquidity, and where prices are made from it the price.
    Book,
}

impl Of {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::Book => "book",
        }
    }
}

/// When it is noticed at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    /// With the frame itself.
    Frame,
    /// With the next frame of the stream.
    NextFrame,
    /// With the frame that comes too late.
    LateFrame,
    /// With the first frame after which the ten best levels are not the venue's: a level below them may come up later.
    TenBest,
    /// With the second frame on the new ids.
    SecondFrame,
    /// So long after the fault.
    Time(Duration),
    /// So long after the acknowledgement, beside `feed.first_data_s`.
    FirstData(Duration),
}

impl Within {
    pub(crate) fn text(self) -> String {
        match self {
            Self::Frame => "with that frame".to_owned(),
            Self::NextFrame => "with the next frame of the stream".to_owned(),
            Self::LateFrame => "with the late frame".to_owned(),
            Self::SecondFrame => "with the second frame on the new ids".to_owned(),
            Self::TenBest => "with the first frame after which the ten best levels are wrong".to_owned(),
            Self::Time(time) if time.as_millis() < 1_000 => format!("{} ms", time.as_millis()),
            Self::Time(time) => format!("{} s", time.as_secs_f64()),
            Self::FirstData(time) => {
                format!("`first_data_s` + {} ms after the acknowledgement", time.as_millis())
            }
        }
    }
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The value is suspect for one of these reasons.
    Detected(&'static [Reason], Within),
    /// Likewise, but only where this is so.
    DetectedWhere(&'static str, &'static [Reason], Within),
    /// The value stays live, and never is wrong.
    Harmless,
    /// It is not noticed: the value lacks it until the next frame of the stream, which says all anew.
    Replaced,
    /// It cannot be noticed: a wrong value is live. Sometimes it shows, for one of these reasons.
    Undetectable(&'static [Reason]),
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) what: What,
    pub(crate) of: Of,
    pub(crate) venues: &'static [&'static str],
    pub(crate) outcome: Outcome,
}

const fn row(what: What, of: Of, venues: &'static [&'static str], outcome: Outcome) -> Row {
    Row { what, of, venues, outcome }
}

const fn ms(millis: u64) -> Within {
    Within::Time(Duration::from_millis(millis))
}

/// Where quotes are a stream of their own: everywhere but at Coinbase, whose prices are those of the book.
pub(crate) const QUOTES: &[&str] =
    &["binance", "binance-usdm", "bybit", "bybit-linear", "hyperliquid", "kraken", "okx"];
const COUNTED_QUOTES: &[&str] = &["binance", "binance-usdm", "bybit", "bybit-linear", "okx"];
const COUNTED_AND_TIMED_QUOTES: &[&str] = &["binance-usdm", "bybit", "bybit-linear", "okx"];
const TIMED_QUOTES: &[&str] = &["hyperliquid", "kraken"];
const DATED_QUOTES: &[&str] = &["binance-usdm", "bybit", "bybit-linear", "hyperliquid", "kraken", "okx"];

pub(crate) const BOOKS: &[&str] =
    &["binance", "binance-usdm", "bybit", "bybit-linear", "coinbase", "hyperliquid", "kraken", "okx"];
const PLAIN_BOOKS: &[&str] =
    &["binance", "binance-usdm", "bybit", "bybit-linear", "hyperliquid", "kraken", "okx"];
const COUNTED_BOOKS: &[&str] = &["binance", "binance-usdm", "bybit", "bybit-linear", "okx"];
const UNSUMMED_BOOKS: &[&str] = &["binance", "binance-usdm", "bybit", "bybit-linear", "hyperliquid", "okx"];
const TIMED_BOOKS: &[&str] = &["coinbase", "hyperliquid"];
const UNTIMED_BOOKS: &[&str] = &["binance", "binance-usdm", "bybit", "bybit-linear", "kraken", "okx"];

use Of::{Book, Quote};
use Outcome::{Detected, DetectedWhere, Harmless, Replaced, Undetectable};
use Within::{FirstData, Frame, LateFrame, NextFrame, SecondFrame, TenBest};

/// What Kraken's checksum covers.
const IN_TEN: &str = "the ten best levels are wrong";

/// How long `price_silence_s` and `liquidity_silence_s` let a stream be quiet, twice where the other channel still has the same top at
/// the end of the first time; the patience with a probe; and the looks between.
const STALL: Within = ms(26_000);

pub(crate) const ROWS: &[Row] = &[
    row(What::Dropped, Quote, QUOTES, Replaced),
    row(What::Dropped, Book, COUNTED_BOOKS, Detected(&[Reason::SequenceGap], NextFrame)),
    row(What::Dropped, Book, &["kraken"], DetectedWhere(IN_TEN, &[Reason::ChecksumMismatch], TenBest)),
    row(What::Dropped, Book, &["hyperliquid"], Replaced),
    row(What::Dropped, Book, &["coinbase"], Undetectable(&[Reason::CrossedBook, Reason::SourcesDisagree])),
    row(What::Duplicated, Quote, QUOTES, Harmless),
    row(What::Duplicated, Book, BOOKS, Harmless),
    row(What::Reordered, Quote, COUNTED_QUOTES, Harmless),
    row(
        What::Reordered,
        Quote,
        TIMED_QUOTES,
        DetectedWhere("the two differ in time", &[Reason::TimeWentBack], LateFrame),
    ),
    row(What::Reordered, Book, COUNTED_BOOKS, Detected(&[Reason::SequenceGap], NextFrame)),
    row(What::Reordered, Book, &["kraken"], DetectedWhere(IN_TEN, &[Reason::ChecksumMismatch], TenBest)),
    row(What::Reordered, Book, &["hyperliquid"], Detected(&[Reason::TimeWentBack], LateFrame)),
    row(
        What::Reordered,
        Book,
        &["coinbase"],
        Detected(&[Reason::TimeWentBack, Reason::CrossedBook], LateFrame),
    ),
    row(What::Altered, Quote, QUOTES, Undetectable(&[Reason::CrossedBook])),
    row(What::Altered, Book, &["kraken"], DetectedWhere(IN_TEN, &[Reason::ChecksumMismatch], TenBest)),
    row(What::Altered, Book, UNSUMMED_BOOKS, Undetectable(&[Reason::CrossedBook])),
    row(What::Altered, Book, &["coinbase"], Undetectable(&[Reason::CrossedBook, Reason::SourcesDisagree])),
    row(What::Crossed, Quote, QUOTES, Detected(&[Reason::CrossedBook], Frame)),
    row(What::Crossed, Book, BOOKS, Detected(&[Reason::CrossedBook], Frame)),
    row(What::TimeBack, Quote, &["binance"], Harmless),
    row(What::TimeBack, Quote, COUNTED_AND_TIMED_QUOTES, Detected(&[Reason::Congested], Frame)),
    row(What::TimeBack, Quote, TIMED_QUOTES, Detected(&[Reason::TimeWentBack], Frame)),
    row(What::TimeBack, Book, UNTIMED_BOOKS, Detected(&[Reason::Congested], Frame)),
    row(What::TimeBack, Book, TIMED_BOOKS, Detected(&[Reason::TimeWentBack], Frame)),
    row(What::Delayed, Quote, &["binance"], Undetectable(&[])),
    row(What::Delayed, Quote, DATED_QUOTES, Detected(&[Reason::Congested], LateFrame)),
    row(What::Delayed, Book, PLAIN_BOOKS, Detected(&[Reason::Congested], LateFrame)),
    row(
        What::Delayed,
        Book,
        &["coinbase"],
        Detected(&[Reason::Congested, Reason::SourcesDisagree], LateFrame),
    ),
    row(What::Stalled, Quote, QUOTES, Detected(&[Reason::Silent], STALL)),
    row(What::Stalled, Book, PLAIN_BOOKS, Detected(&[Reason::Silent], STALL)),
    row(What::Stalled, Book, &["coinbase"], Detected(&[Reason::Silent, Reason::SourcesDisagree], STALL)),
    row(What::Silent, Quote, QUOTES, Detected(&[Reason::NoFirstData], FirstData(Duration::from_millis(50)))),
    row(What::Silent, Book, BOOKS, Detected(&[Reason::NoFirstData], FirstData(Duration::from_millis(50)))),
    row(What::HalfOpen, Quote, QUOTES, Detected(&[Reason::Disconnected], ms(2_600))),
    row(What::HalfOpen, Book, PLAIN_BOOKS, Detected(&[Reason::Disconnected], ms(2_600))),
    row(
        What::HalfOpen,
        Book,
        &["coinbase"],
        Detected(&[Reason::Disconnected, Reason::SourcesDisagree], ms(2_600)),
    ),
    row(What::Fin, Quote, QUOTES, Detected(&[Reason::Disconnected], ms(50))),
    row(What::Fin, Book, BOOKS, Detected(&[Reason::Disconnected], ms(50))),
    row(What::Reset, Quote, QUOTES, Detected(&[Reason::Disconnected], ms(50))),
    row(What::Reset, Book, BOOKS, Detected(&[Reason::Disconnected], ms(50))),
    row(What::Closed, Quote, QUOTES, Detected(&[Reason::Disconnected], ms(50))),
    row(What::Closed, Book, BOOKS, Detected(&[Reason::Disconnected], ms(50))),
    row(What::Cut, Quote, QUOTES, Detected(&[Reason::Undecodable], Frame)),
    row(What::Cut, Book, BOOKS, Detected(&[Reason::Undecodable], Frame)),
    row(What::WrongTypes, Quote, QUOTES, Detected(&[Reason::Undecodable], Frame)),
    row(What::WrongTypes, Book, BOOKS, Detected(&[Reason::Undecodable], Frame)),
    row(What::Digits, Quote, QUOTES, Detected(&[Reason::Undecodable], Frame)),
    row(What::Digits, Book, BOOKS, Detected(&[Reason::Undecodable], Frame)),
    row(What::Layout, Quote, QUOTES, Detected(&[Reason::Undecodable], Frame)),
    row(What::Layout, Book, BOOKS, Detected(&[Reason::Undecodable], Frame)),
    row(What::TimeAhead, Quote, QUOTES, Harmless),
    row(What::TimeAhead, Book, BOOKS, Harmless),
    row(What::Restart, Quote, COUNTED_QUOTES, Detected(&[Reason::SequenceGap], SecondFrame)),
    row(What::Refused, Quote, QUOTES, Detected(&[Reason::Refused], ms(20_000))),
    row(What::Refused, Book, BOOKS, Detected(&[Reason::Refused], ms(20_000))),
];

/// The table's line for a fault at a venue; `None` where there is no such stream.
pub(crate) fn outcome(what: What, of: Of, venue: &str) -> Option<Outcome> {
    let of_it = |row: &&Row| row.what == what && row.of == of && row.venues.contains(&venue);
    ROWS.iter().find(of_it).map(|row| row.outcome)
}

#[test]
fn every_fault_stands_in_the_table_once_for_each_stream_of_each_venue() {
    for what in WHATS {
        for (of, venues) in [(Quote, QUOTES), (Book, BOOKS)] {
            for venue in venues.iter().filter(|venue| what.exists(of, venue)) {
                let rows = ROWS.iter().filter(|row| row.what == what && row.of == of);
                let found = rows.filter(|row| row.venues.contains(venue)).count();
                assert_eq!(found, 1, "{what:?} {of:?} {venue}");
            }
        }
    }
    assert_eq!(BOOKS.len(), tickcache::feed::venues().len());
}
