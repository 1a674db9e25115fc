//! Which server takes which keys.
//!
//! Owns the map from a Cluster's slots to its nodes, and the reading of `CLUSTER SLOTS`. Never connects and never decides
//! whom to believe: [`discovery`](super::discovery) does. Knows at most [`NODES_MAX`] nodes.

use std::collections::BTreeSet;
use std::fmt;

use redis::Value;

use crate::codec::key::CLUSTER_SLOTS;

use super::answer::{self, text};
use super::{Endpoint, PublishError};

/// Nodes of a Cluster that are taken in, replicas included: as many as Redis recommends at most.
pub const NODES_MAX: usize = 1_000;
/// Ranges of slots that are taken in: every slot its own.
const RANGES_MAX: usize = CLUSTER_SLOTS as usize;
/// In the map: no node serves the slot.
const NOBODY: u16 = u16::MAX;
const _: () = assert!(NODES_MAX < NOBODY as usize);
/// What errors call the question.
const COMMAND: &str = "CLUSTER SLOTS";

/// Which server takes which keys, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Grows with every change; 0 = nothing was found yet.
    pub generation: u64,
    /// The servers that take writes, each once. Empty while none is known.
    pub nodes: Vec<Endpoint>,
    /// Which of them serves which slot.
    pub slots: SlotMap,
}

impl Topology {
    /// Nothing was found yet.
    #[must_use]
    pub fn unknown() -> Self {
        Self { generation: 0, nodes: Vec::new(), slots: SlotMap::nobody() }
    }

    /// One server for everything.
    #[must_use]
    pub fn single(generation: u64, node: Endpoint) -> Self {
        Self { generation, nodes: vec![node], slots: SlotMap::all(0) }
    }

    /// The index in [`Self::nodes`] of who serves a slot.
    #[must_use]
    pub fn node_of(&self, slot: u16) -> Option<usize> {
        self.slots.node(slot)
    }
}

/// For each slot of a Cluster, the index of the node that serves it.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotMap(Box<[u16]>);

impl SlotMap {
    /// No slot is served.
    #[must_use]
    pub fn nobody() -> Self {
        Self::all(NOBODY)
    }

    fn all(node: u16) -> Self {
        Self(vec![node; usize::from(CLUSTER_SLOTS)].into_boxed_slice())
    }

    /// Who serves `slot`; `None` when nobody does, or when there is no such slot.
    #[must_use]
    pub fn node(&self, slot: u16) -> Option<usize> {
        self.0.get(usize::from(slot)).filter(|&&node| node != NOBODY).map(|&node| usize::from(node))
    }

    /// Slots that a node serves, of [`CLUSTER_SLOTS`].
    #[must_use]
    pub fn served(&self) -> usize {
        self.0.iter().filter(|&&node| node != NOBODY).count()
    }

    /// Whether every slot is served.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.served() == usize::from(CLUSTER_SLOTS)
    }
}

impl fmt::Debug for SlotMap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SlotMap").field("served", &self.served()).finish_non_exhaustive()
    }
}

/// An answer to `CLUSTER SLOTS`. Two answers are equal when they mean the same, in whatever order they say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSlots {
    /// The nodes that serve slots, sorted.
    pub primaries: Vec<Endpoint>,
    /// Whoever else can be asked, sorted.
    pub replicas: Vec<Endpoint>,
    /// Indexes into `primaries`.
    pub slots: SlotMap,
}

/// One range of slots with its nodes, the primary first.
struct Range {
    first: usize,
    last: usize,
    primary: Option<Endpoint>,
    replicas: Vec<Endpoint>,
}

