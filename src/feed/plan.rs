//! Which session carries which stream.
//!
//! Owns the split of a feed's subscriptions over sessions. Quotes and trades never share a session with depth: their frames
//! then never wait behind a large one, and each kind gets its own share of a turn. Bounded by the venue's streams a session.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::session::SessionPlan;
use super::venue::{ChannelNames, VenueProtocol};
use super::{Start, StreamPlan};
use crate::domain::{
    Channel, Entity, Instrument, InstrumentId, PriceFrom, SessionId, Subscription, TickerTop,
};

/// Frames that a session of quotes and trades may read in a turn.
const QUOTE_TURN_FRAMES: u32 = 64;

/// Frames that a session of depth may read in a turn: one takes as long as dozens of quotes.
const DEPTH_TURN_FRAMES: u32 = 2;

/// An instrument and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub instrument: Instrument,
    /// The venue's spelling of it.
    pub symbol: String,
    /// Its values.
    pub entities: Vec<Entity>,
}

/// How what is wanted is to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// The venue's names of its channels.
    pub names: ChannelNames,
    /// Where each channel is served, in the order of [`Channel::ALL`].
    pub websocket_urls: [String; 4],
    /// What prices are made from.
    pub price_from: PriceFrom,
    /// Levels a side that are published.
    pub depth: usize,
    /// How long an acknowledged subscription may stay silent.
    pub first_data: Duration,
    /// Connections of each session at a time.
    pub redundant: u32,
    /// After how long the venue ends a connection; `None` = it does not.
    pub session_max: Option<Duration>,
}

/// The channels that an entity is made of.
const fn channels(entity: Entity, price_from: PriceFrom) -> &'static [Channel] {
    match (entity, price_from) {
        (Entity::Price, PriceFrom::Bbo) => &[Channel::Quote, Channel::Trade],
        (Entity::Price, PriceFrom::Book) => &[Channel::Depth, Channel::Trade],
        (Entity::Liquidity, _) => &[Channel::Depth],
        (Entity::Volume, _) => &[Channel::Volume],
    }
}

/// What sessions of one kind have in common: where they go and what share of a turn they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kind<'a> {
    depth: bool,
    url: &'a str,
}

/// Splits what is wanted over sessions. [`InstrumentId`] is the place in `wanted`.
#[must_use]
pub fn sessions(venue: &'static dyn VenueProtocol, wanted: &[Wanted], setup: &Setup) -> Vec<SessionPlan> {
    let most = venue.defaults().streams_per_session_max;
    let mut kinds: BTreeMap<Kind<'_>, Vec<Vec<StreamPlan>>> = BTreeMap::new();
    for (wanted, index) in wanted.iter().zip(0_u32..) {
        let mut own: BTreeMap<Kind<'_>, Vec<StreamPlan>> = BTreeMap::new();
        for (kind, plan) in streams(venue, &wanted.symbol, InstrumentId(index), &wanted.entities, setup) {
            own.entry(kind).or_default().push(plan);
        }
        for (kind, own) in own {
            place(own, kinds.entry(kind).or_default(), most);
        }
    }
    let parts = kinds.into_iter().flat_map(|(kind, parts)| {
        let turn_frames = if kind.depth { DEPTH_TURN_FRAMES } else { QUOTE_TURN_FRAMES };
        parts.into_iter().map(move |part| (kind.url, turn_frames, part))
    });
    let plan = |((url, turn_frames, streams), id): ((&str, u32, Vec<StreamPlan>), u32)| SessionPlan {
        id: SessionId(id),
        venue,
        names: setup.names.clone(),
        websocket_url: url.to_owned(),
        streams,
        first_data: setup.first_data,
        turn_frames,
        redundant: setup.redundant,
        session_max: setup.session_max,
    };
    parts.zip(0..).map(plan).collect()
}

/// The streams of one instrument whose symbol became known after the sessions were planned, its companions included: what
/// [`SessionCommand::Begin`](super::SessionCommand::Begin) carries.
#[must_use]
pub fn streams_of(
    venue: &dyn VenueProtocol,
    symbol: &str,
    instrument: InstrumentId,
    entities: &[Entity],
    setup: &Setup,
) -> Vec<StreamPlan> {
    streams(venue, symbol, instrument, entities, setup).into_iter().map(|(_, plan)| plan).collect()
}

