//! Properties of exact numbers and of names, for any input.

use std::str::FromStr;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;

/// Plain decimal text, as venues send it: with and without sign, point, leading and trailing zeros.
fn decimal_text() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,11}|0{1,3}[0-9]{1,8})(\\.[0-9]{1,14}0{0,3})?"
}

proptest! {
    /// Against another library's exact decimals.
    #[test]
    fn a_number_is_worth_what_its_text_says(text in decimal_text()) {
        let number = Number::parse(text.as_bytes()).expect("plain decimal text");
        let ours = Decimal::from_i128_with_scale(number.mantissa, number.scale.digits().into());
        prop_assert_eq!(ours, Decimal::from_str(&text).expect("plain decimal text"));
        let written = number.to_string();
        prop_assert_eq!(Decimal::from_str(&written).expect("we write plain decimals"), ours);
        prop_assert_eq!(Number::parse(written.as_bytes()), Ok(number), "what is written reads as the same");
    }

    #[test]
    fn a_finer_scale_changes_the_mantissa_and_never_the_value(text in decimal_text(), digits in 0..=SCALE_MAX) {
        let number = Number::parse(text.as_bytes()).expect("plain decimal text");
        let scale = Scale::new(digits).expect("in range");
        match number.mantissa_at(scale) {
            Ok(mantissa) => {
                let there = Number { mantissa, scale };
                let value = |number: Number| Number::parse(number.to_string().as_bytes());
                prop_assert_eq!(value(there), value(number));
            }
            Err(error) => {
                prop_assert_eq!(error, NumberError::TooFine);
                prop_assert!(number.scale > scale, "only a coarser scale is refused");
            }
        }
    }

    #[test]
    fn raising_the_scales_keeps_every_price(text in "[0-9]{1,19}(\\.[0-9]{1,6})?", raise in 6..=SCALE_MAX) {
        let number = Number::parse(text.as_bytes()).expect("plain decimal text");
        let before = Scales::default().raised_for(number.scale, Scale::ZERO);
        let after = before.raised_for(Scale::new(raise).expect("in range"), Scale::ZERO);
        let price = before.price_of(number).expect("nineteen digits before the point");
        let raised = Price(price.0.checked_mul(before.price_factor(after)).expect("raising cannot overflow"));
        prop_assert_eq!(after.price_of(number), Ok(raised));
    }

    #[test]
    fn no_bytes_make_the_number_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Number::parse(&bytes);
    }

    #[test]
    fn names_that_are_taken_are_kept_as_they_are(text in "[A-Za-z0-9:_{}-]{0,40}") {
        if let Ok(instrument) = text.parse::<Instrument>() {
            prop_assert_eq!(instrument.as_str(), &text);
            let parts = [Some(instrument.base()), Some(instrument.quote()), instrument.contract()];
            prop_assert_eq!(parts.into_iter().flatten().collect::<Vec<_>>().join("-"), text.clone());
        }
        if let Ok(venue) = text.parse::<Venue>() {
            prop_assert_eq!(venue.as_str(), text);
        }
    }
}
