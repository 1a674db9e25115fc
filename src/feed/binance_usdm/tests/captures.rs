//! Recorded sessions, where there are any: the fast path takes all market frames, and both paths agree on those of the channel
//! that they were recorded with. What becomes of them in a book is tested in `tests/recordings`.

use super::super::{BinanceUsdm, Decoder};
use crate::domain::Channel;
use crate::feed::mutations::recorded_frames;
use crate::feed::paths::agree::Agreement;
use crate::feed::{ChannelNames, Frame, VenueProtocol as _};

#[test]
fn the_fast_path_takes_every_recorded_frame_and_both_agree() {
    let mut names = ChannelNames::of(BinanceUsdm.defaults());
    names.0[Channel::Depth as usize] = "depth@0ms".to_owned();
    let (mut decoder, mut agreement) = (Decoder::named(&names), Agreement::named(&BinanceUsdm, &names));
    for frames in recorded_frames("binance-usdm") {
        for frame in &frames {
            let decoded = agreement.frame(frame.as_bytes());
            let is_market = matches!(decoded, Ok(Frame::Market { .. }));
            assert!(is_market && decoder.0.fast(frame.as_bytes()).is_some(), "{frame}");
        }
        assert!(frames.len() > 90_000, "{}", frames.len());
    }
}
