//! GET and its relatives. <https://redis.io/docs/latest/commands/?group=string>
//!
//! A value is copied once: from the table, under its slot's lock, into the output buffer.

use super::super::parser::integer;
use super::super::session::Call;
use super::super::view::{Kind, Place};
use super::{NO_INTEGER, WRONG_TYPE};

/// Appends the text of a place; says whether there was one.
#[inline]
fn append(call: &mut Call<'_>, place: Place) -> bool {
    let (view, now) = (&call.shared.view, call.now);
    let out = &mut *call.out;
    let found = view.text(place, now, |bytes| super::super::reply::bulk(out, bytes)).is_some();
    if found {
        call.session.hits += 1;
    } else {
        call.session.misses += 1;
    }
    found
}

fn is_hash(call: &Call<'_>, place: Place) -> bool {
    call.shared.view.kind(place, call.now) == Some(Kind::Hash)
}

#[inline]
pub(in super::super) fn get(call: &mut Call<'_>) {
    match call.shared.view.find(call.argument(1)) {
        Some(place) if append(call, place) => {}
        Some(place) if is_hash(call, place) => call.error(WRONG_TYPE),
        Some(_) => call.reply().null(),
        None => {
            call.session.misses += 1;
            call.reply().null();
        }
    }
}

/// Each key is read at its own moment.
#[inline]
pub(in super::super) fn mget(call: &mut Call<'_>) {
    let request = call.request;
    call.reply().array(request.len() - 1);
    for key in request.from(1) {
        match call.shared.view.find(key) {
            Some(place) if append(call, place) => {}
            Some(_) | None => call.reply().null(),
        }
        if call.is_too_long() {
            return;
        }
    }
}

pub(in super::super) fn strlen(call: &mut Call<'_>) {
    let Some(place) = call.shared.view.find(call.argument(1)) else { return call.reply().count(0) };
    match call.shared.view.text(place, call.now, <[u8]>::len) {
        Some(length) => call.reply().count(length),
        None if is_hash(call, place) => call.error(WRONG_TYPE),
        None => call.reply().count(0),
    }
}

pub(in super::super) fn getrange(call: &mut Call<'_>) {
    let (Some(start), Some(end)) = (integer(call.argument(2)), integer(call.argument(3))) else {
        return call.error(NO_INTEGER);
    };
    let Some(place) = call.shared.view.find(call.argument(1)) else { return call.reply().bulk(b"") };
    let out = &mut *call.out;
    let part = |bytes: &[u8]| super::super::reply::bulk(out, &bytes[range(start, end, bytes.len())]);
    match call.shared.view.text(place, call.now, part) {
        Some(()) => {}
        None if is_hash(call, place) => call.error(WRONG_TYPE),
        None => call.reply().bulk(b""),
    }
}

/// Both ends count, negative ones from the end.
fn range(start: i64, end: i64, length: usize) -> std::ops::Range<usize> {
    let whole = i64::try_from(length).unwrap_or(i64::MAX);
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let from_end = |index: i64| if index < 0 { whole.saturating_add(index).max(0) } else { index };
    let (start, end) = (from_end(start), from_end(end).min(whole - 1));
    if start > end || whole == 0 {
        return 0..0;
    }
    let at = |index: i64| usize::try_from(index).unwrap_or(0);
    at(start)..at(end) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_redis_server() {
        for (start, end, part) in [
            (0, -1, "hello"),
            (0, 0, "h"),
            (-3, -1, "llo"),
            (-1, -3, ""),
            (3, 1, ""),
            (2, 99, "llo"),
            (9, 99, ""),
            (-99, 1, "he"),
            (-99, -98, "h"),
            (i64::MIN, i64::MAX, "hello"),
        ] {
            assert_eq!(&"hello"[range(start, end, 5)], part, "{start} {end}");
            assert_eq!(range(start, end, 0), 0..0);
        }
    }
}
