//! Times as venues write them in text: RFC 3339 in UTC.
//!
//! Owns the calendar. Never takes another zone than UTC, never rounds: more digits than nanoseconds are no time of ours.

use crate::domain::VenueTime;

/// Not `YYYY-MM-DDThh:mm:ss[.fraction]Z`, or beyond 64-bit nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoTime;

/// `2021-04-17T16:43:37.075687Z`. A time of the year 1 is how some venues write that they know none.
#[inline]
pub(super) fn parse(text: &[u8]) -> Result<Option<VenueTime>, NoTime> {
    let (start, rest) = text.split_first_chunk::<19>().ok_or(NoTime)?;
    let nanos = fraction(rest)?;
    for (at, mark) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
        if start[at] != mark {
            return Err(NoTime);
        }
    }
    let year = number(&start[..4])?;
    let [month, day, hour, minute, second] = [
        number(&start[5..7])?,
        number(&start[8..10])?,
        number(&start[11..13])?,
        number(&start[14..16])?,
        number(&start[17..])?,
    ];
    if !(1..=12).contains(&month) || day == 0 || day > days_of(year, month) {
        return Err(NoTime);
    }
    // 60 is a leap second.
    if hour > 23 || minute > 59 || second > 60 {
        return Err(NoTime);
    }
    if year == 1 {
        return Ok(None);
    }
    let seconds = ((days_before(year, month) + day - 1) * 24 + hour) * 3_600 + minute * 60 + second;
    let nanos =
        seconds.checked_mul(1_000_000_000).and_then(|whole| whole.checked_add(nanos)).ok_or(NoTime)?;
    if year < 1970 { Err(NoTime) } else { Ok(Some(VenueTime::from_nanos(nanos))) }
}

/// `.075687Z` or `Z`, in nanoseconds.
#[inline]
fn fraction(text: &[u8]) -> Result<i64, NoTime> {
    let text = text.strip_suffix(b"Z").or_else(|| text.strip_suffix(b"+00:00")).ok_or(NoTime)?;
    let Some((b'.', digits)) = text.split_first() else {
        return if text.is_empty() { Ok(0) } else { Err(NoTime) };
    };
    let missing = 9_usize.checked_sub(digits.len()).filter(|&missing| missing < 9).ok_or(NoTime)?;
    let mut value = number(digits)?;
    for _ in 0..missing {
        value *= 10;
    }
    Ok(value)
}

/// At most nine digits.
#[inline]
fn number(digits: &[u8]) -> Result<i64, NoTime> {
    digits.iter().try_fold(0, |value, &byte| match byte {
        b'0'..=b'9' => Ok(value * 10 + i64::from(byte - b'0')),
        _ => Err(NoTime),
    })
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of the month. Years are counted from March, so that the leap day is the last.
const fn days_before(year: i64, month: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    // 306 days from March to January; 719,468 from 0000-03-01 to 1970-01-01.
    year * 365 + leap_days + (month * 306 + 5) / 10 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_nanoseconds_since_the_epoch() {
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2021-04-17T16:43:37.075687Z", 1_618_677_817_075_687_000),
            ("2021-04-17T16:43:37+00:00", 1_618_677_817_000_000_000),
            ("2024-02-29T23:59:59.999999999Z", 1_709_251_199_999_999_999),
            ("2000-03-01T00:00:00.5Z", 951_868_800_500_000_000),
            ("2100-12-31T00:00:00Z", 4_133_894_400_000_000_000),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(Some(VenueTime::from_nanos(nanos))), "{text}");
        }
    }

    #[test]
    fn the_year_one_is_no_known_time() {
        assert_eq!(parse(b"0001-01-01T00:00:00.000000Z"), Ok(None));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2021-04-17",
            "2021-04-17T16:43:37",
            "2021-04-17 16:43:37Z",
            "2021-04-17T16:43:37.Z",
            "2021-04-17T16:43:37.0123456789Z",
            "2021-04-17T16:43:37.01x3Z",
            "2021-04-17T16:43:37+02:00",
            "2021-02-29T00:00:00Z",
            "2021-13-01T00:00:00Z",
            "2021-00-01T00:00:00Z",
            "2021-01-00T00:00:00Z",
            "2021-01-01T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "9999-12-31T23:59:59Z",
            "+021-04-17T16:43:37Z",
        ] {
            assert_eq!(parse(text.as_bytes()), Err(NoTime), "{text}");
        }
    }
}
