//! Frames on their way to a client, as they are or under faults.
//!
//! Owns what is held back: stalled streams, and the books that checksums need. At most [`STALLED_MAX`] frames are held back;
//! beyond them the session ends.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{Flow, Session};
use crate::clock;
use crate::domain::MonoTime;
use crate::simulate::book::Book;
use crate::simulate::dialect::{Beyond, Dialect, Form, Kind};
use crate::simulate::distort::{Step, Subject, distort};
use crate::simulate::edit;
use crate::simulate::fault::{Break, Fault, Place};
use crate::simulate::hub::{Outgoing, StreamId, Subscription};

/// Frames held back on one session.
const STALLED_MAX: usize = 1 << 17;

/// A stream that the client gets.
#[derive(Debug)]
pub(super) struct Live {
    subscription: Subscription,
    /// The client's book, where it is checked by sums: a crossed frame must come with the sum of what it makes.
    mirror: Option<(Kind, Book)>,
    /// Its ids have begun anew: by how much they are lower.
    lowered: Option<u64>,
}

impl Live {
    pub(super) fn new(dialect: &dyn Dialect, name: &str, subscription: Subscription) -> Self {
        let kind = dialect.kind(name);
        let is_summed = |kind: &Kind| matches!(kind, Kind::Deltas { beyond: Beyond::Truncated, .. });
        Self {
            subscription,
            mirror: kind.filter(is_summed).map(|kind| (kind, Book::default())),
            lowered: None,
        }
    }
}

/// The streams that are held back.
#[derive(Debug, Default)]
pub(super) struct Stalls {
    streams: HashMap<StreamId, Stalled>,
    frames: usize,
}

#[derive(Debug)]
struct Stalled {
    /// Absent: for ever.
    until: Option<MonoTime>,
    frames: VecDeque<Message>,
}

impl Stalls {
    /// When the next stream goes on.
    pub(super) fn next_end(&self) -> Option<MonoTime> {
        self.streams.values().filter_map(|stalled| stalled.until).min()
    }

    fn begin(&mut self, stream: StreamId, time: Duration, now: MonoTime) {
        let until = (time < Duration::from_secs(1 << 30)).then(|| now.after(time));
        self.streams.entry(stream).or_insert(Stalled { until, frames: VecDeque::new() });
    }

    fn end(&mut self, stream: StreamId) -> VecDeque<Message> {
        let frames = self.streams.remove(&stream).map(|stalled| stalled.frames).unwrap_or_default();
        self.frames -= frames.len();
        frames
    }
}

impl Session {
    pub(super) async fn send_frames(&mut self, frames: Vec<Outgoing>) -> Result<Flow, Error> {
        let count = u64::try_from(frames.len()).unwrap_or(u64::MAX);
        let distorted = self.shared.faults.any()
            || !self.held.is_empty()
            || !self.stalls.streams.is_empty()
            || self.is_renumbered;
        for frame in frames {
            let Some(live) =
                self.live.get_mut(&frame.stream).filter(|live| live.subscription == frame.subscription)
            else {
                continue;
            };
            if let Some((kind, book)) = &mut live.mirror {
                edit::mirror(self.shared.dialect, *kind, book, &frame.text);
            }
            let message = self.message(&frame);
            if !distorted {
                self.socket.feed(message).await?;
            } else if let Flow::End(how) = self.send_distorted(&frame, message).await? {
                return Ok(Flow::End(how));
            }
        }
        self.socket.flush().await?;
        self.last_sent = clock::mono();
        self.shared.counters.frames.fetch_add(count, Ordering::Relaxed);
        Ok(Flow::On)
    }

    fn message(&self, frame: &Outgoing) -> Message {
        match self.form {
            Form::Whole => Message::Text(frame.text.clone()),
            Form::Bare => {
                let name = self.shared.hub.name(frame.stream);
                let head = r#"{"stream":"","data":"#.len() + name.len();
                let payload = frame.text.as_str().get(head..frame.text.len().saturating_sub(1));
                Message::text(payload.unwrap_or_default())
            }
        }
    }

