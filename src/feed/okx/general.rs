//! The general path: any JSON of the documented meaning, and the words of every error.
//!
//! Owns what must be there and what contradicts what. Never sees most frames: it takes reordered and unknown fields, whitespace
//! and escapes, and all that is wrong. Levels and trades go straight into the bounded buffers; nothing else grows with the
//! frame.

use serde_json::value::RawValue;

use super::decode::{Content, Numbered, sum};
use super::{protocol, wire};
use crate::domain::{
    Channel, Form, LEVELS_MAX, Link, NumberError, Quote, RawLevel, Side, Trade, Trading, VenueSequence,
    VenueTime, VolumeFigures, VolumeUnit, Written,
};
use crate::feed::json::{
    Text, each, excerpt, figure, malformed, next_level, number, object, object_text, offset_of, parse,
    required,
};
use crate::feed::levels::{self, Buffers};
use crate::feed::venue::write_route;
use crate::feed::{ChannelNames, DecodeError, Excerpt, Frame, Place};

/// "24h": a rolling day.
const WINDOW_S: u32 = 86_400;

/// "Service upgrade notice": the connection will be closed soon
/// (<https://www.okx.com/docs-v5/en/#overview-websocket-notification>).
const UPGRADE_NOTICE: i64 = 64_008;

/// The answer to the text `ping`.
const PONG: &[u8] = b"pong";

/// What a frame says, with the stream's name in the route, levels and trades in the [`Buffers`].
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is on the stack, and gone at once")]
pub(super) enum Said {
    Market(Content),
    Subscribed,
    /// Symbols, and whether they trade.
    Trading(Vec<(String, Trading)>),
    Else(Frame<'static>),
}

/// As [`super::Decoder::decode`].
pub(super) fn decode(
    frame: &[u8],
    names: &ChannelNames,
    buffers: &mut Buffers,
    route: &mut String,
) -> Result<Said, DecodeError> {
    if frame == PONG {
        return Ok(Said::Else(Frame::Other));
    }
    let Some(text) = object_text(frame)? else { return Ok(Said::Else(Frame::Unknown)) };
    let mut envelope: wire::Envelope<'_> = parse(text, frame)?;
    if let Some(event) = envelope.event.take() {
        return control(&event.0, envelope, frame, route);
    }
    match (envelope.arg, envelope.data) {
        (None, None) => Ok(Said::Else(Frame::Unknown)),
        (None, Some(_)) => Err(DecodeError::Missing { field: "arg" }),
        (Some(_), None) => Err(DecodeError::Missing { field: "data" }),
        (Some(arg), Some(data)) => {
            let arg: wire::Arg<'_> = object(arg, frame)?;
            let channel = required("channel", arg.channel)?.0;
            if channel == protocol::INSTRUMENTS {
                return trading(data, frame);
            }
            let Some(ours) = Channel::ALL.into_iter().find(|&ours| names.get(ours) == channel) else {
                return Ok(Said::Else(Frame::Unknown));
            };
            let symbol = required("instId", arg.inst_id)?.0;
            write_route(route, &channel, &symbol);
            let payload = Payload { data, frame, stream: route, symbol: &symbol };
            Ok(Said::Market(match ours {
                Channel::Quote => payload.quote()?,
                Channel::Trade => payload.trades(buffers)?,
                Channel::Depth => payload.book(envelope.action, buffers)?,
                Channel::Volume => payload.figures()?,
            }))
        }
    }
    .map(|said| match said {
        // A push of no trades says nothing.
        Said::Market(Content::Trades) if buffers.trades.is_empty() => Said::Else(Frame::Other),
        said => said,
    })
}

fn control(
    event: &str,
    envelope: wire::Envelope<'_>,
    frame: &[u8],
    route: &mut String,
) -> Result<Said, DecodeError> {
    let code = || envelope.code.as_ref().and_then(|code| code.0.parse().ok());
    Ok(match event {
        "subscribe" => {
            let arg = envelope.arg.map(|arg| object::<wire::Arg<'_>>(arg, frame)).transpose()?;
            match arg {
                Some(wire::Arg { channel: Some(channel), inst_id, inst_type }) => {
                    let Some(name) = inst_id.or(inst_type) else { return Ok(Said::Else(Frame::Other)) };
                    write_route(route, &channel.0, &name.0);
                    Said::Subscribed
                }
                _ => Said::Else(Frame::Other),
            }
        }
        "error" => Said::Else(Frame::Refused {
            id: envelope.id.as_ref().and_then(|id| id.0.parse().ok()),
            code: code().unwrap_or(0),
            message: excerpt(envelope.msg),
        }),
        "notice" if code() == Some(UPGRADE_NOTICE) => Said::Else(Frame::ShuttingDown),
        "unsubscribe" | "notice" | "login" | "channel-conn-count" | "channel-conn-count-error" => {
            Said::Else(Frame::Other)
        }
        _ => Said::Else(Frame::Unknown),
    })
}

/// Whatever state it is in but "live": there is no price that one could trade at.
fn trading(data: &RawValue, frame: &[u8]) -> Result<Said, DecodeError> {
    let mut symbols = Vec::new();
    each(data, frame, "an array of instruments", |raw: &RawValue| {
        let wire: wire::Listed<'_> = object(raw, frame)?;
        if let (Some(symbol), Some(state)) = (wire.inst_id, wire.state) {
            let trading = if state.0 == "live" { Trading::Open } else { Trading::Halted };
            symbols.push((symbol.0.into_owned(), trading));
        }
        Ok(())
    })?;
    Ok(Said::Trading(symbols))
}

/// What came on a stream of ours.
struct Payload<'f> {
    data: &'f RawValue,
    frame: &'f [u8],
    stream: &'f str,
    symbol: &'f str,
}

impl<'f> Payload<'f> {
    /// The only element of the data.
    fn only<T: serde::Deserialize<'f>>(&self) -> Result<T, DecodeError> {
        let (element,): (&RawValue,) = parse(self.data.get(), self.frame)?;
        object(element, self.frame)
    }

