//! The wire contract, byte for byte: every vector of `data/wire-vectors.json`, through the codec and, as a check on it,
//! through a decoder that knows nothing of it (rmp-serde into plain JSON values).

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use serde::Deserialize;
use serde::de::Visitor;
use serde_json::Value;
use tickcache::codec::{Decoder, Encoder, Envelope, key, peek_version};
use tickcache::domain::*;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    key: String,
    epoch: u64,
    sequence: u64,
    codec: u8,
    record: Vec<Value>,
    hex: String,
}

impl Vector {
    fn entity(&self) -> &str {
        self.key.split(':').nth(2).expect("the vectors' namespace is one segment")
    }

    fn value(&self) -> Vec<u8> {
        let pairs = self.hex.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    fn version(&self) -> Version {
        let (epoch, sequence) = (Epoch::new(self.epoch), Sequence::new(self.sequence));
        Version { epoch: epoch.unwrap(), sequence: sequence.unwrap() }
    }

    fn publish_time(&self) -> PublishTime {
        PublishTime::from_nanos(time(&self.record[5]).unwrap())
    }
}

fn vectors() -> Vec<Vector> {
    let vectors: Vectors = serde_json::from_str(include_str!("data/wire-vectors.json")).unwrap();
    assert_eq!(vectors.vectors.len(), 10);
    vectors.vectors
}

/// 64-bit items are strings in the vectors.
fn mantissa(item: &Value) -> Option<i128> {
    match item {
        Value::Null => None,
        Value::String(digits) => Some(digits.parse().unwrap()),
        other => Some(other.as_i64().unwrap().into()),
    }
}

fn number<N: TryFrom<i128>>(item: &Value) -> Option<N> {
    mantissa(item).map(|number| N::try_from(number).ok().expect("the vector's number is in range"))
}

fn time(item: &Value) -> Option<i64> {
    number(item)
}

fn price(item: &Value) -> Option<Price> {
    mantissa(item).map(Price)
}

fn size(item: &Value) -> Option<Size> {
    mantissa(item).map(Size)
}

fn scale(item: &Value) -> Scale {
    number(item).and_then(Scale::new).unwrap()
}

fn scales(items: &[Value]) -> Scales {
    Scales { price: scale(&items[6]), size: scale(&items[7]) }
}

fn size_unit(item: &Value) -> SizeUnit {
    match mantissa(item) {
        Some(0) => SizeUnit::Base,
        Some(1) => SizeUnit::Quote,
        other => panic!("{other:?}"),
    }
}

fn level(price_item: &Value, size_item: &Value) -> Option<PriceLevel> {
    price(price_item).map(|price| PriceLevel { price, size: size(size_item) })
}

fn stamp(items: &[Value]) -> Stamp {
    Stamp {
        state: number(&items[0]).and_then(State::from_code).unwrap(),
        reason: number(&items[1]).and_then(Reason::from_code).unwrap(),
        venue_time: time(&items[2]).map(VenueTime::from_nanos),
        receive_time: time(&items[3]).map(ReceiveTime::from_nanos).unwrap(),
        confirmed_time: time(&items[4]).map(ConfirmedTime::from_nanos).unwrap(),
    }
}

fn price_record(items: &[Value]) -> Record {
    Record::Price(PriceRecord {
        stamp: stamp(items),
        scales: scales(items),
        size_unit: size_unit(&items[8]),
        bid: level(&items[9], &items[10]),
        ask: level(&items[11], &items[12]),
        venue_sequence: number(&items[13]).map(VenueSequence),
        last: price(&items[14]).map(|price| LastTrade {
            price,
            size: size(&items[15]),
            venue_time: time(&items[16]).map(VenueTime::from_nanos),
            receive_time: time(&items[17]).map(ReceiveTime::from_nanos),
        }),
    })
}

fn column(item: &Value) -> &[Value] {
    item.as_array().unwrap()
}

fn levels(prices: &Value, sizes: &Value) -> Vec<DepthLevel> {
    let pairs = column(prices).iter().zip(column(sizes));
    pairs.map(|(at, of)| DepthLevel { price: price(at).unwrap(), size: size(of).unwrap() }).collect()
}

fn liquidity_record(items: &[Value]) -> Record {
    Record::Liquidity(LiquidityRecord {
        stamp: stamp(items),
        scales: scales(items),
        size_unit: size_unit(&items[8]),
        bids: levels(&items[9], &items[10]),
        asks: levels(&items[11], &items[12]),
        venue_sequence: number(&items[13]).map(VenueSequence),
        checked_levels: number(&items[14]),
    })
}

fn volume_record(items: &[Value]) -> Record {
    Record::Volume(VolumeRecord {
        stamp: stamp(items),
        scales: scales(items),
        quote_scale: scale(&items[8]),
        base_volume: size(&items[9]),
        quote_volume: size(&items[10]),
        trade_count: number(&items[11]),
        open: price(&items[12]),
        high: price(&items[13]),
        low: price(&items[14]),
        last: price(&items[15]),
        window_s: number(&items[16]).unwrap(),
    })
}

fn history_record(items: &[Value]) -> HistoryRecord {
    let candle = |row: usize| {
        let at = |item: usize| &column(&items[item])[row];
        Candle {
            open_time_s: time(at(9)).unwrap(),
            open: price(at(10)).unwrap(),
            high: price(at(11)).unwrap(),
            low: price(at(12)).unwrap(),
            close: price(at(13)).unwrap(),
            base_volume: size(at(14)),
            trade_count: number(at(15)),
            flags: CandleFlags(number(at(16)).unwrap()),
        }
    };
    HistoryRecord {
        stamp: stamp(items),
        scales: scales(items),
        interval_s: number(&items[8]).unwrap(),
        candles: (0..column(&items[9]).len()).map(candle).collect(),
    }
}

fn venue(item: &Value) -> Venue {
    item.as_str().unwrap().parse().unwrap()
}

fn compare_record(items: &[Value]) -> CompareRecord {
    let best = |at: usize| {
        level(&items[at], &items[at + 1]).map(|level| BestLevel { level, venue: venue(&items[at + 2]) })
    };
    let compared = |row: &Value| {
        let row = column(row);
        ComparedVenue {
            venue: venue(&row[0]),
            state: number(&row[1]).and_then(State::from_code).unwrap(),
            reason: number(&row[2]).and_then(Reason::from_code).unwrap(),
            version: Version {
                epoch: number(&row[3]).and_then(Epoch::new).unwrap(),
                sequence: number(&row[4]).and_then(Sequence::new).unwrap(),
            },
            bid: level(&row[5], &row[6]),
            ask: level(&row[7], &row[8]),
            confirmed_time: time(&row[9]).map(ConfirmedTime::from_nanos).unwrap(),
        }
    };
    CompareRecord {
        stamp: stamp(items),
        scales: scales(items),
        best_bid: best(8),
        best_ask: best(11),
        venues: column(&items[14]).iter().map(compared).collect(),
    }
}

fn record(vector: &Vector) -> Option<Record> {
    match vector.entity() {
        "price" => Some(price_record(&vector.record)),
        "liquidity" => Some(liquidity_record(&vector.record)),
        "volume" => Some(volume_record(&vector.record)),
        _ => None,
    }
}

/// Encodes a vector's record anew.
fn encoded(vector: &Vector, zstd_threshold_bytes: usize) -> Vec<u8> {
    let (version, publish_time) = (vector.version(), vector.publish_time());
    let (mut encoder, mut out) = (Encoder::new(zstd_threshold_bytes), Vec::new());
    match (vector.entity(), record(vector)) {
        ("history", _) => {
            encoder.encode_history(&history_record(&vector.record), version, publish_time, &mut out);
        }
        ("compare", _) => {
            encoder.encode_compare(&compare_record(&vector.record), version, publish_time, &mut out);
        }
        (_, record) => encoder.encode(record.unwrap().as_ref(), version, publish_time, &mut out),
    }
    out
}

fn assert_decodes(vector: &Vector, value: &[u8]) {
    let mut decoder = Decoder::new();
    let (version, publish_time) = match vector.entity() {
        "history" => {
            let decoded = decoder.decode_history(value).unwrap();
            assert_eq!(decoded.record, history_record(&vector.record), "{}", vector.name);
            (decoded.version, decoded.publish_time)
        }
        "compare" => {
            let decoded = decoder.decode_compare(value).unwrap();
            assert_eq!(decoded.record, compare_record(&vector.record), "{}", vector.name);
            (decoded.version, decoded.publish_time)
        }
        entity => {
            let decoded = decoder.decode(entity.parse().unwrap(), value).unwrap();
            assert_eq!(Some(decoded.record), record(vector), "{}", vector.name);
            (decoded.version, decoded.publish_time)
        }
    };
    assert_eq!((version, publish_time), (vector.version(), vector.publish_time()), "{}", vector.name);
}

#[test]
fn every_plain_vector_is_encoded_to_its_bytes() {
    for vector in vectors().iter().filter(|vector| vector.codec == 0) {
        assert_eq!(encoded(vector, 0), vector.value(), "{}", vector.name);
    }
}

#[test]
fn every_vector_decodes_to_its_record() {
    for vector in vectors() {
        assert_decodes(&vector, &vector.value());
        assert_eq!(peek_version(&vector.value()), Some(vector.version()));
    }
}

#[test]
fn what_is_compressed_here_decodes_to_the_same_record() {
    for vector in vectors() {
        let value = encoded(&vector, 1);
        assert_decodes(&vector, &value);
        if vector.codec == 1 {
            assert_eq!(Envelope::read(&value).unwrap().codec.code(), 1, "{}: zstd pays here", vector.name);
        }
    }
}

#[test]
fn the_keys_of_the_vectors_are_those_that_the_codec_builds() {
    let namespace = key::Namespace::default();
    for vector in vectors() {
        let rebuilt = match vector.entity() {
            "compare" => key::compare_key(&namespace, &"BTC-USDT".parse().unwrap()),
            "history" => {
                let hour = key::UtcHour::containing(WallTime::from_nanos(vector.publish_time().nanos()));
                let minute = key::Interval::from_seconds(60).unwrap();
                let (instrument, venue) = ("BTC-USDT".parse().unwrap(), "binance".parse().unwrap());
                key::history_key(&namespace, &instrument, &venue, minute, hour)
            }
            _ => {
                let parsed = key::parse_value_key(&namespace, &vector.key).unwrap();
                key::value_key(&namespace, parsed.entity, &parsed.instrument, &parsed.venue)
            }
        };
        assert_eq!(rebuilt, vector.key);
    }
}

/// Item 4 of an envelope, as any MessagePack library sees it.
enum Body {
    Record(Vec<Value>),
    Frame(Vec<u8>),
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Body;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an array or a bin")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Body, E> {
                Ok(Body::Frame(bytes.to_vec()))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, items: A) -> Result<Body, A::Error> {
                Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(items)).map(Body::Record)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Numbers as the vectors' file has them: nothing distinguishes an int from the text of its digits.
fn normalized(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(normalized).collect()),
        Value::Number(number) => Value::String(number.to_string()),
        other => other.clone(),
    }
}

#[test]
fn an_independent_decoder_reads_what_is_written_here() {
    for vector in vectors() {
        for value in [vector.value(), encoded(&vector, 0), encoded(&vector, 1)] {
            let (schema, epoch, sequence, codec, body): (u8, u64, u64, u8, Body) =
                rmp_serde::from_slice(&value).unwrap();
            assert_eq!((schema, epoch, sequence), (1, vector.epoch, vector.sequence), "{}", vector.name);
            let record = match body {
                Body::Record(record) => {
                    assert_eq!(codec, 0);
                    record
                }
                Body::Frame(frame) => {
                    assert_eq!(codec, 1);
                    rmp_serde::from_slice(&zstd::stream::decode_all(&frame[..]).unwrap()).unwrap()
                }
            };
            let expected = normalized(&Value::Array(vector.record.clone()));
            assert_eq!(normalized(&Value::Array(record)), expected, "{}", vector.name);
        }
    }
}
