//! Recorded sessions of each venue, through decoders, books and `tickcache verify`, by public names only.
//!
//! What comes out is compared with a plain reading of the same lines: another parser, another number type, maps for books.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

#[path = "recordings/binance.rs"]
mod binance;
#[path = "recordings/bybit.rs"]
mod bybit;
#[path = "recordings/coinbase.rs"]
mod coinbase;
#[path = "recordings/command.rs"]
mod command;
#[path = "recordings/hyperliquid.rs"]
mod hyperliquid;
#[path = "recordings/kraken.rs"]
mod kraken;
#[path = "recordings/okx.rs"]
mod okx;
#[path = "recordings/plain.rs"]
mod plain;
#[path = "recordings/session.rs"]
mod session;
#[path = "recordings/verify.rs"]
mod verify;

use std::path::PathBuf;

use tickcache::capture::{Kind, Line, Reader};

/// Where a recording lies; `None`, and says so, where it does not.
fn capture(file: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TICKCACHE_CAPTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    let path = root.join(file);
    if !path.exists() {
        eprintln!("skipped: no recording {file} (TICKCACHE_CAPTURES, or ../shared/captures)");
    }
    path.exists().then_some(path)
}

fn lines(file: &str) -> Option<Vec<Line>> {
    Some(Reader::open(&capture(file)?).unwrap().map(Result::unwrap).collect())
}

/// The frames of a recording that has no answers over REST, with their times of receipt.
fn frames(file: &str) -> Option<Vec<(i64, String)>> {
    let frame = |line: Line| match line.kind {
        Kind::Ws { frame } => (line.receive_time.nanos(), frame),
        Kind::Rest { .. } => panic!("frames alone"),
    };
    Some(lines(file)?.into_iter().map(frame).collect())
}
