//! What the venue's list says of an instrument, beside what its sessions say.
//!
//! Owns the three standings and what each makes of a reason. Never reads a list: its word comes in as a call, at the start and with
//! each refresh, and survives reconnects. Data that still flows for an instrument that the list has lost wins over the list.

use super::feed_state::FeedState;
use super::instrument::InstrumentState;
use super::key::AnyKey as _;
use super::outlet::Outlet;
use crate::domain::{Channel, Contract, InstrumentId, Now, Reason, Request, Subscription, Trade, UpdateSink};

/// How far a trade's stamp must be behind the list's word to show that the venue trades, and may be ahead of our clock: what is told
/// of the past to a new subscriber is no trade of now.
const PRINT_MARGIN_NANOS: i64 = 5_000_000_000;

/// What the venue's list says of an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is listed and trades.
    Trading,
    /// It is listed and does not trade now.
    NotTrading,
    /// It is not listed.
    Missing,
}

impl Standing {
    /// The reason of a key that would have this one. Where the list lacks the instrument, a silence is explained by that.
    pub(super) const fn explains(self, reason: Reason) -> Reason {
        match (self, reason) {
            (
                Self::Missing,
                Reason::Silent
                | Reason::Disconnected
                | Reason::Connecting
                | Reason::NoFirstData
                | Reason::Refused,
            ) => Reason::NotListed,
            (Self::Trading | Self::NotTrading | Self::Missing, reason) => reason,
        }
    }

    /// Whether a key that never had data keeps its state when its session comes, goes or brings nothing: the list has explained it.
    pub(super) const fn outlasts(self, reason: Reason) -> bool {
        matches!(self, Self::NotTrading | Self::Missing)
            && matches!(reason, Reason::Connecting | Reason::Disconnected | Reason::NoFirstData)
    }
}

impl FeedState {
    /// What the list says before anything is announced: an instrument that does not trade starts halted, one that is not listed
    /// starts suspect (not listed).
    pub fn begin(&mut self, instrument: InstrumentId, standing: Standing, now: Now) {
        if let Some(instrument) = self.instrument_mut(instrument) {
            instrument.begin(standing, now);
        }
    }

    /// The list says something new of an instrument, or that it is still missing. Halts begin at once and end with the next proof. An
    /// instrument that is gone is suspect once nothing comes for it.
    pub fn standing(
        &mut self,
        instrument: InstrumentId,
        standing: Standing,
        now: Now,
        sink: &mut dyn UpdateSink,
    ) {
        let returned = self.on_instrument(instrument, sink, |instrument, out| {
            let returned = instrument.standing() == Some(Standing::Missing) && standing != Standing::Missing;
            instrument.stand(standing, now, out);
            returned
        });
        if returned == Some(true) {
            // The venue has ended the subscriptions, or refused them, when it took the instrument off its list.
            for channel in Channel::ALL {
                self.request(Request::Resubscribe(Subscription { instrument, channel }));
            }
        }
    }

    /// What the list said last of an instrument.
    #[must_use]
    pub fn standing_of(&mut self, instrument: InstrumentId) -> Option<Standing> {
        self.instrument_mut(instrument)?.standing()
    }

    /// How many keys are suspect because their instruments are not listed.
    #[must_use]
    pub fn not_listed(&self) -> u64 {
        self.all().flat_map(InstrumentState::reasons).filter(|&reason| reason == Reason::NotListed).count()
            as u64
    }

    /// An instrument that was not listed at the start is now, and this is what its units are. Says `false`, and changes nothing, where
    /// it has data already: nobody knows in which units.
    pub fn listed(
        &mut self,
        instrument: InstrumentId,
        contract: Contract,
        now: Now,
        sink: &mut dyn UpdateSink,
    ) -> bool {
        let taken = self.on_instrument(instrument, sink, |instrument, out| {
            let taken = instrument.set_contract(contract);
            instrument.stand(Standing::Trading, now, out);
            taken
        });
        taken.unwrap_or(false)
    }
}

impl InstrumentState {
    /// What the list said last.
    pub(super) fn standing(&mut self) -> Option<Standing> {
        self.keys().into_iter().flatten().map(|key| key.standing()).next()
    }

    fn begin(&mut self, standing: Standing, now: Now) {
        self.keys().into_iter().flatten().for_each(|key| key.begin(standing, now));
    }

    fn stand(&mut self, standing: Standing, now: Now, out: &mut Outlet<'_>) {
        self.keys().into_iter().flatten().for_each(|key| key.stand(standing, now, out));
    }

    /// The venue says so of this instrument, after its list has said otherwise.
    pub(super) fn trades_again(&mut self, now: Now, out: &mut Outlet<'_>) {
        for key in self.keys().into_iter().flatten().filter(|key| key.standing() == Standing::NotTrading) {
            key.stand(Standing::Trading, now, out);
        }
    }

    #[inline]
    fn is_halted_by_list(&self) -> bool {
        let price = self.price.as_ref().map(|price| price.key.standing());
        let liquidity = self.liquidity.as_ref().map(|liquidity| liquidity.key.standing());
        let volume = self.volume.as_ref().map(|volume| volume.key.standing());
        [price, liquidity, volume].contains(&Some(Standing::NotTrading))
    }

    /// A trade of now shows that the venue trades, whatever its list said.
    pub(super) fn printed(&mut self, trade: &Trade, received: Now, out: &mut Outlet<'_>) {
        if !self.is_halted_by_list() {
            return;
        }
        let Some(time) = trade.venue_time.map(crate::domain::VenueTime::nanos) else { return };
        if time > received.wall.nanos() + PRINT_MARGIN_NANOS {
            return;
        }
        for key in self.keys().into_iter().flatten() {
            if key.standing() == Standing::NotTrading
                && time > key.stands_since().nanos() + PRINT_MARGIN_NANOS
            {
                key.stand(Standing::Trading, received, out);
            }
        }
    }
}
