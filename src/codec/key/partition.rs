//! Which partition of a venue an instrument belongs to.

use std::num::NonZeroU16;

use crate::domain::Instrument;

/// The partition of `instrument` at a venue that is split into `partitions`: CRC16(instrument) mod `partitions`
/// (WIRE.md), with the CRC16 that Redis Cluster uses for its slots (XMODEM: polynomial 0x1021, from zero).
#[must_use]
pub fn partition(instrument: &Instrument, partitions: NonZeroU16) -> u16 {
    crc16(instrument.as_str().as_bytes()) % partitions
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
    fn a_partition_is_below_their_number() {
        let instrument = "BTC-USDT".parse().unwrap();
        assert_eq!(partition(&instrument, NonZeroU16::MIN), 0);
        for partitions in (2..100).map(|number| NonZeroU16::new(number).unwrap()) {
            assert!(partition(&instrument, partitions) < partitions.get());
        }
    }
}
