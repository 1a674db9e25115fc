//! What is done for an instrument without an event: confirm what is quiet, doubt what is too quiet.
//!
//! Owns the rules by which the values of an instrument, and the venue's other answers, vouch for each other. Never decides what a
//! value is.

use std::time::Duration;

use super::contract;
use super::depth_sync::Progress;
use super::instrument::{Context, InstrumentState};
use super::intake::Outcome;
use super::key::AnyKey;
use super::liquidity::Wish;
use super::liveness::{Remedy, Silence};
use super::outlet::Outlet;
use super::witness::{Claim, Verdict};
use crate::domain::{
    Anchor, Channel, MonoTime, Now, PriceFrom, PriceLevel, Quote, RawLevel, Reason, Request, Side, TickerTop,
    Top, Trade, Trading, VenueSequence,
};

/// The shortest and the longest time between two looks at an instrument.
const LOOK_MIN: Duration = Duration::from_millis(50);
const LOOK_MAX: Duration = Duration::from_millis(800);

impl InstrumentState {
    /// Confirms what is quiet, doubts what is too quiet. `heard(channel)` = the last frame of the channel's session.
    pub(super) fn tick(&mut self, heard: &dyn Fn(Channel) -> Option<Now>, context: &mut Context<'_>) {
        self.cross_confirm(context);
        let price = self.tick_price(heard, context);
        let liquidity = self.tick_liquidity(heard(Channel::Depth), context);
        self.tick_volume(heard(Channel::Volume), context);
        self.tick_witness(context);
        self.tick_unreadable(context);
        for (channel, silence) in [(Channel::Quote, price), (Channel::Depth, liquidity)] {
            if silence == Silence::Dead {
                self.fail(channel, Reason::Silent, context.now, &mut context.out);
                self.restart(channel);
            }
            if matches!(silence, Silence::Dead | Silence::Unconfirmed(Remedy::Resubscribe)) {
                (context.requests)(Request::Resubscribe(self.subscription(channel)));
            }
        }
    }

    /// When [`Self::tick`] has something to do again: a key must be confirmed, its silence passes its threshold, or it is not live.
    pub(super) fn next_look(&self, now: MonoTime) -> MonoTime {
        let price = self.price.as_ref().and_then(|price| price.key.next_look(now));
        let liquidity = self.liquidity.as_ref().and_then(|liquidity| liquidity.key.next_look(now));
        let volume = self.volume.as_ref().and_then(|volume| volume.key.next_look(now));
        // What was heard is judged a while after it came, step by step.
        let witness = self.witness.is_some().then_some(now);
        let first = [price, liquidity, volume, witness].into_iter().flatten().min();
        first.unwrap_or(now.after(LOOK_MAX)).clamp(now.after(LOOK_MIN), now.after(LOOK_MAX))
    }

    fn tick_price(&mut self, heard: &dyn Fn(Channel) -> Option<Now>, context: &mut Context<'_>) -> Silence {
        let (id, now) = (self.id(), context.now);
        let Some(price) = &mut self.price else { return Silence::NotDelivering };
        // A price that is made from the book is probed with it.
        let silence = match price.source {
            PriceFrom::Bbo => price.key.liveness.assess(now.mono),
            PriceFrom::Book => Silence::NotDelivering,
        };
        match silence {
            Silence::Probe => (context.requests)(Request::ConfirmQuote(id)),
            Silence::Unconfirmed(_) => {
                price.key.fail(Reason::Silent, now, &mut context.out);
                (context.requests)(Request::ConfirmQuote(id));
            }
            Silence::NotDelivering | Silence::Within | Silence::Probing | Silence::Dead => {}
        }
        price.key.confirm_if_due(now, heard(Channel::Quote), &mut context.out);
        silence
    }

    fn tick_liquidity(&mut self, heard: Option<Now>, context: &mut Context<'_>) -> Silence {
        let (id, now) = (self.id(), context.now);
        let Some(liquidity) = &mut self.liquidity else { return Silence::NotDelivering };
        let silence = liquidity.key.liveness.assess(now.mono);
        if matches!(silence, Silence::Unconfirmed(_)) {
            self.fail(Channel::Depth, Reason::Silent, now, &mut context.out);
        }
        let Some(liquidity) = &mut self.liquidity else { return silence };
        let wish = match (silence, liquidity.anchor()) {
            // It is asked for anew as often as frames that were not understood let it.
            _ if liquidity.key.unreadable.is_void() => liquidity.wish(now.mono),
            (Silence::Probe | Silence::Unconfirmed(_), Anchor::Rest) => liquidity.ask(now.mono),
            (Silence::Probe | Silence::Unconfirmed(_), Anchor::Stream) => {
                (context.requests)(Request::ConfirmQuote(id));
                Wish::Nothing
            }
            (Silence::Dead, _) => Wish::Nothing,
            (Silence::NotDelivering | Silence::Within | Silence::Probing, _) => liquidity.wish(now.mono),
        };
        liquidity.key.confirm_if_due(now, heard, &mut context.out);
        self.wish(wish, context);
        silence
    }

