//! `tickcache instruments`: what a venue offers.

#![allow(clippy::print_stderr, reason = "a command's errors go to the terminal")]

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::check::WRONG;
use super::listings::{Lister, Wish, folder};
use crate::config::{CacheDir, closest};
use crate::domain::{Contract, Number, SizeUnit};
use crate::feed::{self, Listing, VenueProtocol};

/// How long the fetching may take: several calls at some venues.
const PATIENCE: Duration = Duration::from_secs(30);

/// Options of `instruments`.
#[derive(Debug, Args)]
pub(super) struct InstrumentsArgs {
    /// Which venue.
    #[arg(long, value_name = "VENUE")]
    venue: String,
    /// One JSON object an instrument
    #[arg(long)]
    json: bool,
    /// Ask here instead of at the venue itself (a simulator, a mirror)
    #[arg(long, value_name = "URL")]
    rest_url: Option<String>,
    /// Fetch the list even where the one on disk is younger than a day
    #[arg(long)]
    refresh: bool,
    /// Where lists are kept: a folder, "auto" (the user's cache) or "" (nowhere)
    #[arg(long, value_name = "DIR", env = "TICKCACHE_ENGINE_CACHE_DIR", default_value = "auto")]
    cache_dir: CacheDir,
}

pub(super) async fn instruments(args: InstrumentsArgs) -> anyhow::Result<ExitCode> {
    let venue = match known(&args) {
        Ok(venue) => venue,
        Err(problem) => {
            eprintln!("tickcache: {problem}");
            return Ok(ExitCode::from(WRONG));
        }
    };
    let defaults = venue.defaults();
    let url = args.rest_url.as_deref().unwrap_or(defaults.rest_url);
    let lister = Lister::new(venue, url, defaults.rest_weight_per_minute / 2, folder(&args.cache_dir))?;
    let wish = if args.refresh { Wish::New } else { Wish::Recent };
    let list = lister.list(wish, PATIENCE).await.with_context(|| {
        format!(
            "the list of {} is not to be had (is the address right? --rest-url takes another)",
            args.venue
        )
    })?;
    match print(&list.listings, args.json, &mut io::stdout().lock()) {
        // Whoever reads our output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        outcome => outcome.map(|()| ExitCode::SUCCESS).context("cannot write the output"),
    }
}

fn known(args: &InstrumentsArgs) -> Result<&'static dyn VenueProtocol, String> {
    if let Some(url) =
        args.rest_url.as_deref().filter(|url| !url.starts_with("http://") && !url.starts_with("https://"))
    {
        return Err(format!("--rest-url {url:?}: expected an http:// or https:// URL"));
    }
    feed::venue(&args.venue).ok_or_else(|| {
        let names: Vec<&str> = feed::venues().iter().map(|venue| venue.defaults().name).collect();
        let near = closest(&args.venue, names.iter().copied(), 2, 1);
        let hint = near.first().map(|name| format!("; did you mean {name}?")).unwrap_or_default();
        format!("--venue {:?}: expected {}{hint}", args.venue, names.join(", "))
    })
}

fn print(listings: &[Listing], json: bool, out: &mut dyn Write) -> io::Result<()> {
    let width =
        |text: fn(&Listing) -> &str| listings.iter().map(|listing| text(listing).len()).max().unwrap_or(0);
    let (names, symbols) = (width(|listing| listing.instrument.as_str()), width(|listing| &listing.symbol));
    for listing in listings {
        let Listing { instrument, symbol, contract } = listing;
        if json {
            writeln!(out, "{}", object(listing))?;
        } else if contract.is_plain() && contract.unit == SizeUnit::Base {
            writeln!(out, "{instrument:<names$}  {symbol}")?;
        } else {
            writeln!(out, "{instrument:<names$}  {symbol:<symbols$}  {}", told(listing, contract))?;
        }
    }
    out.flush()
}

/// What one of the venue's units is.
fn told(listing: &Listing, contract: &Contract) -> String {
    let currency = match contract.unit {
        SizeUnit::Base => listing.instrument.base(),
        SizeUnit::Quote => listing.instrument.quote(),
    };
    let price =
        if contract.price == Number::ONE { String::new() } else { format!(", prices x {}", contract.price) };
    format!("size 1 = {} {currency}{price}", contract.size)
}

fn object(listing: &Listing) -> serde_json::Value {
    let Contract { price, size, unit } = listing.contract;
    serde_json::json!({
        "instrument": listing.instrument.as_str(),
        "symbol": listing.symbol,
        "contract": {
            "price": price.to_string(),
            "size": size.to_string(),
            "unit": match unit {
                SizeUnit::Base => "base",
                SizeUnit::Quote => "quote",
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_is_told_where_its_units_are_not_ours() {
        let number = |text: &str| Number::parse(text.as_bytes()).unwrap();
        let listing = |name: &str, symbol: &str, price: &str, size: &str, unit| Listing {
            instrument: name.parse().unwrap(),
            symbol: symbol.to_owned(),
            contract: Contract { price: number(price), size: number(size), unit },
        };
        let listings = [
            listing("BTC-USDT", "BTCUSDT", "1", "1", SizeUnit::Base),
            listing("BTC-USDT-PERP", "BTC-USDT-SWAP", "1", "0.01", SizeUnit::Base),
            listing("XBT-USD-PERP", "XBTUSD", "1", "1", SizeUnit::Quote),
            listing("PEPE-USDT-PERP", "1000PEPEUSDT", "0.001", "1000", SizeUnit::Base),
        ];
        let printed = |json| {
            let mut out = Vec::new();
            print(&listings, json, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            printed(false),
            "BTC-USDT        BTCUSDT\n\
             BTC-USDT-PERP   BTC-USDT-SWAP  size 1 = 0.01 BTC\n\
             XBT-USD-PERP    XBTUSD         size 1 = 1 USD\n\
             PEPE-USDT-PERP  1000PEPEUSDT   size 1 = 1000 PEPE, prices x 0.001\n"
        );
        let objects: Vec<serde_json::Value> =
            printed(true).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(objects[1]["contract"], serde_json::json!({"price": "1", "size": "0.01", "unit": "base"}));
        assert_eq!((objects.len(), &objects[2]["symbol"]), (4, &serde_json::json!("XBTUSD")));
    }
}
