//! Which subscriptions a frame could have changed that was not understood.
//!
//! Owns the symbols of a session's streams and the words by which frames of each channel can be told. Never parses: it looks for those
//! in the frame's bytes, whatever is wrong with them (a field of another name, half a frame, a layout of tomorrow). Takes time in
//! proportion to the frame, whatever the number of streams.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::conversation::StreamPlan;
use super::venue::{ChannelNames, VenueProtocol};

/// A frame of one word, which no data is: a greeting, a sign of life in the venue's own words.
const WORD_BYTES_MAX: usize = 64;

/// What a frame names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Affected {
    /// These streams, by their places in the session's plan.
    Streams(BTreeSet<usize>),
    /// It names no symbol of ours, and could be data of any.
    Unnamed,
    /// It names no symbol of ours, and is no data.
    Nothing,
}

#[derive(Debug)]
pub(super) struct Names {
    /// The streams of each symbol, in lower case.
    symbols: HashMap<String, Vec<usize>>,
    /// What stands in frames of each stream's channel.
    words: Vec<Vec<String>>,
    /// Letters of symbols beside letters and digits.
    marks: BTreeSet<char>,
}

impl Names {
    pub(super) fn new(venue: &dyn VenueProtocol, streams: &[StreamPlan], names: &ChannelNames) -> Self {
        let mut this = Self { symbols: HashMap::new(), words: Vec::new(), marks: BTreeSet::new() };
        for (place, plan) in streams.iter().enumerate() {
            let channels: BTreeSet<_> =
                plan.subscriptions.iter().map(|subscription| subscription.channel).collect();
            let words =
                channels.into_iter().flat_map(|channel| venue.frame_words(channel, names.get(channel)));
            this.words.push(words.map(str::to_owned).collect());
            // A stream without data of ours cannot have changed any.
            let symbol = venue.route_symbol(&plan.stream.route).filter(|_| !plan.subscriptions.is_empty());
            if let Some(symbol) = symbol {
                this.marks.extend(symbol.chars().filter(|letter| !letter.is_alphanumeric()));
                this.symbols.entry(symbol.to_lowercase()).or_default().push(place);
            }
        }
        this
    }

    /// What a frame names that was not understood.
    pub(super) fn unreadable(&self, frame: &[u8]) -> Affected {
        match self.named(frame) {
            streams if !streams.is_empty() => Affected::Streams(streams),
            _ if is_word(frame) => Affected::Nothing,
            _ => Affected::Unnamed,
        }
    }

    /// What a valid frame names that is of no kind that is known.
    pub(super) fn unknown(&self, frame: &[u8]) -> Affected {
        match self.named(frame) {
            streams if !streams.is_empty() => Affected::Streams(streams),
            _ => Affected::Nothing,
        }
    }

    /// The streams whose symbol stands in the text as a word of its own; of those, where some of their channels are named, too, the
    /// streams of these channels.
    pub(super) fn named(&self, text: &[u8]) -> BTreeSet<usize> {
        let text = unescaped(text);
        let is_part = |letter: char| letter.is_alphanumeric() || self.marks.contains(&letter);
        let of_symbols: BTreeSet<usize> = text
            .split(|letter| !is_part(letter))
            .filter(|word| !word.is_empty())
            .filter_map(|word| self.symbols.get(&word.to_lowercase()))
            .flatten()
            .copied()
            .collect();
        let is_of_channel = |place: &usize| self.words[*place].iter().any(|word| text.contains(word));
        let of_channels: BTreeSet<usize> = of_symbols.iter().copied().filter(is_of_channel).collect();
        if of_channels.is_empty() { of_symbols } else { of_channels }
    }
}

/// Whether these bytes are a few words of plain text.
fn is_word(frame: &[u8]) -> bool {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'{' | b'[' | b'"');
    frame.len() <= WORD_BYTES_MAX && frame.iter().all(plain)
}

