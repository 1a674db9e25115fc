//! One client's socket: bytes in, replies and messages out.
//!
//! Owns the two buffers. Thin: what bytes mean is the parser's and the commands' business. Answers what has come in one write,
//! at most [`PIPELINE_MAX`] requests or [`OUTPUT_ENOUGH`] bytes, then lets others have their turn. Reads nothing while the
//! client does not take its replies, so that nothing piles up.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::clock;

use super::commands;
use super::foreign::{self, Foreign};
use super::mailbox::Delivery;
use super::parser::{Found, Malformed, Parser, Trust, Why};
use super::reply::Replies;
use super::session::{Request, Session, Shared, Totals, met};

/// Requests of one client that are answered before others get their turn.
pub const PIPELINE_MAX: usize = 1_024;
/// How long somebody may take to log in, or to agree on TLS.
pub const LOGIN_MAX: Duration = Duration::from_secs(10);
/// Bytes of replies that are worth a write.
const OUTPUT_ENOUGH: usize = 64 << 10;
/// Bytes of one read.
const READ_BYTES: usize = 16 << 10;
/// A buffer that has grown beyond this is given back once it is empty.
const BUFFER_KEPT: usize = 256 << 10;

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client has gone, or asked for it.
    Done,
    /// What it sent is no request.
    Protocol,
    /// It speaks another protocol.
    Foreign,
    /// It takes nothing.
    Stalled,
    /// More was told than it took.
    Messages,
    /// It did not log in.
    Login,
}

impl End {
    /// The label of the metric; `None` where the client itself has ended it.
    pub(super) const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Protocol => Some("protocol"),
            Self::Foreign => Some("foreign"),
            Self::Stalled => Some("stalled"),
            Self::Messages => Some("messages"),
            Self::Login => Some("login"),
        }
    }
}

/// What a turn left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Nothing more to answer.
    Idle,
    /// More requests may wait in the buffer.
    More,
    /// Not a request.
    Broken(Malformed),
    /// Another protocol: nothing of it is answered.
    Foreign(Foreign),
}

/// Serves a client until either side ends it.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(socket: S, id: u64, shared: &Shared) -> End {
    let mut client = Client {
        socket,
        shared,
        session: Session::new(id, shared),
        parser: Parser::default(),
        input: Vec::with_capacity(READ_BYTES),
        output: Vec::new(),
        delivery: Delivery::default(),
    };
    let end = client.run().await.unwrap_or(End::Done);
    shared.hub.forget(&client.session.mailbox);
    end
}

