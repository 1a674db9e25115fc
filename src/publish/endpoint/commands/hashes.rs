//! HGET and its relatives, for `catalog`, `meta` and `engines`. <https://redis.io/docs/latest/commands/?group=hash>

use super::super::reply::{bulk, head};
use super::super::session::Call;
use super::super::view::{Kind, Place};
use super::super::{glob, reply};
use super::WRONG_TYPE;
use super::keys::{Walk, cursor, walk};

/// What stands under the first key.
enum Hash {
    There(Place),
    Missing,
    /// A text is there; the error is given already.
    Wrong,
}

fn hash(call: &mut Call<'_>) -> Hash {
    let Some(place) = call.shared.view.find(call.argument(1)) else { return Hash::Missing };
    match call.shared.view.kind(place, call.now) {
        Some(Kind::Hash) => Hash::There(place),
        None => Hash::Missing,
        Some(Kind::Text) => {
            call.error(WRONG_TYPE);
            Hash::Wrong
        }
    }
}

fn append_field(call: &mut Call<'_>, place: Place, field: &[u8]) {
    match call.shared.view.field(place, field, call.now) {
        Some(value) => call.reply().bulk(&value),
        None => call.reply().null(),
    }
}

pub(in super::super) fn hget(call: &mut Call<'_>) {
    match hash(call) {
        Hash::There(place) => append_field(call, place, call.argument(2)),
        Hash::Missing => call.reply().null(),
        Hash::Wrong => {}
    }
}

pub(in super::super) fn hexists(call: &mut Call<'_>) {
    match hash(call) {
        Hash::There(place) => {
            let found = call.shared.view.field(place, call.argument(2), call.now).is_some();
            call.reply().count(usize::from(found));
        }
        Hash::Missing => call.reply().count(0),
        Hash::Wrong => {}
    }
}

pub(in super::super) fn hmget(call: &mut Call<'_>) {
    let place = match hash(call) {
        Hash::There(place) => Some(place),
        Hash::Missing => None,
        Hash::Wrong => return,
    };
    let request = call.request;
    call.reply().array(request.len() - 2);
    for field in request.from(2) {
        match place {
            Some(place) => append_field(call, place, field),
            None => call.reply().null(),
        }
        if call.is_too_long() {
            return;
        }
    }
}

pub(in super::super) fn hlen(call: &mut Call<'_>) {
    match hash(call) {
        Hash::There(place) => {
            let fields = call.shared.view.fields(place, call.now);
            call.reply().count(fields);
        }
        Hash::Missing => call.reply().count(0),
        Hash::Wrong => {}
    }
}

/// What is listed of each field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listed {
    Fields,
    Values,
    Both,
}

/// Written aside first: how many there are is known only afterwards.
fn list(call: &mut Call<'_>, listed: Listed) {
    let place = match hash(call) {
        Hash::There(place) => Some(place),
        Hash::Missing => None,
        Hash::Wrong => return,
    };
    let (mut body, mut count) = (Vec::new(), 0);
    if let Some(place) = place {
        call.shared.view.each_field(place, call.now, |field, value| {
            count += 1;
            if listed != Listed::Values {
                bulk(&mut body, field);
            }
            if listed != Listed::Fields {
                bulk(&mut body, value);
            }
        });
    }
    let mut reply = call.reply();
    if listed == Listed::Both {
        reply.map(count)
    } else {
        reply.array(count)
    }
    call.out.append(&mut body);
}

pub(in super::super) fn hgetall(call: &mut Call<'_>) {
    list(call, Listed::Both);
}

pub(in super::super) fn hkeys(call: &mut Call<'_>) {
    list(call, Listed::Fields);
}

pub(in super::super) fn hvals(call: &mut Call<'_>) {
    list(call, Listed::Values);
}

/// The cursor is the place of the next field: fields that come or go meanwhile may shift it.
pub(in super::super) fn hscan(call: &mut Call<'_>) {
    let Some(cursor) = cursor(call.argument(2)) else {
        return call.error("ERR invalid cursor");
    };
    let place = match hash(call) {
        Hash::There(place) => place,
        // As redis-server: before the options are looked at.
        Hash::Missing => return page(call.out, 0, 0, &[]),
        Hash::Wrong => return,
    };
    let Walk { pattern, count, .. } = match walk(call.request, 3) {
        Ok(walk) if walk.kind.is_none() => walk,
        Ok(_) => return call.error(super::SYNTAX),
        Err(error) => return call.error(error),
    };
    let (mut body, mut found, mut at) = (Vec::new(), 0, 0_usize);
    let end = cursor.saturating_add(count);
    call.shared.view.each_field(place, call.now, |field, value| {
        let is_here = (cursor..end).contains(&at);
        at += 1;
        if is_here && pattern.is_none_or(|pattern| glob::matches(pattern, field)) {
            found += 2;
            bulk(&mut body, field);
            bulk(&mut body, value);
        }
    });
    page(call.out, if end < at { end } else { 0 }, found, &body);
}

/// The cursor to go on with, and what was found.
pub(super) fn page(out: &mut Vec<u8>, cursor: usize, found: usize, body: &[u8]) {
    head(out, b'*', 2);
    reply::bulk(out, cursor.to_string().as_bytes());
    head(out, b'*', found as u64);
    out.extend_from_slice(body);
}
