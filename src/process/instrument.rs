//! The three values of one instrument, which share scales and confirm each other.
//!
//! Owns one key for each entity that is configured; what events do to them is `intake`'s, what time does is `attention`'s. Never talks
//! to the venue: what it wants goes into the list of
//! requests that the caller passes in.

use super::depth_sync::Checksums;
use super::key::{AnyKey, Key};
use super::liquidity::{Arrival, LiquidityKey, Wish};
use super::outlet::{Outlet, Told};
use super::price::PriceKey;
use super::tally::Tally;
use super::volume::VolumeKey;
use super::witness::Witness;
use crate::domain::{
    Channel, Contract, EntityDurations, EventPolicy, InstrumentId, LiquidityRecord, MarketRules, Now,
    PriceFrom, PriceRecord, Quote, Reason, Request, Scales, SlotId, Stamp, State, Subscription, TickerTop,
    VolumeRecord,
};

/// The window of figures that are not known yet: every venue of ours has 24 hours.
const WINDOW_S: u32 = 86_400;

/// The keys of an instrument; `None` = not configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slots {
    /// Of the `price` key.
    pub price: Option<SlotId>,
    /// Of the `liquidity` key.
    pub liquidity: Option<SlotId>,
    /// Of the `volume` key.
    pub volume: Option<SlotId>,
}

#[derive(Debug)]
pub(super) struct InstrumentState {
    id: InstrumentId,
    rules: MarketRules,
    pub(super) scales: Scales,
    pub(super) price: Option<PriceKey>,
    pub(super) liquidity: Option<LiquidityKey>,
    pub(super) volume: Option<VolumeKey>,
    pub(super) witness: Option<Witness>,
    pub(super) tally: Tally,
    /// Price and book are so far apart that one of them is absurd.
    pub(super) tops_are_far: bool,
}

/// What every call hands on: where values go, what is wanted of the venue, when the session was last heard.
pub(super) struct Context<'a> {
    pub(super) now: Now,
    pub(super) heard: Option<Now>,
    /// Why what came in is not to be trusted although it is in order.
    pub(super) doubt: Reason,
    pub(super) out: Outlet<'a>,
    pub(super) requests: &'a mut dyn FnMut(Request),
    /// Counts the stamps of the venue that cannot be meant.
    pub(super) absurd_stamps: &'a mut u64,
}

impl Context<'_> {
    pub(super) const fn arrival(&self) -> Arrival {
        Arrival { received: self.now, doubt: self.doubt, beside_book: false }
    }
}

impl InstrumentState {
    pub(super) fn new(
        id: InstrumentId,
        slots: Slots,
        depth: usize,
        rules: MarketRules,
        silence: EntityDurations,
        now: Now,
    ) -> Self {
        let stamp = Stamp::connecting(now.wall.received());
        let scales = Scales::default();
        let size_unit = rules.contract.unit;
        // A price that is made from the book needs one, whether or not it is published.
        let needs_book = slots.price.is_some() && rules.price_from == PriceFrom::Book;
        Self {
            id,
            rules,
            scales,
            price: slots.price.map(|slot| {
                let record = PriceRecord { size_unit, ..PriceRecord::unknown(stamp, scales) };
                PriceKey::new(Key::new(Some(slot), record, silence.price), rules.price_from)
            }),
            liquidity: (needs_book || slots.liquidity.is_some()).then(|| {
                let record = LiquidityRecord { size_unit, ..LiquidityRecord::unknown(stamp, scales) };
                let key = Key::new(slots.liquidity, record, silence.liquidity);
                LiquidityKey::new(key, depth, rules.book, rules.contract)
            }),
            volume: slots.volume.map(|slot| {
                let record = VolumeRecord::unknown(stamp, WINDOW_S);
                VolumeKey { key: Key::new(Some(slot), record, silence.volume) }
            }),
            witness: (rules.ticker_top == TickerTop::Witness).then(Witness::default),
            tally: Tally::default(),
            tops_are_far: false,
        }
    }

    /// Publishes every key as it is.
    pub(super) fn announce(&mut self, now: Now, out: &mut Outlet<'_>) {
        self.keys().into_iter().flatten().for_each(|key| key.announce(now, out));
    }

    /// Publishes every key as it is, ahead of other values, tells who wanted that, and asks the venue whether they stand. An
    /// instrument that is invalidated more often than it may tell asks the venue no more either.
    pub(super) fn invalidate(&mut self, who: &str, why: &str, context: &mut Context<'_>) {
        let mut dropped = true;
        for key in self.keys().into_iter().flatten() {
            dropped &= key.invalidate(who, why, context.now, &mut context.out) == Told::Dropped;
        }
        if dropped {
            return;
        }
        // An answer confirms the value; before the subscription has delivered it would vouch for that, too.
        if self.price.as_ref().is_some_and(|price| price.key.liveness.has_delivered()) {
            (context.requests)(Request::ConfirmQuote(self.id));
        }
        let wish = self.liquidity.as_mut().map(|liquidity| liquidity.ask_again(context.now.mono));
        self.wish(wish.unwrap_or(Wish::Nothing), context);
    }

    pub(super) fn wish(&self, wish: Wish, context: &mut Context<'_>) {
        match wish {
            Wish::Nothing => {}
            Wish::Snapshot(reach) => (context.requests)(Request::Snapshot(self.id, reach)),
            Wish::Image => (context.requests)(Request::Resubscribe(self.subscription(Channel::Depth))),
        }
    }

