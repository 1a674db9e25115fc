//! The general path: any JSON that means what spot's payloads mean, and the words of every error.
//!
//! Owns what must be there and what contradicts what. Never sees most frames: it takes reordered and unknown fields,
//! whitespace and escapes, and all that is wrong. Levels go straight into the bounded buffers; nothing else grows with the frame.

use std::borrow::Cow;

use super::combined::{Content, Payload, Said, aggressor};
use super::wire;
use crate::domain::{Channel, Form, Link, Quote, Trade, VenueSequence, VolumeFigures, VolumeUnit};
use crate::feed::json::{Text, figure, number, quote_side, required, side, stamp, time};
use crate::feed::levels::{self, Buffers};
use crate::feed::{DecodeError, Place};

/// "24hr rolling window".
pub(super) const WINDOW_S: u32 = 86_400;

type Decoded = Result<Said, DecodeError>;

/// As [`super::combined::Dialect::general`].
pub(super) fn payload(channel: Channel, payload: Payload<'_>, buffers: &mut Buffers) -> Decoded {
    match channel {
        Channel::Quote => quote(payload),
        Channel::Trade => trade(payload),
        Channel::Depth => depth(payload, buffers),
        Channel::Volume => ticker(payload, VolumeUnit::Base),
    }
}

fn quote(payload: Payload<'_>) -> Decoded {
    let wire: wire::BookTicker<'_> = payload.read()?;
    // Spot sends no event type here; one that says something else is refused all the same.
    let event = wire.e.unwrap_or(Text(Cow::Borrowed("bookTicker")));
    if payload.is_shutdown(Some(event), "bookTicker")? {
        return Ok(Said::ShuttingDown);
    }
    payload.carries(wire.s)?;
    Ok(Said::Market(Content::Quote(Quote {
        venue_sequence: Some(VenueSequence(required("u", wire.u)?)),
        bid: quote_side(["b", "B"], wire.b, wire.bid_size)?,
        ask: quote_side(["a", "A"], wire.a, wire.ask_size)?,
        venue_time: None,
    })))
}

fn trade(payload: Payload<'_>) -> Decoded {
    let wire: wire::Trade<'_> = payload.read()?;
    if payload.is_shutdown(wire.e, "trade")? {
        return Ok(Said::ShuttingDown);
    }
    payload.carries(wire.s)?;
    let trade = Trade {
        price: number("p", wire.p)?,
        size: number("q", wire.q)?,
        side: aggressor(required("m", wire.m)?),
        venue_time: Some(time("T", wire.trade_time)?),
        number: wire.t.map(VenueSequence),
    };
    for (field, value) in [("p", trade.price), ("q", trade.size)] {
        if value.is_zero() {
            return Err(DecodeError::Zero { place: Place::Field(field) });
        }
    }
    Ok(Said::Market(Content::Trade(trade)))
}

fn depth(payload: Payload<'_>, buffers: &mut Buffers) -> Decoded {
    let wire: wire::DepthUpdate<'_> = payload.read()?;
    if payload.is_shutdown(wire.e, "depthUpdate")? {
        return Ok(Said::ShuttingDown);
    }
    payload.carries(wire.s)?;
    let first = required("U", wire.first)?;
    let last = required("u", wire.u)?;
    if first > last {
        return Err(DecodeError::SequenceReversed { first, last });
    }
    let venue_time = stamp("E", wire.event_time)?;
    side("b", required("b", wire.b)?, payload.frame, &mut buffers.bids)?;
    side("a", required("a", wire.a)?, payload.frame, &mut buffers.asks)?;
    Ok(Said::Market(Content::Depth {
        link: Link::From(VenueSequence(first)),
        last: VenueSequence(last),
        venue_time,
    }))
}

/// The rolling figures, which futures send in the same form.
pub(in crate::feed) fn ticker(payload: Payload<'_>, unit: VolumeUnit) -> Decoded {
    let wire: wire::Ticker<'_> = payload.read()?;
    if payload.is_shutdown(wire.e, "24hrTicker")? {
        return Ok(Said::ShuttingDown);
    }
    payload.carries(wire.s)?;
    let price = |field, text| Ok::<_, DecodeError>(figure(field, text)?.and_then(levels::traded_price));
    let (is_empty, venue_time) = (wire.c.is_none() && wire.v.is_none(), stamp("E", wire.event_time)?);
    let figures = VolumeFigures {
        form: Form::Whole,
        unit,
        base_volume: figure("v", wire.v)?,
        quote_volume: figure("q", wire.q)?,
        trade_count: wire.n,
        open: price("o", wire.o)?,
        high: price("h", wire.h)?,
        low: price("l", wire.l)?,
        last: price("c", wire.c)?,
        window_s: WINDOW_S,
        venue_time,
    };
    if is_empty {
        return Err(DecodeError::Missing { field: "c" });
    }
    Ok(Said::Market(Content::Volume(figures)))
}
