//! From the venue's units to ours.
//!
//! Owns the multiplications, all of them exact. Never rounds: what does not fit is an error. Books keep the venue's own units,
//! because checksums are made over those; what is published is converted.

use crate::domain::{
    Contract, DepthLevel, Number, NumberError, POWERS_OF_TEN, Quote, RawLevel, Scale, Scales, SizeUnit,
    Trade, VolumeFigures, VolumeUnit,
};

/// The scales that numbers at `scales` need once they are converted.
///
/// # Errors
/// [`NumberError::TooFine`] where a record has no such scale.
pub(super) fn scales(contract: &Contract, scales: Scales) -> Result<Scales, NumberError> {
    let finer = |scale: Scale, factor: Number| {
        Scale::new(scale.digits() + factor.scale.digits()).ok_or(NumberError::TooFine)
    };
    Ok(Scales { price: finer(scales.price, contract.price)?, size: finer(scales.size, contract.size)? })
}

/// Converts levels at the scales `from` to the scales `to`, which hold [`scales`] of them.
pub(super) fn convert(contract: &Contract, from: Scales, to: Scales, levels: &mut [DepthLevel]) {
    if contract.is_plain() && from == to {
        return;
    }
    let factor = |factor: Number, from: Scale, to: Scale| {
        factor.mantissa * POWERS_OF_TEN[usize::from(to.digits() - from.digits() - factor.scale.digits())]
    };
    let price = factor(contract.price, from.price, to.price);
    let size = factor(contract.size, from.size, to.size);
    for level in levels {
        level.price.0 *= price;
        level.size.0 *= size;
    }
}

/// A top of book in our units.
///
/// # Errors
/// [`NumberError`] where a number does not fit.
pub(super) fn quote(contract: &Contract, quote: &Quote) -> Result<Quote, NumberError> {
    if contract.is_plain() {
        return Ok(*quote);
    }
    let level = |level: Option<RawLevel>| -> Result<Option<RawLevel>, NumberError> {
        let Some(level) = level else { return Ok(None) };
        Ok(Some(RawLevel {
            price: level.price.times(contract.price)?,
            size: level.size.times(contract.size)?,
        }))
    };
    Ok(Quote { bid: level(quote.bid)?, ask: level(quote.ask)?, ..*quote })
}

/// A trade in our units.
///
/// # Errors
/// [`NumberError`] where a number does not fit.
pub(super) fn trade(contract: &Contract, trade: &Trade) -> Result<Trade, NumberError> {
    if contract.is_plain() {
        return Ok(*trade);
    }
    Ok(Trade { price: trade.price.times(contract.price)?, size: trade.size.times(contract.size)?, ..*trade })
}

/// Figures in our units.
///
/// # Errors
/// [`NumberError`] where a number does not fit.
pub(super) fn figures(contract: &Contract, figures: &VolumeFigures) -> Result<VolumeFigures, NumberError> {
    if contract.is_plain() {
        return Ok(*figures);
    }
    let price = |price: Option<Number>| price.map(|price| price.times(contract.price)).transpose();
    let base_volume = match (figures.unit, contract.unit) {
        (VolumeUnit::Base, _) => figures.base_volume,
        (VolumeUnit::Size, SizeUnit::Base) => {
            figures.base_volume.map(|volume| volume.times(contract.size)).transpose()?
        }
        // What was traded is known in quote units only.
        (VolumeUnit::Size, SizeUnit::Quote) => None,
    };
    Ok(VolumeFigures {
        base_volume,
        open: price(figures.open)?,
        high: price(figures.high)?,
        low: price(figures.low)?,
        last: price(figures.last)?,
        ..*figures
    })
}
