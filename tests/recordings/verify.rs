//! `tickcache verify` over every recording: its verdict, its counts, and the book that it ends with, to the digit.
//!
//! The digests are pinned, and each is computed here once more from a book that was read plainly.

use tickcache::app::verify::{FileReport, verify_file};

use crate::plain::Books;
use crate::{binance, bybit, capture, coinbase, frames, hyperliquid, kraken, lines, okx};

/// What is expected of an instrument: symbol, quotes, trades, depth, volume, checksums, digest.
type Expected = (&'static str, [u64; 5], &'static str);

fn holds(file: &str, venue: &str, counts: [u64; 3], expected: &[Expected], books: &Books) {
    let path = capture(file).unwrap();
    let report = verify_file(&path, None).unwrap();
    assert_eq!(verify_file(&path, None).unwrap(), report, "a second run says the same");
    assert_eq!(report.failures(), [""; 0], "{report}");
    assert_eq!((report.venue, [report.frames, report.others, report.rest]), (venue, counts), "{report}");
    assert_eq!((report.refused, report.errors, report.torn), (0, 0, 0), "{report}");
    assert!(is_clean(&report), "{report}");
    let found: Vec<_> = report
        .instruments
        .iter()
        .map(|one| {
            assert_eq!(one.checksums_held, one.checksums, "{}", one.symbol);
            let counts = [one.quotes, one.trades, one.depth, one.volume, one.checksums];
            (one.symbol.as_str(), counts, one.digest.as_str())
        })
        .collect();
    for (report, (symbol, book)) in report.instruments.iter().zip(books) {
        assert_eq!(&report.symbol, symbol);
        let sides = book.sides(usize::MAX);
        assert_eq!(report.levels, [sides[0].len(), sides[1].len()], "{symbol}");
        assert_eq!(report.digest, book.digest(), "{symbol}: a plain reading ends with another book");
    }
    assert_eq!(report.instruments.len(), books.len());
    assert_eq!(found, expected);
}

fn is_clean(report: &FileReport) -> bool {
    report.instruments.iter().all(|one| {
        one.book == Some("none")
            && [one.gaps, one.mismatches, one.times_back, one.unusable, one.crossed] == [0; 5]
    })
}

/// The books that `read` makes of a recording's frames; `None` where there is no recording.
fn books_of(file: &str, mut read: impl FnMut(&mut Books, &str)) -> Option<Books> {
    let mut books = Books::new();
    frames(file)?.iter().for_each(|(_, frame)| read(&mut books, frame));
    Some(books)
}

#[test]
fn binance_spot() {
    let recordings: [(&str, [u64; 3], Expected); 2] = [
        (
            "binance/btcusdt-20240808.txt.gz",
            [41_248, 0, 1],
            ("btcusdt", [28_040, 9_757, 3_449, 0, 0], "2de022381e0f629c"),
        ),
        (
            "binance/ethusdt-20240808.txt.gz",
            [33_617, 0, 1],
            ("ethusdt", [24_077, 6_106, 3_433, 0, 0], "63a92090a4f87bb5"),
        ),
    ];
    for (file, counts, expected) in recordings {
        let Some(lines) = lines(file) else { return };
        holds(file, "binance", counts, &[expected], &binance::books(&lines));
    }
}

/// It was recorded with `depth@0ms`, which is not the usual name. Five updates are older than the snapshot.
#[test]
fn binance_usd_m_futures() {
    let file = "binance-usdm/btcusdt-20240808.txt.gz";
    let Some(lines) = lines(file) else { return };
    let expected = [("btcusdt", [66_089, 21_313, 6_546, 0, 0], "6f41685474428cfd")];
    holds(file, "binance-usdm", [93_953, 0, 1], &expected, &binance::books(&lines));
}

