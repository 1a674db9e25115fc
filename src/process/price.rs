//! The price of one instrument: quotes and trades in, `price` records out.
//!
//! Owns the record and the order of quotes. Never lets an older quote replace a newer one of the same subscription; the second
//! older one in a row ([`REGRESSIONS_MAX`]) is a venue that counts anew: the price is suspect and the next quote is taken.

use super::key::{AnyKey as _, Key, Stamped as _, Transition, confirm_at};
use super::liquidity::Arrival;
use super::outlet::Outlet;
use super::tops::{Leap, Tops};
use crate::domain::{
    EventDetail, LastTrade, Now, NumberError, PriceFrom, PriceLevel, PriceRecord, Quote, RawLevel, Reason,
    Scales, Trade, Urgency, VenueSequence,
};

/// Older quotes in a row after which the venue counts anew, until shown otherwise. One alone is a straggler.
pub(super) const REGRESSIONS_MAX: u32 = 2;

/// Where every count begins. Whoever sends it after a greater number counts anew (Bybit: "u = 1 is a restart").
const FIRST: VenueSequence = VenueSequence(1);

#[derive(Debug)]
pub(super) struct PriceKey {
    pub(super) key: Key<PriceRecord>,
    pub(super) source: PriceFrom,
    order: Order,
    regressions: u32,
    leap: Option<Leap>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// The first quote of a subscription is taken whatever its number.
    Open,
    /// Later ones must be newer.
    Enforced,
}

/// What a quote did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuoteOutcome {
    /// It is the price now.
    Taken,
    /// The price, said once more.
    Same,
    /// Older than the price: ignored.
    Old,
    /// Nothing but the venue's time orders the quotes, and it has gone back: not taken.
    TimeWentBack,
    /// Older, again and again: the subscription should be made anew.
    Stuck,
}

impl PriceKey {
    pub(super) const fn new(key: Key<PriceRecord>, source: PriceFrom) -> Self {
        Self { key, source, order: Order::Open, regressions: 0, leap: None }
    }

    pub(super) const fn record(&self) -> &PriceRecord {
        &self.key.record
    }

    /// A new session or subscription.
    pub(super) fn restart(&mut self) {
        self.key.restart();
        self.order = Order::Open;
        self.regressions = 0;
        self.leap = None;
    }

    /// The venue says the same by another way: that is what it means, however far it leapt.
    pub(super) fn confirmed(&mut self, at: Now, out: &mut Outlet<'_>) {
        self.key.confirmed(at, out);
        if self.leap.take().is_some() {
            self.key.agree(Reason::SourcesDisagree, at, out);
        }
    }

    /// Whether a quote is absurd beside the price before it; a book that stands beside it has judged it already.
    #[inline]
    fn leaps(&mut self, quote: Tops, arrival: Arrival) -> bool {
        if self.source == PriceFrom::Book {
            return false;
        }
        let known = self.key.is_right().then(|| Tops::of(&self.key.record));
        self.leap = if arrival.beside_book {
            None
        } else {
            Leap::next(self.leap, known, quote, arrival.received.mono)
        };
        self.leap.is_some()
    }

    /// The scales must hold the quote's numbers (`Scales::raised_for`), see [`Self::rescale`].
    ///
    /// # Errors
    /// [`NumberError`] where a number does not fit; nothing has changed then.
    pub(super) fn quote(
        &mut self,
        quote: &Quote,
        arrival: Arrival,
        out: &mut Outlet<'_>,
    ) -> Result<QuoteOutcome, NumberError> {
        let received = arrival.received;
        let record = &mut self.key.record;
        if self.order == Order::Enforced
            && let Some(back) = goes_back(quote, record)
        {
            self.regressions += 1;
            let stuck = self.regressions >= REGRESSIONS_MAX;
            return Ok(if stuck { QuoteOutcome::Stuck } else { back });
        }
        let bid = quote.bid.map(|level| price_level(record.scales, level)).transpose()?;
        let ask = quote.ask.map(|level| price_level(record.scales, level)).transpose()?;
        let same = (bid, ask) == (record.bid, record.ask)
            && match self.source {
                PriceFrom::Bbo => {
                    quote.venue_sequence.is_some() && quote.venue_sequence == record.venue_sequence
                }
                // The book changed elsewhere: the top of it stands.
                PriceFrom::Book => true,
            };
        let tops = Tops { bid: bid.map(|bid| bid.price), ask: ask.map(|ask| ask.price) };
        let leaps = self.leaps(tops, arrival);
        let record = &mut self.key.record;
        // What a venue tells a new subscriber is as old as its last change: that is not late. A book has judged for itself.
        let begins = self.order == Order::Open && self.source == PriceFrom::Bbo;
        self.order = Order::Enforced;
        self.regressions = 0;
        record.bid = bid;
        record.ask = ask;
        if !same {
            record.venue_sequence = quote.venue_sequence;
            record.stamp.receive_time = received.wall.received();
        }
        if !same || self.source == PriceFrom::Bbo {
            record.stamp.venue_time = quote.venue_time;
        }
        confirm_at(&mut record.stamp, received);
        self.key.unreadable.whole();
        let reason = match (self.key.record.is_crossed(), same && self.source == PriceFrom::Bbo) {
            (true, _) => Reason::CrossedBook,
            (false, _) if leaps => Reason::SourcesDisagree,
            // Said again: it is as old as the first time, and still stands.
            (false, true) if arrival.doubt == Reason::Congested => Reason::None,
            (false, false) if begins && arrival.doubt == Reason::Congested => Reason::None,
            (false, _) => arrival.doubt,
        };
        let transition = self.key.set_reason(reason, received.mono);
        self.key.liveness.data(received);
        if leaps {
            // The venue is asked whether it means that.
            self.key.liveness.ignored();
        }
        if same && transition == Transition::Same {
            return Ok(QuoteOutcome::Same);
        }
        self.key.push(transition.urgency_or(Urgency::Normal), received, out);
        Ok(QuoteOutcome::Taken)
    }

