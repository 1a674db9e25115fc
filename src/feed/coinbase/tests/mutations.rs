//! Both paths on damaged frames: the fuzz target's check, for a moment.

use super::super::{Coinbase, Decoder};
use crate::domain::LEVELS_MAX;
use crate::feed::{ChannelNames, VenueProtocol, wounds};

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../../../fuzz/seeds/coinbase_decode/error"),
    include_bytes!("../../../../fuzz/seeds/coinbase_decode/heartbeat"),
    include_bytes!("../../../../fuzz/seeds/coinbase_decode/l2update"),
    include_bytes!("../../../../fuzz/seeds/coinbase_decode/l2update_reordered"),
    include_bytes!("../../../../fuzz/seeds/coinbase_decode/l2update_timeless"),
    include_bytes!("../../../../fuzz/seeds/coinbase_decode/match"),
    include_bytes!("../../../../fuzz/seeds/coinbase_decode/snapshot"),
    include_bytes!("../../../../fuzz/seeds/coinbase_decode/subscriptions"),
    include_bytes!("../../../../fuzz/seeds/coinbase_decode/ticker"),
];

#[test]
fn both_paths_agree_on_damaged_frames_and_nothing_panics() {
    let names = ChannelNames::of(Coinbase.defaults());
    let (mut first, mut second) = (Decoder::new(&names), Decoder::new(&names));
    wounds::run(SEEDS, |frame| {
        wounds::paths::check(first.decode(frame), second.decode_any(frame), frame, LEVELS_MAX + 1);
        let _ = (Coinbase.parse_quote(frame), Coinbase.parse_list(frame));
    });
}
