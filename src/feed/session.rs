//! One websocket session: connect, subscribe, read, and again, until it is told to stop.
//!
//! Owns a connection and its supervision; [`super::relay`] says which connections there are. Never looks into an event, never writes to Redis: everything goes to the
//! [`SessionHandler`], on the same thread, without a queue. A session reads at most `turn_frames` frames before others get
//! their turn; requests wait in a bounded set; too long a frame ends the session.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{self, Message};

use super::conversation::Conversation;
use super::error::SessionEnd;
use super::governor::Leave;
use super::path_delay::{Answers, DEAD_AFTER_MAX, HEARTBEAT};
use super::relay::{self, Lane, Relay};
use super::stamped::ReadStamp;
use super::upgrade::{self, Connected, Socket};
use super::venue::{ChannelNames, FrameDecoder, Ping, VenueProtocol};
use super::{DecodeError, Excerpt, Frame, StreamPlan};
use crate::clock;
use crate::domain::{Coverage, InstrumentId, MarketEvent, MonoTime, Now, SessionId, Subscription, Trading};

/// Frames in a row that may be garbage before the session is given up.
const GARBAGE_MAX: u32 = 1_000;

/// A busy session pings, too. A venue with a ping of its own may take its absence for a dead client, however much it sends itself: Bybit
/// wants one each 20 s and closes after ten minutes (hirokisan/bybit#99). And how late answers are must be known before the
/// silence in which it matters.
const PING_EVERY: Duration = Duration::from_secs(15);

/// The longest answer to a ping.
const PONG_BYTES_MAX: usize = 256;

/// How often requests, silence and heartbeats are looked at: so much later than it could be any of them is noticed.
const TICK: Duration = Duration::from_millis(50);

/// The longest sending of one request.
const SEND_TIMEOUT: Duration = Duration::from_secs(2);

/// Commands that wait for a session at most; a further one is dropped, `process` asks again.
pub const COMMANDS_MAX: usize = 4_096;

/// Takes what sessions bring. Calls come on the session's thread, one at a time; they must not block.
pub trait SessionHandler {
    /// A frame of any kind came in: the session lives.
    fn heard(&self, session: SessionId, received: Now);
    /// Subscribed data.
    fn event(&self, session: SessionId, subscription: Subscription, event: &MarketEvent<'_>, received: Now);
    /// All frames that had come are handed over, or as many as a turn takes: what they changed is to be sent now.
    fn caught_up(&self);
    /// A frame was read; called before it is decoded.
    fn frame(&self, session: SessionId, bytes: &[u8], received: Now);
    /// A frame was not understood and is lost.
    fn garbage(&self, session: SessionId, error: &DecodeError);
    /// A connection stands, subscriptions follow.
    fn up(&self, session: SessionId, now: Now);
    /// The last connection is gone.
    fn down(&self, session: SessionId, why: &SessionEnd, now: Now);
    /// The venue says whether it trades what the session carries, or of that an instrument; it says so anew on each connection.
    fn trading(&self, session: SessionId, of: Option<InstrumentId>, trading: Trading, received: Now);
    /// One of several connections is gone; the session goes on.
    fn lane_down(&self, session: SessionId, why: &SessionEnd);
    /// What a subscription brought before says nothing of what it brings next.
    fn interrupted(&self, subscription: Subscription, now: Now);
    /// A subscription was acknowledged and stayed silent.
    fn no_first_data(&self, subscription: Subscription, now: Now);
    /// A valid frame of an unknown kind names something that was subscribed to.
    fn unknown(&self, session: SessionId, bytes: &[u8]);
    /// A frame was not understood that may have changed what these bring.
    fn undecodable(&self, session: SessionId, of: &[Subscription], received: Now);
    /// The venue refused a request, or of it these subscriptions.
    fn refused(&self, session: SessionId, of: &[Subscription], code: i64, message: &Excerpt, received: Now);
}

/// What a session is made of.
#[derive(Debug, Clone)]
pub struct SessionPlan {
    /// Its number within the feed.
    pub id: SessionId,
    /// Whose protocol it speaks.
    pub venue: &'static dyn VenueProtocol,
    /// The venue's names of its channels.
    pub names: ChannelNames,
    /// Where to.
    pub websocket_url: String,
    /// What it carries.
    pub streams: Vec<StreamPlan>,
    /// How long an acknowledged subscription may stay silent.
    pub first_data: Duration,
    /// Frames that it may read before other sessions get their turn.
    pub turn_frames: u32,
    /// Connections at a time.
    pub redundant: u32,
    /// After how long the venue ends a connection.
    pub session_max: Option<Duration>,
}

impl SessionPlan {
    /// Whether the venue counts the updates of its books.
    pub(super) fn counts_updates(&self) -> bool {
        self.venue.book_rules(1).coverage == Coverage::Everything
    }
}

/// What a session is told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCommand {
    /// Make a subscription anew.
    Resubscribe(Subscription),
    /// Subscribe to streams that waited for their instrument to be listed. Each takes the place of the planned stream of the same
    /// subscriptions: its symbol is known only now.
    Begin(Vec<StreamPlan>),
}

