//! From what was typed to what is known to be right: ranges, grammars, and all relations between keys.
//!
//! Each check reports what is wrong and goes on, so that one run shows everything.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crate::domain::{Entity, EntityDurations, INSTRUMENTS_MAX, Instrument, Venue};

use super::endpoint::Endpoint;
use super::environment::{self, Environment};
use super::error::{ConfigErrors, Origin, Problem};
use super::keys::{self, Fallback, Key, SCALARS, Shape};
use super::raw::{Given, Raw, RawFeed, Values};
use super::settings::{FeedSettings, Settings, VenueDefaults, store_kind};

/// The settings, or `None` where something is wrong, which `errors` says then.
pub(super) fn settings(
    raw: &Raw,
    environment: &Environment,
    venues: &[VenueDefaults],
    errors: &mut ConfigErrors,
) -> Option<Settings> {
    let values = &raw.values;
    let namespace = parsed(values.text(&keys::NAMESPACE), keys::NAMESPACE.path, errors);
    let store = values.text(&keys::STORE_KIND).and_then(|given| {
        let kind = store_kind(&given.value);
        if kind.is_none() {
            let problem =
                Problem::Choice { expected: "\"embedded\" or \"redis\"".to_owned(), got: given.value };
            errors.push(&given.origin, keys::STORE_KIND.path, problem);
        }
        kind
    });
    let redis =
        values.text(&keys::REDIS_URL).and_then(|url| environment::redis_url(url, environment, errors));
    let embedded_listen = listen(values, &keys::EMBEDDED_LISTEN, errors);
    let http_listen = listen(values, &keys::HTTP_LISTEN, errors);
    check_ports(values, embedded_listen, http_listen, errors);
    let ttl =
        [&keys::TTL_PRICE, &keys::TTL_LIQUIDITY, &keys::TTL_VOLUME].map(|key| seconds(values, key, errors));
    let zstd_threshold = number(values, &keys::ZSTD_THRESHOLD, errors);
    let feeds = feeds(&raw.feeds, venues, errors);
    let redis = redis?;
    let variables = variables(values, &redis.origin);
    let [price, liquidity, volume] = ttl;
    Some(Settings {
        namespace: namespace?,
        store: store?,
        redis: redis.value,
        embedded_listen: embedded_listen?,
        http_listen: http_listen?,
        ttl: EntityDurations { price: price?, liquidity: liquidity?, volume: volume? },
        zstd_threshold_bytes: Some(zstd_threshold?).filter(|bytes| *bytes > 0),
        feeds: feeds?,
        variables,
    })
}

/// The variables behind each value that came from the environment.
fn variables(values: &Values, redis: &Origin) -> BTreeMap<&'static str, String> {
    let origin =
        |key: &Key| if key.path == keys::REDIS_URL.path { redis.clone() } else { values.origin(key) };
    let behind = |key: &&'static Key| match origin(key) {
        Origin::Environment(names) => Some((key.path, names)),
        Origin::Flag(_) | Origin::File(_) | Origin::Default => None,
    };
    SCALARS.iter().filter_map(behind).collect()
}

/// `Some(None)` is off, `None` an error.
fn listen(values: &Values, key: &Key, errors: &mut ConfigErrors) -> Option<Option<SocketAddr>> {
    let Given { value, origin } = values.text(key)?;
    if value.is_empty() {
        return Some(None);
    }
    let address = value.parse().ok();
    if address.is_none() {
        errors.push(&origin, key.path, Problem::Listen(value));
    }
    address.map(Some)
}

/// Two servers cannot share a port; port 0 asks the system for a free one.
fn check_ports(
    values: &Values,
    embedded: Option<Option<SocketAddr>>,
    http: Option<Option<SocketAddr>>,
    errors: &mut ConfigErrors,
) {
    let (Some(Some(embedded)), Some(Some(http))) = (embedded, http) else { return };
    let same_host =
        embedded.ip() == http.ip() || embedded.ip().is_unspecified() || http.ip().is_unspecified();
    if same_host && embedded.port() == http.port() && http.port() != 0 {
        let problem = Problem::PortTaken { address: http, other: keys::EMBEDDED_LISTEN.path };
        errors.push(&values.origin(&keys::HTTP_LISTEN), keys::HTTP_LISTEN.path, problem);
    }
}

fn feeds(raw: &[RawFeed], venues: &[VenueDefaults], errors: &mut ConfigErrors) -> Option<Vec<FeedSettings>> {
    if raw.is_empty() {
        // A [feed] of the wrong kind, or a [[feeds]], has been reported already.
        if errors.is_empty() {
            let expected = "at least one [[feed]] with venue and instruments";
            errors.push(&Origin::Default, keys::FEED_TABLE, Problem::Missing { expected });
        }
        return None;
    }
    let mut first_lines = HashMap::new();
    let checked: Vec<_> = raw.iter().map(|feed| self::feed(feed, venues, &mut first_lines, errors)).collect();
    checked.into_iter().collect()
}

