//! Asking the engines for something, and hearing whether one did it.
//!
//! Owns the sending of commands and the listening for the events that confirm them. Writes no key: a command is a message,
//! and Redis' ACL decides who may send it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::push::{Keep, Subscription};
use super::{ReadError, Reader};
use crate::clock;
use crate::codec::{Command, EventMessage, decode_event, encode_command, key};
use crate::domain::Instrument;

/// Listens to the events of one instrument; made by [`Reader::events`].
#[derive(Debug)]
pub struct Events {
    reader: Reader,
    subscription: Subscription,
    waiting: std::collections::VecDeque<EventMessage>,
}

impl Reader {
    /// Listens to an instrument's events, and waits until the subscription stands, at most for `patience`. `None` when it
    /// does not come about: the deployment publishes nothing, or this user may not listen.
    pub async fn events(&self, instrument: &Instrument, patience: Duration) -> Option<Events> {
        let channel = Arc::<str>::from(key::event_channel(self.namespace(), instrument));
        let mut subscription = self.subscription();
        subscription.set(&HashMap::from([(channel, Keep::Event)]));
        let mut events =
            Events { reader: self.clone(), subscription, waiting: std::collections::VecDeque::new() };
        let standing = async {
            loop {
                events.subscription.arrived().await;
                if events.take() {
                    return;
                }
            }
        };
        tokio::time::timeout(patience, standing).await.ok()?;
        Some(events)
    }

    /// Tells every engine, and returns how many connections got it; on a Cluster only those of one node are counted.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::Refused`] for a user that may not command.
    pub async fn command(&self, command: &Command) -> Result<u64, ReadError> {
        let mut message = Vec::new();
        encode_command(command, &mut message);
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(key::command_channel(self.namespace())).arg(message);
        self.link().send("PUBLISH", &publish).await
    }
}

impl Events {
    /// The next event, or `None` when none comes for so long.
    pub async fn next(&mut self, patience: Duration) -> Option<EventMessage> {
        let until = clock::mono().after(patience);
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            let left = until.since(clock::mono());
            tokio::time::timeout(left, self.subscription.arrived()).await.ok()?;
            self.take();
        }
    }

    /// Returns whether the subscription has come about since the last time.
    fn take(&mut self) -> bool {
        let delivery = self.subscription.take();
        for message in delivery.events {
            match decode_event(&message) {
                Ok(event) => self.waiting.push_back(event),
                Err(error) => self.reader.note_unreadable_message(&error),
            }
        }
        !delivery.risen.is_empty()
    }
}
