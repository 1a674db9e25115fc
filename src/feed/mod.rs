//! From a venue's websocket to domain events.

pub mod binance;
mod decode_error;
mod frame;

pub use decode_error::{DecodeError, EXCERPT_BYTES_MAX, Excerpt, Place};
pub use frame::Frame;
