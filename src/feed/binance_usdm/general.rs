//! The general path: any JSON that means what USD-M payloads mean, and the words of every error.
//!
//! Owns what must be there and what contradicts what. Never sees most frames: it takes reordered and unknown fields, whitespace and
//! escapes, the rolling figures, and all that is wrong. Levels go straight into the bounded buffers.

use std::borrow::Cow;

use super::wire;
use crate::domain::{Link, Quote, Trade, VenueSequence};
use crate::feed::binance::combined::{Content, Payload, Said, aggressor};
use crate::feed::json::{Text, number, quote_side, required, side, stamp, time};
use crate::feed::levels::Buffers;
use crate::feed::{DecodeError, Place};

type Decoded = Result<Said, DecodeError>;

/// Trades that the market made. Others fill positions of the insurance fund or of a forced reduction at prices that
/// nobody quoted.
const MARKET: &str = "MARKET";

pub(super) fn quote(payload: Payload<'_>) -> Decoded {
    let wire: wire::BookTicker<'_> = payload.read()?;
    if payload.is_shutdown(wire.e, "bookTicker")? {
        return Ok(Said::ShuttingDown);
    }
    payload.carries(wire.s)?;
    Ok(Said::Market(Content::Quote(Quote {
        venue_sequence: Some(VenueSequence(required("u", wire.u)?)),
        bid: quote_side(["b", "B"], wire.b, wire.bid_size)?,
        ask: quote_side(["a", "A"], wire.a, wire.ask_size)?,
        venue_time: stamp("T", wire.transaction_time)?,
    })))
}

pub(super) fn trade(payload: Payload<'_>) -> Decoded {
    let wire: wire::Trade<'_> = payload.read()?;
    if payload.is_shutdown(wire.e, "trade")? {
        return Ok(Said::ShuttingDown);
    }
    payload.carries(wire.s)?;
    // The stream is undocumented: should the field go one day, every trade is taken for the market's.
    if wire.kind.unwrap_or(Text(Cow::Borrowed(MARKET))).0 != MARKET {
        return Ok(Said::Other);
    }
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

pub(super) fn depth(payload: Payload<'_>, buffers: &mut Buffers) -> Decoded {
    let wire: wire::DepthUpdate<'_> = payload.read()?;
    if payload.is_shutdown(wire.e, "depthUpdate")? {
        return Ok(Said::ShuttingDown);
    }
    payload.carries(wire.s)?;
    let first = required("U", wire.first)?;
    let last = required("u", wire.u)?;
    let before = required("pu", wire.pu)?;
    for (first, last) in [(before, first), (first, last)] {
        if first > last {
            return Err(DecodeError::SequenceReversed { first, last });
        }
    }
    let venue_time = stamp("T", wire.transaction_time)?;
    side("b", required("b", wire.b)?, payload.frame, &mut buffers.bids)?;
    side("a", required("a", wire.a)?, payload.frame, &mut buffers.asks)?;
    Ok(Said::Market(Content::Depth {
        link: Link::After(VenueSequence(before)),
        last: VenueSequence(last),
        venue_time,
    }))
}
