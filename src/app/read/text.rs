//! Values as people read them: the cells of a table row, a book, a line of `watch`.
//!
//! Owns the wording and the columns. All numbers are exact, at the scale of the record; what is not known is `-`, never
//! zero. Never decides about trust: that comes from [`crate::reader`].

use std::fmt::Write as _;

use super::table::Table;
use crate::codec::EventMessage;
use crate::domain::{
    DepthLevel, Entity, EventDetail, LiquidityRecord, Number, Price, PriceLevel, PriceRecord, Reason, Record,
    Scale, Scales, Side, Size, SizeUnit, VolumeRecord, WallTime,
};
use crate::reader::{Trust, View};

pub(super) const UNKNOWN: &str = "-";

/// The columns of an entity's table.
pub(super) const fn header(entity: Entity) -> &'static [&'static str] {
    match entity {
        Entity::Price => {
            &["VENUE", "STATE", "BID", "BID SIZE", "ASK", "ASK SIZE", "SPREAD", "LAST", "AGE", "VERSION"]
        }
        Entity::Liquidity => &[
            "VENUE",
            "STATE",
            "BEST BID",
            "BEST ASK",
            "BIDS",
            "ASKS",
            "CHECKED",
            "UPDATE ID",
            "AGE",
            "VERSION",
        ],
        Entity::Volume => &[
            "VENUE",
            "STATE",
            "BASE VOLUME",
            "QUOTE VOLUME",
            "TRADES",
            "OPEN",
            "HIGH",
            "LOW",
            "LAST",
            "WINDOW",
            "AGE",
            "VERSION",
        ],
    }
}

/// A row of that table.
pub(super) fn cells(view: &View, trust: Trust, now: WallTime) -> Vec<String> {
    let mut cells = vec![view.key.venue.to_string(), state(view, trust)];
    match &view.record {
        Record::Price(record) => cells.extend(price_cells(record)),
        Record::Liquidity(record) => cells.extend(liquidity_cells(record)),
        Record::Volume(record) => cells.extend(volume_cells(record)),
    }
    cells.extend([view.age(now).to_string(), view.version.to_string()]);
    cells
}

/// `live`, `suspect (sequence gap)`, `stale`.
pub(super) fn state(view: &View, trust: Trust) -> String {
    match view.record.stamp().reason {
        Reason::None => trust.to_string(),
        reason => format!("{trust} ({reason})"),
    }
}

/// What `watch` says of a value, behind the time and the key.
pub(super) fn summary(view: &View) -> String {
    match &view.record {
        Record::Price(record) => {
            let [bid, bid_size, ask, ask_size, _, last] = price_cells(record);
            format!("bid {bid} x {bid_size}  ask {ask} x {ask_size}  last {last}")
        }
        Record::Liquidity(record) => {
            let [bid, ask, bids, asks, _, id] = liquidity_cells(record);
            format!("bid {bid}  ask {ask}  levels {bids}/{asks}  update {id}")
        }
        Record::Volume(record) => {
            let [base, quote, trades, open, high, low, last, window] = volume_cells(record);
            format!(
                "base {base}  quote {quote}  trades {trades}  open {open}  high {high}  low {low}  last {last}  window {window}"
            )
        }
    }
}

/// `14:03:59.123456  BTC-USDT binance  price_move  61837.63 -> 62500.00  v7.12`.
pub(super) fn event(event: &EventMessage) -> String {
    let number = |scale: Scale, mantissa: i128| Number { mantissa, scale }.to_string();
    let detail = match &event.detail {
        EventDetail::PriceMove { price_scale, reference, price } => {
            format!("{} -> {}", number(*price_scale, reference.0), number(*price_scale, price.0))
        }
        EventDetail::Trade { scales, price, size, side } => {
            let (price, size) = (number(scales.price, price.0), number(scales.size, size.0));
            format!("{} {size} at {price}", if *side == Side::Buy { "bought" } else { "sold" })
        }
        EventDetail::LiquidityChange { size_scale, before, after, side } => {
            let (before, after) = (number(*size_scale, before.0), number(*size_scale, after.0));
            format!("{} {before} -> {after}", if *side == Side::Buy { "bids" } else { "asks" })
        }
        EventDetail::State { state, reason: Reason::None } => state.to_string(),
        EventDetail::State { state, reason } => format!("{state} ({reason})"),
        EventDetail::Invalidated { who, why } => format!("by {}: {}", printable(who), printable(why)),
    };
    let EventMessage { instrument, venue, entity, version, time, .. } = event;
    let (time, kind) = (time_of_day(time.nanos()), event.detail.kind().as_str());
    format!("{time}  {instrument} {venue}  {kind}  {entity}  {detail}  v{version}")
}