fn feed(
    raw: &RawFeed,
    venues: &[VenueDefaults],
    first_lines: &mut HashMap<String, usize>,
    errors: &mut ConfigErrors,
) -> Option<FeedSettings> {
    let values = &raw.values;
    for key in [&keys::VENUE, &keys::INSTRUMENTS] {
        if values.origin(key) == Origin::Default && !raw.broken.contains(&key.path) {
            let expected = if key.shape == Shape::Text {
                "the name of a venue"
            } else {
                "a list such as [\"BTC-USDT\"]"
            };
            errors.push(&Origin::File(raw.line), key.path, Problem::Missing { expected });
        }
    }
    let venue = venue(values, venues, first_lines, errors);
    let name = venue.and_then(|_| parsed::<Venue>(values.text(&keys::VENUE), keys::VENUE.path, errors));
    let instruments = list::<Instrument>(values, &keys::INSTRUMENTS, INSTRUMENTS_MAX, errors);
    let entities = list::<Entity>(values, &keys::ENTITIES, Entity::ALL.len(), errors);
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
    let rest_url = endpoint(values, &keys::REST_URL, url(|venue| venue.rest_url), errors);
    let weight = venue.and_then(|venue| weight(values, venue, errors));
    let first_data = seconds(values, &keys::FIRST_DATA, errors);
    let [price, liquidity, volume] = [&keys::PRICE_SILENCE, &keys::LIQUIDITY_SILENCE, &keys::VOLUME_SILENCE]
        .map(|key| seconds(values, key, errors));
    Some(FeedSettings {
        venue: name?,
        instruments: instruments?,
        entities: entities?,
        depth: depth?,
        websocket_url: websocket_url?,
        rest_url: rest_url?,
        rest_weight_per_minute: weight?,
        first_data: first_data?,
        silence: EntityDurations { price: price?, liquidity: liquidity?, volume: volume? },
    })
}

fn venue<'a>(
    values: &Values,
    venues: &'a [VenueDefaults],
    first_lines: &mut HashMap<String, usize>,
    errors: &mut ConfigErrors,
) -> Option<&'a VenueDefaults> {
    let Given { value, origin } = values.text(&keys::VENUE)?;
    let known = venues.iter().find(|venue| venue.name == value);
    if known.is_none() {
        let names: Vec<_> = venues.iter().map(|venue| venue.name).collect();
        let problem = Problem::Choice { expected: format!("one of {}", names.join(", ")), got: value };
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

/// Elements of a list: at least one, at most `max`, none twice.
fn list<T: FromStr + Clone + Eq + Hash + ToString>(
    values: &Values,
    key: &Key,
    max: usize,
    errors: &mut ConfigErrors,
) -> Option<Vec<T>>
where
    Problem: From<T::Err>,
{
    let Given { value: given, origin } = values.texts(key)?;
    if given.is_empty() {
        errors.push(&origin, key.path, Problem::Empty);
    }
    if given.len() > max.max(ERRORS_WORTH_LISTING) {
        errors.push(&origin, key.path, Problem::TooMany { max, got: given.len() });
        return None;
    }
    let mut first_lines = HashMap::new();
    let mut list = Vec::with_capacity(given.len());
    for Given { value, origin } in given {
        if let Some(element) =
            parsed::<T>(Some(Given { value: value.clone(), origin: origin.clone() }), key.path, errors)
        {
            check_first(value, &origin, key.path, &mut first_lines, errors);
            list.push(element);
        }
    }
    Some(list)
}

/// A list that is too long by a few says which elements are wrong or double, rather than how many there are.
const ERRORS_WORTH_LISTING: usize = 10;

fn check_first(
    what: String,
    origin: &Origin,
    path: &str,
    first_lines: &mut HashMap<String, usize>,
    errors: &mut ConfigErrors,
) {
    let Origin::File(line) = origin else { return };
    match first_lines.get(&what) {
        Some(first) => errors.push(origin, path, Problem::Duplicate { what, first: *first }),
        None => {
            first_lines.insert(what, *line);
        }
    }
}

fn parsed<T: FromStr>(given: Option<Given<String>>, path: &str, errors: &mut ConfigErrors) -> Option<T>
where
    Problem: From<T::Err>,
{
    let Given { value, origin } = given?;
    value.parse().map_err(|error: T::Err| errors.push(&origin, path, error)).ok()
}

fn seconds(values: &Values, key: &Key, errors: &mut ConfigErrors) -> Option<Duration> {
    number(values, key, errors).map(|seconds| Duration::from_secs(seconds.into()))
}

fn number(values: &Values, key: &Key, errors: &mut ConfigErrors) -> Option<u32> {
    match &key.shape {
        Shape::Number { range, .. } => number_within(values, key, range.clone(), errors),
        Shape::Text | Shape::Texts => None,
    }
}

fn number_within(
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
