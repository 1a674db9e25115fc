//! Recorded sessions, where there are any: both paths agree on every line, and the fast one takes all market frames.
//! What becomes of them in a book is tested in `tests/venue_binance_usdm.rs`.

use super::super::Decoder;
use crate::domain::Channel;
use crate::feed::mutations::{agree, recorded};
use crate::feed::{ChannelNames, Frame, VenueProtocol as _};

#[test]
fn both_paths_agree_on_every_recorded_frame() {
    let mut names = ChannelNames::of(super::super::BinanceUsdm.defaults());
    names.0[Channel::Depth as usize] = "depth@0ms".to_owned();
    let (mut both, mut general) = (Decoder::named(&names), Decoder::named(&names));
    for lines in recorded("binance-usdm") {
        let mut market = 0;
        for frame in lines.iter().filter_map(|line| line.split_once(" ws ")).map(|(_, frame)| frame) {
            let frame = frame.as_bytes();
            let decoded = both.decode(frame);
            agree::check(frame, &decoded, &general.decode_any(frame));
            let is_market = matches!(decoded, Ok(Frame::Market { .. }));
            assert!(is_market && both.0.fast(frame).is_some(), "{}", frame.escape_ascii());
            market += 1;
        }
        assert!(market > 90_000, "{market}");
    }
}
