//! Patterns of KEYS, SCAN and PSUBSCRIBE, as redis-server matches them (`stringmatchlen` of its `util.c`).
//!
//! Owns `*`, `?`, `[...]` and `\`. Never looks at letters' case. Takes at most [`STEPS_MAX`] steps: a pattern of many stars
//! that takes more does not match, so that no request holds a thread.

/// Comparisons of one match; without a star there are as many as the pattern has bytes.
const STEPS_MAX: u32 = 100_000;

/// Whether `pattern` matches the whole of `text`.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern_at, mut text_at) = (0, 0);
    // Where the last star was, and how much of the text it took: the only place worth going back to.
    let mut star: Option<(usize, usize)> = None;
    for _ in 0..STEPS_MAX {
        if text_at == text.len() {
            return pattern[pattern_at..].iter().all(|byte| *byte == b'*');
        }
        match pattern.get(pattern_at) {
            Some(b'*') => {
                pattern_at += 1;
                star = Some((pattern_at, text_at));
                if pattern_at == pattern.len() {
                    return true;
                }
                continue;
            }
            Some(_) => {
                let (is_match, next) = one(pattern, pattern_at, text[text_at]);
                if is_match {
                    (pattern_at, text_at) = (next, text_at + 1);
                    continue;
                }
            }
            None => {}
        }
        let Some((after, taken)) = star else { return false };
        star = Some((after, taken + 1));
        (pattern_at, text_at) = (after, taken + 1);
    }
    false
}

/// Whether the element of the pattern at `at` matches a byte, and where the next element is.
fn one(pattern: &[u8], at: usize, byte: u8) -> (bool, usize) {
    match pattern[at] {
        b'?' => (true, at + 1),
        b'[' => class(pattern, at + 1, byte),
        b'\\' if at + 1 < pattern.len() => (pattern[at + 1] == byte, at + 2),
        literal => (literal == byte, at + 1),
    }
}

/// A class without its closing bracket ends with the pattern.
fn class(pattern: &[u8], mut at: usize, byte: u8) -> (bool, usize) {
    let is_negated = pattern.get(at) == Some(&b'^');
    if is_negated {
        at += 1;
    }
    let mut found = false;
    loop {
        match pattern[at.min(pattern.len())..] {
            [b'\\', literal, ..] => {
                found |= literal == byte;
                at += 2;
            }
            [b']', ..] => return (found != is_negated, at + 1),
            [] => return (found != is_negated, pattern.len()),
            [from, b'-', to, ..] => {
                found |= (from.min(to)..=from.max(to)).contains(&byte);
                at += 3;
            }
            [literal, ..] => {
                found |= literal == byte;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis_server() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a**c", "ac", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[b-a]llo", "hallo", true),
            ("h[\\]]llo", "h]llo", true),
            ("h[a", "ha", true),
            ("h[", "h[", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a\\", true),
            ("*:price:{BTC-USDT}:*", "tickcache:v1:price:{BTC-USDT}:binance", true),
            ("*a*b*c*", "xxaxxbxxcxx", true),
            ("*a*b*c*", "xxaxxcxxbxx", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_ends() {
        let pattern = "*a".repeat(1_000) + "b";
        assert!(!matches(pattern.as_bytes(), "a".repeat(60_000).as_bytes()));
    }
}
