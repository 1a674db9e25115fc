//! The decoder against an independent, plain reading of the same frame.
//!
//! Owns a reading of Binance's market frames from a serde tree, with no code of the decoder's; whoever includes this
//! file provides `domain` and `feed` in `super`. Panics where the two differ. Claims nothing about frames that are no market data.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::domain::{
    DepthDelta, Form, Link, MarketEvent, Number, Quote, RawLevel, SCALE_MAX, Scale, Side, Trade,
    VenueSequence, VenueTime, VolumeFigures, VolumeUnit,
};
use super::feed::{DecodeError, Frame};

/// Reads `frame` another way.
pub(crate) fn compare(decoded: &Result<Frame<'_>, DecodeError>, frame: &[u8]) {
    let tree: Option<Tree> = serde_json::from_slice(frame).ok();
    if let Some(market) = tree.as_ref().and_then(Market::of) {
        market.compare(decoded, frame);
    }
}

/// JSON as it stands: objects keep their order and their repeated keys.
#[derive(Debug)]
enum Tree {
    Null,
    Bool(bool),
    Unsigned(u64),
    OtherNumber,
    Text(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

struct Market<'t> {
    stream: &'t str,
    symbol: &'t str,
    channel: &'t str,
    data: &'t Tree,
}

impl<'t> Market<'t> {
    /// `None` for what is no market frame of ours, or is more than one kind of frame.
    fn of(tree: &'t Tree) -> Option<Self> {
        let Tree::Object(fields) = tree else { return None };
        let foreign = ["result", "id", "error", "code", "msg", "e", "event"];
        if fields.iter().any(|(key, _)| foreign.contains(&key.as_str())) || !tree.keys_differ() {
            return None;
        }
        let stream = tree.text("stream").ok()?;
        let data = tree.field("data").ok()?;
        let (symbol, channel) = stream.split_once('@')?;
        let known = ["bookTicker", "trade", "depth@100ms", "ticker"].contains(&channel);
        let unclear = !data.keys_differ() || data.text("e") == Ok("serverShutdown");
        (known && !unclear).then_some(Self { stream, symbol, channel, data })
    }

    fn compare(&self, decoded: &Result<Frame<'_>, DecodeError>, frame: &[u8]) {
        let (mut bids, mut asks, mut trades) = (Vec::new(), Vec::new(), Vec::new());
        let expected = self.read(&mut bids, &mut asks, &mut trades);
        match (&expected, decoded) {
            (Ok(event), Ok(Frame::Market { stream, event: ours })) => {
                assert_eq!(*stream, self.stream);
                assert_eq!(ours, event, "{}", frame.escape_ascii());
            }
            (Err(Wrong), Err(_)) => {}
            _ => panic!("expected {expected:?}, decoded {decoded:?}: {}", frame.escape_ascii()),
        }
    }

    fn read<'l>(
        &self,
        bids: &'l mut Vec<RawLevel>,
        asks: &'l mut Vec<RawLevel>,
        trades: &'l mut Vec<Trade>,
    ) -> Result<MarketEvent<'l>, Wrong> {
        let data = self.data;
        let event = match self.channel {
            "bookTicker" => "bookTicker",
            "trade" => "trade",
            "ticker" => "24hrTicker",
            _ => "depthUpdate",
        };
        let no_event = self.channel == "bookTicker" && data.is_object() && data.field("e").is_err();
        if !no_event && data.text("e")? != event {
            return Err(Wrong);
        }
        // The stream's name gives the symbol, too.
        if data.field("s").is_ok() && !data.text("s")?.eq_ignore_ascii_case(self.symbol) {
            return Err(Wrong);
        }
        Ok(match self.channel {
            "bookTicker" => MarketEvent::Quote(Quote {
                bid: sided(data.number("b")?, data.number("B")?)?,
                ask: sided(data.number("a")?, data.number("A")?)?,
                venue_sequence: Some(VenueSequence(data.unsigned("u")?)),
                venue_time: None,
            }),
            "trade" => {
                trades.push(read_trade(data)?);
                MarketEvent::Trades(trades)
            }
            "ticker" => MarketEvent::Volume(read_figures(data)?),
            _ => {
                read_side(data.field("b")?, bids)?;
                read_side(data.field("a")?, asks)?;
                let (first, last) = (data.unsigned("U")?, data.unsigned("u")?);
                if last < first {
                    return Err(Wrong);
                }
                MarketEvent::Depth(DepthDelta {
                    link: Link::From(VenueSequence(first)),
                    last: Some(VenueSequence(last)),
                    bids,
                    asks,
                    venue_time: data.stamp("E")?,
                    check: None,
                })
            }
        })
    }
}

fn read_trade(data: &Tree) -> Result<Trade, Wrong> {
    let (price, size) = (data.number("p")?, data.number("q")?);
    let side = match data.field("m")? {
        Tree::Bool(true) => Side::Sell,
        Tree::Bool(false) => Side::Buy,
        _ => return Err(Wrong),
    };
    let nothing = price.mantissa == 0 || size.mantissa == 0;
    let number = data.field("t").is_ok().then(|| data.unsigned("t")).transpose()?.map(VenueSequence);
    let trade = Trade { price, size, side, venue_time: Some(data.time("T")?), number };
    if nothing { Err(Wrong) } else { Ok(trade) }
}

