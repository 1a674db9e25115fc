//! The real `redis-server` of this bench.
//!
//! Owns the process: a free port, no persistence, ended when dropped. A replica gets its snapshot at once.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

pub(crate) struct Server {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    /// `None` where no `redis-server` is installed.
    pub(crate) fn start() -> anyhow::Result<Option<Self>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = tempfile::tempdir()?;
        let spawned = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--repl-diskless-sync", "no", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn();
        let child = match spawned {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let server = Self { child, port, _folder: folder };
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Some(server));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        anyhow::bail!("redis-server does not listen")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket.set_nodelay(true)?;
        Ok(Client { socket: BufReader::new(socket) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One blocking connection, for the little that the bench itself asks.
pub(crate) struct Client {
    socket: BufReader<TcpStream>,
}

impl Client {
    /// Empties the database.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        self.socket.get_mut().write_all(b"FLUSHALL\r\n")?;
        let mut line = String::new();
        self.socket.read_line(&mut line)?;
        ensure!(line == "+OK\r\n", "FLUSHALL: {line}");
        Ok(())
    }

    pub(crate) fn get(&mut self, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
        self.socket.get_mut().write_all(format!("GET {key}\r\n").as_bytes())?;
        let mut line = String::new();
        self.socket.read_line(&mut line)?;
        let length: i64 = line.trim_end().strip_prefix('$').context("no bulk string")?.parse()?;
        let Ok(length) = usize::try_from(length) else { return Ok(None) };
        let mut value = vec![0; length + 2];
        self.socket.read_exact(&mut value)?;
        value.truncate(length);
        Ok(Some(value))
    }
}
