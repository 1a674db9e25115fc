//! The machine's floor: the least that brings a frame to Redis. Nothing but `std`.
//!
//! One thread, a blocking read of the venue's socket; each frame's payload, unparsed, becomes the value of a pipelined
//! `SET floor <frame> PX 30000`, written at once with all the others of the same read. Replies are read when something
//! was written, and never waited for. It keeps no state, checks nothing, and cannot tell a bad frame from a good one.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

/// The key that it writes.
pub(crate) const KEY: &str = "floor";

const READ_BYTES: usize = 128 << 10;

/// Forwards until the venue closes. `host` is the venue's address.
pub(crate) fn forward(host: &str, redis_port: u16) -> io::Result<()> {
    let mut redis = TcpStream::connect(("127.0.0.1", redis_port))?;
    redis.set_nodelay(true)?;
    redis.set_nonblocking(true)?;
    let mut venue = subscribe(host)?;
    let (mut input, mut start, mut end) = (vec![0; READ_BYTES], 0, 0);
    let (mut output, mut replies) = (Vec::with_capacity(2 * READ_BYTES), vec![0; 16 << 10]);
    loop {
        let read = venue.read(&mut input[end..])?;
        if read == 0 {
            return Ok(());
        }
        end += read;
        output.clear();
        while let Some((payload, length)) = frame(&input[start..end]) {
            append_set(&input[start + payload..start + length], &mut output);
            start += length;
        }
        if start == end {
            (start, end) = (0, 0);
        } else if end == input.len() {
            input.copy_within(start..end, 0);
            (start, end) = (0, end - start);
        }
        write_all(&mut redis, &output, &mut replies)?;
        drain(&mut redis, &mut replies)?;
    }
}

/// Where the payload of the first frame begins and where it ends, if it is whole.
pub(crate) fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (payload, length) = match *bytes {
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        [_, short, ..] if short < 126 => (2, usize::from(short)),
        [_, 127, a, b, c, d, e, f, g, h, ..] => {
            (10, usize::try_from(u64::from_be_bytes([a, b, c, d, e, f, g, h])).ok()?)
        }
        _ => return None,
    };
    (bytes.len() >= payload + length).then_some((payload, payload + length))
}

fn append_set(value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"*5\r\n$3\r\nSET\r\n$5\r\nfloor\r\n$");
    let (mut digits, mut at, mut rest) = ([0; 20], 20, value.len());
    loop {
        at -= 1;
        digits[at] = b"0123456789"[rest % 10];
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n$2\r\nPX\r\n$5\r\n30000\r\n");
}

/// Redis stops reading when its replies are not read: so a full socket is a reason to read them.
fn write_all(redis: &mut TcpStream, mut bytes: &[u8], replies: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match redis.write(bytes) {
            Ok(taken) => bytes = &bytes[taken..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                drain(redis, replies)?;
                std::thread::yield_now();
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn drain(redis: &mut TcpStream, replies: &mut [u8]) -> io::Result<()> {
    loop {
        match redis.read(replies) {
            Ok(read) if read < replies.len() => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

pub(crate) fn subscribe(host: &str) -> io::Result<TcpStream> {
    let mut venue = TcpStream::connect(host)?;
    venue.set_nodelay(true)?;
    venue.write_all(
        format!(
            "GET /stream HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        .as_bytes(),
    )?;
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        venue.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let request = r#"{"method":"SUBSCRIBE","params":["btcusdt@bookTicker","btcusdt@trade","ethusdt@bookTicker"],"id":1}"#;
    // A mask of zeros leaves the text as it is.
    let length = u8::try_from(request.len()).expect("below 126 bytes");
    venue.write_all(&[&[0x81, 0x80 | length, 0, 0, 0, 0], request.as_bytes()].concat())?;
    Ok(venue)
}
