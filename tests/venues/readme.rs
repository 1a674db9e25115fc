//! The README's table of faults is the one that the tests assert.

use std::fmt::Write as _;

use crate::table::{BOOKS, Of, Outcome, QUOTES, ROWS, Row, WHATS};

const BEGIN: &str =
    "<!-- faults: from tests/venues/table.rs; TICKCACHE_WRITE_README=1 cargo test --test venues readme -->\n";
const END: &str = "<!-- /faults -->\n";

fn reasons(reasons: &[tickcache::domain::Reason]) -> String {
    let words: Vec<&str> = reasons.iter().map(|reason| reason.as_str()).collect();
    words.join(" or ")
}

fn cells(outcome: Outcome) -> (String, String) {
    match outcome {
        Outcome::Detected(why, within) => (format!("suspect: {}", reasons(why)), within.text()),
        Outcome::DetectedWhere(when, why, within) => {
            (format!("suspect: {}, where {when}; else not noticed", reasons(why)), within.text())
        }
        Outcome::Harmless => ("live and right".to_owned(), "–".to_owned()),
        Outcome::Replaced => ("not noticed; the next frame says all anew".to_owned(), "–".to_owned()),
        Outcome::Undetectable([]) => ("**cannot be detected**".to_owned(), "–".to_owned()),
        Outcome::Undetectable(why) => {
            (format!("**cannot be detected**, unless it shows as {}", reasons(why)), "–".to_owned())
        }
    }
}

/// The streams that a line speaks of, and its venues. What holds for both streams wherever there are quotes is one line.
fn places(row: &Row) -> Option<(&'static str, String)> {
    let is_wide = |row: &Row| row.venues == QUOTES || row.venues == BOOKS;
    let alike = |other: &Row| other.what == row.what && other.outcome == row.outcome && other.of != row.of;
    let is_twin = is_wide(row) && ROWS.iter().any(|other| alike(other) && is_wide(other));
    let venues = match row.venues {
        venues if venues == BOOKS => "all".to_owned(),
        venues if venues == QUOTES => "all but coinbase".to_owned(),
        venues => venues.join(", "),
    };
    match (is_twin, row.of) {
        (true, Of::Quote) => None,
        (true, Of::Book) => Some(("quote, book", venues)),
        (false, of) => Some((of.text(), venues)),
    }
}

fn table() -> String {
    let mut text = String::from(
        "| fault | in | at | the value | at the latest, from the fault |\n|---|---|---|---|---|\n",
    );
    for what in WHATS {
        for row in ROWS.iter().filter(|row| row.what == what) {
            let Some((of, venues)) = places(row) else { continue };
            let (value, when) = cells(row.outcome);
            writeln!(text, "| {} | {of} | {venues} | {value} | {when} |", what.text()).unwrap();
        }
    }
    text
}

#[test]
fn the_readme_holds_the_table_of_faults() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (head, rest) = readme.split_once(BEGIN).expect("the README has a place for the table");
    let (held, tail) = rest.split_once(END).expect("the README's table has an end");
    if std::env::var_os("TICKCACHE_WRITE_README").is_some() {
        std::fs::write(path, [head, BEGIN, &table(), END, tail].concat()).unwrap();
        return;
    }
    assert_eq!(held, table(), "TICKCACHE_WRITE_README=1 cargo test --test venues readme writes it");
}
