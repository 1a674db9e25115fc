//! The fields and values of the catalog, the hash that says what there is.

use std::fmt::Write as _;

use super::KeyError;
use crate::domain::{Entity, Feed, Instrument, Venue};

/// What a field of the catalog says: who feeds it, and which entities there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Whose owner added the field.
    pub feed: Feed,
    /// What there are keys for. A reader leaves out those that it does not know.
    pub entities: Vec<Entity>,
}

/// `<instrument>:<venue>`: a field of the catalog.
#[must_use]
pub fn catalog_field(instrument: &Instrument, venue: &Venue) -> String {
    format!("{instrument}:{venue}")
}

/// Takes a field of the catalog apart.
///
/// # Errors
/// [`KeyError`], when it is no `<instrument>:<venue>`.
pub fn parse_catalog_field(field: &str) -> Result<(Instrument, Venue), KeyError> {
    let (instrument, venue) =
        field.split_once(':').ok_or_else(|| KeyError::CatalogField { field: field.to_owned() })?;
    Ok((instrument.parse()?, venue.parse()?))
}

/// `<feed> <entity> <entity> ...`: a value of the catalog.
#[must_use]
pub fn catalog_value(feed: &Feed, entities: &[Entity]) -> String {
    let mut value = feed.to_string();
    for entity in entities {
        write!(value, " {entity}").expect("a String takes everything");
    }
    value
}

/// Takes a value of the catalog apart. Entities that this version does not know are left out.
///
/// # Errors
/// [`KeyError`], when it does not begin with a feed.
pub fn parse_catalog_value(value: &str) -> Result<CatalogEntry, KeyError> {
    let mut words = value.split(' ');
    let feed = parse_feed(words.next().unwrap_or_default())?;
    Ok(CatalogEntry { feed, entities: words.filter_map(|word| word.parse().ok()).collect() })
}

/// Parses `venue/partition`.
///
/// # Errors
/// [`KeyError`], when it is none.
pub fn parse_feed(text: &str) -> Result<Feed, KeyError> {
    let wrong = || KeyError::Feed { feed: text.to_owned() };
    let (venue, partition) = text.split_once('/').ok_or_else(wrong)?;
    let plain = !partition.is_empty() && partition.bytes().all(|byte| byte.is_ascii_digit());
    let partition = partition.parse().ok().filter(|_| plain).ok_or_else(wrong)?;
    Ok(Feed { venue: venue.parse()?, partition })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_values_go_both_ways() {
        let (instrument, venue) = ("BTC-USDT-PERP".parse().unwrap(), "okx".parse().unwrap());
        let field = catalog_field(&instrument, &venue);
        assert_eq!(field, "BTC-USDT-PERP:okx");
        assert_eq!(parse_catalog_field(&field), Ok((instrument, venue.clone())));

        let feed = Feed { venue, partition: 3 };
        let value = catalog_value(&feed, &[Entity::Price, Entity::Volume]);
        assert_eq!(value, "okx/3 price volume");
        assert_eq!(
            parse_catalog_value(&value),
            Ok(CatalogEntry { feed, entities: vec![Entity::Price, Entity::Volume] })
        );
    }

    #[test]
    fn an_entity_of_a_later_version_is_left_out() {
        let entry = parse_catalog_value("okx/0 price funding liquidity").unwrap();
        assert_eq!(entry.entities, [Entity::Price, Entity::Liquidity]);
    }

    #[test]
    fn broken_fields_and_values_are_refused() {
        for field in ["", "BTC-USDT", "BTCUSDT:okx", "BTC-USDT:OKX", "BTC-USDT:okx:1"] {
            assert!(parse_catalog_field(field).is_err(), "{field}");
        }
        for value in ["", "okx", "okx/", "okx/x", "okx/+1", "okx/65536", "OKX/0 price", "/0"] {
            assert!(parse_catalog_value(value).is_err(), "{value}");
        }
    }
}
