//! The environment over the file.
//!
//! Owns the names of the variables and who wins (the tables below). Never reads the process's environment: the pairs
//! are handed in. A variable that loses is not looked at, so that a broken one can be overruled.
//!
//! Whether Redis is used, the first that says something: `TICKCACHE_STORE_KIND`; `REDIS_ENABLED=false` or
//! `CACHE_TYPE=memory` (embedded); `REDIS_ENABLED=true` or `CACHE_TYPE=redis` (redis); the file; the default.
//!
//! Where it is, the first that says something: `TICKCACHE_REDIS_URL`, `REDIS_URL`, the file, the default.
//! `REDIS_HOST` and `REDIS_PORT` replace the host and port of the file (or default), and are passed over where a URL
//! comes from the environment or the command line: such a URL is an address as a whole. `REDIS_USERNAME`,
//! `REDIS_PASSWORD` and `REDIS_DB` replace those of the file, and fill what a URL of the environment leaves out.
//!
//! A list is given with commas between its elements, an empty variable is an empty list.
//!
//! `TICKCACHE_` variables count also when empty; the others are as good as unset then (`REDIS_PASSWORD=` is what
//! container composers make of a variable that is not there).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::{ConfigErrors, Origin, Problem};
use super::keys::{
    self, ALIAS_TABLE, FEED_TABLE, Key, SCALARS, Shape, VARIABLE_PREFIX, VARIABLES_THAT_ARE_NO_SETTINGS,
};
use super::raw::{Given, RawValue, Values, expected};
use super::redis_url::{
    REDIS_DB_MAX, REDIS_PORT_DEFAULT, RedisAddress, RedisUrl, Tls, checked_host, parse_db,
};
use super::secret::Secret;
use super::suggest::nearest;

/// The variables that concern us, by name.
#[derive(Debug)]
pub(super) struct Environment {
    variables: BTreeMap<String, String>,
    /// What somebody should know of them, without any value.
    remarks: Remarks,
}

/// What was noticed in the environment and is no error. Names only: a value may be a password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    /// For the log, as warnings.
    pub warnings: Vec<String>,
    /// Variables that container engines add for linked services, which are passed over.
    pub links: Vec<String>,
}

impl Remarks {
    /// With further warnings.
    pub(super) fn with(mut self, warnings: &[String]) -> Self {
        self.warnings.extend_from_slice(warnings);
        self
    }
}

impl Environment {
    /// Keeps those of the names that are known, and all that begin with `TICKCACHE_`; drops what Kubernetes adds.
    pub(super) fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        const SHARED: [&str; 8] = [
            "REDIS_URL",
            "REDIS_HOST",
            "REDIS_PORT",
            "REDIS_USERNAME",
            "REDIS_PASSWORD",
            "REDIS_DB",
            "CACHE_TYPE",
            "REDIS_ENABLED",
        ];
        let ours = |name: &str| name.starts_with(VARIABLE_PREFIX);
        let mut this = Self { variables: BTreeMap::new(), remarks: Remarks::default() };
        for (name, value) in pairs {
            let is_shared = SHARED.contains(&name.as_str());
            if !is_shared && !ours(&name) {
                continue;
            }
            if is_service_link(&name, &value) {
                this.remarks.links.push(name);
                continue;
            }
            let value = this.without_line_end(&name, value);
            if !value.is_empty() || ours(&name) {
                this.variables.insert(name, value);
            }
        }
        this.remarks.links.sort_unstable();
        this.remarks.warnings.sort_unstable();
        this
    }

    /// A value without the line end that `echo` and editors leave in files which secrets are made of.
    fn without_line_end(&mut self, name: &str, value: String) -> String {
        let Some(short) = without_line_end(&value) else { return value };
        self.remarks.warnings.push(format!("{name} ends with a line end, which is left out"));
        short.to_owned()
    }

    pub(super) fn remarks(&self) -> &Remarks {
        &self.remarks
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    fn given(&self, name: &str) -> Option<Given<String>> {
        let value = self.get(name)?.to_owned();
        Some(Given { value, origin: Origin::Environment(name.to_owned()) })
    }
}

/// The text before exactly one line end; `None` where there is none.
pub(super) fn without_line_end(text: &str) -> Option<&str> {
    let short = text.strip_suffix('\n')?;
    Some(short.strip_suffix('\r').unwrap_or(short))
}

