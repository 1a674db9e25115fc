//! Finding the servers that take writes, and noticing when they change.
//!
//! Owns asking sentinels or Cluster nodes, and the newest [`Topology`]. Never writes a key; never makes anybody wait: all
//! of it lives in a task on the slow runtime, and a server that hangs holds up no other. What was found is kept while it
//! cannot be confirmed: to write to a server that may be gone costs nothing, the fence protects the values.

mod cluster;
mod election;
mod pace;
mod peers;
mod sentinel;
mod switches;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use super::session::Owned;
use super::{Credentials, Endpoint, Login, SlotMap, Topology};

/// How long an answer to a question may take. Connecting before it has limits of its own.
pub const ANSWER_MAX: Duration = Duration::from_millis(300);
/// That nothing can be found is logged so often.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Which form of Redis it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deployment {
    /// One server.
    Single(Endpoint),
    /// A primary that sentinels watch. The primary is reached as the sentinel that names it is, TLS or not.
    Sentinel {
        /// Some of them; the others are learnt.
        sentinels: Vec<Endpoint>,
        /// What they call the primary.
        master: String,
        /// For the sentinels; those for the primary are in the [`Login`].
        credentials: Credentials,
    },
    /// A Redis Cluster.
    Cluster {
        /// Some of its nodes; the others are learnt.
        seeds: Vec<Endpoint>,
    },
}

/// The newest topology, and the task that keeps it so. The task ends with the last clone.
#[derive(Debug, Clone)]
pub struct Discovery {
    topology: watch::Receiver<Arc<Topology>>,
    hints: Arc<Notify>,
    _task: Option<Arc<Owned>>,
}

impl Discovery {
    /// Begins to look, in a task on `runtime` (the slow one). `login` is for the servers that take writes.
    #[must_use]
    pub fn spawn(runtime: &Handle, deployment: Deployment, login: Login) -> Self {
        let first = match &deployment {
            Deployment::Single(endpoint) => Topology::single(1, endpoint.clone()),
            Deployment::Sentinel { .. } | Deployment::Cluster { .. } => Topology::unknown(),
        };
        let (sender, topology) = watch::channel(Arc::new(first));
        let board = Board { topology: sender, hints: Arc::new(Notify::new()) };
        let hints = Arc::clone(&board.hints);
        let task = match deployment {
            Deployment::Single(_) => {
                // Without a sender receivers would wake up to nothing; a topology that never changes needs a waiting one.
                Some(runtime.spawn(async move { board.topology.closed().await }))
            }
            Deployment::Sentinel { sentinels, master, credentials } => {
                Some(runtime.spawn(sentinel::run(board, sentinels, master, credentials, login)))
            }
            Deployment::Cluster { seeds } => Some(runtime.spawn(cluster::run(board, seeds, login))),
        };
        Self { topology, hints, _task: task.map(|task| Arc::new(Owned::new(task))) }
    }

    /// Follows the topology; the receiver's first value is the newest one.
    #[must_use]
    pub fn topology(&self) -> watch::Receiver<Arc<Topology>> {
        self.topology.clone()
    }

    /// Something looks as if the topology had changed: a link went down, MOVED or READONLY was seen. Never waits, may be
    /// called as often as one likes.
    pub fn hint(&self) {
        self.hints.notify_one();
    }
}

/// Where a task shows what it found.
#[derive(Debug)]
struct Board {
    topology: watch::Sender<Arc<Topology>>,
    hints: Arc<Notify>,
}

impl Board {
    /// Shows it if it is another one than before; says so.
    fn publish(&self, nodes: &[Endpoint], slots: &SlotMap) -> bool {
        self.topology.send_if_modified(|topology| {
            if topology.nodes == nodes && topology.slots == *slots {
                return false;
            }
            let generation = topology.generation + 1;
            *topology = Arc::new(Topology { generation, nodes: nodes.to_vec(), slots: slots.clone() });
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_a_password() {
        let credentials =
            Credentials { username: Some("writer".to_owned()), password: Some("hunter2".to_owned()) };
        let login = Login::new(credentials.clone(), 0, None, String::new());
        let deployment =
            Deployment::Sentinel { sentinels: vec![], master: "mymaster".to_owned(), credentials };
        let text = format!("{login:?} {deployment:?}");
        assert!(text.contains("writer") && !text.contains("hunter2"), "{text}");
    }
}