    fn quote(&self) -> Result<Content, DecodeError> {
        quote(&self.only()?, self.frame).map(Content::Quote)
    }

    fn book(&self, action: Option<Text<'_>>, buffers: &mut Buffers) -> Result<Content, DecodeError> {
        let wire: wire::Book<'_> = self.only()?;
        let venue_time = stamp(wire.seq_id, wire.ts)?;
        let sum = match wire.checksum {
            Some(checksum) => sum(checksum).ok_or_else(|| DecodeError::Number {
                place: Place::Field("checksum"),
                text: Excerpt::of(checksum.to_string().as_bytes()),
                source: NumberError::TooLarge,
            })?,
            None => None,
        };
        side(
            "asks",
            required("asks", wire.asks)?,
            self.frame,
            &mut buffers.asks,
            Some(&mut buffers.asks_written),
        )?;
        side(
            "bids",
            required("bids", wire.bids)?,
            self.frame,
            &mut buffers.bids,
            Some(&mut buffers.bids_written),
        )?;
        let last = wire.seq_id.map(|id| sequence("seqId", id)).transpose()?;
        let book = Numbered { last, venue_time, sum };
        match required("action", action)?.0.as_ref() {
            "snapshot" => Ok(Content::Book(book)),
            "update" => {
                let link = match (wire.prev_seq_id, last) {
                    (Some(before), Some(_)) => Link::After(sequence("prevSeqId", before)?),
                    (None, None) => Link::Unsaid,
                    (Some(_), None) => return Err(DecodeError::Missing { field: "seqId" }),
                    (None, Some(_)) => return Err(DecodeError::Missing { field: "prevSeqId" }),
                };
                Ok(Content::Depth { link, book })
            }
            action => Err(DecodeError::EventMismatch {
                stream: Excerpt::of(self.stream.as_bytes()),
                event: Excerpt::of(action.as_bytes()),
            }),
        }
    }

    fn trades(&self, buffers: &mut Buffers) -> Result<Content, DecodeError> {
        let trades = &mut buffers.trades;
        trades.clear();
        each(self.data, self.frame, "an array of trades", |raw: &RawValue| {
            if trades.len() >= LEVELS_MAX {
                return Err(DecodeError::TooManyLevels { side: "data", limit: LEVELS_MAX });
            }
            let wire: wire::Trade<'_> = object(raw, self.frame)?;
            self.carries(wire.inst_id)?;
            let trade = Trade {
                price: number("px", wire.px)?,
                size: number("sz", wire.sz)?,
                side: match required("side", wire.side)?.0.as_ref() {
                    "buy" => Side::Buy,
                    "sell" => Side::Sell,
                    _ => {
                        let at = offset_of(raw.get(), self.frame);
                        return Err(malformed(self.frame, at, "\"side\" is neither \"buy\" nor \"sell\""));
                    }
                },
                venue_time: Some(time("ts", wire.ts)?),
                number: wire.trade_id.and_then(|id| id.0.parse().ok()).map(VenueSequence),
            };
            for (field, value) in [("px", trade.price), ("sz", trade.size)] {
                if value.is_zero() {
                    return Err(DecodeError::Zero { place: Place::Field(field) });
                }
            }
            trades.push(trade);
            Ok(())
        })?;
        if !trades.is_sorted_by_key(|trade| (trade.venue_time, trade.number)) {
            trades.sort_by_key(|trade| (trade.venue_time, trade.number));
        }
        Ok(Content::Trades)
    }

