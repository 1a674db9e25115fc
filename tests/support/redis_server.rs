//! A real redis-server of the test's own: on a free port, in a directory of its own, gone when dropped.
//!
//! Use it with `#[path = "support/redis_server.rs"] mod redis_server;`.
#![allow(dead_code, reason = "every test binary uses another part of it")]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How often a start is tried: the port may be taken between its choice and the server's bind.
const ATTEMPTS: usize = 5;
/// Times 20 ms: how long a start may take.
const PROBES: usize = 500;

#[derive(Debug)]
pub(crate) struct RedisServer {
    port: u16,
    arguments: Vec<String>,
    child: Option<Child>,
    directory: TempDir,
}

impl RedisServer {
    /// `redis-server`, or what `TICKCACHE_REDIS_SERVER` names.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With further arguments, such as `["--requirepass", "secret"]`.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut server = Self { port: 0, arguments, child: None, directory };
        for _ in 0..ATTEMPTS {
            server.port = free_port();
            if server.try_run() {
                return server;
            }
        }
        panic!("redis-server did not start in {ATTEMPTS} attempts");
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the server is ours to kill");
            child.wait().expect("a killed server ends");
        }
    }

    /// Starts it again, empty, on the same port.
    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(self.try_run(), "redis-server did not come back on port {}", self.port);
    }

    /// For setting values up and looking at them.
    pub(crate) fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url()).and_then(|client| client.get_connection()).expect("a connection")
    }

    fn try_run(&mut self) -> bool {
        let program = std::env::var("TICKCACHE_REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let mut child = Command::new(&program)
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .arg("--dir")
            .arg(self.directory.path())
            .args(&self.arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
        let up = (0..PROBES).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            child.try_wait().is_ok_and(|ended| ended.is_none()) && answers(self.port)
        });
        self.child = Some(child);
        if !up {
            self.kill();
        }
        up
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Any answer will do: a server with a password answers PING with an error.
fn answers(port: u16) -> bool {
    use std::io::{Read as _, Write as _};
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut first = [0];
    stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok()
        && stream.write_all(b"PING\r\n").is_ok()
        && stream.read_exact(&mut first).is_ok()
}
