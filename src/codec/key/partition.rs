//! Which partition of a venue an instrument belongs to.

use std::num::NonZeroU16;

use crate::domain::Instrument;

/// Slots of a Redis Cluster.
pub const CLUSTER_SLOTS: u16 = 16_384;

/// The partition of `instrument` at a venue that is split into `partitions`: CRC16(instrument) mod `partitions`
/// (WIRE.md), with the CRC16 that Redis Cluster uses for its slots (XMODEM: polynomial 0x1021, from zero).
#[must_use]
pub fn partition(instrument: &Instrument, partitions: NonZeroU16) -> u16 {
    crc16(instrument.as_str().as_bytes()) % partitions
}

/// The slot of a Redis Cluster that a key or a channel lives in: CRC16 of its hash tag (what stands between the first `{` and
/// the next `}`, unless that is nothing), or of all of it, mod 16,384.
/// <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags>
#[must_use]
pub fn cluster_slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    crc16(tag.filter(|tag| !tag.is_empty()).unwrap_or(key).as_bytes()) % CLUSTER_SLOTS
}

/// <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#appendix-a-crc16-reference-implementation-in-ansi-c>
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0_u16, |crc, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_that_of_redis_cluster() {
        assert_eq!(crc16(b"123456789"), 0x31c3, "the check value of the Cluster specification");
        assert_eq!(crc16(b"foo") % 16_384, 12_182, "CLUSTER KEYSLOT foo");
        assert_eq!(crc16(b""), 0);
    }

    #[test]
    fn a_key_lives_in_the_slot_of_its_hash_tag() {
        for (key, slot) in
            [("foo", 12_182), ("a{foo}b", 12_182), ("{foo}{bar}", 12_182), ("123456789", 12_739)]
        {
            assert_eq!(cluster_slot(key), slot, "{key}");
        }
        assert_eq!(cluster_slot("a{}b"), crc16(b"a{}b") % CLUSTER_SLOTS, "an empty tag is none");
        assert_eq!(cluster_slot("a{b"), crc16(b"a{b") % CLUSTER_SLOTS);
    }

    #[test]
    fn a_partition_is_below_their_number() {
        let instrument = "BTC-USDT".parse().unwrap();
        assert_eq!(partition(&instrument, NonZeroU16::MIN), 0);
        for partitions in (2..100).map(|number| NonZeroU16::new(number).unwrap()) {
            assert!(partition(&instrument, partitions) < partitions.get());
        }
    }
}
