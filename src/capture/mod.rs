//! Recordings of market data: one line for each frame or REST answer, as received.
//!
//! Owns the file format: `<receive time, ns> ws <frame>` or `<receive time, ns> rest <path?query> <body>`, in plain
//! text, gzip or zstd; its reading ([`Reader`]) and its writing ([`Recorder`], by way of a [`Tap`]). Never opens a socket and
//! never looks into a frame. A line holds at most [`LINE_BYTES_MAX`]; a longer one is an error, so that a file that is no
//! recording cannot fill the memory.
//!
//! **What is in a file.** Every frame once, in the order of its arrival, byte for byte, with two exceptions: a line break within
//! a frame (JSON allows it between tokens) becomes a space, and a frame that is no UTF-8 (a compressed one, say) is left
//! out. Both are counted. Answers over REST stand among the frames by their times, give or take a moment.
//!
//! **What is lost.** With the process, at most the last second and a bit. With the machine, also what the system had not yet
//! written to its disk. What comes while the buffer is full or the disk refuses is dropped, counted, and never waited for.

mod error;
mod lane;
mod line;
mod reader;
mod recorder;
mod series;
mod stats;
mod tap;

pub use error::{CaptureError, LineError};
pub use line::{Kind, Line};
pub use reader::{LINE_BYTES_MAX, Reader};
pub use recorder::{RecordOptions, Recorder};
pub use stats::{RecordBoard, RecordStats};
pub use tap::{Outlet, Tap};