/// Without JSON's escapes, so that `BTC\/USD` is `BTC/USD`. What is no escape stays.
fn unescaped(text: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(text);
    if !text.contains('\\') {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let code = after.strip_prefix('u').and_then(|digits| u32::from_str_radix(digits.get(..4)?, 16).ok());
        rest = if let Some(letter) = code.and_then(char::from_u32) {
            plain.push(letter);
            after.get(5..).unwrap_or_default()
        } else {
            after
        };
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Channel, InstrumentId, Subscription};
    use crate::feed::{Start, venue, venues};

    /// Quotes, trades, books and figures of two symbols, in this order.
    fn names(venue_name: &str, symbols: [&str; 2]) -> Names {
        let venue = venue(venue_name).unwrap();
        let names = ChannelNames::of(venue.defaults());
        let plans: Vec<StreamPlan> = (0_u32..)
            .zip(symbols)
            .flat_map(|(index, symbol)| {
                Channel::ALL.map(|channel| StreamPlan {
                    stream: venue.stream(symbol, channel, names.get(channel), 20),
                    subscriptions: vec![Subscription { instrument: InstrumentId(index), channel }],
                    start: Start::Connected,
                })
            })
            .collect();
        Names::new(venue, &plans, &names)
    }

    fn streams(places: &[usize]) -> Affected {
        Affected::Streams(places.iter().copied().collect())
    }

    #[test]
    fn a_frame_affects_what_it_names_whatever_is_wrong_with_it() {
        let okx = names("okx", ["BTC-USDT", "BTC-USDT-SWAP"]);
        for (frame, expected) in [
            (r#"{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["x"]]}]}"#, streams(&[0])),
            (r#"{"arg":{"channel":"books","instId":"BTC-USDT-SWAP"},"data":[{"ask"#, streams(&[6])),
            (r#"{"arg":{"channel":"bbo2","inst":"BTC-USDT"},"data":[]}"#, streams(&[0, 1, 2, 3])),
            (r#"{"c":"trades","d":[{"i":"BTC-USDT"},{"i":"BTC-USDT-SWAP"}]}"#, streams(&[1, 5])),
            (r#"{"arg":{"channel":"bbo-tbt","instId":"ETH-USDT"}}"#, Affected::Unnamed),
            ("{\"data\":[", Affected::Unnamed),
            ("\u{1f}\u{8b}\u{8}", Affected::Unnamed),
            ("connection established", Affected::Nothing),
            ("", Affected::Nothing),
        ] {
            assert_eq!(okx.unreadable(frame.as_bytes()), expected, "{frame}");
        }
        assert_eq!(okx.unknown(br#"{"event":"channel-conn-count","channel":"books"}"#), Affected::Nothing);
        assert_eq!(okx.unreadable(&[0xff; 300]), Affected::Unnamed);
    }

    #[test]
    fn escapes_and_letters_of_any_case_are_the_same_symbol() {
        let kraken = names("kraken", ["BTC/USD", "ETH/USD"]);
        for frame in [
            r#"{"channel":"book","data":[{"symbol":"BTC\/USD"}]}"#,
            r#"{"channel":"book","data":[{"symbol":"BTC\u002fUSD"}]}"#,
            r#"{"channel":"book","data":[{"symbol":"btc/usd","bids":[{"price":1e999}]}"#,
        ] {
            assert_eq!(kraken.unreadable(frame.as_bytes()), streams(&[2]), "{frame}");
        }
        let binance = names("binance", ["币安人生USDT", "BTCUSDT"]);
        let frame = r#"{"stream":"币安人生usdt@bookTicker","data":{"u":1}}"#;
        assert_eq!(binance.unreadable(frame.as_bytes()), streams(&[0]));
        assert_eq!(unescaped(br"a\u00e9\n\u12"), "a\u{e9}nu12");
    }

    #[test]
    fn every_venue_tells_its_streams_by_their_own_topics() {
        for venue in venues() {
            let symbols = match venue.defaults().name {
                "okx" => ["BTC-USDT", "ETH-USDT"],
                "coinbase" => ["BTC-USD", "ETH-USD"],
                "kraken" => ["BTC/USD", "ETH/USD"],
                "hyperliquid" => ["BTC", "kPEPE"],
                _ => ["BTCUSDT", "ETHUSDT"],
            };
            let names = names(venue.defaults().name, symbols);
            for symbol in symbols {
                let frame = format!("{{\"what\":\"is this\",\"of\":[\"{symbol}\"]}}");
                let Affected::Streams(found) = names.unknown(frame.as_bytes()) else {
                    panic!("{}: {symbol}", venue.defaults().name)
                };
                assert_eq!(found.len(), 4, "{}: {symbol}: {found:?}", venue.defaults().name);
            }
        }
    }

    /// Every documented frame of data, cut off before its end, or with all of its fields renamed.
    #[test]
    fn a_damaged_frame_is_told_to_be_of_its_own_stream_and_no_other() {
        use crate::feed::Frame;
        use crate::feed::mutations::seeds;

        for (venue_name, target) in [
            ("binance", "binance_decode"),
            ("binance-usdm", "binance_usdm_decode"),
            ("bybit-linear", "bybit_decode"),
            ("coinbase", "coinbase_decode"),
            ("hyperliquid", "hyperliquid_decode"),
            ("kraken", "kraken_decode"),
            ("okx", "okx_decode"),
        ] {
            let venue = venue(venue_name).unwrap();
            let channel_names = ChannelNames::of(venue.defaults());
            let mut tried = 0;
            for frame in seeds(target) {
                let mut decoder = venue.decoder(&channel_names);
                let Ok(Frame::Market { stream, .. }) = decoder.decode(&frame) else { continue };
                let symbol = venue.route_symbol(stream).unwrap().to_owned();
                let names = names(venue_name, [&symbol, "NOBODY"]);
                let plans: Vec<String> = Channel::ALL
                    .map(|channel| venue.stream(&symbol, channel, channel_names.get(channel), 20).route)
                    .into();
                let own: BTreeSet<usize> = (0..4).filter(|place| plans[*place] == stream).collect();
                let text = String::from_utf8(frame.clone()).unwrap();
                let text = text.trim_end();
                let cut = &text[..text.len() - 1];
                // Only the channels of one session can be mistaken for each other: books and figures, quotes and trades.
                let Affected::Streams(found) = names.unreadable(cut.as_bytes()) else {
                    panic!("{venue_name}: nothing is told of {cut}")
                };
                let kind =
                    |place: &usize| matches!(Channel::ALL[place % 4], Channel::Depth | Channel::Volume);
                let session: BTreeSet<bool> = own.iter().map(kind).collect();
                let found: BTreeSet<usize> =
                    found.into_iter().filter(|place| session.contains(&kind(place))).collect();
                if !own.is_empty() {
                    assert!(own.is_subset(&found), "{venue_name}: {own:?} in {found:?}: {cut}");
                    assert!(found.len() <= own.len().max(1), "{venue_name}: {own:?} and {found:?}: {cut}");
                    tried += 1;
                }
            }
            assert!(tried >= 3, "{venue_name}: {tried} frames");
        }
    }
}
