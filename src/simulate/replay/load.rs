//! From files to frames in memory.
//!
//! Owns the single look into each frame: its stream, and the update ids of deltas.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};

use rust_decimal::Decimal;
use serde::Deserialize;
use tokio::sync::watch;

use super::cursor::{Cursor, DeltaAt, Places, read_snapshot};
use super::{Loaded, Recorded, Replay, ReplayOptions, step_of};
use crate::capture::{CaptureError, Kind, Reader};
use crate::simulate::book::{Book, Side, Top};
use crate::simulate::hub::StreamId;
use crate::simulate::rest::parameter;
use crate::simulate::source::SymbolInfo;

/// The most bytes of frames that are held in memory.
pub const CAPTURE_BYTES_MAX: usize = 2 << 30;

/// Why recordings cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A file cannot be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// A recorded snapshot cannot be read.
    #[error("capture {}: the snapshot of {symbol}: {problem}", .file.display())]
    Snapshot {
        /// The file.
        file: PathBuf,
        /// The venue's spelling.
        symbol: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No file holds a frame of a combined stream.
    #[error("{files} captures without a frame in Binance's combined form")]
    NoFrames {
        /// How many files there were.
        files: usize,
    },
    /// More than [`CAPTURE_BYTES_MAX`].
    #[error("captures of more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// What is looked at in a frame. Trades have `a` and `b` too, in other forms: only ids and the symbol are read.
#[derive(Deserialize)]
struct Frame<'a> {
    stream: &'a str,
    data: FrameData<'a>,
}

#[derive(Deserialize)]
struct FrameData<'a> {
    s: Option<&'a str>,
    #[serde(rename = "U")]
    first_id: Option<u64>,
    #[serde(rename = "u")]
    last_id: Option<u64>,
}

#[derive(Deserialize)]
struct TickerFrame<'a> {
    #[serde(borrow)]
    data: TickerData<'a>,
}

#[derive(Deserialize)]
struct TickerData<'a> {
    u: u64,
    b: &'a str,
    #[serde(rename = "B")]
    bid_size: &'a str,
    a: &'a str,
    #[serde(rename = "A")]
    ask_size: &'a str,
}

/// The top that a bookTicker frame tells.
pub(super) fn read_top(text: &str) -> Option<Top> {
    let TickerFrame { data } = serde_json::from_str(text).ok()?;
    let level =
        |price: &str, size: &str| Some((price.parse::<Decimal>().ok()?, size.parse::<Decimal>().ok()?));
    let (bid, ask) = (level(data.b, data.bid_size)?, level(data.a, data.ask_size)?);
    Some(Top { update_id: data.u, bid: Some(bid), ask: Some(ask) })
}

/// What is gathered from the files, before it is put in order.
#[derive(Default)]
struct Gathered {
    frames: Vec<Recorded>,
    /// Symbol, and `U` and `u` where the frame is a delta; parallel to `frames` until they are sorted.
    marks: Vec<Mark>,
    streams: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, StreamId>,
    snapshots: Vec<(i64, String, Book)>,
    bytes: usize,
    loaded: Loaded,
}

struct Mark {
    symbol: Option<String>,
    ids: Option<(u64, u64)>,
}

impl Replay {
    /// Reads the recordings into memory.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] where a file cannot be read or nothing in them can be played.
    pub(in crate::simulate) fn load(options: ReplayOptions) -> Result<Self, ReplayError> {
        let mut gathered = Gathered::default();
        for file in &options.captures {
            gathered.read(file)?;
        }
        if gathered.frames.is_empty() {
            return Err(ReplayError::NoFrames { files: options.captures.len() });
        }
        Ok(gathered.into_replay(options))
    }
}

impl Gathered {
    fn read(&mut self, file: &Path) -> Result<(), ReplayError> {
        let mut reader = Reader::open(file)?;
        for line in reader.by_ref() {
            let line = line?;
            let nanos = line.receive_time.nanos();
            match line.kind {
                Kind::Ws { frame } => self.frame(nanos, frame)?,
                Kind::Rest { path_and_query, body } => self.answer(nanos, &path_and_query, &body, file)?,
            }
        }
        self.loaded.torn += reader.torn();
        Ok(())
    }