/// Commands that wait for a session.
pub type Commands = mpsc::Receiver<SessionCommand>;

/// What is told of a subscription that is set aside.
const ENDS_CONNECTIONS: &[u8] = b"the venue ends the connection when it is asked for this";

/// One connection, from its making to its end.
pub(super) async fn once(
    plan: &SessionPlan,
    lane: Lane,
    commands: &mut Commands,
    relay: &Relay<'_>,
    leave: Leave<'_>,
) -> SessionEnd {
    let stamp = ReadStamp::default();
    let connected = upgrade::connect(&plan.websocket_url, stamp.clone(), relay.unfit(), leave).await;
    let Connected { socket, address, took } = match connected {
        Ok(connected) => connected,
        Err(end) => return end,
    };
    let now = clock::now();
    relay.delay().reached(took);
    stamp.set(now);
    relay.up(lane, now);
    let mut conversation = Conversation::new(plan.venue, &plan.names, &relay.streams(), plan.first_data);
    let aside = conversation.avoid(&relay.blamed().borrow(), now.mono);
    if !aside.is_empty() {
        relay.handler().refused(plan.id, &aside, 0, &Excerpt::of(ENDS_CONNECTIONS), now);
    }
    let session = Session {
        id: plan.id,
        lane,
        socket,
        stamp,
        decoder: plan.venue.decoder(&plan.names),
        ping: plan.venue.defaults().ping,
        conversation,
        first_data: plan.first_data,
        retires_after: plan.session_max.map(|max| relay::retires_after(max, fastrand::f64())),
        handler: relay.handler(),
        relay,
        garbage: 0,
        since: now.mono,
        pinged: None,
        asked: VecDeque::new(),
        answers: Answers::None,
        heard: now.mono,
        ticked: now.mono,
    };
    let end = session.read(plan.turn_frames, commands).await;
    if end.is_of_path() {
        relay.unfit().note(address);
    } else {
        relay.unfit().forget(address);
    }
    end
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// No frame was left.
    Dry,
    /// The session's share was used up; there may be more.
    Full,
}

struct Session<'a> {
    id: SessionId,
    lane: Lane,
    socket: Socket,
    stamp: ReadStamp,
    decoder: Box<dyn FrameDecoder>,
    ping: Ping,
    conversation: Conversation,
    first_data: Duration,
    retires_after: Option<Duration>,
    relay: &'a Relay<'a>,
    handler: &'a dyn SessionHandler,
    garbage: u32,
    since: MonoTime,
    /// When the last ping was sent.
    pinged: Option<MonoTime>,
    /// When the pings were sent that have no answer, the oldest first; none is older than the longest patience.
    asked: VecDeque<MonoTime>,
    answers: Answers,
    /// When the frame before this one was read.
    heard: MonoTime,
    ticked: MonoTime,
}

