//! Why a recording cannot be read, or not begun.

use std::path::PathBuf;

/// Why a recording cannot be read on, or not begun.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file cannot be opened or read, or its compression is damaged.
    #[error("capture {}: line {line}: {source}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The line that was being read, from 1; 0 at the opening.
        line: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// A recording cannot be begun in this folder.
    #[error("recording into {}: {source}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line breaks the format.
    #[error("capture {}: line {line}: {problem}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: LineError,
    },
    /// A line is longer than [`super::LINE_BYTES_MAX`].
    #[error("capture {}: line {line}: longer than {limit} bytes", .file.display())]
    LineTooLong {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The limit in bytes.
        limit: usize,
    },
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// Not UTF-8.
    #[error("not UTF-8 after byte {0}")]
    Encoding(usize),
    /// The first word is no count of nanoseconds.
    #[error("the first word is no receive time in nanoseconds")]
    ReceiveTime,
    /// The second word is neither `ws` nor `rest`.
    #[error("the second word is neither ws nor rest")]
    Kind,
    /// Nothing follows the path of a REST answer.
    #[error("a rest line without a path and a body")]
    Body,
}
