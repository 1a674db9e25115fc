//! Recorded sessions, where there are any: both paths agree on every line. The recorder sorted the fields, so that none is in
//! the order of the fast path.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use super::decoder;
use crate::domain::MarketEvent;
use crate::feed::Frame;

fn captures() -> Vec<PathBuf> {
    let root = std::env::var_os("TICKCACHE_CAPTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    let files = std::fs::read_dir(root.join("hyperliquid")).into_iter().flatten().flatten();
    files.map(|file| file.path()).filter(|path| path.to_string_lossy().ends_with(".txt.gz")).collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "says that there was nothing to test with")]
fn both_paths_agree_on_every_recorded_frame() {
    let files = captures();
    if files.is_empty() {
        println!("skipped: no captures of hyperliquid (TICKCACHE_CAPTURES, or ../shared/captures)");
    }
    for file in files {
        let lines = BufReader::new(flate2::read::GzDecoder::new(std::fs::File::open(&file).unwrap())).lines();
        let mut kinds = [0; 3];
        for line in lines.map(Result::unwrap) {
            let frame = line.splitn(3, ' ').nth(2).unwrap();
            kinds[kind_on_both_paths(frame)] += 1;
        }
        assert_eq!(kinds, [46, 9, 0], "{}: books, trades, others", file.display());
    }
}

fn kind_on_both_paths(frame: &str) -> usize {
    let (mut first, mut second) = (decoder(), decoder());
    let decoded = first.decode(frame.as_bytes()).unwrap();
    assert_eq!(decoded, second.decode_general(frame.as_bytes()).unwrap(), "{frame}");
    match decoded {
        Frame::Market { event: MarketEvent::Book(_), .. } => 0,
        Frame::Market { event: MarketEvent::Trades(_), .. } => 1,
        _ => 2,
    }
}
