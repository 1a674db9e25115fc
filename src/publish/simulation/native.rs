//! Our three Lua scripts, written again in Rust from a reading of their text.
//!
//! Owns their meaning, with nothing of the writer's code in it: versions are read by their place in the bytes. A test with a
//! real server compares both, call by call. Numbers are doubles, as in Lua.

use super::keyspace::{Keyspace, Refused};

/// What a script answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Integer(i64),
    Text(Vec<u8>),
    Array(Vec<Answer>),
}

/// A value that is told to subscribers: channel, bytes.
pub(crate) type Told = (Vec<u8>, Vec<u8>);

/// Whether older values are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fence {
    Up,
    /// A bug on purpose.
    Missing,
}

/// No epoch of ours is as great.
const WHOLE_MAX: f64 = 9_007_199_254_000_000.0;

#[expect(clippy::cast_possible_truncation, reason = "as Redis turns a script's numbers into replies")]
const fn integer(number: f64) -> Answer {
    Answer::Integer(number as i64)
}

#[expect(clippy::cast_precision_loss, reason = "as Lua counts")]
const fn double(number: u64) -> f64 {
    number as f64
}

fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.trim_ascii().parse().ok()
}

/// Epoch and sequence of a value that may be too short to have any.
fn version_at(bytes: &[u8]) -> Option<(f64, f64)> {
    let part = |from: usize| {
        let eight = bytes.get(from..from + 8)?;
        Some(double(eight.iter().fold(0, |sum, &byte| (sum << 8) | u64::from(byte))))
    };
    Some((part(3)?, part(12)?))
}

/// Epoch and sequence of what looks like a value of ours.
pub(crate) fn known_version(bytes: &[u8]) -> Option<(f64, f64)> {
    let is_known =
        bytes.len() > 20 && bytes[0] == 0x95 && bytes[1] == 1 && bytes[2] == 0xcf && bytes[11] == 0xcf;
    version_at(bytes).filter(|(epoch, _)| is_known && *epoch < WHOLE_MAX)
}

/// `write.lua`. An error keeps what was done before it.
pub(crate) fn write(
    space: &mut Keyspace,
    keys: &[&[u8]],
    arguments: &[&[u8]],
    fence: Fence,
    told: &mut Vec<Told>,
) -> Result<Answer, Refused> {
    let (verb, prefix) = (arguments[0], [arguments[1], b":v1:"].concat());
    let mut answers = Vec::new();
    for (key, pair) in keys.iter().zip(arguments[2..].chunks(2)) {
        let [value, ttl] = pair else { return Err("ERR a value without a TTL".to_owned()) };
        let new = version_at(value).ok_or_else(|| "ERR data string too short".to_owned())?;
        let ttl_ms = number(ttl).map(integer).unwrap_or(Answer::Integer(0));
        let Answer::Integer(ttl_ms) = ttl_ms else { unreachable!("integer() makes integers") };
        let (is_there, known) = match space.text(key) {
            Ok(current) => (current.is_some(), current.and_then(known_version)),
            Err(_) => (true, None),
        };
        let old = known.filter(|_| fence == Fence::Up).unwrap_or((-1.0, -1.0));
        if old.0 > new.0 {
            answers.push(Answer::Text(format!("{:.0}", old.0).into_bytes()));
        } else if old.0 == new.0 && old.1 > new.1 {
            answers.push(Answer::Integer(3));
        } else if old == new {
            space.expire(key, ttl_ms)?;
            answers.push(Answer::Integer(2));
        } else {
            space.set(key, value, Some(ttl_ms))?;
            answers.push(Answer::Integer(if is_there && known.is_none() { 4 } else { 1 }));
            if !verb.is_empty() {
                let rest = key.get(prefix.len()..).unwrap_or_default();
                told.push(([&prefix, &b"update:"[..], rest].concat(), value.to_vec()));
            }
        }
    }
    Ok(Answer::Array(answers))
}

/// A lease's text: who, and in which epoch.
fn holder(text: &[u8]) -> Option<(&[u8], f64)> {
    let colon = text.iter().position(|&byte| byte == b':')?;
    let (name, digits) = (&text[..colon], &text[colon + 1..]);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fits = !name.is_empty()
        && name.iter().all(is_name)
        && (1..=16).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit);
    if fits { Some((name, number(digits)?)) } else { None }
}

