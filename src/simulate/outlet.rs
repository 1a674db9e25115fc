//! The streams of one symbol that are made here: of a made-up market all, of a replay those that a recorded book can tell.
//!
//! Owns what each stream told last. Pure: books, statistics and times are arguments, frames go to a [`Sink`].

use std::sync::Arc;

use super::book::{Book, Level, Top};
use super::dialect::{Chain, Channel, Delta, Dialect, Kind, Moment, On, Scene, Stats, Trade};
use super::hub::StreamId;
use super::source::SymbolInfo;
use super::window::Window;

/// Takes frames.
pub(super) trait Sink {
    /// Whether a frame of this stream would go anywhere: others are not rendered.
    fn wants(&self, stream: StreamId) -> bool;
    /// Takes a frame.
    fn push(&mut self, stream: StreamId, text: String);
}

#[derive(Debug)]
pub(super) struct Outlets {
    dialect: &'static dyn Dialect,
    info: SymbolInfo,
    outlets: Vec<Outlet>,
}

#[derive(Debug)]
struct Outlet {
    stream: StreamId,
    name: Arc<str>,
    channel: Channel,
    state: State,
}

/// What a stream told last.
#[derive(Debug)]
enum State {
    Top { told: Option<Top>, at_us: i64 },
    Window(Window),
    Whole { next_us: i64 },
    Ticker { before: Option<Stats> },
    Plain,
}

/// When whole books are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// At their own pace.
    ByClock,
    AtOnce,
}

/// What a symbol has to say to a new subscriber.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) book: &'a Book,
    pub(super) trades: &'a [Trade],
    pub(super) stats: Option<&'a Stats>,
    pub(super) at_us: i64,
}

impl Outlets {
    /// Streams for these channels, with ids from `first` on.
    pub(super) fn new(
        dialect: &'static dyn Dialect,
        info: SymbolInfo,
        channels: impl IntoIterator<Item = Channel>,
        first: StreamId,
    ) -> Self {
        let outlet = |(id, channel): (u32, Channel)| Outlet {
            stream: StreamId(id),
            name: Arc::from(dialect.stream_name(channel.name, &info.symbol)),
            channel,
            state: match channel.kind {
                Kind::Top { .. } => State::Top { told: None, at_us: 0 },
                Kind::Deltas { depth, beyond } => State::Window(Window::new(depth, beyond)),
                Kind::Whole { .. } => State::Whole { next_us: 0 },
                Kind::Ticker(_) => State::Ticker { before: None },
                Kind::Changes | Kind::Trades | Kind::Heartbeat => State::Plain,
            },
        };
        let outlets = (first.0..).zip(channels).map(outlet).collect();
        Self { dialect, info, outlets }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = Arc<str>> + '_ {
        self.outlets.iter().map(|outlet| outlet.name.clone())
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.outlets.iter().map(|outlet| outlet.stream)
    }

    pub(super) fn info(&self) -> &SymbolInfo {
        &self.info
    }

    /// The top has changed.
    pub(super) fn top(&mut self, top: Top, at_us: i64, sink: &mut impl Sink) {
        self.each(at_us, sink, |dialect, scene, state, _| match state {
            State::Top { told, at_us } => {
                (*told, *at_us) = (Some(top), scene.at_us);
                dialect.top(scene, &top)
            }
            _ => None,
        });
    }

    /// Tells again what was told last, where a venue does so after some quiet.
    pub(super) fn repeat(&mut self, at_us: i64, sink: &mut impl Sink) {
        self.each(at_us, sink, |dialect, scene, state, kind| match (state, kind) {
            (State::Top { told: Some(told), at_us }, Kind::Top { repeat_ms: Some(repeat_ms) })
                if scene.at_us - *at_us >= repeat_ms * 1000 =>
            {
                *at_us = scene.at_us;
                dialect.top(scene, told)
            }
            _ => None,
        });
    }

    /// Tells the raw changes of the whole book.
    pub(super) fn changes(
        &mut self,
        chain: Chain,
        bids: &[Level],
        asks: &[Level],
        at_us: i64,
        sink: &mut impl Sink,
    ) {
        let after = super::book::BookView { update_id: chain.last, bids: Vec::new(), asks: Vec::new() };
        let delta = Delta { chain, bids, asks, after: &after };
        self.each(at_us, sink, |dialect, scene, _, kind| {
            (kind == Kind::Changes).then(|| dialect.delta(scene, &delta)).flatten()
        });
    }

    /// Tells what has changed of the best levels; whole books where they are due.
    pub(super) fn windows(&mut self, book: &Book, at_us: i64, due: Due, sink: &mut impl Sink) {
        self.each(at_us, sink, |dialect, scene, state, kind| match (state, kind) {
            (State::Window(window), _) => {
                let change = window.advance(book)?;
                let (bids, asks) = (&change.bids, &change.asks);
                dialect.delta(scene, &Delta { chain: change.chain, bids, asks, after: window.told() })
            }
            (State::Whole { next_us }, Kind::Whole { depth, every_ms })
                if due == Due::AtOnce || scene.at_us >= *next_us =>
            {
                *next_us = (*next_us + every_ms * 1000).max(scene.at_us + every_ms * 500);
                dialect.snapshot(scene, chain_at(book), &book.view(depth))
            }
            _ => None,
        });
    }

