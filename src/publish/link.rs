//! The connections, between the state machine and the sockets.
//!
//! Owns both, for the one thread that they live on. A flush writes to the sockets by itself; what a socket does not take
//! at once, replies and deadlines are for the tasks that poll this, one a node. Never queues: there is the pipeline's window,
//! and nothing else. Reads up to [`READ_BYTES`] at a time, at most [`READS_PER_TURN`] times before other tasks get their turn.

use std::io;
use std::task::{Context, Poll, Waker};

use crate::clock;
use crate::domain::{MonoTime, Now};

use super::pipeline::Pipeline;
use super::transport::Transport;
use super::{Endpoint, NodeIndex, PublishError};

/// Bytes of one read.
pub const READ_BYTES: usize = 16 << 10;
/// Reads before other tasks get their turn.
pub const READS_PER_TURN: usize = 16;

/// The connection to one node.
#[derive(Debug, Default)]
struct Socket {
    transport: Option<Transport>,
    /// Why the connection is to be given up, found by a flush.
    failure: Option<PublishError>,
    /// TLS keeps bytes that the kernel did not take.
    unflushed: bool,
    /// Of the task that polls this.
    waker: Option<Waker>,
}

impl Socket {
    /// Writes what the kernel takes at once. Says whether all of it went.
    #[inline]
    fn write_some(&mut self, pipeline: &mut Pipeline, node: NodeIndex) -> io::Result<bool> {
        let Some(transport) = &mut self.transport else { return Ok(true) };
        if pipeline.output(node).is_empty() {
            return Ok(true);
        }
        loop {
            let output = pipeline.output(node);
            if output.is_empty() {
                return transport.try_flush();
            }
            match transport.try_write(output) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => pipeline.took(node, taken),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    fn wake_with(&mut self, failure: Option<PublishError>) {
        self.unflushed = true;
        self.failure = failure.or(self.failure.take());
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

/// The state machine and its sockets.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) pipeline: Pipeline,
    sockets: Vec<Socket>,
    /// Where each node is.
    endpoints: Vec<Option<Endpoint>>,
    /// Of whoever waits for replies.
    waiting: Option<Waker>,
    buffer: Vec<u8>,
}

impl Link {
    /// Not connected.
    pub(super) fn new(pipeline: Pipeline) -> Self {
        let (sockets, buffer) = (vec![Socket::default()], vec![0; READ_BYTES]);
        Self { pipeline, sockets, endpoints: Vec::new(), waiting: None, buffer }
    }

    /// Where each node is; `None` = nowhere.
    pub(super) fn set_endpoints(&mut self, endpoints: Vec<Option<Endpoint>>) {
        self.endpoints = endpoints;
    }

    /// The node at `host:port`, as Redis writes it.
    pub(super) fn node_at(&self, address: &str) -> Option<NodeIndex> {
        let is_there = |endpoint: &Option<Endpoint>| match endpoint {
            Some(Endpoint::Tcp { host, port } | Endpoint::Tls { host, port }) => address
                .rsplit_once(':')
                .is_some_and(|(name, digits)| name == host && digits.parse() == Ok(*port)),
            Some(Endpoint::Unix { .. }) | None => false,
        };
        let index = self.endpoints.iter().position(is_there)?;
        u16::try_from(index).ok().map(NodeIndex)
    }

    fn socket(&mut self, node: NodeIndex) -> &mut Socket {
        let index = node.0 as usize;
        if self.sockets.len() <= index {
            self.sockets.resize_with(index + 1, Socket::default);
        }
        &mut self.sockets[index]
    }

    /// The handshake with a node is done.
    pub(super) fn up(&mut self, node: NodeIndex, transport: Transport, now: MonoTime) {
        let socket = self.socket(node);
        socket.transport = Some(transport);
        (socket.failure, socket.unflushed) = (None, false);
        self.pipeline.need_node(node);
        self.pipeline.link_up(node, now);
    }

    /// The connection to a node is given up.
    pub(super) fn down(&mut self, node: NodeIndex, why: &'static str, now: MonoTime) {
        self.socket(node).transport = None;
        self.pipeline.link_down(node, why, now);
    }

    /// Encodes what waits and writes what the sockets take at once.
    #[inline]
    pub(super) fn flush(&mut self, now: Now) {
        self.pipeline.fill(now);
        for (socket, index) in self.sockets.iter_mut().zip(0_u16..) {
            match socket.write_some(&mut self.pipeline, NodeIndex(index)) {
                Ok(true) => {}
                Ok(false) => socket.wake_with(None),
                Err(error) => socket.wake_with(Some(error.into())),
            }
        }
    }

    /// Wakes the task when replies have come. There is room for one task: a later one takes the place.
    pub(super) fn wake_on_replies(&mut self, waker: &Waker) {
        self.waiting = Some(waker.clone());
    }

    /// Reads a node's replies, sends what they made room for, finishes what a flush left over; ready when the connection is to
    /// be given up.
    pub(super) fn poll(
        &mut self,
        node: NodeIndex,
        context: &mut Context<'_>,
        now: Now,
    ) -> Poll<PublishError> {
        let socket = self.socket(node);
        if socket.waker.as_ref().is_none_or(|waker| !waker.will_wake(context.waker())) {
            socket.waker = Some(context.waker().clone());
        }
        match self.turn(node, context, now) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(error),
        }
    }

    fn turn(&mut self, node: NodeIndex, context: &mut Context<'_>, now: Now) -> Result<(), PublishError> {
        if let Some(failure) = self.socket(node).failure.take() {
            return Err(failure);
        }
        self.read(node, context)?;
        if now.mono >= self.pipeline.deadline(node) {
            self.pipeline.tick(node, now)?;
        }
        // Work that the reads took time for is not part of what is sent: it gets the time of its own encoding. What a reply
        // changes may be for another node.
        self.flush(clock::now());
        if let Some(failure) = self.socket(node).failure.take() {
            return Err(failure);
        }
        self.write(node, context)
    }

    fn read(&mut self, node: NodeIndex, context: &mut Context<'_>) -> Result<(), PublishError> {
        let Some(transport) = &mut self.sockets[node.0 as usize].transport else { return Ok(()) };
        for _ in 0..READS_PER_TURN {
            let Poll::Ready(read) = transport.poll_read(context, &mut self.buffer) else { return Ok(()) };
            let bytes = &self.buffer[..read?];
            if bytes.is_empty() {
                return Err(PublishError::Closed);
            }
            self.pipeline.input(node, bytes, clock::now())?;
            if let Some(waiting) = self.waiting.take() {
                waiting.wake();
            }
        }
        context.waker().wake_by_ref();
        Ok(())
    }

    fn write(&mut self, node: NodeIndex, context: &mut Context<'_>) -> Result<(), PublishError> {
        let socket = &mut self.sockets[node.0 as usize];
        let Some(transport) = &mut socket.transport else { return Ok(()) };
        while !self.pipeline.output(node).is_empty() {
            let Poll::Ready(taken) = transport.poll_write(context, self.pipeline.output(node)) else {
                return Ok(());
            };
            socket.unflushed = true;
            match taken? {
                0 => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                taken => self.pipeline.took(node, taken),
            }
        }
        if socket.unflushed && transport.poll_flush(context)?.is_ready() {
            socket.unflushed = false;
        }
        Ok(())
    }
}
