//! What we send to OKX: symbols, subscription requests, REST paths.
//!
//! Owns the spelling and the venue's limits, each with its source (sections of <https://www.okx.com/docs-v5/en/>). Never sends,
//! waits or keeps count: the session paces requests by these numbers. A request holds at most [`REQUEST_STREAMS_MAX`] streams and
//! [`REQUEST_BYTES_MAX`] bytes.

use std::fmt::Write as _;
use std::time::Duration;

use crate::domain::{Contract, Instrument, Number, Scale, SizeUnit};
use crate::feed::rest::query;
use crate::feed::{Method, RestCall, Stream};

/// "Production Trading Services", public channels. Accounts of the EEA and of the US have hosts of their own.
pub(super) const WEBSOCKET_URL: &str = "wss://ws.okx.com:8443/ws/v5/public";

/// As above, REST.
pub(super) const REST_URL: &str = "https://www.okx.com";

/// "If there is a network problem, ... send the String 'ping'": within 30 s of silence the answer is the text `pong` ("Connect").
pub(super) const PING: &str = "ping";

/// "Connection limit: 3 requests per second (based on IP)" ("Connect").
pub(super) const CONNECTS: (u32, Duration) = (3, Duration::from_secs(1));

/// "The total number of 'subscribe'/'unsubscribe'/'login' requests per connection is limited to 480 times per hour" ("Connect").
pub(super) const REQUESTS_PER_HOUR_MAX: u32 = 480;

/// Between two requests of one session, so that [`REQUESTS_PER_HOUR_MAX`] holds whatever happens.
pub(super) const REQUEST_PACE: Duration =
    Duration::from_millis(3_600_000 / (REQUESTS_PER_HOUR_MAX - REQUEST_BURST) as u64 + 1);

/// Of those so many may go at once: a book that has a gap begins anew without waiting for the pace. With them no hour has more than
/// the venue grants.
pub(super) const REQUEST_BURST: u32 = 40;

/// Streams of one session; our own limit, the documentation has none: one request subscribes all of them.
pub(super) const STREAMS_PER_SESSION_MAX: usize = 240;

/// Streams of one request; our own limit, the documentation has none.
pub(super) const REQUEST_STREAMS_MAX: usize = STREAMS_PER_SESSION_MAX;

/// Bytes of one request, half of what is allowed: "the total length of multiple channels cannot exceed 64 KB" ("Subscribe").
pub(super) const REQUEST_BYTES_MAX: usize = 32 << 10;

/// "Get order book": "40 requests per 2 seconds", by address.
pub(super) const REST_WEIGHT_PER_MINUTE: u32 = 1_200;

/// Of those, a top of book.
const BOOKS_WEIGHT: u32 = 1;

/// "Get instruments": "20 requests per 2 seconds", by address and type.
const INSTRUMENTS_WEIGHT: u32 = 2;

/// Levels a side of `books`: "400 depth levels will be pushed in the initial full snapshot". Those that fall out are removed by the
/// venue; the recorded books never grow beyond.
pub(super) const BOOK_LEVELS: usize = 400;

/// Bytes of a request beside its streams, with the longest operation and the longest id.
const REQUEST_FRAME_BYTES: usize = r#"{"id":"18446744073709551615","op":"unsubscribe","args":[]}"#.len();

/// The longest stream of a symbol of ours and a channel of 32 characters.
const STREAM_BYTES_MAX: usize = r#"{"channel":"","instId":""},"#.len() + 32 + 40 + "--20270326".len();

const _: () = assert!(REQUEST_FRAME_BYTES + STREAM_BYTES_MAX * REQUEST_STREAMS_MAX <= REQUEST_BYTES_MAX);

/// The venue's spelling: `BTC-USDT`, `BTC-USDT-SWAP` for our `BTC-USDT-PERP`, `BTC-USD-220527` for our `BTC-USD-20220527`.
///
/// # Errors
/// The reason why the venue cannot have it.
pub(super) fn symbol(instrument: &Instrument) -> Result<String, String> {
    let (base, quote) = (instrument.base(), instrument.quote());
    match instrument.contract() {
        None => Ok(format!("{base}-{quote}")),
        Some("PERP") => Ok(format!("{base}-{quote}-SWAP")),
        Some(date) => match date.strip_prefix("20") {
            Some(short) => Ok(format!("{base}-{quote}-{short}")),
            None => Err("okx writes the year of a contract in two digits, of this century".to_owned()),
        },
    }
}

