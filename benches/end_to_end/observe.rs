//! What Redis executed, and when: two ways to watch it, both from outside of whoever writes.
//!
//! [`Observer::monitor`] gets each command with the server's own microseconds of its execution. Redis escapes each byte
//! for it, which costs 13 to 15 µs a value, and a command in a row waits for those before it. It shows a script when it is
//! called and then each of its commands: a value that is fenced and pushed is escaped three times, the first time before
//! its SET is stamped. So MONITOR is against the engine with fence and push.
//! [`Observer::replica`] gets the plain bytes for well below 1 µs, without times: the stamp is our own at the read,
//! so it is later than the execution by one wake-up. It sees SET and PUBLISH of a script, not the script. Bytes are only collected while a run lasts, and parsed after it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, ensure};
use tickcache::clock;

use crate::server::Server;

/// How often a quiet observer looks whether it may stop.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A SET that Redis executed.
pub(crate) struct Written {
    /// When, in ns of the wall clock.
    pub(crate) at: i64,
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Kind {
    Monitor,
    Replica,
}

/// Bytes with the time of their reading: (length so far, time).
type Collected = (Vec<u8>, Vec<(usize, i64)>);

pub(crate) struct Observer {
    kind: Kind,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<std::io::Result<Collected>>,
}

impl Observer {
    pub(crate) fn monitor(server: &Server) -> anyhow::Result<Self> {
        let mut socket = connect(server)?;
        socket.get_mut().write_all(b"MONITOR\r\n")?;
        let mut line = String::new();
        socket.read_line(&mut line)?;
        ensure!(line == "+OK\r\n", "MONITOR: {line}");
        Self::start(Kind::Monitor, socket)
    }

    /// `SYNC`, the snapshot (of an empty database) aside.
    pub(crate) fn replica(server: &Server) -> anyhow::Result<Self> {
        let mut socket = connect(server)?;
        socket.get_mut().write_all(b"SYNC\r\n")?;
        let mut line = String::new();
        while line.trim().is_empty() {
            line.clear();
            ensure!(socket.read_line(&mut line)? > 0, "redis closed the replica's connection");
        }
        let length: usize = line.trim().strip_prefix('$').context("no snapshot")?.parse()?;
        let mut snapshot = vec![0; length];
        socket.read_exact(&mut snapshot)?;
        Self::start(Kind::Replica, socket)
    }

    fn start(kind: Kind, mut socket: BufReader<TcpStream>) -> anyhow::Result<Self> {
        socket.get_ref().set_read_timeout(Some(LOOK_EVERY))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let mut bytes = socket.buffer().to_vec();
        let stamp = (bytes.len(), clock::wall().nanos());
        let socket = socket.get_mut().try_clone()?;
        let thread = std::thread::spawn(move || {
            bytes.reserve(64 << 20);
            collect(socket, &stopped, bytes, stamp)
        });
        Ok(Self { kind, stop, thread })
    }

    /// Ends it, and says what it saw, in Redis's order.
    pub(crate) fn finish(self) -> anyhow::Result<Vec<Written>> {
        self.stop.store(true, Ordering::Release);
        let (bytes, stamps) = self.thread.join().map_err(|_| anyhow::anyhow!("the observer panicked"))??;
        match self.kind {
            Kind::Monitor => Ok(bytes.split(|&byte| byte == b'\n').filter_map(monitored).collect()),
            Kind::Replica => Ok(replicated(&bytes, &stamps)),
        }
    }
}

fn connect(server: &Server) -> anyhow::Result<BufReader<TcpStream>> {
    let socket = TcpStream::connect(("127.0.0.1", server.port()))?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(BufReader::new(socket))
}

fn collect(
    mut socket: TcpStream,
    stopped: &AtomicBool,
    mut bytes: Vec<u8>,
    stamp: (usize, i64),
) -> std::io::Result<Collected> {
    let (mut stamps, mut buffer) = (vec![stamp], vec![0; 256 << 10]);
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return Ok((bytes, stamps)),
            Ok(read) => {
                bytes.extend_from_slice(&buffer[..read]);
                stamps.push((bytes.len(), clock::wall().nanos()));
            }
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
            {
                if stopped.load(Ordering::Acquire) {
                    return Ok((bytes, stamps));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// `1763.000001 [0 127.0.0.1:5] "SET" "key" "value" "PX" "30000"`, with a `+` in front.
fn monitored(line: &[u8]) -> Option<Written> {
    let line = line.strip_prefix(b"+")?;
    let space = line.iter().position(|&byte| byte == b' ')?;
    let (seconds, micros) = std::str::from_utf8(&line[..space]).ok()?.split_once('.')?;
    let at = (seconds.parse::<i64>().ok()? * 1_000_000 + micros.parse::<i64>().ok()?) * 1_000;
    let mut rest = &line[line.iter().position(|&byte| byte == b'"')?..];
    let verb = quoted(&mut rest)?;
    let key = quoted(&mut rest)?;
    (verb == b"SET").then_some(())?;
    Some(Written { at, key: String::from_utf8(key).ok()?, value: quoted(&mut rest)? })
}

/// Takes one word off, escaped as `sdscatrepr` of Redis does it.
fn quoted(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let start = rest.iter().position(|&byte| byte == b'"')? + 1;
    let (mut word, mut at) = (Vec::new(), start);
    loop {
        match *rest.get(at)? {
            b'"' => break,
            b'\\' => {
                at += 1;
                match *rest.get(at)? {
                    b'n' => word.push(b'\n'),
                    b'r' => word.push(b'\r'),
                    b't' => word.push(b'\t'),
                    b'a' => word.push(7),
                    b'b' => word.push(8),
                    b'x' => {
                        let digits = std::str::from_utf8(rest.get(at + 1..at + 3)?).ok()?;
                        word.push(u8::from_str_radix(digits, 16).ok()?);
                        at += 2;
                    }
                    other => word.push(other),
                }
            }
            other => word.push(other),
        }
        at += 1;
    }
    *rest = &rest[at + 1..];
    Some(word)
}

/// The replication stream: commands as arrays of bulk strings.
fn replicated(bytes: &[u8], stamps: &[(usize, i64)]) -> Vec<Written> {
    let (mut found, mut at, mut stamp) = (Vec::new(), 0, 0);
    while let Some((words, next)) = command(bytes, at) {
        while stamps[stamp].0 < next {
            stamp += 1;
        }
        if let [b"SET", key, value, ..] = words[..] {
            let key = String::from_utf8_lossy(key).into_owned();
            found.push(Written { at: stamps[stamp].1, key, value: value.to_vec() });
        }
        at = next;
    }
    found
}

/// One whole command from `at` on, and where the next begins.
fn command(bytes: &[u8], at: usize) -> Option<(Vec<&[u8]>, usize)> {
    let (words, mut at) = number(bytes, at, b'*')?;
    let mut found = Vec::with_capacity(words);
    for _ in 0..words {
        let (length, start) = number(bytes, at, b'$')?;
        found.push(bytes.get(start..start + length)?);
        at = start + length + 2;
    }
    (at <= bytes.len()).then_some((found, at))
}

fn number(bytes: &[u8], at: usize, mark: u8) -> Option<(usize, usize)> {
    let line = bytes.get(at..)?;
    let end = line.iter().position(|&byte| byte == b'\r')?;
    let digits = line[..end].strip_prefix(&[mark])?;
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, at + end + 2))
}
