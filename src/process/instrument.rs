//! The three values of one instrument, which share scales and confirm each other.
//!
//! Owns one key for each entity that is configured. Never talks to the venue: what it wants goes into the list of
//! requests that the caller passes in.

use super::book::Book;
use super::depth_sync::Progress;
use super::key::{AnyKey, Key};
use super::liquidity::{LiquidityKey, Wish};
use super::liveness::Silence;
use super::outlet::{Outlet, Told};
use super::price::{PriceKey, QuoteOutcome};
use super::volume::{self, VolumeKey};
use crate::domain::{
    Channel, DepthDelta, EntityDurations, EventPolicy, InstrumentId, LiquidityRecord, MarketEvent, Now,
    NumberError, PriceLevel, PriceRecord, Quote, Reason, Request, Scales, Side, SlotId, Stamp, State,
    Subscription, Trade, VolumeFigures, VolumeRecord,
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

/// What became of an event, for the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Taken,
    /// Known already, or waiting for a snapshot.
    Ignored,
    Gap,
    Unusable(NumberError),
}

#[derive(Debug)]
pub(super) struct InstrumentState {
    id: InstrumentId,
    scales: Scales,
    pub(super) price: Option<PriceKey>,
    pub(super) liquidity: Option<LiquidityKey>,
    pub(super) volume: Option<VolumeKey>,
}

/// What every call hands on: where values go, what is wanted of the venue, when the session was last heard.
pub(super) struct Context<'a> {
    pub(super) now: Now,
    pub(super) heard: Option<Now>,
    pub(super) out: Outlet<'a>,
    pub(super) requests: &'a mut dyn FnMut(Request),
}

