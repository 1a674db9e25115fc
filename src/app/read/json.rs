//! Values as programs read them: one JSON object each, every field of the wire contract under its name.
//!
//! Owns the field names. Prices and sizes are strings of exact decimals, times are ints of nanoseconds since 1970, what is
//! not known is null. Beside the contract's fields stands `trust`, this reader's own judgement, and the age behind it.

use serde::Serialize;

use crate::domain::{
    DepthLevel, Entity, LiquidityRecord, Number, Price, PriceLevel, PriceRecord, Record, Scales, SizeUnit,
    VolumeRecord, WallTime,
};
use crate::reader::{CatalogLine, Trust, View};

#[derive(Serialize)]
struct Head<'a> {
    entity: &'a str,
    instrument: &'a str,
    venue: &'a str,
    trust: &'a str,
    age_ns: i64,
    schema: u8,
    epoch: u64,
    sequence: u64,
    state: &'a str,
    reason: &'a str,
    venue_time: Option<i64>,
    receive_time: i64,
    confirmed_time: i64,
    publish_time: i64,
    #[serde(flatten)]
    record: Body,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body {
    Price(PriceBody),
    Liquidity(LiquidityBody),
    Volume(VolumeBody),
}

#[derive(Serialize)]
struct PriceBody {
    price_scale: u8,
    size_scale: u8,
    size_unit: &'static str,
    bid: Option<String>,
    bid_size: Option<String>,
    ask: Option<String>,
    ask_size: Option<String>,
    venue_sequence: Option<u64>,
    last: Option<String>,
    last_size: Option<String>,
    last_venue_time: Option<i64>,
    last_receive_time: Option<i64>,
}

#[derive(Serialize)]
struct LiquidityBody {
    price_scale: u8,
    size_scale: u8,
    size_unit: &'static str,
    bid_prices: Vec<String>,
    bid_sizes: Vec<String>,
    ask_prices: Vec<String>,
    ask_sizes: Vec<String>,
    venue_sequence: Option<u64>,
    checked_levels: Option<u32>,
}

#[derive(Serialize)]
struct VolumeBody {
    price_scale: u8,
    size_scale: u8,
    quote_scale: u8,
    base_volume: Option<String>,
    quote_volume: Option<String>,
    trade_count: Option<u64>,
    open: Option<String>,
    high: Option<String>,
    low: Option<String>,
    last: Option<String>,
    window_s: u32,
}

/// A value on one line.
pub(super) fn object(view: &View, trust: Trust, now: WallTime) -> String {
    let stamp = view.record.stamp();
    line(&Head {
        entity: view.key.entity.as_str(),
        instrument: view.key.instrument.as_str(),
        venue: view.key.venue.as_str(),
        trust: trust.as_str(),
        age_ns: view.age(now).nanos(),
        schema: 1,
        epoch: view.version.epoch.get(),
        sequence: view.version.sequence.get(),
        state: stamp.state.as_str(),
        reason: stamp.reason.as_str(),
        venue_time: stamp.venue_time.map(|time| time.nanos()),
        receive_time: stamp.receive_time.nanos(),
        confirmed_time: stamp.confirmed_time.nanos(),
        publish_time: view.publish_time.nanos(),
        record: match &view.record {
            Record::Price(record) => Body::Price(price_body(record)),
            Record::Liquidity(record) => Body::Liquidity(liquidity_body(record)),
            Record::Volume(record) => Body::Volume(volume_body(record)),
        },
    })
}

/// A line of the catalog on one line.
pub(super) fn catalog_object(catalog: &CatalogLine) -> String {
    #[derive(Serialize)]
    struct Object<'a> {
        instrument: &'a str,
        venue: &'a str,
        feed: String,
        entities: Vec<&'a str>,
    }
    line(&Object {
        instrument: catalog.instrument.as_str(),
        venue: catalog.venue.as_str(),
        feed: catalog.feed.to_string(),
        entities: catalog.entities.iter().copied().map(Entity::as_str).collect(),
    })
}

/// What `watch` says when there is no value to show: `{"event":"gone","venue":"okx","detail":null}`.
pub(super) fn event(event: &str, venue: Option<&str>, detail: Option<&str>) -> String {
    #[derive(Serialize)]
    struct Object<'a> {
        event: &'a str,
        venue: Option<&'a str>,
        detail: Option<&'a str>,
    }
    line(&Object { event, venue, detail })
}

fn price_body(record: &PriceRecord) -> PriceBody {
    let scales = record.scales;
    let size = |level: Option<PriceLevel>| {
        level.and_then(|level| level.size).map(|size| scales.size_number(size).to_string())
    };
    let price = |level: Option<PriceLevel>| level.map(|level| price(scales, level.price));
    PriceBody {
        price_scale: scales.price.digits(),
        size_scale: scales.size.digits(),
        size_unit: unit(record.size_unit),
        bid: price(record.bid),
        bid_size: size(record.bid),
        ask: price(record.ask),
        ask_size: size(record.ask),
        venue_sequence: record.venue_sequence.map(|id| id.0),
        last: record.last.map(|last| scales.price_number(last.price).to_string()),
        last_size: record.last.and_then(|last| last.size).map(|size| scales.size_number(size).to_string()),
        last_venue_time: record.last.and_then(|last| last.venue_time).map(|time| time.nanos()),
        last_receive_time: record.last.and_then(|last| last.receive_time).map(|time| time.nanos()),
    }
}

fn liquidity_body(record: &LiquidityRecord) -> LiquidityBody {
    let scales = record.scales;
    let prices = |levels: &[DepthLevel]| levels.iter().map(|level| price(scales, level.price)).collect();
    let sizes = |levels: &[DepthLevel]| {
        levels.iter().map(|level| scales.size_number(level.size).to_string()).collect()
    };
    LiquidityBody {
        price_scale: scales.price.digits(),
        size_scale: scales.size.digits(),
        size_unit: unit(record.size_unit),
        bid_prices: prices(&record.bids),
        bid_sizes: sizes(&record.bids),
        ask_prices: prices(&record.asks),
        ask_sizes: sizes(&record.asks),
        venue_sequence: record.venue_sequence.map(|id| id.0),
        checked_levels: record.checked_levels,
    }
}

fn volume_body(record: &VolumeRecord) -> VolumeBody {
    let scales = record.scales;
    let price = |value: Option<Price>| value.map(|value| price(scales, value));
    VolumeBody {
        price_scale: scales.price.digits(),
        size_scale: scales.size.digits(),
        quote_scale: record.quote_scale.digits(),
        base_volume: record.base_volume.map(|volume| scales.size_number(volume).to_string()),
        quote_volume: record
            .quote_volume
            .map(|volume| Number { mantissa: volume.0, scale: record.quote_scale }.to_string()),
        trade_count: record.trade_count,
        open: price(record.open),
        high: price(record.high),
        low: price(record.low),
        last: price(record.last),
        window_s: record.window_s,
    }
}

fn price(scales: Scales, price: Price) -> String {
    scales.price_number(price).to_string()
}

const fn unit(unit: SizeUnit) -> &'static str {
    match unit {
        SizeUnit::Base => "base",
        SizeUnit::Quote => "quote",
    }
}

pub(super) fn line(object: &impl Serialize) -> String {
    serde_json::to_string(object).expect("strings, ints and lists always serialize")
}