    /// Takes a trade, unless a newer one is known. The quote's own state and times stay as they are.
    ///
    /// # Errors
    /// [`NumberError`] where a number does not fit; nothing has changed then.
    pub(super) fn trade(
        &mut self,
        trade: &Trade,
        received: Now,
        heard: Option<Now>,
        out: &mut Outlet<'_>,
    ) -> Result<(), NumberError> {
        let scales = self.key.record.scales;
        let (price, size) = (scales.price_of(trade.price)?, scales.size_of(trade.size)?);
        let last = LastTrade {
            price,
            size: Some(size),
            venue_time: trade.venue_time,
            receive_time: Some(received.wall.received()),
        };
        // Where the venue counts its trades, that order has been kept already, whatever their times say.
        let known = self.key.record.last.and_then(|known| known.venue_time);
        if trade.number.is_none()
            && matches!((trade.venue_time, known), (Some(time), Some(known)) if time < known)
        {
            return Ok(());
        }
        self.key.record.last = Some(last);
        self.key.confirm(heard);
        self.key.push(Urgency::Normal, received, out);
        self.key.tell(received, EventDetail::Trade { scales, price, size, side: trade.side }, out);
        Ok(())
    }

    /// The last trade is not known any more: there was another one, which was not understood.
    pub(super) fn forget_trade(&mut self, now: Now, out: &mut Outlet<'_>) {
        if self.key.record.last.take().is_some() {
            self.key.push(Urgency::First, now, out);
        }
    }

    /// Moves the stamps of this machine's clock by so many nanoseconds.
    pub(super) fn shift(&mut self, nanos: i64) {
        self.key.shift(nanos);
        if let Some(time) = self.key.record.last.as_mut().and_then(|last| last.receive_time.as_mut()) {
            *time = time.shifted(nanos);
        }
    }

    /// Whether bid and ask are those of `quote`, to the digit. The scales must hold its numbers.
    pub(super) fn shows(&self, quote: &Quote) -> bool {
        let record = &self.key.record;
        let same = |level: Option<RawLevel>, ours: Option<PriceLevel>| {
            level.map(|level| price_level(record.scales, level)).transpose() == Ok(ours)
        };
        same(quote.bid, record.bid) && same(quote.ask, record.ask)
    }

    pub(super) fn rescale(&mut self, to: Scales) {
        let record = &mut self.key.record;
        let (price, size) = (record.scales.price_factor(to), record.scales.size_factor(to));
        for level in [&mut record.bid, &mut record.ask].into_iter().flatten() {
            level.price.0 *= price;
            if let Some(level_size) = &mut level.size {
                level_size.0 *= size;
            }
        }
        if let Some(last) = &mut record.last {
            last.price.0 *= price;
            if let Some(last_size) = &mut last.size {
                last_size.0 *= size;
            }
        }
        record.scales = to;
        self.leap = self.leap.map(|leap| leap.scaled(price));
    }
}

/// Whether a quote is older than the one that is known, by the venue's count or, where it has none, by its time.
fn goes_back(quote: &Quote, known: &PriceRecord) -> Option<QuoteOutcome> {
    match (quote.venue_sequence, known.venue_sequence) {
        (None, None) => {
            let back = matches!((quote.venue_time, known.stamp.venue_time), (Some(time), Some(known)) if time < known);
            back.then_some(QuoteOutcome::TimeWentBack)
        }
        (quote, known) => (quote < known && quote != Some(FIRST)).then_some(QuoteOutcome::Old),
    }
}

fn price_level(scales: Scales, level: RawLevel) -> Result<PriceLevel, NumberError> {
    Ok(PriceLevel { price: scales.price_of(level.price)?, size: Some(scales.size_of(level.size)?) })
}