    /// The ids of a stream begin anew at 2, from the frame on that was struck.
    fn renumber(&mut self, stream: StreamId, begins_anew: bool, message: &mut Message) {
        let (dialect, Message::Text(text)) = (self.shared.dialect, &*message) else { return };
        let Some(live) = self.live.get_mut(&stream) else { return };
        if begins_anew && let Some(id) = edit::sequence(dialect, text) {
            live.lowered = Some(id.saturating_sub(2));
            self.is_renumbered = true;
        }
        if let Some(lowered) = live.lowered.and_then(|by| edit::lowered(dialect, text, by)) {
            *message = Message::text(lowered);
        }
    }

    async fn send_distorted(&mut self, frame: &Outgoing, mut message: Message) -> Result<Flow, Error> {
        let shared = self.shared.clone();
        let (dialect, stream) = (shared.dialect, frame.stream);
        let name = shared.hub.name(stream);
        let place = if holds_levels(dialect.kind(name)) { Place::Levels } else { Place::Frame };
        let faults = shared.faults.strike(place, name);
        for fault in &faults {
            if let Fault::Stall(time) = fault {
                self.stalls.begin(stream, *time, clock::mono());
            }
        }
        let is_quote = matches!(dialect.kind(name), Some(Kind::Top { .. }));
        if self.is_renumbered || (is_quote && faults.contains(&Fault::Restart)) {
            self.renumber(stream, is_quote && faults.contains(&Fault::Restart), &mut message);
        }
        let crossed = faults.contains(&Fault::Cross);
        let top = crossed.then(|| shared.source.top(&dialect.symbol_of(name))).flatten();
        let book = self.live.get(&stream).and_then(|live| live.mirror.as_ref()).map(|(_, book)| book);
        let subject = Subject { dialect, stream, name, top, book };
        for step in distort(&faults, &subject, message, &mut self.held) {
            match step {
                Step::Send(message) => match self.stalls.streams.get_mut(&stream) {
                    Some(stalled) => {
                        stalled.frames.push_back(message);
                        self.stalls.frames += 1;
                    }
                    None => self.socket.feed(message).await?,
                },
                Step::Wait(time) => {
                    self.socket.flush().await?;
                    tokio::time::sleep(time).await;
                }
                Step::Close(code) => {
                    self.socket.flush().await?;
                    return self.close(code, "Disconnected by the test").await;
                }
                Step::Break(how) => {
                    self.socket.flush().await?;
                    return Ok(Flow::End(how));
                }
            }
        }
        if self.stalls.frames > STALLED_MAX {
            return Ok(Flow::End(Break::Fin));
        }
        Ok(Flow::On)
    }

    /// Lets the streams go on whose stall is over.
    pub(super) async fn release(&mut self) -> Result<Flow, Error> {
        let now = clock::mono();
        let is_over = |stalled: &Stalled| stalled.until.is_some_and(|until| until <= now);
        let over: Vec<StreamId> = self
            .stalls
            .streams
            .iter()
            .filter(|(_, stalled)| is_over(stalled))
            .map(|(stream, _)| *stream)
            .collect();
        for stream in over {
            for message in self.stalls.end(stream) {
                self.socket.feed(message).await?;
            }
        }
        self.socket.flush().await?;
        Ok(Flow::On)
    }

    /// Forgets what was held back of a stream: its subscription has ended.
    pub(super) fn forget(&mut self, stream: StreamId) {
        self.live.remove(&stream);
        self.held.remove(&stream);
        self.stalls.end(stream);
    }
}

fn holds_levels(kind: Option<Kind>) -> bool {
    match kind {
        Some(Kind::Top { .. } | Kind::Deltas { .. } | Kind::Whole { .. } | Kind::Changes) => true,
        Some(Kind::Ticker(on)) => on == crate::simulate::dialect::On::Top,
        Some(Kind::Trades | Kind::Heartbeat) | None => false,
    }
}
