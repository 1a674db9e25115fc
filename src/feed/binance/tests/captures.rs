//! Recorded sessions, where there are any: both paths agree on every line, and the fast one takes all market frames.

use super::super::{Decoder, parse_depth_snapshot};
use crate::feed::Frame;
use crate::feed::mutations::recorded;

#[test]
fn both_paths_agree_on_every_recorded_frame() {
    for lines in recorded("binance") {
        let (mut market, mut snapshots) = (0, 0);
        for line in lines {
            let (_, rest) = line.split_once(' ').unwrap();
            match rest.split_once(' ').unwrap() {
                ("ws", frame) => market += usize::from(is_market_on_both_paths(frame)),
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

fn is_market_on_both_paths(frame: &str) -> bool {
    let (mut first, mut second) = (Decoder::new(), Decoder::new());
    let decoded = first.decode(frame.as_bytes()).unwrap();
    assert_eq!(decoded, second.decode_any(frame.as_bytes()).unwrap(), "{frame}");
    let is_market = matches!(decoded, Frame::Market { .. });
    assert_eq!(Decoder::new().0.fast(frame.as_bytes()).is_some(), is_market, "{frame}");
    is_market
}
