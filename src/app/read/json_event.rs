//! Events as programs read them: one JSON object each, `event` naming the kind.
//!
//! Owns the field names. Prices and sizes are strings of exact decimals, times are ints of nanoseconds since 1970.

use serde::Serialize;

use super::json::line;
use crate::codec::EventMessage;
use crate::domain::{EventDetail, Number, Scale, Side};

#[derive(Serialize)]
struct Object<'a> {
    event: &'a str,
    instrument: &'a str,
    venue: &'a str,
    entity: &'a str,
    epoch: u64,
    sequence: u64,
    time: i64,
    #[serde(flatten)]
    detail: Detail<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Detail<'a> {
    PriceMove { reference: String, price: String },
    Trade { price: String, size: String, side: &'a str },
    LiquidityChange { before: String, after: String, side: &'a str },
    State { state: &'a str, reason: &'a str },
    Invalidated { who: &'a str, why: &'a str },
}

/// An event on one line.
pub(super) fn key_event(event: &EventMessage) -> String {
    let detail = match &event.detail {
        EventDetail::PriceMove { price_scale, reference, price } => Detail::PriceMove {
            reference: number(*price_scale, reference.0),
            price: number(*price_scale, price.0),
        },
        EventDetail::Trade { scales, price, size, side } => Detail::Trade {
            price: number(scales.price, price.0),
            size: number(scales.size, size.0),
            side: if *side == Side::Buy { "buy" } else { "sell" },
        },
        EventDetail::LiquidityChange { size_scale, before, after, side } => Detail::LiquidityChange {
            before: number(*size_scale, before.0),
            after: number(*size_scale, after.0),
            side: if *side == Side::Buy { "bids" } else { "asks" },
        },
        EventDetail::State { state, reason } => {
            Detail::State { state: state.as_str(), reason: reason.as_str() }
        }
        EventDetail::Invalidated { who, why } => Detail::Invalidated { who, why },
    };
    line(&Object {
        event: event.detail.kind().as_str(),
        instrument: event.instrument.as_str(),
        venue: event.venue.as_str(),
        entity: event.entity.as_str(),
        epoch: event.version.epoch.get(),
        sequence: event.version.sequence.get(),
        time: event.time.nanos(),
        detail,
    })
}

fn number(scale: Scale, mantissa: i128) -> String {
    Number { mantissa, scale }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::read::text;
    use crate::domain::{Entity, Epoch, Price, Reason, Scales, Sequence, Size, State, Version, WallTime};

    fn event(detail: EventDetail) -> EventMessage {
        EventMessage {
            instrument: "BTC-USDT".parse().unwrap(),
            venue: "binance".parse().unwrap(),
            entity: Entity::Price,
            version: Version { epoch: Epoch::new(7).unwrap(), sequence: Sequence::new(12).unwrap() },
            time: WallTime::from_nanos(3_723_000_001_000),
            detail,
        }
    }

    #[test]
    fn every_kind_is_printed_in_both_forms() {
        let scale = |digits| Scale::new(digits).unwrap();
        let scales = Scales { price: scale(2), size: scale(5) };
        for (detail, text, json) in [
            (
                EventDetail::PriceMove { price_scale: scale(2), reference: Price(100), price: Price(-2) },
                "price_move  price  1.00 -> -0.02",
                r#""reference":"1.00","price":"-0.02""#,
            ),
            (
                EventDetail::Trade { scales, price: Price(100), size: Size(1), side: Side::Sell },
                "trade  price  sold 0.00001 at 1.00",
                r#""price":"1.00","size":"0.00001","side":"sell""#,
            ),
            (
                EventDetail::LiquidityChange {
                    size_scale: scale(0),
                    before: Size(3),
                    after: Size(4),
                    side: Side::Buy,
                },
                "liquidity_change  price  bids 3 -> 4",
                r#""before":"3","after":"4","side":"bids""#,
            ),
            (
                EventDetail::State { state: State::Suspect, reason: Reason::Silent },
                "state  price  suspect (silent)",
                r#""state":"suspect","reason":"silent""#,
            ),
            (
                EventDetail::Invalidated { who: "bot@host".into(), why: "own \u{1b}[2Jfill".into() },
                "invalidated  price  by bot@host: own  [2Jfill",
                r#""who":"bot@host","why":"own \u001b[2Jfill""#,
            ),
        ] {
            let event = event(detail);
            let printed = text::event(&event);
            assert_eq!(printed, format!("01:02:03.000001  BTC-USDT binance  {text}  v7.12"));
            let printed = key_event(&event);
            let kind = event.detail.kind().as_str();
            let head = format!(
                r#"{{"event":"{kind}","instrument":"BTC-USDT","venue":"binance","entity":"price","epoch":7,"sequence":12,"time":3723000001000,"#
            );
            assert_eq!(printed, format!("{head}{json}}}"));
        }
    }
}
