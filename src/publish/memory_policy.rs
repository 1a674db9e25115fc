//! Whether a server may throw away what must stay.
//!
//! Owns the judgement on `maxmemory` and `maxmemory-policy`, nothing else.
//! <https://redis.io/docs/latest/develop/reference/eviction/>

/// What is wrong with a server's memory settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryWarning {
    /// `maxmemory` is 0.
    #[error(
        "maxmemory is 0: the server grows until the machine's memory ends, and is then killed; set a limit"
    )]
    Unbounded,
    /// `noeviction`.
    #[error(
        "noeviction: a full server refuses every write until memory is freed; raise an alert before that"
    )]
    WritesStop,
    /// `volatile-ttl`.
    #[error(
        "volatile-ttl evicts what expires soonest, that is leases, then prices, and keeps old candles; use volatile-lru"
    )]
    SoonestFirst,
    /// `volatile-random`.
    #[error("volatile-random evicts leases and live prices as readily as old candles; use volatile-lru")]
    AtRandom,
    /// One of `allkeys-*`.
    #[error(
        "{policy} also evicts what has no expiry, such as epochs, the catalog and other applications' data; use volatile-lru"
    )]
    Permanent {
        /// Which one.
        policy: String,
    },
    /// One that we do not know.
    #[error(
        "maxmemory-policy {policy:?} is not known here: whether leases and prices are safe is not known either"
    )]
    Unknown {
        /// Which one.
        policy: String,
    },
}

/// What is wrong with a server's settings; nothing with `volatile-lru` and a limit. `maxmemory` is in bytes.
///
/// `volatile-lfu` is as good: leases and live prices are the keys that are used most. Without a limit no policy is ever
/// applied.
#[must_use]
pub fn assess(maxmemory: u64, policy: &str) -> Vec<MemoryWarning> {
    if maxmemory == 0 {
        return vec![MemoryWarning::Unbounded];
    }
    match policy {
        "volatile-lru" | "volatile-lfu" => vec![],
        "noeviction" => vec![MemoryWarning::WritesStop],
        "volatile-ttl" => vec![MemoryWarning::SoonestFirst],
        "volatile-random" => vec![MemoryWarning::AtRandom],
        other if other.starts_with("allkeys-") => {
            vec![MemoryWarning::Permanent { policy: other.to_owned() }]
        }
        other => vec![MemoryWarning::Unknown { policy: other.to_owned() }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_is_judged_by_what_it_would_evict() {
        let policy = |policy: &str| policy.to_owned();
        for (name, expected) in [
            ("volatile-lru", None),
            ("volatile-lfu", None),
            ("noeviction", Some(MemoryWarning::WritesStop)),
            ("volatile-ttl", Some(MemoryWarning::SoonestFirst)),
            ("volatile-random", Some(MemoryWarning::AtRandom)),
            ("allkeys-lru", Some(MemoryWarning::Permanent { policy: policy("allkeys-lru") })),
            ("allkeys-lfu", Some(MemoryWarning::Permanent { policy: policy("allkeys-lfu") })),
            ("allkeys-random", Some(MemoryWarning::Permanent { policy: policy("allkeys-random") })),
            ("something-new", Some(MemoryWarning::Unknown { policy: policy("something-new") })),
        ] {
            assert_eq!(assess(1 << 30, name), Vec::from_iter(expected), "{name}");
            assert_eq!(assess(0, name), [MemoryWarning::Unbounded], "{name} without a limit");
        }
    }
}