    fn tick_volume(&mut self, heard: Option<Now>, context: &mut Context<'_>) {
        let (now, subscription) = (context.now, self.subscription(Channel::Volume));
        let Some(volume) = &mut self.volume else { return };
        let silence = volume.key.liveness.assess(now.mono);
        if matches!(silence, Silence::Unconfirmed(_) | Silence::Dead) {
            volume.key.fail(Reason::Silent, now, &mut context.out);
        }
        volume.key.confirm_if_due(now, heard, &mut context.out);
        // What brings the price, too, is asked about with that.
        if self.rules().ticker_top == TickerTop::Price {
            return;
        }
        let Some(volume) = &self.volume else { return };
        // Nothing else tells the figures. They change with each trade: where there was one, it is not the market that is quiet.
        let traded = self.price.as_ref().and_then(|price| price.record().last?.receive_time);
        let lacks_trades = traded.is_some_and(|traded| traded > volume.key.record.stamp.receive_time);
        if lacks_trades && silence == Silence::Unconfirmed(Remedy::Resubscribe) {
            (context.requests)(Request::Resubscribe(subscription));
        }
    }

    /// What was not understood is asked for anew as often as that helps; what is whole again is believed once its probation is over.
    fn tick_unreadable(&mut self, context: &mut Context<'_>) {
        let now = context.now;
        for channel in [Channel::Quote, Channel::Volume] {
            self.begin_anew(channel, context);
        }
        if let Some(price) = &mut self.price {
            price.key.settle(now, &mut context.out);
        }
        if let Some(liquidity) = &mut self.liquidity {
            liquidity.key.settle(now, &mut context.out);
        }
        if let Some(volume) = &mut self.volume {
            volume.key.settle(now, &mut context.out);
        }
    }

    /// Asks for a channel's subscription to be made anew where a frame of it was not understood, and for what the venue says by
    /// another way: not every subscription begins with the value.
    pub(super) fn begin_anew(&mut self, channel: Channel, context: &mut Context<'_>) {
        let now = context.now.mono;
        let anew = Request::Resubscribe(self.subscription(channel));
        match channel {
            Channel::Quote => {
                let id = self.id();
                // A price that is made from the book begins anew with that.
                let own = self.price.as_mut().filter(|price| price.source == PriceFrom::Bbo);
                let Some(unreadable) = own.map(|price| &mut price.key.unreadable) else { return };
                // Mostly the next quote says all anew, and a subscription that is made anew may be silent for long: only where that was
                // not so.
                let is_unheard = unreadable.is_unheard();
                if unreadable.ask(now) {
                    if is_unheard {
                        (context.requests)(anew);
                    }
                    (context.requests)(Request::ConfirmQuote(id));
                }
            }
            Channel::Volume => {
                if self.volume.as_mut().is_some_and(|volume| volume.key.unreadable.ask(now)) {
                    (context.requests)(anew);
                }
            }
            Channel::Depth | Channel::Trade => {}
        }
    }

    /// Top of book and book are two channels that say the same. Where one is quiet beyond its threshold and the other is
    /// not, the other decides: as of its own newest data, for two values from one stalled source know nothing of each other.
    fn cross_confirm(&mut self, context: &mut Context<'_>) {
        let contract = self.rules().contract;
        let (Some(price), Some(liquidity)) = (&mut self.price, &mut self.liquidity) else { return };
        let now = context.now.mono;
        let (top, book) = (price.key.liveness.is_within(now), liquidity.key.liveness.is_within(now));
        if price.source == PriceFrom::Book || !contract.is_plain() {
            return;
        }
        if top == book || !price.key.liveness.has_delivered() || !liquidity.key.liveness.has_delivered() {
            return;
        }
        let agrees = |side, level: Option<PriceLevel>| {
            level.map(|level| level.price) == liquidity.book().best(side).map(|level| level.price)
        };
        if !agrees(Side::Buy, price.record().bid) || !agrees(Side::Sell, price.record().ask) {
            return;
        }
        let by_book = liquidity.key.liveness.newer_than(&price.key.liveness);
        if let Some(data) = by_book.filter(|_| book && liquidity.key.is_right()) {
            price.key.confirmed(data, &mut context.out);
        }
        // Only there do the two channels count by the same ids.
        if liquidity.anchor() == Anchor::Rest
            && let Some(data) = price.key.liveness.newer_than(&liquidity.key.liveness)
            && top
            && price.key.is_right()
        {
            liquidity.confirm_if_current(price.record().venue_sequence, data, &mut context.out);
        }
    }

