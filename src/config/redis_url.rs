//! Where a Redis is, and who we are there.
//!
//! Owns the URL's grammar and its printing. Never connects. No error and no printed form holds any part of a
//! password: what is malformed is not quoted at all, because the password may be anywhere in it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::{Host, Url};

use super::secret::{MASK, Secret};

/// Redis's own port.
pub const REDIS_PORT_DEFAULT: u16 = 6379;

/// The greatest database number that is accepted (a stock server has 16).
pub const REDIS_DB_MAX: u32 = 65_535;

/// Whether the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tls {
    /// Plain TCP (`redis://`).
    Off,
    /// TLS with certificates verified (`rediss://`).
    On,
}

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisAddress {
    /// Over the network.
    Tcp {
        /// A name, or an address without brackets.
        host: String,
        /// Its port.
        port: u16,
        /// Whether to encrypt.
        tls: Tls,
    },
    /// On this machine.
    Unix {
        /// The socket, absolute.
        path: PathBuf,
    },
}

/// `redis://[user:password@]host[:port][/db]`, `rediss://` likewise, or `redis+unix:///path[?db=N&user=U&pass=P]`
/// (`unix:` is the same). `Debug` and `Display` mask the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub(super) address: RedisAddress,
    pub(super) db: Option<u32>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
}

/// Why a text is no Redis URL. Never quotes the text: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisUrlError {
    /// No URL at all.
    #[error(
        "not a URL (not shown: it may hold a password); expected redis://[user:password@]host[:port][/db], the \
         password percent-encoded"
    )]
    Malformed,
    /// Another scheme.
    #[error("unknown scheme; expected redis://, rediss://, redis+unix:// or unix:")]
    Scheme,
    /// No host, or one that cannot be connected to.
    #[error("expected a host name or address that can be connected to")]
    Host,
    /// Port 0.
    #[error("expected a port from 1 to 65535")]
    Port,
    /// The path is no database number.
    #[error("expected nothing but a database number from 0 to {REDIS_DB_MAX} after the host")]
    Db,
    /// No absolute path of a socket.
    #[error("expected the absolute path of a socket, as in redis+unix:///run/redis.sock")]
    Path,
    /// A query that we do not know.
    #[error("unknown query; only redis+unix:// takes one: db, user and pass, each at most once")]
    Query,
    /// A fragment.
    #[error("unexpected '#'; percent-encode it as %23 in a password")]
    Fragment,
    /// Percent-encoded bytes that are no UTF-8.
    #[error("user, password or path is no UTF-8 once percent-decoded")]
    Encoding,
}

impl RedisUrl {
    /// `redis://host:port` without user and database.
    #[must_use]
    pub const fn plain(host: String, port: u16) -> Self {
        let address = RedisAddress::Tcp { host, port, tls: Tls::Off };
        Self { address, db: None, username: None, password: None }
    }

    /// Where the server listens.
    #[must_use]
    pub const fn address(&self) -> &RedisAddress {
        &self.address
    }

    /// The database's number; 0 where the URL names none.
    #[must_use]
    pub fn db(&self) -> u32 {
        self.db.unwrap_or(0)
    }

    /// For AUTH; `None` is Redis's user `default`.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// For AUTH; `None` sends none.
    #[must_use]
    pub const fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    /// The URL with [`MASK`] in place of the password: for logs, errors and `check-config`.
    #[must_use]
    pub fn to_string_masked(&self) -> String {
        self.format(self.password.as_ref().map(|_| MASK))
    }

    /// The URL with its password: for the connection, never for logs or errors.
    #[must_use]
    pub fn to_url(&self) -> String {
        let password = self.password.as_ref().map(|secret| encoded(secret.expose()));
        self.format(password.as_deref())
    }