/// Nothing in the frames says which of the two markets it is: the folder does.
#[test]
fn bybit() {
    let Some(books) = books_of(bybit::FILE, |books, frame| drop(bybit::read(books, frame))) else { return };
    let expected = [
        ("ADAUSDT", [0, 0, 375, 0, 0], "3b4410aa9e31cdde"),
        ("BCHUSDT", [0, 0, 478, 0, 0], "d83c4df5ed2d5563"),
        ("DOTUSDT", [0, 0, 407, 0, 0], "85cac8f76b75ecbb"),
        ("LINKUSDT", [0, 0, 396, 0, 0], "1a317f7e78005289"),
        ("UNIUSDT", [0, 0, 219, 0, 0], "f3f98cdce1ce2d0e"),
    ];
    holds(bybit::FILE, "bybit", [1_875, 0, 0], &expected, &books);
}

#[test]
fn coinbase() {
    let read = |books: &mut Books, frame: &str| coinbase::apply(books, &serde_json::from_str(frame).unwrap());
    let Some(books) = books_of(coinbase::FILE, read) else { return };
    let expected = [
        ("BAND-BTC", [0, 9, 1_006, 9, 0], "5ca902bd0e5c1186"),
        ("BAND-GBP", [0, 5, 472, 5, 0], "70467e76d98687fb"),
        ("DASH-BTC", [0, 16, 1_926, 16, 0], "4d9b5812665c48fc"),
        ("NU-GBP", [0, 2, 77, 2, 0], "a24a2a2a30e6f436"),
        ("SKL-BTC", [0, 9, 1_540, 9, 0], "36aef2ccb4f0b043"),
        ("SKL-GBP", [0, 2, 290, 2, 0], "d76660dffeda44e9"),
        ("SKL-USD", [0, 53, 2_593, 53, 0], "1a68abe9288d4888"),
    ];
    holds(coinbase::FILE, "coinbase", [8_099, 3, 0], &expected, &books);
}

#[test]
fn hyperliquid() {
    let Some(books) = books_of(hyperliquid::FILE, |books, frame| drop(hyperliquid::read(books, frame)))
    else {
        return;
    };
    let expected = [("BTC", [0, 9, 46, 0, 0], "dfb77d233402246d")];
    holds(hyperliquid::FILE, "hyperliquid", [55, 0, 0], &expected, &books);
}

#[test]
fn kraken_with_all_of_its_checksums() {
    let read = |books: &mut Books, frame: &str| kraken::apply(books, &serde_json::from_str(frame).unwrap());
    let Some(books) = books_of(kraken::FILE, read) else { return };
    let expected = [
        ("ADA/BTC", [0, 0, 348, 0, 348], "8b329d28718130cf"),
        ("ETH/CHF", [0, 0, 318, 0, 318], "34b41b5573c82bb6"),
        ("GRT/ETH", [0, 0, 21, 0, 21], "8a89fa944081f68d"),
        ("OCEAN/BTC", [0, 0, 149, 0, 149], "42db279f9e617db0"),
        ("OMG/USD", [0, 0, 574, 0, 574], "a9133313fc79f98c"),
        ("SC/EUR", [0, 0, 819, 0, 819], "4789199b588abf2d"),
        ("XMR/USD", [0, 0, 847, 0, 847], "9f7faf7b43ba94fd"),
    ];
    let images = u64::try_from(books.len()).unwrap();
    let sums: u64 = expected.iter().map(|(_, counts, _)| counts[4]).sum();
    assert_eq!(sums - images, 3_069, "of updates; those of images hold as well");
    holds(kraken::FILE, "kraken", [3_076, 0, 0], &expected, &books);
}

#[test]
fn okx_with_all_of_its_checksums() {
    let Some(books) = books_of(okx::FILE, |books, frame| drop(okx::read(books, frame))) else { return };
    let expected = [
        ("BTC-USD-220527", [0, 4, 99, 2, 99], "05dd04725fa65684"),
        ("BTC-USDT", [0, 69, 98, 25, 98], "a9132a90a45a85ac"),
    ];
    assert_eq!(expected.iter().map(|(_, counts, _)| counts[4]).sum::<u64>(), 197);
    holds(okx::FILE, "okx", [309, 12, 0], &expected, &books);
}
