//! What `redis-start.sh` starts: on a free port, in folders of its own, gone when dropped.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::redis_server::free_port;
use crate::redis_start;

/// Times 20 ms: how long a start may take.
const PROBES: usize = 500;

pub(crate) struct Started {
    pub(crate) port: u16,
    role: &'static str,
    variables: Vec<(String, String)>,
    child: Option<Child>,
    folder: TempDir,
}

impl Started {
    /// `role` is the script's argument.
    pub(crate) fn new(role: &'static str, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let given_port = variables.iter().find(|(name, _)| *name == "REDIS_PORT");
        let port = given_port.map_or_else(free_port, |(_, port)| port.parse().unwrap());
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for name in ["run", "data"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        let own = [
            ("REDIS_RUN_FOLDER", path("run")),
            ("REDIS_DATA_FOLDER", path("data")),
            ("REDIS_PORT", port.to_string()),
            ("REDIS_BIND", "127.0.0.1".to_owned()),
        ];
        let given = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let variables = own.into_iter().chain(given).map(|(name, value)| (name.to_owned(), value)).collect();
        let mut started = Self { port, role, variables, child: None, folder };
        started.launch();
        started
    }

    /// Starts it, with what its folders hold.
    pub(crate) fn launch(&mut self) {
        let variables: Vec<_> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut command = redis_start(&variables);
        let child = command.arg(self.role).stdout(Stdio::null()).spawn().unwrap();
        self.child = Some(child);
        let up = (0..PROBES).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            self.answers()
        });
        assert!(up, "{} did not start in {}", self.role, self.folder.path().display());
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is ours to kill");
            child.wait().expect("what was killed ends");
        }
    }

    /// Any answer will do: without a password PING is answered with an error.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut first = [0];
        stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok()
            && stream.write_all(b"PING\r\n").is_ok()
            && stream.read_exact(&mut first).is_ok()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.kill();
    }
}
