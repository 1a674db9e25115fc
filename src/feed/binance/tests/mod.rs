//! What the decoder guarantees, over frames made in the venue's form.

mod captures;
mod errors;
mod frames;
mod paths;
mod rest;

use crate::feed::paths::{level, number};
