//! `config/tickcache.toml`: complete, right, and telling the truth.

use std::collections::BTreeSet;

use super::keys::{FEED, Fallback, Key, REST_WEIGHT, SCALARS, Shape};
use super::*;

const SHIPPED: &str = include_str!("../../../config/tickcache.toml");

#[test]
fn the_shipped_file_loads_as_it_is() {
    let settings = loaded(SHIPPED, &[]);
    assert_eq!(settings.store, StoreKind::Embedded);
    assert_eq!(settings.feeds.len(), 1);
}

#[test]
fn the_shipped_file_has_the_defaults_of_the_code() {
    let defaults = loaded("[[feed]]\nvenue = \"binance\"\ninstruments = [\"BTC-USDT\", \"ETH-USDT\"]\n", &[]);
    assert_eq!(loaded(SHIPPED, &[]), defaults);
}

#[test]
fn the_shipped_file_holds_every_key_and_no_other() {
    let known: BTreeSet<&str> = SCALARS.iter().chain(FEED.iter()).map(|key| key.path).collect();
    let held: BTreeSet<String> = commented_keys().into_iter().map(|(path, _)| path).collect();
    assert_eq!(held.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
}

/// A comment that names another range or default than the code has would be worse than none.
#[test]
fn every_comment_of_the_shipped_file_names_range_unit_and_default() {
    for (path, comment) in commented_keys() {
        let key = SCALARS.iter().chain(FEED.iter()).find(|key| key.path == path).expect("tested above");
        for part in to_be_named(key) {
            assert!(comment.contains(&part), "{path}: {part:?} is not in {comment:?}");
        }
    }
}

fn to_be_named(key: &Key) -> Vec<String> {
    let mut parts = match &key.shape {
        // The venue's own range; see `venues`.
        Shape::Number { .. } if *key == REST_WEIGHT => {
            vec!["250 to 6000".to_owned(), "weight per minute".to_owned()]
        }
        Shape::Number { range, unit } => {
            vec![format!("{} to {}", range.start(), range.end()), (*unit).to_owned()]
        }
        Shape::Decimal { range, unit } => {
            let end = |thousandths: &u32| super::validate::decimal(*thousandths);
            vec![format!("{} to {}", end(range.start()), end(range.end())), (*unit).to_owned()]
        }
        Shape::Choice(words) => words.iter().map(|word| format!("{word:?}")).collect(),
        Shape::Text | Shape::Secret | Shape::Exact | Shape::Texts => Vec::new(),
    };
    parts.push(match key.fallback {
        Fallback::Text(text) => format!("Default: {text:?}."),
        Fallback::Number(number) => format!("Default: {number}"),
        Fallback::Texts(texts) => format!("Default: {texts:?}."),
        Fallback::Venue => "Default: the venue's own".to_owned(),
        Fallback::Required => "Must be set.".to_owned(),
    });
    parts.into_iter().map(|part| part.to_lowercase()).collect()
}

/// Path and comment of every key, in lower case and one line each.
fn commented_keys() -> Vec<(String, String)> {
    let (mut section, mut comment, mut keys) = (String::new(), String::new(), Vec::new());
    for line in SHIPPED.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push_str(&text.to_lowercase());
        } else if line.starts_with('[') {
            section = format!("{}.", line.trim_matches(['[', ']']));
            comment.clear();
        } else if let Some((name, _)) = line.split_once(" = ") {
            keys.push((format!("{section}{name}"), std::mem::take(&mut comment)));
        } else {
            comment.clear();
        }
    }
    keys
}
