//! What is said of a recording, for people and for programs.

use std::fmt;

use serde::Serialize;

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its name, without the folder.
    pub file: String,
    /// Whose frames it holds.
    pub venue: &'static str,
    /// Websocket frames.
    pub frames: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// REST answers.
    pub rest: u64,
    /// Frames without market data: acknowledgements, heartbeats.
    pub others: u64,
    /// Requests that the venue refused.
    pub refused: u64,
    /// Frames and bodies that were not understood.
    pub errors: u64,
    /// The first of those.
    pub quoted: Vec<String>,
    /// Ends that were torn off, and skipped.
    pub torn: u64,
    /// By symbol.
    pub instruments: Vec<InstrumentReport>,
}

/// An instrument of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstrumentReport {
    /// The venue's spelling.
    pub symbol: String,
    /// Frames of market data.
    pub frames: u64,
    /// Quotes that changed the price.
    pub quotes: u64,
    /// Messages of trades.
    pub trades: u64,
    /// Updates, images and snapshots that changed the book.
    pub depth: u64,
    /// Rolling figures.
    pub volume: u64,
    /// Holes in the venue's sequence.
    pub gaps: u64,
    /// Checksums that did not hold.
    pub mismatches: u64,
    /// Events whose time went back.
    pub times_back: u64,
    /// Events with a number that fits nowhere.
    pub unusable: u64,
    /// Checksums that came.
    pub checksums: u64,
    /// Those that held.
    pub checksums_held: u64,
    /// Times that the book became crossed.
    pub crossed: u64,
    /// Why the book is not to be trusted at the end; "none" = it is; absent where there is no book.
    pub book: Option<&'static str>,
    /// Price and size of the best bid at the end, in the venue's units.
    pub bid: Option<[String; 2]>,
    /// Of the best ask.
    pub ask: Option<[String; 2]>,
    /// Levels of both sides at the end.
    pub levels: [usize; 2],
    /// Price and size of the first five bids at the end.
    pub bids: Vec<[String; 2]>,
    /// Of the asks.
    pub asks: Vec<[String; 2]>,
    /// Of both sides of the book and the best bid and ask at the end.
    pub digest: String,
}

impl InstrumentReport {
    fn failures(&self) -> Vec<String> {
        let counts = [
            (self.gaps, "gaps"),
            (self.mismatches, "checksums that did not hold"),
            (self.times_back, "times that went back"),
            (self.unusable, "unusable numbers"),
            (self.crossed, "crossed moments"),
        ];
        let counted = counts.into_iter().filter(|(count, _)| *count > 0);
        let mut failures: Vec<_> =
            counted.map(|(count, what)| format!("{}: {count} {what}", self.symbol)).collect();
        if let Some(reason) = self.book.filter(|reason| *reason != "none") {
            failures.push(format!("{}: the book ends {reason}", self.symbol));
        }
        failures
    }
}

impl FileReport {
    /// Every check that failed, in words.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let mut failures: Vec<_> = self.instruments.iter().flat_map(InstrumentReport::failures).collect();
        if self.errors > 0 {
            failures.push(format!("{} frames or bodies were not understood", self.errors));
        }
        if self.instruments.is_empty() {
            failures.push("no market data".to_owned());
        }
        failures
    }
}

impl fmt::Display for FileReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{}: {}, {} frames ({} without market data), {} answers over REST, {} torn ends",
            self.file, self.venue, self.frames, self.others, self.rest, self.torn
        )?;
        for one in &self.instruments {
            one.fmt(formatter)?;
        }
        for error in &self.quoted {
            writeln!(formatter, "  not understood: {error}")?;
        }
        let failures = self.failures();
        if failures.is_empty() {
            return writeln!(formatter, "  every check holds");
        }
        failures.iter().try_for_each(|failure| writeln!(formatter, "  FAILED: {failure}"))
    }
}

impl fmt::Display for InstrumentReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "  {}: {} frames, {} quotes, {} trades, {} depth, {} volume",
            self.symbol, self.frames, self.quotes, self.trades, self.depth, self.volume
        )?;
        writeln!(
            formatter,
            "    gaps {}, checksums {} of {} held, crossed {}, times back {}, unusable {}",
            self.gaps, self.checksums_held, self.checksums, self.crossed, self.times_back, self.unusable
        )?;
        let level = |level: &Option<[String; 2]>| {
            level.as_ref().map_or("-".to_owned(), |[price, size]| format!("{price} x {size}"))
        };
        writeln!(
            formatter,
            "    ends at {} | {}, {} bids and {} asks, digest {}",
            level(&self.bid),
            level(&self.ask),
            self.levels[0],
            self.levels[1],
            self.digest
        )?;
        for (side, levels) in [("bids", &self.bids), ("asks", &self.asks)] {
            let levels: Vec<_> = levels.iter().map(|[price, size]| format!("{price} x {size}")).collect();
            writeln!(formatter, "    {side} {}", levels.join(", "))?;
        }
        Ok(())
    }
}
