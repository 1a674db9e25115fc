//! Price moves against another library's exact decimals, and at the ends of the range of numbers.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::domain::{EventDetail, EventKind, Price, PriceLevel, Scale, Scales, Stamp};
use crate::process::watch::{PriceWatch, Watch as _};

fn watching(price_move_percent_thousandths: u32) -> Fixture {
    Fixture::with(EventPolicy {
        kinds: [EventKind::PriceMove].into_iter().collect(),
        price_move_percent_thousandths,
        per_second_max: u32::MAX,
        ..EventPolicy::default()
    })
}

fn decimal(number: Number) -> Decimal {
    Decimal::from_i128_with_scale(number.mantissa, number.scale.digits().into())
}

/// Reference and price of each move.
fn moves(feed: &Fixture) -> Vec<(Number, Number)> {
    let moved = |event: &KeyEvent| match event.detail {
        EventDetail::PriceMove { price_scale: scale, reference, price } => {
            (Number { mantissa: reference.0, scale }, Number { mantissa: price.0, scale })
        }
        ref other => panic!("{other:?} is off"),
    };
    feed.written.1.iter().map(moved).collect()
}

proptest! {
    /// Quotes of changing scales around a price, so that many are near the limit.
    #[test]
    fn moves_are_those_of_exact_decimals(
        limit in 0_u32..5_000,
        steps in prop::collection::vec((0_i64..4_000_000, 1_i64..40_000, 0_u32..7), 1..40)
    ) {
        let mut feed = watching(limit);
        let (mut reference, mut expected) = (None::<Decimal>, Vec::new());
        for (index, (offset, spread, digits)) in (0_u64..).zip(steps) {
            let bid = Decimal::new(98_000_000 + offset, 6).trunc_with_scale(digits);
            let ask = bid + Decimal::new(spread, 6);
            feed.quote(index, quote(index, &bid.to_string(), &ask.to_string()));
            let mid = (bid + ask) / Decimal::TWO;
            match reference {
                Some(known) if (mid - known).abs() * Decimal::from(100_000) <= known * Decimal::from(limit) => {}
                Some(known) => {
                    expected.push((known, mid));
                    reference = Some(mid);
                }
                None => reference = Some(mid),
            }
        }
        let made: Vec<_> = moves(&feed).into_iter().map(|(old, new)| (decimal(old), decimal(new))).collect();
        prop_assert_eq!(made, expected);
    }
}

/// 19 digits before the point and 18 behind it: bid + ask times the limit takes more than 128 bits.
#[test]
fn the_largest_prices_are_compared_exactly_and_half_of_the_finest_unit_is_rounded_down() {
    let mut feed = watching(1_000);
    let whole = "9000000000000000000";
    feed.quote(0, quote(1, &format!("{whole}.000000000000000000"), &format!("{whole}.000000000000000001")));
    // The sum is 18000000000000000000.000000000000000001; 1.01 times as much, rounded down, is no move.
    let bid = "9090000000000000000.000000000000000000";
    feed.quote(1, quote(2, bid, "9090000000000000000.000000000000000001"));
    assert_eq!(moves(&feed), []);
    feed.quote(2, quote(3, bid, "9090000000000000000.000000000000000002"));
    let [(reference, price)] = moves(&feed)[..] else { panic!("one move") };
    assert_eq!(reference.to_string(), format!("{whole}.000000000000000000"));
    assert_eq!(price.to_string(), "9090000000000000000.000000000000000001");
}

/// A leap so large is no price that a quote could bring at once; what compares it must not overflow all the same.
#[test]
fn the_largest_step_is_a_move_and_nothing_overflows() {
    let policy = EventPolicy {
        kinds: [EventKind::PriceMove].into_iter().collect(),
        price_move_percent_thousandths: u32::MAX,
        ..EventPolicy::default()
    };
    let scale = number("0.000000000000000001").scale;
    let record = |bid: &str, ask: &str| {
        let level =
            |text| Some(PriceLevel { price: Price(number(text).mantissa_at(scale).unwrap()), size: None });
        let scales = Scales { price: scale, size: Scale::ZERO };
        let stamp = Stamp::connecting(at_ms(0).wall.received());
        PriceRecord { bid: level(bid), ask: level(ask), ..PriceRecord::unknown(stamp, scales) }
    };
    let mut watch = PriceWatch::default();
    assert_eq!(watch.look(&record("0.000000000000000001", "0.000000000000000002"), &policy), []);
    let largest = "9999999999999999999.999999999999999999";
    let found = watch.look(&record("9999999999999999999.999999999999999998", largest), &policy);
    let [EventDetail::PriceMove { price_scale: scale, reference, price }] = found[..] else {
        panic!("one move: {found:?}")
    };
    let text = |price: Price| Number { mantissa: price.0, scale }.to_string();
    assert_eq!(
        (text(reference), text(price)),
        ("0.000000000000000001".to_owned(), "9999999999999999999.999999999999999998".to_owned())
    );
}
