//! Frames in Binance's words: field order, spelling and eight decimals as in recordings of the venue.

use std::fmt::Write;
use std::ops::RangeInclusive;

use rust_decimal::Decimal;

use super::instrument::DECIMALS;
use crate::simulate::book::{Book, Level, Side, Top};
use crate::simulate::rest::write_levels;

const DAY_MS: i64 = 86_400_000;

pub(super) fn book_ticker(stream: &str, symbol: &str, top: &Top) -> String {
    let none = (Decimal::new(0, DECIMALS), Decimal::new(0, DECIMALS));
    let ((bid, bid_size), (ask, ask_size)) = (top.bid.unwrap_or(none), top.ask.unwrap_or(none));
    format!(
        "{{\"stream\":\"{stream}\",\"data\":{{\"u\":{},\"s\":\"{symbol}\",\"b\":\"{bid}\",\"B\":\"{bid_size}\",\
         \"a\":\"{ask}\",\"A\":\"{ask_size}\"}}}}",
        top.update_id
    )
}

pub(super) fn depth(
    stream: &str,
    symbol: &str,
    now_ms: i64,
    ids: RangeInclusive<u64>,
    bids: &[Level],
    asks: &[Level],
) -> String {
    let mut text = String::with_capacity(160 + 32 * (bids.len() + asks.len()));
    write!(
        text,
        "{{\"stream\":\"{stream}\",\"data\":{{\"e\":\"depthUpdate\",\"E\":{now_ms},\"s\":\"{symbol}\",\"U\":{},\
         \"u\":{},\"b\":",
        ids.start(),
        ids.end()
    )
    .expect("a String takes all");
    write_levels(&mut text, bids);
    text.push_str(",\"a\":");
    write_levels(&mut text, asks);
    text.push_str("}}");
    text
}

/// A trade against the level on `side`: where that is the bid, the buyer is the maker.
pub(super) fn trade(
    stream: &str,
    symbol: &str,
    id: u64,
    price: Decimal,
    quantity: Decimal,
    side: Side,
    now_ms: i64,
) -> String {
    let buyer_is_maker = side == Side::Bid;
    format!(
        "{{\"stream\":\"{stream}\",\"data\":{{\"e\":\"trade\",\"E\":{now_ms},\"s\":\"{symbol}\",\"t\":{id},\
         \"p\":\"{price}\",\"q\":\"{quantity}\",\"T\":{now_ms},\"m\":{buyer_is_maker},\"M\":true}}}}"
    )
}

/// The rolling 24 h statistics. The day before the start is made up once; what is traded since is added.
#[derive(Debug)]
pub(super) struct Ticker {
    open: Decimal,
    high: Decimal,
    low: Decimal,
    last: Decimal,
    last_quantity: Decimal,
    volume: Decimal,
    quote_volume: Decimal,
    first_trade: u64,
    last_trade: u64,
}

impl Ticker {
    pub(super) fn new(price: Decimal) -> Self {
        // Prices on the tick and quantities on the lot, as the venue's own are.
        let digits = price.normalize().scale();
        let percent = |percent| eight((price * Decimal::new(percent, 2)).round_dp(digits));
        let volume = eight((Decimal::from(50_000_000) / price).round());
        Self {
            open: percent(99),
            high: percent(101),
            low: percent(98),
            last: price,
            last_quantity: eight(Decimal::ONE),
            volume,
            quote_volume: eight(volume * price),
            first_trade: 3_735_000_000,
            last_trade: 3_735_683_258,
        }
    }

    /// Adds a trade and gives its id.
    pub(super) fn note_trade(&mut self, price: Decimal, quantity: Decimal) -> u64 {
        self.last_trade += 1;
        (self.last, self.last_quantity) = (price, quantity);
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.volume = eight(self.volume + quantity);
        self.quote_volume = eight(self.quote_volume + price * quantity);
        self.last_trade
    }

    pub(super) fn render(&self, stream: &str, symbol: &str, book: &Book, now_ms: i64) -> String {
        let Self { open, high, low, last, last_quantity, volume, quote_volume, .. } = self;
        let change = eight(last - open);
        let mut percent = ((last - open) * Decimal::ONE_HUNDRED / open).round_dp(3);
        percent.rescale(3);
        let none = (Decimal::new(0, DECIMALS), Decimal::new(0, DECIMALS));
        let (bid, bid_size) = book.best_bid().unwrap_or(none);
        let (ask, ask_size) = book.best_ask().unwrap_or(none);
        let average = eight(quote_volume / volume);
        let (first_trade, last_trade) = (self.first_trade, self.last_trade);
        format!(
            "{{\"stream\":\"{stream}\",\"data\":{{\"e\":\"24hrTicker\",\"E\":{now_ms},\"s\":\"{symbol}\",\
             \"p\":\"{change}\",\"P\":\"{percent}\",\"w\":\"{average}\",\"x\":\"{last}\",\"c\":\"{last}\",\
             \"Q\":\"{last_quantity}\",\"b\":\"{bid}\",\"B\":\"{bid_size}\",\"a\":\"{ask}\",\"A\":\"{ask_size}\",\
             \"o\":\"{open}\",\"h\":\"{high}\",\"l\":\"{low}\",\"v\":\"{volume}\",\"q\":\"{quote_volume}\",\
             \"O\":{},\"C\":{now_ms},\"F\":{first_trade},\"L\":{last_trade},\"n\":{}}}}}",
            now_ms - DAY_MS,
            last_trade - first_trade + 1
        )
    }
}

fn eight(mut number: Decimal) -> Decimal {
    number = number.round_dp(DECIMALS);
    number.rescale(DECIMALS);
    number
}
