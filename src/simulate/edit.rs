//! Frames that are wrong in one point and right in all others.
//!
//! Owns the changing of one digit, of times, and the crossing of books, for frames of any venue. Pure: the same frame is
//! always changed in the same way.

use rust_decimal::Decimal;

use super::book::{Book, Side, Top};
use super::dialect::{Beyond, Dialect, Kind, hash, iso, micros_of};
use super::scan::{Scalar, scalars};

/// How far back [`super::Fault::TimeBack`] goes, and how far ahead [`super::Fault::TimeAhead`].
pub(super) const BACK_US: i64 = -10_000_000;
pub(super) const AHEAD_US: i64 = 30 * 365 * 86_400 * 1_000_000;

/// One digit of a level's price or quantity becomes another.
pub(super) fn alter(dialect: &dyn Dialect, text: &str) -> Option<String> {
    let numbers = numbers(dialect, text);
    let mut random = fastrand::Rng::with_seed(hash(text));
    let chosen = numbers.get(random.usize(..numbers.len().max(1)))?;
    let digits: Vec<usize> =
        (chosen.start..chosen.end).filter(|at| text.as_bytes()[*at].is_ascii_digit()).collect();
    let at = *digits.get(random.usize(..digits.len().max(1)))?;
    // Never to 0: a number must not come to begin with it.
    let other = (text.as_bytes()[at] - b'0') % 9 + 1;
    Some(format!("{}{other}{}", &text[..at], &text[at + 1..]))
}

/// A level's price or quantity gets so many digits that no type holds it.
pub(super) fn endless(dialect: &dyn Dialect, text: &str) -> Option<String> {
    let number = numbers(dialect, text).into_iter().next()?;
    let (head, tail) = text.split_at(number.end);
    let point = if head[number.start..].contains('.') { "" } else { "." };
    Some(format!("{head}{point}{}{tail}", "3".repeat(60)))
}

/// The id by which the venue orders the frame.
pub(super) fn sequence(dialect: &dyn Dialect, text: &str) -> Option<u64> {
    let scalars = scalars(text);
    let id = scalars.iter().find(|scalar| dialect.sequence_keys().contains(&scalar.key))?;
    text[id.start..id.end].parse().ok()
}

/// The frame with its id lowered by so much.
pub(super) fn lowered(dialect: &dyn Dialect, text: &str, by: u64) -> Option<String> {
    let scalars = scalars(text);
    let id = scalars.iter().find(|scalar| dialect.sequence_keys().contains(&scalar.key))?;
    let number: u64 = text[id.start..id.end].parse().ok()?;
    Some(format!("{}{}{}", &text[..id.start], number.saturating_sub(by), &text[id.end..]))
}

/// The prices and quantities of a frame's levels.
fn numbers<'a>(dialect: &dyn Dialect, text: &'a str) -> Vec<Scalar<'a>> {
    let is_level = |scalar: &Scalar<'_>| {
        let is_number = text[scalar.start..scalar.end].parse::<Decimal>().is_ok();
        let is_price_or_size = match scalar.index {
            // Coinbase names the side first.
            Some(index) if scalar.key == "changes" => index > 0,
            Some(index) => index < 2,
            None => true,
        };
        is_number && is_price_or_size && dialect.level_keys().contains(&scalar.key)
    };
    scalars(text).into_iter().filter(is_level).collect()
}

/// All of the venue's own times are others by so many microseconds.
pub(super) fn shift_times(dialect: &dyn Dialect, text: &str, by_us: i64) -> Option<String> {
    let mut changed = String::with_capacity(text.len() + 8);
    let mut copied = 0;
    for scalar in scalars(text).iter().filter(|scalar| dialect.time_keys().contains(&scalar.key)) {
        let Some(other) = other_time(&text[scalar.start..scalar.end], by_us) else { continue };
        changed.push_str(&text[copied..scalar.start]);
        changed.push_str(&other);
        copied = scalar.end;
    }
    changed.push_str(&text[copied..]);
    (copied > 0).then_some(changed)
}

fn other_time(time: &str, by_us: i64) -> Option<String> {
    if let Some(at_us) = micros_of(time) {
        return Some(iso(at_us + by_us));
    }
    let number: i64 = time.parse().ok()?;
    // Milliseconds, microseconds or nanoseconds, by their digits.
    let by = match time.len() {
        13 => by_us / 1000,
        16 => by_us,
        19 => by_us * 1000,
        _ => return None,
    };
    Some((number + by).to_string())
}

