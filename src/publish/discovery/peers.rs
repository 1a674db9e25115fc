//! Asking many servers at once.
//!
//! Owns the questions under way, at most one a server, and the connections kept between them, at most [`SESSIONS_MAX`].
//! Never waits for one server while another one has answered. A server that could not be reached is left alone for
//! [`UNREACHABLE_PAUSE`], so that a name that cannot be resolved does not tie up a thread for each question.

use std::collections::HashMap;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::clock;
use crate::domain::MonoTime;

use super::super::session::Session;
use super::super::{Endpoint, Login, PublishError};

/// Connections that are kept; others are made for one question.
const SESSIONS_MAX: usize = 64;
/// How long a server that could not be reached is left alone.
const UNREACHABLE_PAUSE: Duration = Duration::from_millis(200);

/// What came back from a question.
#[derive(Debug)]
pub(super) struct Answer<T> {
    pub(super) from: Endpoint,
    pub(super) said: Result<T, PublishError>,
}

/// A question under way. Ends with the connection, if there still is one.
type Asking<T> = Pin<Box<dyn Future<Output = (Option<Arc<Session>>, Answer<T>)> + Send>>;

/// What is known of a server between questions.
enum Peer {
    /// Being asked.
    Busy,
    /// Its connection.
    Idle(Arc<Session>),
    /// Not to be asked before.
    Unreachable(MonoTime),
}

/// Servers that are asked the same.
pub(super) struct Peers<T> {
    login: Login,
    peers: HashMap<Endpoint, Peer>,
    asking: FuturesUnordered<Asking<T>>,
}

impl<T: Send + 'static> Peers<T> {
    pub(super) fn new(login: Login) -> Self {
        Self { login, peers: HashMap::new(), asking: FuturesUnordered::new() }
    }

    /// Asks, unless that server is being asked already or could not be reached a moment ago. Says whether it does.
    pub(super) fn ask<Q>(
        &mut self,
        endpoint: &Endpoint,
        question: impl FnOnce(Arc<Session>, Endpoint) -> Q + Send + 'static,
    ) -> bool
    where
        Q: Future<Output = Result<T, PublishError>> + Send + 'static,
    {
        let kept = match self.peers.get(endpoint) {
            Some(Peer::Busy) => return false,
            Some(Peer::Unreachable(until)) if clock::mono() < *until => return false,
            Some(Peer::Idle(session)) if session.is_open() => Some(Arc::clone(session)),
            Some(Peer::Idle(_) | Peer::Unreachable(_)) | None => None,
        };
        self.peers.insert(endpoint.clone(), Peer::Busy);
        let (login, from) = (self.login.clone(), endpoint.clone());
        self.asking.push(Box::pin(async move {
            let session = match kept {
                Some(session) => session,
                None => match Session::open(&login, &from).await {
                    Ok(session) => Arc::new(session),
                    Err(error) => return (None, Answer { from, said: Err(error) }),
                },
            };
            let said = question(Arc::clone(&session), from.clone()).await;
            (Some(session), Answer { from, said })
        }));
        true
    }

    /// The next answer; never, while nobody is asked. May be dropped and called again.
    pub(super) async fn next(&mut self) -> Answer<T> {
        let Some((session, answer)) = self.asking.next().await else { return pending().await };
        self.peers.remove(&answer.from);
        match session {
            None => {
                // Those that are never asked again are not remembered for ever.
                let now = clock::mono();
                self.peers.retain(|_, peer| !matches!(peer, Peer::Unreachable(until) if *until <= now));
                let until = now.after(UNREACHABLE_PAUSE);
                self.peers.insert(answer.from.clone(), Peer::Unreachable(until));
            }
            Some(session) if session.is_open() && self.peers.len() < SESSIONS_MAX => {
                self.peers.insert(answer.from.clone(), Peer::Idle(session));
            }
            Some(_) => {}
        }
        answer
    }

    /// Drops the connections to all others.
    pub(super) fn keep_only(&mut self, wanted: impl Fn(&Endpoint) -> bool) {
        self.peers.retain(|endpoint, peer| !matches!(peer, Peer::Idle(_)) || wanted(endpoint));
    }
}