fn read_figures(data: &Tree) -> Result<VolumeFigures, Wrong> {
    let figure = |key: &str| match data.field(key) {
        Err(Wrong) => Ok(None),
        Ok(Tree::Text(text)) if text.is_empty() => Ok(None),
        Ok(_) => data.number(key).map(Some),
    };
    let price = |key| Ok(figure(key)?.filter(|price| price.mantissa != 0));
    if data.field("c").is_err() && data.field("v").is_err() {
        return Err(Wrong);
    }
    Ok(VolumeFigures {
        form: Form::Whole,
        unit: VolumeUnit::Base,
        base_volume: figure("v")?,
        quote_volume: figure("q")?,
        trade_count: data.field("n").is_ok().then(|| data.unsigned("n")).transpose()?,
        open: price("o")?,
        high: price("h")?,
        low: price("l")?,
        last: price("c")?,
        window_s: 24 * 60 * 60,
        venue_time: data.stamp("E")?,
    })
}

fn read_side(side: &Tree, into: &mut Vec<RawLevel>) -> Result<(), Wrong> {
    let Tree::Array(levels) = side else { return Err(Wrong) };
    for level in levels {
        let Tree::Array(pair) = level else { return Err(Wrong) };
        let [Tree::Text(price), Tree::Text(size)] = pair.as_slice() else { return Err(Wrong) };
        let (price, size) = (read_number(price)?, read_number(size)?);
        sided(price, size)?;
        into.push(RawLevel { price, size });
    }
    if into.len() > 10_000 { Err(Wrong) } else { Ok(()) }
}

/// A side without size is no side; a size without a price is wrong.
fn sided(price: Number, size: Number) -> Result<Option<RawLevel>, Wrong> {
    match (price.mantissa, size.mantissa) {
        (_, 0) => Ok(None),
        (0, _) => Err(Wrong),
        _ => Ok(Some(RawLevel { price, size })),
    }
}

/// `2.5e-7` with its point moved by hand, as `0.00000025`.
fn read_scientific(digits: &str, exponent: &str) -> Result<Number, Wrong> {
    let (down, places) = match exponent.strip_prefix(['-', '+']) {
        Some(places) => (exponent.starts_with('-'), places),
        None => (false, exponent),
    };
    if places.is_empty() || !places.chars().all(|digit| digit.is_ascii_digit()) {
        return Err(Wrong);
    }
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(Wrong),
        Some(parts) => parts,
        None => (digits, ""),
    };
    if whole.is_empty() || !whole.chars().chain(fraction.chars()).all(|digit| digit.is_ascii_digit()) {
        return Err(Wrong);
    }
    if whole.chars().chain(fraction.chars()).all(|digit| digit == '0') {
        return Ok(Number::ZERO);
    }
    let places: usize = places
        .trim_start_matches('0')
        .parse()
        .or(if places.chars().all(|digit| digit == '0') { Ok(0) } else { Err(Wrong) })?;
    if places > 2_000 {
        return Err(Wrong);
    }
    let zeros = "0".repeat(places);
    if down {
        let padded = format!("{zeros}{whole}");
        let (whole, moved) = padded.split_at(padded.len() - places);
        let whole = if whole.is_empty() { "0" } else { whole };
        read_number(&format!("{sign}{whole}.{moved}{fraction}0"))
    } else {
        let padded = format!("{fraction}{zeros}");
        let (moved, fraction) = padded.split_at(places);
        let whole = format!("{whole}{moved}");
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        read_number(&format!("{sign}{whole}.{fraction}0"))
    }
}

fn read_number(text: &str) -> Result<Number, Wrong> {
    if let Some((digits, exponent)) = text.split_once(['e', 'E']) {
        return read_scientific(digits, exponent);
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(Wrong),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let all_digits = whole.chars().chain(fraction.chars()).all(|digit| digit.is_ascii_digit());
    let fraction = fraction.trim_end_matches('0');
    if whole.is_empty() || !all_digits || fraction.len() > usize::from(SCALE_MAX) {
        return Err(Wrong);
    }
    let mantissa: i128 = format!("{whole}{fraction}").parse().map_err(|_| Wrong)?;
    let scale = u8::try_from(fraction.len()).ok().and_then(Scale::new).ok_or(Wrong)?;
    if negative && mantissa != 0 { Err(Wrong) } else { Ok(Number { mantissa, scale }) }
}

/// Not what the venue documents.
#[derive(Debug, PartialEq, Eq)]
struct Wrong;

impl Tree {
    fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Whether an object has each key once; true of everything else.
    fn keys_differ(&self) -> bool {
        let Self::Object(fields) = self else { return true };
        let mut keys = HashSet::new();
        fields.iter().all(|(key, _)| keys.insert(key))
    }

    /// A field that is there and not null.
    fn field(&self, key: &str) -> Result<&Self, Wrong> {
        let Self::Object(fields) = self else { return Err(Wrong) };
        let found = fields.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        found.filter(|value| !matches!(value, Self::Null)).ok_or(Wrong)
    }

    fn text(&self, key: &str) -> Result<&str, Wrong> {
        if let Self::Text(text) = self.field(key)? { Ok(text) } else { Err(Wrong) }
    }

    fn unsigned(&self, key: &str) -> Result<u64, Wrong> {
        if let Self::Unsigned(number) = self.field(key)? { Ok(*number) } else { Err(Wrong) }
    }

    fn number(&self, key: &str) -> Result<Number, Wrong> {
        read_number(self.text(key)?)
    }

    fn stamp(&self, key: &str) -> Result<Option<VenueTime>, Wrong> {
        self.field(key).is_ok().then(|| self.time(key)).transpose()
    }

    fn time(&self, key: &str) -> Result<VenueTime, Wrong> {
        let nanos = i128::from(self.unsigned(key)?) * 1_000_000;
        i64::try_from(nanos).map(VenueTime::from_nanos).map_err(|_| Wrong)
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Unsigned(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::OtherNumber)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::OtherNumber)
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Tree::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Tree, A::Error> {
        let mut object = Vec::new();
        while let Some(field) = fields.next_entry()? {
            object.push(field);
        }
        Ok(Tree::Object(object))
    }
}
