//! What decoders are tested with, beside the fuzzer: its seeds, mutations of them, and recordings.
//!
//! Owns how a frame is mutated and where seeds and recordings lie. Judges nothing: it hands each frame to whoever asks. Never
//! knows a venue.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// Bytes that matter to a JSON parser or to a number.
const BYTES: &[u8] = b"\"\\{}[]:,.-+eE0123456789 \n@tfnuUbBaAsS/TZ\x00\x7f\x80\xff";

/// What a fuzz target begins with, by name.
pub(super) fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = sorted(&folder);
    assert!(files.len() > 5, "no seeds in {}", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Hands every seed to `check`, then `rounds` mutations of them, then noise; always the same.
pub(super) fn mutated(seeds: &[Vec<u8>], rounds: usize, mut check: impl FnMut(&[u8])) {
    let mut rng = fastrand::Rng::with_seed(0x00b1_7a5e);
    seeds.iter().for_each(|seed| check(seed));
    for _ in 0..rounds {
        let mut frame = rng.choice(seeds).unwrap().clone();
        for _ in 0..rng.usize(1..=3) {
            mutate(&mut frame, seeds, &mut rng);
        }
        check(&frame);
    }
    for _ in 0..rounds / 4 {
        let noise: Vec<u8> = (0..rng.usize(0..80)).map(|_| rng.u8(..)).collect();
        check(&noise);
    }
}

fn mutate(frame: &mut Vec<u8>, seeds: &[Vec<u8>], rng: &mut fastrand::Rng) {
    let at = rng.usize(0..=frame.len());
    let end = rng.usize(at..=frame.len().min(at + 24));
    let byte = *rng.choice(BYTES).unwrap();
    match rng.u8(0..6) {
        0 => frame.insert(at, byte),
        1 => drop(frame.drain(at..end)),
        2 => frame.truncate(at),
        3 => {
            let piece = frame[at..end].to_vec();
            let to = rng.usize(0..=frame.len());
            frame.splice(to..to, piece);
        }
        4 => {
            let other = rng.choice(seeds).unwrap();
            let from = rng.usize(0..other.len());
            frame.splice(at..end, other[from..other.len().min(from + 24)].iter().copied());
        }
        _ if at < frame.len() => frame[at] = byte,
        _ => {}
    }
}

/// The same JSON with spaces, with its fields backwards, with unknown fields, and with an escaped letter in each string.
pub(super) fn equal_in_meaning(text: &[u8]) -> Vec<String> {
    let value: Value = serde_json::from_slice(text).unwrap();
    let backwards = format!(" {}\n", printed(&value, &|fields| fields.reverse()));
    let unknown =
        printed(&value, &|fields| fields.insert(0, ("new".to_owned(), r#"{"a":[1e999,null]}"#.to_owned())));
    let escaped = printed(&value, &|_| ()).replace("\"B", "\"\\u0042");
    vec![serde_json::to_string_pretty(&value).unwrap(), backwards, unknown, escaped]
}

type Fields = Vec<(String, String)>;

/// JSON text, with the fields of each object as `change` leaves them.
fn printed(value: &Value, change: &dyn Fn(&mut Fields)) -> String {
    match value {
        Value::Object(object) => object_printed(object, change),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| printed(item, change)).collect();
            format!("[{}]", items.join(" , "))
        }
        other => other.to_string(),
    }
}

fn object_printed(object: &Map<String, Value>, change: &dyn Fn(&mut Fields)) -> String {
    let mut fields: Fields =
        object.iter().map(|(key, value)| (key.clone(), printed(value, change))).collect();
    change(&mut fields);
    let fields: Vec<String> = fields.iter().map(|(key, value)| format!("\"{key}\" : {value}")).collect();
    format!("{{{}}}", fields.join("\t,"))
}

/// The lines of each recording of a venue; says so where there is none.
#[expect(clippy::print_stdout, reason = "says that there was nothing to test with")]
pub(super) fn recorded(venue: &str) -> Vec<Vec<String>> {
    let root = std::env::var_os("TICKCACHE_CAPTURES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    let mut files = sorted(&root.join(venue));
    files.retain(|path| path.extension().is_some_and(|extension| extension == "gz"));
    if files.is_empty() {
        println!("skipped: no captures of {venue} (TICKCACHE_CAPTURES, or ../shared/captures)");
    }
    let lines = |path: &PathBuf| {
        let unpacked = flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap());
        BufReader::new(unpacked).lines().map(Result::unwrap).collect()
    };
    files.iter().map(lines).collect()
}

/// The frames of each recording of a venue.
pub(super) fn recorded_frames(venue: &str) -> Vec<Vec<String>> {
    let frame = |line: &String| line.split_once(" ws ").map(|(_, frame)| frame.to_owned());
    recorded(venue).iter().map(|lines| lines.iter().filter_map(frame).collect()).collect()
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = files.map(|file| file.path()).collect();
    files.sort();
    files
}
