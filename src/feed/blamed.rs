//! Which streams may be why the venue ended a connection.
//!
//! Owns, from one connection of a session to the next, how often each stream had been asked for just then when the venue ended it. Some
//! venues answer a name that they do not know by ending the connection, which costs all others with it. Never asks for anything: it says in
//! which order a new connection may ask. Holds at most one entry a stream.

use std::collections::BTreeMap;

/// Ends in a row with this stream alone unsettled, beside others that stood, after which it is set aside.
const STRIKES_MAX: u32 = 2;

#[derive(Debug, Clone, Copy, Default)]
struct Blame {
    /// Ends at which it was among the unsettled.
    ends: u32,
    /// Ends at which it was the only one.
    strikes: u32,
}

/// In which order a connection asks for streams.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// At once.
    pub(super) first: Vec<usize>,
    /// Group by group, each once the one before has settled.
    pub(super) then: Vec<Vec<usize>>,
    /// Not now; with how often each was set aside before.
    pub(super) aside: Vec<(usize, u32)>,
}

#[derive(Debug, Default)]
pub(super) struct Blamed(BTreeMap<usize, Blame>);

impl Blamed {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The venue ended a connection on which these streams stood, and these had been asked for just then.
    pub(super) fn ended(&mut self, settled: &[usize], unsettled: &[usize]) {
        for stream in settled {
            self.0.remove(stream);
        }
        let is_alone = unsettled.len() == 1 && !settled.is_empty();
        for &stream in unsettled {
            let blame = self.0.entry(stream).or_default();
            blame.ends = blame.ends.saturating_add(1);
            blame.strikes = if is_alone { blame.strikes.saturating_add(1) } else { 0 };
        }
    }

    /// The order for these streams: those that nothing is said against, then the others, the least blamed ones first, in halves.
    pub(super) fn order(&self, streams: &[usize]) -> Order {
        let mut order = Order::default();
        let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for &stream in streams {
            match self.0.get(&stream) {
                None => order.first.push(stream),
                Some(Blame { strikes, .. }) if *strikes >= STRIKES_MAX => {
                    order.aside.push((stream, strikes - STRIKES_MAX));
                }
                Some(Blame { ends, .. }) => groups.entry(*ends).or_default().push(stream),
            }
        }
        for group in groups.into_values() {
            order.then.extend(group.chunks(group.len().div_ceil(2)).map(<[usize]>::to_vec));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connects until all but `bad` are answered on one connection: the connections it took, and the order of the last one.
    fn found(bad: usize, count: usize) -> (u32, Order) {
        let streams: Vec<usize> = (0..count).collect();
        let mut blamed = Blamed::default();
        for connection in 1..100 {
            let order = blamed.order(&streams);
            let (mut answered, mut unanswered) = (Vec::new(), Vec::new());
            for group in std::iter::once(&order.first).chain(&order.then) {
                if group.contains(&bad) {
                    unanswered.clone_from(group);
                    break;
                }
                answered.extend(group);
            }
            if unanswered.is_empty() {
                assert_eq!(answered.len(), count - 1);
                return (connection, order);
            }
            blamed.ended(&answered, &unanswered);
        }
        panic!("never found");
    }

    #[test]
    fn a_name_that_ends_connections_is_found_by_halves_and_set_aside() {
        for (bad, count, connections_max) in [(0, 2, 5), (1, 2, 5), (137, 200, 12)] {
            let (connections, order) = found(bad, count);
            assert!(connections <= connections_max, "{bad} of {count}: {connections}");
            assert_eq!(order.aside, [(bad, 0)]);
        }
    }

    #[test]
    fn an_outage_sets_nothing_aside_and_what_is_answered_is_cleared() {
        let mut blamed = Blamed::default();
        for _ in 0..50 {
            blamed.ended(&[], &[0]);
        }
        assert_eq!(
            blamed.order(&[0]),
            Order { then: vec![vec![0]], ..Order::default() },
            "nobody was answered"
        );
        blamed.ended(&[0], &[]);
        assert!(blamed.is_empty());
    }
}
