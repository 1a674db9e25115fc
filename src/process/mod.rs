//! From events to values: order books, continuity, how far each value can be trusted, what is worth telling.
//!
//! Pure: no I/O, no clocks (`now` is an argument), no Redis. Every buffer is bounded: `buffer` names the policy for
//! deltas that wait for a snapshot, [`LEVELS_MAX`](crate::domain::LEVELS_MAX) bounds a side of a book.
//!
//! | file | owns |
//! |---|---|
//! | `book`, `side` | levels, sorted, with the depth that is known |
//! | `buffer` | deltas that wait for a snapshot |
//! | `depth_sync` | the procedures that make a book out of snapshots, images and deltas, each continuing the one before |
//! | `contract` | from the venue's units to ours |
//! | `key` | what the three keys of an instrument have in common: state, confirmation |
//! | `watch`, `deviation` | prices that move, sides that grow or shrink: exactly, against a reference |
//! | `outlet` | where values and events go, and how many events |
//! | `tally` | the order of trades where the venue counts them, and whether some are missing |
//! | `witness` | whether trades and tickers contradict a book that cannot be proved by itself |
//! | `liveness` | silence and evidence, per subscription |
//! | `lag` | frames that arrive later than they could |
//! | `price`, `liquidity`, `volume` | one value each: data and reason in, record out |
//! | `instrument` | the three values of an instrument |
//! | `intake`, `attention` | what an event does to them; how they confirm each other meanwhile |
//! | `listing` | what the venue's list says of an instrument |
//! | `schedule` | which instruments have to be looked at now |
//! | `feed_state`, `counts` | all instruments of a feed; the entry points; what happened, in numbers |

mod attention;
mod book;
mod buffer;
mod contract;
mod counts;
mod depth_sync;
mod deviation;
mod feed_state;
mod instrument;
mod intake;
mod key;
mod lag;
mod liquidity;
mod listing;
mod liveness;
mod outlet;
mod price;
mod schedule;
mod side;
mod stamps;
mod tally;
#[cfg(test)]
mod tests;
mod tops;
mod unreadable;
mod volume;
mod watch;
mod witness;

pub use book::Book;
pub use counts::Counts;
pub use feed_state::{FeedState, InstrumentSpec};
pub use listing::Standing;
pub use outlet::{CHANGES_NAMED_MAX, Changes};
