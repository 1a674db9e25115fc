//! Recorded sessions, where there are any: the fast path takes every update.

use super::super::{Okx, fast};
use super::decoder;
use crate::domain::MarketEvent;
use crate::feed::levels::Buffers;
use crate::feed::mutations::recorded_frames;
use crate::feed::{ChannelNames, Frame, VenueProtocol};

#[test]
fn every_recorded_frame_is_understood_and_the_fast_path_takes_the_updates() {
    for frames in recorded_frames("okx") {
        let mut kinds = [0; 5];
        for frame in &frames {
            kinds[kind(frame)] += 1;
        }
        assert_eq!(kinds, [2, 195, 73, 27, 12], "images, updates, trades, figures, others");
    }
}

fn kind(frame: &str) -> usize {
    let kind = match decoder().decode(frame.as_bytes()).unwrap() {
        Frame::Market { event: MarketEvent::Book(_), .. } => 0,
        Frame::Market { event: MarketEvent::Depth(_), .. } => 1,
        Frame::Market { event: MarketEvent::Trades(_), .. } => 2,
        Frame::Market { event: MarketEvent::Volume(_), .. } => 3,
        _ => 4,
    };
    let names = ChannelNames::of(Okx.defaults());
    let short_cut = fast::decode(frame.as_bytes(), &names, &mut Buffers::default());
    assert_eq!(short_cut.is_some(), kind == 1, "{frame}");
    kind
}