    /// Moves the stamps of this machine's clock by so many nanoseconds.
    pub(super) fn shift(&mut self, nanos: i64) {
        if let Some(price) = &mut self.price {
            price.shift(nanos);
        }
        if let Some(liquidity) = &mut self.liquidity {
            liquidity.key.shift(nanos);
        }
        if let Some(volume) = &mut self.volume {
            volume.key.shift(nanos);
        }
    }

    /// How many checksums came with the book, and how many held.
    pub(super) fn checksums(&self) -> Checksums {
        self.liquidity.as_ref().map(LiquidityKey::checksums).unwrap_or_default()
    }

    /// Live values, as they stand, are what later ones are compared with.
    pub(super) fn renew(&mut self, policy: &EventPolicy) {
        self.keys().into_iter().flatten().for_each(|key| key.renew(policy));
    }

    pub(super) const fn id(&self) -> InstrumentId {
        self.id
    }

    pub(super) const fn rules(&self) -> &MarketRules {
        &self.rules
    }

    /// What the venue's units are, where nothing has come yet that is counted in others; says whether it is so.
    pub(super) fn set_contract(&mut self, contract: Contract) -> bool {
        if self.rules.contract == contract {
            return true;
        }
        if self.keys().into_iter().flatten().any(|key| key.has_delivered()) {
            return false;
        }
        self.rules.contract = contract;
        if let Some(price) = &mut self.price {
            price.key.record.size_unit = contract.unit;
        }
        if let Some(liquidity) = &mut self.liquidity {
            liquidity.set_contract(contract);
        }
        true
    }

    /// The state of each key.
    pub(super) fn states(&self) -> impl Iterator<Item = State> {
        self.stamps().map(|stamp| stamp.state)
    }

    /// The reason of each key.
    pub(super) fn reasons(&self) -> impl Iterator<Item = Reason> {
        self.stamps().map(|stamp| stamp.reason)
    }

    fn stamps(&self) -> impl Iterator<Item = Stamp> {
        let price = self.price.as_ref().map(|price| price.key.record.stamp);
        let liquidity = self.liquidity.as_ref().filter(|liquidity| liquidity.key.is_published());
        let liquidity = liquidity.map(|liquidity| liquidity.key.record.stamp);
        let volume = self.volume.as_ref().map(|volume| volume.key.record.stamp);
        [price, liquidity, volume].into_iter().flatten()
    }

    /// What a channel feeds is not to be trusted, for this reason. A price that is made from the book falls with it.
    pub(super) fn fail(&mut self, channel: Channel, reason: Reason, now: Now, out: &mut Outlet<'_>) {
        if channel == Channel::Depth && self.rules.price_from == PriceFrom::Book {
            self.fail(Channel::Quote, reason, now, out);
        }
        if let Some(key) = self.key(channel) {
            key.fail(reason, now, out);
        }
    }

    /// What a channel feeds.
    pub(super) fn key(&mut self, channel: Channel) -> Option<&mut dyn AnyKey> {
        let [price, liquidity, volume] = self.keys();
        match channel {
            Channel::Quote => price,
            Channel::Depth => liquidity,
            Channel::Volume => volume,
            Channel::Trade => None,
        }
    }

    /// A channel's subscription starts anew: what it delivered before no longer vouches for it.
    pub(super) fn restart(&mut self, channel: Channel) {
        match channel {
            Channel::Quote => {
                if let Some(price) = &mut self.price {
                    price.restart();
                }
            }
            Channel::Depth => {
                if self.rules.price_from == PriceFrom::Book {
                    self.restart(Channel::Quote);
                }
                if let Some(liquidity) = &mut self.liquidity {
                    liquidity.restart();
                }
                if let Some(witness) = &mut self.witness {
                    witness.restart();
                }
            }
            Channel::Volume => {
                if let Some(volume) = &mut self.volume {
                    volume.key.restart();
                }
            }
            Channel::Trade => self.tally.restart(),
        }
    }

    pub(super) fn raise_for_quote(&mut self, quote: &Quote) {
        let mut scales = self.scales;
        for level in [quote.bid, quote.ask].into_iter().flatten() {
            scales = scales.raised_for(level.price.scale, level.size.scale);
        }
        self.raise(scales);
    }

    /// Takes every key of the instrument to finer scales.
    pub(super) fn raise(&mut self, scales: Scales) {
        if scales == self.scales {
            return;
        }
        self.scales = scales;
        if let Some(price) = &mut self.price {
            price.rescale(scales);
        }
        if let Some(liquidity) = &mut self.liquidity {
            liquidity.rescale(scales);
        }
        if let Some(volume) = &mut self.volume {
            volume.rescale(scales);
        }
    }

    /// Price, liquidity, volume.
    pub(super) fn keys(&mut self) -> [Option<&mut dyn AnyKey>; 3] {
        [
            self.price.as_mut().map(|price| &mut price.key as &mut dyn AnyKey),
            self.liquidity.as_mut().map(|liquidity| &mut liquidity.key as &mut dyn AnyKey),
            self.volume.as_mut().map(|volume| &mut volume.key as &mut dyn AnyKey),
        ]
    }

    pub(super) const fn subscription(&self, channel: Channel) -> Subscription {
        Subscription { instrument: self.id, channel }
    }
}
