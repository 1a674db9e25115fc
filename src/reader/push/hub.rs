//! Which subscription connections there are: one a server, one a Cluster node that has a channel of ours.
//!
//! Owns their task, the reading of `meta`'s transport, the Cluster's topology, and the waits between attempts (at once,
//! then 20 to 200 ms; 5 s where Redis refuses). The task begins with the first channel and ends with the reader. A follower
//! whose channels are not subscribed polls: nothing here is needed for a right answer, only for a quick one.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinSet};
use tracing::{debug, warn};

use super::book::{Book, SessionNumber};
use super::mailbox::{Delivery, Keep, Left, Mailbox};
use super::session::{Session, Target, Transport, Wanted};
use crate::clock;
use crate::codec::key::{cluster_slot, meta_key};
use crate::domain::{Backoff, Ladder, MonoTime, Namespace};
use crate::reader::link::Link;
use crate::reader::options::{Mode, Push};
use crate::reader::{ReadError, Recovery};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const LADDER: Ladder = Ladder { waits: &[ms(0), ms(20), ms(50), ms(100), ms(200)], good_after: ms(1_000) };
/// Before another attempt where Redis has refused: somebody has to change something first.
const REFUSED_WAIT: Duration = ms(5_000);
/// Before another look whether `meta` names a transport.
const META_WAIT: Duration = ms(2_000);
/// Between two plans that followers ask for because nothing is pushed to them.
const DOUBT_INTERVAL: Duration = ms(2_000);

#[derive(Debug)]
struct Shared {
    link: Arc<Link>,
    namespace: Namespace,
    book: Arc<Book>,
    changed: Notify,
    doubted: AtomicBool,
    next_id: AtomicU64,
}

/// The subscriptions of one reader and its clones.
#[derive(Debug)]
pub(in crate::reader) struct Hub {
    shared: Arc<Shared>,
    task: Mutex<Option<AbortHandle>>,
}

