//! The cases as a whole: each can be read, each venue has its share, and the documents list them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::case::{self, Case};

/// Cases that each venue has at least.
const AT_LEAST: usize = 10;

fn cases() -> Vec<Case> {
    let (mut cases, mut problems) = (Vec::new(), Vec::new());
    for case in case::all() {
        match case {
            Ok(case) => cases.push(case),
            Err(problem) => problems.push(problem),
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    cases
}

#[test]
fn every_file_is_a_case_and_every_venue_has_its_share() {
    let mut venues: BTreeMap<String, usize> =
        tickcache::feed::venues().iter().map(|venue| (venue.defaults().name.to_owned(), 0)).collect();
    for case in cases() {
        *venues.get_mut(&case.venue).unwrap_or_else(|| panic!("{}: no venue {}", case.name, case.venue)) += 1;
    }
    assert!(venues.values().all(|count| *count >= AT_LEAST), "{venues:?}");
}

/// The table of what was tried at each venue, in `docs/venues`. `TICKCACHE_WRITE_DOCS=1` writes it.
#[test]
fn the_documents_list_what_was_tried() {
    let mut pages: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
    for case in cases() {
        let page = if case.venue.starts_with("bybit") { "bybit" } else { case.venue.as_str() };
        let page = ["binance", "binance-usdm", "bybit", "coinbase", "hyperliquid", "kraken", "okx"]
            .into_iter()
            .find(|known| *known == page)
            .unwrap();
        pages.entry(page).or_default().push(case);
    }
    for (page, cases) in pages {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/venues/{page}.md"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| format!("# {page}\n"));
        let (begin, end) = ("<!-- tried: from tests/wild/cases -->\n", "<!-- /tried -->\n");
        let mut table = "| case | kind | what | source |\n|---|---|---|---|\n".to_owned();
        for case in &cases {
            let Case { name, kind, what, source, .. } = case;
            writeln!(
                table,
                "| `{name}` | {kind} | {} | {} |",
                what.replace('|', "\\|"),
                source.replace('|', "\\|")
            )
            .unwrap();
        }
        let known = text.split_once(begin).and_then(|(_, rest)| Some(rest.split_once(end)?.0));
        if known == Some(table.as_str()) {
            continue;
        }
        assert!(
            std::env::var_os("TICKCACHE_WRITE_DOCS").is_some(),
            "{}: the table of cases is not that of tests/wild/cases; TICKCACHE_WRITE_DOCS=1 cargo test --test wild documents",
            path.display()
        );
        let rewritten =
            match text.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1))) {
                Some((before, after)) => format!("{before}{begin}{table}{end}{after}"),
                None => format!("{}\n\n## What was tried\n\n{begin}{table}{end}", text.trim_end()),
            };
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, rewritten).unwrap();
    }
}
