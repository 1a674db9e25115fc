//! `tickcache instruments`: what a venue offers.

#![allow(clippy::print_stderr, reason = "a command's errors go to the terminal")]

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::check::WRONG;
use super::lister::{Lister, Wish};
use super::listings::folder;
use crate::config::{CacheDir, closest};
use crate::domain::{Contract, Number, SizeUnit};
use crate::feed::{self, Listing, ListingStatus, Naming, VenueProtocol};

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
    match print(&args.venue, &list.listings, args.json, &mut io::stdout().lock()) {
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

fn print(venue: &str, listings: &[Listing], json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json {
        for listing in listings {
            writeln!(out, "{}", object(venue, listing))?;
        }
        return out.flush();
    }
    let width = |text: fn(&Listing) -> &str| {
        listings.iter().map(|listing| text(listing).chars().count()).max().unwrap_or(0)
    };
    let (names, symbols) = (width(shown_name), width(|listing| &listing.symbol));
    for listing in listings {
        let (name, symbol, remarks) = (shown_name(listing), &listing.symbol, remarks(listing).join(", "));
        if remarks.is_empty() {
            writeln!(out, "{name:<names$}  {symbol}")?;
        } else {
            writeln!(out, "{name:<names$}  {symbol:<symbols$}  {remarks}")?;
        }
    }
    let unnamed: Vec<&Listing> =
        listings.iter().filter(|listing| listing.naming == Naming::AliasOnly).collect();
    if !unnamed.is_empty() {
        writeln!(
            out,
            "\n# {} of these have no name of ours. To use one, put its section into the configuration and its instrument into\n\
             # the feed; the instrument is a suggestion, any name of the form BASE-QUOTE, BASE-QUOTE-PERP or BASE-QUOTE-YYYYMMDD will do.",
            unnamed.len()
        )?;
    }
    for listing in unnamed {
        writeln!(out, "\n{}", alias(venue, listing))?;
    }
    out.flush()
}

/// Our name, where it has one.
fn shown_name(listing: &Listing) -> &str {
    match listing.naming {
        Naming::Ours => listing.instrument.as_str(),
        Naming::AliasOnly => "-",
    }
}

/// What is worth telling beside name and symbol.
fn remarks(listing: &Listing) -> Vec<String> {
    let Listing { contract, status, kind, naming, .. } = listing;
    let mut remarks = Vec::new();
    if !contract.is_plain() || contract.unit != SizeUnit::Base {
        remarks.push(told(listing, contract));
    }
    remarks.extend(kind.clone());
    remarks.extend(status.word().map(|word| format!("does not trade now: {word}")));
    if *naming == Naming::AliasOnly {
        remarks.push("by alias only".to_owned());
    }
    remarks
}

/// A section for the configuration. An alias counts what the contract says, so that its multiplier is what the name says.
fn alias(venue: &str, listing: &Listing) -> String {
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut section = format!(
        "[[alias]]\nvenue = {}\nsymbol = {}\ninstrument = {}",
        text(venue),
        text(&listing.symbol),
        text(listing.instrument.as_str())
    );
    if listing.contract.price != Number::ONE {
        section.push_str(&format!("\nmultiplier = {}", listing.contract.size));
    }
    section
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

/// One object; what has no name of ours has none here either, but the alias that gives it one.
fn object(venue: &str, listing: &Listing) -> serde_json::Value {
    let Contract { price, size, unit } = listing.contract;
    let named = (listing.naming == Naming::Ours).then(|| listing.instrument.as_str());
    let alias = (listing.naming == Naming::AliasOnly).then(|| alias(venue, listing));
    serde_json::json!({
        "instrument": named,
        "symbol": listing.symbol,
        "trading": listing.status == ListingStatus::Trading,
        "status": listing.status.word(),
        "kind": listing.kind,
        "alias": alias,
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
        let listing = |name: &str, symbol: &str, price: &str, size: &str, unit| {
            let contract = Contract { price: number(price), size: number(size), unit };
            Listing::trading(name.parse().unwrap(), symbol.to_owned(), contract)
        };
        let listings = [
            listing("BTC-USDT", "BTCUSDT", "1", "1", SizeUnit::Base),
            listing("BTC-USDT-PERP", "BTC-USDT-SWAP", "1", "0.01", SizeUnit::Base),
            listing("XBT-USD-PERP", "XBTUSD", "1", "1", SizeUnit::Quote),
            listing("PEPE-USDT-PERP", "1000PEPEUSDT", "0.001", "1000", SizeUnit::Base),
        ];
        let printed = |json| {
            let mut out = Vec::new();
            print("venue", &listings, json, &mut out).unwrap();
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

    #[test]
    fn what_does_not_trade_or_has_no_name_says_so() {
        let plain = |name: &str, symbol: &str| {
            Listing::trading(name.parse().unwrap(), symbol.to_owned(), Contract::PLAIN)
        };
        let halted = Listing { status: ListingStatus::NotTrading("BREAK".to_owned()), ..plain("A-B", "AB") };
        let gold =
            Listing { kind: Some("TRADIFI_PERPETUAL".to_owned()), ..plain("XAU-USDT-PERP", "XAUUSDT") };
        let share = Listing { naming: Naming::AliasOnly, ..plain("AAPLX-USD", "AAPLx/USD") };
        let printed = |json| {
            let mut out = Vec::new();
            print("kraken", &[halted.clone(), gold.clone(), share.clone()], json, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let text = printed(false);
        let section = "[[alias]]\nvenue = \"kraken\"\nsymbol = \"AAPLx/USD\"\ninstrument = \"AAPLX-USD\"";
        for expected in [
            "A-B            AB         does not trade now: BREAK\n",
            "XAU-USDT-PERP  XAUUSDT    TRADIFI_PERPETUAL\n",
            "-              AAPLx/USD  by alias only\n\n# 1 of these",
            section,
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        let objects: Vec<serde_json::Value> =
            printed(true).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            (&objects[0]["trading"], &objects[0]["status"]),
            (&false.into(), &serde_json::json!("BREAK"))
        );
        assert_eq!(
            (&objects[2]["instrument"], &objects[2]["alias"]),
            (&serde_json::Value::Null, &serde_json::json!(section))
        );
    }
}
