//! Recorded sessions, where there are any: the fast path takes every update.

use super::super::{Kraken, decode::Channels, fast};
use crate::feed::levels::Buffers;
use crate::feed::mutations::recorded_frames;
use crate::feed::{ChannelNames, VenueProtocol};

#[test]
fn the_fast_path_takes_every_recorded_update() {
    let channels = Channels::new(&ChannelNames::of(Kraken.defaults()));
    let mut buffers = Buffers::default();
    for frames in recorded_frames("kraken") {
        for frame in &frames {
            let is_update = frame.contains(r#""type":"update""#);
            let short_cut = fast::decode(frame.as_bytes(), &channels, &mut buffers);
            assert_eq!(short_cut.is_some(), is_update, "{frame}");
        }
        assert!(frames.len() > 3_000);
    }
}
