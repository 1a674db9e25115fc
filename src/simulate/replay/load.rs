//! From files to frames in memory.
//!
//! Owns the single look into each frame: whose it is, its stream, and what it tells of a book.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::cursor::{Cursor, DeltaAt, Places, read_snapshot};
use super::told::Told;
use super::{Loaded, Recorded, Replay, ReplayOptions, Windows, step_of};
use crate::capture::{CaptureError, Kind, Reader};
use crate::simulate::book::{Book, Side};
use crate::simulate::dialect::{self, Beyond, Dialect, Look, Role, parameter};
use crate::simulate::hub::StreamId;
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
    /// No file holds a frame of a venue that can be simulated.
    #[error("{files} captures without a frame of {}", .venue.unwrap_or("any venue that can be simulated"))]
    NoFrames {
        /// How many files there were.
        files: usize,
        /// Whose frames were looked for, where that was ordered.
        venue: Option<&'static str>,
    },
    /// One simulator is one venue.
    #[error("the captures hold frames of {one} and of {other}: start one simulator for each")]
    SeveralVenues {
        /// Whose frames came first.
        one: &'static str,
        /// And whose then.
        other: &'static str,
    },
    /// More than [`CAPTURE_BYTES_MAX`].
    #[error("captures of more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// What is gathered from the files, before it is put in order.
struct Gathered {
    dialect: Option<&'static dyn Dialect>,
    /// Whether the venue was found in the frames, and not ordered.
    is_found: bool,
    frames: Vec<Recorded>,
    /// Parallel to `frames` until they are sorted.
    marks: Vec<Mark>,
    streams: Vec<String>,
    ids: HashMap<String, StreamId>,
    snapshots: Vec<(i64, String, Book)>,
    /// The most levels of one side in a whole book.
    levels_max: usize,
    bytes: usize,
    loaded: Loaded,
}

/// What a frame is to the books.
struct Mark {
    symbol: Option<String>,
    role: Role,
    /// The book of a frame that replaces it.
    whole: Option<Book>,
}

impl Replay {
    /// Reads the recordings into memory.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] where a file cannot be read or nothing in them can be played.
    pub(in crate::simulate) fn load(
        options: ReplayOptions,
        dialect: Option<&'static dyn Dialect>,
    ) -> Result<(Self, &'static dyn Dialect), ReplayError> {
        let mut gathered = Gathered {
            dialect,
            is_found: dialect.is_none(),
            frames: Vec::new(),
            marks: Vec::new(),
            streams: Vec::new(),
            ids: HashMap::new(),
            snapshots: Vec::new(),
            levels_max: 0,
            bytes: 0,
            loaded: Loaded::default(),
        };
        for file in &options.captures {
            gathered.read(file)?;
        }
        match gathered.dialect {
            Some(dialect) if !gathered.frames.is_empty() => {
                Ok((gathered.into_replay(options, dialect), dialect))
            }
            found => Err(ReplayError::NoFrames {
                files: options.captures.len(),
                venue: found.map(|dialect| dialect.venue()),
            }),
        }
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
        if self.dialect.is_none() {
            self.dialect = dialect::recognise(&text);
        }
        let Some((dialect, look)) = self.dialect.and_then(|dialect| Some((dialect, dialect.look(&text)?)))
        else {
            self.loaded.left_out += 1;
            return self.left_out(&text);
        };
        self.bytes += text.len();
        if self.bytes > CAPTURE_BYTES_MAX {
            return Err(ReplayError::TooLarge { limit: CAPTURE_BYTES_MAX });
        }
        let Look { stream, symbol, role } = look;
        let id = match self.ids.get(&stream) {
            Some(id) => *id,
            None => {
                let id = StreamId(u32::try_from(self.streams.len()).expect("fewer streams than bytes"));
                self.streams.push(stream.clone());
                self.ids.insert(stream, id);
                id
            }
        };
        let reading =
            if role == Role::Book { dialect.read(&text).filter(|reading| reading.is_whole) } else { None };
        let whole = reading.map(|reading| {
            self.levels_max = self.levels_max.max(reading.bids.len()).max(reading.asks.len());
            let mut book = Book::default();
            book.take(&reading);
            book
        });
        self.marks.push(Mark { symbol, role, whole });
        self.frames.push(Recorded { nanos, stream: id, told: None, text: text.into() });
        Ok(())
    }

