//! The `volume` record: the venue's rolling figures.

use super::{Price, Scale, Scales, Size, Stamp};

/// The venue's rolling figures (WIRE.md, `volume`). What the venue does not send is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeRecord {
    /// State and times of the figures.
    pub stamp: Stamp,
    /// Of prices and of the base volume.
    pub scales: Scales,
    /// Of the quote volume.
    pub quote_scale: Scale,
    /// Traded, in base units.
    pub base_volume: Option<Size>,
    /// Traded, in quote units, at the quote scale.
    pub quote_volume: Option<Size>,
    /// Number of trades.
    pub trade_count: Option<u64>,
    /// First price of the window.
    pub open: Option<Price>,
    /// Highest price of the window.
    pub high: Option<Price>,
    /// Lowest price of the window.
    pub low: Option<Price>,
    /// Last price.
    pub last: Option<Price>,
    /// Length of the window, in seconds.
    pub window_s: u32,
}

impl VolumeRecord {
    /// Of an instrument about which nothing is known yet.
    #[must_use]
    pub const fn unknown(stamp: Stamp, window_s: u32) -> Self {
        Self {
            stamp,
            scales: Scales { price: Scale::ZERO, size: Scale::ZERO },
            quote_scale: Scale::ZERO,
            base_volume: None,
            quote_volume: None,
            trade_count: None,
            open: None,
            high: None,
            low: None,
            last: None,
            window_s,
        }
    }
}
