//! What holds for every record and for all bytes.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::{Decoder, Encoder, decode, peek_version, supersedes};
use crate::domain::*;

/// Around every boundary of the forms, and anything else.
fn mantissa() -> impl Strategy<Value = i128> {
    prop_oneof![
        (0_u32..127, -1_i128..=1, any::<bool>()).prop_map(|(bits, offset, negative)| {
            let number = (1_i128 << bits) + offset;
            if negative { -number } else { number }
        }),
        any::<i128>(),
        Just(i128::MIN),
        Just(i128::MAX),
    ]
}

pub(super) fn price() -> impl Strategy<Value = Price> {
    mantissa().prop_map(Price)
}

pub(super) fn size() -> impl Strategy<Value = Size> {
    mantissa().prop_map(|mantissa| Size(mantissa.checked_abs().unwrap_or(0)))
}

pub(super) fn scales() -> impl Strategy<Value = Scales> {
    (scale(), scale()).prop_map(|(price, size)| Scales { price, size })
}

pub(super) fn scale() -> impl Strategy<Value = Scale> {
    (0..=SCALE_MAX).prop_map(|digits| Scale::new(digits).unwrap())
}

fn size_unit() -> impl Strategy<Value = SizeUnit> {
    prop_oneof![Just(SizeUnit::Base), Just(SizeUnit::Quote)]
}

pub(super) fn state() -> impl Strategy<Value = State> {
    proptest::sample::select(State::ALL)
}

pub(super) fn reason() -> impl Strategy<Value = Reason> {
    proptest::sample::select(Reason::ALL)
}

fn stamp() -> impl Strategy<Value = Stamp> {
    (state(), reason(), of(any::<i64>()), any::<i64>(), any::<i64>()).prop_map(
        |(state, reason, venue_time, receive_time, confirmed_time)| Stamp {
            state,
            reason,
            venue_time: venue_time.map(VenueTime::from_nanos),
            receive_time: ReceiveTime::from_nanos(receive_time),
            confirmed_time: ConfirmedTime::from_nanos(confirmed_time),
        },
    )
}

fn price_level() -> impl Strategy<Value = PriceLevel> {
    (price(), of(size())).prop_map(|(price, size)| PriceLevel { price, size })
}

fn last_trade() -> impl Strategy<Value = LastTrade> {
    (price_level(), of(any::<i64>()), of(any::<i64>())).prop_map(|(level, venue_time, receive_time)| {
        LastTrade {
            price: level.price,
            size: level.size,
            venue_time: venue_time.map(VenueTime::from_nanos),
            receive_time: receive_time.map(ReceiveTime::from_nanos),
        }
    })
}

fn venue_sequence() -> impl Strategy<Value = Option<VenueSequence>> {
    of(any::<u64>().prop_map(VenueSequence))
}

fn price_record() -> impl Strategy<Value = Record> {
    (stamp(), scales(), size_unit(), of(price_level()), of(price_level()), venue_sequence(), of(last_trade()))
        .prop_map(|(stamp, scales, size_unit, bid, ask, venue_sequence, last)| {
            Record::Price(PriceRecord { stamp, scales, size_unit, bid, ask, venue_sequence, last })
        })
}

fn levels() -> impl Strategy<Value = Vec<DepthLevel>> {
    let level = (price(), size()).prop_map(|(price, size)| DepthLevel { price, size: size.max(Size(1)) });
    vec(level, 0..40)
}

fn liquidity_record() -> impl Strategy<Value = Record> {
    (stamp(), scales(), size_unit(), levels(), levels(), venue_sequence(), of(any::<u32>())).prop_map(
        |(stamp, scales, size_unit, bids, asks, venue_sequence, checked_levels)| {
            Record::Liquidity(LiquidityRecord {
                stamp,
                scales,
                size_unit,
                bids,
                asks,
                venue_sequence,
                checked_levels,
            })
        },
    )
}

