//! What is watched in the values of a key: a price that moves, a side of the book that grows or shrinks.
//!
//! Owns the references, each with its scale, so that a record whose scales are raised needs no care. Never looks at a
//! value that is not live; the first live one after that is the new reference, and no event.

use std::fmt::Debug;

use super::deviation::Limit;
use crate::domain::{
    DepthLevel, EventDetail, EventKind, EventPolicy, LiquidityRecord, MovePrice, Number, Price, PriceRecord,
    ReceiveTime, Scale, Side, Size, VolumeRecord,
};

/// Compares each live value of a key with a reference.
pub(super) trait Watch<R>: Default + Debug {
    /// A live value is about to be published; returns what is to be told of it.
    fn look(&mut self, record: &R, policy: &EventPolicy) -> Vec<EventDetail>;

    /// The next live value is the reference.
    fn clear(&mut self);

    /// `record` is not live, or a new subscription begins: the next live value is the reference, and what `record` holds is
    /// no live value.
    fn forget(&mut self, record: &R);
}

/// Watches a price for moves.
#[derive(Debug, Default)]
pub(super) struct PriceWatch {
    /// Of the mid: bid + ask, which is exact where half of it is not.
    reference: Option<Number>,
    /// When the trade came in that was the last one while the price was not live: it is no live price.
    passed_over: Option<ReceiveTime>,
}

impl PriceWatch {
    /// The price as it is watched.
    #[inline]
    fn price(&self, record: &PriceRecord, source: MovePrice) -> Option<i128> {
        match source {
            MovePrice::Mid => record.bid?.price.0.checked_add(record.ask?.price.0),
            MovePrice::Last => {
                let last = record
                    .last
                    .filter(|last| self.passed_over.is_none() || last.receive_time != self.passed_over);
                last.map(|last| last.price.0)
            }
        }
    }
}

impl Watch<PriceRecord> for PriceWatch {
    #[inline]
    fn look(&mut self, record: &PriceRecord, policy: &EventPolicy) -> Vec<EventDetail> {
        if !policy.kinds.contains(EventKind::PriceMove) {
            return Vec::new();
        }
        let Some(price) = self.price(record, policy.price) else { return Vec::new() };
        let scale = record.scales.price;
        let limit = Limit::percent_thousandths(policy.price_move_percent_thousandths);
        match changed(&mut self.reference, Number { mantissa: price, scale }, limit) {
            Some(reference) => vec![price_move(policy.price, scale, reference, price)],
            None => Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.reference = None;
    }

    fn forget(&mut self, record: &PriceRecord) {
        self.clear();
        self.passed_over = record.last.and_then(|last| last.receive_time);
    }
}

/// Two sums of bid and ask are halved where both are even, else told with one digit more. Where there is no finer scale,
/// half a unit is rounded down.
fn price_move(source: MovePrice, scale: Scale, reference: i128, price: i128) -> EventDetail {
    let even = reference % 2 == 0 && price % 2 == 0;
    let finer = Scale::new(scale.digits() + 1).filter(|_| !even);
    let finer = finer.and_then(|finer| Some((finer, reference.checked_mul(5)?, price.checked_mul(5)?)));
    let (price_scale, reference, price) = match (source, finer) {
        (MovePrice::Last, _) => (scale, reference, price),
        (MovePrice::Mid, Some(finer)) => finer,
        (MovePrice::Mid, None) => (scale, reference.div_euclid(2), price.div_euclid(2)),
    };
    EventDetail::PriceMove { price_scale, reference: Price(reference), price: Price(price) }
}

/// Watches the size of what is published of each side.
#[derive(Debug, Default)]
pub(super) struct LiquidityWatch {
    bids: Option<Number>,
    asks: Option<Number>,
}

impl Watch<LiquidityRecord> for LiquidityWatch {
    fn look(&mut self, record: &LiquidityRecord, policy: &EventPolicy) -> Vec<EventDetail> {
        let mut found = Vec::new();
        if !policy.kinds.contains(EventKind::LiquidityChange) {
            return found;
        }
        let size_scale = record.scales.size;
        let limit = Limit::percent(policy.liquidity_change_percent);
        let sides = [(Side::Buy, &mut self.bids, &record.bids), (Side::Sell, &mut self.asks, &record.asks)];
        for (side, reference, levels) in sides {
            let Some(total) = total(levels) else {
                *reference = None;
                continue;
            };
            if let Some(before) = changed(reference, Number { mantissa: total, scale: size_scale }, limit) {
                let (before, after) = (Size(before), Size(total));
                found.push(EventDetail::LiquidityChange { size_scale, before, after, side });
            }
        }
        found
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    fn forget(&mut self, _: &LiquidityRecord) {
        self.clear();
    }
}

/// Figures over 24 hours are not watched.
impl Watch<VolumeRecord> for () {
    fn look(&mut self, _: &VolumeRecord, _: &EventPolicy) -> Vec<EventDetail> {
        Vec::new()
    }

    fn clear(&mut self) {}

    fn forget(&mut self, _: &VolumeRecord) {}
}

/// The size of all levels; `None` where no mantissa holds it.
fn total(levels: &[DepthLevel]) -> Option<i128> {
    levels.iter().try_fold(0_i128, |total, level| total.checked_add(level.size.0))
}

/// Whether `number` is beyond the limit from the reference, which it then becomes: returns the old one, at the scale of
/// `number`. The first number is the reference and no change.
#[inline]
fn changed(reference: &mut Option<Number>, number: Number, limit: Limit) -> Option<i128> {
    let known = reference.and_then(|known| raised(known, number.scale));
    match known {
        Some(known) if !limit.is_exceeded(known, number.mantissa) => None,
        _ => {
            *reference = Some(number);
            known
        }
    }
}

/// The mantissa at a scale that is as fine or finer; `None` where none holds it.
#[inline]
fn raised(number: Number, scale: Scale) -> Option<i128> {
    if number.scale == scale { Some(number.mantissa) } else { number.mantissa_at(scale).ok() }
}
