//! From what was typed to what is known to be right: ranges, grammars, and all relations between keys.
//!
//! Each check reports what is wrong and goes on, so that one run shows everything.

mod aliases;
mod embedded;
mod feeds;
mod redis;
mod value;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use crate::domain::{EntityDurations, EventKind};

use super::choice::listed;
use super::engine_id::{EngineId, SHARDED_BYTES_MAX};
use super::environment::{self, Environment};
use super::error::{ConfigErrors, Origin, Problem};
use super::keys::{self, Key, SCALARS};
use super::raw::{Given, Raw, Values};
use super::settings::{LeaseSettings, RecordSettings, Settings, VenueDefaults};
use value::{choice, filled, list, milliseconds, number, parsed, seconds, thousandths};

pub(super) use value::decimal;

/// The settings, or `None` where something is wrong, which `errors` says then.
pub(super) fn settings(
    raw: &Raw,
    environment: &Environment,
    venues: &[VenueDefaults],
    errors: &mut ConfigErrors,
) -> Option<Settings> {
    let values = &raw.values;
    let namespace = parsed(values.text(&keys::NAMESPACE), keys::NAMESPACE.path, errors);
    let shards = number(values, &keys::SHARDS, errors);
    let engine_id = engine_id(values, shards, errors);
    let cache_dir = values.text(&keys::CACHE_DIR).and_then(|given| given.value.parse().ok());
    let list_refresh = seconds(values, &keys::LIST_REFRESH, errors);
    let store = choice(values, &keys::STORE_KIND, errors);
    let redis =
        values.text(&keys::REDIS_URL).and_then(|url| environment::redis_url(url, environment, errors));
    let nodes = redis::nodes(values, redis.as_ref(), errors);
    let sentinel = redis::sentinel(values, errors);
    let tls_files = redis::tls_files(values, redis.as_ref(), errors);
    let embedded_listen = listen(values, &keys::EMBEDDED_LISTEN, errors);
    let embedded = embedded::embedded(values, embedded_listen, errors);
    let http_listen = listen(values, &keys::HTTP_LISTEN, errors);
    check_ports(values, embedded_listen, http_listen, errors);
    let ttl = ttl(values, errors);
    let zstd_threshold = number(values, &keys::ZSTD_THRESHOLD, errors);
    let fencing = choice(values, &keys::FENCING, errors);
    let push = choice(values, &keys::PUSH, errors);
    let lease = lease(values, errors);
    let price_move_limit = thousandths(values, &keys::PRICE_MOVE, errors);
    let move_price = choice(values, &keys::MOVE_PRICE, errors);
    let liquidity_change_percent = number(values, &keys::LIQUIDITY_CHANGE, errors);
    let event_kinds = event_kinds(values, errors);
    let events_per_second_max = number(values, &keys::EVENTS_PER_SECOND, errors);
    let record = record(values, errors);
    let aliases = aliases::aliases(&raw.aliases, venues, errors);
    let feeds = feeds::feeds(&raw.feeds, venues, aliases.as_deref(), errors);
    let redis = redis?;
    let variables = variables(values, &redis.origin);
    let (redis_mode, redis_nodes) = nodes?;
    Some(Settings {
        namespace: namespace?,
        engine_id: engine_id?,
        shards: u16::try_from(shards?).ok().and_then(NonZeroU16::new)?,
        cache_dir: cache_dir?,
        list_refresh: list_refresh?,
        store: store?,
        redis: redis.value,
        redis_mode,
        redis_nodes,
        sentinel: sentinel?,
        tls_files: tls_files?,
        embedded: embedded?,
        http_listen: http_listen?,
        ttl: ttl?,
        zstd_threshold_bytes: Some(zstd_threshold?).filter(|bytes| *bytes > 0),
        fencing: fencing?,
        push: push?,
        lease: lease?,
        price_move_limit: price_move_limit?,
        move_price: move_price?,
        liquidity_change_percent: liquidity_change_percent?,
        event_kinds: event_kinds?,
        events_per_second_max: events_per_second_max?,
        record: record?,
        feeds: feeds?,
        aliases: aliases?,
        remarks: environment.remarks().clone().with(&raw.warnings),
        variables,
    })
}

fn ttl(values: &Values, errors: &mut ConfigErrors) -> Option<EntityDurations> {
    let [price, liquidity, volume] =
        [&keys::TTL_PRICE, &keys::TTL_LIQUIDITY, &keys::TTL_VOLUME].map(|key| seconds(values, key, errors));
    Some(EntityDurations { price: price?, liquidity: liquidity?, volume: volume? })
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

/// `Some(None)` is to be made up, `None` an error.
fn engine_id(values: &Values, shards: Option<u32>, errors: &mut ConfigErrors) -> Option<Option<EngineId>> {
    let given = values.text(&keys::ENGINE_ID)?;
    if given.value.is_empty() {
        return Some(None);
    }
    let (origin, got) = (given.origin.clone(), given.value.len());
    let id = parsed(Some(given), keys::ENGINE_ID.path, errors);
    if id.is_some() && got > SHARDED_BYTES_MAX && shards.is_some_and(|shards| shards > 1) {
        errors.push(&origin, keys::ENGINE_ID.path, Problem::ShardedId { max: SHARDED_BYTES_MAX, got });
    }
    id.map(Some)
}

/// Both numbers, where two renewals fit into the lease.
fn lease(values: &Values, errors: &mut ConfigErrors) -> Option<LeaseSettings> {
    let ttl_ms = number(values, &keys::LEASE_TTL, errors);
    let renew_ms = number(values, &keys::LEASE_RENEW, errors);
    let (ttl_ms, renew_ms) = (ttl_ms?, renew_ms?);
    let max_ms = keys::lease_renew_ms_max(ttl_ms);
    if renew_ms > max_ms {
        // A default that nobody typed is not to blame: the shorter lease is.
        let origin = match values.origin(&keys::LEASE_RENEW) {
            Origin::Default => values.origin(&keys::LEASE_TTL),
            typed => typed,
        };
        let problem = Problem::RenewTooRare { max_ms, ttl_ms, got_ms: renew_ms };
        errors.push(&origin, keys::LEASE_RENEW.path, problem);
    }
    Some(LeaseSettings { ttl: milliseconds(ttl_ms), renew: milliseconds(renew_ms) })
}

/// Limits are checked also while nothing is recorded, so that turning it on brings no surprise.
fn record(values: &Values, errors: &mut ConfigErrors) -> Option<RecordSettings> {
    let dir = filled(values, &keys::RECORD_DIR).map(PathBuf::from);
    let file_bytes_max = number(values, &keys::RECORD_FILE_BYTES, errors);
    let buffer_bytes_max = number(values, &keys::RECORD_BUFFER_BYTES, errors);
    Some(RecordSettings { dir, file_bytes_max: file_bytes_max?, buffer_bytes_max: buffer_bytes_max? })
}

/// In the order of their codes; none is a choice too.
fn event_kinds(values: &Values, errors: &mut ConfigErrors) -> Option<Vec<EventKind>> {
    let by_name = |text: &str| {
        let unknown = || Problem::Choice {
            expected: listed(&EventKind::ALL.map(EventKind::as_str)),
            got: text.to_owned(),
        };
        EventKind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(unknown)
    };
    let mut kinds = list(values, &keys::EVENT_KINDS, EventKind::ALL.len(), by_name, errors)?;
    kinds.sort_unstable();
    Some(kinds)
}
