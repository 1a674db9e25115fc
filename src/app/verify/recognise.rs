//! Whose recording it is.
//!
//! Owns the guess: the venue whose decoder finds market data in most of the first frames. Never reads more than
//! [`FRAMES_LOOKED_AT`] of them.

use std::path::Path;

use anyhow::{Context, bail};

use crate::capture::{Kind, Reader};
use crate::feed::{ChannelNames, Frame, VenueProtocol, venues};

const FRAMES_LOOKED_AT: usize = 500;

/// The venue whose frames these are. Where several understand them equally well (two markets of one exchange), a folder of a
/// venue's name decides, else the one with the longer name: it is the more particular one.
pub(super) fn venue_of(path: &Path) -> anyhow::Result<&'static dyn VenueProtocol> {
    let mut frames = Vec::new();
    for line in Reader::open(path).with_context(|| format!("{}", path.display()))? {
        if let Kind::Ws { frame } = line?.kind {
            frames.push(frame);
        }
        if frames.len() == FRAMES_LOOKED_AT {
            break;
        }
    }
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let scored = venues().iter().map(|venue| {
        let name = venue.defaults().name;
        ((understood(*venue, &frames), name == folder, name.len()), *venue)
    });
    match scored.max_by_key(|(score, _)| *score) {
        Some(((1.., ..), venue)) => Ok(venue),
        _ => bail!(
            "{}: no venue's market data is in its first {} frames; --venue says whose it is",
            path.display(),
            frames.len()
        ),
    }
}

fn understood(venue: &dyn VenueProtocol, frames: &[String]) -> usize {
    let mut decoder = venue.decoder(&ChannelNames::of(venue.defaults()));
    let is_data = |frame: &&String| matches!(decoder.decode(frame.as_bytes()), Ok(Frame::Market { .. }));
    frames.iter().filter(is_data).count()
}

/// The symbol of a depth snapshot: `/api/v3/depth?symbol=BTCUSDT&limit=1000`.
pub(super) fn snapshot_symbol(path_and_query: &str) -> Option<String> {
    let (path, query) = path_and_query.split_once('?')?;
    if !path.ends_with("/depth") {
        return None;
    }
    query.split('&').find_map(|pair| pair.strip_prefix("symbol=")).map(str::to_ascii_lowercase)
}
