//! A redis-server of a test's own: on a free port, in a directory of its own, gone when it is dropped.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A running redis-server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    pub(crate) directory: TempDir,
    arguments: Vec<String>,
}

impl Server {
    /// Starts one; `None` (and a word to the reader of the output) where there is no redis-server.
    pub(crate) async fn start(arguments: &[&str]) -> Option<Self> {
        let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
        Self::start_on_with(free_port(), free_port, arguments).await
    }

    /// Starts one on a given port.
    pub(crate) async fn start_on(port: u16) -> Option<Self> {
        Self::start_on_with(port, || port, Vec::new()).await
    }

    /// A port can be taken between its choice and the server's start: then the next one.
    async fn start_on_with(port: u16, next: impl Fn() -> u16, arguments: Vec<String>) -> Option<Self> {
        let mut port = port;
        for _ in 0..50 {
            match Self::spawn(port, &arguments).await? {
                Ok(server) => return Some(server),
                Err(()) => port = next(),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("redis-server ends as soon as it is started");
    }

    async fn spawn(port: u16, arguments: &[String]) -> Option<Result<Self, ()>> {
        let directory = TempDir::new().expect("a temporary directory");
        let spawned = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--unixsocketperm", "700", "--daemonize", "no", "--dir"])
            .arg(directory.path())
            .arg("--unixsocket")
            .arg(directory.path().join("redis.sock"))
            .args(arguments)
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = spawned else {
            eprintln!("SKIPPED: there is no redis-server on this machine");
            return None;
        };
        let mut server = Self { child, port, directory, arguments: arguments.to_vec() };
        for _ in 0..2_000 {
            if server.child.try_wait().expect("our own child").is_some() {
                return Some(Err(()));
            }
            if answers(port) {
                return Some(Ok(server));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server did not start within 20 s");
    }

    /// Kills it and starts it again, empty, on the same port.
    pub(crate) async fn restart(mut self) -> Self {
        self.kill();
        let (port, arguments) = (self.port, self.arguments.clone());
        Self::start_on_with(port, || port, arguments).await.expect("it was there before")
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill is there").success());
    }

    pub(crate) fn unix_path(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    /// Makes (or changes) the ACL user `writer`.
    pub(crate) async fn allow_writer(&self, rules: &[&str]) {
        let mut command = redis::cmd("ACL");
        command.arg("SETUSER").arg("writer").arg(rules);
        let _: () = command.query_async(&mut self.observe().await).await.expect("valid rules");
    }

    /// A connection for looking at what was written.
    pub(crate) async fn observe(&self) -> redis::aio::MultiplexedConnection {
        let client =
            redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).expect("a valid address");
        client.get_multiplexed_async_connection().await.expect("redis answers")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listened on a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        socket.write_all(b"PING\r\n")?;
        let mut answer = [0; 7];
        socket.read_exact(&mut answer)?;
        Ok(&answer == b"+PONG\r\n")
    };
    ask().unwrap_or(false)
}
