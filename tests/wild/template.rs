//! The parts of a frame that are filled in when it is sent: `{ms}`, `{i}`, `{27646.80+i*10}`, `{id}`.

use tickcache::clock;

/// What a frame is filled in with.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Filling<'a> {
    /// How often it was sent before.
    pub(crate) index: i64,
    /// Of the request that is answered.
    pub(crate) id: &'a str,
}

/// Replaces every `{...}` that is one of ours; whatever else stands in braces is JSON and stays.
pub(crate) fn fill(text: &str, filling: Filling<'_>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        let inner = &rest[open + 1..];
        let end = inner.find(['{', '}']);
        let value = end
            .filter(|&end| inner.as_bytes()[end] == b'}')
            .and_then(|end| Some((value(&inner[..end], filling)?, end)));
        rest = if let Some((value, end)) = value {
            filled.push_str(&value);
            &inner[end + 1..]
        } else {
            filled.push('{');
            inner
        };
    }
    filled.push_str(rest);
    filled
}

fn value(name: &str, filling: Filling<'_>) -> Option<String> {
    let now = i128::from(clock::true_wall().nanos());
    for (unit, nanos) in [("ms", 1_000_000), ("us", 1_000), ("ns", 1)] {
        if let Some(offset) = name.strip_prefix(unit) {
            let offset: i128 = if offset.is_empty() { 0 } else { offset.parse().ok()? };
            return Some((now / nanos + offset).to_string());
        }
    }
    match name {
        "iso" => Some(iso(clock::true_wall().nanos())),
        "id" => Some(filling.id.to_owned()),
        "i" => Some(filling.index.to_string()),
        _ => arithmetic(name, filling.index),
    }
}

/// `A`, `A+i`, `A-i*B`: as many digits behind the point as the finer of the two.
fn arithmetic(text: &str, index: i64) -> Option<String> {
    let (first, sign, factor) = match text.split_once("+i").map(|parts| (parts, 1)) {
        Some(((first, factor), sign)) => (first, sign, factor),
        None => match text.split_once("-i") {
            Some((first, factor)) => (first, -1, factor),
            None => (text, 0, ""),
        },
    };
    let factor = match factor.strip_prefix('*') {
        Some(factor) => factor,
        None if factor.is_empty() => "1",
        None => return None,
    };
    let decimals = |text: &str| text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let digits = decimals(first).max(decimals(factor));
    let scaled = |text: &str| -> Option<i128> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let negative = whole.starts_with('-');
        let padded = format!("{whole}{fraction:0<digits$}");
        let valid =
            !whole.is_empty() && padded.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
        padded.parse().ok().filter(|_| valid && !(negative && whole == "-"))
    };
    let sum = scaled(first)? + sign * i128::from(index) * scaled(factor)?;
    if digits == 0 {
        return Some(sum.to_string());
    }
    let (mark, magnitude) = if sum < 0 { ("-", -sum) } else { ("", sum) };
    let power = 10_i128.pow(u32::try_from(digits).ok()?);
    Some(format!("{mark}{}.{:0digits$}", magnitude / power, magnitude % power))
}

/// RFC 3339 with microseconds.
fn iso(nanos: i64) -> String {
    let (seconds, micros) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000) / 1_000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (mut year, mut day) = (1970, days);
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    while day >= 365 + i64::from(leap(year)) {
        day -= 365 + i64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z", month + 1, day + 1)
}

#[test]
fn templates_are_filled_and_json_stays() {
    let fill = |text: &str| fill(text, Filling { index: 7, id: "42" });
    for (text, expected) in [
        (r#"{"a":{i},"b":["{27646.80+i*10}","{5}"]}"#, r#"{"a":7,"b":["27716.80","5"]}"#),
        (r#"{"id":{id},"x":{"y":1}}"#, r#"{"id":42,"x":{"y":1}}"#),
        ("{100-i*0.5} {100+i} {0.10-i*0.02}", "96.5 107 -0.04"),
        ("{nothing} {a+i} {", "{nothing} {a+i} {"),
    ] {
        assert_eq!(fill(text), expected);
    }
    assert_eq!(iso(1_796_083_200_123_456_789), "2026-12-01T00:00:00.123456Z");
    assert_eq!(iso(1_709_164_800_000_000_000), "2024-02-29T00:00:00.000000Z");
    assert!(fill("{ms-5000}").parse::<i64>().unwrap() > 1_700_000_000_000);
}
