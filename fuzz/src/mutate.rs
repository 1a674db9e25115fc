//! Frames that are nearly right, and frames that mean the same: for the checks of decoders that run in `cargo test`.
//!
//! Owns no judgement: it hands each frame to whoever asks.

use serde_json::{Map, Value};

/// Bytes that matter to a JSON parser or to a number.
const BYTES: &[u8] = b"\"\\{}[]:,.-+eE0123456789 \n@tfnuUbBaAsS\x00\x7f\x80\xff";

/// Every seed, `rounds` mutations of seeds, and some noise, always the same.
pub(crate) fn each(seeds: &[&[u8]], rounds: usize, mut check: impl FnMut(&[u8])) {
    let mut rng = fastrand::Rng::with_seed(0x00b1_7a5e);
    seeds.iter().for_each(|seed| check(seed));
    for _ in 0..rounds {
        let mut frame = rng.choice(seeds).expect("there are seeds").to_vec();
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

fn mutate(frame: &mut Vec<u8>, seeds: &[&[u8]], rng: &mut fastrand::Rng) {
    let at = rng.usize(0..=frame.len());
    let end = rng.usize(at..=frame.len().min(at + 24));
    let byte = *rng.choice(BYTES).expect("there are bytes");
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
            let other = rng.choice(seeds).expect("there are seeds");
            let from = rng.usize(0..other.len());
            frame.splice(at..end, other[from..other.len().min(from + 24)].iter().copied());
        }
        _ if at < frame.len() => frame[at] = byte,
        _ => {}
    }
}

/// The same JSON with spaces, with its fields backwards, with unknown fields, and with an escaped letter in each string.
pub(crate) fn equal_in_meaning(text: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(text).expect("seeds are JSON");
    let backwards = format!(" {}\n", printed(&value, &|fields| fields.reverse()));
    let unknown =
        printed(&value, &|fields| fields.insert(0, ("new".to_owned(), r#"{"a":[1e999,null]}"#.to_owned())));
    let escaped = printed(&value, &|_| ()).replace("\"B", "\"\\u0042");
    vec![serde_json::to_string_pretty(&value).expect("it was JSON"), backwards, unknown, escaped]
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
