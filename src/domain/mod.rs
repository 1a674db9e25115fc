//! The nouns: venue, instrument, exact numbers, times, records, versions, states, events.
//!
//! Owns the types in which the stages meet. Never does I/O, never awaits, never reads a clock.
//! Every name has a length limit and every number a range; both are checked where a value is made.

mod backoff;
mod calendar;
mod capacity;
mod compare;
mod depth;
mod durations;
mod entity;
mod event;
mod event_policy;
mod hash;
mod history;
mod instrument;
mod key_event;
mod log_throttle;
mod market_rules;
mod namespace;
mod number;
mod order;
mod price;
#[cfg(test)]
mod properties;
mod quality;
mod record;
mod request;
mod scales;
pub(crate) mod swar;
mod time;
mod update;
mod venue;
mod version;
mod volume;

pub use backoff::{Backoff, Ladder, doubled};
pub use calendar::civil_from_days;
pub use capacity::{DEPTH_MAX, INSTRUMENTS_MAX, LEVELS_MAX};
pub use compare::{BestLevel, COMPARE_VENUES_MAX, CompareRecord, ComparedVenue};
pub use depth::{DepthLevel, LiquidityRecord};
pub use durations::EntityDurations;
pub use entity::{Entity, UnknownEntity};
pub use event::{
    BookImage, Channel, Check, DepthDelta, DepthSnapshot, Form, Link, MarketEvent, Quote, RawLevel, Side,
    Subscription, Ticker, Top, Trade, VolumeFigures, VolumeUnit, Written,
};
pub use event_policy::{EventKinds, EventPolicy, MovePrice};
pub use hash::{FNV_START, fnv1a};
pub use history::{CANDLES_MAX, Candle, CandleFlags, HistoryRecord};
pub use instrument::{Instrument, InstrumentError};
pub use key_event::{EventDetail, EventKind, INVALIDATION_TEXT_MAX, KeyEvent};
pub use log_throttle::LogThrottle;
pub use market_rules::{
    Anchor, BookRules, Checksum, Contract, Coverage, MarketRules, PriceFrom, TickerTop, WrittenLevel,
    WrittenNumber,
};
pub use namespace::{NAMESPACE_CHARS_MAX, Namespace, NamespaceError};
pub use number::{Number, NumberError, POWERS_OF_TEN, Price, SCALE_MAX, Scale, Size, SizeUnit};
pub use price::{LastTrade, PriceLevel, PriceRecord};
pub use quality::{Reason, State, Trading};
pub use record::{Record, Stamp};
pub use request::{Reach, Request};
pub use scales::Scales;
pub use time::{ConfirmedTime, MonoTime, Now, PublishTime, ReceiveTime, VenueTime, WallTime};
pub use update::{InstrumentId, RecordRef, SessionId, SlotId, Update, UpdateSink, Urgency};
pub use venue::{Feed, Venue, VenueError};
pub use version::{Epoch, Sequence, VERSION_MAX, VenueSequence, Version};
pub use volume::VolumeRecord;
