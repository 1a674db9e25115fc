//! One client on the websocket.
//!
//! Owns the socket from the upgrade on: it alone reads and writes it, so an acknowledgement always precedes the frames of
//! its subscription. Never decides what frames there are. A client that does not read makes its session wait, and with it
//! a replay; a made-up market ends it once [`super::hub::MARKET_QUEUE_BATCHES`] batches wait.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use tokio_tungstenite::tungstenite::{Bytes, Error, Utf8Bytes};

use super::budget::{MessageBudget, Verdict};
use super::distort::{Held, Step, distort};
use super::fault::{Break, Fault, Place};
use super::hub::{Command, Outgoing, SessionId};
use super::protocol::{self, Action, Request, RequestId};
use super::server::Shared;
use crate::clock;
use crate::domain::MonoTime;

/// How a session goes on.
#[derive(Debug, PartialEq, Eq)]
enum Flow {
    On,
    End(Break),
}

/// The form of the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `{"stream":..,"data":..}`, at `/stream`.
    Combined,
    /// The bare payload, at `/ws`.
    Raw,
}

#[derive(Debug)]
pub(super) struct Session {
    shared: Arc<Shared>,
    socket: WebSocketStream<TcpStream>,
    id: SessionId,
    form: Form,
    streams: BTreeSet<String>,
    budget: Option<MessageBudget>,
    held: Held,
    last_pong: MonoTime,
}

impl Session {
    pub(super) fn new(
        shared: Arc<Shared>,
        socket: WebSocketStream<TcpStream>,
        id: SessionId,
        form: Form,
    ) -> Self {
        let budget = shared.limits.client_messages_per_second.map(MessageBudget::new);
        let last_pong = clock::mono();
        shared.counters.sessions.fetch_add(1, Ordering::Relaxed);
        shared.counters.sessions_open.fetch_add(1, Ordering::Relaxed);
        Self { shared, socket, id, form, streams: BTreeSet::new(), budget, held: Held::new(), last_pong }
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
        ping.tick().await;
        if !streams.is_empty()
            && let Flow::End(how) = self.subscribe(streams, None).await?
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
            };
            if let Flow::End(how) = flow {
                return Ok(how);
            }
        }
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

    async fn obey(&mut self, command: Command) -> Result<Flow, Error> {
        match command {
            Command::Frames(frames) => self.send_frames(frames).await,
            Command::Barrier(done) => {
                let _ = done.send(());
                Ok(Flow::On)
            }
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

    async fn send_frames(&mut self, frames: Vec<Outgoing>) -> Result<Flow, Error> {
        let count = u64::try_from(frames.len()).unwrap_or(u64::MAX);
        let distorted = self.shared.faults.any() || !self.held.is_empty();
        for frame in frames {
            let message = self.message(&frame);
            if !distorted {
                self.socket.feed(message).await?;
            } else if let Flow::End(how) = self.send_distorted(&frame, message).await? {
                return Ok(Flow::End(how));
            }
        }
        self.socket.flush().await?;
        self.shared.counters.frames.fetch_add(count, Ordering::Relaxed);
        Ok(Flow::On)
    }

    fn message(&self, frame: &Outgoing) -> Message {
        let name = self.shared.hub.name(frame.stream);
        match self.form {
            Form::Combined => Message::Text(frame.text.clone()),
            Form::Raw => {
                let head = r#"{"stream":"","data":"#.len() + name.len();
                let payload = frame.text.as_str().get(head..frame.text.len().saturating_sub(1));
                Message::text(payload.unwrap_or_default())
            }
        }
    }

    async fn send_distorted(&mut self, frame: &Outgoing, message: Message) -> Result<Flow, Error> {
        let name = self.shared.hub.name(frame.stream).clone();
        let faults = self.shared.faults.strike(Place::Frame, &name);
        for step in distort(&faults, frame.stream, &name, message, &mut self.held) {
            match step {
                Step::Send(message) => self.socket.feed(message).await?,
                Step::Wait(time) => {
                    self.socket.flush().await?;
                    tokio::time::sleep(time).await;
                }
                Step::Break(how) => {
                    self.socket.flush().await?;
                    return Ok(Flow::End(how));
                }
            }
        }
        Ok(Flow::On)
    }

    async fn hear(&mut self, message: Message) -> Result<Flow, Error> {
        let over = |budget: &mut MessageBudget| budget.count(clock::mono()) == Verdict::Exceeded;
        if self.budget.as_mut().is_some_and(over) {
            return self.close(1008, "Too many requests").await;
        }
        match message {
            Message::Text(text) => self.request(text.as_str()).await,
            Message::Binary(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                self.request(&text).await
            }
            Message::Pong(_) => {
                self.last_pong = clock::mono();
                Ok(Flow::On)
            }
            // tungstenite answers pings and closes by itself; after a close the stream ends.
            Message::Ping(_) | Message::Close(_) | Message::Frame(_) => {
                self.socket.flush().await?;
                Ok(Flow::On)
            }
        }
    }

    async fn request(&mut self, text: &str) -> Result<Flow, Error> {
        let Request { id, action } = match protocol::parse(text) {
            Ok(request) => request,
            Err(reply) => return self.reply(reply).await,
        };
        let reply = match action {
            Action::Subscribe(streams) => return self.subscribe(streams, Some(id)).await,
            Action::Unsubscribe(streams) => {
                for name in streams {
                    self.shared.hub.unsubscribe(self.id, &name);
                    self.streams.remove(&name);
                }
                protocol::acknowledged(&id)
            }
            Action::List => {
                let names = serde_json::to_string(&self.streams).expect("a set of strings is JSON");
                protocol::result(&names, &id)
            }
            Action::SetCombined(on) => {
                self.form = if on { Form::Combined } else { Form::Raw };
                protocol::acknowledged(&id)
            }
            Action::GetCombined => {
                protocol::result(if self.form == Form::Combined { "true" } else { "false" }, &id)
            }
        };
        self.reply(reply).await
    }

    async fn reply(&mut self, text: String) -> Result<Flow, Error> {
        self.socket.send(Message::text(text)).await?;
        Ok(Flow::On)
    }

    /// Subscribes, then acknowledges; streams in the URL (`id` is `None`) have no acknowledgement.
    async fn subscribe(&mut self, streams: Vec<String>, id: Option<RequestId>) -> Result<Flow, Error> {
        let new = streams.iter().filter(|name| !self.streams.contains(*name)).count();
        if self.streams.len() + new > self.shared.limits.streams_per_connection {
            let reply = protocol::error_reply(2, "Invalid request: too many parameters", id.as_ref());
            return self.reply(reply).await;
        }
        let mut close = false;
        for name in streams {
            let faults = self.shared.faults.strike(Place::Subscription, &name);
            close |= faults.contains(&Fault::CloseOnSubscribe);
            if faults.contains(&Fault::Silent) {
                self.shared.hub.unsubscribe(self.id, &name);
            } else {
                self.shared.hub.subscribe(self.id, &name);
            }
            self.shared.counters.subscriptions.fetch_add(1, Ordering::Relaxed);
            self.streams.insert(name);
        }
        if let Some(id) = id {
            self.reply(protocol::acknowledged(&id)).await?;
        }
        if close {
            return self.close(1008, "Disconnected by the test").await;
        }
        self.shared.hub.acknowledged();
        Ok(Flow::On)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.counters.sessions_open.fetch_sub(1, Ordering::Relaxed);
        self.shared.hub.leave(self.id);
    }
}
