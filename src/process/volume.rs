//! The rolling figures of one instrument: figures in, `volume` records out.
//!
//! Owns the record. Never computes a figure: what the venue does not send stays unknown.

use super::key::{Key, confirm_at};
use super::outlet::Outlet;
use crate::domain::{
    Form, Now, Number, NumberError, Price, Reason, Scale, Scales, Size, Urgency, VolumeFigures, VolumeRecord,
};

#[derive(Debug)]
pub(super) struct VolumeKey {
    pub(super) key: Key<VolumeRecord>,
}

impl VolumeKey {
    /// Takes new figures. The scales of the record must hold them, see [`Self::rescale`]; the quote scale is its own.
    ///
    /// # Errors
    /// [`NumberError`] where a number does not fit; nothing has changed then.
    pub(super) fn figures(
        &mut self,
        figures: &VolumeFigures,
        received: Now,
        out: &mut Outlet<'_>,
    ) -> Result<(), NumberError> {
        let record = &mut self.key.record;
        let scales = record.scales;
        let price = |number: Option<Number>| number.map(|number| scales.price_of(number)).transpose();
        let quote_scale =
            record.quote_scale.max(figures.quote_volume.map_or(Scale::ZERO, |number| number.scale));
        if quote_scale != record.quote_scale
            && let Some(known) = &mut record.quote_volume
        {
            let from = Scales { price: scales.price, size: record.quote_scale };
            known.0 *= from.size_factor(Scales { price: scales.price, size: quote_scale });
        }
        record.quote_scale = quote_scale;
        let quote = Scales { price: scales.price, size: quote_scale };
        let [open, high, low, last]: [Option<Price>; 4] =
            [price(figures.open)?, price(figures.high)?, price(figures.low)?, price(figures.last)?];
        let base_volume = figures.base_volume.map(|number| scales.size_of(number)).transpose()?;
        let quote_volume = figures.quote_volume.map(|number| quote.size_of(number)).transpose()?;
        if figures.form == Form::Whole {
            (record.base_volume, record.quote_volume, record.trade_count) = (None, None, None);
            (record.open, record.high, record.low, record.last) = (None, None, None, None);
        }
        record.base_volume = base_volume.or(record.base_volume);
        record.quote_volume = quote_volume.or(record.quote_volume);
        record.trade_count = figures.trade_count.or(record.trade_count);
        record.open = open.or(record.open);
        record.high = high.or(record.high);
        record.low = low.or(record.low);
        record.last = last.or(record.last);
        record.window_s = figures.window_s;
        record.stamp.venue_time = figures.venue_time;
        record.stamp.receive_time = received.wall.received();
        confirm_at(&mut record.stamp, received);
        if figures.form == Form::Whole {
            self.key.unreadable.whole();
        }
        let transition = self.key.set_reason(Reason::None, received.mono);
        self.key.liveness.data(received);
        self.key.push(transition.urgency_or(Urgency::Normal), received, out);
        Ok(())
    }

    pub(super) fn rescale(&mut self, to: Scales) {
        let record = &mut self.key.record;
        let (price, size) = (record.scales.price_factor(to), record.scales.size_factor(to));
        for figure in
            [&mut record.open, &mut record.high, &mut record.low, &mut record.last].into_iter().flatten()
        {
            *figure = Price(figure.0 * price);
        }
        if let Some(volume) = &mut record.base_volume {
            *volume = Size(volume.0 * size);
        }
        record.scales = to;
    }
}

/// The scales that the figures need.
pub(super) fn scales_of(figures: &VolumeFigures) -> (Scale, Scale) {
    let price = [figures.open, figures.high, figures.low, figures.last]
        .into_iter()
        .flatten()
        .map(|number| number.scale)
        .max()
        .unwrap_or(Scale::ZERO);
    (price, figures.base_volume.map_or(Scale::ZERO, |number| number.scale))
}
