//! A real redis-server of the test's own: on a free port, in a directory of its own, gone when dropped.
//!
//! Owns the process, its data and its ports; knows nothing of the project, so benches can use it too:
//! `#[path = "support/redis_server.rs"] mod redis_server;`. Its siblings `sentinel`, `cluster` and `certificates`
//! find it as `super::redis_server`. Where no redis-server is installed, every start panics: nothing is skipped.
#![allow(dead_code, reason = "every test binary uses another part of it")]

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::{AsyncConnectionConfig, FromRedisValue, RedisResult};
use tempfile::TempDir;

/// How often a start is tried: a port may be taken between its choice and the server's bind.
const ATTEMPTS: usize = 20;
/// How long a start may take, and everything else that is waited for; machines of tests can be very busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const PROBE_PAUSE: Duration = Duration::from_millis(5);
/// A Cluster node listens on its port + this as well.
const BUS_OFFSET: u16 = 10_000;
/// Ports and bus ports are two ranges, both below those from which systems take the ports of outgoing connections: a
/// port stays free while its server is away.
const PORT_FIRST: u16 = 10_001;
const PORT_COUNT: u16 = 9_999;
/// Asking a node that may hang.
const ASK_TIMEOUT: Duration = Duration::from_secs(10);

/// What a server finds when it starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    /// An empty directory.
    Lost,
    /// The snapshot (after `SAVE`) and the append-only file (with `--appendonly yes`) as they were.
    Kept,
}

/// What kind of process it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Program {
    Server,
    /// With the directives that its file begins with; it writes what it finds out into that file.
    Sentinel(String),
}

/// A running redis-server, or one that was killed and can be started again.
#[derive(Debug)]
pub(crate) struct RedisServer {
    port: u16,
    tls_port: Option<u16>,
    program: Program,
    arguments: Vec<String>,
    child: Option<Child>,
    stopped: AtomicBool,
    directory: TempDir,
}

impl RedisServer {
    /// `redis-server`, or what `TICKCACHE_REDIS_SERVER` names.
    pub(crate) fn start() -> Self {
        Self::start_with(&[""; 0])
    }

    /// With further arguments, such as `["--requirepass", "secret"]`.
    pub(crate) fn start_with(arguments: &[impl AsRef<str>]) -> Self {
        Self::start_program(Program::Server, arguments, None)
    }

    /// On a given port, for a server that appears late.
    pub(crate) fn start_on(port: u16) -> Self {
        let mut server = Self::absent(Program::Server, &[""; 0]);
        server.port = port;
        server.restart();
        server
    }

    /// With a TLS port beside the plain one; the arguments are those of `Certificates::server_arguments`.
    pub(crate) fn start_tls(arguments: &[impl AsRef<str>]) -> Self {
        Self::start_program(Program::Server, arguments, Some(0))
    }

    /// A Sentinel; `directives` are the lines that its file begins with.
    pub(crate) fn start_sentinel(directives: &str, arguments: &[impl AsRef<str>]) -> Self {
        Self::start_program(Program::Sentinel(directives.to_owned()), arguments, None)
    }

    fn start_program(program: Program, arguments: &[impl AsRef<str>], tls: Option<u16>) -> Self {
        let mut server = Self::absent(program, arguments);
        for _ in 0..ATTEMPTS {
            server.port = free_port();
            server.tls_port = tls.map(|_| free_port());
            server.launch(Data::Lost);
            if server.comes_up() {
                return server;
            }
        }
        panic!("redis-server did not start in {ATTEMPTS} attempts: {:?}", server.arguments);
    }

    fn absent(program: Program, arguments: &[impl AsRef<str>]) -> Self {
        Self {
            port: 0,
            tls_port: None,
            program,
            arguments: arguments.iter().map(|argument| argument.as_ref().to_owned()).collect(),
            child: None,
            stopped: AtomicBool::new(false),
            directory: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn tls_port(&self) -> u16 {
        self.tls_port.expect("it was started with start_tls")
    }

    /// Without a password, also where one is needed.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its Unix socket; there whenever it runs.
    pub(crate) fn unix_path(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    /// Whether it is there and not stopped, as far as this helper did it.
    pub(crate) fn runs(&self) -> bool {
        self.child.is_some() && !self.stopped.load(Ordering::SeqCst)
    }

    /// Ends it at once, as a crash would; also when it is stopped, or killed already.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the server is ours to kill");
            child.wait().expect("a killed server ends");
        }
        self.stopped.store(false, Ordering::SeqCst);
    }

    /// Hangs: it reads and answers nothing, but all its connections stay, and new ones are accepted by the system.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.signal("STOP");
    }

    /// Goes on after [`stop`](Self::stop).
    pub(crate) fn cont(&self) {
        self.signal("CONT");
        self.stopped.store(false, Ordering::SeqCst);
    }

    fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("a server that was not killed");
        let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
        assert!(status.expect("kill is there").success());
    }

    /// Serves nobody for so long, in one script, as a slow command does. Returns at once.
    pub(crate) fn block(&self, time: Duration) {
        const SPIN: &str = "local function now() local t = redis.call('TIME') return t[1] * 1e6 + t[2] end \
            local last = now() + ARGV[1] while now() < last do end";
        let mut script = redis::cmd("EVAL");
        script.arg(SPIN).arg(0).arg(u64::try_from(time.as_micros()).expect("a short time"));
        let mut connection = self.connection();
        connection.send_packed_command(&script.get_packed_command()).expect("it is sent");
    }

    /// Kills it and starts it again, empty, on the same port. Returns when it answers.
    pub(crate) fn restart(&mut self) {
        self.restart_with(Data::Lost);
    }

    /// Kills it and starts it again on the same port. Returns when it answers.
    pub(crate) fn restart_with(&mut self, data: Data) {
        for _ in 0..ATTEMPTS {
            self.launch(data);
            if self.comes_up() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("redis-server did not come back on port {}", self.port);
    }

    /// Kills it and starts it again on the same port, without waiting until it answers.
    pub(crate) fn launch(&mut self, data: Data) {
        self.kill();
        let folder = self.directory.path().join("data");
        if data == Data::Lost {
            let _ = std::fs::remove_dir_all(&folder);
        }
        std::fs::create_dir_all(&folder).expect("a directory for its data");
        let _ = std::fs::remove_file(self.unix_path());
        let program = std::env::var("TICKCACHE_REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let mut command = Command::new(&program);
        match &self.program {
            Program::Server => command.args(["--save", "", "--appendonly", "no"]),
            Program::Sentinel(directives) => {
                let file = folder.join("sentinel.conf");
                if !file.exists() {
                    std::fs::write(&file, directives).expect("a file for the sentinel");
                }
                command.arg(file).arg("--sentinel")
            }
        };
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--dir"]).arg(folder);
        command.arg("--unixsocket").arg(self.unix_path()).args(["--unixsocketperm", "700"]);
        if let Some(port) = self.tls_port {
            command.args(["--tls-port", &port.to_string()]);
        }
        let spawned = command.args(&self.arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(spawned.unwrap_or_else(|error| panic!("{program} cannot be started: {error}")));
    }

    /// Asked on the socket in our own directory: on the port a stranger might answer. That socket is opened last.
    fn comes_up(&mut self) -> bool {
        for _ in 0..PATIENCE.as_millis() / PROBE_PAUSE.as_millis() {
            if answers(&self.unix_path()) {
                return true;
            }
            let ended =
                self.child.as_mut().is_none_or(|child| child.try_wait().is_ok_and(|end| end.is_some()));
            if ended {
                return false;
            }
            std::thread::sleep(PROBE_PAUSE);
        }
        false
    }

    /// For setting values up and looking at them; knows the password of `--requirepass`.
    pub(crate) fn connection(&self) -> redis::Connection {
        self.client().get_connection_with_timeout(PATIENCE).expect("a connection")
    }

    /// As [`connection`](Self::connection), for asynchronous tests.
    pub(crate) async fn observe(&self) -> redis::aio::MultiplexedConnection {
        self.connect(PATIENCE).await.expect("a connection")
    }

    /// One command on a connection of its own; an error within 20 s where the server hangs.
    pub(crate) async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        command(words).query_async(&mut self.connect(ASK_TIMEOUT).await?).await
    }

    async fn connect(&self, timeout: Duration) -> RedisResult<redis::aio::MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout));
        self.client().get_multiplexed_async_connection_with_config(&config).await
    }

    fn client(&self) -> redis::Client {
        let argument = self.arguments.iter().position(|argument| argument == "--requirepass");
        let password = argument.and_then(|place| self.arguments.get(place + 1));
        let login = password.map(|password| format!(":{password}@")).unwrap_or_default();
        redis::Client::open(format!("redis://{login}127.0.0.1:{}", self.port)).expect("a valid address")
    }

    /// Makes (or changes) an ACL user; gone after a restart.
    pub(crate) fn allow(&self, user: &str, rules: &[&str]) {
        let words = [&["ACL", "SETUSER", user], rules].concat();
        let _: () = command(&words).query(&mut self.connection()).expect("valid rules");
    }
}

impl Drop for RedisServer {
    /// Ends stopped processes too. Never panics: it also runs while a test fails.
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A command of several words.
pub(crate) fn command(words: &[&str]) -> redis::Cmd {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(word);
    }
    command
}

/// Waits until something holds; the test fails when it does not within [`PATIENCE`].
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let patient = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, patient).await.is_ok(), "not within {PATIENCE:?}: {what}");
}

/// For measuring how long a failover took.
#[allow(clippy::disallowed_methods, reason = "these helpers know nothing of the project's clock")]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// A port that nobody listens on now, on which a Cluster node could be started too. No test of this process gets it a
/// second time.
pub(crate) fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    for _ in 0..PORT_COUNT {
        let port = PORT_FIRST + fastrand::u16(..PORT_COUNT);
        let mut given = GIVEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !given.contains(&port) && free(port) && free(port + BUS_OFFSET) {
            given.insert(port);
            return port;
        }
    }
    panic!("no free port");
}

/// A refusal is an answer too: a server with a password asks for it. One that still loads its data is not up.
fn answers(path: &Path) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut socket = UnixStream::connect(path)?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        socket.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        socket.read_exact(&mut answer)?;
        Ok(&answer == b"+PONG" || &answer == b"-NOAU")
    };
    ask().unwrap_or(false)
}
