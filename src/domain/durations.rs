//! A duration for each entity: TTLs, thresholds of silence.

use std::time::Duration;

use super::Entity;

/// A duration for each entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityDurations {
    /// Of `price`.
    pub price: Duration,
    /// Of `liquidity`.
    pub liquidity: Duration,
    /// Of `volume`.
    pub volume: Duration,
}

impl EntityDurations {
    /// Of one entity.
    #[must_use]
    pub const fn of(&self, entity: Entity) -> Duration {
        match entity {
            Entity::Price => self.price,
            Entity::Liquidity => self.liquidity,
            Entity::Volume => self.volume,
        }
    }
}
