//! From a feed's settings to what its tasks are made of: which key is which slot, which instrument is on which session.
//!
//! Owns the wiring between a venue's folder, the configuration and `process`. Never starts anything.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::mpsc;

use super::board::FeedBoard;
use super::deal::deal;
use super::engine::WrittenKey;
use super::list_refresh::{ListRefresh, Place, Seen, Told};
use super::lister::{Lister, Origin};
use super::listings::{self, Found, Listings, VenueList, unlisted_contract};
use super::rest_worker::{JOBS_MAX, Job, RestWorker, Symbols};
use super::shard::{ANSWERS_MAX, FeedPlan};
use super::store;
use crate::capture::Tap;
use crate::codec::key;
use crate::config::{FeedSettings, Settings, VenueSymbols};
use crate::domain::{
    Channel, Contract, Entity, Feed, Instrument, InstrumentId, MarketRules, PriceFrom, SessionId, SlotId,
};
use crate::feed::{
    self, ChannelNames, Gate, Governor, RestClient, SessionPlan, Setup, Start, Stream, VenueProtocol, Wanted,
};
use crate::process::{InstrumentSpec, Standing};
use crate::publish::{FeedIndex, SlotKey, SlotPlan};

/// What fetches for a feed, and what it is asked.
pub(super) type Worker = (RestWorker, mpsc::Receiver<Job>);

/// What all feeds are planned with.
pub(super) struct Planner<'a> {
    pub(super) settings: &'a Settings,
    /// What the venues offer, as far as it is known.
    pub(super) listings: &'a Listings,
    /// What several engines share the venues' budgets through.
    pub(super) gate: Option<Arc<dyn Gate>>,
}

/// One partition of a venue: what is leased, owned and handed over as a whole.
struct Part {
    name: Feed,
    venue: &'static dyn VenueProtocol,
    /// Those of the venue, with the partition's instruments.
    feed: FeedSettings,
    /// That of everything that this process does at the venue.
    governor: Arc<Governor>,
}

/// The partitions of a venue that have instruments.
///
/// # Errors
/// A venue that is not known.
fn parts(planner: &Planner<'_>, feed: &FeedSettings) -> anyhow::Result<Vec<Part>> {
    let venue = feed::venue(feed.venue.as_str()).with_context(|| format!("no venue {}", feed.venue))?;
    let named = |partition| Feed { venue: feed.venue.clone(), partition };
    let (weight, connects) = (feed.rest_weight_per_minute, venue.defaults().connects);
    let governor = Arc::new(Governor::new(&named(0), weight, connects, planner.gate.clone()));
    let part = |partition| {
        let mut own = feed.clone();
        own.instruments.retain(|instrument| key::partition(instrument, feed.partitions) == partition);
        Part { name: named(partition), venue, feed: own, governor: Arc::clone(&governor) }
    };
    Ok((0..feed.partitions.get()).map(part).filter(|part| !part.feed.instruments.is_empty()).collect())
}

/// The feeds of a shard, and the slots of all their keys.
pub(super) type OfShard = (Vec<FeedPlan>, SlotPlan);

/// All partitions of all venues, in the order of the settings.
pub(super) struct Planned {
    pub(super) feeds: Vec<FeedPlan>,
    /// One each.
    pub(super) workers: Vec<Worker>,
    /// One for each venue.
    pub(super) refreshes: Vec<ListRefresh>,
    /// The keys of all of them.
    keys: Vec<WrittenKey>,
    /// Which shard each is on.
    dealt: Vec<usize>,
    rooms: Vec<Room>,
}

impl Planned {
    /// What each shard has, and what all of them share.
    pub(super) fn by_shard(self) -> (Vec<OfShard>, Vec<Worker>, Vec<WrittenKey>) {
        let mut shards: Vec<_> = self.rooms.into_iter().map(|room| (Vec::new(), room.slots)).collect();
        for (feed, shard) in self.feeds.into_iter().zip(self.dealt) {
            shards[shard].0.push(feed);
        }
        (shards, self.workers, self.keys)
    }
}