    /// A frame of no stream is an acknowledgement, or another venue's.
    fn left_out(&self, text: &str) -> Result<(), ReplayError> {
        match (self.dialect.filter(|_| self.is_found), dialect::recognise(text)) {
            (Some(one), Some(other)) => {
                Err(ReplayError::SeveralVenues { one: one.venue(), other: other.venue() })
            }
            _ => Ok(()),
        }
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

    fn into_replay(mut self, options: ReplayOptions, dialect: &'static dyn Dialect) -> Replay {
        let mut order: Vec<(Recorded, Mark)> =
            std::mem::take(&mut self.frames).into_iter().zip(std::mem::take(&mut self.marks)).collect();
        // Stable: frames of one file with the same time keep their order.
        order.sort_by_key(|(frame, _)| frame.nanos);
        self.snapshots.sort_by_key(|(nanos, ..)| *nanos);
        self.loaded.frames = order.len();
        self.loaded.snapshots = self.snapshots.len();
        let levels_max = self.levels_max;
        let streams: Vec<Arc<str>> =
            self.streams.iter().map(|name| Arc::from(dialect.recorded_name(name, levels_max))).collect();
        let mut places: BTreeMap<String, Places> = BTreeMap::new();
        for (_, symbol, book) in self.snapshots {
            places.entry(symbol).or_default().snapshots.push(book);
        }
        let mut frames = Vec::with_capacity(order.len());
        for (index, (frame, mark)) in order.into_iter().enumerate() {
            if let Some(symbol) = mark.symbol.filter(|_| mark.role != Role::Other) {
                let found = places.entry(symbol).or_default();
                match mark.role {
                    Role::Changes { first, last, previous } => {
                        let needs = previous.unwrap_or(first.saturating_sub(1));
                        found.deltas.push(DeltaAt { index, needs, last_id: last });
                    }
                    // A second stream of the same book would disturb the first.
                    Role::Book if *found.stream.get_or_insert(frame.stream) == frame.stream => {
                        found.books.push(index);
                        found.first = found.first.take().or(mark.whole);
                    }
                    Role::Top => found.tops.push(index),
                    Role::Book | Role::Other => {}
                }
            }
            frames.push(frame);
        }
        let symbols = places.iter().map(|(symbol, found)| info(symbol, found)).collect();
        let told = match options.windows {
            Windows::Told => told(dialect, &places, &streams, &mut frames),
            Windows::Silent => Vec::new(),
        };
        let cursor = |(symbol, places): (String, Places)| {
            let kind = places.stream.and_then(|stream| dialect.kind(name_of(&streams, stream)));
            let depth = match kind {
                Some(dialect::Kind::Deltas { depth, beyond: Beyond::Truncated }) => Some(depth),
                _ => None,
            };
            (symbol, Mutex::new(Cursor::new(dialect, places, depth)))
        };
        Replay {
            dialect,
            cursors: places.into_iter().map(cursor).collect(),
            frames,
            streams,
            symbols,
            told,
            position: AtomicUsize::new(0),
            passes: AtomicU64::new(0),
            finished: watch::Sender::new(false),
            loaded: self.loaded,
            options,
        }
    }
}

fn name_of(streams: &[Arc<str>], stream: StreamId) -> &str {
    &streams[stream.index()]
}

/// The streams that are not recorded and that a recorded book can tell; the book's frames are marked with them.
fn told(
    dialect: &'static dyn Dialect,
    places: &BTreeMap<String, Places>,
    streams: &[Arc<str>],
    frames: &mut [Recorded],
) -> Vec<Told> {
    let mut told = Vec::new();
    let mut next = u32::try_from(streams.len()).expect("fewer streams than 32 bits count");
    for (symbol, places) in places {
        let Some(base) = places.stream else { continue };
        let is_recorded = |name: &str| streams.iter().any(|stream| **stream == *name);
        let found = Told::new(dialect, info(symbol, places), base, name_of(streams, base), next, is_recorded);
        let Some(found) = found else { continue };
        next += u32::try_from(found.names().count()).expect("a venue has few channels");
        let index = u32::try_from(told.len()).expect("fewer symbols than 32 bits count");
        places.books.iter().for_each(|frame| frames[*frame].told = Some(index));
        told.push(found);
    }
    told
}

/// Base and quote are guessed from the spelling, the steps from the digits of the first snapshot.
fn info(symbol: &str, places: &Places) -> SymbolInfo {
    const QUOTES: [&str; 10] = ["FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY"];
    let split = symbol
        .split_once(['-', '/'])
        .or_else(|| QUOTES.iter().find_map(|quote| Some((symbol.strip_suffix(quote)?, *quote))));
    let (base, quote) = split.filter(|(base, _)| !base.is_empty()).unwrap_or((symbol, ""));
    let first = places.snapshots.first().or(places.first.as_ref());
    let sides = || first.into_iter().flat_map(|book| [book.side(Side::Bid), book.side(Side::Ask)]);
    SymbolInfo {
        symbol: symbol.to_owned(),
        base: base.to_owned(),
        quote: quote.to_owned(),
        tick: step_of(sides().flat_map(|side| side.keys().copied())),
        lot: step_of(sides().flat_map(|side| side.values().copied())),
    }
}
