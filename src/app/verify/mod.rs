//! `tickcache verify`: recordings, run through the engine's own decoders and books without network, as fast as it can.
//!
//! Owns the checks and their verdict. Everything that is said of an instrument comes from the same code that `run` uses; sizes are
//! the venue's own units, because nobody is asked what a contract is worth. The report depends on the recordings alone.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command's output")]

mod market;
mod recognise;
mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use self::market::Market;
pub use self::report::{FileReport, InstrumentReport};
use crate::capture::{Kind, Line, Reader};
use crate::clock;
use crate::domain::{MonoTime, Now, WallTime};
use crate::feed::{ChannelNames, Frame, FrameDecoder, VenueProtocol, venue, venues};

/// Decode errors that are quoted; of further ones only the number is known.
const QUOTED_MAX: usize = 5;

/// Options of `verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Whose recordings they are; without it, that is found out by their frames
    #[arg(long, value_name = "VENUE")]
    venue: Option<String>,
    /// The recordings: gzip, zstd or plain
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

pub(super) fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let named = args.venue.as_deref().map(|name| venue(name).with_context(|| format!("no venue {name:?}")));
    let named = named.transpose()?;
    let mut reports = Vec::new();
    for path in &args.captures {
        let started = clock::mono();
        let report = verify_file(path, named)?;
        let seconds = clock::mono().since(started).as_secs_f64();
        if !args.json {
            print!("{report}");
        }
        let (frames, megabytes) = (report.frames as f64, report.bytes as f64 / 1e6);
        eprintln!(
            "{}: {frames} frames in {seconds:.2} s, {:.0} frames/s, {:.0} MB/s",
            path.display(),
            frames / seconds,
            megabytes / seconds
        );
        reports.push(report);
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&reports)?);
    }
    let failed = reports.iter().filter(|report| !report.failures().is_empty()).count();
    if failed > 0 {
        eprintln!("tickcache: {failed} of {} recordings failed", reports.len());
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs one recording. `venue`: whose it is, where that is known.
///
/// # Errors
/// A file that cannot be read or is no recording; a venue that nobody recognises.
pub fn verify_file(path: &Path, venue: Option<&'static dyn VenueProtocol>) -> anyhow::Result<FileReport> {
    let (venue, names) = match venue {
        Some(venue) => recognise::venue_of(path, &[venue])?,
        None => recognise::venue_of(path, venues())?,
    };
    let mut run = Run::new(venue, &names);
    let mut reader = Reader::open(path).with_context(|| format!("{}", path.display()))?;
    for line in reader.by_ref() {
        run.line(&line?);
    }
    Ok(run.into_report(path, reader.torn()))
}

/// One pass over a recording.
struct Run {
    venue: &'static dyn VenueProtocol,
    decoder: Box<dyn FrameDecoder>,
    markets: BTreeMap<String, Market>,
    started: Option<i64>,
    frames: u64,
    bytes: u64,
    others: u64,
    refused: u64,
    errors: u64,
    quoted: Vec<String>,
    rest: u64,
}

impl Run {
    fn new(venue: &'static dyn VenueProtocol, names: &ChannelNames) -> Self {
        Self {
            venue,
            decoder: venue.decoder(names),
            markets: BTreeMap::new(),
            started: None,
            frames: 0,
            bytes: 0,
            others: 0,
            refused: 0,
            errors: 0,
            quoted: Vec::new(),
            rest: 0,
        }
    }

    fn line(&mut self, line: &Line) {
        let now = self.time(line.receive_time.nanos());
        match &line.kind {
            Kind::Ws { frame } => self.frame(frame, now),
            Kind::Rest { path_and_query, body } => self.answer(path_and_query, body, now),
        }
    }

    /// The recording's own clock. A clock that was set back while recording stands still here until it is passed.
    fn time(&mut self, nanos: i64) -> Now {
        let started = *self.started.get_or_insert(nanos);
        let mono = u64::try_from(nanos.saturating_sub(started)).unwrap_or(0);
        // Not zero: a start is before everything.
        Now { wall: WallTime::from_nanos(nanos), mono: MonoTime::from_nanos(mono + 1_000_000_000) }
    }

    fn frame(&mut self, frame: &str, now: Now) {
        self.frames += 1;
        self.bytes += frame.len() as u64;
        match self.decoder.decode(frame.as_bytes()) {
            Ok(Frame::Market { stream, event }) => {
                let Some(symbol) = self.venue.route_symbol(stream) else {
                    self.others += 1;
                    return;
                };
                let market = match self.markets.get_mut(symbol) {
                    Some(market) => market,
                    None => {
                        let market = Market::new(self.venue, now);
                        self.markets.entry(symbol.to_owned()).or_insert(market)
                    }
                };
                market.event(&event, now);
            }
            Ok(Frame::Refused { .. }) => self.refused += 1,
            Ok(
                Frame::Acknowledged(_)
                | Frame::Counted { .. }
                | Frame::Trading(_)
                | Frame::TradingOf(_)
                | Frame::ShuttingDown
                | Frame::Other
                | Frame::Unknown,
            ) => self.others += 1,
            Err(error) => {
                self.errors += 1;
                if self.quoted.len() < QUOTED_MAX {
                    self.quoted.push(format!("frame {}: {error}", self.frames));
                }
            }
        }
    }

    fn answer(&mut self, path_and_query: &str, body: &str, now: Now) {
        self.rest += 1;
        let Some(symbol) = recognise::snapshot_symbol(path_and_query) else { return };
        let venue = self.venue;
        // What was asked for is not in every recording: at most as much as came.
        let parsed = venue.parse_snapshot(body.as_bytes(), usize::MAX);
        let market = self.markets.entry(symbol).or_insert_with(|| Market::new(venue, now));
        if let Err(error) = parsed.map_err(|error| error.to_string()).and_then(|mut snapshot| {
            snapshot.limit = snapshot.bids.len().max(snapshot.asks.len());
            market.snapshot(&snapshot, now).map_err(|error| error.to_string())
        }) {
            self.errors += 1;
            if self.quoted.len() < QUOTED_MAX {
                self.quoted.push(format!("{path_and_query}: {error}"));
            }
        }
    }

    fn into_report(self, path: &Path, torn: u64) -> FileReport {
        FileReport {
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            venue: self.venue.defaults().name,
            frames: self.frames,
            bytes: self.bytes,
            rest: self.rest,
            others: self.others,
            refused: self.refused,
            errors: self.errors,
            quoted: self.quoted,
            torn,
            instruments: self
                .markets
                .into_iter()
                .map(|(symbol, market)| market.into_report(symbol))
                .collect(),
        }
    }
}
