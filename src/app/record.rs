//! `tickcache record`: the sessions of the configured venues into files, and nothing else.

#![allow(clippy::print_stdout, reason = "this is a command's output")]

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::board::{FeedBoard, FeedStats};
use super::check;
use super::engine::Engine;
use super::run::{self, Strictness, died, stop_signal};
use crate::capture::RecordStats;
use crate::config::{Settings, StoreKind};
use crate::domain::Feed;

/// How often progress is shown.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Options of `record`.
#[derive(Debug, Args)]
pub(super) struct RecordArgs {
    /// The settings' file; its feeds and the limits of [record] count
    #[arg(long, default_value = "config/tickcache.toml")]
    config: PathBuf,
    /// The folder to record into; what is there stays as it is
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) async fn record(args: RecordArgs) -> anyhow::Result<ExitCode> {
    let settings = match check::load(&args.config) {
        Ok(settings) => only_recording(settings, &args),
        Err(code) => return Ok(code),
    };
    let stopped = stop_signal()?;
    let mut stopped = pin!(stopped);
    let engine = match run::start(&settings, Strictness::Lenient, stopped.as_mut()).await? {
        Ok(engine) => engine,
        Err(code) => return Ok(code),
    };
    let board = engine.recording().context("nothing is recorded")?.clone();
    println!("recording into {}; Ctrl-C ends", args.out.display());
    tokio::select! {
        () = &mut stopped => {}
        () = died(&engine) => {}
        () = show_progress(&engine) => {}
    }
    let sessions: Vec<FeedStats> = engine.feeds().map(|(_, feed)| feed.read()).collect();
    let ended = engine.stop().await;
    println!("summary");
    for ((feed, stats), session) in board.read().iter().zip(&sessions) {
        println!("{}", line(feed, stats, session));
    }
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// The engine keeps its books all the same: it is they that find out whether a session is worth recording.
fn only_recording(mut settings: Settings, args: &RecordArgs) -> Settings {
    settings.store = StoreKind::Embedded;
    settings.embedded.listen = None;
    settings.http_listen = None;
    settings.record.dir = Some(args.out.clone());
    settings
}

/// A line a feed and second; never ends.
async fn show_progress(engine: &Engine) {
    loop {
        tokio::time::sleep(PROGRESS_EVERY).await;
        let recorded = engine.recording().map(|board| board.read()).unwrap_or_default();
        for ((feed, stats), session) in
            recorded.iter().zip(engine.feeds().map(|(_, board)| FeedBoard::read(board)))
        {
            println!("{}", line(feed, stats, &session));
        }
    }
}

fn line(feed: &Feed, stats: &RecordStats, session: &FeedStats) -> String {
    let mut line = format!(
        "{feed}: {} frames received, {} records ({:.1} MB) in {} files of {:.1} MB, {} dropped",
        session.frames,
        stats.records,
        megabytes(stats.line_bytes),
        stats.files,
        megabytes(stats.file_bytes),
        stats.dropped,
    );
    for (count, what) in [
        (stats.lost, "lost to the disk"),
        (stats.unfit, "no text"),
        (stats.altered, "with line breaks replaced"),
        (stats.errors, "errors"),
        (session.gaps, "gaps"),
        (session.reconnects, "reconnects"),
    ] {
        if count > 0 {
            line.push_str(&format!(", {count} {what}"));
        }
    }
    line
}

#[expect(clippy::cast_precision_loss, reason = "for people, with one digit behind the point")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