/// `lease.lua`.
pub(crate) fn lease(space: &mut Keyspace, keys: &[&[u8]], arguments: &[&[u8]]) -> Result<Answer, Refused> {
    let (verb, owner, ttl) = (arguments[0], arguments[1], arguments[2]);
    let theirs = number(arguments[3]).ok_or_else(|| "ERR no epoch".to_owned())?;
    let ttl_ms = number(ttl).map_or(0, |ttl| if let Answer::Integer(ms) = integer(ttl) { ms } else { 0 });
    let (seconds, micros) = (space.now_us.div_euclid(1_000_000), space.now_us.rem_euclid(1_000_000));
    let answer = |status: i64, epoch: f64, left: i64| {
        let parts = [Answer::Integer(status), integer(epoch), Answer::Integer(left)];
        let time = [Answer::Integer(seconds), Answer::Integer(micros)];
        Ok(Answer::Array(parts.into_iter().chain(time).collect()))
    };
    let held = space.text(keys[0]).ok().flatten().and_then(holder);
    let held = held.map(|(name, epoch)| (name.to_vec(), epoch));
    let is_owner = held.as_ref().is_some_and(|(name, _)| name == owner);
    let epoch = held.as_ref().map_or(0.0, |(_, epoch)| *epoch);
    let is_acquire = verb == b"acquire";
    let is_mine = is_owner && (epoch == theirs || (is_acquire && epoch > theirs));
    if is_acquire && (held.is_none() || (is_owner && !is_mine)) {
        let counter = space.text(keys[1]).ok().flatten().and_then(number).unwrap_or(0.0);
        let counter = if counter.is_nan() || counter >= WHOLE_MAX { 0.0 } else { counter };
        let clock = double(u64::try_from(space.now_ms()).unwrap_or(0));
        let epoch = (counter.floor() + 1.0).max(clock).max(theirs + 1.0);
        let mark = number(arguments[4]).ok_or_else(|| "ERR no mark".to_owned())?;
        let epoch = epoch + (mark - epoch).rem_euclid(1000.0);
        let text = format!("{epoch:.0}");
        space.set(keys[1], text.as_bytes(), None)?;
        space.delete(keys[0])?;
        space.set(keys[0], &[owner, b":", text.as_bytes()].concat(), Some(ttl_ms))?;
        return answer(1, epoch, ttl_ms);
    }
    if held.is_none() {
        return answer(2, 0.0, 0);
    }
    if !is_mine || verb == b"look" {
        let left = space.pttl(keys[0]);
        if (0..=2 * ttl_ms).contains(&left) {
            return answer(0, epoch, left);
        }
        space.expire(keys[0], ttl_ms)?;
        return answer(0, epoch, ttl_ms);
    }
    if verb == b"release" {
        space.delete(keys[0])?;
        return answer(1, epoch, 0);
    }
    space.expire(keys[0], ttl_ms)?;
    answer(1, epoch, ttl_ms)
}

/// The time at which an engine was seen: digits, then a space.
fn seen_ms(said: &[u8]) -> Option<f64> {
    let space = said.iter().position(|&byte| byte == b' ')?;
    let digits = &said[..space];
    let fits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if fits { number(digits) } else { None }
}

/// `engines.lua`.
pub(crate) fn engines(space: &mut Keyspace, keys: &[&[u8]], arguments: &[&[u8]]) -> Result<Answer, Refused> {
    let (verb, id, said) = (arguments[0], arguments[1], arguments[2]);
    let silent = number(arguments[3]).ok_or_else(|| "ERR no number".to_owned())?;
    let now_ms = space.now_ms();
    let all = match space.hash(keys[0]) {
        Ok(all) => all,
        Err(_) => {
            space.delete(keys[0])?;
            std::collections::BTreeMap::new()
        }
    };
    if verb == b"leave" {
        space.delete_field(keys[0], id)?;
        return Ok(Answer::Array(Vec::new()));
    }
    let mine = [format!("{now_ms} ").as_bytes(), said].concat();
    space.set_field(keys[0], id, &mine)?;
    let own = if all.contains_key(id) { mine } else { Vec::new() };
    let mut answers = vec![Answer::Text(id.to_vec()), Answer::Text(own)];
    for (other, value) in all {
        if other == id {
            continue;
        }
        let now = double(u64::try_from(now_ms).unwrap_or(0));
        if seen_ms(&value).is_some_and(|seen| (now - seen).abs() <= silent) {
            answers.extend([Answer::Text(other), Answer::Text(value)]);
        } else {
            space.delete_field(keys[0], &other)?;
        }
    }
    Ok(Answer::Array(answers))
}