impl Hub {
    pub(in crate::reader) fn new(link: Arc<Link>, namespace: Namespace) -> Self {
        let shared = Shared {
            link,
            namespace,
            book: Arc::default(),
            changed: Notify::new(),
            doubted: AtomicBool::new(false),
            next_id: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared), task: Mutex::default() }
    }

    /// Room for one follower's channels.
    pub(in crate::reader) fn subscription(self: &Arc<Self>) -> Subscription {
        Subscription {
            id: self.shared.next_id.fetch_add(1, Ordering::Relaxed),
            hub: Arc::clone(self),
            mailbox: Arc::default(),
            channels: BTreeSet::new(),
        }
    }

    fn changed(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have ended with the runtime that it ran on.
        let idle = task.as_ref().is_none_or(AbortHandle::is_finished);
        if idle && self.shared.link.options().push == Push::On {
            *task = Some(tokio::spawn(Manager::new(Arc::clone(&self.shared)).run()).abort_handle());
        }
        self.shared.changed.notify_one();
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

/// One follower's channels. Dropping it leaves them all.
#[derive(Debug)]
pub(in crate::reader) struct Subscription {
    id: u64,
    hub: Arc<Hub>,
    mailbox: Arc<Mailbox>,
    channels: BTreeSet<Arc<str>>,
}

impl Subscription {
    /// Follows exactly these channels from now on.
    pub(in crate::reader) fn set(&mut self, wanted: &HashMap<Arc<str>, Keep>) {
        let book = &self.hub.shared.book;
        let mut changed = false;
        self.channels.retain(|channel| {
            let kept = wanted.contains_key(channel);
            if !kept {
                book.leave(self.id, channel);
                changed = true;
            }
            kept
        });
        for (channel, keep) in wanted {
            if !self.channels.contains(channel) && book.follow(self.id, channel, *keep, &self.mailbox) {
                self.channels.insert(Arc::clone(channel));
                changed = true;
            }
        }
        if changed {
            self.hub.changed();
        }
    }

    pub(in crate::reader) fn take(&self) -> Delivery {
        self.mailbox.take()
    }

    pub(in crate::reader) fn left(&self) -> Left {
        self.mailbox.left()
    }

    /// Waits until something has arrived. Cancel safe.
    pub(in crate::reader) async fn arrived(&self) {
        self.mailbox.arrived().await;
    }

    /// Says that a channel which is subscribed does not bring what it should: the Cluster is looked at anew.
    pub(in crate::reader) fn doubt(&self) {
        self.hub.shared.doubted.store(true, Ordering::Relaxed);
        self.hub.shared.changed.notify_one();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        for channel in &self.channels {
            self.hub.shared.book.leave(self.id, channel);
        }
        self.hub.shared.changed.notify_one();
    }
}

/// What a connection is told, and since when it has been there.
struct Running {
    wanted: watch::Sender<Wanted>,
    since: MonoTime,
}

type Plan = HashMap<Target, BTreeSet<Arc<str>>>;

/// The hub's task.
struct Manager {
    shared: Arc<Shared>,
    transport: Option<Transport>,
    sessions: HashMap<Target, Running>,
    tasks: JoinSet<(Target, ReadError)>,
    backoff: Backoff,
    failures: u64,
    numbers: u64,
    doubt_due: MonoTime,
}

impl Manager {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            transport: None,
            sessions: HashMap::new(),
            tasks: JoinSet::new(),
            backoff: Backoff::new(LADDER),
            failures: 0,
            numbers: 0,
            doubt_due: MonoTime::default(),
        }
    }

    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        loop {
            let again = match self.plan().await {
                Ok(Some(plan)) => {
                    self.follow(plan);
                    self.doubt_wait()
                }
                Ok(None) => Some(META_WAIT),
                Err(error) => Some(self.wait_after(&error)),
            };
            tokio::select! {
                () = shared.changed.notified() => {}
                Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if let Ok((target, error)) = ended {
                        self.on_end(&target, &error).await;
                    }
                }
                () = sleep(again) => {}
            }
            self.look_at_doubts().await;
        }
    }

    /// Which connection should have which channels; `None` while nobody publishes.
    async fn plan(&mut self) -> Result<Option<Plan>, ReadError> {
        let wanted = self.shared.book.wanted();
        if wanted.is_empty() {
            return Ok(Some(Plan::new()));
        }
        let transport = match self.transport {
            Some(transport) => transport,
            None => match self.read_transport().await? {
                Some(transport) => *self.transport.insert(transport),
                None => return Ok(None),
            },
        };
        if !matches!(self.shared.link.options().mode, Mode::Cluster { .. }) {
            return Ok(Some(Plan::from([(Target::Primary, wanted)])));
        }
        let topology = self.shared.link.topology().await?;
        let any = topology.primaries().into_iter().next();
        let mut plan = Plan::new();
        for channel in wanted {
            let node = match transport {
                Transport::Publish => any.as_ref(),
                Transport::ShardPublish => topology.primary(cluster_slot(&channel)),
            };
            // A slot that nobody serves is polled until somebody does.
            if let Some(node) = node {
                plan.entry(Target::Node(node.clone())).or_default().insert(channel);
            }
        }
        Ok(Some(plan))
    }

    async fn read_transport(&self) -> Result<Option<Transport>, ReadError> {
        let mut command = redis::cmd("HGET");
        command.arg(meta_key(&self.shared.namespace)).arg("transport");
        let word: Option<String> = self.shared.link.query("HGET", &command).await?;
        Ok(match word.as_deref() {
            Some("publish") => Some(Transport::Publish),
            Some("spublish") => Some(Transport::ShardPublish),
            _ => None,
        })
    }

    /// Connections that are no longer needed end by the drop of their sender.
    fn follow(&mut self, plan: Plan) {
        self.sessions.retain(|target, _| plan.contains_key(target));
        let Some(transport) = self.transport else { return };
        for (target, channels) in plan {
            let wanted: Wanted = Arc::new(channels);
            if let Some(running) = self.sessions.get(&target) {
                running.wanted.send_if_modified(|current| {
                    let changed = **current != *wanted;
                    current.clone_from(&wanted);
                    changed
                });
                continue;
            }
            let (sender, receiver) = watch::channel(wanted);
            self.numbers += 1;
            let session = Session {
                number: SessionNumber(self.numbers),
                link: Arc::clone(&self.shared.link),
                book: Arc::clone(&self.shared.book),
                target: target.clone(),
                transport,
                wanted: receiver,
            };
            self.sessions.insert(target.clone(), Running { wanted: sender, since: clock::mono() });
            self.tasks.spawn(async move { (target, session.run().await) });
        }
    }

    /// What was known of the deployment may be wrong now. One that ended because it was no longer needed changes nothing.
    async fn on_end(&mut self, target: &Target, error: &ReadError) {
        let Some(running) = self.sessions.get(target) else { return };
        if running.wanted.receiver_count() > 0 {
            return;
        }
        self.backoff.connection_lived(clock::mono().since(running.since));
        self.sessions.remove(target);
        if error.recovery() == Recovery::Stop {
            self.transport = None;
        }
        match self.shared.link.options().mode {
            Mode::Single => {}
            Mode::Sentinel(_) => self.shared.link.forget_primary().await,
            Mode::Cluster { .. } => self.shared.link.forget_topology().await,
        }
        let wait = self.wait_after(error);
        tokio::time::sleep(wait).await;
    }

    fn wait_after(&mut self, error: &ReadError) -> Duration {
        self.failures += 1;
        if error.recovery() != Recovery::Stop {
            debug!(?error, "subscriptions are made anew");
            return self.backoff.next(fastrand::f64());
        }
        if self.failures.is_power_of_two() {
            warn!(?error, "subscriptions are refused: values are polled");
        }
        REFUSED_WAIT
    }

    /// How long a doubt has to wait for its turn.
    fn doubt_wait(&self) -> Option<Duration> {
        let doubted = self.shared.doubted.load(Ordering::Relaxed);
        doubted.then(|| self.doubt_due.since(clock::mono()))
    }

    async fn look_at_doubts(&mut self) {
        let now = clock::mono();
        if now >= self.doubt_due && self.shared.doubted.swap(false, Ordering::Relaxed) {
            self.doubt_due = now.after(DOUBT_INTERVAL);
            self.shared.link.forget_topology().await;
        }
    }
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}
