//! A venue's list of instruments on disk, between one run and the next.
//!
//! Owns the file: one for each venue and address, replaced as a whole. Never decides whether a list is too old. A file of more than
//! [`FILE_BYTES_MAX`] bytes, or one that is not understood, counts as damaged: an error that the caller passes over.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::domain::{Contract, Number, SizeUnit, WallTime};
use crate::feed::{Listing, ListingStatus, Naming, VenueDefaults};

/// A list of ten thousand instruments takes a twentieth of it.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Of what is in the file.
const SCHEMA: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Stored {
    schema: u32,
    rest_url: String,
    fetched_s: i64,
    instruments: Vec<StoredListing>,
}

/// One instrument. A contract's numbers are texts, as exact as they were.
#[derive(Serialize, Deserialize)]
struct StoredListing {
    instrument: String,
    symbol: String,
    price: String,
    size: String,
    unit: StoredUnit,
    /// The venue's word where it does not trade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_trading: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "StoredNaming::is_ours")]
    naming: StoredNaming,
}

#[derive(Serialize, Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum StoredNaming {
    #[default]
    Ours,
    AliasOnly,
}

impl StoredNaming {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde hands in")]
    fn is_ours(&self) -> bool {
        *self == Self::Ours
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredUnit {
    Base,
    Quote,
}

/// A list, and when it was fetched.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cached {
    pub(super) listings: Vec<Listing>,
    pub(super) fetched_s: i64,
}

/// One list's file.
#[derive(Debug)]
pub(super) struct ListCache {
    file: PathBuf,
    rest_url: String,
}

/// Seconds since 1970.
pub(super) fn seconds(now: WallTime) -> i64 {
    now.nanos() / 1_000_000_000
}

impl ListCache {
    /// In `folder`. The list of another address than the venue's own (a simulator's) has a file of its own.
    pub(super) fn new(folder: &Path, venue: &VenueDefaults, rest_url: &str) -> Self {
        let place: String = if rest_url.trim_end_matches('/') == venue.rest_url.trim_end_matches('/') {
            String::new()
        } else {
            let kept =
                |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '_' };
            format!("@{}", rest_url.chars().take(100).map(kept).collect::<String>())
        };
        let file = folder.join(format!("instruments-{}{place}.json", venue.name));
        Self { file, rest_url: rest_url.to_owned() }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// What is there; `None` = nothing.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged.
    pub(super) fn read(&self) -> anyhow::Result<Option<Cached>> {
        let file = match fs::File::open(&self.file) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        ensure!(bytes.len() as u64 <= FILE_BYTES_MAX, "longer than {FILE_BYTES_MAX} bytes");
        let stored: Stored = serde_json::from_slice(&bytes)?;
        ensure!(stored.schema == SCHEMA, "schema {} is not known", stored.schema);
        // Two addresses that became the same name: the list is somebody else's.
        if stored.rest_url != self.rest_url {
            return Ok(None);
        }
        let listings: anyhow::Result<Vec<_>> = stored.instruments.iter().map(listing).collect();
        Ok(Some(Cached { listings: listings?, fetched_s: stored.fetched_s }))
    }

