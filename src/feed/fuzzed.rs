//! The checks of the fuzz targets, for the tests of decoders: the same files, which fuzzing includes from its own crate.
//!
//! Owns nothing but the names that those files look for.

use super::{DecodeError, Frame};
use crate::domain::{Check, LEVELS_MAX, MarketEvent, RawLevel};

#[path = "../../fuzz/src/agreement.rs"]
pub(super) mod agreement;
#[path = "../../fuzz/src/mutate.rs"]
pub(super) mod mutate;