impl InstrumentState {
    pub(super) fn new(
        id: InstrumentId,
        slots: Slots,
        depth: usize,
        silence: EntityDurations,
        now: Now,
    ) -> Self {
        let stamp = Stamp::connecting(now.wall.received());
        let scales = Scales::default();
        Self {
            id,
            scales,
            price: slots.price.map(|slot| {
                let record = PriceRecord::unknown(stamp, scales);
                PriceKey::new(Key::new(slot, record, silence.price))
            }),
            liquidity: slots.liquidity.map(|slot| {
                let record = LiquidityRecord::unknown(stamp, scales);
                LiquidityKey::new(Key::new(slot, record, silence.liquidity), depth)
            }),
            volume: slots.volume.map(|slot| {
                let record = VolumeRecord::unknown(stamp, WINDOW_S);
                VolumeKey { key: Key::new(slot, record, silence.volume) }
            }),
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
        if wish == Some(Wish::Snapshot) {
            (context.requests)(Request::Snapshot(self.id));
        }
    }

    /// Live values, as they stand, are what later ones are compared with.
    pub(super) fn renew(&mut self, policy: &EventPolicy) {
        self.keys().into_iter().flatten().for_each(|key| key.renew(policy));
    }

    pub(super) const fn id(&self) -> InstrumentId {
        self.id
    }

    /// The state of each key.
    pub(super) fn states(&self) -> impl Iterator<Item = State> {
        let price = self.price.as_ref().map(|price| price.key.record.stamp.state);
        let liquidity = self.liquidity.as_ref().map(|liquidity| liquidity.key.record.stamp.state);
        let volume = self.volume.as_ref().map(|volume| volume.key.record.stamp.state);
        [price, liquidity, volume].into_iter().flatten()
    }

    pub(super) fn event(&mut self, event: &MarketEvent<'_>, context: &mut Context<'_>) -> Outcome {
        match event {
            MarketEvent::Quote(quote) => self.quote(quote, context),
            MarketEvent::Trade(trade) => self.trade(trade, context),
            MarketEvent::Depth(delta) => self.depth(delta, context),
            MarketEvent::Volume(figures) => self.figures(figures, context),
        }
    }

    fn quote(&mut self, quote: &Quote, context: &mut Context<'_>) -> Outcome {
        self.raise_for_quote(quote);
        let Some(price) = &mut self.price else { return Outcome::Ignored };
        match price.quote(quote, context.now, &mut context.out) {
            Ok(QuoteOutcome::Taken) => Outcome::Taken,
            Ok(QuoteOutcome::Old) => Outcome::Ignored,
            Ok(QuoteOutcome::Stuck) => {
                price.restart();
                price.key.fail(Reason::SequenceGap, context.now, &mut context.out);
                (context.requests)(Request::Resubscribe(self.subscription(Channel::Quote)));
                Outcome::Gap
            }
            Err(error) => {
                // The venue has moved on to a price that cannot be told: the old one is not the newest.
                price.key.fail(Reason::SequenceGap, context.now, &mut context.out);
                Outcome::Unusable(error)
            }
        }
    }

    fn trade(&mut self, trade: &Trade, context: &mut Context<'_>) -> Outcome {
        self.raise(self.scales.raised_for(trade.price.scale, trade.size.scale));
        let Some(price) = &mut self.price else { return Outcome::Ignored };
        match price.trade(trade, context.now, context.heard, &mut context.out) {
            Ok(()) => Outcome::Taken,
            Err(error) => Outcome::Unusable(error),
        }
    }

    fn depth(&mut self, delta: &DepthDelta<'_>, context: &mut Context<'_>) -> Outcome {
        let Some(liquidity) = &mut self.liquidity else { return Outcome::Ignored };
        let (progress, wish) = liquidity.delta(delta, context.now, &mut context.out);
        self.follow(progress, wish, context)
    }

    pub(super) fn snapshot(&mut self, book: Book, context: &mut Context<'_>) -> Outcome {
        let Some(liquidity) = &mut self.liquidity else { return Outcome::Ignored };
        let (progress, wish) = liquidity.snapshot(book, context.now, &mut context.out);
        self.follow(progress, wish, context)
    }

    fn follow(&mut self, progress: Progress, wish: Wish, context: &mut Context<'_>) -> Outcome {
        if wish == Wish::Snapshot {
            (context.requests)(Request::Snapshot(self.id));
        }
        if let Some(scales) = self.liquidity.as_ref().map(|liquidity| liquidity.book().scales()) {
            self.raise(self.scales.raised_for(scales.price, scales.size));
        }
        match progress {
            Progress::Applied => Outcome::Taken,
            Progress::Covered | Progress::Buffered | Progress::SnapshotTooOld => Outcome::Ignored,
            Progress::Gap => Outcome::Gap,
            Progress::Unusable(error) => Outcome::Unusable(error),
        }
    }

    fn figures(&mut self, figures: &VolumeFigures, context: &mut Context<'_>) -> Outcome {
        let (price, size) = volume::scales_of(figures);
        self.raise(self.scales.raised_for(price, size));
        let Some(volume) = &mut self.volume else { return Outcome::Ignored };
        match volume.figures(figures, context.now, &mut context.out) {
            Ok(()) => Outcome::Taken,
            Err(error) => Outcome::Unusable(error),
        }
    }

    /// A top of book that the venue gave by another way than the subscription.
    pub(super) fn confirm_quote(&mut self, quote: &Quote, context: &mut Context<'_>) {
        self.raise_for_quote(quote);
        let Some(price) = &mut self.price else { return };
        if price.shows(quote) {
            price.key.confirmed(context.now, &mut context.out);
        } else {
            price.key.liveness.contradicted();
        }
    }

    /// What a channel feeds is not to be trusted, for this reason.
    pub(super) fn fail(&mut self, channel: Channel, reason: Reason, now: Now, out: &mut Outlet<'_>) {
        let [price, liquidity, volume] = self.keys();
        let key = match channel {
            Channel::Quote => price,
            Channel::Depth => liquidity,
            Channel::Volume => volume,
            Channel::Trade => None,
        };
        if let Some(key) = key {
            key.fail(reason, now, out);
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
                if let Some(liquidity) = &mut self.liquidity {
                    liquidity.restart();
                }
            }
            Channel::Volume => {
                if let Some(volume) = &mut self.volume {
                    volume.key.restart();
                }
            }
            Channel::Trade => {}
        }
    }