/// Adds the streams of one instrument to the last session, or to a new one: they stay together. What speaks of several instruments
/// is there once.
fn place(own: Vec<StreamPlan>, sessions: &mut Vec<Vec<StreamPlan>>, most: usize) {
    let missing = |session: &Vec<StreamPlan>| -> Vec<StreamPlan> {
        // What is an instrument's own is in no session yet: only the rest is worth a search.
        let is_there = |plan: &StreamPlan| {
            plan.subscriptions.is_empty() && session.iter().any(|known| known.stream == plan.stream)
        };
        own.iter().filter(|plan| !is_there(plan)).cloned().collect()
    };
    let last = sessions.last_mut().map(|session| (missing(session), session));
    match last {
        Some((missing, session)) if session.len() + missing.len() <= most => session.extend(missing),
        _ => sessions.push(own),
    }
}

/// The streams of one instrument, each once.
fn streams<'a>(
    venue: &dyn VenueProtocol,
    symbol: &str,
    instrument: InstrumentId,
    entities: &[Entity],
    setup: &'a Setup,
) -> Vec<(Kind<'a>, StreamPlan)> {
    let mut found: Vec<(Kind<'a>, StreamPlan)> = Vec::new();
    let from = setup.price_from;
    let mut wanted: Vec<Channel> =
        entities.iter().flat_map(|&entity| channels(entity, from)).copied().collect();
    if venue.ticker_top(from) == TickerTop::Witness && wanted.contains(&Channel::Depth) {
        wanted.extend([Channel::Volume, Channel::Trade]);
    }
    wanted.sort_unstable();
    wanted.dedup();
    for channel in wanted {
        let stream = venue.stream(symbol, channel, setup.names.get(channel), setup.depth);
        let subscription = Subscription { instrument, channel };
        let kind = Kind {
            depth: matches!(channel, Channel::Depth | Channel::Volume),
            url: &setup.websocket_urls[channel as usize],
        };
        match found.iter_mut().find(|(_, plan)| plan.stream == stream) {
            Some((_, plan)) => plan.subscriptions.push(subscription),
            None => {
                let plan = StreamPlan { stream, subscriptions: vec![subscription], start: Start::Connected };
                found.push((kind, plan));
            }
        }
    }
    let kinds: BTreeSet<Kind<'a>> = found.iter().map(|(kind, _)| *kind).collect();
    for kind in kinds {
        let companions = venue.companions(symbol).into_iter();
        found.extend(
            companions.map(|stream| {
                (kind, StreamPlan { stream, subscriptions: Vec::new(), start: Start::Connected })
            }),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::okx::Okx;

    #[test]
    fn an_instrument_stays_together_and_what_speaks_of_many_is_in_each_session_once() {
        let defaults = Okx.defaults();
        let setup = Setup {
            names: ChannelNames::of(defaults),
            websocket_urls: Channel::ALL.map(|_| "ws://venue".to_owned()),
            price_from: PriceFrom::Bbo,
            depth: 20,
            first_data: Duration::from_secs(10),
            redundant: 1,
            session_max: None,
        };
        let wanted: Vec<Wanted> = (0..200)
            .map(|index| {
                let instrument: Instrument = format!("C{index}-USDT").parse().unwrap();
                let symbol = Okx.symbol(&instrument).unwrap();
                Wanted { instrument, symbol, entities: Entity::ALL.to_vec() }
            })
            .collect();
        let sessions = sessions(&Okx, &wanted, &setup);
        assert_eq!(sessions.len(), 4, "two for prices, two for books");
        for session in &sessions {
            assert!(session.streams.len() <= defaults.streams_per_session_max);
            let shared = session.streams.iter().filter(|plan| plan.subscriptions.is_empty());
            let shared: Vec<&str> = shared.map(|plan| plan.stream.route.as_str()).collect();
            assert_eq!(shared, ["instruments:SPOT"]);
            let mut instruments: BTreeMap<InstrumentId, usize> = BTreeMap::new();
            for subscription in session.streams.iter().flat_map(|plan| &plan.subscriptions) {
                *instruments.entry(subscription.instrument).or_default() += 1;
            }
            assert!(instruments.values().all(|streams| *streams == 2), "{instruments:?}");
        }
        let carried: usize = sessions.iter().map(|session| session.streams.len() - 1).sum();
        assert_eq!(carried, 4 * wanted.len());
    }
}
