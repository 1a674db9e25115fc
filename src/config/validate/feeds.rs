//! The feeds: venues, instruments, entities, and what a venue's own limits say about them.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::time::Duration;

use crate::domain::{Entity, EntityDurations, INSTRUMENTS_MAX, Instrument, PriceFrom, Venue};

use super::super::choice::{listed, one_of};
use super::super::endpoint::Endpoint;
use super::super::error::{ConfigErrors, Origin, Problem};
use super::super::keys::{self, Key, Shape};
use super::super::raw::{Given, RawTable, Values};
use super::super::settings::{AliasSettings, FeedSettings, VenueDefaults};
use super::value::{
    check_first, choice, filled_list, milliseconds, number, number_within, parse, parsed, seconds,
};

/// The longest name of a channel: no venue's is longer than a third of it.
const CHANNEL_BYTES_MAX: usize = 64;

/// Every feed, or `None` where one is wrong.
pub(super) fn feeds(
    raw: &[RawTable],
    venues: &[VenueDefaults],
    aliases: Option<&[AliasSettings]>,
    errors: &mut ConfigErrors,
) -> Option<Vec<FeedSettings>> {
    if raw.is_empty() {
        // A [feed] of the wrong kind, or a [[feeds]], has been reported already.
        if errors.is_empty() {
            let expected = "at least one [[feed]] with venue and instruments";
            errors.push(&Origin::Default, keys::FEED_TABLE, Problem::Missing { expected });
        }
        return None;
    }
    let mut first_lines = HashMap::new();
    let checked: Vec<_> =
        raw.iter().map(|feed| self::feed(feed, venues, aliases, &mut first_lines, errors)).collect();
    checked.into_iter().collect()
}

fn feed(
    raw: &RawTable,
    venues: &[VenueDefaults],
    aliases: Option<&[AliasSettings]>,
    first_lines: &mut HashMap<String, Origin>,
    errors: &mut ConfigErrors,
) -> Option<FeedSettings> {
    let values = &raw.values;
    report_missing(raw, errors);
    let venue = venue(values, venues, first_lines, errors);
    let name = venue.and_then(|_| parsed::<Venue>(values.text(&keys::VENUE), keys::VENUE.path, errors));
    let instruments = filled_list::<Instrument>(values, &keys::INSTRUMENTS, INSTRUMENTS_MAX, parse, errors);
    let aliases = venue.zip(aliases).map(|(venue, known)| -> Vec<AliasSettings> {
        known.iter().filter(|alias| alias.venue.as_str() == venue.name).cloned().collect()
    });
    if let (Some(venue), Some(aliases), Some(_)) = (venue, &aliases, &instruments) {
        check_symbols(values, venue, aliases, errors);
    }
    let entities = filled_list::<Entity>(values, &keys::ENTITIES, Entity::ALL.len(), parse, errors);
    let depth = match venue {
        Some(defaults) => {
            let Shape::Number { range, .. } = &keys::DEPTH.shape else { return None };
            let max = defaults.depth_max.min(*range.end());
            number_within(values, &keys::DEPTH, *range.start()..=max, errors)
        }
        None => number(values, &keys::DEPTH, errors),
    };
    let url = |defaults: fn(&VenueDefaults) -> &'static str| venue.map(defaults);
    let websocket_url = endpoint(values, &keys::WEBSOCKET_URL, url(|venue| venue.websocket_url), errors);
    let volume_websocket_url = volume_endpoint(values, venue, websocket_url.as_ref(), errors);
    let channels = venue.and_then(|venue| channels(values, venue, errors));
    let price_from = venue.and_then(|venue| price_from(values, venue, errors));
    let congestion = number(values, &keys::CONGESTION, errors).map(milliseconds);
    let redundant = number(values, &keys::REDUNDANT, errors);
    let session_max = match values.origin(&keys::SESSION_MAX) {
        Origin::Default => venue.map(|venue| venue.session_max_s),
        _ => number(values, &keys::SESSION_MAX, errors),
    };
    let partitions = number(values, &keys::PARTITIONS, errors);
    let rest_url = endpoint(values, &keys::REST_URL, url(|venue| venue.rest_url), errors);
    let weight = venue.and_then(|venue| weight(values, venue, errors));
    let first_data = seconds(values, &keys::FIRST_DATA, errors);
    let [price, liquidity, volume] = [&keys::PRICE_SILENCE, &keys::LIQUIDITY_SILENCE, &keys::VOLUME_SILENCE]
        .map(|key| seconds(values, key, errors));
    Some(FeedSettings {
        venue: name?,
        instruments: instruments?,
        aliases: aliases?,
        entities: entities?,
        depth: depth?,
        price_from: price_from?,
        websocket_url: websocket_url?,
        volume_websocket_url: volume_websocket_url?,
        channels: channels?,
        rest_url: rest_url?,
        rest_weight_per_minute: weight?,
        first_data: first_data?,
        silence: EntityDurations { price: price?, liquidity: liquidity?, volume: volume? },
        congestion: congestion?,
        redundant: redundant?,
        session_max: Some(session_max?).filter(|&max| max > 0).map(|max| Duration::from_secs(max.into())),
        partitions: u16::try_from(partitions?).ok().and_then(NonZeroU16::new)?,
    })
}

/// What must be set and is not.
fn report_missing(raw: &RawTable, errors: &mut ConfigErrors) {
    for key in [&keys::VENUE, &keys::INSTRUMENTS] {
        if raw.values.origin(key) == Origin::Default && !raw.broken.contains(&key.path) {
            let expected = if key.shape == Shape::Text {
                "the name of a venue"
            } else {
                "a list such as [\"BTC-USDT\"]"
            };
            errors.push(&Origin::File(raw.line), key.path, Problem::Missing { expected });
        }
    }
}