/// Kubernetes sets `<SERVICE>_SERVICE_HOST`, `<SERVICE>_PORT=tcp://...` and more in each container for each service
/// (<https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>), and Docker's links `<ALIAS>_NAME=/a/b`
/// and `<ALIAS>_ENV_<NAME>` for each variable of the other container, whatever it holds
/// (<https://docs.docker.com/engine/network/links/#environment-variables>). A service named `redis` or `tickcache` would else break us.
fn is_service_link(name: &str, value: &str) -> bool {
    const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];
    let names_a_link = name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_ENV_")
        || (name.ends_with("_NAME") && value.starts_with('/'))
        || PROTOCOLS.iter().any(|protocol| {
            let marker = format!("_{}", protocol.to_ascii_uppercase());
            let before = ["_ADDR", "_PORT_START", "_PORT_END", "_PORT", "_PROTO", "_START", "_END", ""]
                .iter()
                .find_map(|end| name.strip_suffix(end).and_then(|rest| rest.strip_suffix(marker.as_str())));
            before
                .and_then(|rest| rest.rsplit_once("_PORT_"))
                .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        });
    let holds_a_link = PROTOCOLS.iter().any(|protocol| value.starts_with(&format!("{protocol}://")));
    names_a_link || (name.ends_with("_PORT") && holds_a_link)
}

/// Puts the environment's values over the file's, all but those that say where Redis is.
pub(super) fn overlay(environment: &Environment, values: &mut Values, errors: &mut ConfigErrors) {
    for (name, text) in environment.variables.iter().filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)) {
        match SCALARS.iter().find(|key| key.variable() == *name) {
            Some(key) => overlay_one(key, name, text, values, errors),
            None if VARIABLES_THAT_ARE_NO_SETTINGS.contains(&name.as_str()) => {}
            None => {
                let problem = Problem::UnknownVariable { hint: variable_hint(name) };
                errors.push(&Origin::Environment(name.escape_debug().to_string()), "", problem);
            }
        }
    }
    if environment.get(&keys::STORE_KIND.variable()).is_none()
        && let Some(Given { value, origin }) = whether(environment, errors)
    {
        values.set(&keys::STORE_KIND, RawValue::Text(value.to_owned()), origin);
    }
}

fn overlay_one(key: &Key, name: &str, text: &str, values: &mut Values, errors: &mut ConfigErrors) {
    let origin = Origin::Environment(name.to_owned());
    let value = match key.shape {
        Shape::Text | Shape::Secret | Shape::Choice(_) => RawValue::Text(text.to_owned()),
        Shape::Exact | Shape::Decimal { .. } => RawValue::Text(text.trim().to_owned()),
        Shape::Texts => {
            let one = |part: &str| Given { value: part.trim().to_owned(), origin: origin.clone() };
            let empty = text.trim().is_empty();
            RawValue::Texts(if empty { Vec::new() } else { text.split(',').map(one).collect() })
        }
        Shape::Number { .. } => match text.trim().parse() {
            Ok(number) => RawValue::Number(number),
            Err(_) => {
                let problem = Problem::Type { expected: expected(key), got: format!("{text:?}") };
                return errors.push(&origin, key.path, problem);
            }
        },
    };
    values.set(key, value, origin);
}

fn variable_hint(name: &str) -> String {
    if name.starts_with("TICKCACHE_FEED") {
        return format!("[[{FEED_TABLE}]] is set in the file only");
    }
    if name.starts_with("TICKCACHE_ALIAS") {
        return format!("[[{ALIAS_TABLE}]] is set in the file only");
    }
    let variables: Vec<String> = SCALARS.iter().map(|key| key.variable()).collect();
    // Without the prefix, which would make all names alike.
    let short = variables.iter().map(|variable| &variable[VARIABLE_PREFIX.len()..]);
    nearest(&name[VARIABLE_PREFIX.len()..], short).map_or_else(
        || format!("expected {}", variables.join(", ")),
        |meant| format!("did you mean {VARIABLE_PREFIX}{meant}?"),
    )
}