/// Reads the answer that `asked` gave to `CLUSTER SLOTS`. Nodes are reached as `asked` is, TLS or not. An empty or missing
/// host stands for the one that was asked; where the preferred name is unknown (`?`) the node's IP is taken if it is told. A node
/// knows the IPs of all others, so that one without is itself: it is reached where it was asked (redis/redis-doc#2420).
/// <https://redis.io/docs/latest/commands/cluster-slots/>
///
/// # Errors
/// [`PublishError::Answer`] for another shape, slots out of range, or more than [`NODES_MAX`] nodes.
pub fn parse_cluster_slots(reply: &Value, asked: &Endpoint) -> Result<ClusterSlots, PublishError> {
    let ranges = items(reply)?;
    if ranges.len() > RANGES_MAX {
        return Err(unexpected("more ranges than slots"));
    }
    let (mut read, mut primaries, mut replicas) =
        (Vec::with_capacity(ranges.len()), BTreeSet::new(), BTreeSet::new());
    for range in ranges {
        let range = parse_range(range, asked)?;
        primaries.extend(range.primary.clone());
        replicas.extend(range.replicas.iter().cloned());
        if primaries.len() + replicas.len() > NODES_MAX {
            return Err(unexpected("too many nodes"));
        }
        read.push(range);
    }
    let primaries: Vec<Endpoint> = primaries.into_iter().collect();
    let replicas = replicas.into_iter().filter(|node| primaries.binary_search(node).is_err()).collect();
    let mut slots = SlotMap::nobody();
    for range in &read {
        let Some(primary) = &range.primary else { continue };
        let index = primaries
            .binary_search(primary)
            .map_or(NOBODY, |index| u16::try_from(index).expect("there are at most NODES_MAX nodes"));
        slots.0[range.first..=range.last].fill(index);
    }
    Ok(ClusterSlots { primaries, replicas, slots })
}

fn parse_range(range: &Value, asked: &Endpoint) -> Result<Range, PublishError> {
    let [first, last, primary, replicas @ ..] = items(range)? else {
        return Err(unexpected("a range without slots or nodes"));
    };
    let (first, last) = (slot(first)?, slot(last)?);
    if first > last {
        return Err(unexpected("a range that ends before it begins"));
    }
    let primary = parse_node(primary, asked)?;
    let mut found = Vec::with_capacity(replicas.len());
    for replica in replicas {
        found.extend(parse_node(replica, asked)?);
    }
    Ok(Range { first, last, primary, replicas: found })
}

/// `None` for a node whose address is unknown.
fn parse_node(node: &Value, asked: &Endpoint) -> Result<Option<Endpoint>, PublishError> {
    let [host, port, rest @ ..] = items(node)? else {
        return Err(unexpected("a node without host and port"));
    };
    let host = match host {
        Value::Nil => "",
        other => text(other).ok_or(unexpected("a host that is no text"))?,
    };
    let Value::Int(port) = port else { return Err(unexpected("a port that is no number")) };
    let port = u16::try_from(*port).map_err(|_| unexpected("a port out of range"))?;
    let host = match host {
        "" => asked.host(),
        "?" => rest.get(1).and_then(told_ip).or_else(|| asked.host()),
        known => Some(known),
    };
    // Port 0 is how a node is listed that has none of the kind that was asked for (TLS or not).
    Ok(host.filter(|_| port != 0).and_then(|host| asked.sibling(host, port)))
}

/// The `ip` among a node's metadata.
fn told_ip(metadata: &Value) -> Option<&str> {
    answer::field(metadata, "ip").and_then(text).filter(|ip| !matches!(*ip, "" | "?"))
}

fn items(value: &Value) -> Result<&[Value], PublishError> {
    answer::items(value).ok_or(unexpected("no list"))
}

fn slot(value: &Value) -> Result<usize, PublishError> {
    let Value::Int(number) = value else { return Err(unexpected("a slot that is no number")) };
    let slot = usize::try_from(*number).ok().filter(|&slot| slot < usize::from(CLUSTER_SLOTS));
    slot.ok_or(unexpected("a slot out of range"))
}

