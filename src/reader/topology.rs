//! Which node of a Cluster serves which slot.
//!
//! Owns the reading of CLUSTER SLOTS. Pure: asking is done by `servers`. At most one entry a slot is kept.
//! <https://redis.io/docs/latest/commands/cluster-slots/>

use redis::Value;

use super::options::NodeAddress;
use crate::codec::key::CLUSTER_SLOTS;

/// Ranges of slots and their primaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topology {
    ranges: Vec<(u16, u16, NodeAddress)>,
}

impl Topology {
    /// What `asked` answered. `None` when there is not one range in it.
    pub(super) fn parse(slots: &Value, asked: &NodeAddress) -> Option<Self> {
        let Value::Array(ranges) = slots else { return None };
        let ranges: Vec<_> = ranges
            .iter()
            .take(usize::from(CLUSTER_SLOTS))
            .filter_map(|range| parse_range(range, asked))
            .collect();
        (!ranges.is_empty()).then_some(Self { ranges })
    }

    /// The primary of a slot; `None` for a slot that nobody serves.
    pub(super) fn primary(&self, slot: u16) -> Option<&NodeAddress> {
        self.ranges.iter().find(|(first, last, _)| (*first..=*last).contains(&slot)).map(|(_, _, node)| node)
    }

    /// Every primary.
    pub(super) fn primaries(&self) -> Vec<NodeAddress> {
        let mut nodes: Vec<_> = self.ranges.iter().map(|(_, _, node)| node.clone()).collect();
        nodes.sort();
        nodes.dedup();
        nodes
    }
}

/// `[first, last, [host, port, id, metadata], replicas ...]`. A missing or empty host means the one that was asked. Where the
/// preferred name is unknown (`?`) the IP of the metadata is taken; a node knows those of all others, so that one without is
/// itself (redis/redis-doc#2420). Port 0 is a node that has none of the kind that was asked for.
fn parse_range(range: &Value, asked: &NodeAddress) -> Option<(u16, u16, NodeAddress)> {
    let Value::Array(items) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = &items[..] else { return None };
    let [host, Value::Int(port), rest @ ..] = &primary[..] else { return None };
    let host = match host {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok()?,
        Value::SimpleString(text) => text,
        Value::Nil => "",
        _ => return None,
    };
    let host = match host {
        "" => &asked.host,
        "?" => rest.get(1).and_then(told_ip).unwrap_or(&asked.host),
        known => known,
    };
    let port = u16::try_from(*port).ok().filter(|&port| port != 0)?;
    let node = NodeAddress { host: host.to_owned(), port, tls: asked.tls };
    Some((u16::try_from(*first).ok()?, u16::try_from(*last).ok()?, node))
}

/// The `ip` among a node's metadata: a map, or names and values in turn.
fn told_ip(metadata: &Value) -> Option<&str> {
    fn text(value: &Value) -> Option<&str> {
        match value {
            Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
            Value::SimpleString(text) => Some(text),
            _ => None,
        }
    }
    let ip = match metadata {
        Value::Map(pairs) => pairs.iter().find(|(name, _)| text(name) == Some("ip")).map(|(_, ip)| ip),
        Value::Array(flat) => {
            flat.chunks_exact(2).find(|pair| text(&pair[0]) == Some("ip")).map(|pair| &pair[1])
        }
        _ => None,
    };
    ip.and_then(text).filter(|ip| !matches!(*ip, "" | "?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn range(first: i64, last: i64, host: Value, port: i64) -> Value {
        let node = |host: Value, port| Value::Array(vec![host, Value::Int(port), text("id")]);
        Value::Array(vec![Value::Int(first), Value::Int(last), node(host, port), node(text("replica"), 1)])
    }

    #[test]
    fn a_slot_is_served_by_the_primary_of_its_range() {
        let slots = Value::Array(vec![
            range(0, 5_460, text("10.0.0.1"), 7_000),
            range(5_461, 10_922, Value::Nil, 7_001),
            range(12_000, 16_383, text(""), 7_002),
        ]);
        let asked: NodeAddress = "rediss://seed:7001".parse().unwrap();
        let topology = Topology::parse(&slots, &asked).unwrap();
        let primary = |slot| topology.primary(slot).map(ToString::to_string);
        assert_eq!(primary(0).as_deref(), Some("10.0.0.1:7000"));
        assert_eq!(primary(5_460).as_deref(), Some("10.0.0.1:7000"));
        assert_eq!(primary(5_461).as_deref(), Some("seed:7001"));
        assert_eq!(primary(11_000), None, "nobody serves it");
        assert_eq!(primary(16_383).as_deref(), Some("seed:7002"));
        assert_eq!(topology.primaries().len(), 3);
    }

    #[test]
    fn a_node_without_a_name_is_reached_by_its_ip_or_where_was_asked() {
        let node = |metadata, port| {
            let node = Value::Array(vec![text("?"), Value::Int(port), text("id"), metadata]);
            Value::Array(vec![Value::Int(port), Value::Int(port), node])
        };
        let slots = Value::Array(vec![
            node(Value::Map(vec![(text("ip"), text("10.0.0.4"))]), 1),
            node(Value::Array(vec![text("hostname"), text("x"), text("ip"), text("10.0.0.5")]), 2),
            node(Value::Array(vec![]), 3),
            node(Value::Array(vec![text("ip"), text("")]), 4),
        ]);
        let topology = Topology::parse(&slots, &NodeAddress::new("seed", 9)).unwrap();
        let found = [1, 2, 3, 4].map(|slot| topology.primary(slot).map(ToString::to_string).unwrap());
        assert_eq!(found, ["10.0.0.4:1", "10.0.0.5:2", "seed:3", "seed:4"]);
        let without = Value::Array(vec![range(0, 5, text("h"), 0)]);
        assert_eq!(Topology::parse(&without, &NodeAddress::new("seed", 9)), None, "no port");
    }

    #[test]
    fn what_names_no_slots_is_none() {
        let asked = NodeAddress::new("seed", 1);
        for value in [Value::Nil, Value::Array(vec![]), Value::Array(vec![Value::Int(1)])] {
            assert_eq!(Topology::parse(&value, &asked), None);
        }
        let negative = Value::Array(vec![range(-1, 5, text("h"), 1)]);
        assert_eq!(Topology::parse(&negative, &asked), None);
    }
}
