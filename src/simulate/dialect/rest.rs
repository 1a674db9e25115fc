//! What is asked over REST, and what is answered.
//!
//! Owns the forms that all venues share. Never does I/O.

use crate::simulate::book::BookView;
use crate::simulate::source::{Source, SymbolInfo};

/// A request.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulate) struct Asked<'a> {
    pub(in crate::simulate) method: &'a str,
    pub(in crate::simulate) path: &'a str,
    pub(in crate::simulate) query: Option<&'a str>,
    pub(in crate::simulate) body: &'a str,
    pub(in crate::simulate) now_us: i64,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::simulate) struct Answered {
    pub(in crate::simulate) status: u16,
    pub(in crate::simulate) body: String,
}

impl Answered {
    pub(super) fn ok(body: String) -> Self {
        Self { status: 200, body }
    }

    pub(super) fn refused(status: u16, body: &str) -> Self {
        Self { status, body: body.to_owned() }
    }

    pub(super) fn not_found() -> Self {
        Self::refused(404, "<html><body>404 Not found</body></html>")
    }
}

impl Asked<'_> {
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        parameter(self.query, name).map(plain)
    }

    /// A whole number, within these bounds; `default` where it is absent or none.
    pub(super) fn number(&self, name: &str, default: usize, most: usize) -> usize {
        parameter(self.query, name).and_then(|text| text.parse().ok()).unwrap_or(default).clamp(1, most)
    }

    pub(super) fn ms(&self) -> i64 {
        self.now_us / 1000
    }
}

/// A parameter of a query, as it came.
pub(in crate::simulate) fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    query?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

fn plain(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The levels of a symbol, where there is such a one.
pub(super) fn book(source: &Source, symbol: &str, limit: usize) -> Option<(SymbolInfo, BookView)> {
    let info = source.symbols().into_iter().find(|info| info.symbol == symbol)?;
    let view = source.view(symbol, limit)?;
    Some((info, view))
}

/// So many symbols from the cursor of the request on, each as its venue lists it, and the cursor of what follows: empty where nothing
/// does. It holds an escaped character, as venues' cursors do: who does not escape it again gets the first page for ever.
pub(super) fn page(
    asked: &Asked<'_>,
    source: &Source,
    limit: usize,
    one: impl Fn(&SymbolInfo) -> String,
) -> (String, String) {
    const CURSOR: &str = "first%3D";
    let from = asked.parameter("cursor").and_then(|cursor| cursor.strip_prefix(CURSOR)?.parse().ok());
    let (from, symbols): (usize, _) = (from.unwrap_or(0), source.symbols());
    let next = from.saturating_add(limit);
    let cursor = if next < symbols.len() { format!("{CURSOR}{next}") } else { String::new() };
    let listed: Vec<String> = symbols.iter().skip(from).take(limit).map(one).collect();
    (listed.join(","), cursor)
}

/// All symbols, each as its venue lists it.
pub(super) fn listed(source: &Source, one: impl Fn(&SymbolInfo) -> Option<String>) -> String {
    source.symbols().iter().filter_map(one).collect::<Vec<_>>().join(",")
}
