//! The real binary as a child process, and what its ports answer.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use tempfile::TempDir;

use crate::support::{PATIENCE, until};

/// A command without the environment of whoever runs the tests: it could name a Redis.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickcache"));
    command.args(arguments).env_clear().env("RUST_LOG", "info").stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// The same with variables.
pub(crate) fn run_with(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(arguments).envs(variables.iter().copied()).output().unwrap()
}

/// Runs it to its end, which is a good one; its output.
pub(crate) fn succeed(arguments: &[&str]) -> String {
    let output = run(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// A running one. Its output goes into files, so that it never waits for us.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    folder: TempDir,
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(TempDir::new().unwrap(), arguments)
    }

    /// With a limit to the size of each file that it writes, in the shell's blocks (of 512 or 1024 bytes).
    pub(crate) fn start_with_small_files(blocks: u32, arguments: &[&str]) -> Self {
        // Ignored, the signal becomes an error of the write.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_tickcache")]).args(arguments);
        Self::spawn(TempDir::new().unwrap(), shell.env_clear().env("RUST_LOG", "info").stdin(Stdio::null()))
    }

    /// `tickcache run` with this text as its configuration.
    pub(crate) fn start_engine(config: &str) -> Self {
        Self::start_engine_with(config, &[])
    }

    /// The same with further options.
    pub(crate) fn start_engine_with(config: &str, options: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("tickcache.toml");
        std::fs::write(&file, config).unwrap();
        let arguments = [&["run", "--config", file.to_str().unwrap()], options].concat();
        Self::start_in(folder, &arguments)
    }

    fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        Self::spawn(folder, &mut command(arguments))
    }

    fn spawn(folder: TempDir, command: &mut Command) -> Self {
        let file = |name| File::create(folder.path().join(name)).unwrap();
        let child = command.stdout(file("stdout")).stderr(file("stderr")).spawn().unwrap();
        Self { child, folder }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// All that it said so far, without the colours.
    pub(crate) fn said(&self) -> String {
        let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let both = format!("{}{}", read(&self.path("stdout")), read(&self.path("stderr")));
        let mut plain = String::new();
        let mut rest = both.as_str();
        while let Some((before, after)) = rest.split_once("\u{1b}[") {
            plain.push_str(before);
            rest = after.split_once('m').map_or("", |(_, behind)| behind);
        }
        plain.push_str(rest);
        plain
    }

    /// What follows `mark` up to the next space or quote, once it is said.
    pub(crate) async fn value_after(&mut self, mark: &str) -> String {
        let mut found = None;
        until(mark, || {
            let said = self.said();
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {said}");
            // Only whole lines: the last one may still be written.
            let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let value = whole.split_once(mark).map(|(_, behind)| behind);
            found = value.and_then(|value| value.split(['"', ' ', '\n']).next()).map(str::to_owned);
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    /// Asks it to end, as an operator or a container does.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(sent.success(), "kill -s {name} {pid}");
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let mut status = None;
        until("it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        (status.unwrap(), self.said())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail where it has ended, which is the usual case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body of an HTTP request.
pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
