//! Hearing of a failover at once: `+switch-master` on one of the sentinels.
//!
//! Owns that subscription, and moves it to the next sentinel when its own is gone, hangs, or may not be subscribed to. A
//! message is only a hint to ask: it is neither believed nor needed, since [`sentinel`](super::sentinel) asks anyway.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::PubSub;
use tokio::sync::{Notify, watch};

use crate::clock;
use crate::domain::{Backoff, Ladder};

use super::super::session::{in_time, subscribe};
use super::super::{Endpoint, Login, PublishError};
use super::ANSWER_MAX;

/// The channel: `<master> <old ip> <old port> <new ip> <new port>`.
const CHANNEL: &str = "+switch-master";
/// Between two PINGs on a silent subscription.
const PING_EVERY: Duration = Duration::from_secs(1);
/// Between attempts.
const LADDER: Ladder = Ladder {
    waits: &[
        Duration::ZERO,
        Duration::from_millis(100),
        Duration::from_millis(250),
        Duration::from_millis(500),
    ],
    good_after: Duration::from_secs(5),
};

/// Turns switches of `master` into hints, for ever.
pub(super) async fn follow(
    sentinels: watch::Receiver<Vec<Endpoint>>,
    login: Login,
    master: String,
    hints: Arc<Notify>,
) {
    let (mut backoff, mut turn) = (Backoff::new(LADDER), 0_usize);
    loop {
        tokio::time::sleep(backoff.next(fastrand::f64())).await;
        let list = sentinels.borrow().clone();
        let Some(sentinel) = list.get(turn % list.len().max(1)) else { continue };
        turn = turn.wrapping_add(1);
        let since = clock::mono();
        let Ok(mut subscription) = subscribe(&login, sentinel, CHANNEL, ANSWER_MAX).await else { continue };
        // What happened before the subscription was not told.
        hints.notify_one();
        let error = listen(&mut subscription, &master, &hints).await;
        backoff.connection_lived(clock::mono().since(since));
        tracing::debug!(%sentinel, error = &error as &dyn std::error::Error, "subscription to a sentinel lost");
    }
}

async fn listen(subscription: &mut PubSub, master: &str, hints: &Notify) -> PublishError {
    loop {
        let next = tokio::time::timeout(PING_EVERY, subscription.on_message().next()).await;
        match next {
            Ok(Some(message)) => {
                let switched = str::from_utf8(message.get_payload_bytes()).ok();
                if switched.and_then(|text| text.split(' ').next()) == Some(master) {
                    hints.notify_one();
                }
            }
            Ok(None) => return PublishError::Closed,
            Err(_) => match in_time(ANSWER_MAX, subscription.ping::<redis::Value>()).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) => return PublishError::Closed,
                Err(silent) => return silent,
            },
        }
    }
}
