//! Which session carries which stream.
//!
//! Owns the split of a feed's subscriptions over sessions. Quotes and trades never share a session with depth: their frames
//! then never wait behind a large one, and each kind gets its own share of a turn. Bounded by the venue's streams a session.

use std::time::Duration;

use super::StreamPlan;
use super::session::SessionPlan;
use super::venue::{SymbolError, VenueProtocol};
use crate::domain::{Channel, Entity, Instrument, InstrumentId, SessionId, Subscription};

/// Frames that a session of quotes and trades may read in a turn.
const QUOTE_TURN_FRAMES: u32 = 64;

/// Frames that a session of depth may read in a turn: one takes as long as dozens of quotes.
const DEPTH_TURN_FRAMES: u32 = 2;

/// An instrument and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub instrument: Instrument,
    /// Its values.
    pub entities: Vec<Entity>,
}

/// The channels that an entity is made of.
#[must_use]
pub const fn channels(entity: Entity) -> &'static [Channel] {
    match entity {
        Entity::Price => &[Channel::Quote, Channel::Trade],
        Entity::Liquidity => &[Channel::Depth],
        Entity::Volume => &[Channel::Volume],
    }
}

/// Splits what is wanted over sessions. [`InstrumentId`] is the place in `wanted`.
///
/// # Errors
/// [`SymbolError`] for an instrument that the venue cannot have.
pub fn sessions(
    venue: &'static dyn VenueProtocol,
    websocket_url: &str,
    wanted: &[Wanted],
    first_data: Duration,
) -> Result<Vec<SessionPlan>, SymbolError> {
    let [mut quotes, mut depth] = [Vec::new(), Vec::new()];
    for (wanted, index) in wanted.iter().zip(0_u32..) {
        let symbol = venue.symbol(&wanted.instrument)?;
        for &channel in wanted.entities.iter().flat_map(|&entity| channels(entity)) {
            let plan = StreamPlan {
                stream: venue.stream(&symbol, channel),
                subscription: Subscription { instrument: InstrumentId(index), channel },
            };
            match channel {
                Channel::Quote | Channel::Trade => quotes.push(plan),
                Channel::Depth | Channel::Volume => depth.push(plan),
            }
        }
    }
    let most = venue.defaults().streams_per_session_max;
    let parts = |plans: &[StreamPlan], turn_frames| -> Vec<_> {
        plans.chunks(most).map(|part| (part.to_vec(), turn_frames)).collect()
    };
    let all = [parts(&quotes, QUOTE_TURN_FRAMES), parts(&depth, DEPTH_TURN_FRAMES)].concat();
    Ok(all
        .into_iter()
        .zip(0..)
        .map(|((streams, turn_frames), id)| SessionPlan {
            id: SessionId(id),
            venue,
            websocket_url: websocket_url.to_owned(),
            streams,
            first_data,
            turn_frames,
        })
        .collect())
}
