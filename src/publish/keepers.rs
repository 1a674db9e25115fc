//! One task a server, as the topology comes and goes.
//!
//! Owns which endpoint is which node, and the tasks that keep the connections. Never finds a topology out. A node keeps its
//! number as long as its endpoint is known; numbers of endpoints that are gone are given anew.

use tokio::task::JoinHandle;

use crate::clock;

use super::{Endpoint, NodeIndex, Spread, Topology, Writer};

/// The connection of a server that is no longer part of the topology.
const GONE: &str = "topology";

#[derive(Debug)]
struct Keeper {
    endpoint: Endpoint,
    task: JoinHandle<()>,
}

/// The tasks that keep the connections.
#[derive(Debug)]
pub(super) struct Keepers {
    writer: Writer,
    spread: Spread,
    keepers: Vec<Option<Keeper>>,
}

impl Keepers {
    /// None yet.
    pub(super) fn new(writer: Writer, spread: Spread) -> Self {
        Self { writer, spread, keepers: Vec::new() }
    }

    /// Connects to new servers, leaves those that are gone, and sends the keys where they live now.
    pub(super) fn follow(&mut self, topology: &Topology) {
        for index in 0..self.keepers.len() {
            let is_gone =
                self.keepers[index].as_ref().is_some_and(|keeper| !topology.nodes.contains(&keeper.endpoint));
            if is_gone {
                self.stop(index);
            }
        }
        match self.spread {
            Spread::One => {
                if let Some(endpoint) = topology.nodes.first() {
                    self.start(0, endpoint);
                }
            }
            Spread::Cluster => {
                let nodes: Vec<NodeIndex> =
                    topology.nodes.iter().map(|endpoint| self.node_for(endpoint)).collect();
                let node_of = |slot| nodes.get(topology.node_of(slot)?).copied();
                let mut link = self.writer.link().borrow_mut();
                link.pipeline.set_routes(|slot| node_of(slot).unwrap_or(NodeIndex(0)));
            }
        }
        let endpoints = self.keepers.iter().map(|keeper| Some(keeper.as_ref()?.endpoint.clone())).collect();
        self.writer.link().borrow_mut().set_endpoints(endpoints);
    }

    /// The number of an endpoint on a Cluster, where 0 is nowhere; from now on there is a connection to it.
    fn node_for(&mut self, endpoint: &Endpoint) -> NodeIndex {
        let known =
            |keeper: &Option<Keeper>| keeper.as_ref().is_some_and(|keeper| keeper.endpoint == *endpoint);
        let place = self.keepers.iter().position(known);
        let place = place.or_else(|| (1..self.keepers.len()).find(|&index| self.keepers[index].is_none()));
        let place = place.unwrap_or_else(|| self.keepers.len().max(1));
        self.start(place, endpoint);
        NodeIndex(u16::try_from(place).unwrap_or(0))
    }

    fn start(&mut self, index: usize, endpoint: &Endpoint) {
        if self.keepers.len() <= index {
            self.keepers.resize_with(index + 1, || None);
        }
        if self.keepers[index].is_some() {
            return;
        }
        let node = NodeIndex(u16::try_from(index).unwrap_or(0));
        self.writer.link().borrow_mut().pipeline.need_node(node);
        let task = tokio::task::spawn_local(self.writer.clone().keep_node(node, endpoint.clone()));
        self.keepers[index] = Some(Keeper { endpoint: endpoint.clone(), task });
    }

    fn stop(&mut self, index: usize) {
        if let Some(keeper) = self.keepers[index].take() {
            tracing::info!(endpoint = %keeper.endpoint, "redis server is no longer part of the topology");
            keeper.task.abort();
            let node = NodeIndex(u16::try_from(index).unwrap_or(0));
            self.writer.link().borrow_mut().down(node, GONE, clock::mono());
        }
    }
}

impl Drop for Keepers {
    fn drop(&mut self) {
        for (keeper, index) in self.keepers.iter().zip(0_u16..) {
            if let Some(keeper) = keeper {
                keeper.task.abort();
                self.writer.link().borrow_mut().down(NodeIndex(index), "shutdown", clock::mono());
            }
        }
    }
}
