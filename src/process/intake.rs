//! What an event does to the values of its instrument.
//!
//! Owns which value an event is for, and which of them change with it. Never decides what a value is: each key does.

use super::book::Book;
use super::contract;
use super::depth_sync::Progress;
use super::instrument::{Context, InstrumentState};
use super::key::AnyKey as _;
use super::liquidity::{self, LiquidityKey, Wish};
use super::price::QuoteOutcome;
use super::stamps;
use super::tally::Step;
use super::volume;
use crate::domain::{
    Channel, Coverage, MarketEvent, MonoTime, NumberError, PriceFrom, Quote, Reason, Request, Stamp, Ticker,
    TickerTop, Top, Trade, VolumeFigures,
};

/// What became of an event, for the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Taken,
    /// Known already, or waiting for a snapshot.
    Ignored,
    Gap,
    Mismatch,
    TimeWentBack,
    Unusable(NumberError),
}

impl InstrumentState {
    pub(super) fn event(&mut self, event: &MarketEvent<'_>, context: &mut Context<'_>) -> Outcome {
        match event {
            MarketEvent::Quote(quote) => self.quote(quote, PriceFrom::Bbo, context),
            MarketEvent::Trades(trades) => {
                let outcomes = trades.iter().map(|trade| self.trade(trade, context));
                outcomes.reduce(|_, last| last).unwrap_or(Outcome::Ignored)
            }
            MarketEvent::Depth(delta) => {
                let Some(liquidity) = &mut self.liquidity else { return Outcome::Ignored };
                let arrival = context.arrival();
                let (progress, wish) = liquidity.delta(delta, arrival, &mut context.out);
                self.follow(progress, wish, context)
            }
            MarketEvent::Book(image) => {
                let Some(liquidity) = &mut self.liquidity else { return Outcome::Ignored };
                let arrival = context.arrival();
                let (progress, wish) = liquidity.image(image, arrival, &mut context.out);
                self.follow(progress, wish, context)
            }
            MarketEvent::Volume(figures) => self.figures(figures, context),
            MarketEvent::Ticker(ticker) => self.ticker(ticker, context),
            MarketEvent::NewestTrade(number) => self.count_trades(*number, context),
        }
    }

    /// A ticker speaks of two values: what became of the price is what counts, where there is one.
    fn ticker(&mut self, ticker: &Ticker, context: &mut Context<'_>) -> Outcome {
        let figures = self.figures(&ticker.figures, context);
        self.hear_top(&ticker.top, context.now);
        match (self.rules().ticker_top, &ticker.top) {
            (TickerTop::Price, Top::Quote(top)) if self.price.is_some() => {
                self.quote(top, PriceFrom::Bbo, context)
            }
            (TickerTop::Price | TickerTop::Witness | TickerTop::Nothing, _) => figures,
        }
    }

    fn quote(&mut self, quote: &Quote, from: PriceFrom, context: &mut Context<'_>) -> Outcome {
        let quote = match contract::quote(&self.rules().contract, quote) {
            Ok(quote) => quote,
            Err(error) => return self.unusable(Channel::Quote, error, context),
        };
        self.raise_for_quote(&quote);
        let arrival = self.beside_book(&quote, from, context.arrival());
        let Some(price) = self.price.as_mut().filter(|price| price.source == from) else {
            return Outcome::Ignored;
        };
        match price.quote(&quote, arrival, &mut context.out) {
            Ok(QuoteOutcome::Taken) => {
                self.compare_tops(context);
                Outcome::Taken
            }
            Ok(QuoteOutcome::Same) => Outcome::Ignored,
            Ok(QuoteOutcome::Old) => {
                price.key.liveness.ignored();
                Outcome::Ignored
            }
            Ok(QuoteOutcome::TimeWentBack) => {
                price.key.fail(Reason::TimeWentBack, context.now, &mut context.out);
                Outcome::TimeWentBack
            }
            Ok(QuoteOutcome::Stuck) => {
                price.restart();
                price.key.fail(Reason::SequenceGap, context.now, &mut context.out);
                (context.requests)(Request::Resubscribe(self.subscription(Channel::Quote)));
                Outcome::Gap
            }
            Err(error) => self.unusable(Channel::Quote, error, context),
        }
    }

    fn trade(&mut self, trade: &Trade, context: &mut Context<'_>) -> Outcome {
        let believable = stamps::trade(trade, context.now.wall);
        *context.absurd_stamps += u64::from(believable.is_some());
        let trade = believable.as_ref().unwrap_or(trade);
        let step = self.tally.trade(trade);
        if step == Step::Old {
            return Outcome::Ignored;
        }
        self.hear_trade(trade, context.now);
        self.printed(trade, context.now, &mut context.out);
        let outcome = self.take_trade(trade, context);
        if step == Step::Gap && self.rules().book.coverage == Coverage::Nothing {
            // What the venue loses of one stream it may have lost of the other, and nothing else would tell.
            self.contradict(context);
            return Outcome::Gap;
        }
        outcome
    }

