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
    if !is_thousands(instrument.base()) {
        return Some(Contract::PLAIN);
    }
    let price = Number { mantissa: 1, scale: Scale::new(3)? };
    let size = Number { mantissa: 1_000, scale: Scale::ZERO };
    Some(Contract { price, size, unit: SizeUnit::Base })
}

/// Ours for one of the venue's coins; `None` for those of builders (`xyz:SPCX`), and for a `k` coin that is not known to be
/// thousands.
pub(super) fn listing(coin: &str) -> Option<Listing> {
    let base = coin.strip_prefix('k').filter(|rest| is_thousands(rest)).unwrap_or(coin);
    let instrument: Instrument = format!("{base}-{QUOTE}-PERP").parse().ok()?;
    if symbol(&instrument).as_deref() != Ok(coin) {
        return None;
    }
    Some(Listing { symbol: coin.to_owned(), contract: contract(&instrument)?, instrument })
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
