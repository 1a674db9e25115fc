//! Which events are made, and from what size of change on.

use super::EventKind;

/// When an event is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPolicy {
    /// The kinds that are made at all.
    pub kinds: EventKinds,
    /// A price that is farther than this from its reference has moved; in thousandths of a percent.
    pub price_move_percent_thousandths: u32,
    /// Which price is watched.
    pub price: MovePrice,
    /// A side whose size is farther than this from what it was at the last event has changed; in percent.
    pub liquidity_change_percent: u32,
    /// Events of one kind and instrument that are told in a second; further ones are dropped. Zero = none.
    pub per_second_max: u32,
}

/// All kinds but single trades; moves of 1 %, changes of 25 %.
impl Default for EventPolicy {
    fn default() -> Self {
        Self {
            kinds: EventKind::ALL.into_iter().filter(|&kind| kind != EventKind::Trade).collect(),
            price_move_percent_thousandths: 1_000,
            price: MovePrice::Mid,
            liquidity_change_percent: 25,
            per_second_max: 10,
        }
    }
}

/// Which price of an instrument is watched for moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MovePrice {
    /// Half of bid + ask.
    Mid,
    /// That of the last trade.
    Last,
}

/// A set of kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EventKinds(u8);

impl EventKinds {
    /// Whether `kind` is one of them.
    #[must_use]
    #[inline]
    pub const fn contains(self, kind: EventKind) -> bool {
        self.0 & (1 << kind.code()) != 0
    }
}

impl FromIterator<EventKind> for EventKinds {
    fn from_iter<I: IntoIterator<Item = EventKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |set, kind| set | 1 << kind.code()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_every_kind_but_single_trades_is_made() {
        for kind in EventKind::ALL {
            let made = EventPolicy::default().kinds.contains(kind);
            assert_eq!(made, kind != EventKind::Trade, "{}", kind.as_str());
            assert!(!EventKinds::default().contains(kind));
            assert!(EventKinds::from_iter([kind]).contains(kind));
        }
    }
}
