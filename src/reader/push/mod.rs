//! What Redis pushes: subscriptions of all followers of a reader, over as few connections as there are nodes.
//!
//! Owns which channel is subscribed where, the supervision of those connections, and the mailboxes between them and the
//! followers. Never decodes a message and never reads a value: followers do. At most [`CHANNELS_MAX`] channels a reader
//! (further ones are not subscribed, and polled instead); a mailbox holds the newest message a channel and
//! [`EVENTS_MAX`] events, so that a slow follower costs memory once.
//!
//! | file | owns |
//! |---|---|
//! | `mailbox` | what has arrived for one follower and was not taken yet |
//! | `book` | which follower wants which channel, and which channels are subscribed |
//! | `hub` | which connections there are, and when they are made anew |
//! | `session` | one connection: subscribing, PING, the end |

mod book;
mod hub;
mod mailbox;
mod session;

pub use book::CHANNELS_MAX;
pub(super) use hub::{Hub, Subscription};
pub use mailbox::EVENTS_MAX;
pub(super) use mailbox::Keep;
