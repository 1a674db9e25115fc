//! `config/alerts.yml`: valid rules about metrics that exist.

use std::collections::BTreeSet;
use std::process::Command;

use tickcache::telemetry::names::{ALL, Kind};

use crate::file;

/// The metrics named in expressions.
fn named(rules: &str) -> BTreeSet<&str> {
    let words = rules.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("tickcache_")).collect()
}

#[test]
fn every_metric_of_the_alerts_is_one_that_the_engine_has() {
    let rules = std::fs::read_to_string(file("config/alerts.yml")).unwrap();
    let known: BTreeSet<String> = ALL
        .iter()
        .flat_map(|(name, kind, _)| {
            let suffixes: &[&str] =
                if *kind == Kind::Histogram { &["", "_bucket", "_sum", "_count"] } else { &[""] };
            suffixes.iter().map(move |suffix| format!("{name}{suffix}"))
        })
        .collect();
    let named = named(&rules);
    assert!(named.len() > 10, "{named:?}");
    let unknown: Vec<_> = named.into_iter().filter(|name| !known.contains(*name)).collect();
    assert!(unknown.is_empty(), "no such metrics: {unknown:?}");
}

/// The rules' own tests: which series raise which alert, and when.
#[test]
fn the_alerts_come_when_they_should() {
    let promtool = |arguments: &[&str]| {
        Command::new("promtool").args(arguments).current_dir(file("")).output().map(|output| {
            let said = String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
        })
    };
    if promtool(&["--version"]).is_err() {
        eprintln!("skipped: no promtool");
        return;
    }
    promtool(&["check", "rules", "config/alerts.yml"]).unwrap();
    promtool(&["test", "rules", "tests/data/alerts-test.yml"]).unwrap();
}
