//! What is worth telling about a key beside its value (WIRE.md, "Events").
//!
//! `process` makes them, the writer publishes them once the value that they speak of is in Redis.

use super::{Price, Reason, Scale, Scales, Side, Size, SlotId, State, WallTime};

/// Bytes of each text that a person gives with an invalidation: longer ones are refused where they are given.
pub const INVALIDATION_TEXT_MAX: usize = 200;

/// Something that happened to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEvent {
    /// Which key.
    pub slot: SlotId,
    /// When it was found.
    pub time: WallTime,
    /// What happened.
    pub detail: EventDetail,
}

/// What happened, with the items that WIRE.md lists for each kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventDetail {
    /// The price is farther from its reference than the limit; it becomes the reference.
    PriceMove {
        /// Of both prices.
        price_scale: Scale,
        /// What it is compared with.
        reference: Price,
        /// What it is now.
        price: Price,
    },
    /// A trade on the public tape.
    Trade {
        /// Of price and size.
        scales: Scales,
        /// Its price.
        price: Price,
        /// Its size.
        size: Size,
        /// The aggressor's side.
        side: Side,
    },
    /// The size of the published levels of a side changed by more than the limit since the last such event.
    LiquidityChange {
        /// Of both sizes.
        size_scale: Scale,
        /// At the last event.
        before: Size,
        /// Now.
        after: Size,
        /// Of the book.
        side: Side,
    },
    /// State or reason became another one.
    State {
        /// The new state.
        state: State,
        /// The new reason.
        reason: Reason,
    },
    /// Somebody asked for it; the value was sent anew.
    Invalidated {
        /// Who asked, at most [`INVALIDATION_TEXT_MAX`] bytes.
        who: Box<str>,
        /// Why, likewise.
        why: Box<str>,
    },
}

/// The kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// [`EventDetail::PriceMove`].
    PriceMove = 1,
    /// [`EventDetail::Trade`].
    Trade = 2,
    /// [`EventDetail::LiquidityChange`].
    LiquidityChange = 3,
    /// [`EventDetail::State`].
    State = 4,
    /// [`EventDetail::Invalidated`].
    Invalidated = 5,
}

impl EventKind {
    /// Every one, in the order of their codes.
    pub const ALL: [Self; 5] =
        [Self::PriceMove, Self::Trade, Self::LiquidityChange, Self::State, Self::Invalidated];

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// As in configuration, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PriceMove => "price_move",
            Self::Trade => "trade",
            Self::LiquidityChange => "liquidity_change",
            Self::State => "state",
            Self::Invalidated => "invalidated",
        }
    }
}

impl EventDetail {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::PriceMove { .. } => EventKind::PriceMove,
            Self::Trade { .. } => EventKind::Trade,
            Self::LiquidityChange { .. } => EventKind::LiquidityChange,
            Self::State { .. } => EventKind::State,
            Self::Invalidated { .. } => EventKind::Invalidated,
        }
    }
}
