//! One client on the websocket.
//!
//! Owns the socket from the upgrade on: it alone reads and writes it, so an acknowledgement always precedes the frames of
//! its subscription. Never decides what frames there are. A client that does not read makes its session wait, and with it
//! a replay; a made-up market ends it once [`super::hub::MARKET_QUEUE_BATCHES`] batches wait.

mod send;
mod talk;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use tokio_tungstenite::tungstenite::{Bytes, Error, Utf8Bytes};

use self::send::{Live, Stalls};
use super::budget::MessageBudget;
use super::dialect::Form;
use super::distort::Held;
use super::fault::Break;
use super::hub::{Command, SessionId, StreamId};
use super::server::Shared;
use crate::clock;
use crate::domain::MonoTime;

/// How often a session looks at its clock, and venues with a beat give it.
const BEAT: Duration = Duration::from_secs(1);

/// How a session goes on.
#[derive(Debug, PartialEq, Eq)]
enum Flow {
    On,
    End(Break),
}

#[derive(Debug)]
pub(super) struct Session {
    shared: Arc<Shared>,
    socket: WebSocketStream<TcpStream>,
    id: SessionId,
    path: String,
    form: Form,
    /// In the client's words.
    streams: BTreeSet<String>,
    live: HashMap<StreamId, Live>,
    budget: Option<MessageBudget>,
    held: Held,
    stalls: Stalls,
    /// Whether a stream's ids have begun anew.
    is_renumbered: bool,
    last_pong: MonoTime,
    last_heard: MonoTime,
    last_sent: MonoTime,
    first_request_due: Option<MonoTime>,
}

impl Session {
    pub(super) fn new(
        shared: Arc<Shared>,
        socket: WebSocketStream<TcpStream>,
        id: SessionId,
        path: String,
    ) -> Self {
        let budget = shared.limits.client_messages_per_second.map(MessageBudget::new);
        let now = clock::mono();
        shared.counters.sessions.fetch_add(1, Ordering::Relaxed);
        shared.counters.sessions_open.fetch_add(1, Ordering::Relaxed);
        Self {
            form: shared.dialect.form(&path),
            first_request_due: shared.limits.first_request.map(|time| now.after(time)),
            shared,
            socket,
            id,
            path,
            streams: BTreeSet::new(),
            live: HashMap::new(),
            budget,
            held: Held::new(),
            stalls: Stalls::default(),
            is_renumbered: false,
            last_pong: now,
            last_heard: now,
            last_sent: now,
        }
    }

    /// Serves the client until either side ends it. `streams` are those named in the URL.
    pub(super) async fn run(mut self, streams: Vec<String>, queue: mpsc::Receiver<Command>) {
        let ended = self.serve(streams, queue).await;
        self.shared.hub.leave(self.id);
        match ended {
            Ok(Break::Reset) => {
                // Lingering for no time makes the kernel send RST when the socket is dropped below.
                let _ =
                    socket2::SockRef::from(self.socket.get_ref()).set_linger(Some(std::time::Duration::ZERO));
            }
            Ok(Break::HalfOpen) => std::future::pending::<()>().await,
            Ok(Break::Fin) => {}
            Err(error) => tracing::debug!(%error, "simulated session ended"),
        }
    }

    async fn serve(
        &mut self,
        streams: Vec<String>,
        mut queue: mpsc::Receiver<Command>,
    ) -> Result<Break, Error> {
        let mut ping = tokio::time::interval(self.shared.limits.ping_interval);
        let mut beat = tokio::time::interval(BEAT);
        ping.tick().await;
        beat.tick().await;
        self.hello().await?;
        if !streams.is_empty()
            && let Flow::End(how) = self.subscribe_by_url(streams).await?
        {
            return Ok(how);
        }
        loop {
            let flow = tokio::select! {
                command = queue.recv() => match command {
                    Some(command) => self.obey(command).await?,
                    None => Flow::End(Break::Fin),
                },
                message = self.socket.next() => match message {
                    Some(message) => self.hear(message?).await?,
                    None => Flow::End(Break::Fin),
                },
                _ = ping.tick() => self.ping().await?,
                _ = beat.tick() => self.beat().await?,
                () = until(self.stalls.next_end()) => self.release().await?,
            };
            if let Flow::End(how) = flow {
                return Ok(how);
            }
        }
    }

    async fn hello(&mut self) -> Result<Flow, Error> {
        if let Some(hello) = self.talk(|talk| self.shared.dialect.hello(talk)) {
            self.socket.send(Message::text(hello)).await?;
        }
        Ok(Flow::On)
    }

    async fn ping(&mut self) -> Result<Flow, Error> {
        let now = clock::now();
        if now.mono.since(self.last_pong) > self.shared.limits.pong_timeout {
            return Ok(Flow::End(Break::Fin));
        }
        let millis = (now.wall.nanos() / 1_000_000).to_string();
        self.socket.send(Message::Ping(Bytes::from(millis))).await?;
        Ok(Flow::On)
    }

    /// Says what the venue says each second, and ends a session that it would end.
    async fn beat(&mut self) -> Result<Flow, Error> {
        let now = clock::mono();
        if self.first_request_due.is_some_and(|due| due <= now) {
            return self.close(1008, "No subscription in time").await;
        }
        let quiet = now.since(self.last_heard.max(self.last_sent));
        if self.shared.limits.idle_timeout.is_some_and(|limit| quiet > limit) {
            return self.close(1000, "Nothing was said").await;
        }
        for text in self.talk(|talk| self.shared.dialect.beats(talk, &self.shared.source)) {
            self.socket.feed(Message::text(text)).await?;
        }
        self.socket.flush().await?;
        Ok(Flow::On)
    }

    async fn obey(&mut self, command: Command) -> Result<Flow, Error> {
        match command {
            Command::Frames(frames) => self.send_frames(frames).await,
            Command::Barrier(done) => {
                let _ = done.send(());
                Ok(Flow::On)
            }
            Command::Hello => self.hello().await,
            Command::Close { code, reason } => self.close(code, reason).await,
            Command::Break(how) => Ok(Flow::End(how)),
        }
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> Result<Flow, Error> {
        let frame = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from_static(reason) };
        self.socket.close(Some(frame)).await?;
        // The client's own close frame is read, so that the kernel does not answer it with a reset.
        let _ = tokio::time::timeout(self.shared.limits.close_timeout, async {
            while let Some(Ok(_)) = self.socket.next().await {}
        })
        .await;
        Ok(Flow::End(Break::Fin))
    }
}

/// Waits for a moment; for ever where there is none.
async fn until(moment: Option<MonoTime>) {
    match moment {
        Some(moment) => tokio::time::sleep(moment.since(clock::mono())).await,
        None => std::future::pending().await,
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.counters.sessions_open.fetch_sub(1, Ordering::Relaxed);
        self.shared.hub.leave(self.id);
    }
}
