//! Recorded sessions, where there are any: the fast path takes all frames. What becomes of them in a book is tested in
//! `tests/recordings`.

use super::super::Decoder;
use crate::feed::Frame;
use crate::feed::mutations::recorded_frames;

#[test]
fn the_fast_path_takes_every_recorded_frame() {
    let mut decoder = Decoder::new();
    for frames in recorded_frames("bybit") {
        for frame in frames.iter().map(String::as_bytes) {
            let is_market = matches!(decoder.decode(frame), Ok(Frame::Market { .. }));
            assert!(is_market && decoder.fast(frame).is_some(), "{}", frame.escape_ascii());
        }
        assert!(frames.len() > 1_800);
    }
}