struct Client<'a, S> {
    socket: S,
    shared: &'a Shared,
    session: Session,
    parser: Parser,
    input: Vec<u8>,
    output: Vec<u8>,
    delivery: Delivery,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<'_, S> {
    async fn run(&mut self) -> io::Result<End> {
        let mut login = std::pin::pin!(tokio::time::sleep(LOGIN_MAX));
        loop {
            let turn = self.turn();
            if let Turn::Foreign(protocol) = turn {
                self.shared.foreign.closed(protocol, self.session.mailbox.id, clock::mono());
                return Ok(End::Foreign);
            }
            let is_served = self.push();
            if !self.write().await? {
                return Ok(End::Stalled);
            }
            if self.session.is_ending || !is_served {
                return Ok(if is_served { End::Done } else { End::Messages });
            }
            match turn {
                Turn::Foreign(_) => return Ok(End::Foreign),
                Turn::Broken(_) => return Ok(End::Protocol),
                Turn::More => {
                    tokio::task::yield_now().await;
                    continue;
                }
                Turn::Idle if !self.delivery.is_empty() => continue,
                Turn::Idle => {}
            }
            let (is_stranger, listens) = (self.session.trust == Trust::Stranger, self.session.listens());
            tokio::select! {
                biased;
                read = read_some(&mut self.socket, &mut self.input) => {
                    if read? == 0 {
                        return Ok(End::Done);
                    }
                }
                () = self.session.mailbox.arrived(), if listens => {}
                () = &mut login, if is_stranger => {
                    met("login");
                    return Ok(End::Login);
                }
            }
        }
    }

    /// Answers the whole requests of the buffer, as many as are one client's turn.
    fn turn(&mut self) -> Turn {
        let (before, now) = (self.output.len(), clock::now());
        let (mut answered, mut errors, mut turn) = (0, 0, Turn::More);
        while answered < PIPELINE_MAX && self.output.len() - before < OUTPUT_ENOUGH && !self.session.is_ending
        {
            match self.parser.next(&self.input, self.session.trust) {
                Ok(Found::Request) => {
                    let request = Request::new(self.parser.source(&self.input), self.parser.arguments());
                    let foreign = foreign::of_any(request)
                        .or_else(|| foreign::of_line(request).filter(|_| self.parser.is_line()));
                    if let Some(protocol) = foreign {
                        turn = Turn::Foreign(protocol);
                        break;
                    }
                    answered += 1;
                    let start = self.output.len();
                    commands::answer(self.shared, &mut self.session, request, now, &mut self.output);
                    errors += u64::from(self.output.get(start) == Some(&b'-'));
                }
                Ok(Found::Incomplete) => {
                    turn = Turn::Idle;
                    break;
                }
                Err(malformed) => {
                    if let Some(limit) = malformed.limit {
                        met(limit);
                    }
                    if let Why::Foreign(protocol) = malformed.why {
                        turn = Turn::Foreign(protocol);
                        break;
                    }
                    let protocol = self.session.protocol;
                    let text = malformed.why.text().unwrap_or_default();
                    Replies { out: &mut self.output, protocol }.error(text);
                    errors += 1;
                    turn = Turn::Broken(malformed);
                    break;
                }
            }
        }
        if answered == PIPELINE_MAX {
            met("pipeline");
        }
        self.drop_done();
        self.count(answered as u64, errors);
        turn
    }

    /// What was answered leaves the buffer.
    fn drop_done(&mut self) {
        let done = self.parser.done().min(self.input.len());
        if done == self.input.len() {
            self.input.clear();
            self.input.shrink_to(BUFFER_KEPT);
        } else if done > 0 {
            self.input.drain(..done);
        }
        self.parser.dropped(done);
    }

    fn count(&mut self, answered: u64, errors: u64) {
        let totals = &self.shared.totals;
        if answered > 0 {
            Totals::add(&totals.requests, answered);
            Totals::add(&totals.hits, std::mem::take(&mut self.session.hits));
            Totals::add(&totals.misses, std::mem::take(&mut self.session.misses));
            self.shared.meters.requests.increment(answered);
        }
        if errors > 0 {
            self.shared.meters.errors.increment(errors);
        }
    }

    /// Writes what waits for a subscriber into the output, as much as is worth a write. Says whether it can go on.
    fn push(&mut self) -> bool {
        let mailbox = &self.session.mailbox;
        if self.delivery.is_empty() {
            if !self.session.listens() {
                return true;
            }
            if !mailbox.take(&mut self.delivery) {
                return false;
            }
        }
        let (view, protocol) = (&self.shared.view, self.session.protocol);
        let (now, enough) = (clock::mono(), self.output.len() + OUTPUT_ENOUGH);
        let told = mailbox.lock().deliver(&mut self.delivery, view, now, protocol, &mut self.output, enough);
        if told > 0 {
            self.shared.meters.pushes.increment(told as u64);
        }
        true
    }

    /// Says whether the client took it all.
    async fn write(&mut self) -> io::Result<bool> {
        if self.output.is_empty() {
            return Ok(true);
        }
        // Nearly always the kernel takes it at once, and no timer is needed.
        let at_once =
            poll_fn(|context| Poll::Ready(Pin::new(&mut self.socket).poll_write(context, &self.output)));
        let taken = match at_once.await {
            Poll::Ready(taken) => taken?,
            Poll::Pending => 0,
        };
        let mut rest = &self.output[taken..];
        while !rest.is_empty() {
            match timeout(self.shared.limits.stalled_max, self.socket.write(rest)).await {
                Ok(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(Ok(taken)) => rest = &rest[taken..],
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    met("stalled");
                    return Ok(false);
                }
            }
        }
        match timeout(self.shared.limits.stalled_max, self.socket.flush()).await {
            Ok(flushed) => flushed?,
            Err(_) => {
                met("stalled");
                return Ok(false);
            }
        }
        self.output.clear();
        self.output.shrink_to(BUFFER_KEPT);
        Ok(true)
    }
}

async fn read_some<S: AsyncRead + Unpin>(socket: &mut S, input: &mut Vec<u8>) -> io::Result<usize> {
    // Room for a full read, however much of a request waits already.
    input.reserve(READ_BYTES);
    socket.read_buf(input).await
}
