//! Recorded sessions, where there are any: the fast path takes all market frames.

use super::super::{Decoder, parse_depth_snapshot};
use crate::feed::Frame;
use crate::feed::mutations::recorded;

#[test]
fn the_fast_path_takes_every_recorded_market_frame() {
    for lines in recorded("binance") {
        let (mut market, mut snapshots) = (0, 0);
        for line in lines {
            let (_, rest) = line.split_once(' ').unwrap();
            match rest.split_once(' ').unwrap() {
                ("ws", frame) => market += usize::from(is_market_and_fast(frame)),
                (_, rest) => {
                    let body = rest.split_once(' ').unwrap().1;
                    let snapshot = parse_depth_snapshot(body.as_bytes(), 5_000).unwrap();
                    snapshots += usize::from(!snapshot.bids.is_empty() && !snapshot.asks.is_empty());
                }
            }
        }
        assert!(market > 30_000 && snapshots == 1, "{market} frames, {snapshots} snapshots");
    }
}

fn is_market_and_fast(frame: &str) -> bool {
    let is_market = matches!(Decoder::new().decode(frame.as_bytes()).unwrap(), Frame::Market { .. });
    assert_eq!(Decoder::new().0.fast(frame.as_bytes()).is_some(), is_market, "{frame}");
    is_market
}