/// Unproved, from memory: what one contract of the linear perpetuals in USDT is, in base currency, as `(base, mantissa, scale)`.
const LINEAR_SWAPS: [(&str, i128, u8); 2] = [("BTC", 1, 2), ("ETH", 1, 1)];

/// What an instrument's sizes count, where that is known without the venue's list. Contracts in USD are inverse: 100 USD for
/// BTC (the recorded volumes of BTC-USD-220527 agree: 779,573 contracts at about 30,000 are 2,620 BTC), 10 USD for all others
/// (unproved, from memory).
pub(super) fn contract(instrument: &Instrument) -> Option<Contract> {
    let of = |mantissa, scale, unit| {
        let size = Number { mantissa, scale: Scale::new(scale)? };
        Some(Contract { price: Number::ONE, size, unit })
    };
    match (instrument.base(), instrument.quote(), instrument.contract()) {
        (_, _, None) => Some(Contract::PLAIN),
        ("BTC", "USD", Some(_)) => of(100, 0, SizeUnit::Quote),
        (_, "USD", Some(_)) => of(10, 0, SizeUnit::Quote),
        (base, "USDT", Some("PERP")) => {
            let (_, mantissa, scale) = LINEAR_SWAPS.into_iter().find(|&(known, ..)| known == base)?;
            of(mantissa, scale, SizeUnit::Base)
        }
        (_, _, Some(_)) => None,
    }
}

/// One channel of one symbol. Its topic is the JSON that requests list.
pub(super) fn stream(symbol: &str, channel: &str) -> Stream {
    let mut route = String::new();
    crate::feed::venue::write_route(&mut route, channel, symbol);
    Stream { route, topic: format!(r#"{{"channel":"{channel}","instId":"{symbol}"}}"#) }
}

/// The channel that says which instruments of a type trade.
pub(super) const INSTRUMENTS: &str = "instruments";

/// What says whether a symbol trades. All symbols of its type share it.
pub(super) fn instruments(symbol: &str) -> Stream {
    let kind = match symbol.split('-').nth(2) {
        None => "SPOT",
        Some("SWAP") => "SWAP",
        Some(_) => "FUTURES",
    };
    let mut route = String::new();
    crate::feed::venue::write_route(&mut route, INSTRUMENTS, kind);
    Stream { route, topic: format!(r#"{{"channel":"{INSTRUMENTS}","instType":"{kind}"}}"#) }
}

/// Splits topics into parts that fit into one request each, in order. No part is empty.
pub(super) fn batches(topics: &[String]) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut bytes = usize::MAX;
    for topic in topics {
        // A comma each.
        let more = topic.len() + 1;
        match batches.last_mut() {
            Some(batch) if batch.len() < REQUEST_STREAMS_MAX && bytes + more <= REQUEST_BYTES_MAX => {
                batch.push(topic.clone());
                bytes += more;
            }
            _ => {
                batches.push(vec![topic.clone()]);
                bytes = REQUEST_FRAME_BYTES + more;
            }
        }
    }
    batches
}

/// `{"id":"7","op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}`. Each stream is acknowledged by its name; an error
/// carries `id`.
pub(super) fn request(method: Method, topics: &[String], id: u64) -> String {
    let operation = match method {
        Method::Subscribe => "subscribe",
        Method::Unsubscribe => "unsubscribe",
    };
    let mut text = format!(r#"{{"id":"{id}","op":"{operation}","args":["#);
    text.push_str(&topics.join(","));
    write!(text, "]}}").expect("writing to a String cannot fail");
    text
}

/// The top of book, in the order book's own numbers.
pub(super) fn books_call(symbol: &str) -> RestCall {
    let path = format!("/api/v5/market/books?instId={}&sz=1", query(symbol));
    RestCall { path, body: None, weight: BOOKS_WEIGHT }
}

/// The lists of spot pairs, perpetuals and dated contracts.
pub(super) fn instruments_calls() -> Vec<RestCall> {
    let call = |kind| {
        let path = format!("/api/v5/public/instruments?instType={kind}");
        RestCall { path, body: None, weight: INSTRUMENTS_WEIGHT }
    };
    ["SPOT", "SWAP", "FUTURES"].map(call).into()
}
