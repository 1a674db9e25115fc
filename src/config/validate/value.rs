//! Single values: texts, numbers, decimals, choices and lists, each by its key's own shape.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::super::choice::{Choice, listed};
use super::super::error::{ConfigErrors, Origin, Problem};
use super::super::keys::{Fallback, Key, Shape};
use super::super::raw::{Given, Values};

/// Decimals that a number may have.
const DECIMALS_MAX: usize = 3;

/// A list that is too long by a few says which elements are wrong or double, rather than how many there are.
const ERRORS_WORTH_LISTING: usize = 10;

/// Elements of a list: at least one, at most `max`, none twice.
pub(super) fn filled_list<T>(
    values: &Values,
    key: &Key,
    max: usize,
    parse: impl Fn(&str) -> Result<T, Problem>,
    errors: &mut ConfigErrors,
) -> Option<Vec<T>> {
    let list = list(values, key, max, parse, errors)?;
    if values.texts(key).is_some_and(|given| given.value.is_empty()) {
        errors.push(&values.origin(key), key.path, Problem::Empty);
    }
    Some(list)
}

/// Elements of a list: at most `max`, none twice. Those that `parse` refuses are reported and left out.
pub(super) fn list<T>(
    values: &Values,
    key: &Key,
    max: usize,
    parse: impl Fn(&str) -> Result<T, Problem>,
    errors: &mut ConfigErrors,
) -> Option<Vec<T>> {
    let Given { value: given, origin } = values.texts(key)?;
    if given.len() > max.max(ERRORS_WORTH_LISTING) {
        errors.push(&origin, key.path, Problem::TooMany { max, got: given.len() });
        return None;
    }
    let mut first_lines = HashMap::new();
    let mut list = Vec::with_capacity(given.len());
    for Given { value, origin } in given {
        match parse(&value) {
            Ok(element) => {
                check_first(value, &origin, key.path, &mut first_lines, errors);
                list.push(element);
            }
            Err(problem) => errors.push(&origin, key.path, problem),
        }
    }
    Some(list)
}

/// By the grammar of `T`.
pub(super) fn parse<T: FromStr>(text: &str) -> Result<T, Problem>
where
    Problem: From<T::Err>,
{
    text.parse().map_err(Problem::from)
}

/// Reports `what` where it came before.
pub(super) fn check_first(
    what: String,
    origin: &Origin,
    path: &str,
    firsts: &mut HashMap<String, Origin>,
    errors: &mut ConfigErrors,
) {
    match (firsts.get(&what), origin) {
        (Some(Origin::File(first)), Origin::File(_)) => {
            errors.push(origin, path, Problem::Duplicate { what, first: *first });
        }
        (Some(_), _) => errors.push(origin, path, Problem::Repeated { what }),
        (None, _) => {
            firsts.insert(what, origin.clone());
        }
    }
}

/// One of the key's words.
pub(super) fn choice<T: Choice>(values: &Values, key: &Key, errors: &mut ConfigErrors) -> Option<T> {
    let Given { value, origin } = values.text(key)?;
    let choice = T::of(&value);
    if choice.is_none() {
        errors.push(&origin, key.path, Problem::Choice { expected: listed(T::WORDS), got: value });
    }
    choice
}

/// A text, or `None` where it is empty.
pub(super) fn filled(values: &Values, key: &Key) -> Option<String> {
    values.text(key).map(|given| given.value).filter(|text| !text.is_empty())
}

/// A decimal in thousandths, exactly.
pub(super) fn thousandths(values: &Values, key: &Key, errors: &mut ConfigErrors) -> Option<u32> {
    let Given { value, origin } = values.text(key)?;
    let Shape::Decimal { range, unit } = &key.shape else { return None };
    let number = parse_thousandths(&value).filter(|number| range.contains(number));
    if number.is_none() {
        let [min, max] = [range.start(), range.end()].map(|end| decimal(*end));
        errors.push(&origin, key.path, Problem::Decimal { min, max, unit, got: value });
    }
    number
}

/// `1`, `1.`, `1.05`: digits, and at most three more behind a point; no sign, no exponent.
fn parse_thousandths(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || decimals.len() > DECIMALS_MAX || !digits(whole) || !digits(decimals) {
        return None;
    }
    format!("{whole}{decimals:0<DECIMALS_MAX$}").parse().ok()
}

/// Thousandths as they are typed: `1.0`, `0.025`, `1000.0`.
pub(in super::super) fn decimal(thousandths: u32) -> String {
    let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}

/// A number of milliseconds.
pub(super) fn milliseconds(number: u32) -> Duration {
    Duration::from_millis(number.into())
}

/// The text given, by the grammar of `T`.
pub(super) fn parsed<T: FromStr>(
    given: Option<Given<String>>,
    path: &str,
    errors: &mut ConfigErrors,
) -> Option<T>
where
    Problem: From<T::Err>,
{
    let Given { value, origin } = given?;
    value.parse().map_err(|error: T::Err| errors.push(&origin, path, error)).ok()
}

/// A number of seconds.
pub(super) fn seconds(values: &Values, key: &Key, errors: &mut ConfigErrors) -> Option<Duration> {
    number(values, key, errors).map(|seconds| Duration::from_secs(seconds.into()))
}

/// A number within the key's own range.
pub(super) fn number(values: &Values, key: &Key, errors: &mut ConfigErrors) -> Option<u32> {
    match &key.shape {
        Shape::Number { range, .. } => number_within(values, key, range.clone(), errors),
        Shape::Text
        | Shape::Secret
        | Shape::Choice(_)
        | Shape::Texts
        | Shape::Exact
        | Shape::Decimal { .. } => None,
    }
}

/// A number within `range`.
pub(super) fn number_within(
    values: &Values,
    key: &Key,
    range: RangeInclusive<u32>,
    errors: &mut ConfigErrors,
) -> Option<u32> {
    let given = values.number(key)?;
    // A venue's limit may be below the common default, which nobody typed.
    let number = u32::try_from(given.value).ok().map(|number| match (&given.origin, key.fallback) {
        (Origin::Default, Fallback::Number(_)) => number.min(*range.end()),
        _ => number,
    });
    let number = number.filter(|number| range.contains(number));
    if let (None, Shape::Number { unit, .. }) = (number, &key.shape) {
        let problem =
            Problem::Range { min: *range.start(), max: *range.end(), unit, got: given.value.to_string() };
        errors.push(&given.origin, key.path, problem);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_digit_by_digit() {
        for (text, thousandths) in [
            ("1", Some(1_000)),
            ("1.0", Some(1_000)),
            ("0.1", Some(100)),
            ("0.001", Some(1)),
            ("007.05", Some(7_050)),
            ("1000", Some(1_000_000)),
            ("1.000", Some(1_000)),
            ("1.0000", None),
            ("0.0005", None),
            ("1e1", None),
            ("+1", None),
            ("-1", None),
            (".5", None),
            ("", None),
            ("1.2.3", None),
            ("inf", None),
            ("99999999999", None),
        ] {
            assert_eq!(parse_thousandths(text), thousandths, "{text}");
            if let Some(number) = thousandths {
                assert_eq!(parse_thousandths(&decimal(number)), thousandths, "{text}");
            }
        }
        assert_eq!([1_000, 1, 25_500].map(decimal), ["1.0", "0.001", "25.5"]);
    }
}
