//! Recorded sessions, where there are any. The recorder sorted the fields, so that none is in the order of the fast path.

use super::decoder;
use crate::domain::MarketEvent;
use crate::feed::Frame;
use crate::feed::mutations::recorded_frames;

#[test]
fn every_recorded_frame_is_understood() {
    for frames in recorded_frames("hyperliquid") {
        let mut kinds = [0; 3];
        for frame in &frames {
            kinds[kind(frame)] += 1;
        }
        assert_eq!(kinds, [46, 9, 0], "books, trades, others");
    }
}

fn kind(frame: &str) -> usize {
    match decoder().decode(frame.as_bytes()).unwrap() {
        Frame::Market { event: MarketEvent::Book(_), .. } => 0,
        Frame::Market { event: MarketEvent::Trades(_), .. } => 1,
        _ => 2,
    }
}
