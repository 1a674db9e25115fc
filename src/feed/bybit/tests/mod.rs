//! What the venue guarantees, over frames made in its form.

mod captures;
mod errors;
mod frames;
mod protocol;

use crate::feed::paths::{level, number};