    pub(super) fn trade(&mut self, trade: Trade, at_us: i64, sink: &mut impl Sink) {
        self.each(at_us, sink, |dialect, scene, _, kind| {
            (kind == Kind::Trades).then(|| dialect.trades(scene, &[trade], Moment::News)).flatten()
        });
    }

    /// Tells statistics on the streams that tell them at this occasion.
    pub(super) fn ticker(&mut self, on: On, stats: &Stats, at_us: i64, sink: &mut impl Sink) {
        let is_told = |own: On| own == on || (own == On::Top && on == On::Trade);
        self.each(at_us, sink, |dialect, scene, state, kind| match (state, kind) {
            (State::Ticker { before }, Kind::Ticker(own)) if is_told(own) => {
                let last = before.replace(stats.clone());
                dialect.ticker(scene, stats, Some(last.as_ref().unwrap_or(stats)))
            }
            _ => None,
        });
    }

    /// A new beginning, for subscribers who know nothing: all that can be told of the book.
    pub(super) fn restart(&mut self, book: &Book, at_us: i64, sink: &mut impl Sink) {
        let top = book.top();
        self.each(at_us, sink, |dialect, scene, state, kind| match (state, kind) {
            (State::Window(window), _) => {
                window.skip_to(book);
                dialect.snapshot(scene, window.chain(), window.told())
            }
            (State::Top { told, at_us }, _) => {
                (*told, *at_us) = (Some(top), scene.at_us);
                dialect.top(scene, &top)
            }
            (State::Whole { next_us }, Kind::Whole { depth, every_ms }) => {
                *next_us = scene.at_us + every_ms * 1000;
                dialect.snapshot(scene, chain_at(book), &book.view(depth))
            }
            _ => None,
        });
    }

    /// The top, where it is another than the one told last.
    pub(super) fn new_top(&mut self, top: Top, at_us: i64, sink: &mut impl Sink) {
        self.each(at_us, sink, |dialect, scene, state, _| match state {
            State::Top { told, at_us }
                if told.is_none_or(|told| (told.bid, told.ask) != (top.bid, top.ask)) =>
            {
                (*told, *at_us) = (Some(top), scene.at_us);
                dialect.top(scene, &top)
            }
            _ => None,
        });
    }

    /// Forgets which top was told last.
    pub(super) fn forget(&mut self) {
        for outlet in &mut self.outlets {
            if let State::Top { told, .. } = &mut outlet.state {
                *told = None;
            }
        }
    }

    fn each(
        &mut self,
        at_us: i64,
        sink: &mut impl Sink,
        mut tell: impl FnMut(&'static dyn Dialect, &Scene<'_>, &mut State, Kind) -> Option<String>,
    ) {
        for outlet in &mut self.outlets {
            if !sink.wants(outlet.stream) {
                continue;
            }
            let scene = Scene { stream: &outlet.name, channel: outlet.channel.name, info: &self.info, at_us };
            if let Some(text) = tell(self.dialect, &scene, &mut outlet.state, outlet.channel.kind) {
                sink.push(outlet.stream, text);
            }
        }
    }

    /// What a new subscriber is told first: that from which the frames to come go on. `is_wanted` says whether there are
    /// subscribers already, to whom the stream has told something.
    pub(super) fn greet(
        &mut self,
        stream: StreamId,
        standing: Standing<'_>,
        is_wanted: bool,
    ) -> Option<String> {
        let outlet = self.outlets.iter_mut().find(|outlet| outlet.stream == stream)?;
        let (dialect, at_us) = (self.dialect, standing.at_us);
        let scene = Scene { stream: &outlet.name, channel: outlet.channel.name, info: &self.info, at_us };
        match (&mut outlet.state, outlet.channel.kind) {
            (State::Window(window), _) => {
                if !is_wanted {
                    window.skip_to(standing.book);
                }
                dialect.snapshot(&scene, window.chain(), window.told())
            }
            (State::Whole { next_us }, Kind::Whole { depth, every_ms }) => {
                if !is_wanted {
                    *next_us = at_us + every_ms * 1000;
                }
                dialect.snapshot(&scene, chain_at(standing.book), &standing.book.view(depth))
            }
            (State::Top { told, at_us }, _) if dialect.greets() => {
                if !is_wanted || told.is_none() {
                    (*told, *at_us) = (Some(standing.book.top()), scene.at_us);
                }
                told.as_ref().and_then(|top| dialect.top(&scene, top))
            }
            (State::Ticker { before }, _) if dialect.greets() => {
                if !is_wanted || before.is_none() {
                    *before = standing.stats.cloned();
                }
                before.as_ref().and_then(|stats| dialect.ticker(&scene, stats, None))
            }
            (State::Plain, Kind::Trades) if !standing.trades.is_empty() => {
                dialect.trades(&scene, standing.trades, Moment::Greeting)
            }
            _ => None,
        }
    }
}

fn chain_at(book: &Book) -> Chain {
    let id = book.update_id;
    Chain { previous: id, first: id, last: id, count: id, known: true }
}