/// The best bid comes to lie above the best ask, by a twentieth. `after` is the book that the frame makes for those who
/// check sums.
pub(super) fn cross(
    dialect: &dyn Dialect,
    kind: Kind,
    text: &str,
    top: Top,
    after: Option<&Book>,
) -> Option<String> {
    let (ask, quantity) = top.ask?;
    let mut price = (ask * Decimal::new(105, 2)).round_dp(ask.scale());
    price.rescale(ask.scale());
    match kind {
        Kind::Top { .. } | Kind::Ticker(_) => {
            let is_bid = |scalar: &&Scalar<'_>| {
                ["b", "bid", "bids", "px"].contains(&scalar.key)
                    && scalar.index.is_none_or(|index| index == 0)
            };
            let all = scalars(text);
            let bid = all.iter().find(is_bid)?;
            Some(format!("{}{price}{}", &text[..bid.start], &text[bid.end..]))
        }
        Kind::Deltas { .. } | Kind::Whole { .. } | Kind::Changes => {
            let opened = dialect.bids_open().iter().find(|opened| text.contains(**opened))?;
            let at = text.find(opened)? + opened.len();
            let comma = if text[at..].starts_with(']') { "" } else { "," };
            let level = dialect.level(opened, price, quantity);
            let crossed = format!("{}{level}{comma}{}", &text[..at], &text[at..]);
            let summed = after.and_then(|book| {
                let mut book = book.clone();
                book.set(Side::Bid, price, quantity);
                dialect.with_checksum(&crossed, &book.view(10))
            });
            Some(summed.unwrap_or(crossed))
        }
        Kind::Trades | Kind::Heartbeat => None,
    }
}

/// A book as a client that truncates knows it from the frames that it was sent.
pub(super) fn mirror(dialect: &dyn Dialect, kind: Kind, book: &mut Book, text: &str) {
    let Kind::Deltas { depth, beyond: Beyond::Truncated } = kind else { return };
    if let Some(reading) = dialect.read(text) {
        book.take(&reading);
        book.truncate(depth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::dialect::of;

    const KRAKEN: &str = r#"{"channel":"book","type":"update","data":[{"symbol":"A/B","bids":[{"price":1.50,"qty":2.0}],"asks":[],"checksum":7,"timestamp":"2021-04-17T16:48:53.365913Z"}]}"#;
    const OKX: &str = r#"{"arg":{"channel":"books","instId":"A-B"},"action":"update","data":[{"asks":[],"bids":[["1.5","2","0","1"]],"ts":"1652459225464","checksum":0,"prevSeqId":1,"seqId":2}]}"#;

    #[test]
    fn one_digit_of_a_level_changes_and_nothing_else() {
        for (venue, text) in [("kraken", KRAKEN), ("okx", OKX)] {
            let altered = alter(of(venue).unwrap(), text).unwrap();
            let different = text.bytes().zip(altered.bytes()).filter(|(one, other)| one != other).count();
            assert_eq!((different, altered.len()), (1, text.len()), "{altered}");
            let reading = of(venue).unwrap().read(&altered).unwrap();
            assert_ne!(Some(reading), of(venue).unwrap().read(text));
        }
    }

    #[test]
    fn an_endless_number_and_a_lower_id_are_all_that_changes() {
        let kraken = of("kraken").unwrap();
        let digits = format!("\"price\":1.50{}", "3".repeat(60));
        assert_eq!(endless(kraken, KRAKEN).unwrap(), KRAKEN.replace("\"price\":1.50", &digits));
        assert_eq!((sequence(kraken, KRAKEN), lowered(kraken, KRAKEN, 1)), (None, None));
        let spot = r#"{"stream":"a@bookTicker","data":{"u":712,"b":"1"}}"#;
        let binance = of("binance").unwrap();
        assert_eq!(sequence(binance, spot), Some(712));
        assert_eq!(lowered(binance, spot, 710).unwrap(), spot.replace("712", "2"));
    }

    #[test]
    fn times_go_back_by_ten_seconds() {
        let back = shift_times(of("kraken").unwrap(), KRAKEN, BACK_US).unwrap();
        assert_eq!(back, KRAKEN.replace("16:48:53", "16:48:43"));
        let back = shift_times(of("okx").unwrap(), OKX, BACK_US).unwrap();
        assert_eq!(back, OKX.replace("1652459225464", "1652459215464"));
        let spot = r#"{"stream":"a@bookTicker","data":{"u":1,"b":"1"}}"#;
        assert_eq!(shift_times(of("binance").unwrap(), spot, BACK_US), None);
    }

    #[test]
    fn a_crossed_frame_holds_a_bid_above_the_ask_and_the_checksum_of_that() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let top = Top { update_id: 1, bid: None, ask: Some((number("2.00"), number("3"))) };
        let mut book = Book::default();
        book.set(Side::Bid, number("1.50"), number("2.0"));
        let dialect = of("kraken").unwrap();
        let kind = dialect.kind("book.10:A/B").unwrap();
        let crossed = cross(dialect, kind, KRAKEN, top, Some(&book)).unwrap();
        assert_eq!(dialect.read(&crossed).unwrap().bids[0], (number("2.10"), number("3")));
        assert!(!crossed.contains("\"checksum\":7,"));
        let dialect = of("okx").unwrap();
        let crossed = cross(dialect, dialect.kind("books:A-B").unwrap(), OKX, top, None).unwrap();
        assert_eq!(crossed, OKX.replace("\"bids\":[", "\"bids\":[[\"2.1\",\"3\",\"0\",\"1\"],"));
    }
}
