//! Where the reading commands read from: options and environment to a reader.
//!
//! Owns the connection arguments that all of them share, and what they are called in the environment. The URL's own
//! variables are read by `config`. No error repeats a URL: it may hold a password.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::domain::Namespace;
use crate::reader::{Mode, NodeAddress, Options, ReadError, Reader, Sentinels, TlsFiles};

/// The name that sentinels know their primary by, unless told otherwise.
const SENTINEL_MASTER: &str = "mymaster";

/// Where to read from.
#[derive(Debug, Clone, Args)]
pub struct SourceArgs {
    /// redis://, rediss:// or redis+unix://, with user and password in it where Redis wants them
    /// [default: TICKCACHE_REDIS_URL, REDIS_URL, else the engine's own endpoint, redis://127.0.0.1:6380, or, with
    /// TICKCACHE_STORE_KIND=redis, redis://127.0.0.1:6379]
    #[arg(long, value_name = "URL")]
    pub redis: Option<String>,
    /// Which form of Redis; user, password, database and TLS come from the URL in each of them
    #[arg(long, value_enum, env = "TICKCACHE_REDIS_MODE", default_value_t = ModeChoice::Single)]
    pub redis_mode: ModeChoice,
    /// Sentinels, or some nodes of the Cluster [default for a Cluster: the URL's host]
    #[arg(long, value_name = "HOST:PORT,...", env = "TICKCACHE_REDIS_NODES", value_delimiter = ',')]
    pub redis_nodes: Vec<NodeAddress>,
    /// The name that the sentinels know the primary by
    #[arg(long, value_name = "NAME", env = "TICKCACHE_REDIS_SENTINEL_MASTER", default_value = SENTINEL_MASTER)]
    pub sentinel_master: String,
    /// The sentinels' own user
    #[arg(long, value_name = "USER", env = "TICKCACHE_REDIS_SENTINEL_USERNAME")]
    pub sentinel_username: Option<String>,
    /// The sentinels' own password; better in the environment, where `ps` does not show it
    #[arg(long, value_name = "PASSWORD", env = "TICKCACHE_REDIS_SENTINEL_PASSWORD", hide_env_values = true)]
    pub sentinel_password: Option<SentinelPassword>,
    /// Certificate authorities for rediss://, PEM [default: the web's]
    #[arg(long, value_name = "FILE", env = "TICKCACHE_REDIS_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// Our own certificate for rediss://, PEM
    #[arg(long, value_name = "FILE", env = "TICKCACHE_REDIS_CERTIFICATE_FILE", requires = "key_file")]
    pub certificate_file: Option<PathBuf>,
    /// The key of our certificate, PEM
    #[arg(long, value_name = "FILE", env = "TICKCACHE_REDIS_KEY_FILE", requires = "certificate_file")]
    pub key_file: Option<PathBuf>,
    /// What stands in front of every key
    #[arg(long, env = "TICKCACHE_NAMESPACE", default_value = "tickcache")]
    pub namespace: Namespace,
}

/// Which form of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeChoice {
    /// One server.
    Single,
    /// The primary that sentinels name.
    Sentinel,
    /// A Redis Cluster.
    Cluster,
}

/// A password that no debug text shows.
#[derive(Clone, PartialEq, Eq)]
pub struct SentinelPassword(String);

impl std::str::FromStr for SentinelPassword {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for SentinelPassword {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("***")
    }
}

impl SourceArgs {
    fn options(&self) -> Options {
        let mode = match self.redis_mode {
            ModeChoice::Single => Mode::Single,
            ModeChoice::Cluster => Mode::Cluster { nodes: self.redis_nodes.clone() },
            ModeChoice::Sentinel => Mode::Sentinel(Sentinels {
                nodes: self.redis_nodes.clone(),
                master: self.sentinel_master.clone(),
                username: self.sentinel_username.clone(),
                password: self.sentinel_password.clone().map(|password| password.0),
            }),
        };
        let client = self.certificate_file.clone().zip(self.key_file.clone());
        Options { mode, tls: TlsFiles { ca_file: self.ca_file.clone(), client }, ..Options::default() }
    }
}

/// A reader that has reached its Redis.
pub(super) async fn connect(url: &str, source: &SourceArgs) -> Result<Reader, ReadError> {
    Reader::connect_with(url, source.namespace.clone(), source.options()).await
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        source: SourceArgs,
    }

    fn typed(words: &str) -> Result<SourceArgs, clap::Error> {
        let words = std::iter::once("tickcache").chain(words.split_whitespace());
        Typed::try_parse_from(words).map(|typed| typed.source)
    }

    #[test]
    fn the_options_name_mode_nodes_and_files() {
        let source = typed(
            "--redis-mode sentinel --redis-nodes a:1,b:2 --sentinel-master prices --sentinel-password hunter2 \
             --ca-file ca.pem --certificate-file own.pem --key-file own.key",
        )
        .unwrap();
        let options = source.options();
        assert!(!format!("{source:?} {options:?}").contains("hunter2"));
        let Mode::Sentinel(sentinels) = options.mode else { panic!("Sentinel was asked for") };
        assert_eq!(sentinels.nodes, [NodeAddress::new("a", 1), NodeAddress::new("b", 2)]);
        assert_eq!((sentinels.master.as_str(), sentinels.password.as_deref()), ("prices", Some("hunter2")));
        assert_eq!(options.tls.ca_file.as_deref(), Some("ca.pem".as_ref()));
        assert!(options.tls.client.is_some());
        assert!(typed("--certificate-file own.pem").is_err(), "a certificate needs its key");
        assert!(typed("--redis-nodes nonsense").is_err());
    }

    #[test]
    fn without_options_it_is_one_server() {
        assert_eq!(typed("").unwrap().options(), Options::default());
    }
}
