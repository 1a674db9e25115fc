//! Recorded sessions, where there are any: the fast path takes every update of a book.

use super::super::fast;
use crate::feed::levels::Buffers;
use crate::feed::mutations::recorded_frames;

#[test]
fn the_fast_path_takes_every_recorded_update() {
    let mut buffers = Buffers::default();
    for frames in recorded_frames("coinbase") {
        for frame in &frames {
            let is_update = frame.contains(r#""type":"l2update""#);
            let short_cut = fast::decode(frame.as_bytes(), &mut buffers);
            assert_eq!(short_cut.is_some(), is_update, "{frame}");
        }
        assert!(frames.len() > 8_000);
    }
}
