//! What we send to Hyperliquid: coins, subscription requests, info requests.
//!
//! Owns the spelling and the venue's limits, each with its source (sections of
//! <https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api>). Never sends, waits or keeps count: the session paces
//! requests by these numbers. A request holds exactly one stream.

use std::time::Duration;

use crate::domain::{Channel, Contract, Instrument, Number, Scale, SizeUnit};
use crate::feed::{Listing, Method, RestCall, Stream};

/// "Websocket".
pub(super) const WEBSOCKET_URL: &str = "wss://api.hyperliquid.xyz/ws";

/// "Info endpoint".
pub(super) const REST_URL: &str = "https://api.hyperliquid.xyz";

/// "Timeouts and heartbeats": a connection on which the venue has sent nothing for 60 s is closed; this is answered by
/// `{"channel":"pong"}`.
pub(super) const PING: &str = r#"{"method":"ping"}"#;

/// "Rate limits and user limits": "Maximum of 30 new websocket connections per minute".
pub(super) const CONNECTS: (u32, Duration) = (30, Duration::from_secs(60));

/// Half of "Maximum of 1000 websocket subscriptions" an address (as above): one session of quotes and one of books.
pub(super) const STREAMS_PER_SESSION_MAX: usize = 500;

/// "Maximum of 2000 messages sent to Hyperliquid per minute across all websocket connections" (as above): three sessions at
/// once stay below.
pub(super) const REQUEST_PACE: Duration = Duration::from_millis(100);

/// "REST requests share an aggregated weight limit of 1200 per minute" an address (as above).
pub(super) const REST_WEIGHT_PER_MINUTE: u32 = 1_200;

/// Weight of the info request `l2Book` (as above).
const BOOK_WEIGHT: u32 = 2;

/// Weight of the info request `meta` (as above: all others).
const META_WEIGHT: u32 = 20;

/// Levels a side of `l2Book` with `"fast":true`, every 0.5 s ("Subscriptions": "5 levels if fast, 20 levels if slow";
/// nktkas/hyperliquid#142).
pub const FAST_LEVELS: usize = 5;

/// Levels a side of `l2Book` without, every 5 s since 2026-07-25 (pmxt-dev/pmxt#1879).
pub(super) const BOOK_LEVELS: usize = 20;

/// What the perpetuals of the venue are settled and quoted in.
const QUOTE: &str = "USDC";

/// Coins that are thousands of ours, without the `k` (a listing of 2026-09-24, told by a client's notes; unproved by us).
const THOUSANDS: [&str; 6] = ["BONK", "FLOKI", "LUNC", "NEIRO", "PEPE", "SHIB"];

/// The venue's coin: `BTC` for our `BTC-USDC-PERP`, `kPEPE` for our `PEPE-USDC-PERP`.
///
/// # Errors
/// The reason why the venue cannot have it.
pub(super) fn symbol(instrument: &Instrument) -> Result<String, String> {
    match instrument.contract() {
        Some("PERP") => {}
        Some(_) => return Err("hyperliquid has no dated contracts".to_owned()),
        None => {
            let reason = "spot of hyperliquid is not supported: its pairs have numbers for names; perpetuals are BTC-USDC-PERP";
            return Err(reason.to_owned());
        }
    }
    let base = instrument.base();
    if instrument.quote() != QUOTE {
        return Err(format!("hyperliquid's perpetuals are settled in {QUOTE}: {base}-{QUOTE}-PERP"));
    }
    if is_thousands(base) {
        return Ok(format!("k{base}"));
    }
    match base.strip_prefix('K').filter(|rest| is_thousands(rest)) {
        Some(rest) => Err(format!("hyperliquid's k{rest} is a thousand of {rest}: {rest}-{QUOTE}-PERP")),
        None => Ok(base.to_owned()),
    }
}

fn is_thousands(base: &str) -> bool {
    THOUSANDS.contains(&base)
}

/// Sizes count the coin; of a `k` coin, a thousand.
pub(super) fn contract(instrument: &Instrument) -> Option<Contract> {
    Some(if is_thousands(instrument.base()) { THOUSAND } else { Contract::PLAIN })
}