    /// Replaces what is there, in one step: whoever reads sees the old list or the new one.
    ///
    /// # Errors
    /// A folder that cannot be made or written to.
    pub(super) fn write(&self, listings: &[Listing], now: WallTime) -> anyhow::Result<()> {
        let stored = Stored {
            schema: SCHEMA,
            rest_url: self.rest_url.clone(),
            fetched_s: seconds(now),
            instruments: listings.iter().map(stored).collect(),
        };
        let folder = self.file.parent().context("no folder")?;
        fs::create_dir_all(folder)?;
        // Of this process alone: two engines may fetch the same list at the same time.
        let fresh = self.file.with_extension(format!("json.{}", std::process::id()));
        let written =
            fs::write(&fresh, serde_json::to_vec(&stored)?).and_then(|()| fs::rename(&fresh, &self.file));
        if let Err(error) = written {
            // What is left of it, where anything is.
            let _ = fs::remove_file(&fresh);
            bail!(error);
        }
        Ok(())
    }
}

fn stored(listing: &Listing) -> StoredListing {
    let Listing { instrument, symbol, contract, status, kind, naming } = listing;
    StoredListing {
        instrument: instrument.to_string(),
        symbol: symbol.clone(),
        price: contract.price.to_string(),
        size: contract.size.to_string(),
        unit: match contract.unit {
            SizeUnit::Base => StoredUnit::Base,
            SizeUnit::Quote => StoredUnit::Quote,
        },
        not_trading: status.word().map(str::to_owned),
        kind: kind.clone(),
        naming: match naming {
            Naming::Ours => StoredNaming::Ours,
            Naming::AliasOnly => StoredNaming::AliasOnly,
        },
    }
}

fn listing(stored: &StoredListing) -> anyhow::Result<Listing> {
    let contract = Contract {
        price: Number::parse(stored.price.as_bytes())?,
        size: Number::parse(stored.size.as_bytes())?,
        unit: match stored.unit {
            StoredUnit::Base => SizeUnit::Base,
            StoredUnit::Quote => SizeUnit::Quote,
        },
    };
    let trading = Listing::trading(stored.instrument.parse()?, stored.symbol.clone(), contract);
    Ok(Listing {
        status: stored.not_trading.clone().map_or(ListingStatus::Trading, ListingStatus::NotTrading),
        kind: stored.kind.clone(),
        naming: match stored.naming {
            StoredNaming::Ours => Naming::Ours,
            StoredNaming::AliasOnly => Naming::AliasOnly,
        },
        ..trading
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::venue;

    const NOW: WallTime = WallTime::from_nanos(1_795_184_630_000_000_000);

    fn cache(folder: &Path, url: &str) -> ListCache {
        ListCache::new(folder, venue("binance").expect("it is known").defaults(), url)
    }

    fn listings() -> Vec<Listing> {
        let number = |text: &str| Number::parse(text.as_bytes()).unwrap();
        let inverse = Contract { price: number("0.001"), size: number("100"), unit: SizeUnit::Quote };
        let mut both = [("BTC-USDT", "BTCUSDT", Contract::PLAIN), ("BTC-USD-PERP", "btc_\"perp\"", inverse)]
            .map(|(instrument, symbol, contract)| {
                Listing::trading(instrument.parse().unwrap(), symbol.to_owned(), contract)
            });
        both[1].status = ListingStatus::NotTrading("BREAK".to_owned());
        both[1].naming = Naming::AliasOnly;
        both[1].kind = Some("TRADIFI_PERPETUAL".to_owned());
        both.into()
    }

    #[test]
    fn a_list_comes_back_as_it_was_and_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("made/on/the/way");
        let cache = cache(&inner, "https://api.binance.com/");
        assert_eq!(cache.read().unwrap(), None);
        cache.write(&[], NOW).unwrap();
        cache.write(&listings(), NOW).unwrap();
        let expected = Cached { listings: listings(), fetched_s: 1_795_184_630 };
        assert_eq!(cache.read().unwrap(), Some(expected));
        let names: Vec<_> = fs::read_dir(&inner).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["instruments-binance.json"]);
    }

    #[test]
    fn every_address_has_a_list_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let [own, other, alike] = ["https://api.binance.com", "http://127.0.0.1:80", "http://127.0.0.1/80"]
            .map(|url| cache(folder.path(), url));
        assert!(
            own.file() != other.file()
                && other.file().to_string_lossy().ends_with("http___127.0.0.1_80.json")
        );
        other.write(&listings(), NOW).unwrap();
        assert_eq!((own.read().unwrap(), alike.read().unwrap()), (None, None));
        assert!(other.read().unwrap().is_some());
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path(), "https://api.binance.com");
        cache.write(&listings(), NOW).unwrap();
        let whole = fs::read(cache.file()).unwrap();
        let text = String::from_utf8(whole.clone()).unwrap();
        for damaged in [
            &b""[..],
            b"\xff",
            b"[]",
            &whole[..whole.len() / 2],
            text.replace("\"schema\":2", "\"schema\":1").as_bytes(),
            text.replace("BTC-USDT", "btc").as_bytes(),
            text.replace("0.001", "x").as_bytes(),
        ] {
            fs::write(cache.file(), damaged).unwrap();
            assert!(cache.read().is_err(), "{}", String::from_utf8_lossy(damaged));
        }
    }
}
