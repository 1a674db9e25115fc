//! The fast path is a short cut: it changes no result.

use proptest::prelude::*;

use super::super::Decoder;

/// Text of a number, mostly in the venue's form.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[0-9]{1,7}\\.[0-9]{8}",
        2 => Just("0.00000000".to_owned()),
        2 => "-?[0-9]{1,30}(\\.[0-9]{1,25})?",
        1 => "[-0-9.e+ ]{0,12}",
    ]
}

fn quoted_number() -> impl Strategy<Value = String> {
    number().prop_map(|text| format!("\"{text}\""))
}

fn integer() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..2_000_000_000_000_u64).prop_map(|number| number.to_string()),
        2 => any::<u64>().prop_map(|number| number.to_string()),
        1 => "-?[0-9]{1,21}(\\.[0-9])?",
    ]
}

fn side() -> impl Strategy<Value = String> {
    let level = (quoted_number(), quoted_number()).prop_map(|(price, size)| format!("[{price},{size}]"));
    prop::collection::vec(level, 0..6).prop_map(|levels| format!("[{}]", levels.join(",")))
}

type Fields = Vec<(&'static str, String)>;

fn fields(
    constants: &[(&'static str, &'static str)],
    keys: &'static [&'static str],
    values: impl Strategy<Value = String>,
) -> impl Strategy<Value = Fields> {
    let constants: Fields = constants.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    prop::collection::vec(values, keys.len())
        .prop_map(move |values| constants.iter().cloned().chain(keys.iter().copied().zip(values)).collect())
}

const SYMBOL: (&str, &str) = ("s", "\"BTCUSDT\"");

fn ordered(order: &[&str], parts: impl IntoIterator<Item = Fields>) -> Fields {
    let mut all: Fields = parts.into_iter().flatten().collect();
    all.sort_by_key(|(key, _)| order.iter().position(|name| name == key));
    all
}

/// The stream's suffix, and the payload's fields in the venue's order.
fn payload() -> impl Strategy<Value = (&'static str, Fields)> {
    let quote = (fields(&[SYMBOL], &["u"], integer()), fields(&[], &["b", "B", "a", "A"], quoted_number()))
        .prop_map(|(a, b)| ("bookTicker", ordered(&["u", "s", "b", "B", "a", "A"], [a, b])));
    let trade = (
        fields(&[SYMBOL, ("e", "\"trade\""), ("M", "true")], &["E", "t", "T"], integer()),
        fields(&[], &["p", "q"], quoted_number()),
        fields(&[], &["m"], any::<bool>().prop_map(|maker| maker.to_string())),
    )
        .prop_map(|(a, b, c)| ("trade", ordered(&["e", "E", "s", "t", "p", "q", "T", "m", "M"], [a, b, c])));
    let depth = (
        fields(&[SYMBOL, ("e", "\"depthUpdate\"")], &["E", "U", "u"], integer()),
        fields(&[], &["b", "a"], side()),
    )
        .prop_map(|(a, b)| ("depth@100ms", ordered(&["e", "E", "s", "U", "u", "b", "a"], [a, b])));
    let ticker = (
        fields(&[SYMBOL, ("e", "\"24hrTicker\"")], &["E", "O", "C", "F", "L", "n"], integer()),
        fields(
            &[],
            &["p", "P", "w", "x", "c", "Q", "b", "B", "a", "A", "o", "h", "l", "v", "q"],
            quoted_number(),
        ),
    )
        .prop_map(|(a, b)| {
            let order = "e E s p P w x c Q b B a A o h l v q O C F L n";
            ("ticker", ordered(&order.split(' ').collect::<Vec<_>>(), [a, b]))
        });
    prop_oneof![quote, trade, depth, ticker]
}

fn frame(channel: &str, fields: &Fields, gap: &str) -> String {
    let fields: Vec<String> = fields.iter().map(|(key, value)| format!("\"{key}\":{gap}{value}")).collect();
    let data = fields.join(&format!("{gap},"));
    format!("{{{gap}\"stream\":\"btcusdt@{channel}\",{gap}\"data\":{{{data}{gap}}}}}{gap}")
}

/// What a frame says. Of errors only that there is one: their bytes move when fields do.
fn both(frame: &str) -> Option<String> {
    Decoder::new().decode(frame.as_bytes()).ok().map(|frame| format!("{frame:?}"))
}

fn general(frame: &str) -> Option<String> {
    Decoder::new().decode_general(frame.as_bytes()).ok().map(|frame| format!("{frame:?}"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn both_paths_say_the_same((channel, fields) in payload()) {
        let frame = frame(channel, &fields, "");
        let (mut first, mut second) = (Decoder::new(), Decoder::new());
        prop_assert_eq!(first.decode(frame.as_bytes()), second.decode_general(frame.as_bytes()));
    }

    #[test]
    fn order_whitespace_and_unknown_fields_change_nothing(
        (channel, fields) in payload(),
        shuffled in any::<prop::sample::Index>(),
        unknown in prop_oneof![Just("null"), Just("[{\"b\":[\"1\"]}]"), Just("\"\\u0022,\"")],
        gap in "[ \n\t\r]{0,3}",
    ) {
        let expected = both(&frame(channel, &fields, ""));
        let mut other = fields;
        let by = shuffled.index(other.len());
        other.rotate_left(by);
        other.insert(by, ("unknown", unknown.to_owned()));
        let frame = frame(channel, &other, &gap);
        prop_assert_eq!(&both(&frame), &expected);
        prop_assert_eq!(&general(&frame), &expected);
    }
}
