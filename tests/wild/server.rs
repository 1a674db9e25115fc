//! A scripted venue: one port for websocket and REST.
//!
//! Owns the script's blocks, each run once its message comes, and what was asked. Never knows what is right.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tickcache::clock;
use tickcache::domain::MonoTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;

use crate::case::Case;
use crate::script::{Action, Block, Reply, Rest, Step, When};
use crate::template::{Filling, fill};
use crate::venue;

/// What the venue was asked and has sent, in order, with when.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) lines: Vec<(MonoTime, String)>,
    pub(crate) calls: Vec<String>,
    pub(crate) requests: Vec<String>,
    pub(crate) connections: usize,
    /// When the first block began.
    pub(crate) began: Option<MonoTime>,
    /// How much later than planned something was sent, at most.
    pub(crate) late: Duration,
}

#[derive(Debug, Default)]
struct State {
    rest: Vec<Rest>,
    answers: Vec<(String, String)>,
    silent: Vec<String>,
    refuse: Option<Reply>,
    /// Which blocks have begun.
    begun: Vec<bool>,
    story: Story,
}

/// To one client.
enum ToClient {
    Frame(Message),
    Drop,
    Stall,
}

#[derive(Clone)]
pub(crate) struct Server {
    venue: String,
    blocks: Arc<Vec<Block>>,
    state: Arc<Mutex<State>>,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) async fn start(case: &Case) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State { begun: vec![false; case.blocks.len()], ..State::default() };
        let this = Self {
            venue: case.venue.clone(),
            blocks: Arc::new(case.blocks.clone()),
            state: Arc::new(Mutex::new(state)),
            port: listener.local_addr().unwrap().port(),
        };
        case.before.iter().for_each(|action| this.change(action));
        let serving = this.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        this
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn story<T>(&self, look: impl FnOnce(&Story) -> T) -> T {
        look(&self.state().story)
    }

    fn note(&self, line: String) {
        let short: String = line.chars().take(200).collect();
        self.state().story.lines.push((clock::mono(), short));
    }

    /// What changes how later calls and requests are answered.
    fn change(&self, action: &Action) {
        let mut state = self.state();
        match action {
            Action::Rest(rest) => {
                state.rest.retain(|known| known.path != rest.path || known.holds != rest.holds);
                state.rest.push(rest.clone());
            }
            Action::Answer(text, frame) => {
                state.answers.retain(|(known, _)| known != text);
                if !frame.is_empty() {
                    state.answers.push((text.clone(), frame.clone()));
                }
            }
            Action::Silent(text) => state.silent.push(text.clone()),
            Action::Refuse(reply) => state.refuse = Some(reply.clone()),
            Action::Accept => state.refuse = None,
            Action::Clock(ms) => clock::step_wall(ms * 1_000_000),
            Action::Send(_) | Action::Close(..) | Action::Drop | Action::Stall => {}
        }
    }

    async fn serve(self, mut stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        let Some((head, body)) = read_request(&mut stream).await else { return };
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        if head.to_ascii_lowercase().contains("upgrade: websocket") {
            let refused = self.state().refuse.clone();
            match refused {
                Some(reply) => {
                    self.note(format!("refused an upgrade: {}", reply.status));
                    answer(&mut stream, &reply).await;
                }
                None => self.websocket(stream, &head).await,
            }
            return;
        }
        let reply = {
            let mut state = self.state();
            state.story.calls.push(format!("{path} {body}"));
            let fits = |rest: &&Rest| path.starts_with(&rest.path) && body.contains(&rest.holds);
            state.rest.iter().rev().find(fits).map(|rest| rest.reply.clone())
        };
        let missing = Reply { status: 404, headers: Vec::new(), body: "{}".to_owned() };
        let mut reply = reply.unwrap_or(missing);
        reply.body = fill(&reply.body, Filling::default());
        self.note(format!("{path} {body} -> {} {}", reply.status, reply.body));
        answer(&mut stream, &reply).await;
    }

    async fn websocket(self, mut stream: TcpStream, head: &str) {
        let key = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
        });
        let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
        let text = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
        self.state().story.connections += 1;
        self.note("connection".to_owned());
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        let (sender, mut frames) = mpsc::channel::<ToClient>(10_000);
        loop {
            tokio::select! {
                frame = frames.recv() => match frame {
                    Some(ToClient::Frame(frame)) => if socket.send(frame).await.is_err() { return },
                    Some(ToClient::Drop) => {
                        let _ = socket2::SockRef::from(socket.get_ref()).set_linger(Some(Duration::ZERO));
                        return;
                    }
                    Some(ToClient::Stall) => return std::future::pending().await,
                    None => return,
                },
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => self.message(text.as_str(), &sender).await,
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return,
                },
            }
        }
    }

    async fn message(&self, text: &str, client: &mpsc::Sender<ToClient>) {
        let subscribes = venue::subscribes(text);
        if subscribes || text.to_ascii_lowercase().contains("unsubscri") {
            self.state().story.requests.push(text.to_owned());
            self.note(format!("<- {text}"));
        }
        let id = venue::id(text);
        let answers = {
            let state = self.state();
            let special = state.answers.iter().find(|(holds, _)| subscribes && text.contains(holds));
            match special {
                Some((_, frame)) => vec![fill(frame, Filling { index: 0, id: &id })],
                None if subscribes && state.silent.iter().any(|holds| text.contains(holds)) => Vec::new(),
                None => venue::answers(&self.venue, text),
            }
        };
        for frame in answers {
            let _ = client.send(ToClient::Frame(Message::text(frame))).await;
        }
        if subscribes {
            self.begin_blocks(text, client);
        }
    }

    fn begin_blocks(&self, text: &str, client: &mpsc::Sender<ToClient>) {
        for (place, block) in self.blocks.iter().enumerate().filter(|(_, block)| text.contains(&block.text)) {
            let first =
                self.blocks.iter().position(|other| other.when == When::First && other.text == block.text);
            let begins = {
                let mut state = self.state();
                let is_first = !std::mem::replace(&mut state.begun[place], true);
                if block.when == When::First {
                    if is_first {
                        state.story.began.get_or_insert(clock::mono());
                    }
                    is_first
                } else if first.is_some() {
                    // The first time belongs to the block that begins with it.
                    !is_first
                } else {
                    true
                }
            };
            if begins {
                for step in block.steps.clone() {
                    let (this, client, since) = (self.clone(), client.clone(), clock::mono());
                    tokio::spawn(async move { this.step(step, since, client).await });
                }
            }
        }
    }

    async fn step(self, step: Step, since: MonoTime, client: mpsc::Sender<ToClient>) {
        for index in 0..step.times {
            let due = Duration::from_millis(step.at_ms + step.every_ms * u64::try_from(index).unwrap());
            tokio::time::sleep(due.saturating_sub(clock::mono().since(since))).await;
            let late = clock::mono().since(since).saturating_sub(due);
            {
                let mut state = self.state();
                state.story.late = state.story.late.max(late);
            }
            let frame = match &step.action {
                Action::Send(text) => {
                    let text = fill(text, Filling { index, id: "" });
                    self.note(format!("-> {text}"));
                    ToClient::Frame(Message::text(text))
                }
                Action::Close(code, reason) => {
                    let reason = reason.as_str().to_owned().into();
                    ToClient::Frame(Message::Close(Some(CloseFrame { code: (*code).into(), reason })))
                }
                Action::Drop => ToClient::Drop,
                Action::Stall => ToClient::Stall,
                other => {
                    self.note(format!("{other:?}"));
                    self.change(other);
                    continue;
                }
            };
            if client.send(frame).await.is_err() {
                return;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        match stream.read(&mut chunk).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&chunk[..read]),
            Ok(_) | Err(_) => return None,
        }
    }
}

async fn answer(stream: &mut TcpStream, reply: &Reply) {
    let Reply { status, headers, body } = reply;
    let html = body.trim_start().starts_with('<');
    let kind = if html { "text/html" } else { "application/json" };
    let mut head = format!("HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nConnection: close\r\n");
    if !headers.iter().any(|header| header.to_ascii_lowercase().starts_with("content-length")) {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes()).await;
    let _ = stream.shutdown().await;
}
