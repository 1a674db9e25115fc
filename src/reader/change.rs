//! What a follower is told.
//!
//! Owns the words for it. Never decides what is news: `copy` and `rhythm` do.

use super::{ReadError, Trust, View};
use crate::codec::key::ValueKey;
use crate::codec::{DecodeError, EventMessage};
use crate::domain::{Feed, Venue};

/// Which venues to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Venues {
    /// Those in the catalog, as they come and go.
    All,
    /// Just these, whether the catalog knows them or not.
    Only(Vec<Venue>),
}

/// Something that a follower should know.
#[derive(Debug)]
#[non_exhaustive]
pub enum Change {
    /// Another value, or the first.
    Value(Box<View>, Trust),
    /// The same value, known to stand more recently.
    Confirmed(Box<View>, Trust),
    /// The same value, but nobody has confirmed it for too long (or its writer's clock came into range again).
    Aged(Box<View>, Trust),
    /// The key has expired or was deleted.
    Gone(ValueKey),
    /// What stands there cannot be read; to be treated as gone. Said once, until it can be read again.
    Unreadable(ValueKey, DecodeError),
    /// Redis does not answer. What was reported before grows old, and is reported as such.
    Lost(ReadError),
    /// Redis answers again; what changed meanwhile follows.
    Restored,
    /// What happened to a key of this instrument, of whatever entity, at a followed venue. Only with
    /// [`Watch::with_events`](super::Watch::with_events); the value that it speaks of was reported before, unless a newer one took its place.
    Event(EventMessage),
    /// A feed that sent heartbeats has not for a second: its engine is gone, or our path to it. Everything was read anew
    /// and is looked at often now.
    Silent(Feed),
    /// That feed's heartbeats are back.
    Heard(Feed),
}
