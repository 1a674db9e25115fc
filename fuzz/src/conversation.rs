//! What holds for every conversation with the endpoint, whatever the bytes: no panic, an end, and the same answers however the bytes
//! are cut. Shared by the fuzzer and by `cargo test`.

use std::time::Duration;

use tickcache::publish::EmbeddedLimits;
use tickcache::publish::endpoint::offline::Offline;

/// An endpoint that asks for nothing, and one that asks for the password "p".
pub(crate) struct Endpoints([Offline; 2]);

/// Bytes of requests that are tried: a conversation of this length shows everything.
const BYTES_MAX: usize = 4_096;

impl Endpoints {
    pub(crate) fn new() -> Self {
        let limits = EmbeddedLimits {
            clients_max: 4,
            output_bytes_max: 64 << 10,
            subscriptions_max: 8,
            stalled_max: Duration::from_secs(60),
        };
        Self([None, Some("p")].map(|password| Offline::new(limits, password)))
    }

    /// Talks to both, in one piece and in small ones.
    pub(crate) fn check(&self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
        let piece = 1 + usize::from(bytes.first().copied().unwrap_or(0)) % 37;
        for endpoint in &self.0 {
            let (whole, cut) = (endpoint.talk(bytes, 1 << 20), endpoint.talk(bytes, piece));
            if !tells_time(bytes) {
                assert_eq!(
                    whole.escape_ascii().to_string(),
                    cut.escape_ascii().to_string(),
                    "in pieces of {piece}"
                );
            }
            if let Some(first) = whole.first() {
                assert!(b"+-:$*%~>=_".contains(first), "{}", whole.escape_ascii());
                assert!(whole.ends_with(b"\r\n"), "{}", whole.escape_ascii());
            }
        }
    }
}

/// Whether an answer may differ from one moment to the next.
fn tells_time(bytes: &[u8]) -> bool {
    let lower = bytes.to_ascii_lowercase();
    [&b"time"[..], b"info", b"ttl"].iter().any(|word| lower.windows(word.len()).any(|window| window == *word))
}
