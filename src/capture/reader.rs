//! Reading a recording line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use serde::de::IgnoredAny;

use super::{CaptureError, Line};

/// The longest line in bytes, its line end not counted.
pub const LINE_BYTES_MAX: usize = 16 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// An iterator over the lines of a recording.
///
/// A recorder that was killed leaves its last line torn: it is skipped and counted in [`Reader::torn`], as is whatever
/// follows the last whole line of a compressed file that ends too early. Everything else that is wrong is an error that
/// names file and line, after which the iterator ends.
pub struct Reader {
    input: Box<dyn BufRead + Send>,
    file: PathBuf,
    buffer: Vec<u8>,
    line: u64,
    torn: u64,
    ended: bool,
}

impl Reader {
    /// Opens a recording; its first bytes, not its name, say how it is compressed.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Io`] where the file cannot be opened or read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CaptureError> {
        let path = path.as_ref();
        let opened = File::open(path).and_then(Self::decompressed);
        let input = opened.map_err(|source| CaptureError::Io { file: path.to_owned(), line: 0, source })?;
        Ok(Self { input, file: path.to_owned(), buffer: Vec::new(), line: 0, torn: 0, ended: false })
    }

    fn decompressed(mut file: File) -> io::Result<Box<dyn BufRead + Send>> {
        let mut magic = Vec::with_capacity(4);
        file.by_ref().take(4).read_to_end(&mut magic)?;
        let is_gzip = magic.starts_with(&GZIP_MAGIC);
        let is_zstd = magic.starts_with(&ZSTD_MAGIC);
        let whole = BufReader::with_capacity(64 << 10, Cursor::new(magic).chain(file));
        Ok(if is_gzip {
            Box::new(BufReader::with_capacity(64 << 10, MultiGzDecoder::new(whole)))
        } else if is_zstd {
            Box::new(BufReader::with_capacity(64 << 10, zstd::stream::read::Decoder::with_buffer(whole)?))
        } else {
            Box::new(whole)
        })
    }

    /// How many torn ends were skipped so far: 0 or 1.
    #[must_use]
    pub fn torn(&self) -> u64 {
        self.torn
    }

    fn read(&mut self) -> Result<Option<Line>, CaptureError> {
        self.buffer.clear();
        self.line += 1;
        let limit = u64::try_from(LINE_BYTES_MAX + 1).expect("16 MiB fit");
        let read = self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer);
        let ended = match read {
            Ok(0) => return Ok(None),
            Ok(_) => self.buffer.last() != Some(&b'\n'),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.torn += 1;
                return Ok(None);
            }
            Err(source) => return Err(CaptureError::Io { file: self.file.clone(), line: self.line, source }),
        };
        if self.buffer.len() > LINE_BYTES_MAX && ended {
            let (file, line) = (self.file.clone(), self.line);
            return Err(CaptureError::LineTooLong { file, line, limit: LINE_BYTES_MAX });
        }
        if ended {
            return Ok(self.last_line());
        }
        self.buffer.pop();
        if self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
        }
        match Line::parse(&self.buffer) {
            Ok(line) => Ok(Some(line)),
            Err(problem) => {
                Err(CaptureError::Malformed { file: self.file.clone(), line: self.line, problem })
            }
        }
    }

    /// A last line without its line end is whole only if its payload is.
    fn last_line(&mut self) -> Option<Line> {
        let whole = Line::parse(&self.buffer)
            .ok()
            .filter(|line| serde_json::from_str::<IgnoredAny>(line.payload()).is_ok());
        self.torn += u64::from(whole.is_none());
        whole
    }
}

impl Iterator for Reader {
    type Item = Result<Line, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.read().transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reader").field("file", &self.file).field("line", &self.line).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::capture::LineError;

    const TEXT: &str = "1 ws {\"a\":1}\n2 rest /p?q=1 {\"b\":2}\n3 ws {\"c\":3}\n";

    fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn read_all(bytes: &[u8]) -> (Vec<Result<Line, CaptureError>>, u64) {
        let file = written(bytes);
        let mut reader = Reader::open(file.path()).unwrap();
        let lines = reader.by_ref().collect();
        (lines, reader.torn())
    }

    #[test]
    fn plain_gzip_and_zstd_read_alike_also_in_several_members() {
        let zstd = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
        let (head, tail) = TEXT.split_at(20);
        for bytes in [
            TEXT.as_bytes().to_vec(),
            gzip(TEXT),
            zstd(TEXT),
            [gzip(head), gzip(tail)].concat(),
            [zstd(head), zstd(tail)].concat(),
        ] {
            let (lines, torn) = read_all(&bytes);
            let times: Vec<i64> =
                lines.iter().map(|line| line.as_ref().unwrap().receive_time.nanos()).collect();
            assert_eq!((times, torn), (vec![1, 2, 3], 0));
        }
    }

    #[test]
    fn a_torn_last_line_is_skipped_and_counted() {
        for (cut, whole, torn) in [(1, 3, 0), (2, 2, 1), (TEXT.len() - 4, 0, 1), (TEXT.len(), 0, 0)] {
            let bytes = &TEXT.as_bytes()[..TEXT.len() - cut];
            let (lines, counted) = read_all(bytes);
            assert!(lines.iter().all(Result::is_ok), "cut {cut}");
            assert_eq!((lines.len(), counted), (whole, torn), "cut {cut}");
        }
    }

    #[test]
    fn a_compressed_file_that_ends_too_early_yields_its_whole_lines() {
        for whole in [gzip(TEXT), zstd::encode_all(TEXT.as_bytes(), 3).unwrap()] {
            let (lines, torn) = read_all(&whole[..whole.len() - 6]);
            assert!(lines.iter().all(Result::is_ok), "{lines:?}");
            assert_eq!(torn, 1);
        }
    }

    #[test]
    fn a_malformed_line_in_the_middle_is_an_error_that_names_file_and_line() {
        let (lines, _) = read_all(b"1 ws {}\nnonsense here\n3 ws {}\n");
        assert_eq!(lines.len(), 2, "it ends at the error");
        match &lines[1] {
            Err(CaptureError::Malformed { line: 2, problem: LineError::ReceiveTime, file }) => {
                assert!(!file.as_os_str().is_empty());
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_over_the_limit_is_refused() {
        let mut bytes = b"1 ws ".to_vec();
        bytes.resize(LINE_BYTES_MAX + 1, b'x');
        let (lines, _) = read_all(&bytes);
        assert!(matches!(lines[..], [Err(CaptureError::LineTooLong { line: 1, .. })]), "{lines:?}");
    }
}
