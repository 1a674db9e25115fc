//! Everything that a Redis is told, as MONITOR shows it, in a file.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;

use crate::support::PATIENCE;

/// Says that everything before it has been seen.
const END: &str = "the end of what is watched";

/// A connection that watches.
#[derive(Debug)]
pub(crate) struct Monitor {
    port: u16,
    stream: TcpStream,
    writing: JoinHandle<std::io::Result<u64>>,
}

impl Monitor {
    /// Watches from now on.
    pub(crate) fn start(port: u16, file: &Path) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(b"MONITOR\r\n").unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        assert_eq!(first, "+OK\r\n");
        let mut out = BufWriter::new(File::create(file).unwrap());
        let writing = std::thread::spawn(move || {
            let (mut line, mut count) = (Vec::new(), 0);
            while lines.read_until(b'\n', &mut line)? > 0 {
                if line.windows(END.len()).any(|part| part == END.as_bytes()) {
                    break;
                }
                out.write_all(&line)?;
                count += 1;
                line.clear();
            }
            out.flush()?;
            Ok(count)
        });
        Self { port, stream, writing }
    }

    /// Everything up to now is in the file; the number of commands.
    pub(crate) fn finish(self) -> u64 {
        let mut other = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        other.set_read_timeout(Some(PATIENCE)).unwrap();
        let command = format!("*2\r\n$4\r\nECHO\r\n${}\r\n{END}\r\n", END.len());
        other.write_all(command.as_bytes()).unwrap();
        let seen = self.writing.join().unwrap().unwrap();
        // It may be closed already.
        let _ = self.stream.shutdown(Shutdown::Both);
        seen
    }
}