impl Session<'_> {
    async fn read(mut self, turn_frames: u32, commands: &mut Commands) -> SessionEnd {
        let mut timer = tokio::time::interval(TICK);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let outcome = tokio::select! {
                message = self.socket.next() => self.turn(message, turn_frames).await,
                _ = timer.tick() => self.tick().await,
                Some(command) = commands.recv() => {
                    self.conversation.command(command);
                    Ok(())
                }
            };
            if let Err(end) = outcome {
                if matches!(end, SessionEnd::Closed { .. } | SessionEnd::WebSocket(_)) {
                    let (settled, unsettled) = self.conversation.at_end(clock::mono());
                    self.relay.blamed().borrow_mut().ended(&settled, &unsettled);
                }
                return end;
            }
        }
    }

    /// Reads on while frames are there, up to this session's share.
    async fn turn(
        &mut self,
        first: Option<Result<Message, tungstenite::Error>>,
        frames: u32,
    ) -> Result<(), SessionEnd> {
        let outcome = self.messages(first, frames);
        self.handler.caught_up();
        if outcome? == Turn::Full {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    #[inline]
    fn messages(
        &mut self,
        first: Option<Result<Message, tungstenite::Error>>,
        frames: u32,
    ) -> Result<Turn, SessionEnd> {
        self.message(first)?;
        for _ in 1..frames {
            match self.socket.next().now_or_never() {
                Some(message) => self.message(message)?,
                None => return Ok(Turn::Dry),
            }
        }
        Ok(Turn::Full)
    }

    #[inline]
    fn message(&mut self, message: Option<Result<Message, tungstenite::Error>>) -> Result<(), SessionEnd> {
        let received = self.stamp.get();
        if let Some(&asked) = self.asked.front()
            && received.mono.since(self.heard) >= HEARTBEAT
        {
            // Whatever ends a silence shows that the path was alive all the while, and answers are as late as that at least.
            self.answered(asked.max(self.heard), received.mono);
        }
        self.heard = received.mono;
        match message {
            Some(Ok(Message::Text(text))) => self.frame(text.as_str().as_bytes(), received),
            Some(Ok(Message::Binary(bytes))) => self.frame(&bytes, received),
            Some(Ok(Message::Pong(payload))) => {
                let sent = sent_at(&payload, received.mono).or(self.asked.front().copied());
                if let Some(sent) = sent {
                    self.asked.retain(|asked| *asked > sent);
                    self.answered(sent, received.mono);
                }
                self.handler.heard(self.id, received);
                Ok(())
            }
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => {
                self.handler.heard(self.id, received);
                Ok(())
            }
            Some(Ok(Message::Close(close))) => {
                let (code, reason) = close.map_or((1005, Excerpt::of(b"")), |close| {
                    (close.code.into(), Excerpt::of(close.reason.as_bytes()))
                });
                Err(SessionEnd::Closed { code, reason })
            }
            Some(Err(error)) => Err(SessionEnd::WebSocket(Box::new(error))),
            None => Err(SessionEnd::WebSocket(Box::new(tungstenite::Error::ConnectionClosed))),
        }
    }

    #[inline]
    fn frame(&mut self, bytes: &[u8], received: Now) -> Result<(), SessionEnd> {
        self.handler.frame(self.id, bytes, received);
        match self.decoder.decode(bytes) {
            Ok(Frame::Market { stream, event }) => {
                self.garbage = 0;
                match self.conversation.route(stream) {
                    Some((stream, subscription)) => {
                        self.relay.event(self.lane, stream, subscription, &event, received);
                    }
                    None => self.unknown(bytes, received),
                }
                return Ok(());
            }
            Ok(Frame::Counted { stream, newest }) => {
                if let Some((stream, subscription)) = self.conversation.find(stream) {
                    self.relay.counted(self.lane, stream, subscription, newest, received);
                }
            }
            Ok(Frame::Acknowledged(what)) => self.conversation.acknowledged(what, received.mono),
            Ok(Frame::Refused { id, code, message }) => {
                let refused = self.conversation.refused(id, message.as_str(), received.mono);
                if let Some(refused) = refused {
                    self.handler.refused(self.id, &refused, code, &message, received);
                }
            }
            Ok(Frame::Trading(trading)) => self.handler.trading(self.id, None, trading, received),
            Ok(Frame::TradingOf(symbols)) => {
                for (symbol, trading) in symbols {
                    if let Some(instrument) = self.conversation.instrument(symbol) {
                        self.handler.trading(self.id, Some(instrument), *trading, received);
                    }
                }
            }
            Ok(Frame::ShuttingDown) => self.relay.retire(self.lane),
            Ok(Frame::Other) => {
                if is_pong(bytes)
                    && let Some(sent) = self.asked.pop_front()
                {
                    self.answered(sent, received.mono);
                }
            }
            Ok(Frame::Unknown) => {
                self.unknown(bytes, received);
                return Ok(());
            }
            Err(error) => {
                self.garbage += 1;
                self.handler.garbage(self.id, &error);
                self.handler.undecodable(self.id, &self.conversation.affected_by(bytes), received);
                if self.garbage >= GARBAGE_MAX {
                    return Err(SessionEnd::Garbage { count: self.garbage, last: error });
                }
                return Ok(());
            }
        }
        self.garbage = 0;
        self.handler.heard(self.id, received);
        Ok(())
    }

    /// A valid frame of no kind that is known, or of a stream that nobody asked for: what it names may have been changed by it.
    #[cold]
    fn unknown(&mut self, bytes: &[u8], received: Now) {
        let affected = self.conversation.affected_by_unknown(bytes);
        if affected.is_empty() {
            self.handler.heard(self.id, received);
        } else {
            self.handler.unknown(self.id, bytes);
            self.handler.undecodable(self.id, &affected, received);
        }
    }

    /// Sends what is due, reports what is overdue, and looks for a sign of life.
    async fn tick(&mut self) -> Result<(), SessionEnd> {
        let now = clock::now();
        let away = now.mono.since(self.ticked);
        self.ticked = now.mono;
        if away >= HEARTBEAT {
            // It was us who did not look (a frozen machine): what the venue sent meanwhile is read first, then judged.
            return Ok(());
        }
        let silent = now.mono.since(self.stamp.get().mono);
        let dead_after = self.relay.delay().dead_after(self.answers);
        if silent >= dead_after {
            if self.answers == Answers::None {
                self.relay.delay().was_mute();
            }
            return Err(SessionEnd::HalfOpen { silent });
        }
        if self.relay.is_replaced(self.lane) {
            return Err(SessionEnd::Replaced);
        }
        if relay::is_old(self.since, self.retires_after, now.mono) {
            self.relay.retire(self.lane);
        }
        if self.relay.is_successor(self.lane) && self.conversation.is_delivering(now.mono) {
            self.relay.delivers(self.lane);
        }
        let overdue = self.conversation.overdue(now.mono);
        let overdue = overdue.map_err(|()| SessionEnd::NotAcknowledged { waited: self.first_data })?;
        for subscription in overdue {
            self.handler.no_first_data(subscription, now);
        }
        if let Some(text) = self.conversation.next_request(now.mono) {
            self.send(Message::text(text)).await?;
        }
        let ask_after = self.relay.delay().ask_after();
        if ping_is_due(silent, ask_after, self.pinged.map(|pinged| now.mono.since(pinged))) {
            self.pinged = Some(now.mono);
            // What was not answered by now never will be.
            self.asked.retain(|asked| now.mono.since(*asked) < DEAD_AFTER_MAX);
            self.asked.push_back(now.mono);
            self.send(match self.ping {
                Ping::Frame => Message::Ping(now.mono.nanos().to_be_bytes().to_vec().into()),
                Ping::Text(text) => Message::text(text),
            })
            .await?;
        }
        Ok(())
    }

    /// A ping that was sent at `sent` is answered.
    fn answered(&mut self, sent: MonoTime, received: MonoTime) {
        self.answers = Answers::Some;
        // After a stop of this machine nobody knows how much of the delay is the path's.
        if received.since(self.ticked) < HEARTBEAT {
            self.relay.delay().answered(received.since(sent));
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), SessionEnd> {
        match tokio::time::timeout(SEND_TIMEOUT, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(SessionEnd::WebSocket(Box::new(error))),
            Err(_) => Err(SessionEnd::SendTimeout { waited: SEND_TIMEOUT }),
        }
    }
}

/// When the ping was sent that a pong answers: its payload is our clock, unless the venue sends pongs by itself.
fn sent_at(payload: &[u8], received: MonoTime) -> Option<MonoTime> {
    let nanos = u64::from_be_bytes(payload.try_into().ok()?);
    Some(MonoTime::from_nanos(nanos)).filter(|sent| *sent <= received)
}

/// Whether a frame that carries nothing is the answer to a ping of the venue's own kind: each of them says so in this word.
fn is_pong(bytes: &[u8]) -> bool {
    bytes.len() <= PONG_BYTES_MAX && bytes.windows(4).any(|word| word == b"pong")
}

/// Whether to ask for a sign of life, or to give one. `since_last` is `None` before the first ping, which shows how late answers are.
fn ping_is_due(silent: Duration, ask_after: Duration, since_last: Option<Duration>) -> bool {
    since_last.is_none_or(|since| since >= PING_EVERY || (silent >= ask_after && since >= HEARTBEAT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_pings_at_once_and_in_silence_and_now_and_then() {
        let ms = Duration::from_millis;
        for (silent, since_last, expected) in [
            (0, None, true),
            (0, Some(14_000), false),
            (0, Some(15_000), true),
            (1_000, Some(1_000), true),
            (1_900, Some(900), false),
        ] {
            let due = ping_is_due(ms(silent), ms(1_000), since_last.map(ms));
            assert_eq!(due, expected, "{silent} {since_last:?}");
        }
    }

    #[test]
    fn the_answers_of_the_venues_to_their_own_pings_are_told_from_other_words() {
        for (frame, expected) in [
            ("pong", true),
            (r#"{"success":true,"ret_msg":"pong","conn_id":"0970e817","op":"ping"}"#, true),
            (r#"{"channel":"pong"}"#, true),
            (r#"{"method":"pong","time_in":"2023-09-24T14:10:23Z","time_out":"2023-09-24T14:10:23Z"}"#, true),
            (r#"{"channel":"heartbeat"}"#, false),
            (r#"{"event":"channel-conn-count","channel":"bbo-tbt","connCount":"1","connId":"a"}"#, false),
            ("", false),
        ] {
            assert_eq!(is_pong(frame.as_bytes()), expected, "{frame}");
        }
    }

    #[test]
    fn a_pong_says_when_its_ping_was_sent() {
        let received = MonoTime::from_nanos(5_000);
        assert_eq!(sent_at(&4_000_u64.to_be_bytes(), received), Some(MonoTime::from_nanos(4_000)));
        assert_eq!(sent_at(&6_000_u64.to_be_bytes(), received), None, "not one of ours");
        assert_eq!(sent_at(b"", received), None);
    }
}