fn volume_record() -> impl Strategy<Value = Record> {
    let prices = [of(price()), of(price()), of(price()), of(price())];
    (stamp(), scales(), scale(), of(size()), of(size()), of(any::<u64>()), prices, any::<u32>()).prop_map(
        |(stamp, scales, quote_scale, base_volume, quote_volume, trade_count, prices, window_s)| {
            let [open, high, low, last] = prices;
            Record::Volume(VolumeRecord {
                stamp,
                scales,
                quote_scale,
                base_volume,
                quote_volume,
                trade_count,
                open,
                high,
                low,
                last,
                window_s,
            })
        },
    )
}

fn record() -> impl Strategy<Value = Record> {
    prop_oneof![price_record(), liquidity_record(), volume_record()]
}

fn candle() -> impl Strategy<Value = Candle> {
    let prices = [price(), price(), price(), price()];
    (any::<i64>(), prices, of(size()), of(any::<u64>()), any::<u32>()).prop_map(
        |(open_time_s, [open, high, low, close], base_volume, trade_count, flags)| Candle {
            open_time_s,
            open,
            high,
            low,
            close,
            base_volume,
            trade_count,
            flags: CandleFlags(flags),
        },
    )
}

fn history_record() -> impl Strategy<Value = HistoryRecord> {
    (stamp(), scales(), any::<u32>(), vec(candle(), 0..70))
        .prop_map(|(stamp, scales, interval_s, candles)| HistoryRecord { stamp, scales, interval_s, candles })
}

pub(super) fn venue() -> impl Strategy<Value = Venue> {
    vec(proptest::sample::select(b"abcxyz0189-".as_slice()), 1..=32)
        .prop_map(|name| String::from_utf8(name).unwrap().parse().unwrap())
}

fn compared_venue() -> impl Strategy<Value = ComparedVenue> {
    (venue(), state(), reason(), version(), of(price_level()), of(price_level()), any::<i64>()).prop_map(
        |(venue, state, reason, version, bid, ask, confirmed_time)| ComparedVenue {
            venue,
            state,
            reason,
            version,
            bid,
            ask,
            confirmed_time: ConfirmedTime::from_nanos(confirmed_time),
        },
    )
}

fn compare_record() -> impl Strategy<Value = CompareRecord> {
    let best = || of((price_level(), venue()).prop_map(|(level, venue)| BestLevel { level, venue }));
    (stamp(), scales(), best(), best(), vec(compared_venue(), 0..20)).prop_map(
        |(stamp, scales, best_bid, best_ask, venues)| CompareRecord {
            stamp,
            scales,
            best_bid,
            best_ask,
            venues,
        },
    )
}

pub(super) fn version() -> impl Strategy<Value = Version> {
    (0..=VERSION_MAX, 0..=VERSION_MAX).prop_map(|(epoch, sequence)| Version {
        epoch: Epoch::new(epoch).unwrap(),
        sequence: Sequence::new(sequence).unwrap(),
    })
}

fn publish_time() -> impl Strategy<Value = PublishTime> {
    any::<i64>().prop_map(PublishTime::from_nanos)
}

/// Never and always.
fn threshold() -> impl Strategy<Value = usize> {
    proptest::sample::select(&[0_usize, 1][..])
}

fn encoded(threshold: usize, record: &Record, version: Version, time: PublishTime) -> Vec<u8> {
    let mut value = Vec::new();
    Encoder::new(threshold).encode(record.as_ref(), version, time, &mut value);
    value
}

