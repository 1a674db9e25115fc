//! What may have been meant by a name that nobody knows.

/// Names longer than this are not compared: the comparison's time grows with the square of the length.
const NAME_BYTES_MAX: usize = 64;

/// The known name nearest to `unknown`: one that begins like it up to its unit (`price_ms` for `price_s`), or one that
/// a few typing errors lead to.
pub(super) fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if unknown.is_empty() || unknown.len() > NAME_BYTES_MAX {
        return None;
    }
    let wanted = unknown.to_ascii_lowercase().replace('-', "_");
    let errors_max = ((wanted.chars().count() + 1) / 3).max(1);
    known
        .into_iter()
        .map(|name| {
            (if same_stem(&wanted, &name.to_ascii_lowercase()) { 0 } else { distance(&wanted, name) }, name)
        })
        .filter(|(distance, _)| *distance <= errors_max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Of the known names, at most `most` that at most `errors_max` typing errors lead to, the nearest first; letters count the same in
/// both cases.
#[must_use]
pub fn closest<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
    errors_max: usize,
    most: usize,
) -> Vec<&'a str> {
    if unknown.len() > NAME_BYTES_MAX {
        return Vec::new();
    }
    let wanted = unknown.to_ascii_lowercase();
    let ranked = known.into_iter().map(|name| (distance(&wanted, name), name));
    let mut near: Vec<_> = ranked.filter(|(distance, _)| *distance <= errors_max).collect();
    near.sort_unstable();
    near.into_iter().take(most).map(|(_, name)| name).collect()
}

/// Whether both are the same but for the unit that a name ends in.
fn same_stem(a: &str, b: &str) -> bool {
    const UNITS: [&str; 12] =
        ["_ns", "_us", "_ms", "_s", "_sec", "_secs", "_seconds", "_min", "_minutes", "_bytes", "_kb", "_kib"];
    let stem = |name: &str| {
        UNITS
            .iter()
            .find_map(|unit| name.strip_suffix(unit))
            .unwrap_or(name)
            .trim_end_matches("_per_minute")
            .to_owned()
    };
    stem(a) == stem(b)
}

/// Characters to insert, delete or replace to get from one to the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_names_come_first() {
        let known = ["ETH-USDT", "BTC-USDC", "BTC-USDT", "BTC-TRY"];
        assert_eq!(closest("btc-usdt", known, 1, 9), ["BTC-USDT", "BTC-USDC"]);
        assert_eq!(closest("BTC-USD", known, 9, 2), ["BTC-USDC", "BTC-USDT"]);
        assert_eq!(closest(&"A".repeat(65), known, 99, 9), [""; 0]);
    }

    #[test]
    fn a_wrong_unit_or_a_typing_error_leads_to_the_name_that_was_meant() {
        let known = ["price_s", "liquidity_s", "volume_s", "zstd_threshold_bytes", "rest_weight_per_minute"];
        for (unknown, meant) in [
            ("price_ms", Some("price_s")),
            ("price", Some("price_s")),
            ("PRICE_SECONDS", Some("price_s")),
            ("liqudity_s", Some("liquidity_s")),
            ("zstd-threshold", Some("zstd_threshold_bytes")),
            ("rest_weight", Some("rest_weight_per_minute")),
            ("candles", None),
            ("", None),
        ] {
            assert_eq!(nearest(unknown, known), meant, "{unknown}");
        }
    }
}
