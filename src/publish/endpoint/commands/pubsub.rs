//! Channels, and the invalidation of clients' own copies. <https://redis.io/docs/latest/develop/interact/pubsub/>,
//! <https://redis.io/docs/latest/develop/reference/client-side-caching/>
//!
//! A subscriber gets the newest value of a key, at most one between two looks of the dispatcher. SSUBSCRIBE hears what
//! SUBSCRIBE does.

use std::sync::Arc;

use super::super::mailbox::{Counts, Route};
use super::super::reply::Protocol;
use super::super::session::{Call, met};
use super::{OURS, SYNTAX, is_word};

/// Patterns, or tracked prefixes, of one client: each is compared with each message.
pub const PATTERNS_MAX: usize = 64;

impl Route {
    const fn words(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Channel => (b"subscribe", b"unsubscribe"),
            Self::Pattern => (b"psubscribe", b"punsubscribe"),
            Self::Shard => (b"ssubscribe", b"sunsubscribe"),
        }
    }

    /// What an answer counts.
    const fn shown(self, counts: Counts) -> usize {
        match self {
            Self::Channel | Self::Pattern => counts.common(),
            Self::Shard => counts.shards,
        }
    }
}

fn begin(call: &mut Call<'_>, route: Route) {
    let (counts, more) = (call.session.counts, call.request.len() - 1);
    let (limit, max, has) = match route {
        Route::Pattern => ("patterns", PATTERNS_MAX, counts.patterns),
        Route::Channel | Route::Shard => {
            ("subscriptions", call.shared.limits.subscriptions_max, counts.channels + counts.shards)
        }
    };
    if has + more > max {
        met(limit);
        return call.error(format!("ERR {OURS} a client has at most {max} {limit}"));
    }
    for name in call.request.from(1) {
        let counts = call.shared.hub.subscribe(&call.session.mailbox, route, name);
        call.session.counts = counts;
        confirm(call, route.words().0, Some(name), route.shown(counts));
    }
}

fn end(call: &mut Call<'_>, route: Route) {
    let word = route.words().1;
    if call.request.len() > 1 {
        for name in call.request.from(1) {
            end_one(call, route, name);
        }
        return;
    }
    let all = call.session.mailbox.lock().all(route);
    if all.is_empty() {
        confirm(call, word, None, route.shown(call.session.counts));
    }
    for name in all {
        end_one(call, route, &name);
    }
}

fn end_one(call: &mut Call<'_>, route: Route, name: &[u8]) {
    let counts = call.shared.hub.unsubscribe(&call.session.mailbox, route, name);
    call.session.counts = counts;
    confirm(call, route.words().1, Some(name), route.shown(counts));
}

fn confirm(call: &mut Call<'_>, word: &[u8], name: Option<&[u8]>, count: usize) {
    let mut reply = call.reply();
    reply.push(3);
    reply.bulk(word);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.count(count);
}

pub(in super::super) fn subscribe(call: &mut Call<'_>) {
    begin(call, Route::Channel);
}

pub(in super::super) fn psubscribe(call: &mut Call<'_>) {
    begin(call, Route::Pattern);
}

pub(in super::super) fn ssubscribe(call: &mut Call<'_>) {
    begin(call, Route::Shard);
}

pub(in super::super) fn unsubscribe(call: &mut Call<'_>) {
    end(call, Route::Channel);
}

pub(in super::super) fn punsubscribe(call: &mut Call<'_>) {
    end(call, Route::Pattern);
}

pub(in super::super) fn sunsubscribe(call: &mut Call<'_>) {
    end(call, Route::Shard);
}

/// What CLIENT TRACKING asks for.
#[derive(Default)]
struct Tracking<'a> {
    prefixes: Vec<&'a [u8]>,
    is_broadcast: bool,
    is_optional: bool,
    is_redirected: bool,
}

fn options<'a>(call: &Call<'a>) -> Option<Tracking<'a>> {
    let (mut tracking, mut at) = (Tracking::default(), 3);
    while at < call.request.len() {
        let (word, has_value) = (call.argument(at), at + 1 < call.request.len());
        if is_word(word, "prefix") && has_value {
            tracking.prefixes.push(call.argument(at + 1));
            at += 1;
        } else if is_word(word, "redirect") && has_value {
            tracking.is_redirected = true;
            at += 1;
        } else if is_word(word, "bcast") {
            tracking.is_broadcast = true;
        } else if is_word(word, "optin") || is_word(word, "optout") {
            tracking.is_optional = true;
        } else if !is_word(word, "noloop") {
            return None;
        }
        at += 1;
    }
    Some(tracking)
}

pub(in super::super) fn client_tracking(call: &mut Call<'_>) {
    let Some(tracking) = options(call) else { return call.error(SYNTAX) };
    if is_word(call.argument(2), "off") {
        call.shared.hub.untrack(&call.session.mailbox);
        call.session.is_tracking = false;
        return call.ok();
    }
    if !is_word(call.argument(2), "on") {
        return call.error(SYNTAX);
    }
    let refusal = if !tracking.is_broadcast && !tracking.prefixes.is_empty() {
        Some("ERR PREFIX option requires BCAST mode to be enabled".to_owned())
    } else if tracking.is_broadcast && tracking.is_optional {
        Some("ERR OPTIN and OPTOUT are not compatible with BCAST".to_owned())
    } else if !tracking.is_broadcast {
        Some(format!(
            "ERR {OURS} CLIENT TRACKING needs BCAST: reads are not remembered here; switch client-side caching off in the client"
        ))
    } else if tracking.is_redirected || call.session.protocol == Protocol::Resp2 {
        Some(format!(
            "ERR {OURS} CLIENT TRACKING needs RESP3 (HELLO 3) and no REDIRECT; with RESP2 subscribe to the update channels"
        ))
    } else {
        overlap(call, &tracking.prefixes)
    };
    if let Some(refusal) = refusal {
        return call.error(&refusal);
    }
    let everything: [&[u8]; 1] = [b""];
    let prefixes = if tracking.prefixes.is_empty() { &everything[..] } else { &tracking.prefixes };
    let has = call.session.mailbox.lock().prefixes().map_or(0, std::collections::BTreeSet::len);
    if has + prefixes.len() > PATTERNS_MAX {
        met("patterns");
        return call.error(format!("ERR {OURS} a client has at most {PATTERNS_MAX} prefixes"));
    }
    call.shared.hub.track(&call.session.mailbox, prefixes);
    call.session.is_tracking = true;
    call.ok();
}

/// Prefixes of one client must not lead to one key twice.
fn overlap(call: &Call<'_>, prefixes: &[&[u8]]) -> Option<String> {
    let mailbox = Arc::clone(&call.session.mailbox);
    let state = mailbox.lock();
    let meet = |one: &[u8], other: &[u8]| one.starts_with(other) || other.starts_with(one);
    let text = |one: &[u8], which: &str, other: &[u8]| {
        let (one, other) = (String::from_utf8_lossy(one), String::from_utf8_lossy(other));
        format!(
            "ERR Prefix '{one}' overlaps with {which} prefix '{other}'. Prefixes for a single client must not overlap."
        )
    };
    for (index, &prefix) in prefixes.iter().enumerate() {
        let mut known = state.prefixes().into_iter().flatten();
        if let Some(known) = known.find(|known| meet(known, prefix)) {
            return Some(text(prefix, "an existing", known));
        }
        if let Some(other) = prefixes[index + 1..].iter().find(|other| meet(other, prefix)) {
            return Some(text(prefix, "another provided", other));
        }
    }
    None
}
