//! One client: who it is, what it speaks, and what it has begun.
//!
//! Owns the state that requests change. Never touches a socket. A transaction holds at most [`TRANSACTION_MAX`] requests, of
//! as many bytes together as one request may have.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{Counter, counter, gauge};
use subtle::ConstantTimeEq as _;

use crate::clock;
use crate::domain::{MonoTime, WallTime};
use crate::telemetry::names;

use super::connection::End;
use super::foreign;
use super::hub::Hub;
use super::mailbox::{Counts, Mailbox};
use super::parser::{REQUEST_BYTES_MAX, Trust};
use super::reply::{Protocol, Replies};
use super::view::View;
use super::{EmbeddedLimits, EmbeddedOptions};

/// Requests between MULTI and EXEC.
pub const TRANSACTION_MAX: usize = 1_024;

/// What clients have done so far, for INFO.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) connections: AtomicU64,
    pub(super) clients: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) refused: AtomicU64,
}

impl Totals {
    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

/// What all clients share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) view: Arc<View>,
    pub(super) hub: Hub,
    pub(super) password: Option<Password>,
    pub(super) limits: EmbeddedLimits,
    pub(super) totals: Totals,
    pub(super) started: MonoTime,
    pub(super) port: u16,
    pub(super) meters: Meters,
    /// What is said of those who speak another protocol.
    pub(super) foreign: foreign::Log,
}

impl Shared {
    /// Before the first client.
    pub(super) fn new(options: EmbeddedOptions, port: u16) -> Self {
        let view = Arc::new(View::new(&options.namespace, options.tables));
        Self {
            hub: Hub::new(Arc::clone(&view)),
            view,
            password: options.password.map(Password),
            limits: options.limits,
            totals: Totals::default(),
            started: clock::mono(),
            port,
            meters: Meters::new(),
            foreign: foreign::Log::default(),
        }
    }
}

/// What can be met: the label `limit` of the metric.
const LIMITS: [&str; 12] = [
    "clients",
    "request",
    "arguments",
    "pipeline",
    "subscriptions",
    "patterns",
    "transaction",
    "output",
    "stalled",
    "messages",
    "login",
    "notices",
];

/// Looked up once: what is counted at each turn of a client.
pub(super) struct Meters {
    pub(super) requests: Counter,
    pub(super) errors: Counter,
    pub(super) pushes: Counter,
}

impl Meters {
    /// Every one of the endpoint's metrics is there from the start, at zero.
    pub(super) fn new() -> Self {
        gauge!(names::EMBEDDED_CLIENTS).increment(0);
        counter!(names::EMBEDDED_CONNECTS).increment(0);
        for limit in LIMITS {
            counter!(names::EMBEDDED_LIMITS, "limit" => limit).increment(0);
        }
        for why in [End::Protocol, End::Foreign, End::Stalled, End::Messages, End::Login]
            .iter()
            .filter_map(|end| end.as_str())
        {
            counter!(names::EMBEDDED_DISCONNECTS, "why" => why).increment(0);
        }
        Self {
            requests: counter!(names::EMBEDDED_REQUESTS),
            errors: counter!(names::EMBEDDED_ERRORS),
            pushes: counter!(names::EMBEDDED_PUSHES),
        }
    }
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Meters")
    }
}

/// What a client has to say; printed nowhere.
pub(super) struct Password(pub(super) String);

impl std::fmt::Debug for Password {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("***")
    }
}

impl Password {
    /// In a time that says nothing about how much of it was right.
    pub(super) fn is(&self, typed: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(typed).into()
    }
}

/// A met limit, counted.
pub(super) fn met(limit: &'static str) {
    counter!(names::EMBEDDED_LIMITS, "limit" => limit).increment(1);
}

/// A request: its arguments, the command's name first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    source: &'a [u8],
    arguments: &'a [Range<usize>],
}

impl<'a> Request<'a> {
    pub(super) const fn new(source: &'a [u8], arguments: &'a [Range<usize>]) -> Self {
        Self { source, arguments }
    }

    pub(super) const fn len(self) -> usize {
        self.arguments.len()
    }

