//! Whose recording it is, and what its channels are called.
//!
//! Owns the guess: the venue, and the names, whose decoder finds market data in most of the first frames. Never reads more than
//! [`FRAMES_LOOKED_AT`] of them.

use std::path::Path;

use anyhow::{Context, bail};

use crate::capture::{Kind, Reader};
use crate::domain::Channel;
use crate::feed::{ChannelNames, Frame, VenueProtocol};

const FRAMES_LOOKED_AT: usize = 500;

/// The venue whose frames these are, of those in `among`, and the names of its channels. Where several understand them equally
/// well (two markets of one exchange), a folder of a venue's name decides, else the one with the longer name: it is the more
/// particular one. The usual names of channels are preferred.
pub(super) fn venue_of(
    path: &Path,
    among: &[&'static dyn VenueProtocol],
) -> anyhow::Result<(&'static dyn VenueProtocol, ChannelNames)> {
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
    let scored = among.iter().flat_map(|venue| {
        let name = venue.defaults().name;
        let (folder, frames) = (&folder, &frames);
        // The last one of equals wins: the usual names.
        names_of(*venue).into_iter().rev().map(move |names| {
            ((understood(*venue, &names, frames), name == folder, name.len()), *venue, names)
        })
    });
    match scored.max_by_key(|(score, ..)| *score) {
        Some(((understood, ..), venue, names)) if understood > 0 || among.len() == 1 => Ok((venue, names)),
        _ => bail!(
            "{}: no venue's market data is in its first {} frames; --venue says whose it is",
            path.display(),
            frames.len()
        ),
    }
}

/// The usual names of the channels, then those with one of the others.
fn names_of(venue: &dyn VenueProtocol) -> Vec<ChannelNames> {
    let usual = ChannelNames::of(venue.defaults());
    let others = Channel::ALL.into_iter().flat_map(|channel| {
        let usual = &usual;
        venue.other_names(channel).iter().map(move |&name| {
            let mut names = usual.clone();
            names.0[channel as usize] = name.to_owned();
            names
        })
    });
    let others: Vec<_> = others.collect();
    std::iter::once(usual).chain(others).collect()
}

fn understood(venue: &dyn VenueProtocol, names: &ChannelNames, frames: &[String]) -> usize {
    let mut decoder = venue.decoder(names);
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