/// A text of somebody else's, without what a terminal would obey.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// The levels of a book under each other, best first; nothing for other entities.
pub(super) fn ladder(view: &View) -> String {
    let Record::Liquidity(record) = &view.record else { return String::new() };
    let mut table = Table::new(&["BID SIZE", "BID", "ASK", "ASK SIZE"]).right_aligned();
    for row in 0..record.bids.len().max(record.asks.len()) {
        let level = |level: Option<&DepthLevel>| {
            level.map_or([String::new(), String::new()], |level| {
                [price(record.scales, level.price), size(record.scales, record.size_unit, level.size)]
            })
        };
        let [bid, bid_size] = level(record.bids.get(row));
        let [ask, ask_size] = level(record.asks.get(row));
        table.push(vec![bid_size, bid, ask, ask_size]);
    }
    format!("\n{}\n{table}", view.key.venue)
}

fn price_cells(record: &PriceRecord) -> [String; 6] {
    let [bid, bid_size] = side(record, record.bid);
    let [ask, ask_size] = side(record, record.ask);
    let spread = match (record.bid, record.ask) {
        (Some(bid), Some(ask)) => price(record.scales, Price(ask.price.0 - bid.price.0)),
        _ => UNKNOWN.to_owned(),
    };
    let last = optional(record.last, |last| price(record.scales, last.price));
    [bid, bid_size, ask, ask_size, spread, last]
}

fn side(record: &PriceRecord, level: Option<PriceLevel>) -> [String; 2] {
    [
        optional(level, |level| price(record.scales, level.price)),
        optional(level.and_then(|level| level.size), |it| size(record.scales, record.size_unit, it)),
    ]
}

fn liquidity_cells(record: &LiquidityRecord) -> [String; 6] {
    let best = |levels: &[DepthLevel]| optional(levels.first(), |level| price(record.scales, level.price));
    [
        best(&record.bids),
        best(&record.asks),
        record.bids.len().to_string(),
        record.asks.len().to_string(),
        optional(record.checked_levels, |levels| levels.to_string()),
        optional(record.venue_sequence, |id| id.to_string()),
    ]
}

fn volume_cells(record: &VolumeRecord) -> [String; 8] {
    let price = |value: Option<Price>| optional(value, |value| price(record.scales, value));
    let quote = |size: Size| Number { mantissa: size.0, scale: record.quote_scale }.to_string();
    [
        optional(record.base_volume, |volume| record.scales.size_number(volume).to_string()),
        optional(record.quote_volume, quote),
        optional(record.trade_count, |count| count.to_string()),
        price(record.open),
        price(record.high),
        price(record.low),
        price(record.last),
        window(record.window_s),
    ]
}

fn window(seconds: u32) -> String {
    if seconds.is_multiple_of(3_600) { format!("{} h", seconds / 3_600) } else { format!("{seconds} s") }
}

fn price(scales: Scales, price: Price) -> String {
    scales.price_number(price).to_string()
}

/// Sizes in quote units carry a `q`: 100 of a dollar contract is not 100 bitcoin.
fn size(scales: Scales, unit: SizeUnit, size: Size) -> String {
    let number = scales.size_number(size);
    match unit {
        SizeUnit::Base => number.to_string(),
        SizeUnit::Quote => format!("{number}q"),
    }
}

pub(super) fn optional<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), text)
}

/// `14:03:59.123456` of that day in UTC.
pub(super) fn time_of_day(nanos: i64) -> String {
    let micros = nanos.div_euclid(1_000).rem_euclid(86_400_000_000);
    let seconds = micros / 1_000_000;
    let mut text = String::new();
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    write!(text, "{hour:02}:{minute:02}:{second:02}.{:06}", micros % 1_000_000)
        .expect("a String takes everything");
    text
}