    /// An argument; empty where there are not so many.
    #[inline]
    pub(super) fn get(self, index: usize) -> &'a [u8] {
        self.arguments.get(index).map_or(&[][..], |range| &self.source[range.clone()])
    }

    /// The arguments from one on.
    pub(super) fn from(self, first: usize) -> impl Iterator<Item = &'a [u8]> {
        let source = self.source;
        self.arguments.iter().skip(first).map(move |range| &source[range.clone()])
    }
}

/// A request that waits for EXEC.
#[derive(Debug)]
pub(super) struct Queued {
    source: Vec<u8>,
    arguments: Vec<Range<usize>>,
}

impl Queued {
    pub(super) fn as_request(&self) -> Request<'_> {
        Request::new(&self.source, &self.arguments)
    }
}

/// What came since MULTI.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) requests: Vec<Queued>,
    bytes: usize,
    /// One of them was refused: EXEC will be, too.
    pub(super) is_broken: bool,
}

impl Transaction {
    /// Keeps a request; says whether there was room for it.
    pub(super) fn queue(&mut self, request: Request<'_>) -> bool {
        let mut queued = Queued { source: Vec::new(), arguments: Vec::with_capacity(request.len()) };
        let bytes: usize = request.from(0).map(<[u8]>::len).sum();
        if self.requests.len() >= TRANSACTION_MAX || self.bytes + bytes > REQUEST_BYTES_MAX {
            self.is_broken = true;
            return false;
        }
        queued.source.reserve_exact(bytes);
        for argument in request.from(0) {
            let start = queued.source.len();
            queued.source.extend_from_slice(argument);
            queued.arguments.push(start..queued.source.len());
        }
        self.bytes += bytes;
        self.requests.push(queued);
        true
    }
}

/// One client.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) protocol: Protocol,
    pub(super) trust: Trust,
    pub(super) name: Vec<u8>,
    pub(super) transaction: Option<Transaction>,
    pub(super) counts: Counts,
    pub(super) is_tracking: bool,
    /// The connection ends once the replies are written.
    pub(super) is_ending: bool,
    pub(super) hits: u64,
    pub(super) misses: u64,
}

impl Session {
    pub(super) fn new(id: u64, shared: &Shared) -> Self {
        Self {
            mailbox: Arc::new(Mailbox::new(id)),
            protocol: Protocol::Resp2,
            trust: if shared.password.is_some() { Trust::Stranger } else { Trust::Known },
            name: Vec::new(),
            transaction: None,
            counts: Counts::default(),
            is_tracking: false,
            is_ending: false,
            hits: 0,
            misses: 0,
        }
    }

    /// As after connecting.
    pub(super) fn reset(&mut self, shared: &Shared) {
        shared.hub.forget(&self.mailbox);
        let (id, mailbox) = (self.mailbox.id, Arc::clone(&self.mailbox));
        *self = Self { mailbox, ..Self::new(id, shared) };
    }

    /// Whether anything may be told to it.
    #[inline]
    pub(super) const fn listens(&self) -> bool {
        self.is_tracking || self.counts.all() > 0
    }

    /// In version 2 a client that subscribed may do little else: replies and messages look alike.
    pub(super) const fn is_subscriber(&self) -> bool {
        matches!(self.protocol, Protocol::Resp2) && self.counts.all() > 0
    }
}

/// A request on its way to its reply.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) shared: &'a Shared,
    pub(super) session: &'a mut Session,
    pub(super) request: Request<'a>,
    pub(super) out: &'a mut Vec<u8>,
    /// Where the reply begins in `out`.
    pub(super) start: usize,
    pub(super) now: MonoTime,
    pub(super) wall: WallTime,
}

impl<'a> Call<'a> {
    /// Where the reply goes.
    #[inline]
    pub(super) fn reply(&mut self) -> Replies<'_> {
        Replies { out: self.out, protocol: self.session.protocol }
    }

    #[inline]
    pub(super) fn argument(&self, index: usize) -> &'a [u8] {
        self.request.get(index)
    }

    pub(super) fn ok(&mut self) {
        self.reply().simple("OK");
    }

    pub(super) fn error(&mut self, text: impl AsRef<[u8]>) {
        self.reply().error(text);
    }

    /// Whether the reply is longer than a reply may be: it is not gone on with, and an error takes its place.
    #[inline]
    pub(super) fn is_too_long(&self) -> bool {
        self.out.len() - self.start > self.shared.limits.output_bytes_max
    }
}
