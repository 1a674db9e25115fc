//! The topics of Bybit: `<channel>.<symbol>`, and `<channel>.<levels>.<symbol>` where the channel is a book.
//!
//! Owns which channel a topic is, and which of the venue's books serves a depth. Never knows a symbol.
//!
//! A number behind the configured name of the depth channel (`orderbook.50`) is passed over: how many levels are subscribed to
//! follows from how many are published, so that the window by which the book is kept is always the subscribed one.

use crate::domain::Channel;
use crate::feed::ChannelNames;

/// The books that there are, levels a side (<https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook>; `orderbook.1`
/// is the top of book). The more levels, the slower: 20, 100 (spot 200), 200 ms.
pub(super) const BOOKS: [usize; 3] = [50, 200, 1_000];

/// Levels a side of the book that serves to publish `depth`: no more than needed.
pub(super) fn book_levels(depth: usize) -> usize {
    BOOKS.into_iter().find(|&levels| levels >= depth).unwrap_or(BOOKS[2])
}

/// The channel's name without a number at its end.
fn unnumbered(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((front, levels)) if is_number(levels) => front,
        _ => name,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn topic(channel: Channel, name: &str, symbol: &str, depth: usize) -> String {
    match channel {
        Channel::Depth => format!("{}.{}.{symbol}", unnumbered(name), book_levels(depth)),
        Channel::Quote | Channel::Trade | Channel::Volume => format!("{name}.{symbol}"),
    }
}

/// Tells topics apart by the configured names of channels.
#[derive(Debug)]
pub(super) struct Topics {
    names: ChannelNames,
    book: String,
}

impl Topics {
    pub(super) fn new(names: &ChannelNames) -> Self {
        Self { names: names.clone(), book: unnumbered(names.get(Channel::Depth)).to_owned() }
    }

    /// Channel and symbol; `None` for what is none of ours.
    #[inline]
    pub(super) fn read<'t>(&self, topic: &'t str) -> Option<(Channel, &'t str)> {
        let (front, symbol) = topic.rsplit_once('.')?;
        let named = [Channel::Quote, Channel::Trade, Channel::Volume];
        if let Some(channel) = named.into_iter().find(|&channel| self.names.get(channel) == front) {
            return Some((channel, symbol));
        }
        let levels = front.strip_prefix(self.book.as_str())?.strip_prefix('.')?;
        is_number(levels).then_some((Channel::Depth, symbol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(depth: &str) -> ChannelNames {
        ChannelNames(["orderbook.1", "publicTrade", depth, "tickers"].map(str::to_owned))
    }

    #[test]
    fn the_book_follows_from_the_depth_whatever_number_is_configured() {
        for name in ["orderbook", "orderbook.50", "orderbook.1000"] {
            for (depth, topic_of) in [
                (1, "orderbook.50.BTCUSDT"),
                (50, "orderbook.50.BTCUSDT"),
                (51, "orderbook.200.BTCUSDT"),
                (200, "orderbook.200.BTCUSDT"),
                (201, "orderbook.1000.BTCUSDT"),
                (1_000, "orderbook.1000.BTCUSDT"),
            ] {
                assert_eq!(topic(Channel::Depth, name, "BTCUSDT", depth), topic_of, "{name} {depth}");
                assert_eq!(Topics::new(&names(name)).read(topic_of), Some((Channel::Depth, "BTCUSDT")));
            }
        }
        assert_eq!(topic(Channel::Quote, "orderbook.1", "BTCUSDT", 500), "orderbook.1.BTCUSDT");
    }

    #[test]
    fn topics_are_told_apart_by_the_configured_names() {
        let topics = Topics::new(&ChannelNames(["best", "deals", "ob", "day"].map(str::to_owned)));
        for (topic, expected) in [
            ("best.BTCUSDT", Some((Channel::Quote, "BTCUSDT"))),
            ("deals.BTCUSDT-26DEC26", Some((Channel::Trade, "BTCUSDT-26DEC26"))),
            ("ob.50.BTCPERP", Some((Channel::Depth, "BTCPERP"))),
            ("day.BTCUSDT", Some((Channel::Volume, "BTCUSDT"))),
            ("ob.BTCUSDT", None),
            ("ob.x.BTCUSDT", None),
            ("orderbook.50.BTCUSDT", None),
            ("best", None),
            ("", None),
        ] {
            assert_eq!(topics.read(topic), expected, "{topic}");
        }
    }
}
