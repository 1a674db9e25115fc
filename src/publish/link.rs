//! The connection, between the state machine and the socket.
//!
//! Owns both, for the one thread that they live on. A flush writes to the socket by itself; what the socket does not take
//! at once, replies and deadlines are for the task that polls this. Never queues: there is the pipeline's window, and
//! nothing else. Reads up to [`READ_BYTES`] at a time, at most [`READS_PER_TURN`] times before other tasks get their turn.

use std::io;
use std::task::{Context, Poll, Waker};

use crate::clock;
use crate::domain::{MonoTime, Now};

use super::PublishError;
use super::pipeline::Pipeline;
use super::transport::Transport;

/// Bytes of one read.
pub const READ_BYTES: usize = 16 << 10;
/// Reads before other tasks get their turn.
pub const READS_PER_TURN: usize = 16;

/// The state machine and its socket.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) pipeline: Pipeline,
    transport: Option<Transport>,
    /// Why the connection is to be given up, found by a flush.
    failure: Option<PublishError>,
    /// TLS keeps bytes that the kernel did not take.
    unflushed: bool,
    /// Of the task that polls this.
    waker: Option<Waker>,
    /// Of whoever waits for replies.
    waiting: Option<Waker>,
    buffer: Vec<u8>,
}

impl Link {
    /// Not connected.
    pub(super) fn new(pipeline: Pipeline) -> Self {
        Self {
            pipeline,
            transport: None,
            failure: None,
            unflushed: false,
            waker: None,
            waiting: None,
            buffer: vec![0; READ_BYTES],
        }
    }

    /// The handshake is done.
    pub(super) fn up(&mut self, transport: Transport, now: MonoTime) {
        self.transport = Some(transport);
        (self.failure, self.unflushed) = (None, false);
        self.pipeline.link_up(now);
    }

    /// The connection is given up.
    pub(super) fn down(&mut self, why: &'static str) {
        self.transport = None;
        self.pipeline.link_down(why);
    }

    /// Encodes what waits and writes what the socket takes at once.
    #[inline]
    pub(super) fn flush(&mut self, now: Now) {
        self.pipeline.fill(now);
        let Some(transport) = &mut self.transport else { return };
        if self.pipeline.output().is_empty() {
            return;
        }
        let finished = loop {
            let output = self.pipeline.output();
            if output.is_empty() {
                break transport.try_flush();
            }
            match transport.try_write(output) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => self.pipeline.took(taken),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(false),
                Err(error) => break Err(error),
            }
        };
        match finished {
            Ok(true) => {}
            Ok(false) => self.wake_with(None),
            Err(error) => self.wake_with(Some(error.into())),
        }
    }

    fn wake_with(&mut self, failure: Option<PublishError>) {
        self.unflushed = true;
        self.failure = failure.or(self.failure.take());
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Wakes the task when replies have come. There is room for one task: a later one takes the place.
    pub(super) fn wake_on_replies(&mut self, waker: &Waker) {
        self.waiting = Some(waker.clone());
    }

    /// Reads replies, sends what they made room for, finishes what a flush left over; ready when the connection is to be
    /// given up.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, now: Now) -> Poll<PublishError> {
        if self.waker.as_ref().is_none_or(|waker| !waker.will_wake(context.waker())) {
            self.waker = Some(context.waker().clone());
        }
        match self.turn(context, now) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(error),
        }
    }

    fn turn(&mut self, context: &mut Context<'_>, now: Now) -> Result<(), PublishError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.read(context)?;
        if now.mono >= self.pipeline.deadline() {
            self.pipeline.tick(now)?;
        }
        // Work that the reads took time for is not part of what is sent: it gets the time of its own encoding.
        self.pipeline.fill(clock::now());
        self.write(context)
    }

    fn read(&mut self, context: &mut Context<'_>) -> Result<(), PublishError> {
        let Some(transport) = &mut self.transport else { return Ok(()) };
        for _ in 0..READS_PER_TURN {
            let Poll::Ready(read) = transport.poll_read(context, &mut self.buffer) else { return Ok(()) };
            let bytes = &self.buffer[..read?];
            if bytes.is_empty() {
                return Err(PublishError::Closed);
            }
            self.pipeline.input(bytes, clock::mono())?;
            if let Some(waiting) = self.waiting.take() {
                waiting.wake();
            }
        }
        context.waker().wake_by_ref();
        Ok(())
    }

    fn write(&mut self, context: &mut Context<'_>) -> Result<(), PublishError> {
        let Some(transport) = &mut self.transport else { return Ok(()) };
        while !self.pipeline.output().is_empty() {
            let Poll::Ready(taken) = transport.poll_write(context, self.pipeline.output()) else {
                return Ok(());
            };
            self.unflushed = true;
            match taken? {
                0 => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                taken => self.pipeline.took(taken),
            }
        }
        if self.unflushed && transport.poll_flush(context)?.is_ready() {
            self.unflushed = false;
        }
        Ok(())
    }
}