/// What `REDIS_ENABLED` and `CACHE_TYPE` say about `store.kind`. A no wins.
fn whether(environment: &Environment, errors: &mut ConfigErrors) -> Option<Given<&'static str>> {
    let enabled = match environment.get("REDIS_ENABLED").map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("true" | "1" | "yes" | "on") => Some("redis"),
        Some("false" | "0" | "no" | "off") => Some("embedded"),
        Some(_) => wrong_choice(environment, "REDIS_ENABLED", "true or false", errors),
    };
    let cache_type = match environment.get("CACHE_TYPE").map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("redis") => Some("redis"),
        Some("memory") => Some("embedded"),
        Some(_) => wrong_choice(environment, "CACHE_TYPE", "redis or memory", errors),
    };
    let said = [("REDIS_ENABLED", enabled), ("CACHE_TYPE", cache_type)];
    ["embedded", "redis"].into_iter().find_map(|kind| {
        let (variable, _) = said.iter().find(|(_, said)| *said == Some(kind))?;
        Some(Given { value: kind, origin: Origin::Environment((*variable).to_owned()) })
    })
}

fn wrong_choice(
    environment: &Environment,
    name: &str,
    expected: &str,
    errors: &mut ConfigErrors,
) -> Option<&'static str> {
    let got = environment.get(name).unwrap_or_default().to_owned();
    let problem = Problem::Choice { expected: expected.to_owned(), got };
    errors.push(&Origin::Environment(name.to_owned()), keys::STORE_KIND.path, problem);
    None
}

/// The URL before `REDIS_URL` and the parts, for who has no file.
pub(super) fn url_without_file(
    flag: Option<&str>,
    environment: &Environment,
    errors: &mut ConfigErrors,
) -> Given<String> {
    let own = || environment.given(&keys::REDIS_URL.variable());
    let default = || Values::default().text(&keys::REDIS_URL);
    match flag {
        Some(text) => Given { value: text.to_owned(), origin: Origin::Flag("--redis") },
        None => own()
            .or_else(|| embedded_url(environment, errors))
            .or_else(default)
            .expect("redis.url has a default"),
    }
}

/// Where the engine's own endpoint is: `TICKCACHE_EMBEDDED_LISTEN`, with `TICKCACHE_EMBEDDED_PASSWORD`, or their
/// defaults. `None` where the environment speaks of a Redis.
fn embedded_url(environment: &Environment, errors: &mut ConfigErrors) -> Option<Given<String>> {
    const OF_REDIS: [&str; 6] =
        ["REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_DB"];
    let mode = environment.get(&keys::REDIS_MODE.variable()).is_some_and(|mode| mode != "single");
    if mode || OF_REDIS.iter().any(|name| environment.get(name).is_some()) {
        return None;
    }
    let kind = environment.get(&keys::STORE_KIND.variable());
    if kind.or(whether(environment, errors).map(|said| said.value)).is_some_and(|kind| kind == "redis") {
        return None;
    }
    let set = |key: &Key| environment.get(&key.variable()).filter(|text| !text.is_empty());
    let listen = environment.given(&keys::EMBEDDED_LISTEN.variable());
    let Given { value, origin } = listen.or_else(|| Values::default().text(&keys::EMBEDDED_LISTEN))?;
    let mut address: SocketAddr = value.parse().ok()?;
    // Who listens everywhere is reached at home.
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    let scheme = if set(&keys::EMBEDDED_CERTIFICATE_FILE).is_some() { "rediss" } else { "redis" };
    let login = set(&keys::EMBEDDED_PASSWORD)
        .map(|password| format!(":{}@", utf8_percent_encode(password, NON_ALPHANUMERIC)))
        .unwrap_or_default();
    Some(Given { value: format!("{scheme}://{login}{address}"), origin })
}

/// Whether the parts of the environment replace those of a URL, or fill what it leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parts {
    Replace,
    Fill,
}

