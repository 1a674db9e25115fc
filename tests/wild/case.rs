//! A case, read from its file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::judge::Claim;
use crate::script::{Action, Block};

/// What a file says before its first empty line.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// `bybit-linear/one_sided_deltas`.
    pub(crate) name: String,
    pub(crate) what: String,
    pub(crate) source: String,
    pub(crate) kind: String,
    pub(crate) venue: String,
    pub(crate) instruments: Vec<String>,
    pub(crate) entities: Vec<String>,
    pub(crate) feed: Vec<String>,
    pub(crate) top: Vec<String>,
    /// Done before anybody connects.
    pub(crate) before: Vec<Action>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) claims: Vec<Claim>,
}

const KINDS: [&str; 12] = [
    "undecodable",
    "restart",
    "refused",
    "listing",
    "address",
    "clock",
    "absent",
    "rest",
    "silence",
    "naming",
    "path",
    "other",
];

/// Where the cases are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wild/cases")
}

/// Every case, by name; or what is wrong with each that is none.
pub(crate) fn all() -> Vec<Result<Case, String>> {
    let mut files = Vec::new();
    for venue in std::fs::read_dir(folder()).expect("the cases are there").flatten() {
        for file in std::fs::read_dir(venue.path()).expect("a folder a venue").flatten() {
            files.push(file.path());
        }
    }
    files.sort();
    files
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "txt"))
        .map(|file| read(file))
        .collect()
}

fn read(file: &Path) -> Result<Case, String> {
    let relative = file.strip_prefix(folder()).expect("found below it").with_extension("");
    let name = relative.to_string_lossy().replace('\\', "/");
    let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    parse(&name, &text).map_err(|error| format!("{name}: {error}"))
}

fn parse(name: &str, text: &str) -> Result<Case, String> {
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, plain(line)));
    let (mut fields, mut many): (HashMap<String, String>, HashMap<String, Vec<String>>) = Default::default();
    for (number, line) in lines.by_ref().skip_while(|(_, line)| line.is_empty()) {
        if line.is_empty() {
            break;
        }
        let (key, value) = line.split_once(": ").ok_or(format!("line {number}: expected `key: value`"))?;
        if matches!(key, "feed" | "top") {
            many.entry(key.to_owned()).or_default().push(value.trim().to_owned());
        } else if fields.insert(key.to_owned(), value.trim().to_owned()).is_some() {
            return Err(format!("line {number}: {key:?} stands there twice"));
        }
    }
    let (mut before, mut blocks, mut claims): (Vec<Action>, Vec<Block>, Vec<Claim>) = Default::default();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let at = |error: String| format!("line {number}: {error}");
        if let Some(claim) = Claim::parse(line).map_err(at)? {
            claims.push(claim);
        } else if let Some(block) = Block::begin(line).map_err(at)? {
            blocks.push(block);
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let block = blocks.last_mut().ok_or_else(|| at("a time before the first `on`".to_owned()))?;
            block.step(line).map_err(at)?;
        } else {
            before.push(Action::parse(line).map_err(at)?);
        }
    }
    let mut take = |key: &str| fields.remove(key).ok_or(format!("{key:?} is missing"));
    let list =
        |text: &str| text.split([',', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let case = Case {
        name: name.to_owned(),
        what: take("what")?,
        source: take("source")?,
        kind: take("kind")?,
        venue: take("venue")?,
        instruments: list(&take("instruments")?),
        entities: list(&take("entities")?),
        feed: many.remove("feed").unwrap_or_default(),
        top: many.remove("top").unwrap_or_default(),
        before,
        blocks,
        claims,
    };
    if let Some(unknown) = fields.keys().next() {
        return Err(format!("{unknown:?} is no field of a case"));
    }
    if !KINDS.contains(&case.kind.as_str()) {
        return Err(format!("kind {:?}: expected one of {}", case.kind, KINDS.join(", ")));
    }
    if case.claims.is_empty() {
        return Err("nothing is claimed".to_owned());
    }
    if !name.starts_with(&format!("{}/", case.venue)) {
        return Err(format!("a case of {} belongs into its folder", case.venue));
    }
    Ok(case)
}

/// Without a comment: a whole line, or what follows two blanks and a `#`.
fn plain(line: &str) -> &str {
    let line = line.trim_end();
    if line.trim_start().starts_with('#') {
        return "#".get(1..).unwrap_or_default();
    }
    line.find("  # ").map_or(line, |at| &line[..at]).trim()
}

impl Case {
    /// Whether it needs this process for itself.
    pub(crate) fn is_alone(&self) -> bool {
        let steps = self.blocks.iter().flat_map(|block| &block.steps);
        steps.map(|step| &step.action).any(|action| matches!(action, Action::Clock(_)))
    }
}
