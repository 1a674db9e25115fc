//! A hot thread: sessions, books and the writer of some feeds, on one thread.
//!
//! Owns the thread and its single-threaded runtime. An engine has one or several ([`super::deal`]); each has its own table and its
//! own connection to Redis, and knows nothing of the others. A frame goes from its socket through decoder, book and conflation
//! table to the Redis socket in one call chain: no channel, no other thread. What is slow (REST) is handed to others
//! through bounded channels and comes back built.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

use super::board::FeedBoard;
use super::feed_task::FeedTask;
use super::rest_worker::{Answer, Job};
use crate::capture::Tap;
use crate::clock;
use crate::codec::Command;
use crate::domain::{EntityDurations, EventPolicy, Feed, Instrument, InstrumentId, SlotId};
use crate::feed::{self, Governor, SessionPlan};
use crate::process::{InstrumentSpec, Standing};
use crate::publish::{FeedIndex, SlotPlan, StatsBoard, ValueTable, Writer, WriterOptions};

/// How often quiet keys are looked at.
const TICK: Duration = Duration::from_millis(50);

/// How long a stopping shard waits for a standby to take over, once its leases are released.
const TAKEOVER_WAIT: Duration = Duration::from_millis(150);

/// How long a stopping shard waits for Redis to take the last values. Two seconds are promised for the whole stop.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(1_500);

/// REST answers that wait for the hot thread at most; the workers wait when it is full.
pub(super) const ANSWERS_MAX: usize = 64;

/// A feed and everything that its tasks need.
#[derive(Debug)]
pub(super) struct FeedPlan {
    pub(super) feed: Feed,
    pub(super) instruments: Vec<Instrument>,
    /// What each of its slots is, for the log.
    pub(super) keys: HashMap<SlotId, String>,
    pub(super) catalog: Vec<(String, String)>,
    pub(super) specs: Vec<InstrumentSpec>,
    /// What the venue's list says of each at the start.
    pub(super) standings: Vec<Standing>,
    pub(super) sessions: Vec<SessionPlan>,
    /// How often they may connect.
    pub(super) governor: Arc<Governor>,
    pub(super) thresholds: EntityDurations,
    /// How much longer than at best a frame may take.
    pub(super) congestion: Duration,
    pub(super) events: EventPolicy,
    pub(super) index: FeedIndex,
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) answers: mpsc::Receiver<Answer>,
    pub(super) board: Arc<FeedBoard>,
    /// Where raw frames are recorded.
    pub(super) tap: Tap,
}

impl FeedPlan {
    /// What is shown of it: its name, its figures, how many sessions it is to have.
    pub(super) fn shown(&self) -> (Feed, Arc<FeedBoard>, u64) {
        (self.feed.clone(), Arc::clone(&self.board), self.sessions.len() as u64)
    }
}

/// Everything that a shard needs.
#[derive(Debug)]
pub(super) struct ShardPlan {
    /// Which one of the engine's it is.
    pub(super) number: usize,
    pub(super) feeds: Vec<FeedPlan>,
    pub(super) slots: SlotPlan,
    pub(super) table: Arc<ValueTable>,
    pub(super) writer: WriterOptions,
    pub(super) writer_board: Arc<StatsBoard>,
    /// What others ask of the engine.
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) stop: watch::Receiver<bool>,
}

/// Starts the thread. It ends after `stop` became true and the last values are written.
pub(super) fn spawn(plan: ShardPlan) -> std::io::Result<std::thread::JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Linux shows 15 characters of it.
    let name = format!("tickcache-hot{}", plan.number);
    std::thread::Builder::new().name(name).spawn(move || {
        LocalSet::new().block_on(&runtime, run(plan));
    })
}

async fn run(plan: ShardPlan) {
    let writer = match Writer::new(plan.writer, &plan.slots, plan.table, plan.writer_board) {
        Ok(writer) => writer,
        Err(error) => {
            tracing::error!(%error, "the writer cannot be made");
            return;
        }
    };
    let (link_stop, link_stopped) = tokio::sync::oneshot::channel::<()>();
    let link = tokio::task::spawn_local(writer.clone().run(async move {
        // An error means that the sender is gone, which is the same wish.
        let _ = link_stopped.await;
    }));
    // Sessions go on while a standby takes over: until then this engine's values are the newest there are.
    let (halt, halted) = watch::channel(false);
    let tasks: Vec<_> =
        plan.feeds.into_iter().map(|feed| run_feed(feed, writer.clone(), halted.clone())).collect();
    let (mut commands, asked) = (plan.commands, tasks.clone());
    tokio::task::spawn_local(async move {
        while let Some(command) = commands.recv().await {
            for task in &asked {
                task.command(&command, clock::now());
            }
        }
    });
    let mut stop = plan.stop;
    // An error means that the engine is gone, which is the same wish.
    let _ = stop.wait_for(|&stop| stop).await;
    if writer.leave() {
        // A standby takes over meanwhile, without a reader noticing; what it has taken over refuses our last values.
        tokio::time::sleep(TAKEOVER_WAIT).await;
    }
    for task in &tasks {
        task.stop(clock::now());
    }
    halt.send_replace(true);
    let drained = writer.drain(clock::mono().after(DRAIN_TIMEOUT)).await;
    tracing::info!(?drained, "the last values are written");
    drop(link_stop);
    if let Err(error) = link.await {
        tracing::error!(%error, "the writer's task failed");
    }
}

/// Starts the tasks of one feed on this thread.
fn run_feed(plan: FeedPlan, writer: Writer, stop: watch::Receiver<bool>) -> Rc<FeedTask> {
    let now = clock::now();
    for (field, value) in &plan.catalog {
        writer.announce(plan.index, field, value);
    }
    let (mut commands, mut sessions) = (Vec::new(), Vec::new());
    for session in plan.sessions {
        let (sender, receiver) = mpsc::channel(feed::COMMANDS_MAX);
        let carried = session.streams.iter().flat_map(|stream| &stream.subscriptions);
        commands.push((carried.copied().collect(), sender));
        sessions.push((session, receiver));
    }
    let mut state = crate::process::FeedState::new(
        &plan.specs,
        sessions.len(),
        plan.thresholds,
        plan.congestion,
        plan.events,
        now,
    );
    for (&standing, id) in plan.standings.iter().zip(0..) {
        state.begin(InstrumentId(id), standing, now);
    }
    let task = Rc::new(FeedTask::new(
        plan.feed,
        plan.index,
        plan.instruments,
        plan.keys,
        state,
        writer,
        commands,
        plan.jobs,
        plan.board,
        plan.tap,
    ));
    task.announce(now);
    for (session, receiver) in sessions {
        let (task, stop, governor) = (Rc::clone(&task), stop.clone(), Arc::clone(&plan.governor));
        tokio::task::spawn_local(async move { feed::run(session, receiver, stop, &*task, &governor).await });
    }
    let (ticking, answering) = (Rc::clone(&task), Rc::clone(&task));
    tokio::task::spawn_local(async move {
        let mut timer = tokio::time::interval(TICK);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            ticking.tick(clock::now());
        }
    });
    let mut answers = plan.answers;
    tokio::task::spawn_local(async move {
        while let Some(answer) = answers.recv().await {
            answering.answer(answer, clock::now());
        }
    });
    task
}
