//! A price as it changes. Subscribing, reading, reconnecting and never going back are the library's.
//!
//! `cargo run --example follow_price [INSTRUMENT] [VENUE]`; `REDIS_URL` says where.
#![allow(clippy::print_stdout, reason = "an example prints what it reads")]

use std::env;

use tickcache::domain::{Entity, PriceLevel, Record};
use tickcache::reader::{Change, Reader, Trust, Venues, View};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let instrument = arguments.next().unwrap_or_else(|| "BTC-USDT".into()).parse()?;
    let venue = arguments.next().unwrap_or_else(|| "binance".into()).parse()?;
    let url = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6380".into());

    let reader = Reader::connect(&url, "tickcache".parse()?).await?;
    let mut watch = reader.watch(Entity::Price, instrument, Venues::Only(vec![venue]));
    loop {
        match watch.next().await {
            Change::Value(view, trust) | Change::Confirmed(view, trust) | Change::Aged(view, trust) => {
                show(&view, trust);
            }
            Change::Gone(_) => println!("no price: its writer is gone"),
            Change::Lost(error) => println!("DO NOT TRADE: {error}"),
            other => println!("{other:?}"),
        }
    }
}

fn show(view: &View, trust: Trust) {
    let Record::Price(price) = &view.record else { return };
    let exact = |side: Option<PriceLevel>| {
        side.map_or_else(|| "none".to_owned(), |level| price.scales.price_number(level.price).to_string())
    };
    let trust = if trust == Trust::Live { "live" } else { "DO NOT TRADE" };
    println!("{trust}  bid {}  ask {}  version {}", exact(price.bid), exact(price.ask), view.version);
}
