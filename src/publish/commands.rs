//! What bots and operators ask the engines to do, over the command channel.
//!
//! Owns the subscription on one server, made anew for ever, and the queue of at most [`COMMANDS_MAX`] commands; one that
//! finds it full is dropped and counted. Never carries a command out. A command that is published while there is no
//! subscription is lost: whoever asks looks for the event that answers.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use metrics::{Counter, counter};
use redis::aio::PubSub;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use crate::clock;
use crate::codec::key::command_channel;
use crate::codec::{Command, decode_command};
use crate::domain::{Backoff, Ladder, Namespace};
use crate::telemetry::names;

use super::session::{Owned, in_time, subscribe};
use super::{Endpoint, Login, PublishError, Topology};
use crate::domain::LogThrottle;

/// Commands that wait to be taken.
pub const COMMANDS_MAX: usize = 64;
/// How long the answer to SUBSCRIBE and PING may take.
const ANSWER_MAX: Duration = Duration::from_millis(500);
/// Between two PINGs on a silent subscription.
const PING_EVERY: Duration = Duration::from_secs(1);
/// Messages that are not taken are logged so often.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// That there is no subscription is logged so often.
const LOG_LOST_EVERY: Duration = Duration::from_secs(60);
/// Between attempts to subscribe.
const LADDER: Ladder = Ladder {
    waits: &[
        Duration::ZERO,
        Duration::from_millis(50),
        Duration::from_millis(200),
        Duration::from_millis(500),
    ],
    good_after: Duration::from_secs(5),
};

/// The commands, as they come.
#[derive(Debug)]
pub struct Commands {
    queue: mpsc::Receiver<Command>,
    _task: Owned,
}

impl Commands {
    /// Subscribes to the namespace's channel on a server of the topology, in a task on `runtime` (the slow one), which
    /// ends when this is dropped. Install the metrics recorder first.
    #[must_use]
    pub fn spawn(
        runtime: &Handle,
        topology: watch::Receiver<Arc<Topology>>,
        login: Login,
        namespace: &Namespace,
    ) -> Self {
        let (sender, queue) = mpsc::channel(COMMANDS_MAX);
        let task = runtime.spawn(keep(topology, login, command_channel(namespace), Inlet::new(sender)));
        Self { queue, _task: Owned::new(task) }
    }

    /// The next command. On any runtime; may be dropped and called again. `None` only once the slow runtime is gone.
    pub async fn next(&mut self) -> Option<Command> {
        self.queue.recv().await
    }
}

/// Subscribes for ever. Every server of a Cluster gets every message, so any one will do; each attempt takes another.
async fn keep(mut topology: watch::Receiver<Arc<Topology>>, login: Login, channel: String, mut inlet: Inlet) {
    let (mut backoff, mut turn, mut lost) = (Backoff::new(LADDER), 0_usize, LogThrottle::default());
    loop {
        if topology.wait_for(|topology| !topology.nodes.is_empty()).await.is_err() {
            return;
        }
        tokio::time::sleep(backoff.next(fastrand::f64())).await;
        let server = {
            let topology = topology.borrow_and_update();
            topology.nodes.get(turn % topology.nodes.len().max(1)).cloned()
        };
        let Some(server) = server else { continue };
        turn = turn.wrapping_add(1);
        let since = clock::mono();
        let error = match subscribe(&login, &server, &channel, ANSWER_MAX).await {
            Ok(mut subscription) => {
                tracing::debug!(%server, "listening for commands");
                lost.settle();
                let error = listen(&mut subscription, &mut topology, &server, &mut inlet).await;
                backoff.connection_lived(clock::mono().since(since));
                error
            }
            Err(error) => error,
        };
        if lost.is_due(clock::mono(), LOG_LOST_EVERY) {
            tracing::warn!(%server, error = &error as &dyn std::error::Error, "not listening for commands");
        }
    }
}

/// Until the subscription fails, or its server is not one of the topology any more.
async fn listen(
    subscription: &mut PubSub,
    topology: &mut watch::Receiver<Arc<Topology>>,
    server: &Endpoint,
    inlet: &mut Inlet,
) -> PublishError {
    loop {
        let next = async { tokio::time::timeout(PING_EVERY, subscription.on_message().next()).await };
        tokio::select! {
            changed = topology.changed() => {
                if changed.is_err() || !topology.borrow_and_update().nodes.contains(server) {
                    return PublishError::Closed;
                }
            }
            message = next => match message {
                Ok(Some(message)) => inlet.take(message.get_payload_bytes()),
                Ok(None) => return PublishError::Closed,
                // What speaks is alive; what is silent must answer.
                Err(_) => match in_time(ANSWER_MAX, subscription.ping::<redis::Value>()).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(_)) => return PublishError::Closed,
                    Err(silent) => return silent,
                },
            }
        }
    }
}

/// From bytes to the queue.
struct Inlet {
    queue: mpsc::Sender<Command>,
    taken: Counter,
    dropped: Counter,
    malformed: Counter,
    malformed_logged: LogThrottle,
    dropped_logged: LogThrottle,
}

impl Inlet {
    fn new(queue: mpsc::Sender<Command>) -> Self {
        let counter = |outcome: &'static str| counter!(names::COMMANDS, "outcome" => outcome);
        Self {
            queue,
            taken: counter("taken"),
            dropped: counter("dropped"),
            malformed: counter("malformed"),
            malformed_logged: LogThrottle::default(),
            dropped_logged: LogThrottle::default(),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let command = match decode_command(bytes) {
            Ok(command) => command,
            Err(error) => {
                self.malformed.increment(1);
                if self.malformed_logged.is_due(clock::mono(), LOG_EVERY) {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(bytes = bytes.len(), error, "malformed command");
                }
                return;
            }
        };
        match self.queue.try_send(command) {
            Ok(()) => self.taken.increment(1),
            Err(TrySendError::Full(command) | TrySendError::Closed(command)) => {
                self.dropped.increment(1);
                if self.dropped_logged.is_due(clock::mono(), LOG_EVERY) {
                    tracing::warn!(instrument = %command.instrument, "command dropped: too many wait");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::codec::{CommandKind, encode_command};

    use super::*;

    fn bytes(who: &str) -> Vec<u8> {
        let command = Command {
            kind: CommandKind::Invalidate,
            instrument: "BTC-USDT".parse().unwrap(),
            venue: None,
            who: who.into(),
            why: "filled".into(),
        };
        let mut bytes = Vec::new();
        encode_command(&command, &mut bytes);
        bytes
    }

    #[test]
    fn what_finds_no_room_or_no_sense_is_dropped() {
        let (sender, mut queue) = mpsc::channel(COMMANDS_MAX);
        let mut inlet = Inlet::new(sender);
        inlet.take(b"invalidate everything");
        for number in 0..=COMMANDS_MAX {
            inlet.take(&bytes(&number.to_string()));
        }
        let taken: Vec<String> =
            std::iter::from_fn(|| queue.try_recv().ok()).map(|command| command.who.to_string()).collect();
        let expected: Vec<String> = (0..COMMANDS_MAX).map(|number| number.to_string()).collect();
        assert_eq!(taken, expected, "the first ones are kept, in their order");
    }
}
