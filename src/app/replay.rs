//! `tickcache replay`: recorded sessions, served as the venue would.

#![allow(clippy::print_stdout, reason = "this is a command's output")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::run::stop_signal;
use crate::simulate::{Config, Ending, ReplayOptions, Simulator, Speed};

/// How often progress is shown.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Options of `replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Where to listen, for websockets and REST alike
    #[arg(long, default_value = "127.0.0.1:9443")]
    listen: SocketAddr,
    /// 1 = as recorded, 20 = twenty times as fast, max = as fast as clients read
    #[arg(long, default_value = "1")]
    speed: Speed,
    /// Start anew at the end, after closing all sessions as a venue would
    #[arg(long = "loop")]
    looped: bool,
    /// Whose recordings they are, such as kraken or bybit-linear; found in the frames where it is not given
    #[arg(long, value_name = "VENUE")]
    venue: Option<String>,
    /// The recordings, all of one venue: gzip, zstd or plain; several are merged by their receive times
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

pub(super) async fn replay(args: ReplayArgs) -> anyhow::Result<ExitCode> {
    let stopped = stop_signal()?;
    let ending = if args.looped { Ending::Loop } else { Ending::Stay };
    let options = ReplayOptions { speed: args.speed, ending, ..ReplayOptions::new(args.captures) };
    println!("loading ...");
    let mut config = Config::replay(options).listen(args.listen);
    if let Some(venue) = &args.venue {
        config = config.venue(venue);
    }
    let simulator = Simulator::start(config).await?;
    if let Some(loaded) = simulator.loaded() {
        println!(
            "loaded {} frames and {} snapshots ({} lines left out, {} torn ends)",
            loaded.frames, loaded.snapshots, loaded.left_out, loaded.torn
        );
    }
    println!("venue = \"{}\"", simulator.venue());
    for url in simulator.websocket_urls() {
        println!("websocket_url = \"{url}\"");
    }
    println!("rest_url = \"{}\"", simulator.rest_url());
    println!("playback starts when a client's subscriptions are complete; Ctrl-C ends");
    tokio::select! {
        () = stopped => {}
        () = show_progress(&simulator) => {}
    }
    let stats = simulator.stats();
    println!(
        "sessions {}, subscriptions {}, frames sent {}, rest requests {}",
        stats.sessions, stats.subscriptions, stats.frames, stats.rest_requests
    );
    simulator.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// A line whenever something moved; never ends.
async fn show_progress(simulator: &Simulator) {
    let mut shown = None;
    loop {
        tokio::time::sleep(PROGRESS_EVERY).await;
        let progress = simulator.progress();
        if progress != shown
            && let Some(now) = &progress
        {
            let percent = 100 * now.played / now.total.max(1);
            println!(
                "pass {}: {} of {} frames ({percent} %), {} sessions open",
                now.passes + 1,
                now.played,
                now.total,
                simulator.stats().sessions_open
            );
            if now.played == now.total {
                println!("the recording is over; sessions and REST stay until Ctrl-C (--loop starts anew)");
            }
        }
        shown = progress;
    }
}