/// Deals everything out to the shards, and plans it.
///
/// # Errors
/// As [`parts`] and [`plan`].
pub(super) fn planned(planner: &Planner<'_>) -> anyhow::Result<Planned> {
    let (mut parts, mut refreshes) = (Vec::new(), Vec::new());
    for (feed, index) in planner.settings.feeds.iter().zip(0_usize..) {
        let own = self::parts(planner, feed)?;
        let governor =
            own.first().map(|part| Arc::clone(&part.governor)).context("a feed has instruments")?;
        refreshes.push(refresh(planner, feed, governor)?);
        parts.extend(own.into_iter().map(|part| (index, part)));
    }
    let sizes: Vec<usize> = parts.iter().map(|(_, part)| part.feed.instruments.len()).collect();
    let wanted = usize::from(planner.settings.shards.get());
    let dealt = deal(&sizes, wanted);
    let shards = wanted.min(sizes.len());
    if shards < wanted {
        let feeds = sizes.len();
        tracing::warn!(
            wanted,
            feeds,
            "engine.shards: no more of them than feeds are started; see feed.partitions"
        );
    }
    let room = |number| Room { number, feeds: 0, slots: SlotPlan::new() };
    let mut rooms: Vec<Room> = (0..shards).map(room).collect();
    let (mut feeds, mut workers, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for ((venue, part), &shard) in parts.into_iter().zip(&dealt) {
        let (feed, worker) = plan(planner, part, &mut rooms[shard], &mut keys, &mut refreshes[venue])?;
        if shards > 1 {
            tracing::info!(feed = %feed.feed, instruments = feed.instruments.len(), shard, "feed dealt out");
        }
        feeds.push(feed);
        workers.push(worker);
    }
    Ok(Planned { feeds, workers, refreshes, keys, dealt, rooms })
}

/// What looks at the list of a feed's venue while the engine runs; its instruments are added by [`plan`].
fn refresh(
    planner: &Planner<'_>,
    feed: &FeedSettings,
    governor: Arc<Governor>,
) -> anyhow::Result<ListRefresh> {
    let venue = feed::venue(feed.venue.as_str()).with_context(|| format!("no venue {}", feed.venue))?;
    let list = planner.listings.list(&feed.venue);
    let is_new = list.is_some_and(|list| list.origin == Origin::Fetched);
    Ok(ListRefresh {
        venue,
        feed: feed.clone(),
        lister: Lister::of_feed(venue, feed, governor, listings::folder(&planner.settings.cache_dir)),
        setup: setup(feed),
        calm: planner.settings.list_refresh,
        places: Vec::new(),
        known: list.map(VenueList::len),
        seen: if is_new { Seen::Yes } else { Seen::No },
    })
}

/// What a shard's feeds have so far.
#[derive(Debug)]
struct Room {
    /// Of the shard.
    number: usize,
    /// So many feeds are planned.
    feeds: u16,
    /// Of all of them.
    slots: SlotPlan,
}

/// Plans one partition; its keys get their slots in this room.
///
/// # Errors
/// An instrument that the venue cannot have, too many keys.
fn plan(
    planner: &Planner<'_>,
    part: Part,
    room: &mut Room,
    keys: &mut Vec<WrittenKey>,
    refresh: &mut ListRefresh,
) -> anyhow::Result<(FeedPlan, Worker)> {
    let index = FeedIndex(room.feeds);
    room.feeds += 1;
    let settings = planner.settings;
    let Part { name, venue, feed, governor } = part;
    let feed = &feed;
    let placed: anyhow::Result<Vec<Placed>> =
        feed.instruments.iter().map(|instrument| place(venue, feed, instrument, planner.listings)).collect();
    let placed = placed?;
    let wanted: Vec<Wanted> = placed.iter().map(|placed| placed.wanted.clone()).collect();
    let mut sessions = feed::sessions(venue, &wanted, &setup(feed));
    hold_back(venue, &placed, &mut sessions);
    let symbols = Arc::new(Symbols::new(wanted.iter().map(|wanted| wanted.symbol.clone()).collect()));
    let (mut specs, mut names) = (Vec::new(), HashMap::new());
    for Placed { wanted, contract, .. } in &placed {
        let own = take_slots(settings, feed, index, wanted, room, keys)?;
        let name = |entity| format!("{entity} {} {}", wanted.instrument, feed.venue);
        names.extend(own.iter().map(|&(entity, slot)| (slot, name(entity))));
        specs.push(spec(venue, feed, *contract, own, carriers(feed, &sessions, specs.len())));
    }
    let field = |wanted: &Wanted| {
        let field = key::catalog_field(&wanted.instrument, &feed.venue);
        (field, key::catalog_value(&name, &wanted.entities))
    };
    let (jobs, job_queue) = mpsc::channel(JOBS_MAX);
    let (answers, answer_queue) = mpsc::channel(ANSWERS_MAX);
    let plan = FeedPlan {
        feed: name.clone(),
        instruments: feed.instruments.clone(),
        keys: names,
        catalog: wanted.iter().map(field).collect(),
        specs,
        standings: placed.iter().map(Placed::standing).collect(),
        sessions,
        governor: Arc::clone(&governor),
        thresholds: feed.silence,
        congestion: feed.congestion,
        events: store::event_policy(settings),
        index,
        jobs,
        answers: answer_queue,
        board: Arc::new(FeedBoard::default()),
        tap: Tap::off(),
    };
    refresh.places.extend(placed.into_iter().zip(0..).map(|(placed, id)| Place {
        instrument: placed.wanted.instrument,
        id: InstrumentId(id),
        assumed: (placed.wanted.symbol, placed.contract),
        told: placed.told,
        answers: answers.clone(),
        symbols: Arc::clone(&symbols),
    }));
    let client = RestClient::new(feed.rest_url.as_str(), governor);
    let (depth, weight_per_minute) = (feed.depth as usize, feed.rest_weight_per_minute);
    let tap = Tap::off();
    let worker = RestWorker { feed: name, venue, client, symbols, depth, weight_per_minute, answers, tap };
    Ok((plan, (worker, job_queue)))
}

/// How the venue's streams are to be had.
fn setup(feed: &FeedSettings) -> Setup {
    let (url, volume) = (feed.websocket_url.as_str(), feed.volume_websocket_url.as_str());
    Setup {
        names: ChannelNames(feed.channels.clone()),
        websocket_urls: Channel::ALL.map(|channel| match channel {
            Channel::Quote | Channel::Trade | Channel::Depth => url.to_owned(),
            Channel::Volume => volume.to_owned(),
        }),
        price_from: feed.price_from,
        depth: feed.depth as usize,
        first_data: feed.first_data,
        redundant: feed.redundant,
        session_max: feed.session_max,
    }
}

/// Gives an instrument its slots.
fn take_slots(
    settings: &Settings,
    feed: &FeedSettings,
    index: FeedIndex,
    wanted: &Wanted,
    room: &mut Room,
    keys: &mut Vec<WrittenKey>,
) -> anyhow::Result<Vec<(Entity, SlotId)>> {
    let mut own = Vec::new();
    for &entity in &wanted.entities {
        let (instrument, venue) = (wanted.instrument.clone(), feed.venue.clone());
        let key = key::value_key(&settings.namespace, entity, &instrument, &venue);
        let ttl = settings.ttl.of(entity);
        let slot = room.slots.add(SlotKey { key, entity, instrument, venue, feed: index, ttl })?;
        own.push((entity, slot));
        let (instrument, venue) = (wanted.instrument.clone(), feed.venue.clone());
        keys.push(WrittenKey { shard: room.number, slot, entity, instrument, venue });
    }
    Ok(own)
}

/// Which session carries which channel of an instrument.
fn carriers(feed: &FeedSettings, sessions: &[SessionPlan], index: usize) -> Vec<(Channel, SessionId)> {
    let mut carriers: Vec<_> = sessions
        .iter()
        .flat_map(|session| {
            let carried = session.streams.iter().flat_map(|stream| &stream.subscriptions);
            carried
                .filter(|subscription| subscription.instrument.0 as usize == index)
                .map(|subscription| (subscription.channel, session.id))
        })
        .collect();
    if feed.price_from == PriceFrom::Book
        && let Some(&(_, session)) = carriers.iter().find(|(channel, _)| *channel == Channel::Depth)
    {
        carriers.push((Channel::Quote, session));
    }
    carriers
}

/// An instrument with what is known of it at the start.
#[derive(Debug)]
struct Placed {
    wanted: Wanted,
    contract: Contract,
    told: Told,
}

impl Placed {
    fn standing(&self) -> Standing {
        match self.told {
            Told::Trusted | Told::Trading => Standing::Trading,
            Told::NotTrading(_) => Standing::NotTrading,
            Told::Waiting | Told::Gone => Standing::Missing,
        }
    }
}

/// What the venue says of the instrument counts more than what we know by ourselves: what it quotes in thousands is known there only.
/// What it does not list, or nobody knows the contract of, waits for its list.
///
/// # Errors
/// An instrument that the venue cannot have, whatever it lists.
fn place(
    venue: &dyn VenueProtocol,
    feed: &FeedSettings,
    instrument: &Instrument,
    listings: &Listings,
) -> anyhow::Result<Placed> {
    let own = || match feed.alias(instrument) {
        Some(alias) => Ok(alias.symbol.clone()),
        None => venue.symbol(instrument),
    };
    let (symbol, contract, told) = match listings.find(feed, instrument) {
        Found::Listed(listed) => {
            let told = Told::of(&listed.status);
            (listed.symbol, listed.contract, told)
        }
        Found::Missing => (own()?, Contract::PLAIN, Told::Waiting),
        Found::Unknown => match unlisted_contract(venue, feed, instrument) {
            Some(contract) => (own()?, contract, Told::Trusted),
            None => (own()?, Contract::PLAIN, Told::Waiting),
        },
    };
    let venue = &feed.venue;
    match &told {
        Told::NotTrading(word) => {
            tracing::warn!(%venue, %instrument, symbol, word, "listed, but does not trade now: it starts halted");
        }
        Told::Waiting | Told::Gone => {
            tracing::warn!(%venue, %instrument, "not listed, as far as is known: it starts suspect and waits for the venue's list");
        }
        Told::Trusted | Told::Trading => {}
    }
    let wanted = Wanted { instrument: instrument.clone(), symbol, entities: feed.entities.clone() };
    Ok(Placed { wanted, contract, told })
}

/// Streams of what is not listed wait until it is, and so do those that only such instruments name: a venue may refuse a whole request
/// for one name.
fn hold_back(venue: &dyn VenueProtocol, placed: &[Placed], sessions: &mut [SessionPlan]) {
    let waits = |placed: &&Placed| placed.told == Told::Waiting;
    if !placed.iter().any(|placed| waits(&placed)) {
        return;
    }
    let listed = placed.iter().filter(|placed| !waits(placed));
    let shared: Vec<Stream> = listed.flat_map(|placed| venue.companions(&placed.wanted.symbol)).collect();
    for plan in sessions.iter_mut().flat_map(|session| &mut session.streams) {
        let of = plan.subscriptions.first().and_then(|first| placed.get(first.instrument.0 as usize));
        let is_held = match of {
            Some(of) => of.told == Told::Waiting,
            None => !shared.contains(&plan.stream),
        };
        if is_held {
            plan.start = Start::Listed;
        }
    }
}

fn spec(
    venue: &dyn VenueProtocol,
    feed: &FeedSettings,
    contract: Contract,
    slots: Vec<(Entity, SlotId)>,
    sessions: Vec<(Channel, SessionId)>,
) -> InstrumentSpec {
    let depth = feed.depth as usize;
    let rules = MarketRules {
        book: venue.book_rules(depth),
        price_from: feed.price_from,
        ticker_top: venue.ticker_top(feed.price_from),
        contract,
    };
    InstrumentSpec { slots, depth, sessions, rules }
}

/// The venues' defaults, for the configuration.
#[must_use]
pub fn venue_defaults() -> Vec<crate::config::VenueDefaults> {
    feed::venues().iter().map(|venue| defaults_of(*venue)).collect()
}

fn defaults_of(venue: &dyn VenueProtocol) -> crate::config::VenueDefaults {
    let defaults = venue.defaults();
    let largest = venue.snapshot_call("", usize::MAX).map_or(5, |(call, _)| call.weight);
    crate::config::VenueDefaults {
        name: defaults.name,
        websocket_url: defaults.channel(Channel::Quote).websocket_url,
        volume_websocket_url: defaults.channel(Channel::Volume).websocket_url,
        channels: defaults.channels.map(|channel| channel.name),
        prices_from: defaults.prices_from,
        session_max_s: defaults.session_max.map_or(0, |max| u32::try_from(max.as_secs()).unwrap_or(u32::MAX)),
        rest_url: defaults.rest_url,
        depth_max: u32::try_from(defaults.depth_max).unwrap_or(u32::MAX),
        // Half of what the venue grants: other programs behind the same address need some, too.
        rest_weight_per_minute: defaults.rest_weight_per_minute / 2,
        // The largest snapshot must fit.
        rest_weight_per_minute_range: largest..=defaults.rest_weight_per_minute,
        symbols: VenueSymbols(|name, instrument| match feed::venue(name) {
            Some(venue) => venue.symbol(instrument).map_err(|error| error.reason),
            None => Err(format!("no venue {name}")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::load(text, "test", std::iter::empty(), &venue_defaults()).unwrap()
    }

    fn placed(text: &str) -> Vec<(String, String, Told)> {
        let settings = settings(text);
        let feed = &settings.feeds[0];
        let venue = feed::venue(feed.venue.as_str()).unwrap();
        let place = |instrument| place(venue, feed, instrument, &Listings::default()).unwrap();
        let all = feed.instruments.iter().map(place);
        all.map(|one| (one.wanted.symbol, one.contract.size.to_string(), one.told)).collect()
    }

    /// What a contract of OKX is worth only its list knows, but for some; the others wait for it.
    #[test]
    fn without_a_list_an_instrument_is_taken_on_trust_or_waits() {
        let feed = "[[feed]]\nvenue = \"okx\"\ninstruments = [\"BTC-USDT-PERP\", \"DOGE-USDT-PERP\", \"XP-USD-PERP\"]\n\
                    [[alias]]\nvenue = \"okx\"\nsymbol = \"BTC-USD_UM_XPERP-310404\"\ninstrument = \"XP-USD-PERP\"\n";
        let own = |symbol: &str, size: &str, told| (symbol.to_owned(), size.to_owned(), told);
        assert_eq!(
            placed(feed),
            [
                own("BTC-USDT-SWAP", "0.01", Told::Trusted),
                own("DOGE-USDT-SWAP", "1", Told::Waiting),
                own("BTC-USD_UM_XPERP-310404", "1", Told::Waiting),
            ]
        );
        let alias = "[[feed]]\nvenue = \"hyperliquid\"\ninstruments = [\"TSLA-USDC-PERP\"]\n\
                     [[alias]]\nvenue = \"hyperliquid\"\nsymbol = \"xyz:TSLA\"\ninstrument = \"TSLA-USDC-PERP\"\nmultiplier = 10\n";
        assert_eq!(placed(alias), [own("xyz:TSLA", "10", Told::Trusted)]);
    }

    #[test]
    fn streams_of_what_is_not_listed_wait_and_so_do_companions_that_only_they_name() {
        let text = "[[feed]]\nvenue = \"coinbase\"\ninstruments = [\"BTC-USD\", \"OLD-USD\"]\n";
        let settings = settings(text);
        let feed = &settings.feeds[0];
        let venue = feed::venue("coinbase").unwrap();
        let mut placed: Vec<Placed> = feed
            .instruments
            .iter()
            .map(|one| place(venue, feed, one, &Listings::default()).unwrap())
            .collect();
        placed[1].told = Told::Waiting;
        let wanted: Vec<Wanted> = placed.iter().map(|placed| placed.wanted.clone()).collect();
        let mut sessions = feed::sessions(venue, &wanted, &setup(feed));
        hold_back(venue, &placed, &mut sessions);
        for stream in sessions.iter().flat_map(|session| &session.streams) {
            let expected = if stream.stream.topic.contains("OLD") { Start::Listed } else { Start::Connected };
            assert_eq!(stream.start, expected, "{stream:?}");
        }
        let topics = sessions.iter().flat_map(|session| &session.streams).map(|plan| &plan.stream.topic);
        assert!(topics.filter(|topic| topic.as_str() == "heartbeat:OLD-USD").count() > 0);
    }
}