    /// Confirms what is quiet, doubts what is too quiet. `heard(channel)` = the last frame of the channel's session.
    pub(super) fn tick(&mut self, heard: &dyn Fn(Channel) -> Option<Now>, context: &mut Context<'_>) {
        self.cross_confirm(heard, context);
        let (id, now) = (self.id, context.now);
        let mut dead = None;
        if let Some(price) = &mut self.price {
            match price.key.liveness.assess(now.mono) {
                Silence::Probe => (context.requests)(Request::ConfirmQuote(id)),
                Silence::Unconfirmed => {
                    price.key.fail(Reason::Silent, now, &mut context.out);
                    (context.requests)(Request::ConfirmQuote(id));
                }
                Silence::Dead => dead = Some(Channel::Quote),
                Silence::NotDelivering | Silence::Within | Silence::Probing => {}
            }
            price.key.confirm_if_due(now, heard(Channel::Quote), &mut context.out);
        }
        dead = dead.or(self.tick_liquidity(heard(Channel::Depth), context));
        if let Some(volume) = &mut self.volume {
            match volume.key.liveness.assess(now.mono) {
                Silence::Unconfirmed | Silence::Dead => {
                    volume.key.fail(Reason::Silent, now, &mut context.out)
                }
                Silence::Probe | Silence::NotDelivering | Silence::Within | Silence::Probing => {}
            }
            volume.key.confirm_if_due(now, heard(Channel::Volume), &mut context.out);
        }
        if let Some(channel) = dead {
            self.fail(channel, Reason::Silent, now, &mut context.out);
            self.restart(channel);
            (context.requests)(Request::Resubscribe(self.subscription(channel)));
        }
    }

    fn tick_liquidity(&mut self, heard: Option<Now>, context: &mut Context<'_>) -> Option<Channel> {
        let liquidity = self.liquidity.as_mut()?;
        let now = context.now;
        let mut dead = None;
        let wish = match liquidity.key.liveness.assess(now.mono) {
            Silence::Probe => liquidity.ask(now.mono),
            Silence::Unconfirmed => {
                liquidity.key.fail(Reason::Silent, now, &mut context.out);
                liquidity.ask(now.mono)
            }
            Silence::Dead => {
                dead = Some(Channel::Depth);
                Wish::Nothing
            }
            Silence::NotDelivering | Silence::Within | Silence::Probing => liquidity.wish(now.mono),
        };
        if wish == Wish::Snapshot {
            (context.requests)(Request::Snapshot(self.id));
        }
        liquidity.key.confirm_if_due(now, heard, &mut context.out);
        dead
    }

    /// Top of book and book are two channels that say the same. Where one is quiet beyond its threshold and the other is
    /// not, the other decides.
    fn cross_confirm(&mut self, heard: &dyn Fn(Channel) -> Option<Now>, context: &mut Context<'_>) {
        let (Some(price), Some(liquidity)) = (&mut self.price, &mut self.liquidity) else { return };
        let now = context.now.mono;
        let (top, book) = (price.key.liveness.is_within(now), liquidity.key.liveness.is_within(now));
        if top == book || !price.key.liveness.has_delivered() || !liquidity.key.liveness.has_delivered() {
            return;
        }
        let agrees = |side, level: Option<PriceLevel>| {
            level.map(|level| level.price) == liquidity.book().best(side).map(|level| level.price)
        };
        if !agrees(Side::Buy, price.record().bid) || !agrees(Side::Sell, price.record().ask) {
            return;
        }
        if let Some(heard) = heard(Channel::Depth).filter(|_| book && liquidity.key.is_live()) {
            price.key.confirmed(heard, &mut context.out);
        }
        if let Some(heard) = heard(Channel::Quote).filter(|_| top && price.key.is_live()) {
            liquidity.confirm_if_current(price.record().venue_sequence, heard, &mut context.out);
        }
    }

    fn raise_for_quote(&mut self, quote: &Quote) {
        let mut scales = self.scales;
        for level in [quote.bid, quote.ask].into_iter().flatten() {
            scales = scales.raised_for(level.price.scale, level.size.scale);
        }
        self.raise(scales);
    }

    /// Takes every key of the instrument to finer scales.
    fn raise(&mut self, scales: Scales) {
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
    fn keys(&mut self) -> [Option<&mut dyn AnyKey>; 3] {
        [
            self.price.as_mut().map(|price| &mut price.key as &mut dyn AnyKey),
            self.liquidity.as_mut().map(|liquidity| &mut liquidity.key as &mut dyn AnyKey),
            self.volume.as_mut().map(|volume| &mut volume.key as &mut dyn AnyKey),
        ]
    }

    const fn subscription(&self, channel: Channel) -> Subscription {
        Subscription { instrument: self.id, channel }
    }
}
