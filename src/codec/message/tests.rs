//! What holds for every message and for all bytes. The bytes are compared with those of an independent library.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde::Serialize;

use super::super::properties::{price, reason, scale, scales, size, state, venue, version};
use super::*;
use crate::domain::*;

fn instrument() -> impl Strategy<Value = Instrument> {
    "[A-Z0-9]{1,20}-[A-Z0-9]{1,20}(-PERP|-20261225)?".prop_map(|text| text.parse().unwrap())
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn person_text() -> impl Strategy<Value = Box<str>> {
    "[\\PC]{0,50}".prop_map(|text: String| cut(&text, INVALIDATION_TEXT_MAX).into())
}

fn detail() -> impl Strategy<Value = EventDetail> {
    let price_move = (scale(), price(), price())
        .prop_map(|(price_scale, reference, price)| EventDetail::PriceMove { price_scale, reference, price });
    let trade = (scales(), price(), size(), side())
        .prop_map(|(scales, price, size, side)| EventDetail::Trade { scales, price, size, side });
    let liquidity = (scale(), size(), size(), side()).prop_map(|(size_scale, before, after, side)| {
        EventDetail::LiquidityChange { size_scale, before, after, side }
    });
    let state = (state(), reason()).prop_map(|(state, reason)| EventDetail::State { state, reason });
    let invalidated =
        (person_text(), person_text()).prop_map(|(who, why)| EventDetail::Invalidated { who, why });
    prop_oneof![price_move, trade, liquidity, state, invalidated]
}

fn event() -> impl Strategy<Value = EventMessage> {
    let entity = proptest::sample::select(&Entity::ALL[..]);
    (instrument(), venue(), entity, version(), any::<i64>(), detail()).prop_map(
        |(instrument, venue, entity, version, time, detail)| {
            let time = WallTime::from_nanos(time);
            EventMessage { instrument, venue, entity, version, time, detail }
        },
    )
}

fn feed() -> impl Strategy<Value = FeedMessage> {
    let feed = (venue(), any::<u16>()).prop_map(|(venue, partition)| Feed { venue, partition });
    (feed, "[A-Za-z0-9._-]{1,64}", version(), state(), reason(), any::<i64>(), any::<i64>()).prop_map(
        |(feed, engine, version, state, reason, time, clock_offset)| {
            let time = WallTime::from_nanos(time);
            FeedMessage { feed, engine, epoch: version.epoch, state, reason, time, clock_offset }
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    (instrument(), of(venue()), person_text(), person_text()).prop_map(|(instrument, venue, who, why)| {
        Command { kind: CommandKind::Invalidate, instrument, venue, who, why }
    })
}

fn event_bytes(message: &EventMessage) -> Vec<u8> {
    let mut out = Vec::new();
    encode_event(message, &mut out);
    out
}

fn feed_bytes(message: &FeedMessage) -> Vec<u8> {
    let mut out = Vec::new();
    encode_feed(message, &mut out);
    out
}

fn command_bytes(message: &Command) -> Vec<u8> {
    let mut out = Vec::new();
    encode_command(message, &mut out);
    out
}

/// A mantissa as WIRE.md has it, for the independent library.
#[derive(Serialize)]
#[serde(untagged)]
enum Mantissa {
    Int(i64),
    Digits(String),
}

impl From<i128> for Mantissa {
    fn from(mantissa: i128) -> Self {
        i64::try_from(mantissa).map_or_else(|_| Self::Digits(mantissa.to_string()), Self::Int)
    }
}

/// What the independent library makes of the items that WIRE.md lists, written down a second time.
fn library_event(message: &EventMessage) -> Vec<u8> {
    let EventMessage { instrument, venue, entity, version, time, detail } = message;
    let (instrument, venue, entity) = (instrument.as_str(), venue.as_str(), entity.as_str());
    let head = |kind: u8| (1_u8, kind, instrument, venue, entity, version.epoch.get());
    let (sequence, time) = (version.sequence.get(), time.nanos());
    let code = |side: &Side| u8::from(*side == Side::Sell);
    let bytes = match detail {
        EventDetail::PriceMove { price_scale, reference, price } => {
            let (a, b, c, d, e, f) = head(1);
            let (reference, price) = (Mantissa::from(reference.0), Mantissa::from(price.0));
            rmp_serde::to_vec(&(a, b, c, d, e, f, sequence, time, price_scale.digits(), reference, price))
        }
        EventDetail::Trade { scales, price, size, side } => {
            let (a, b, c, d, e, f) = head(2);
            let (price, size) = (Mantissa::from(price.0), Mantissa::from(size.0));
            let digits = (scales.price.digits(), scales.size.digits());
            let side = code(side);
            rmp_serde::to_vec(&(a, b, c, d, e, f, sequence, time, digits.0, digits.1, price, size, side))
        }
        EventDetail::LiquidityChange { size_scale, before, after, side } => {
            let (a, b, c, d, e, f) = head(3);
            let (before, after) = (Mantissa::from(before.0), Mantissa::from(after.0));
            let (digits, side) = (size_scale.digits(), code(side));
            rmp_serde::to_vec(&(a, b, c, d, e, f, sequence, time, digits, before, after, side))
        }
        EventDetail::State { state, reason } => {
            let (a, b, c, d, e, f) = head(4);
            rmp_serde::to_vec(&(a, b, c, d, e, f, sequence, time, state.code(), reason.code()))
        }
        EventDetail::Invalidated { who, why } => {
            let (a, b, c, d, e, f) = head(5);
            rmp_serde::to_vec(&(a, b, c, d, e, f, sequence, time, who, why))
        }
    };
    bytes.unwrap()
}

fn library_feed(message: &FeedMessage) -> Vec<u8> {
    let FeedMessage { feed, engine, epoch, state, reason, time, clock_offset } = message;
    let name = format!("{}/{}", feed.venue.as_str(), feed.partition);
    let (state, reason) = (state.code(), reason.code());
    rmp_serde::to_vec(&(1_u8, name, engine, epoch.get(), state, reason, time.nanos(), clock_offset)).unwrap()
}

fn library_command(message: &Command) -> Vec<u8> {
    let Command { kind: _, instrument, venue, who, why } = message;
    let venue = venue.as_ref().map(Venue::as_str);
    rmp_serde::to_vec(&(1_u8, 1_u8, instrument.as_str(), venue, who, why)).unwrap()
}

/// The message with further items at its end, as a later version may send it. All of ours have at most 15 items.
fn appended(message: &[u8]) -> Vec<u8> {
    let mut longer = vec![0xdc, 0, (message[0] & 0x0f) + 3];
    longer.extend_from_slice(&message[1..]);
    longer.extend_from_slice(b"\x81\xa1k\x92\x01\xc0\xc4\x02ab\xcb\x3f\xf0\0\0\0\0\0\0");
    longer
}

proptest! {
    #[test]
    fn every_event_comes_back_as_it_was_and_is_what_another_library_writes(message in event()) {
        let bytes = event_bytes(&message);
        prop_assert_eq!(&bytes, &library_event(&message));
        prop_assert_eq!(&decode_event(&appended(&bytes)).unwrap(), &message);
        prop_assert_eq!(decode_event(&bytes).unwrap(), message);
    }

    #[test]
    fn every_heartbeat_comes_back_as_it_was_and_is_what_another_library_writes(message in feed()) {
        let bytes = feed_bytes(&message);
        prop_assert_eq!(&bytes, &library_feed(&message));
        prop_assert_eq!(&decode_feed(&appended(&bytes)).unwrap(), &message);
        prop_assert_eq!(decode_feed(&bytes).unwrap(), message);
    }

    #[test]
    fn every_command_comes_back_as_it_was_and_is_what_another_library_writes(message in command()) {
        let bytes = command_bytes(&message);
        prop_assert_eq!(&bytes, &library_command(&message));
        prop_assert_eq!(&decode_command(&appended(&bytes)).unwrap(), &message);
        prop_assert_eq!(decode_command(&bytes).unwrap(), message);
    }

    #[test]
    fn no_bytes_make_a_reader_of_messages_panic(
        bytes in vec(any::<u8>(), 0..200),
        event in event(), feed in feed(), command in command(),
        changes in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4)
    ) {
        for mut message in [bytes, event_bytes(&event), feed_bytes(&feed), command_bytes(&command)] {
            for (at, byte) in &changes {
                if !message.is_empty() {
                    let at = at.index(message.len());
                    message[at] = *byte;
                }
            }
            drop((decode_event(&message), decode_feed(&message), decode_command(&message)));
        }
    }

    #[test]
    fn a_cut_or_lengthened_message_is_an_error(
        event in event(), feed in feed(), command in command(), at in any::<proptest::sample::Index>()
    ) {
        let [mut event, mut feed, mut command] = [event_bytes(&event), feed_bytes(&feed), command_bytes(&command)];
        prop_assert!(decode_event(&event[..at.index(event.len())]).is_err());
        prop_assert!(decode_feed(&feed[..at.index(feed.len())]).is_err());
        prop_assert!(decode_command(&command[..at.index(command.len())]).is_err());
        for message in [&mut event, &mut feed, &mut command] {
            message.push(0);
        }
        prop_assert!(decode_event(&event).is_err() && decode_feed(&feed).is_err() && decode_command(&command).is_err());
    }
}

#[test]
fn the_bytes_of_an_event_are_pinned() {
    let message = EventMessage {
        instrument: "BTC-USDT".parse().unwrap(),
        venue: "binance".parse().unwrap(),
        entity: Entity::Price,
        version: Version { epoch: Epoch::new(7).unwrap(), sequence: Sequence::new(300).unwrap() },
        time: WallTime::from_nanos(1_795_000_000_000_000_000),
        detail: EventDetail::PriceMove {
            price_scale: Scale::new(2).unwrap(),
            reference: Price(6_183_763),
            price: Price(6_250_000),
        },
    };
    let expected = b"\x9b\x01\x01\xa8BTC-USDT\xa7binance\xa5price\x07\xcd\x01\x2c\
        \xcf\x18\xe9\x1e\xfd\x5b\xd3\x80\x00\x02\xce\x00\x5e\x5b\x53\xce\x00\x5f\x5e\x10";
    assert_eq!(event_bytes(&message), expected);
}

/// One of each, with what makes it wrong.
#[test]
fn what_the_contract_does_not_allow_is_refused() {
    let event = |schema: u8, kind: u8, entity: &str, epoch: u64, scale: u8| {
        decode_event(
            &rmp_serde::to_vec(&(schema, kind, "BTC-USDT", "binance", entity, epoch, 1, 1, scale, 1, 1))
                .unwrap(),
        )
    };
    assert!(event(1, 1, "price", 1, 18).is_ok());
    assert!(matches!(event(2, 1, "price", 1, 2), Err(DecodeError::UnknownSchema { schema: 2 })));
    assert!(event(1, 6, "price", 1, 2).is_err(), "an unknown kind");
    assert!(event(1, 1, "compare", 1, 2).is_err(), "an unknown entity");
    assert!(matches!(event(1, 1, "price", 1 << 53, 2), Err(DecodeError::VersionBeyondLimit { .. })));
    assert!(event(1, 1, "price", 1, 19).is_err(), "a scale beyond 18");
    assert!(
        matches!(event(1, 2, "price", 1, 2), Err(DecodeError::TooFewItems { .. })),
        "a trade has two more"
    );
    let side = |side: u8| {
        decode_event(
            &rmp_serde::to_vec(&(1, 3, "BTC-USDT", "binance", "liquidity", 1, 1, 1, 0, 1, 1, side)).unwrap(),
        )
    };
    assert!(side(1).is_ok() && side(2).is_err());
    let feed = |feed: &str, engine: &str, epoch: u64| {
        decode_feed(&rmp_serde::to_vec(&(1, feed, engine, epoch, 0, 0, 1, -5)).unwrap())
    };
    assert_eq!(feed("binance/0", "host-1-ab12", 1).unwrap().clock_offset, -5);
    for engine in ["", "a b", "ä", &"x".repeat(65)] {
        assert!(feed("binance/0", engine, 1).is_err(), "{engine:?} is no id");
    }
    assert!(feed("binance", "host", 1).is_err(), "no partition");
    assert!(matches!(feed("binance/0", "host", u64::MAX), Err(DecodeError::VersionBeyondLimit { .. })));
    let command = |kind: u8, instrument: &str, who: &str| {
        decode_command(&rmp_serde::to_vec(&(1, kind, instrument, None::<&str>, who, "")).unwrap())
    };
    assert!(command(1, "BTC-USDT", &"w".repeat(INVALIDATION_TEXT_MAX)).is_ok());
    assert!(command(1, "BTC-USDT", &"w".repeat(INVALIDATION_TEXT_MAX + 1)).is_err(), "a long text");
    assert!(command(2, "BTC-USDT", "").is_err(), "an unknown kind");
    assert!(command(1, "btc-usdt", "").is_err(), "no instrument");
}

#[test]
fn texts_are_cut_between_characters_and_long_messages_are_not_read() {
    let long = "ä".repeat(INVALIDATION_TEXT_MAX);
    let message = Command {
        kind: CommandKind::Invalidate,
        instrument: "BTC-USDT".parse().unwrap(),
        venue: None,
        who: long.as_str().into(),
        why: format!("x{long}").into(),
    };
    let read = decode_command(&command_bytes(&message)).unwrap();
    assert_eq!((read.who.len(), read.why.len()), (INVALIDATION_TEXT_MAX, INVALIDATION_TEXT_MAX - 1));
    assert!(matches!(
        decode_command(&vec![0x91; MESSAGE_BYTES_MAX + 1]),
        Err(DecodeError::RecordTooLarge { .. })
    ));
}

/// Every item at its longest.
#[test]
fn the_longest_messages_fit_their_buffer() {
    let text = "x".repeat(INVALIDATION_TEXT_MAX);
    let mut message = EventMessage {
        instrument: format!("{0}-{0}-20261225", "A".repeat(20)).parse().unwrap(),
        venue: "v".repeat(32).parse().unwrap(),
        entity: Entity::Liquidity,
        version: Version {
            epoch: Epoch::new(VERSION_MAX).unwrap(),
            sequence: Sequence::new(VERSION_MAX).unwrap(),
        },
        time: WallTime::from_nanos(i64::MIN),
        detail: EventDetail::Invalidated { who: text.as_str().into(), why: text.as_str().into() },
    };
    assert_eq!(decode_event(&event_bytes(&message)).unwrap(), message);
    let scales = Scales { price: Scale::new(18).unwrap(), size: Scale::new(18).unwrap() };
    let (price, size) = (Price(i128::MIN), Size(i128::MAX));
    message.detail = EventDetail::Trade { scales, price, size, side: Side::Sell };
    assert_eq!(decode_event(&event_bytes(&message)).unwrap(), message);
}
