//! The venue of this bench: websocket frames made beforehand, written to a blocking socket.
//!
//! Owns the listener, the handshake and the one request that a client may make. Never reads what a client sends
//! afterwards: a session here lasts seconds.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// How long a client may take to come and to subscribe.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Venue {
    listener: TcpListener,
    address: SocketAddr,
}

/// A client that has subscribed.
pub(crate) struct Session {
    pub(crate) socket: TcpStream,
    /// The text of its request.
    pub(crate) request: String,
}

impl Venue {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the next client and its subscription, and acknowledges it.
    pub(crate) fn accept(&self) -> anyhow::Result<Session> {
        let mut socket = self.wait()?;
        socket.set_nonblocking(false)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let head = read_head(&mut socket)?;
        let key = head
            .lines()
            .find_map(|line| {
                line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
            })
            .context("no websocket handshake")?
            .1;
        let accept = derive_accept_key(key.trim().as_bytes());
        socket.write_all(
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            )
            .as_bytes(),
        )?;
        let request = read_text(&mut socket)?;
        let id = request.split_once("\"id\":").context("a request without an id")?.1.trim_end_matches('}');
        let mut acknowledgement = Vec::new();
        encode(&format!(r#"{{"result":null,"id":{id}}}"#), &mut acknowledgement);
        socket.write_all(&acknowledgement)?;
        Ok(Session { socket, request })
    }

    fn wait(&self) -> anyhow::Result<TcpStream> {
        for _ in 0..PATIENCE.as_millis() / 2 {
            match self.listener.accept() {
                Ok((socket, _)) => return Ok(socket),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(error) => return Err(error.into()),
            }
        }
        bail!("no client came within {PATIENCE:?}")
    }
}

/// Up to the empty line, byte by byte: whatever follows stays in the socket.
pub(crate) fn read_head(socket: &mut impl Read) -> anyhow::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
        ensure!(head.len() < 8 << 10, "an HTTP head without an end");
    }
    Ok(String::from_utf8(head)?)
}

/// A client's text frame, masked as all of them are.
fn read_text(socket: &mut TcpStream) -> anyhow::Result<String> {
    let mut head = [0; 2];
    socket.read_exact(&mut head)?;
    ensure!(head[0] == 0x81 && head[1] & 0x80 != 0, "no masked text frame: {head:?}");
    let length = match head[1] & 0x7f {
        126 => {
            let mut length = [0; 2];
            socket.read_exact(&mut length)?;
            usize::from(u16::from_be_bytes(length))
        }
        127 => bail!("a request beyond 64 KiB"),
        short => usize::from(short),
    };
    let (mut mask, mut text) = ([0; 4], vec![0; length]);
    socket.read_exact(&mut mask)?;
    socket.read_exact(&mut text)?;
    text.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok(String::from_utf8(text)?)
}

/// Appends a server's text frame.
pub(crate) fn encode(text: &str, out: &mut Vec<u8>) {
    out.push(0x81);
    match u16::try_from(text.len()) {
        Ok(short @ 0..126) => out.extend_from_slice(&short.to_be_bytes()[1..]),
        Ok(length) => {
            out.push(126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => {
            out.push(127);
            out.extend_from_slice(&(text.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}
