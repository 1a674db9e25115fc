//! Figures for people.

use hdrhistogram::Histogram;

/// Durations in ns.
pub(crate) fn histogram(values: &[u64]) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("constants in range");
    for &value in values {
        histogram.saturating_record(value.max(1));
    }
    histogram
}

/// In µs, without a fraction.
pub(crate) fn us(nanos: u64) -> String {
    format!("{}", (nanos + 500) / 1_000)
}

/// In ms, with one digit.
pub(crate) fn ms(nanos: u64) -> String {
    format!("{}.{}", nanos / 1_000_000, nanos / 100_000 % 10)
}

/// `a / b`, with two digits.
pub(crate) fn ratio(a: u64, b: u64) -> String {
    let hundredths = u128::from(a) * 100 / u128::from(b.max(1));
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The least and the greatest.
pub(crate) fn spread(values: &[u64]) -> (u64, u64) {
    (values.iter().copied().min().unwrap_or(0), values.iter().copied().max().unwrap_or(0))
}

pub(crate) fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}
