//! Records that wait in memory for the recorder.
//!
//! Owns their bytes, one behind the other in one buffer that is emptied and filled again, so that a record costs a copy and
//! no allocation. Never looks into a record. Never holds more than its limit: a record that does not fit is refused. A
//! record counts its header, so that empty ones are bounded, too.

use crate::domain::ReceiveTime;

/// Receive time, number and length in front of each record.
const HEADER_BYTES: usize = 20;

/// The lane is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// What was received, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) received: ReceiveTime,
    /// Its place among those of the same feed.
    pub(super) number: u64,
    pub(super) bytes: &'a [u8],
}

/// Records in their order of arrival.
#[derive(Debug)]
pub(super) struct Lane {
    bytes: Vec<u8>,
    limit: usize,
}

impl Lane {
    /// With all of its memory from the start: [`Self::push`] never allocates. The system hands out pages as they are used.
    pub(super) fn reserved(limit: usize) -> Self {
        Self { bytes: Vec::with_capacity(limit), limit }
    }

    /// Grows as needed, up to its limit.
    pub(super) fn growing(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }

    /// Appends a record, which is the parts in a row.
    #[inline]
    pub(super) fn push(&mut self, received: ReceiveTime, number: u64, parts: &[&[u8]]) -> Result<(), Full> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let Ok(stored) = u32::try_from(length) else { return Err(Full) };
        if self.limit - self.bytes.len() < HEADER_BYTES + length {
            return Err(Full);
        }
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&received.nanos().to_le_bytes());
        header[8..16].copy_from_slice(&number.to_le_bytes());
        header[16..].copy_from_slice(&stored.to_le_bytes());
        self.bytes.extend_from_slice(&header);
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        Ok(())
    }

    /// Forgets the records, keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    pub(super) fn records(&self) -> Records<'_> {
        Records(&self.bytes)
    }
}

/// The records of a lane.
#[derive(Debug, Clone)]
pub(super) struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (time, rest) = self.0.split_first_chunk::<8>()?;
        let (number, rest) = rest.split_first_chunk::<8>().expect("a header is whole");
        let (length, rest) = rest.split_first_chunk::<4>().expect("a header is whole");
        let length = usize::try_from(u32::from_le_bytes(*length)).expect("a length fits");
        let (bytes, rest) = rest.split_at(length);
        self.0 = rest;
        let received = ReceiveTime::from_nanos(i64::from_le_bytes(*time));
        Some(Record { received, number: u64::from_le_bytes(*number), bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_out_as_they_went_in_also_after_the_memory_is_used_again() {
        let mut lane = Lane::reserved(128);
        for round in 0..3 {
            let time = ReceiveTime::from_nanos(round);
            lane.push(time, 7, &[b"one"]).unwrap();
            lane.push(time, 8, &[]).unwrap();
            lane.push(time, 9, &[b"/path", b" ", b"body"]).unwrap();
            let records: Vec<_> = lane.records().collect();
            let expected = [(7, &b"one"[..]), (8, b""), (9, b"/path body")];
            assert_eq!(records, expected.map(|(number, bytes)| Record { received: time, number, bytes }));
            lane.clear();
            assert_eq!(lane.records().next(), None);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_what_is_there_stays() {
        for mut lane in [Lane::reserved(2 * HEADER_BYTES + 7), Lane::growing(2 * HEADER_BYTES + 7)] {
            let time = ReceiveTime::from_nanos(-1);
            assert_eq!(lane.push(time, 0, &[b"four"]), Ok(()));
            assert_eq!(lane.push(time, 0, &[b"four"]), Err(Full));
            assert_eq!(lane.push(time, 7, &[b"one"]), Ok(()));
            assert_eq!(lane.push(time, 0, &[]), Err(Full), "an empty one has a header, too");
            assert_eq!(lane.records().map(|record| record.bytes).collect::<Vec<_>>(), [&b"four"[..], b"one"]);
        }
    }
}
