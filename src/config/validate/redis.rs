//! Redis in its forms: one server, Sentinel, Cluster; and the certificates for it.
//!
//! Owns the relations between `redis.url`, which says who we are and whether to encrypt for every node, and the keys
//! beside it. Never reads the certificates' files: whoever connects does.

use std::path::PathBuf;

use super::super::choice::RedisMode;
use super::super::engine_id::is_name;
use super::super::error::{ConfigErrors, Origin, Problem};
use super::super::keys::{self, Key};
use super::super::raw::{Given, Values};
use super::super::redis_node::{REDIS_NODES_MAX, RedisNode, TypedNode};
use super::super::redis_url::{RedisAddress, RedisUrl, Tls};
use super::super::secret::Secret;
use super::super::settings::{SentinelSettings, TlsFiles};
use super::value::{choice, filled, list, parse};

/// The mode, and the nodes that it needs. `url` is `None` where it is wrong, which is reported already.
pub(super) fn nodes(
    values: &Values,
    url: Option<&Given<RedisUrl>>,
    errors: &mut ConfigErrors,
) -> Option<(RedisMode, Vec<RedisNode>)> {
    let mode = choice(values, &keys::REDIS_MODE, errors);
    let agreeing = |text: &str| {
        let typed: TypedNode = parse(text)?;
        if let (Some(typed), Some(url)) = (typed.tls, url.map(|url| tls(&url.value)))
            && typed != url
        {
            return Err(Problem::Relation(
                "redis:// and rediss:// are mixed; redis.url says for every node whether to encrypt",
            ));
        }
        Ok(typed.node)
    };
    let nodes = list(values, &keys::REDIS_NODES, REDIS_NODES_MAX, agreeing, errors);
    let (mode, nodes) = (mode?, nodes?);
    check_mode(mode, values, url, errors);
    Some((mode, nodes))
}

fn check_mode(mode: RedisMode, values: &Values, url: Option<&Given<RedisUrl>>, errors: &mut ConfigErrors) {
    let listed = values.texts(&keys::REDIS_NODES).is_some_and(|given| !given.value.is_empty());
    let nodes = values.origin(&keys::REDIS_NODES);
    if mode == RedisMode::Single {
        if listed {
            let problem = Problem::Relation(
                "redis.mode is \"single\", whose server stands in redis.url; expected an empty list, or redis.mode \
                 = \"sentinel\" or \"cluster\"",
            );
            errors.push(&nodes, keys::REDIS_NODES.path, problem);
        }
        return;
    }
    if !listed {
        let origin = if nodes == Origin::Default { values.origin(&keys::REDIS_MODE) } else { nodes };
        let expected = if mode == RedisMode::Sentinel {
            "the Sentinels, such as [\"sentinel-1:26379\", \"sentinel-2:26379\", \"sentinel-3:26379\"]"
        } else {
            "nodes of the Cluster, such as [\"redis-1:6379\", \"redis-2:6379\"]"
        };
        errors.push(&origin, keys::REDIS_NODES.path, Problem::Missing { expected });
    }
    let Some(Given { value: url, origin }) = url else { return };
    if matches!(url.address(), RedisAddress::Unix { .. }) {
        let problem =
            Problem::Relation("a unix socket leads to one server; expected redis.mode = \"single\"");
        errors.push(origin, keys::REDIS_URL.path, problem);
    }
    if mode == RedisMode::Cluster && url.db() != 0 {
        let problem = Problem::Relation("a Redis Cluster has no databases but 0; leave the number out");
        errors.push(origin, keys::REDIS_URL.path, problem);
    }
}

fn tls(url: &RedisUrl) -> Tls {
    match url.address() {
        RedisAddress::Tcp { tls, .. } => *tls,
        RedisAddress::Unix { .. } => Tls::Off,
    }
}

/// Checked in every mode: what is wrong should not wait for the change of mode to be found.
pub(super) fn sentinel(values: &Values, errors: &mut ConfigErrors) -> Option<SentinelSettings> {
    let Given { value: master, origin } = values.text(&keys::SENTINEL_MASTER)?;
    if !is_name(&master) {
        let problem =
            Problem::Relation("expected the name of a primary: 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'");
        errors.push(&origin, keys::SENTINEL_MASTER.path, problem);
    }
    let username = filled(values, &keys::SENTINEL_USERNAME);
    let password = filled(values, &keys::SENTINEL_PASSWORD).map(Secret::new);
    if username.is_some() && password.is_none() {
        let problem = Problem::Relation(
            "a user without a password; set TICKCACHE_REDIS_SENTINEL_PASSWORD or redis.sentinel_password",
        );
        errors.push(&values.origin(&keys::SENTINEL_USERNAME), keys::SENTINEL_USERNAME.path, problem);
    }
    Some(SentinelSettings { master, username, password })
}

/// Files only where the connection is encrypted, and no certificate without its key.
pub(super) fn tls_files(
    values: &Values,
    url: Option<&Given<RedisUrl>>,
    errors: &mut ConfigErrors,
) -> Option<TlsFiles> {
    let named = |key: &Key| filled(values, key).map(PathBuf::from);
    let files = TlsFiles {
        ca: named(&keys::REDIS_CA_FILE),
        certificate: named(&keys::REDIS_CERTIFICATE_FILE),
        key: named(&keys::REDIS_KEY_FILE),
    };
    let all = [
        (&keys::REDIS_CA_FILE, &files.ca),
        (&keys::REDIS_CERTIFICATE_FILE, &files.certificate),
        (&keys::REDIS_KEY_FILE, &files.key),
    ];
    if url.is_some_and(|url| tls(&url.value) == Tls::Off) {
        for (key, _) in all.iter().filter(|(_, file)| file.is_some()) {
            let problem =
                Problem::Relation("of use with TLS only; expected redis.url to begin with rediss://");
            errors.push(&values.origin(key), key.path, problem);
        }
    }
    let lonely = match (&files.certificate, &files.key) {
        (Some(_), None) => Some((&keys::REDIS_CERTIFICATE_FILE, "a certificate without redis.key_file")),
        (None, Some(_)) => Some((&keys::REDIS_KEY_FILE, "a key without redis.certificate_file")),
        (Some(_), Some(_)) | (None, None) => None,
    };
    if let Some((key, problem)) = lonely {
        errors.push(&values.origin(key), key.path, Problem::Relation(problem));
    }
    Some(files)
}
