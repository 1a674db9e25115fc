//! Both paths on damaged frames: the fuzz target's check, for a moment.

use super::super::{Decoder, Kraken};
use crate::domain::LEVELS_MAX;
use crate::feed::{ChannelNames, VenueProtocol, wounds};

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../../../fuzz/seeds/kraken_decode/acknowledged"),
    include_bytes!("../../../../fuzz/seeds/kraken_decode/book_reordered"),
    include_bytes!("../../../../fuzz/seeds/kraken_decode/book_snapshot"),
    include_bytes!("../../../../fuzz/seeds/kraken_decode/book_update"),
    include_bytes!("../../../../fuzz/seeds/kraken_decode/refused"),
    include_bytes!("../../../../fuzz/seeds/kraken_decode/status"),
    include_bytes!("../../../../fuzz/seeds/kraken_decode/ticker"),
    include_bytes!("../../../../fuzz/seeds/kraken_decode/ticker_snapshot"),
    include_bytes!("../../../../fuzz/seeds/kraken_decode/ticker_stamped"),
    include_bytes!("../../../../fuzz/seeds/kraken_decode/trade"),
];

#[test]
fn both_paths_agree_on_damaged_frames_and_nothing_panics() {
    let names = ChannelNames::of(Kraken.defaults());
    let (mut first, mut second) = (Decoder::new(&names), Decoder::new(&names));
    wounds::run(SEEDS, |frame| {
        wounds::paths::check(first.decode(frame), second.decode_any(frame), frame, LEVELS_MAX);
        let _ = (Kraken.parse_quote(frame), Kraken.parse_list(frame));
    });
}
