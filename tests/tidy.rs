//! The structure, checked: who may import whom, how long files and functions may be.
//!
//! The rules are those of `src/lib.rs`. Sources are read as text; comments and strings are not told apart from code, which
//! has never mattered so far.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines a source file may have, its unit tests included.
const FILE_LINES_MAX: usize = 600;

/// Lines a function may have, from its signature to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Which modules each module may import. `app` is not listed: it wires everything.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &["domain"]),
    ("telemetry", &["domain", "clock"]),
    ("codec", &["domain"]),
    ("config", &["domain"]),
    ("capture", &["domain", "clock", "telemetry"]),
    ("net", &["domain", "clock"]),
    ("feed", &["domain", "clock", "telemetry", "net"]),
    ("process", &["domain"]),
    ("publish", &["domain", "clock", "telemetry", "net", "codec"]),
    ("reader", &["domain", "clock", "telemetry", "codec"]),
    ("service", &["domain", "clock", "telemetry", "reader"]),
    ("simulate", &["domain", "clock", "capture"]),
];

/// Which modules may name a library.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("redis::", &["publish", "reader", "app"]),
    ("tokio_tungstenite", &["feed", "simulate"]),
    ("hyper", &["feed", "simulate"]),
    ("axum", &["service", "simulate"]),
    ("anyhow", &["app", "main"]),
];

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src can be read") {
            let path = entry.expect("src can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).expect("found below src");
                let first = relative.components().next().expect("a file has a name").as_os_str();
                let module = first.to_string_lossy().trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                found.push(Source { path: relative.to_owned(), module, text });
            }
        }
    }
    assert!(found.len() > 50, "the sources were not found");
    found
}

fn report(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn stages_import_only_what_they_may_know() {
    let mut problems = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(module, _)| *module == source.module) else {
            continue;
        };
        for (index, line) in source.text.lines().enumerate() {
            for part in line.split("crate::").skip(1) {
                let end = part
                    .find(|letter: char| !letter.is_ascii_lowercase() && letter != '_')
                    .unwrap_or(part.len());
                let imported = &part[..end];
                let known = MAY_IMPORT.iter().any(|(module, _)| *module == imported) || imported == "app";
                if known && imported != source.module && !allowed.contains(&imported) {
                    problems.push(format!(
                        "{}:{}: {} may not import {imported}",
                        source.path.display(),
                        index + 1,
                        source.module
                    ));
                }
            }
        }
    }
    report(&problems);
}

#[test]
fn libraries_stay_where_they_belong() {
    let mut problems = Vec::new();
    for source in sources() {
        for (library, allowed) in LIBRARIES {
            for (index, line) in source.text.lines().enumerate() {
                let code = line.trim_start();
                let named =
                    code.starts_with(&format!("use {library}")) || code.contains(&format!(" {library}::"));
                if !code.starts_with("//") && named && !allowed.contains(&source.module.as_str()) {
                    problems.push(format!(
                        "{}:{}: {library} in {}",
                        source.path.display(),
                        index + 1,
                        source.module
                    ));
                }
            }
        }
    }
    report(&problems);
}

#[test]
fn files_and_functions_stay_short() {
    let mut problems = Vec::new();
    for source in sources() {
        let lines: Vec<&str> = source.text.lines().collect();
        if lines.len() > FILE_LINES_MAX {
            problems.push(format!("{}: {} lines", source.path.display(), lines.len()));
        }
        for (start, line) in lines.iter().enumerate() {
            let code = line.trim_start();
            let indent = line.len() - code.len();
            let words = [
                "fn ",
                "pub fn ",
                "pub(super) fn ",
                "async fn ",
                "pub async fn ",
                "const fn ",
                "pub const fn ",
            ];
            if !words.iter().any(|word| code.starts_with(word)) {
                continue;
            }
            let closing = format!("{}}}", " ".repeat(indent));
            let length = lines[start..].iter().position(|line| *line == closing).unwrap_or(0) + 1;
            if length > FUNCTION_LINES_MAX {
                problems.push(format!(
                    "{}:{}: a function of {length} lines",
                    source.path.display(),
                    start + 1
                ));
            }
        }
    }
    report(&problems);
}

#[test]
fn every_module_opens_with_what_it_owns() {
    let problems: Vec<_> = sources()
        .iter()
        .filter(|source| !source.text.starts_with("//!"))
        .map(|source| format!("{}: no module header", source.path.display()))
        .collect();
    report(&problems);
}
