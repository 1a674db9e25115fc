//! Recordings of market data: one line for each frame or REST answer, as received.
//!
//! Owns the file format: `<receive time, ns> ws <frame>` or `<receive time, ns> rest <path?query> <body>`, in plain
//! text, gzip or zstd. Never opens a socket and never looks into a frame. A line holds at most [`LINE_BYTES_MAX`];
//! a longer one is an error, so that a file that is no recording cannot fill the memory.

mod error;
mod line;
mod reader;

pub use error::{CaptureError, LineError};
pub use line::{Kind, Line};
pub use reader::{LINE_BYTES_MAX, Reader};