proptest! {
    #[test]
    fn every_record_comes_back_as_it_was(
        record in record(), version in version(), time in publish_time(), threshold in threshold()
    ) {
        let value = encoded(threshold, &record, version, time);
        prop_assert_eq!(peek_version(&value), Some(version));
        let decoded = decode(record.entity(), &value).unwrap();
        prop_assert_eq!((decoded.record, decoded.version, decoded.publish_time), (record, version, time));
    }

    #[test]
    fn every_history_comes_back_as_it_was(
        record in history_record(), version in version(), time in publish_time(), threshold in threshold()
    ) {
        let mut value = Vec::new();
        Encoder::new(threshold).encode_history(&record, version, time, &mut value);
        let decoded = Decoder::new().decode_history(&value).unwrap();
        prop_assert_eq!((decoded.record, decoded.version, decoded.publish_time), (record, version, time));
    }

    #[test]
    fn every_comparison_comes_back_as_it_was(
        record in compare_record(), version in version(), time in publish_time(), threshold in threshold()
    ) {
        let mut value = Vec::new();
        Encoder::new(threshold).encode_compare(&record, version, time, &mut value);
        let decoded = Decoder::new().decode_compare(&value).unwrap();
        prop_assert_eq!((decoded.record, decoded.version, decoded.publish_time), (record, version, time));
    }

    #[test]
    fn reused_buffers_leave_nothing_behind(records in vec((record(), threshold()), 1..6), version in version()) {
        let (time, mut decoder) = (PublishTime::from_nanos(1), Decoder::new());
        let mut encoders = [Encoder::new(0), Encoder::new(1)];
        let mut out = Vec::new();
        for (record, threshold) in &records {
            let start = out.len();
            encoders[*threshold].encode(record.as_ref(), version, time, &mut out);
            prop_assert_eq!(&out[start..], &encoded(*threshold, record, version, time)[..]);
            prop_assert_eq!(&decoder.decode(record.entity(), &out[start..]).unwrap().record, record);
        }
    }

    #[test]
    fn zstd_is_used_only_where_the_value_becomes_smaller(record in record(), version in version()) {
        let time = PublishTime::from_nanos(1);
        prop_assert!(
            encoded(1, &record, version, time).len() <= encoded(0, &record, version, time).len()
        );
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in vec(any::<u8>(), 0..200), version in version(), codec in 0_u8..3) {
        let mut value = encoded(0, &Record::Volume(VolumeRecord::unknown(
            Stamp::connecting(ReceiveTime::from_nanos(0)), 1)), version, PublishTime::from_nanos(0));
        value.truncate(20);
        value.push(codec);
        value.extend_from_slice(&bytes);
        for candidate in [&bytes, &value] {
            for entity in Entity::ALL {
                drop(decode(entity, candidate));
            }
            drop(Decoder::new().decode_history(candidate));
            drop(Decoder::new().decode_compare(candidate));
        }
    }

    #[test]
    fn no_change_of_a_value_makes_the_decoder_panic(
        record in record(), threshold in threshold(),
        changes in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let version = Version { epoch: Epoch::new(1).unwrap(), sequence: Sequence::ZERO };
        let mut value = encoded(threshold, &record, version, PublishTime::from_nanos(0));
        for (at, byte) in changes {
            let at = at.index(value.len());
            value[at] = byte;
        }
        for entity in Entity::ALL {
            drop(decode(entity, &value));
        }
        drop(Decoder::new().decode_history(&value));
        drop(Decoder::new().decode_compare(&value));
    }

    #[test]
    fn a_cut_or_lengthened_value_is_an_error(
        record in record(), threshold in threshold(), at in any::<proptest::sample::Index>()
    ) {
        let version = Version { epoch: Epoch::new(1).unwrap(), sequence: Sequence::ZERO };
        let mut value = encoded(threshold, &record, version, PublishTime::from_nanos(0));
        prop_assert!(decode(record.entity(), &value[..at.index(value.len())]).is_err());
        value.push(0);
        prop_assert!(decode(record.entity(), &value).is_err());
    }

    #[test]
    fn of_two_versions_at_most_one_supersedes_the_other(first in version(), second in version()) {
        prop_assert!(!(supersedes(first, second) && supersedes(second, first)));
        prop_assert!(!supersedes(first, first));
        prop_assert_eq!(supersedes(first, second), (first.epoch, first.sequence) > (second.epoch, second.sequence));
    }
}
