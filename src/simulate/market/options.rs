//! What a made-up market is made of.

use std::time::Duration;

/// One instrument of a made-up market. Numbers count units of 1e-8; how many digits are shown is the venue's matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstrumentSpec {
    /// The base currency, such as `BTC`.
    pub base: String,
    /// The quote currency, such as `USDT`. At OKX `USDT-SWAP` makes a perpetual contract, `USD-261225` a future.
    pub quote: String,
    /// The price at the start, in 1e-8.
    pub price_e8: i64,
    /// The price's step, in 1e-8.
    pub tick_e8: i64,
    /// The quantity's step, in 1e-8.
    pub lot_e8: i64,
}

impl InstrumentSpec {
    fn new(base: &str, price_e8: i64, tick_e8: i64, lot_e8: i64) -> Self {
        Self { base: base.to_owned(), quote: "USDT".to_owned(), price_e8, tick_e8, lot_e8 }
    }
}

/// A made-up market.
#[derive(Debug, Clone)]
pub struct MarketOptions {
    /// The instruments.
    pub instruments: Vec<InstrumentSpec>,
    /// The same seed and the same times make the same market.
    pub seed: u64,
    /// Changes of the book in a second, for each instrument; about two in three change the top.
    pub updates_per_second: u32,
    /// Levels on each side of a book, about.
    pub levels: usize,
    /// The mean time between two jumps of 1.2 to 2 %, each of one instrument. `None`: no jumps.
    pub jump_every: Option<Duration>,
    /// How often the market goes on.
    pub step: Duration,
}

impl Default for MarketOptions {
    fn default() -> Self {
        let instruments = vec![
            InstrumentSpec::new("BTC", 6_183_763_000_000, 1_000_000, 1_000),
            InstrumentSpec::new("ETH", 268_380_000_000, 1_000_000, 10_000),
            InstrumentSpec::new("SOL", 15_427_000_000, 1_000_000, 100_000),
            InstrumentSpec::new("XRP", 60_210_000, 10_000, 10_000_000),
            InstrumentSpec::new("DOGE", 10_412_000, 1_000, 100_000_000),
            InstrumentSpec::new("ADA", 33_480_000, 10_000, 10_000_000),
        ];
        Self {
            instruments,
            seed: 1,
            updates_per_second: 40,
            levels: 1000,
            jump_every: Some(Duration::from_secs(20)),
            step: Duration::from_millis(2),
        }
    }
}

impl MarketOptions {
    /// So many instruments, `C0000-USDT` and on, at prices from 0.05 to 50,000.
    #[must_use]
    pub fn with_instruments(count: usize) -> Self {
        const KINDS: [(i64, i64, i64); 4] = [
            (5_000_000_000_000, 1_000_000, 1_000),
            (12_000_000_000, 1_000_000, 100_000),
            (250_000_000, 10_000, 10_000_000),
            (5_000_000, 1_000, 100_000_000),
        ];
        let spec = |index: usize| {
            let (price, tick, lot) = KINDS[index % KINDS.len()];
            InstrumentSpec::new(&format!("C{index:04}"), price, tick, lot)
        };
        Self { instruments: (0..count).map(spec).collect(), ..Self::default() }
    }

    /// Only these instruments of the default market, by base currency.
    #[must_use]
    pub fn only(mut self, bases: &[&str]) -> Self {
        self.instruments.retain(|spec| bases.contains(&spec.base.as_str()));
        self
    }
}