    fn take_trade(&mut self, trade: &Trade, context: &mut Context<'_>) -> Outcome {
        let trade = match contract::trade(&self.rules().contract, trade) {
            Ok(trade) => trade,
            Err(error) => return self.unusable(Channel::Trade, error, context),
        };
        self.raise(self.scales.raised_for(trade.price.scale, trade.size.scale));
        let Some(price) = &mut self.price else { return Outcome::Ignored };
        match price.trade(&trade, context.now, context.heard, &mut context.out) {
            Ok(()) => Outcome::Taken,
            Err(error) => self.unusable(Channel::Trade, error, context),
        }
    }

    pub(super) fn snapshot(&mut self, book: Book, asked: MonoTime, context: &mut Context<'_>) -> Outcome {
        let Some(liquidity) = &mut self.liquidity else { return Outcome::Ignored };
        let (progress, wish) = liquidity.snapshot(book, asked, context.now, &mut context.out);
        self.follow(progress, wish, context)
    }

    fn follow(&mut self, progress: Progress, wish: Wish, context: &mut Context<'_>) -> Outcome {
        self.wish(wish, context);
        if let Some(Ok(scales)) = self.liquidity.as_ref().map(LiquidityKey::scales) {
            self.raise(self.scales.raised_for(scales.price, scales.size));
        }
        self.show_top(progress, context.now);
        self.price_from_book(progress, context);
        self.compare_tops(context);
        match progress {
            Progress::Applied | Progress::Unproved => Outcome::Taken,
            Progress::Covered
            | Progress::Repeated
            | Progress::Same
            | Progress::Buffered
            | Progress::Crossed
            | Progress::SnapshotTooOld => Outcome::Ignored,
            Progress::Gap => Outcome::Gap,
            Progress::Mismatch => Outcome::Mismatch,
            Progress::TimeWentBack => Outcome::TimeWentBack,
            Progress::Unusable(error) => Outcome::Unusable(error),
        }
    }

    /// A price that is made from the book is what the book says, and suspect whenever that is.
    fn price_from_book(&mut self, progress: Progress, context: &mut Context<'_>) {
        let Some(liquidity) = &self.liquidity else { return };
        if self.rules().price_from != PriceFrom::Book {
            return;
        }
        let Stamp { reason, .. } = liquidity.key.record.stamp;
        if matches!(progress, Progress::Applied | Progress::Unproved) {
            let top = liquidity.best();
            let own = std::mem::replace(&mut context.doubt, reason);
            let _ = self.quote(&top, PriceFrom::Book, context);
            context.doubt = own;
        } else if liquidity::doubt(progress).is_some()
            && let Some(price) = &mut self.price
        {
            price.restart();
            price.key.fail(reason, context.now, &mut context.out);
        }
    }

    fn figures(&mut self, figures: &VolumeFigures, context: &mut Context<'_>) -> Outcome {
        let figures = match contract::figures(&self.rules().contract, figures) {
            Ok(figures) => figures,
            Err(error) => return self.unusable(Channel::Volume, error, context),
        };
        let (price, size) = volume::scales_of(&figures);
        self.raise(self.scales.raised_for(price, size));
        let Some(volume) = &mut self.volume else { return Outcome::Ignored };
        match volume.figures(&figures, context.now, &mut context.out) {
            Ok(()) => Outcome::Taken,
            Err(error) => self.unusable(Channel::Volume, error, context),
        }
    }

    /// A channel has brought a number that fits nowhere. The venue has moved on to a value that cannot be told: the old one is not the
    /// newest.
    fn unusable(&mut self, channel: Channel, error: NumberError, context: &mut Context<'_>) -> Outcome {
        self.unreadable(channel, context);
        Outcome::Unusable(error)
    }

    /// A frame of a channel was not understood: what it could have changed is suspect, and begins anew.
    pub(super) fn unreadable(&mut self, channel: Channel, context: &mut Context<'_>) {
        let now = context.now;
        match channel {
            Channel::Depth => {
                if let Some(witness) = &mut self.witness {
                    witness.restart();
                }
                let Some(liquidity) = &mut self.liquidity else { return };
                let wish = liquidity.unreadable(now, &mut context.out);
                self.wish(wish, context);
                if let Some(price) = self.price.as_mut().filter(|price| price.source == PriceFrom::Book) {
                    price.restart();
                    price.key.fail(Reason::Undecodable, now, &mut context.out);
                }
            }
            Channel::Quote | Channel::Volume => {
                if let Some(key) = self.key(channel) {
                    key.fail(Reason::Undecodable, now, &mut context.out);
                }
                self.begin_anew(channel, context);
            }
            // The quote stands. What the last trade was is not known.
            Channel::Trade => {
                if let Some(price) = &mut self.price {
                    price.forget_trade(now, &mut context.out);
                }
            }
        }
    }
}
