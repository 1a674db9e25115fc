//! What each command does, and the checks before it, in the order of redis-server's `processCommand`.
//!
//! Owns the way from a request to a reply in the output buffer. Pure but for the tables that it reads: the time is an
//! argument. A reply that is longer than the client's output buffer is replaced by an error.

pub(super) mod connection;
pub(super) mod hashes;
pub(super) mod keys;
pub(super) mod pubsub;
pub(super) mod server;
pub(super) mod texts;
pub(super) mod transaction;

use crate::domain::Now;

use super::parser::Trust;
use super::session::{Call, Request, Session, Shared, met};
use super::spec::{self, Name, Spec};

/// In front of every refusal that redis-server would not give.
pub(super) const OURS: &str = "tickcache embedded store:";
pub(super) const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
pub(super) const SYNTAX: &str = "ERR syntax error";
pub(super) const NO_INTEGER: &str = "ERR value is not an integer or out of range";

/// Characters of a client's own words in an error.
const QUOTED_MAX: usize = 128;

/// Answers a request.
#[inline]
pub(super) fn answer(
    shared: &Shared,
    session: &mut Session,
    request: Request<'_>,
    now: Now,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    let mut call = Call { shared, session, request, out, start, now: now.mono, wall: now.wall };
    let name = Name::of(request.get(0), None);
    // Whatever state the connection is in.
    if name.bytes() == b"quit" {
        return connection::quit(&mut call);
    }
    match checked(&call, &name) {
        Ok(spec) => run(&mut call, spec),
        Err(refusal) => refuse(&mut call, &name, &refusal),
    }
}

/// The command, if it may run.
#[inline]
fn checked(call: &Call<'_>, name: &Name) -> Result<&'static Spec, Vec<u8>> {
    let request = call.request;
    let spec = find(request, name)?;
    if !spec.takes(request.len()) {
        return Err(format!("ERR wrong number of arguments for '{}' command", spec.name).into_bytes());
    }
    if call.session.trust == Trust::Stranger && !spec.is_for_strangers() {
        return Err(b"NOAUTH Authentication required.".to_vec());
    }
    if call.session.is_subscriber() && !spec.is_for_subscribers() {
        return Err(format!(
            "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
             context",
            spec.name
        )
        .into_bytes());
    }
    Ok(spec)
}

#[inline]
fn find(request: Request<'_>, name: &Name) -> Result<&'static Spec, Vec<u8>> {
    let Some(spec) = spec::find(name).filter(|spec| !spec.is_part()) else {
        return Err(if spec::is_write(name) { read_only(request).into_bytes() } else { unknown(request) });
    };
    if request.len() == 1 || !matches!(spec.name, "client" | "command" | "config") {
        return Ok(spec);
    }
    spec::find(&Name::of(request.get(0), Some(request.get(1)))).ok_or_else(|| {
        let (container, sub) = (spec.name.to_ascii_uppercase(), quoted(request.get(1), QUOTED_MAX));
        if container == "CONFIG" && is_word(request.get(1), "set") {
            return format!(
                "READONLY {OURS} CONFIG SET changes nothing here; see the engine's own configuration"
            )
            .into_bytes();
        }
        [b"ERR unknown subcommand '", sub, b"'. Try ", container.as_bytes(), b" HELP."].concat()
    })
}

fn read_only(request: Request<'_>) -> String {
    let name = String::from_utf8_lossy(request.get(0)).to_ascii_uppercase();
    format!(
        "READONLY {OURS} {name} is refused, only the engine writes here; what needs writing needs a Redis \
         (store.kind = \"redis\")"
    )
}

fn unknown(request: Request<'_>) -> Vec<u8> {
    let mut words = Vec::new();
    for argument in request.from(1) {
        if words.len() >= QUOTED_MAX {
            break;
        }
        let argument = quoted(argument, QUOTED_MAX - words.len());
        [b"'", argument, b"' "].into_iter().for_each(|part| words.extend_from_slice(part));
    }
    let name = quoted(request.get(0), QUOTED_MAX);
    [b"ERR unknown command '", name, b"', with args beginning with: ", &words].concat()
}

/// As `%.128s` prints it.
fn quoted(bytes: &[u8], max: usize) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()).min(max);
    &bytes[..end]
}

/// What is refused breaks a transaction that it stands in.
fn refuse(call: &mut Call<'_>, name: &Name, refusal: &[u8]) {
    if let Some(transaction) = &mut call.session.transaction {
        transaction.is_broken = true;
    }
    // Also where there is no transaction.
    if name.bytes() == b"exec" {
        call.session.transaction = None;
        let text = refusal.strip_prefix(b"ERR ").unwrap_or(refusal);
        return call.error([b"EXECABORT Transaction discarded because of: ", text].concat());
    }
    call.error(refusal);
}

#[inline]
fn run(call: &mut Call<'_>, spec: &Spec) {
    if call.session.transaction.is_some() && !spec.is_of_transactions() {
        return transaction::queue(call);
    }
    execute(call, spec);
}

#[inline]
fn execute(call: &mut Call<'_>, spec: &Spec) {
    let Some(run) = spec.run else { return call.error("ERR unknown subcommand") };
    run(call);
    if call.is_too_long() {
        call.out.truncate(call.start);
        met("output");
        call.error(format!(
            "ERR {OURS} the reply is longer than embedded.output_buffer_bytes_max allows; ask for less at a time"
        ));
    }
}

/// Whether an argument is this word, whatever its case.
pub(super) fn is_word(argument: &[u8], word: &str) -> bool {
    argument.eq_ignore_ascii_case(word.as_bytes())
}