/// What the venue cannot have is known without asking it, and so is what would be subscribed to twice.
fn check_symbols(
    values: &Values,
    venue: &VenueDefaults,
    aliases: &[AliasSettings],
    errors: &mut ConfigErrors,
) {
    let path = keys::INSTRUMENTS.path;
    let mut symbols: HashMap<String, String> = HashMap::new();
    for Given { value, origin } in
        values.texts(&keys::INSTRUMENTS).map(|given| given.value).unwrap_or_default()
    {
        let Ok(instrument) = value.parse::<Instrument>() else { continue };
        let alias = aliases.iter().find(|alias| alias.instrument == instrument);
        let symbol = match alias {
            Some(alias) => Ok(alias.symbol.clone()),
            None => (venue.symbols.0)(venue.name, &instrument),
        };
        match symbol {
            Err(reason) => errors.push(&origin, path, Problem::Symbol { instrument: value, reason }),
            Ok(symbol) => match symbols.get(&symbol) {
                Some(other) if *other != value => {
                    let (instrument, other) = (value, other.clone());
                    errors.push(&origin, path, Problem::SameSymbol { instrument, other, symbol });
                }
                Some(_) => {}
                None => {
                    symbols.insert(symbol, value);
                }
            },
        }
    }
}

fn venue<'a>(
    values: &Values,
    venues: &'a [VenueDefaults],
    first_lines: &mut HashMap<String, Origin>,
    errors: &mut ConfigErrors,
) -> Option<&'a VenueDefaults> {
    let Given { value, origin } = values.text(&keys::VENUE)?;
    let known = venues.iter().find(|venue| venue.name == value);
    if known.is_none() {
        let names: Vec<_> = venues.iter().map(|venue| venue.name).collect();
        let problem = Problem::Choice { expected: one_of(&names), got: value };
        errors.push(&origin, keys::VENUE.path, problem);
        return None;
    }
    check_first(value, &origin, keys::VENUE.path, first_lines, errors);
    known
}

fn weight(values: &Values, venue: &VenueDefaults, errors: &mut ConfigErrors) -> Option<u32> {
    if values.origin(&keys::REST_WEIGHT) == Origin::Default {
        return Some(venue.rest_weight_per_minute);
    }
    number_within(values, &keys::REST_WEIGHT, venue.rest_weight_per_minute_range.clone(), errors)
}

/// One of those that the venue has.
fn price_from(values: &Values, venue: &VenueDefaults, errors: &mut ConfigErrors) -> Option<PriceFrom> {
    let origin = values.origin(&keys::PRICE_FROM);
    if origin == Origin::Default {
        return venue.prices_from.first().copied();
    }
    let chosen = choice::<PriceFrom>(values, &keys::PRICE_FROM, errors)?;
    if !venue.prices_from.contains(&chosen) {
        let words: Vec<_> = venue.prices_from.iter().map(|source| source.as_str()).collect();
        let problem = Problem::Choice { expected: listed(&words), got: chosen.as_str().to_owned() };
        errors.push(&origin, keys::PRICE_FROM.path, problem);
        return None;
    }
    Some(chosen)
}

/// Where the venue has its figures with everything else, they follow `websocket_url`.
fn volume_endpoint(
    values: &Values,
    venue: Option<&VenueDefaults>,
    websocket_url: Option<&Endpoint>,
    errors: &mut ConfigErrors,
) -> Option<Endpoint> {
    let venue = venue?;
    let is_given = values.origin(&keys::VOLUME_WEBSOCKET_URL) != Origin::Default;
    if !is_given && venue.volume_websocket_url == venue.websocket_url {
        return websocket_url.cloned();
    }
    endpoint(values, &keys::VOLUME_WEBSOCKET_URL, Some(venue.volume_websocket_url), errors)
}

/// The venue's names of its channels, unless others are given.
fn channels(values: &Values, venue: &VenueDefaults, errors: &mut ConfigErrors) -> Option<[String; 4]> {
    let mut names = venue.channels.map(str::to_owned);
    let mut valid = true;
    for (key, name) in keys::CHANNELS.iter().zip(&mut names) {
        let Some(Given { value, origin }) = values.text(key) else { continue };
        let printable = (1..=CHANNEL_BYTES_MAX).contains(&value.len())
            && value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
        if !printable {
            errors.push(&origin, key.path, Problem::Channel { max: CHANNEL_BYTES_MAX });
            valid = false;
        }
        *name = value;
    }
    valid.then_some(names)
}

/// A URL of the file, else the venue's own.
fn endpoint(
    values: &Values,
    key: &Key,
    default: Option<&'static str>,
    errors: &mut ConfigErrors,
) -> Option<Endpoint> {
    let (schemes, expected) = if key.path == keys::REST_URL.path {
        (["http", "https"], "an http:// or https:// URL")
    } else {
        (["ws", "wss"], "a ws:// or wss:// URL")
    };
    let given = values.text(key);
    let venues_own = || default.map(|url| Given { value: url.to_owned(), origin: Origin::Default });
    let Given { value, origin } = given.or_else(venues_own)?;
    let endpoint = Endpoint::parse(&value, schemes);
    if endpoint.is_none() {
        errors.push(&origin, key.path, Problem::Endpoint(expected));
    }
    endpoint
}
