//! How recordings are played.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// How fast recordings are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// So many times as fast as recorded; to the millisecond.
    Times(u32),
    /// As fast as the clients read.
    Max,
}

/// Not a speed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("speed {0:?}: expected a whole number from 1, or max")]
pub struct SpeedError(String);

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        match text.parse() {
            _ if text == "max" => Ok(Self::Max),
            Ok(times) if times > 0 => Ok(Self::Times(times)),
            _ => Err(SpeedError(text.to_owned())),
        }
    }
}

/// What is played, and how.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// The recordings, merged by receive time.
    pub captures: Vec<PathBuf>,
    /// How fast.
    pub speed: Speed,
    /// Whether it starts anew at the end, after closing all sessions.
    pub ending: Ending,
    /// How long no SUBSCRIBE must come before the playback starts without subscribers to all streams.
    pub settle: Duration,
    /// Whether streams speak that a recorded book can tell.
    pub windows: Windows,
}

/// What becomes of streams that are windows on a recorded book, such as its top, without being recorded themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windows {
    /// They are told from the book.
    Told,
    /// They are acknowledged and silent.
    Silent,
}

/// What follows the end of the recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The sessions stay open, and REST goes on to answer.
    Stay,
    /// The sessions are closed (1001), and the recordings start anew once clients have subscribed again.
    Loop,
}

impl ReplayOptions {
    /// These recordings once, at their own pace.
    pub fn new(captures: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        Self {
            captures: captures.into_iter().map(Into::into).collect(),
            speed: Speed::Times(1),
            ending: Ending::Stay,
            settle: Duration::from_secs(1),
            windows: Windows::Told,
        }
    }
}
