//! Who the client is and what it speaks. <https://redis.io/docs/latest/commands/?group=connection>

use super::super::parser::{Trust, integer};
use super::super::reply::Protocol;
use super::super::session::Call;
use super::{NO_INTEGER, SYNTAX, is_word};

/// What INFO and HELLO say: clients decide by it what may be asked.
pub(super) const REDIS_VERSION: &str = "7.0.15";

const WRONG_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";
const USER: &[u8] = b"default";
const BAD_NAME: &str = "ERR Client names cannot contain spaces, newlines or special characters.";

pub(in super::super) fn ping(call: &mut Call<'_>) {
    let given = call.argument(1);
    if call.request.len() > 2 {
        return call.error("ERR wrong number of arguments for 'ping' command");
    }
    if call.session.is_subscriber() {
        let mut reply = call.reply();
        reply.array(2);
        reply.bulk(b"pong");
        reply.bulk(given);
    } else if call.request.len() == 2 {
        call.reply().bulk(given);
    } else {
        call.reply().simple("PONG");
    }
}

pub(in super::super) fn echo(call: &mut Call<'_>) {
    let given = call.argument(1);
    call.reply().bulk(given);
}

pub(in super::super) fn quit(call: &mut Call<'_>) {
    call.session.is_ending = true;
    call.ok();
}

pub(in super::super) fn reset(call: &mut Call<'_>) {
    call.session.reset(call.shared);
    call.reply().simple("RESET");
}

pub(in super::super) fn select(call: &mut Call<'_>) {
    match integer(call.argument(1)) {
        Some(0) => call.ok(),
        Some(_) => call.error("ERR DB index is out of range"),
        None => call.error(NO_INTEGER),
    }
}

/// Whether user and password are right; if so, the client is known from now on.
fn log_in(call: &mut Call<'_>, user: &[u8], password: &[u8]) -> bool {
    let is_right = call.shared.password.as_ref().is_none_or(|known| known.is(password));
    if user == USER && is_right {
        call.session.trust = Trust::Known;
        return true;
    }
    call.error(WRONG_PASSWORD);
    false
}

pub(in super::super) fn auth(call: &mut Call<'_>) {
    let (first, second) = (call.argument(1), call.argument(2));
    let is_right = match call.request.len() {
        2 if call.shared.password.is_none() => {
            return call.error(
                "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
                 configuration is correct?",
            );
        }
        2 => log_in(call, USER, first),
        3 => log_in(call, first, second),
        _ => return call.error(SYNTAX),
    };
    if is_right {
        call.ok();
    }
}

pub(in super::super) fn hello(call: &mut Call<'_>) {
    let protocol = match (call.request.len(), integer(call.argument(1))) {
        (1, _) => None,
        (_, Some(2)) => Some(Protocol::Resp2),
        (_, Some(3)) => Some(Protocol::Resp3),
        (_, Some(_)) => return call.error("NOPROTO unsupported protocol version"),
        (_, None) => return call.error("ERR Protocol version is not an integer or out of range"),
    };
    let mut at = 2;
    while at < call.request.len() {
        let more = call.request.len() - 1 - at;
        let word = call.argument(at);
        if is_word(word, "auth") && more >= 2 {
            let (user, password) = (call.argument(at + 1), call.argument(at + 2));
            if !log_in(call, user, password) {
                return;
            }
            at += 3;
        } else if is_word(word, "setname") && more >= 1 {
            if !set_name(call, at + 1) {
                return;
            }
            at += 2;
        } else {
            return call.error([b"ERR Syntax error in HELLO option '", word, b"'"].concat());
        }
    }
    if call.session.trust == Trust::Stranger {
        return call.error(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> \
             option can be used to authenticate the client and select the RESP protocol version at the same time",
        );
    }
    if let Some(protocol) = protocol {
        call.session.protocol = protocol;
    }
    greet(call);
}

fn greet(call: &mut Call<'_>) {
    let id = i64::try_from(call.session.mailbox.id).unwrap_or(i64::MAX);
    let version = if call.session.protocol == Protocol::Resp3 { 3 } else { 2 };
    let mut reply = call.reply();
    reply.map(7);
    for (name, value) in [("server", "redis"), ("version", REDIS_VERSION)] {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"proto");
    reply.integer(version);
    reply.bulk(b"id");
    reply.integer(id);
    for (name, value) in [("mode", "standalone"), ("role", "master")] {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"modules");
    reply.array(0);
}

/// Takes an argument as the client's name, if it may be one.
fn set_name(call: &mut Call<'_>, index: usize) -> bool {
    let name = call.argument(index);
    if !name.iter().all(u8::is_ascii_graphic) {
        call.error(BAD_NAME);
        return false;
    }
    call.session.name = name.to_vec();
    true
}

pub(in super::super) fn client_setname(call: &mut Call<'_>) {
    if set_name(call, 2) {
        call.ok();
    }
}

pub(in super::super) fn client_getname(call: &mut Call<'_>) {
    let name = std::mem::take(&mut call.session.name);
    if name.is_empty() {
        call.reply().null()
    } else {
        call.reply().bulk(&name)
    }
    call.session.name = name;
}

pub(in super::super) fn client_id(call: &mut Call<'_>) {
    let id = call.session.mailbox.id;
    call.reply().integer(i64::try_from(id).unwrap_or(i64::MAX));
}

/// Known since 7.2; taken, so that clients need not be told.
pub(in super::super) fn client_setinfo(call: &mut Call<'_>) {
    let option = call.argument(2);
    if is_word(option, "lib-name") || is_word(option, "lib-ver") {
        return call.ok();
    }
    let option = String::from_utf8_lossy(option).into_owned();
    call.error(format!("ERR Unrecognized option '{option}'"));
}

/// Nothing is evicted here.
pub(in super::super) fn client_no_evict(call: &mut Call<'_>) {
    let word = call.argument(2);
    if is_word(word, "on") || is_word(word, "off") { call.ok() } else { call.error(SYNTAX) }
}