    fn frame(&mut self, nanos: i64, text: String) -> Result<(), ReplayError> {
        let Ok(Frame { stream, data }) = serde_json::from_str::<Frame>(&text) else {
            self.loaded.left_out += 1;
            return Ok(());
        };
        self.bytes += text.len();
        if self.bytes > CAPTURE_BYTES_MAX {
            return Err(ReplayError::TooLarge { limit: CAPTURE_BYTES_MAX });
        }
        let id = match self.ids.get(stream) {
            Some(id) => *id,
            None => {
                let id = StreamId(u32::try_from(self.streams.len()).expect("fewer streams than bytes"));
                let name: Arc<str> = Arc::from(stream);
                self.streams.push(name.clone());
                self.ids.insert(name, id);
                id
            }
        };
        let is_delta = stream.contains("@depth");
        let ids = data.first_id.zip(data.last_id).filter(|_| is_delta);
        let marked = ids.is_some() || stream.ends_with("@bookTicker");
        let symbol = data.s.filter(|_| marked).map(str::to_owned);
        self.marks.push(Mark { symbol, ids });
        self.frames.push(Recorded { nanos, stream: id, text: text.into() });
        Ok(())
    }

    fn answer(&mut self, nanos: i64, asked: &str, body: &str, file: &Path) -> Result<(), ReplayError> {
        let (path, query) = asked.split_once('?').unwrap_or((asked, ""));
        let Some(symbol) = parameter(Some(query), "symbol").filter(|_| path.ends_with("/depth")) else {
            self.loaded.left_out += 1;
            return Ok(());
        };
        let book = read_snapshot(body).map_err(|problem| ReplayError::Snapshot {
            file: file.to_owned(),
            symbol: symbol.to_owned(),
            problem,
        })?;
        self.snapshots.push((nanos, symbol.to_owned(), book));
        Ok(())
    }

    fn into_replay(mut self, options: ReplayOptions) -> Replay {
        let mut order: Vec<(Recorded, Mark)> = self.frames.into_iter().zip(self.marks).collect();
        // Stable: frames of one file with the same time keep their order.
        order.sort_by_key(|(frame, _)| frame.nanos);
        self.snapshots.sort_by_key(|(nanos, ..)| *nanos);
        self.loaded.frames = order.len();
        self.loaded.snapshots = self.snapshots.len();
        let mut places = Places::new();
        for (_, symbol, book) in self.snapshots {
            places.entry(symbol).or_default().0.push(book);
        }
        let mut frames = Vec::with_capacity(order.len());
        for (index, (frame, mark)) in order.into_iter().enumerate() {
            frames.push(frame);
            let Some(symbol) = mark.symbol else { continue };
            let (_, deltas, tickers) = places.entry(symbol).or_default();
            match mark.ids {
                Some((first_id, last_id)) => deltas.push(DeltaAt { index, first_id, last_id }),
                None => tickers.push(index),
            }
        }
        let mut symbols: Vec<SymbolInfo> =
            places.iter().map(|(symbol, found)| info(symbol, &found.0)).collect();
        symbols.sort_by(|one, other| one.symbol.cmp(&other.symbol));
        let cursor = |(books, deltas, tickers)| Mutex::new(Cursor::new(books, deltas, tickers));
        Replay {
            frames,
            streams: self.streams,
            symbols,
            cursors: places.into_iter().map(|(symbol, found)| (symbol, cursor(found))).collect(),
            position: AtomicUsize::new(0),
            passes: AtomicU64::new(0),
            finished: watch::Sender::new(false),
            loaded: self.loaded,
            options,
        }
    }
}

/// Base and quote are guessed from the spelling, the steps from the digits of the first snapshot.
fn info(symbol: &str, snapshots: &[Book]) -> SymbolInfo {
    const QUOTES: [&str; 10] = ["FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY"];
    let split = QUOTES.iter().find_map(|quote| Some((symbol.strip_suffix(quote)?, *quote)));
    let (base, quote) = split.filter(|(base, _)| !base.is_empty()).unwrap_or((symbol, ""));
    let sides =
        || snapshots.first().into_iter().flat_map(|book| [book.side(Side::Bid), book.side(Side::Ask)]);
    SymbolInfo {
        symbol: symbol.to_owned(),
        base: base.to_owned(),
        quote: quote.to_owned(),
        tick: step_of(sides().flat_map(|side| side.keys().copied())),
        lot: step_of(sides().flat_map(|side| side.values().copied())),
    }
}
