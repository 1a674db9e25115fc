//! A stream that remembers when it was last read from: the receive time of whatever frame those bytes complete.
//!
//! Owns nothing but the two stamps. A frame is only parsed once all of its bytes are there, so the last read before it is
//! the read that completed it; frames that came in one read share its stamp.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::clock;
use crate::domain::{MonoTime, Now, WallTime};

/// When the socket was last read; shared with the stream below the websocket.
///
/// Atomics only because the websocket library wants its streams to be `Send`; both ends live on one thread.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadStamp {
    clocks: Arc<(AtomicI64, AtomicU64)>,
}

impl ReadStamp {
    pub(super) fn set(&self, now: Now) {
        self.clocks.0.store(now.wall.nanos(), Ordering::Relaxed);
        self.clocks.1.store(now.mono.nanos(), Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Now {
        Now {
            wall: WallTime::from_nanos(self.clocks.0.load(Ordering::Relaxed)),
            mono: MonoTime::from_nanos(self.clocks.1.load(Ordering::Relaxed)),
        }
    }
}

#[derive(Debug)]
pub(super) struct Stamped<S> {
    stream: S,
    stamp: ReadStamp,
}

impl<S> Stamped<S> {
    pub(super) const fn new(stream: S, stamp: ReadStamp) -> Self {
        Self { stream, stamp }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stamped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        if outcome.is_ready() {
            self.stamp.set(clock::now());
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stamped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
