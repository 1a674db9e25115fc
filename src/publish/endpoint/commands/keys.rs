//! Which keys there are, and how long they live. <https://redis.io/docs/latest/commands/?group=generic>
//!
//! A cursor of SCAN is a place in the list of names, which is fixed: a full walk gives each key once.

use crate::domain::WallTime;

use super::super::glob;
use super::super::parser::integer;
use super::super::reply::{bulk, head};
use super::super::session::{Call, Request};
use super::super::view::Life;
use super::{NO_INTEGER, SYNTAX, is_word};

/// Places that one SCAN looks at, at most, whatever its COUNT says.
const SCAN_COUNT_MAX: usize = 10_000;
const SCAN_COUNT: usize = 10;

pub(in super::super) fn exists(call: &mut Call<'_>) {
    let view = &call.shared.view;
    let is_there = |key: &&[u8]| view.find(key).is_some_and(|place| view.kind(place, call.now).is_some());
    let count = call.request.from(1).filter(is_there).count();
    call.reply().count(count);
}

pub(in super::super) fn kind(call: &mut Call<'_>) {
    let view = &call.shared.view;
    let kind = view.find(call.argument(1)).and_then(|place| view.kind(place, call.now));
    call.reply().simple(kind.map_or("none", super::super::view::Kind::as_str));
}

pub(in super::super) fn dbsize(call: &mut Call<'_>) {
    let count = existing(call);
    call.reply().count(count);
}

/// Keys that are there.
pub(super) fn existing(call: &Call<'_>) -> usize {
    let view = &call.shared.view;
    view.names().iter().filter(|(_, place)| view.kind(*place, call.now).is_some()).count()
}

/// Milliseconds: `Ok(None)` = for ever, `Err` = not there.
fn life(call: &Call<'_>) -> Result<Option<i64>, ()> {
    let view = &call.shared.view;
    let life = view.find(call.argument(1)).map_or(Life::Missing, |place| view.life(place, call.now));
    match life {
        Life::Missing => Err(()),
        Life::Forever => Ok(None),
        Life::Left(left) => Ok(Some(i64::try_from(left.as_millis()).unwrap_or(i64::MAX))),
    }
}

fn answer(call: &mut Call<'_>, number: impl Fn(i64) -> i64) {
    let number = match life(call) {
        Err(()) => -2,
        Ok(None) => -1,
        Ok(Some(left_ms)) => number(left_ms),
    };
    call.reply().integer(number);
}

/// As redis-server rounds.
const fn seconds(millis: i64) -> i64 {
    millis.saturating_add(500) / 1_000
}

pub(in super::super) fn pttl(call: &mut Call<'_>) {
    answer(call, |left_ms| left_ms);
}

pub(in super::super) fn ttl(call: &mut Call<'_>) {
    answer(call, seconds);
}

const fn end_ms(now: WallTime, left_ms: i64) -> i64 {
    (now.nanos() / 1_000_000).saturating_add(left_ms)
}

pub(in super::super) fn pexpiretime(call: &mut Call<'_>) {
    let now = call.wall;
    answer(call, |left_ms| end_ms(now, left_ms));
}

pub(in super::super) fn expiretime(call: &mut Call<'_>) {
    let now = call.wall;
    answer(call, |left_ms| seconds(end_ms(now, left_ms)));
}

pub(in super::super) fn keys(call: &mut Call<'_>) {
    let (view, pattern) = (&call.shared.view, call.argument(1));
    let (mut body, mut count) = (Vec::new(), 0_u64);
    for (name, place) in view.names() {
        if glob::matches(pattern, name) && view.kind(*place, call.now).is_some() {
            bulk(&mut body, name);
            count += 1;
        }
    }
    head(call.out, b'*', count);
    call.out.append(&mut body);
}

/// What a walk asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk<'a> {
    pub(super) pattern: Option<&'a [u8]>,
    pub(super) count: usize,
    pub(super) kind: Option<&'a [u8]>,
}

/// The options of SCAN and HSCAN.
pub(super) fn walk(request: Request<'_>, first: usize) -> Result<Walk<'_>, &'static str> {
    let mut walk = Walk { pattern: None, count: SCAN_COUNT, kind: None };
    let mut at = first;
    while at < request.len() {
        let (word, has_value) = (request.get(at), at + 1 < request.len());
        let value = request.get(at + 1);
        if is_word(word, "count") && has_value {
            let count = integer(value).ok_or(NO_INTEGER)?;
            if count < 1 {
                return Err(SYNTAX);
            }
            walk.count = usize::try_from(count).unwrap_or(usize::MAX).min(SCAN_COUNT_MAX);
        } else if is_word(word, "match") && has_value {
            walk.pattern = Some(value);
        } else if is_word(word, "type") && has_value {
            walk.kind = Some(value);
        } else {
            return Err(SYNTAX);
        }
        at += 2;
    }
    Ok(walk)
}

/// As `strtoul` reads it: nothing is zero, and what is negative is a very large one, behind every key.
pub(super) fn cursor(argument: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(argument).ok()?;
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let number = digits.parse::<u64>().ok()?;
    Some(if digits.len() < text.len() { usize::MAX } else { usize::try_from(number).unwrap_or(usize::MAX) })
}

pub(in super::super) fn scan(call: &mut Call<'_>) {
    let Some(cursor) = cursor(call.argument(1)) else {
        return call.error("ERR invalid cursor");
    };
    let Walk { pattern, count, kind } = match walk(call.request, 2) {
        Ok(walk) => walk,
        Err(error) => return call.error(error),
    };
    let view = &call.shared.view;
    let names = view.names();
    let end = cursor.saturating_add(count).min(names.len());
    let (mut body, mut found) = (Vec::new(), 0);
    for (name, place) in names.get(cursor..end).unwrap_or_default() {
        let of = view.kind(*place, call.now);
        let is_meant = of.is_some_and(|of| kind.is_none_or(|kind| is_word(kind, of.as_str())));
        if is_meant && pattern.is_none_or(|pattern| glob::matches(pattern, name)) {
            bulk(&mut body, name);
            found += 1;
        }
    }
    super::hashes::page(call.out, if end < names.len() { end } else { 0 }, found, &body);
}
