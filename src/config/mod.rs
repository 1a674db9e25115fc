//! From a TOML file and the environment to settings that are known to be right.
//!
//! Owns the keys, their ranges and defaults (`keys`, the only place of defaults), who wins over whom (`environment`),
//! the way from `raw` as typed through `validate` to [`Settings`], and the printing of what is in force. Never reads
//! files, clocks or the process's environment (but for [`process_environment`], which only hands it over), and never
//! shows a password. Reads at most [`FILE_BYTES_MAX`] and keeps at most [`ERRORS_MAX`] errors.

mod cache_dir;
mod choice;
mod effective;
mod endpoint;
mod engine_id;
mod environment;
mod error;
mod keys;
mod raw;
mod redis_node;
mod redis_url;
mod secret;
mod settings;
mod suggest;
mod validate;

pub use cache_dir::CacheDir;
pub use choice::{Fencing, MovePrice, Push, RedisMode, StoreKind};
pub use endpoint::Endpoint;
pub use engine_id::{ENGINE_ID_BYTES_MAX, EngineId, EngineIdError};
pub use environment::Remarks;
pub use error::{ConfigError, ConfigErrors, ERRORS_MAX, Origin, Problem};
pub use keys::{LEASE_DRIFT_PERCENT, LEASE_WRITE_TIMEOUT_MS, VARIABLES_THAT_ARE_NO_SETTINGS};
pub use raw::FILE_BYTES_MAX;
pub use redis_node::{REDIS_NODES_MAX, RedisNode, RedisNodeError};
pub use redis_url::{REDIS_DB_MAX, REDIS_PORT_DEFAULT, RedisAddress, RedisUrl, RedisUrlError, Tls};
pub use secret::{MASK, Secret};
pub use settings::{
    AliasSettings, EmbeddedSettings, FeedSettings, LeaseSettings, RecordSettings, SentinelSettings, Settings,
    TlsFiles, VenueDefaults, VenueSymbols, process_environment, redis_url_from_env,
};
pub use suggest::closest;

#[cfg(test)]
mod tests;