const THOUSANDTH: Scale = match Scale::new(3) {
    Some(scale) => scale,
    None => Scale::ZERO,
};

/// Of a coin that is a thousand of ours.
const THOUSAND: Contract = Contract {
    price: Number { mantissa: 1, scale: THOUSANDTH },
    size: Number { mantissa: 1_000, scale: Scale::ZERO },
    unit: SizeUnit::Base,
};

/// What is behind the `k` of a coin that is a thousand of it: coins are upper-case, so that `kDOGS` is one, and `KAITO` and `kinto`
/// are names that begin so.
fn thousand(coin: &str) -> Option<&str> {
    let rest = coin.strip_prefix('k')?;
    let is_coin = rest.starts_with(|letter: char| letter.is_ascii_uppercase())
        && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_coin.then_some(rest)
}

/// Ours for the coins of a list. A `k` coin is thousands, whether or not it is in our table. Where both a coin and its thousand are
/// listed, the one that our table knows has the name; coins of builders (`xyz:SPCX`) have none.
pub(super) fn listings(coins: &[String]) -> Vec<Listing> {
    let is_listed = |name: &str| coins.iter().any(|coin| coin == name);
    let listing = |coin: &String| {
        let (base, contract) = match thousand(coin) {
            Some(rest) => (rest, THOUSAND),
            None => (coin.as_str(), Contract::PLAIN),
        };
        let taken = match thousand(coin) {
            Some(rest) => !is_thousands(rest) && is_listed(rest),
            None => is_thousands(base) && is_listed(&format!("k{base}")),
        };
        match format!("{base}-{QUOTE}-PERP").parse() {
            Ok(instrument) if !taken => Listing::trading(instrument, coin.clone(), contract),
            Ok(_) => Listing::unnamed(coin, [coin, QUOTE], Some("PERP"), contract),
            Err(_) => {
                let name = coin.rsplit_once(':').map_or(coin.as_str(), |(_, name)| name);
                Listing::unnamed(coin, [name, QUOTE], Some("PERP"), contract)
            }
        }
    };
    coins.iter().map(listing).collect()
}

/// One channel of one coin. Its topic is the JSON of the subscription, which unsubscribing must repeat to the letter.
pub(super) fn stream(coin: &str, channel: Channel, name: &str, depth: usize) -> Stream {
    let mut route = String::new();
    crate::feed::venue::write_route(&mut route, name, coin);
    let fast = if channel == Channel::Depth && depth <= FAST_LEVELS { r#","fast":true"# } else { "" };
    Stream { route, topic: format!(r#"{{"type":"{name}","coin":"{coin}"{fast}}}"#) }
}

/// `{"method":"subscribe","subscription":{"type":"bbo","coin":"BTC"}}`; the venue repeats the subscription.
pub(super) fn request(method: Method, topic: &str) -> String {
    let method = match method {
        Method::Subscribe => "subscribe",
        Method::Unsubscribe => "unsubscribe",
    };
    format!(r#"{{"method":"{method}","subscription":{topic}}}"#)
}

fn info(body: String, weight: u32) -> RestCall {
    RestCall { path: "/info".to_owned(), body: Some(body), weight }
}

/// The book of a coin.
pub(super) fn book_call(coin: &str) -> RestCall {
    info(format!(r#"{{"type":"l2Book","coin":"{coin}"}}"#), BOOK_WEIGHT)
}

/// The list of perpetuals.
pub(super) fn meta_call() -> RestCall {
    info(r#"{"type":"meta"}"#.to_owned(), META_WEIGHT)
}

/// The lists of the builders whose perpetuals are among these coins: `xyz:TSLA` is on that of `xyz` ("Perpetuals": "dex").
pub(super) fn builder_calls(coins: &[String]) -> Vec<RestCall> {
    let dexes = coins.iter().filter_map(|coin| coin.split_once(':')).map(|(dex, _)| dex);
    let dexes: std::collections::BTreeSet<&str> = dexes.collect();
    let call = |dex| info(format!(r#"{{"type":"meta","dex":"{dex}"}}"#), META_WEIGHT);
    dexes.into_iter().map(call).collect()
}
