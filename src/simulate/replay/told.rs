//! The streams of a symbol that are not recorded and that its recorded book can tell.
//!
//! Owns what they told last. Never reads a recording: the cursor does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cursor::{Cursor, Last};
use crate::simulate::dialect::{Dialect, Kind};
use crate::simulate::hub::{Router, StreamId};
use crate::simulate::outlet::{Due, Outlets, Sink, Standing};
use crate::simulate::source::SymbolInfo;

#[derive(Debug)]
pub(super) struct Told {
    symbol: String,
    /// The recorded stream.
    base: StreamId,
    /// Whether it is a snapshot with deltas, or always whole.
    has_deltas: bool,
    ids: Vec<StreamId>,
    outlets: Mutex<Outlets>,
}

impl Told {
    /// The windows that lie within the recorded stream `base`, with ids from `first` on; nothing where there is none.
    pub(super) fn new(
        dialect: &'static dyn Dialect,
        info: SymbolInfo,
        base: StreamId,
        base_name: &str,
        first: u32,
        is_recorded: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let (recorded, has_deltas) = match dialect.kind(base_name)? {
            Kind::Deltas { depth, .. } => (depth, true),
            Kind::Whole { depth, .. } => (depth, false),
            _ => return None,
        };
        let symbol = info.symbol.clone();
        let channels = dialect.channels().iter().copied().filter(|channel| {
            let fits = match channel.kind {
                Kind::Top { .. } => true,
                Kind::Deltas { depth, .. } | Kind::Whole { depth, .. } => depth <= recorded,
                _ => false,
            };
            fits && !is_recorded(&dialect.stream_name(channel.name, &symbol))
        });
        let outlets = Outlets::new(dialect, info.clone(), channels, StreamId(first));
        let ids: Vec<StreamId> = outlets.ids().collect();
        (!ids.is_empty()).then(|| Self { symbol, base, has_deltas, ids, outlets: Mutex::new(outlets) })
    }

    pub(super) fn symbol(&self) -> &str {
        &self.symbol
    }

    pub(super) fn base(&self) -> StreamId {
        self.base
    }

    pub(super) fn has(&self, stream: StreamId) -> bool {
        self.ids.contains(&stream)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = Arc<str>> + use<> {
        self.lock().names().collect::<Vec<_>>().into_iter()
    }

    pub(super) fn is_wanted(&self, router: &Router<'_>) -> bool {
        self.ids.iter().any(|id| Sink::wants(router, *id))
    }

    /// Forgets what was told: the recording starts anew.
    pub(super) fn rewind(&self) {
        self.lock().forget();
    }

    /// Tells what the last frame of the book has changed.
    pub(super) fn tell(&self, cursor: &Cursor, frame_us: i64, router: &mut Router<'_>) {
        if !cursor.is_known() {
            return;
        }
        let Last { at_us, is_whole, .. } = cursor.last();
        let (book, at_us) = (cursor.book(), at_us.unwrap_or(frame_us));
        let mut outlets = self.lock();
        if is_whole && self.has_deltas {
            outlets.restart(book, at_us, router);
        } else {
            outlets.new_top(book.top(), at_us, router);
            outlets.windows(book, at_us, Due::AtOnce, router);
        }
    }

    /// What a new subscriber is told first.
    pub(super) fn greet(
        &self,
        stream: StreamId,
        cursor: &Cursor,
        clock_us: i64,
        is_wanted: bool,
    ) -> Option<String> {
        let at_us = cursor.last().at_us.unwrap_or(clock_us);
        let standing = Standing { book: cursor.book(), trades: &[], stats: None, at_us };
        self.lock().greet(stream, standing, is_wanted)
    }

    fn lock(&self) -> MutexGuard<'_, Outlets> {
        self.outlets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
