//! A price out of Redis, and whether to trade on it.
//!
//! `cargo run --example read_price [INSTRUMENT] [VENUE]`; `REDIS_URL` says where.
#![allow(clippy::print_stdout, reason = "an example prints what it reads")]

use std::env;
use std::process::ExitCode;

use tickcache::clock;
use tickcache::domain::{Entity, PriceLevel, Record};
use tickcache::reader::{AgeLimits, Reader, Trust};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = env::args().skip(1);
    let instrument = arguments.next().unwrap_or_else(|| "BTC-USDT".into()).parse()?;
    let venue = arguments.next().unwrap_or_else(|| "binance".into()).parse()?;
    let url = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6380".into());

    let reader = Reader::connect(&url, "tickcache".parse()?).await?;
    let Some(view) = reader.get(Entity::Price, &instrument, &venue).await?.into_view() else {
        anyhow::bail!("{instrument} at {venue}: no price (never written, or its writer is gone)");
    };
    let Record::Price(price) = &view.record else { anyhow::bail!("a price key holds a price") };
    let exact =
        |side: Option<PriceLevel>| side.map(|level| price.scales.price_number(level.price).to_string());

    let now = clock::wall();
    let trust = view.trust(now, &AgeLimits::default());
    let unknown = || "none".to_owned();
    let (bid, ask) = (exact(price.bid).unwrap_or_else(unknown), exact(price.ask).unwrap_or_else(unknown));
    println!(
        "state {}  bid {bid}  ask {ask}  age {}  version {}",
        price.stamp.state.code(),
        view.age(now),
        view.version
    );
    if trust != Trust::Live {
        eprintln!("do not trade on it: it is {trust} ({})", price.stamp.reason);
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
