//! The thread that writes recordings.
//!
//! Owns the thread and the files of every feed. Looks at the taps every [`LOOK_EVERY`], so that nobody who receives need wake
//! it. Never stops for an error: what cannot be written is counted, logged once in a while, and the next block is tried.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use metrics::Counter;

use super::CaptureError;
use super::series::Series;
use super::stats::{RecordBoard, RecordStats};
use super::tap::{Outlet, Tap};
use crate::clock;
use crate::domain::Feed;
use crate::telemetry::names;

/// Between two looks at the taps. The buffers must hold what comes meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Where and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordOptions {
    /// The folder; each venue has one in it.
    pub dir: PathBuf,
    /// A file of so many bytes is ended, and the next one begun.
    pub file_bytes_max: u64,
    /// What a feed's records may take in memory while they wait. Reserved from the start and used as needed, twice for frames
    /// and twice for answers.
    pub buffer_bytes_max: usize,
}

/// A recording under way. Dropping it ends it without waiting for the last block.
#[derive(Debug)]
pub struct Recorder {
    stop: SyncSender<()>,
    thread: JoinHandle<()>,
    board: RecordBoard,
}

impl Recorder {
    /// Starts the thread; the taps are those of `feeds`, in their order.
    ///
    /// # Errors
    /// A folder that cannot be created, a thread that cannot be started.
    pub fn start(options: &RecordOptions, feeds: &[Feed]) -> Result<(Self, Vec<Tap>), CaptureError> {
        let failed = |source: io::Error| CaptureError::Folder { folder: options.dir.clone(), source };
        let board = RecordBoard::new(feeds);
        let (mut taps, mut tracks) = (Vec::new(), Vec::new());
        for feed in feeds {
            let series = Series::new(&options.dir, feed, options.file_bytes_max).map_err(failed)?;
            let (tap, outlet) = Tap::on(options.buffer_bytes_max);
            taps.push(tap);
            tracks.push(Track { outlet, series, meters: Meters::new(feed) });
        }
        let (stop, stopped) = sync_channel(1);
        let work = Work { tracks, board: board.clone() };
        let thread = std::thread::Builder::new()
            .name("tickcache-record".to_owned())
            .spawn(move || work.run(&stopped))
            .map_err(failed)?;
        Ok((Self { stop, thread, board }, taps))
    }

    /// What was done so far.
    #[must_use]
    pub fn board(&self) -> &RecordBoard {
        &self.board
    }

    /// Writes what has come until now, and ends the files. Waits for the disk.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the recording's thread panicked; its message is in the log");
        }
    }
}

/// A feed's way from its tap to its files.
struct Track {
    outlet: Outlet,
    series: Series,
    meters: Meters,
}

struct Work {
    tracks: Vec<Track>,
    board: RecordBoard,
}

impl Work {
    fn run(mut self, stopped: &Receiver<()>) {
        while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            self.look();
        }
        self.look();
        for track in &mut self.tracks {
            track.series.close(clock::mono());
        }
        self.show();
    }

    fn look(&mut self) {
        for Track { outlet, series, .. } in &mut self.tracks {
            let now = clock::mono();
            outlet.drain(|source, received, record| series.append(source, received, record, now));
            series.tick(now);
        }
        self.show();
    }

    fn show(&mut self) {
        for (index, Track { outlet, series, meters }) in self.tracks.iter().enumerate() {
            let stats = RecordStats { dropped: outlet.dropped(), ..series.stats() };
            let before = self.board.replace(index, stats);
            meters.add(&before, &stats);
        }
    }
}

type Figure = fn(&RecordStats) -> u64;

struct Meters([(Counter, Figure); 6]);

impl Meters {
    fn new(feed: &Feed) -> Self {
        let feed = feed.to_string();
        let plain = |name: &'static str| metrics::counter!(name, "feed" => feed.clone());
        let missing = |why: &'static str| metrics::counter!(names::CAPTURE_MISSING, "feed" => feed.clone(), "why" => why);
        Self([
            (plain(names::CAPTURE_RECORDS), |stats| stats.records),
            (plain(names::CAPTURE_FILE_BYTES), |stats| stats.file_bytes),
            (plain(names::CAPTURE_ERRORS), |stats| stats.errors),
            (missing("overflow"), |stats| stats.dropped),
            (missing("unfit"), |stats| stats.unfit),
            (missing("disk"), |stats| stats.lost),
        ])
    }

    fn add(&self, before: &RecordStats, after: &RecordStats) {
        for (counter, figure) in &self.0 {
            counter.increment(figure(after) - figure(before));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Reader;
    use crate::domain::ReceiveTime;

    #[test]
    fn what_two_feeds_receive_stands_in_their_files_when_the_recording_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let feeds = ["binance", "okx"].map(|venue| Feed { venue: venue.parse().unwrap(), partition: 0 });
        let options = RecordOptions {
            dir: dir.path().join("new/folder"),
            file_bytes_max: 1 << 20,
            buffer_bytes_max: 1 << 20,
        };
        let (recorder, taps) = Recorder::start(&options, &feeds).unwrap();
        let board = recorder.board().clone();
        for index in 0..100 {
            for (tap, feed) in taps.iter().zip(&feeds) {
                tap.frame(ReceiveTime::from_nanos(index), format!("{feed} {index}").as_bytes());
            }
        }
        recorder.stop();
        for (feed, stats) in board.read() {
            assert_eq!((stats.records, stats.missing(), stats.files), (100, 0, 1));
            let file = options.dir.join(format!("{0}/{0}-0-19700101T000000-0.txt.zst", feed.venue));
            let lines: Vec<_> = Reader::open(file).unwrap().map(Result::unwrap).collect();
            assert_eq!(lines.len(), 100);
            for (index, line) in lines.iter().enumerate() {
                assert_eq!(line.payload(), format!("{feed} {index}"));
            }
        }
    }

    #[test]
    fn a_folder_that_cannot_be_is_found_at_the_start() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let options = RecordOptions { dir: file.path().to_owned(), file_bytes_max: 1, buffer_bytes_max: 1 };
        let feed = Feed { venue: "binance".parse().unwrap(), partition: 0 };
        let error = Recorder::start(&options, &[feed]).unwrap_err();
        assert!(matches!(error, CaptureError::Folder { .. }), "{error}");
    }
}