    fn figures(&self) -> Result<Content, DecodeError> {
        let wire: wire::Ticker<'_> = self.only()?;
        self.carries(wire.inst_id)?;
        if wire.last.is_none() && wire.volume.is_none() {
            return Err(DecodeError::Missing { field: "last" });
        }
        let volume = figure("vol24h", wire.volume)?;
        let currency_volume = figure("volCcy24h", wire.currency_volume)?;
        // A symbol of two parts is a pair of currencies.
        let kind = wire.inst_type.map(|kind| kind.0);
        let kind =
            kind.as_deref().unwrap_or(if self.symbol.matches('-').count() < 2 { "SPOT" } else { "SWAP" });
        let (base_volume, quote_volume) = match kind {
            "SPOT" | "MARGIN" => (volume, currency_volume),
            _ => (currency_volume, None),
        };
        let price = |field, text| Ok(figure(field, text)?.and_then(levels::traded_price));
        Ok(Content::Volume(VolumeFigures {
            form: Form::Whole,
            unit: VolumeUnit::Base,
            base_volume,
            quote_volume,
            trade_count: None,
            open: price("open24h", wire.open)?,
            high: price("high24h", wire.high)?,
            low: price("low24h", wire.low)?,
            last: price("last", wire.last)?,
            window_s: WINDOW_S,
            venue_time: given_time(wire.ts)?,
        }))
    }

    /// Whether it is of the stream's symbol; an element that does not say is.
    fn carries(&self, symbol: Option<Text<'_>>) -> Result<(), DecodeError> {
        let Some(Text(symbol)) = symbol else { return Ok(()) };
        if symbol == self.symbol {
            return Ok(());
        }
        Err(DecodeError::SymbolMismatch {
            stream: Excerpt::of(self.stream.as_bytes()),
            symbol: Excerpt::of(symbol.as_bytes()),
        })
    }
}

/// A top of book, from a frame or a REST body: the first level of each side.
pub(super) fn quote(wire: &wire::Book<'_>, frame: &[u8]) -> Result<Quote, DecodeError> {
    let best = |name, raw: Option<&RawValue>| -> Result<Option<RawLevel>, DecodeError> {
        let mut levels = Vec::with_capacity(1);
        side(name, required(name, raw)?, frame, &mut levels, None)?;
        Ok(levels.first().copied().and_then(levels::quote_side))
    };
    Ok(Quote {
        ask: best("asks", wire.asks)?,
        bid: best("bids", wire.bids)?,
        venue_sequence: wire.seq_id.map(|id| sequence("seqId", id)).transpose()?,
        venue_time: stamp(wire.seq_id, wire.ts.as_ref().map(|text| Text(text.0.as_ref().into())))?,
    })
}

/// Reads levels, and beside them how they are written.
fn side(
    name: &'static str,
    raw: &RawValue,
    frame: &[u8],
    into: &mut Vec<RawLevel>,
    mut written: Option<&mut Vec<Written>>,
) -> Result<(), DecodeError> {
    into.clear();
    if let Some(written) = &mut written {
        written.clear();
    }
    each(raw, frame, "an array of levels", |wire::Level(price, size): wire::Level<'_>| {
        let index = into.len();
        into.push(next_level(name, into, &price.0, &size.0)?);
        let digits = |place, text: &str| {
            levels::fraction_digits(text.as_bytes()).ok_or_else(|| DecodeError::Number {
                place,
                text: Excerpt::of(text.as_bytes()),
                source: NumberError::TooFine,
            })
        };
        let digits = Written {
            price: digits(Place::LevelPrice { side: name, index }, &price.0)?,
            size: digits(Place::LevelSize { side: name, index }, &size.0)?,
        };
        if let Some(written) = &mut written {
            written.push(digits);
        }
        Ok(())
    })
}

/// The time of a book: where no number gives its order, the time must.
fn stamp(id: Option<i64>, text: Option<Text<'_>>) -> Result<Option<VenueTime>, DecodeError> {
    if id.is_some() { given_time(text) } else { time("ts", text).map(Some) }
}

/// Absent, null and empty are no time.
fn given_time(text: Option<Text<'_>>) -> Result<Option<VenueTime>, DecodeError> {
    text.filter(|text| !text.0.is_empty()).map(|text| time("ts", Some(text))).transpose()
}

/// Milliseconds, as text.
fn time(field: &'static str, text: Option<Text<'_>>) -> Result<VenueTime, DecodeError> {
    let text = required(field, text)?.0;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let wrong = |source| DecodeError::Number {
        place: Place::Field(field),
        text: Excerpt::of(text.as_bytes()),
        source,
    };
    if text.is_empty() || !digits {
        return Err(wrong(NumberError::Malformed));
    }
    let millis = text.parse().map_err(|_| wrong(NumberError::TooLarge))?;
    levels::venue_time(millis).ok_or(DecodeError::Time { field, millis })
}

fn sequence(field: &'static str, id: i64) -> Result<VenueSequence, DecodeError> {
    u64::try_from(id).map(VenueSequence).map_err(|_| DecodeError::Number {
        place: Place::Field(field),
        text: Excerpt::of(id.to_string().as_bytes()),
        source: NumberError::Negative,
    })
}