    /// `password` is percent-encoded already.
    fn format(&self, password: Option<&str>) -> String {
        let username = self.username.as_deref().map(encoded);
        match &self.address {
            RedisAddress::Tcp { host, port, tls } => {
                let scheme = if *tls == Tls::On { "rediss" } else { "redis" };
                let user = match (username, password) {
                    (None, None) => String::new(),
                    (Some(user), None) => format!("{user}@"),
                    (user, Some(password)) => format!("{}:{password}@", user.unwrap_or_default()),
                };
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                let db = self.db.map(|db| format!("/{db}")).unwrap_or_default();
                format!("{scheme}://{user}{host}:{port}{db}")
            }
            RedisAddress::Unix { path } => {
                let query: Vec<String> = [
                    self.db.map(|db| format!("db={db}")),
                    username.map(|user| format!("user={user}")),
                    password.map(|password| format!("pass={password}")),
                ]
                .into_iter()
                .flatten()
                .collect();
                let mark = if query.is_empty() { "" } else { "?" };
                format!("redis+unix://{}{mark}{}", encoded_path(path), query.join("&"))
            }
        }
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_string_masked())
    }
}

impl FromStr for RedisUrl {
    type Err = RedisUrlError;

    fn from_str(text: &str) -> Result<Self, RedisUrlError> {
        let url = Url::parse(text).map_err(|_| RedisUrlError::Malformed)?;
        if url.fragment().is_some() {
            return Err(RedisUrlError::Fragment);
        }
        match url.scheme() {
            "redis" => parse_tcp(&url, Tls::Off),
            "rediss" => parse_tcp(&url, Tls::On),
            "redis+unix" | "unix" => parse_unix(&url),
            _ => Err(RedisUrlError::Scheme),
        }
    }
}

fn parse_tcp(url: &Url, tls: Tls) -> Result<RedisUrl, RedisUrlError> {
    if url.query().is_some() {
        return Err(RedisUrlError::Query);
    }
    let host = match url.host().ok_or(RedisUrlError::Host)? {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let host = checked_host(&host)?;
    let port = url.port().unwrap_or(REDIS_PORT_DEFAULT);
    if port == 0 {
        return Err(RedisUrlError::Port);
    }
    let db = match url.path() {
        "" | "/" => None,
        path => Some(parse_db(path.strip_prefix('/').unwrap_or(path)).ok_or(RedisUrlError::Db)?),
    };
    let username = Some(url.username()).filter(|user| !user.is_empty()).map(decoded).transpose()?;
    let password = url.password().filter(|password| !password.is_empty()).map(decoded).transpose()?;
    let address = RedisAddress::Tcp { host, port, tls };
    Ok(RedisUrl { address, db, username, password: password.map(Secret::new) })
}

fn parse_unix(url: &Url) -> Result<RedisUrl, RedisUrlError> {
    if url.host().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(RedisUrlError::Path);
    }
    let path = PathBuf::from(decoded(url.path())?);
    if !path.is_absolute() || path == Path::new("/") || path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(RedisUrlError::Path);
    }
    let (mut db, mut username, mut password) = (None, None, None);
    for (name, value) in url.query_pairs() {
        let slot = match &*name {
            "db" => &mut db,
            "user" | "username" => &mut username,
            "pass" | "password" => &mut password,
            _ => return Err(RedisUrlError::Query),
        };
        if slot.replace(value.into_owned()).is_some() {
            return Err(RedisUrlError::Query);
        }
    }
    let db = db.map(|db| parse_db(&db).ok_or(RedisUrlError::Db)).transpose()?;
    let [username, password] = [username, password].map(|text| text.filter(|text| !text.is_empty()));
    Ok(RedisUrl { address: RedisAddress::Unix { path }, db, username, password: password.map(Secret::new) })
}

/// A name or address as it stands in a URL; IPv6 without brackets.
pub(super) fn checked_host(host: &str) -> Result<String, RedisUrlError> {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let valid = match address.parse::<std::net::IpAddr>() {
        Ok(address) => !address.is_unspecified(),
        Err(_) => {
            (1..=253).contains(&host.len())
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        }
    };
    if valid { Ok(address.to_owned()) } else { Err(RedisUrlError::Host) }
}

/// Digits only, at most [`REDIS_DB_MAX`].
pub(super) fn parse_db(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|db| digits && *db <= REDIS_DB_MAX)
}

fn decoded(text: &str) -> Result<String, RedisUrlError> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| RedisUrlError::Encoding)
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn encoded_path(path: &Path) -> String {
    const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');
    utf8_percent_encode(&path.to_string_lossy(), IN_PATH).to_string()
}

#[cfg(test)]
#[path = "redis_url_tests.rs"]
mod tests;
