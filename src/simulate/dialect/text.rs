//! Small forms of text that several venues share: times, levels, numbers.
//!
//! Owns their writing and reading. Never rounds.

use std::fmt::{self, Write};

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::simulate::book::Level;
use crate::simulate::scan::scalars;

/// A time in microseconds as `2021-04-17T16:48:53.365913Z`.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulate) struct Iso(pub(in crate::simulate) i64);

/// The same as text.
pub(in crate::simulate) fn iso(at_us: i64) -> String {
    Iso(at_us).to_string()
}

impl fmt::Display for Iso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, micros) = (self.0.div_euclid(86_400_000_000), self.0.rem_euclid(86_400_000_000));
        // Howard Hinnant's civil_from_days: years begin in March, so that leap days come last.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day = shifted.rem_euclid(146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let (day, month_of_year) =
            (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
        let year = year + era * 400 + i64::from(month_of_year <= 2);
        let seconds = micros / 1_000_000;
        write!(
            f,
            "{year:04}-{month_of_year:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            micros % 1_000_000
        )
    }
}

/// The microseconds of such a text; digits beyond them are left out.
pub(in crate::simulate) fn micros_of(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * 1_000_000 + fraction.parse::<i64>().ok()?)
}

/// Whether numbers keep the zeros at their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digits {
    Kept,
    Short,
}

impl Digits {
    pub(super) fn of(self, number: Decimal) -> Decimal {
        match self {
            Self::Kept => number,
            Self::Short => number.normalize(),
        }
    }
}

/// `[["price","quantity"],..]`, each level with a tail such as `,"0","1"`.
pub(super) fn pairs(levels: &[Level], digits: Digits, tail: &str) -> String {
    let mut text = String::with_capacity(2 + levels.len() * (32 + tail.len()));
    text.push('[');
    for (index, (price, quantity)) in levels.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let (price, quantity) = (digits.of(*price), digits.of(*quantity));
        write!(text, "{comma}[\"{price}\",\"{quantity}\"{tail}]").expect("a String takes all");
    }
    text.push(']');
    text
}

/// The first two texts of each level.
pub(super) type Rows<'a> = Vec<Vec<&'a str>>;

pub(super) fn levels(rows: &Rows<'_>) -> Option<Vec<Level>> {
    rows.iter().map(|row| Some((row.first()?.parse().ok()?, row.get(1)?.parse().ok()?))).collect()
}

/// A number of JSON, digits as sent.
pub(super) fn number(raw: &RawValue) -> Option<Decimal> {
    raw.get().parse().ok()
}

/// `{"price":..,"qty":..}`.
#[derive(Deserialize)]
pub(super) struct Named<'a> {
    #[serde(borrow)]
    pub(super) price: &'a RawValue,
    #[serde(borrow)]
    pub(super) qty: &'a RawValue,
}

/// The frame with each level's numbers and each time replaced by what is no number.
pub(super) fn wrong_types(frame: &str, level_keys: &[&str], time_keys: &[&str]) -> String {
    let mut changed = String::with_capacity(frame.len());
    let mut copied = 0;
    let is_meant = |key: &str| level_keys.contains(&key) || time_keys.contains(&key);
    for scalar in scalars(frame).iter().filter(|scalar| is_meant(scalar.key)) {
        changed.push_str(&frame[copied..scalar.start]);
        let is_quoted = frame[..scalar.start].ends_with('"');
        changed.push_str(if is_quoted { "--1" } else { "[[]]" });
        copied = scalar.end;
    }
    changed.push_str(&frame[copied..]);
    changed
}

/// A pseudo-random number that belongs to a name: the same each time. FNV-1a.
pub(in crate::simulate) fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_back() {
        for (at_us, text) in [
            (1_618_678_133_365_913, "2021-04-17T16:48:53.365913Z"),
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(iso(at_us), text);
            assert_eq!(micros_of(text), Some(at_us));
        }
        assert_eq!(micros_of("2021-04-17T16:48:53Z"), Some(1_618_678_133_000_000));
        assert_eq!(micros_of("yesterday"), None);
    }
}