    /// A top of book that the venue gave by another way than the subscription.
    pub(super) fn confirm_quote(&mut self, quote: &Quote, asked: MonoTime, context: &mut Context<'_>) {
        let now = context.now;
        let Ok(ours) = contract::quote(&self.rules().contract, quote) else { return };
        self.raise_for_quote(&ours);
        if let Some(liquidity) = self.liquidity.as_mut().filter(|one| one.anchor() == Anchor::Stream) {
            if !liquidity.key.unreadable.is_known_at(asked) {
                // The venue was asked before what was not understood.
            } else if liquidity.shows(quote) {
                liquidity.key.confirmed(now, &mut context.out);
            } else {
                liquidity.key.liveness.contradicted();
            }
        }
        let Some(price) = &mut self.price else { return };
        if !price.key.unreadable.is_known_at(asked) {
            return;
        }
        if price.shows(&ours) {
            price.confirmed(now, &mut context.out);
        } else {
            price.key.liveness.contradicted();
        }
    }

    /// The book has another top, or none any more.
    pub(super) fn show_top(&mut self, progress: Progress, now: Now) {
        let (Some(witness), Some(liquidity)) = (&mut self.witness, &self.liquidity) else { return };
        match progress {
            Progress::Applied | Progress::Unproved => witness.top(&liquidity.best(), now.mono),
            Progress::Covered
            | Progress::Repeated
            | Progress::Same
            | Progress::Buffered
            | Progress::Crossed
            | Progress::SnapshotTooOld => {}
            Progress::Gap | Progress::Mismatch | Progress::TimeWentBack | Progress::Unusable(_) => {
                witness.restart();
            }
        }
    }

    /// A ticker says what the top of book is.
    pub(super) fn hear_top(&mut self, top: &Top, now: Now) {
        let Some(witness) = &mut self.witness else { return };
        let price = |level: Option<RawLevel>| level.map(|level| level.price);
        let (claim, time) = match *top {
            Top::Quote(Quote { bid, ask, venue_time, .. }) => {
                (Claim::Top { bid: price(bid), ask: price(ask) }, venue_time)
            }
            Top::Prices { bid, ask, venue_time } => (Claim::Top { bid, ask }, venue_time),
        };
        witness.heard(claim, time, now.mono);
    }

    /// Somebody traded with the top of book. `trade` is in the venue's own units, as its book is.
    pub(super) fn hear_trade(&mut self, trade: &Trade, now: Now) {
        if let Some(witness) = &mut self.witness {
            let claim = Claim::Trade { price: trade.price, taker: trade.side };
            witness.heard(claim, trade.venue_time, now.mono);
        }
    }

    /// Whether the venue trades, as the session of a channel says.
    pub(super) fn trading(&mut self, channel: Channel, trading: Trading, now: Now, out: &mut Outlet<'_>) {
        if let Some(key) = self.key(channel) {
            key.trading(trading, now, out);
        }
    }

    /// Trades are missing: what the venue loses of one stream it may have lost of the other.
    pub(super) fn count_trades(&mut self, newest: VenueSequence, context: &mut Context<'_>) -> Outcome {
        if self.tally.count(newest) == Verdict::Standing {
            return Outcome::Ignored;
        }
        self.restart(Channel::Trade);
        (context.requests)(Request::Resubscribe(self.subscription(Channel::Trade)));
        self.contradict(context);
        Outcome::Gap
    }

    /// A book that trades and tickers contradict begins anew.
    fn tick_witness(&mut self, context: &mut Context<'_>) {
        let now = context.now;
        let (Some(witness), Some(liquidity)) = (&mut self.witness, &mut self.liquidity) else { return };
        if !liquidity.is_synced() {
            witness.restart();
        }
        if witness.judge(now.mono) == Verdict::Contradicted {
            self.contradict(context);
        }
    }

    /// The book is not to be trusted, and begins anew.
    pub(super) fn contradict(&mut self, context: &mut Context<'_>) {
        let now = context.now;
        if let Some(witness) = &mut self.witness {
            witness.restart();
        }
        let Some(liquidity) = &mut self.liquidity else { return };
        let wish = liquidity.doubt(Reason::SourcesDisagree, now, &mut context.out);
        if let Some(price) = self.price.as_mut().filter(|price| price.source == PriceFrom::Book) {
            price.restart();
            price.key.fail(Reason::SourcesDisagree, now, &mut context.out);
        }
        self.wish(wish, context);
    }
}