/// Where Redis is: `url` (of the file, the command line or a default), `REDIS_URL`, and the single parts.
pub(super) fn redis_url(
    url: Given<String>,
    environment: &Environment,
    errors: &mut ConfigErrors,
) -> Option<Given<RedisUrl>> {
    let own = Origin::Environment(keys::REDIS_URL.variable());
    let decided = matches!(url.origin, Origin::Flag(_)) || url.origin == own;
    let shared = environment.given("REDIS_URL").filter(|_| !decided);
    let parts = if decided || shared.is_some() { Parts::Fill } else { Parts::Replace };
    let Given { value, origin } = shared.unwrap_or(url);
    match value.parse::<RedisUrl>() {
        Ok(url) => {
            let mut merge = Merge { url, sources: Vec::new(), parts, environment, errors };
            merge.address();
            merge.identity();
            let Merge { url, sources, .. } = merge;
            if url.username.is_some() && url.password.is_none() {
                let problem = Problem::RedisPart(
                    "a user without a password; set REDIS_PASSWORD or put it into the URL",
                );
                errors.push(&origin_of(origin, sources), keys::REDIS_URL.path, problem);
                return None;
            }
            Some(Given { value: url, origin: origin_of(origin, sources) })
        }
        Err(error) => {
            errors.push(&origin, keys::REDIS_URL.path, error);
            None
        }
    }
}

/// All that made up the URL.
fn origin_of(base: Origin, sources: Vec<&str>) -> Origin {
    match base {
        base if sources.is_empty() => base,
        Origin::Environment(name) => Origin::Environment(format!("{name}, {}", sources.join(", "))),
        Origin::Flag(_) | Origin::File(_) | Origin::Default => Origin::Environment(sources.join(", ")),
    }
}

/// A URL while the environment's parts go into it.
struct Merge<'a> {
    url: RedisUrl,
    sources: Vec<&'static str>,
    parts: Parts,
    environment: &'a Environment,
    errors: &'a mut ConfigErrors,
}

impl Merge<'_> {
    fn address(&mut self) {
        if self.parts == Parts::Fill {
            return;
        }
        if let Some(text) = self.environment.get("REDIS_HOST") {
            match checked_host(text) {
                Ok(host) => self.set_host(host),
                Err(error) => self.wrong("REDIS_HOST", error),
            }
        }
        let Some(text) = self.environment.get("REDIS_PORT") else { return };
        match (text.parse::<u16>(), &mut self.url.address) {
            (Ok(number @ 1..), RedisAddress::Tcp { port, .. }) => {
                *port = number;
                self.sources.push("REDIS_PORT");
            }
            (Ok(1..), RedisAddress::Unix { .. }) => {
                self.wrong("REDIS_PORT", Problem::RedisPart("redis.url is a unix socket, which has no port"));
            }
            _ => self.wrong("REDIS_PORT", Problem::RedisPart("expected a port from 1 to 65535")),
        }
    }

    /// Keeps the port and encryption of a URL that names a host; a socket's URL has neither.
    fn set_host(&mut self, name: String) {
        match &mut self.url.address {
            RedisAddress::Tcp { host, .. } => *host = name,
            socket @ RedisAddress::Unix { .. } => {
                *socket = RedisAddress::Tcp { host: name, port: REDIS_PORT_DEFAULT, tls: Tls::Off };
            }
        }
        self.sources.push("REDIS_HOST");
    }

    fn identity(&mut self) {
        let wanted = |name: &'static str, present: bool| {
            self.environment.get(name).filter(|_| self.parts == Parts::Replace || !present)
        };
        let username = wanted("REDIS_USERNAME", self.url.username.is_some());
        let password = wanted("REDIS_PASSWORD", self.url.password.is_some());
        let db = wanted("REDIS_DB", self.url.db.is_some());
        if let Some(text) = username {
            self.url.username = Some(text.to_owned());
            self.sources.push("REDIS_USERNAME");
        }
        if let Some(text) = password {
            self.url.password = Some(Secret::new(text.to_owned()));
            self.sources.push("REDIS_PASSWORD");
        }
        if let Some(text) = db {
            match parse_db(text) {
                Some(number) => {
                    self.url.db = Some(number);
                    self.sources.push("REDIS_DB");
                }
                None => self.wrong(
                    "REDIS_DB",
                    Problem::Range {
                        min: 0,
                        max: REDIS_DB_MAX,
                        unit: "(database number)",
                        got: format!("{text:?}"),
                    },
                ),
            }
        }
    }

    fn wrong(&mut self, variable: &str, problem: impl Into<Problem>) {
        self.errors.push(&Origin::Environment(variable.to_owned()), keys::REDIS_URL.path, problem);
    }
}
