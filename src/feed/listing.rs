//! What a venue's list says of one of its symbols.
//!
//! Owns the words for it, and the names that are suggested where a symbol has none of ours. Never decides what an engine does with a
//! symbol that does not trade.

use crate::domain::{Contract, Instrument};

/// Characters of a currency (WIRE.md).
const CURRENCY_BYTES_MAX: usize = 20;

/// Stands for a currency of which no letter is left.
const UNNAMED: &str = "NAME";

/// A symbol that the venue lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Ours; where [`Self::naming`] is [`Naming::AliasOnly`], a suggestion.
    pub instrument: Instrument,
    /// Whether the instrument can be configured by that name.
    pub naming: Naming,
    /// The venue's spelling.
    pub symbol: String,
    /// What its units are.
    pub contract: Contract,
    /// Whether it trades now.
    pub status: ListingStatus,
    /// The venue's word for the kind of contract, where that is not one of the usual ones (`TRADIFI_PERPETUAL`).
    pub kind: Option<String>,
}

/// How a listed symbol can be configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By its instrument.
    Ours,
    /// By an `[[alias]]` only: its own name does not fit our grammar, another symbol has it, or its kind of contract is not known.
    AliasOnly,
}

/// Whether a listed symbol trades now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListingStatus {
    /// It does.
    Trading,
    /// It does not, in the venue's own word: `BREAK`, `cancel_only`, `PreLaunch`, `suspend`.
    NotTrading(String),
}

impl ListingStatus {
    /// The venue's word for a symbol that does not trade now.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Trading => None,
            Self::NotTrading(word) => Some(word),
        }
    }
}

impl Listing {
    /// A symbol that trades and has a name of ours.
    #[must_use]
    pub const fn trading(instrument: Instrument, symbol: String, contract: Contract) -> Self {
        let (naming, status) = (Naming::Ours, ListingStatus::Trading);
        Self { instrument, naming, symbol, contract, status, kind: None }
    }

    /// A symbol that can be named by an alias only; its parts make the suggestion.
    pub(super) fn unnamed(
        symbol: &str,
        [base, quote]: [&str; 2],
        suffix: Option<&str>,
        contract: Contract,
    ) -> Self {
        let naming = Naming::AliasOnly;
        Self { naming, ..Self::trading(suggested(base, quote, suffix), symbol.to_owned(), contract) }
    }

    /// What the venue calls its state: `trades` = it trades.
    pub(super) fn with_status(self, trades: bool, word: &str) -> Self {
        let status = if trades { ListingStatus::Trading } else { ListingStatus::NotTrading(word.to_owned()) };
        Self { status, ..self }
    }

    /// With the venue's word for its kind of contract.
    pub(super) fn with_kind(self, kind: &str) -> Self {
        Self { kind: Some(kind.to_owned()), ..self }
    }
}

/// A name that fits our grammar, as near to the venue's as it can be.
fn suggested(base: &str, quote: &str, suffix: Option<&str>) -> Instrument {
    let (base, quote) = (currency(base), currency(quote));
    let full = suffix.map(|suffix| format!("{base}-{quote}-{suffix}"));
    let names = full.into_iter().chain([format!("{base}-{quote}")]);
    names.filter_map(|name| name.parse().ok()).next().expect("two currencies are an instrument")
}

/// What of a name fits into one of ours.
fn currency(name: &str) -> String {
    let fits = name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase());
    let found: String = fits.take(CURRENCY_BYTES_MAX).collect();
    if found.is_empty() { UNNAMED.to_owned() } else { found }
}

