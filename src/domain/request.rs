//! What `process` asks of whoever talks to the venue.

use super::{InstrumentId, Subscription};

/// How many levels a snapshot is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Enough to begin with.
    Near,
    /// So many that the market may move far before the known ones run out.
    Far,
}

/// A wish of `process`. It is asked again after a while when nothing comes of it, so losing one is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Request {
    /// Fetch a depth snapshot.
    Snapshot(InstrumentId, Reach),
    /// Ask the venue for the top of book by another way than the subscription.
    ConfirmQuote(InstrumentId),
    /// Cancel the subscription and make it again.
    Resubscribe(Subscription),
}