const fn unexpected(problem: &'static str) -> PublishError {
    PublishError::Answer { command: COMMAND, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn node(host: Value, port: i64) -> Value {
        Value::Array(vec![host, Value::Int(port), bulk("id"), Value::Array(vec![])])
    }

    fn range(first: i64, last: i64, nodes: Vec<Value>) -> Value {
        Value::Array([vec![Value::Int(first), Value::Int(last)], nodes].concat())
    }

    fn tcp(host: &str, port: u16) -> Endpoint {
        Endpoint::Tcp { host: host.to_owned(), port }
    }

    fn parse(ranges: Vec<Value>) -> Result<ClusterSlots, PublishError> {
        parse_cluster_slots(&Value::Array(ranges), &tcp("asked", 7))
    }

    #[test]
    fn each_slot_has_its_primary_and_the_rest_nobody() {
        let found = parse(vec![
            range(8_192, 16_382, vec![node(bulk("b"), 2), node(bulk("::1"), 9)]),
            range(0, 8_191, vec![node(bulk("a"), 1)]),
        ])
        .unwrap();
        assert_eq!(found.primaries, [tcp("a", 1), tcp("b", 2)]);
        assert_eq!(found.replicas, [tcp("::1", 9)]);
        let nodes = [0, 8_191, 8_192, 16_382, 16_383, 16_384].map(|slot| found.slots.node(slot));
        assert_eq!(nodes, [Some(0), Some(0), Some(1), Some(1), None, None]);
        assert_eq!((found.slots.served(), found.slots.is_complete()), (16_383, false));
    }

    #[test]
    fn the_order_of_an_answer_means_nothing() {
        let ranges = [
            range(0, 5, vec![node(bulk("b"), 2), node(bulk("c"), 3)]),
            range(6, 9, vec![node(bulk("a"), 1)]),
        ];
        let forwards = parse(ranges.to_vec()).unwrap();
        assert_eq!(forwards, parse(ranges.into_iter().rev().collect()).unwrap());
    }

    #[test]
    fn a_node_without_an_address_is_where_was_asked_and_one_without_a_port_is_left_out() {
        let with_ip = |metadata| Value::Array(vec![bulk("?"), Value::Int(4), bulk("id"), metadata]);
        let found = parse(vec![
            range(0, 0, vec![node(bulk(""), 1)]),
            range(1, 1, vec![node(Value::Nil, 2)]),
            range(2, 2, vec![node(bulk("?"), 3)]),
            range(3, 3, vec![with_ip(Value::Map(vec![(bulk("ip"), bulk("10.0.0.4"))]))]),
            range(4, 4, vec![with_ip(Value::Array(vec![bulk("ip"), bulk("10.0.0.5")]))]),
            range(5, 5, vec![node(bulk("plain-only"), 0)]),
        ])
        .unwrap();
        let node = |slot| found.slots.node(slot).map(|node| found.primaries[node].to_string());
        assert_eq!(node(0).as_deref(), Some("redis://asked:1"));
        assert_eq!(node(1).as_deref(), Some("redis://asked:2"));
        assert_eq!((node(2).as_deref(), node(5)), (Some("redis://asked:3"), None));
        assert_eq!(node(3).as_deref(), Some("redis://10.0.0.4:4"));
        assert_eq!(node(4).as_deref(), Some("redis://10.0.0.5:4"));
    }

    #[test]
    fn nodes_of_a_server_behind_tls_are_reached_with_tls() {
        let asked = Endpoint::Tls { host: "asked".to_owned(), port: 7 };
        let answer = Value::Array(vec![range(0, 0, vec![node(bulk("a"), 1)])]);
        let found = parse_cluster_slots(&answer, &asked).unwrap();
        assert_eq!(found.primaries, [Endpoint::Tls { host: "a".to_owned(), port: 1 }]);
    }

    #[test]
    fn what_is_no_such_answer_is_an_error() {
        let many = |count: i64| (0..count).map(|port| node(bulk("a"), port + 1)).collect();
        for (case, ranges) in [
            ("no ranges", vec![Value::Int(1)]),
            ("no nodes", vec![range(0, 1, vec![])]),
            ("negative slot", vec![range(-1, 1, many(1))]),
            ("slot out of range", vec![range(0, 16_384, many(1))]),
            ("backwards", vec![range(2, 1, many(1))]),
            ("port out of range", vec![range(0, 1, vec![node(bulk("a"), 65_536)])]),
            ("host no text", vec![range(0, 1, vec![node(Value::Int(1), 1)])]),
            ("too many nodes", vec![range(0, 1, many(1_001))]),
            ("too many ranges", vec![range(0, 1, many(1)); 16_385]),
        ] {
            assert!(matches!(parse(ranges), Err(PublishError::Answer { .. })), "{case}");
        }
        assert!(parse_cluster_slots(&Value::Nil, &tcp("asked", 7)).is_err());
        assert_eq!(parse(many(0)).unwrap().primaries, []);
    }

    #[test]
    fn a_single_server_serves_every_slot() {
        let topology = Topology::single(1, tcp("a", 1));
        assert_eq!((topology.node_of(0), topology.node_of(16_383)), (Some(0), Some(0)));
        assert!(topology.slots.is_complete() && Topology::unknown().slots.served() == 0);
    }
}
