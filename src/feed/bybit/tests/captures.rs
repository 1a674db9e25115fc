//! Recorded sessions, where there are any: both paths agree on every line, and the fast one takes all of them.
//! What becomes of them in a book is tested in `tests/venue_bybit.rs`.

use super::super::Decoder;
use crate::feed::Frame;
use crate::feed::mutations::{agree, recorded};

#[test]
fn both_paths_agree_on_every_recorded_frame() {
    let (mut both, mut general) = (Decoder::new(), Decoder::new());
    for lines in recorded("bybit") {
        for frame in
            lines.iter().filter_map(|line| line.split_once(" ws ")).map(|(_, frame)| frame.as_bytes())
        {
            let decoded = both.decode(frame);
            agree::check(frame, &decoded, &general.decode_any(frame));
            let is_market = matches!(decoded, Ok(Frame::Market { .. }));
            assert!(is_market && both.fast(frame).is_some(), "{}", frame.escape_ascii());
        }
        assert!(lines.len() > 1_800);
    }
}
