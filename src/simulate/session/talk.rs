//! What a client says, and what becomes of it.
//!
//! Owns the order of things: streams are joined before the acknowledgement goes out, so that nothing is missed, and what a
//! new subscriber is told first follows it.

use std::sync::atomic::Ordering;

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{Flow, Live, Session};
use crate::clock;
use crate::simulate::budget::{MessageBudget, Verdict};
use crate::simulate::dialect::{Talk, Turn};
use crate::simulate::fault::{Fault, Place};
use crate::simulate::hub::Outgoing;

impl Session {
    pub(super) async fn hear(&mut self, message: Message) -> Result<Flow, Error> {
        let now = clock::mono();
        self.last_heard = now;
        let over = |budget: &mut MessageBudget| budget.count(now) == Verdict::Exceeded;
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
                self.last_pong = now;
                Ok(Flow::On)
            }
            // tungstenite answers pings and closes by itself; after a close the stream ends.
            Message::Ping(_) | Message::Close(_) | Message::Frame(_) => {
                self.socket.flush().await?;
                Ok(Flow::On)
            }
        }
    }

    /// Hands what the session knows to the dialect.
    pub(super) fn talk<T>(&self, ask: impl FnOnce(&Talk<'_>) -> T) -> T {
        let shared = &self.shared;
        let is_refused = |name: &str| shared.faults.strike(Place::Name, name).contains(&Fault::Refuse);
        ask(&Talk {
            path: &self.path,
            streams: &self.streams,
            is_symbol: &|symbol| shared.source.is_symbol(symbol) && !is_refused(symbol),
            is_refused: &is_refused,
            streams_max: shared.limits.streams_per_connection,
            form: self.form,
            connection: self.id.number(),
            now_us: clock::true_wall().nanos() / 1000,
            system: *shared.system.borrow(),
        })
    }

    async fn request(&mut self, text: &str) -> Result<Flow, Error> {
        let turns = self.talk(|talk| self.shared.dialect.converse(text, talk));
        self.obey_turns(turns).await
    }

    /// Streams in the URL have no acknowledgement.
    pub(super) async fn subscribe_by_url(&mut self, streams: Vec<String>) -> Result<Flow, Error> {
        self.obey_turns(streams.into_iter().map(Turn::Subscribe).collect()).await
    }

    async fn obey_turns(&mut self, turns: Vec<Turn>) -> Result<Flow, Error> {
        let mut close = false;
        let mut replies = Vec::new();
        let mut greetings = Vec::new();
        let mut has_subscribed = false;
        for turn in turns {
            match turn {
                Turn::Say(text) => replies.push(text),
                Turn::Form(form) => self.form = form,
                Turn::Unsubscribe(name) => self.unsubscribe(name),
                Turn::Subscribe(name) | Turn::Pretend(name) if self.streams.len() > STREAMS_SANE => {
                    tracing::debug!(name, "a client of the simulator subscribes without end");
                }
                Turn::Pretend(name) => {
                    has_subscribed = true;
                    self.count_subscription();
                    self.streams.insert(name);
                }
                Turn::Subscribe(name) => {
                    has_subscribed = true;
                    close |= self.subscribe(name, &mut greetings);
                }
            }
        }
        for text in replies {
            self.socket.send(Message::text(text)).await?;
        }
        if close {
            return self.close(1008, "Disconnected by the test").await;
        }
        if !greetings.is_empty()
            && let Flow::End(how) = self.send_frames(greetings).await?
        {
            return Ok(Flow::End(how));
        }
        if has_subscribed {
            self.first_request_due = None;
            self.shared.hub.acknowledged();
        }
        Ok(Flow::On)
    }

    /// Joins a stream; true where the session is to be closed for it.
    fn subscribe(&mut self, name: String, greetings: &mut Vec<Outgoing>) -> bool {
        let shared = self.shared.clone();
        let canonical = shared.dialect.canonical(&name);
        let faults = shared.faults.strike(Place::Subscription, &canonical);
        self.count_subscription();
        if faults.contains(&Fault::Silent) {
            shared.hub.unsubscribe(self.id, &canonical);
        } else {
            // The clock is read once no frame can come in between, and as coarsely as the market reads it: time never goes back.
            let wall_us = || clock::true_wall().nanos() / 1_000_000 * 1_000;
            let greet = |stream, is_wanted| shared.source.greet(stream, wall_us(), is_wanted);
            if let Some(greeting) = shared.hub.subscribe(self.id, &canonical, greet) {
                self.forget(greeting.stream);
                let live = Live::new(shared.dialect, &canonical, greeting.subscription);
                self.live.insert(greeting.stream, live);
                let (stream, subscription) = (greeting.stream, greeting.subscription);
                greetings.extend(greeting.text.map(|text| Outgoing { stream, subscription, text }));
            }
        }
        drop(canonical);
        self.streams.insert(name);
        faults.contains(&Fault::CloseOnSubscribe)
    }

    fn unsubscribe(&mut self, name: String) {
        let shared = self.shared.clone();
        let canonical = shared.dialect.canonical(&name);
        if let Some(stream) = shared.hub.unsubscribe(self.id, &canonical) {
            self.forget(stream);
        }
        self.streams.remove(&name);
    }

    fn count_subscription(&self) {
        self.shared.counters.subscriptions.fetch_add(1, Ordering::Relaxed);
    }
}

/// Beyond this no venue's limit reaches.
const STREAMS_SANE: usize = 16_384;