/// Of several symbols with one name of ours, the one that `preferred` spells like that keeps it, or the first; the others can be named
/// by an alias only.
pub fn settle_names(listings: &mut [Listing], preferred: impl Fn(&Instrument) -> Option<String>) {
    let mut owners: std::collections::HashMap<Instrument, usize> = std::collections::HashMap::new();
    for place in 0..listings.len() {
        let Listing { instrument, naming, symbol, .. } = &listings[place];
        if *naming == Naming::AliasOnly {
            continue;
        }
        let is_preferred = || preferred(instrument).as_ref() == Some(symbol);
        let loser = match owners.get(instrument).copied() {
            None => None,
            Some(owner) if is_preferred() => Some(owner),
            Some(_) => Some(place),
        };
        if loser != Some(place) {
            owners.insert(instrument.clone(), place);
        }
        if let Some(loser) = loser {
            listings[loser].naming = Naming::AliasOnly;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_is_as_near_to_the_venues_name_as_the_grammar_allows() {
        for (base, quote, suffix, expected) in [
            ("AAPLx", "USD", None, "AAPLX-USD"),
            ("BTC", "USD_UM_XPERP", Some("20310404"), "BTC-USDUMXPERP-20310404"),
            ("币安人生", "USDT", Some("PERP"), "NAME-USDT-PERP"),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "USDT", Some("odd"), "ABCDEFGHIJKLMNOPQRST-USDT"),
        ] {
            assert_eq!(suggested(base, quote, suffix).as_str(), expected);
        }
    }

    #[test]
    fn of_two_symbols_with_one_name_the_usual_one_keeps_it() {
        let listing =
            |symbol: &str| Listing::trading("P-U".parse().unwrap(), symbol.to_owned(), Contract::PLAIN);
        for (symbols, expected) in [(["1000P", "P"], ["1000P"]), (["P", "1000P"], ["1000P"])] {
            let mut listings = symbols.map(listing);
            settle_names(&mut listings, |_| Some("1000P".to_owned()));
            let named = listings.iter().filter(|one| one.naming == Naming::Ours);
            assert_eq!(named.map(|one| one.symbol.as_str()).collect::<Vec<_>>(), expected);
        }
        let mut unknown = ["A", "B"].map(listing);
        settle_names(&mut unknown, |_| None);
        assert_eq!(unknown.map(|one| one.naming), [Naming::Ours, Naming::AliasOnly]);
    }

    /// Names with small letters, colons, underscores: what comes in is found by the very route that was subscribed to.
    #[test]
    fn data_of_what_only_an_alias_names_finds_its_subscription() {
        use crate::domain::Channel;
        use crate::feed::{ChannelNames, Frame, venue};

        for (name, symbol, channel, frame) in [
            (
                "hyperliquid",
                "xyz:TSLA",
                Channel::Quote,
                r#"{"channel":"bbo","data":{"coin":"xyz:TSLA","time":1790232236546,"bbo":[{"px":"1","sz":"1","n":1},{"px":"2","sz":"1","n":1}]}}"#,
            ),
            (
                "kraken",
                "AAPLx/USD",
                Channel::Trade,
                r#"{"channel":"trade","type":"update","data":[{"symbol":"AAPLx/USD","side":"sell","price":1.0,"qty":1.0,"ord_type":"limit","trade_id":1,"timestamp":"2023-09-25T07:49:37.708706Z"}]}"#,
            ),
            (
                "okx",
                "BTC-USD_UM_XPERP-310404",
                Channel::Quote,
                r#"{"arg":{"channel":"bbo-tbt","instId":"BTC-USD_UM_XPERP-310404"},"data":[{"asks":[["2","1","0","1"]],"bids":[["1","1","0","1"]],"ts":"1790232236546","seqId":1}]}"#,
            ),
            (
                "binance-usdm",
                "币安人生USDT",
                Channel::Quote,
                r#"{"stream":"币安人生usdt@bookTicker","data":{"e":"bookTicker","u":7,"s":"币安人生USDT","b":"1","B":"2","a":"3","A":"4","T":1790232236546,"E":1790232236546}}"#,
            ),
        ] {
            let venue = venue(name).unwrap();
            let names = ChannelNames::of(venue.defaults());
            let stream = venue.stream(symbol, channel, names.get(channel), 20);
            let mut decoder = venue.decoder(&names);
            for decoded in [
                decoder.decode(frame.as_bytes()).map(|frame| format!("{frame:?}")),
                decoder.decode_general(frame.as_bytes()).map(|frame| format!("{frame:?}")),
            ] {
                let decoded = decoded.unwrap();
                assert!(decoded.contains(&format!("stream: {:?}", stream.route)), "{name}: {decoded}");
            }
            assert!(matches!(decoder.decode(frame.as_bytes()), Ok(Frame::Market { .. })), "{name}");
            assert!(
                venue.route_symbol(&stream.route).is_some_and(|route| route.eq_ignore_ascii_case(symbol)),
                "{name}"
            );
            let path = venue.quote_call(symbol).path;
            assert!(path.is_ascii() && !path.contains(' '), "{path}");
        }
    }
}
