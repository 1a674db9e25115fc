//! Every command in one table: dispatch, COMMAND and its documentation read the same lines.
//!
//! Owns names, arities (negative = at least), flags and where the keys are, as redis-server 7.0 has them.

use super::commands::{connection, hashes, keys, pubsub, server, texts, transaction};
use super::session::Call;

/// One command.
#[derive(Debug)]
pub(super) struct Spec {
    /// In lower case; `container|subcommand` for a part of another command.
    pub(super) name: &'static str,
    /// Arguments, the name included; negative = at least so many.
    pub(super) arity: i64,
    pub(super) flags: &'static [&'static str],
    /// First key, last key, step; zeros where there is none.
    pub(super) keys: [i64; 3],
    pub(super) group: &'static str,
    pub(super) since: &'static str,
    pub(super) summary: &'static str,
    /// What it does; `None` = it has subcommands only.
    pub(super) run: Option<fn(&mut Call<'_>)>,
}

const NO_KEY: [i64; 3] = [0, 0, 0];
const ONE_KEY: [i64; 3] = [1, 1, 1];
const KEYS: [i64; 3] = [1, -1, 1];

macro_rules! commands {
    ($($name:literal $arity:literal [$($flag:ident)*] $keys:ident $group:literal $since:literal $run:expr, $summary:literal;)+) => {
        /// Sorted by name.
        pub(super) static COMMANDS: &[Spec] = &[$(Spec {
            name: $name,
            arity: $arity,
            flags: &[$(stringify!($flag)),*],
            keys: $keys,
            group: $group,
            since: $since,
            summary: $summary,
            run: $run,
        }),+];
    };
}

commands! {
    "auth" -2 [noscript loading stale fast no_auth allow_busy] NO_KEY "connection" "1.0.0" Some(connection::auth), "Authenticate to the server";
    "client" -2 [] NO_KEY "connection" "2.4.0" None, "A container for client connection commands";
    "client|getname" 2 [noscript loading stale] NO_KEY "connection" "2.6.9" Some(connection::client_getname), "Get the current connection name";
    "client|id" 2 [noscript loading stale] NO_KEY "connection" "5.0.0" Some(connection::client_id), "Returns the client ID for the current connection";
    "client|no-evict" 3 [admin noscript loading stale] NO_KEY "connection" "7.0.0" Some(connection::client_no_evict), "Set client eviction mode for the current connection";
    "client|setinfo" 4 [noscript loading stale] NO_KEY "connection" "7.2.0" Some(connection::client_setinfo), "Set client or connection specific info";
    "client|setname" 3 [noscript loading stale] NO_KEY "connection" "2.6.9" Some(connection::client_setname), "Set the current connection name";
    "client|tracking" -3 [noscript loading stale] NO_KEY "connection" "6.0.0" Some(pubsub::client_tracking), "Enable or disable server assisted client side caching support";
    "command" -1 [loading stale] NO_KEY "server" "2.8.13" Some(server::command), "Get array of Redis command details";
    "command|count" 2 [loading stale] NO_KEY "server" "2.8.13" Some(server::command_count), "Get total number of Redis commands";
    "command|docs" -2 [loading stale] NO_KEY "server" "7.0.0" Some(server::command_docs), "Get array of specific Redis command documentation";
    "command|info" -2 [loading stale] NO_KEY "server" "2.8.13" Some(server::command_info), "Get array of specific Redis command details, or all when no argument is given.";
    "config" -2 [] NO_KEY "server" "2.0.0" None, "A container for server configuration commands";
    "config|get" -3 [admin noscript loading stale] NO_KEY "server" "2.0.0" Some(server::config_get), "Get the values of configuration parameters";
    "dbsize" 1 [readonly fast] NO_KEY "server" "1.0.0" Some(keys::dbsize), "Return the number of keys in the selected database";
    "discard" 1 [noscript loading stale fast allow_busy] NO_KEY "transactions" "2.0.0" Some(transaction::discard), "Discard all commands issued after MULTI";
    "echo" 2 [fast] NO_KEY "connection" "1.0.0" Some(connection::echo), "Echo the given string";
    "exec" 1 [noscript loading stale skip_slowlog] NO_KEY "transactions" "1.2.0" Some(transaction::exec), "Execute all commands issued after MULTI";
    "exists" -2 [readonly fast] KEYS "generic" "1.0.0" Some(keys::exists), "Determine if a key exists";
    "expiretime" 2 [readonly fast] ONE_KEY "generic" "7.0.0" Some(keys::expiretime), "Get the expiration Unix timestamp for a key";
    "get" 2 [readonly fast] ONE_KEY "string" "1.0.0" Some(texts::get), "Get the value of a key";
    "getrange" 4 [readonly] ONE_KEY "string" "2.4.0" Some(texts::getrange), "Get a substring of the string stored at a key";
    "hello" -1 [noscript loading stale fast no_auth allow_busy] NO_KEY "connection" "6.0.0" Some(connection::hello), "Handshake with Redis";
    "hexists" 3 [readonly fast] ONE_KEY "hash" "2.0.0" Some(hashes::hexists), "Determine if a hash field exists";
    "hget" 3 [readonly fast] ONE_KEY "hash" "2.0.0" Some(hashes::hget), "Get the value of a hash field";
    "hgetall" 2 [readonly] ONE_KEY "hash" "2.0.0" Some(hashes::hgetall), "Get all the fields and values in a hash";
    "hkeys" 2 [readonly] ONE_KEY "hash" "2.0.0" Some(hashes::hkeys), "Get all the fields in a hash";
    "hlen" 2 [readonly fast] ONE_KEY "hash" "2.0.0" Some(hashes::hlen), "Get the number of fields in a hash";
    "hmget" -3 [readonly fast] ONE_KEY "hash" "2.0.0" Some(hashes::hmget), "Get the values of all the given hash fields";
    "hscan" -3 [readonly] ONE_KEY "hash" "2.8.0" Some(hashes::hscan), "Incrementally iterate hash fields and associated values";
    "hvals" 2 [readonly] ONE_KEY "hash" "2.0.0" Some(hashes::hvals), "Get all the values in a hash";
    "info" -1 [loading stale] NO_KEY "server" "1.0.0" Some(server::info), "Get information and statistics about the server";
    "keys" 2 [readonly] NO_KEY "generic" "1.0.0" Some(keys::keys), "Find all keys matching the given pattern";
    "mget" -2 [readonly fast] KEYS "string" "1.0.0" Some(texts::mget), "Get the values of all the given keys";
    "multi" 1 [noscript loading stale fast allow_busy] NO_KEY "transactions" "1.2.0" Some(transaction::multi), "Mark the start of a transaction block";
    "pexpiretime" 2 [readonly fast] ONE_KEY "generic" "7.0.0" Some(keys::pexpiretime), "Get the expiration Unix timestamp for a key in milliseconds";
    "ping" -1 [fast] NO_KEY "connection" "1.0.0" Some(connection::ping), "Ping the server";
    "psubscribe" -2 [pubsub noscript loading stale] NO_KEY "pubsub" "2.0.0" Some(pubsub::psubscribe), "Listen for messages published to channels matching the given patterns";
    "pttl" 2 [readonly fast] ONE_KEY "generic" "2.6.0" Some(keys::pttl), "Get the time to live for a key in milliseconds";
    "punsubscribe" -1 [pubsub noscript loading stale] NO_KEY "pubsub" "2.0.0" Some(pubsub::punsubscribe), "Stop listening for messages posted to channels matching the given patterns";
    "quit" -1 [noscript loading stale fast no_auth allow_busy] NO_KEY "connection" "1.0.0" Some(connection::quit), "Close the connection";
    "reset" 1 [noscript loading stale fast no_auth allow_busy] NO_KEY "connection" "6.2.0" Some(connection::reset), "Reset the connection";
    "role" 1 [noscript loading stale fast] NO_KEY "server" "2.8.12" Some(server::role), "Return the role of the instance in the context of replication";
    "scan" -2 [readonly] NO_KEY "generic" "2.8.0" Some(keys::scan), "Incrementally iterate the keys space";
    "select" 2 [loading stale fast] NO_KEY "connection" "1.0.0" Some(connection::select), "Change the selected database for the current connection";
    "ssubscribe" -2 [pubsub noscript loading stale] KEYS "pubsub" "7.0.0" Some(pubsub::ssubscribe), "Listen for messages published to the given shard channels";
    "strlen" 2 [readonly fast] ONE_KEY "string" "2.2.0" Some(texts::strlen), "Get the length of the value stored in a key";
    "subscribe" -2 [pubsub noscript loading stale] NO_KEY "pubsub" "2.0.0" Some(pubsub::subscribe), "Listen for messages published to the given channels";
    "sunsubscribe" -1 [pubsub noscript loading stale] KEYS "pubsub" "7.0.0" Some(pubsub::sunsubscribe), "Stop listening for messages posted to the given shard channels";
    "time" 1 [loading stale fast] NO_KEY "server" "2.6.0" Some(server::time), "Return the current server time";
    "ttl" 2 [readonly fast] ONE_KEY "generic" "1.0.0" Some(keys::ttl), "Get the time to live for a key in seconds";
    "type" 2 [readonly fast] ONE_KEY "generic" "1.0.0" Some(keys::kind), "Determine the type stored at key";
    "unsubscribe" -1 [pubsub noscript loading stale] NO_KEY "pubsub" "2.0.0" Some(pubsub::unsubscribe), "Stop listening for messages posted to the given channels";
}

/// Commands that change something, which only the engine does. Sorted.
pub(super) static WRITES: &[&str] = &[
    "append",
    "bitfield",
    "bitop",
    "blmove",
    "blmpop",
    "blpop",
    "brpop",
    "brpoplpush",
    "bzmpop",
    "bzpopmax",
    "bzpopmin",
    "copy",
    "decr",
    "decrby",
    "del",
    "eval",
    "evalsha",
    "expire",
    "expireat",
    "fcall",
    "flushall",
    "flushdb",
    "function",
    "geoadd",
    "geosearchstore",
    "getdel",
    "getex",
    "getset",
    "hdel",
    "hincrby",
    "hincrbyfloat",
    "hmset",
    "hset",
    "hsetnx",
    "incr",
    "incrby",
    "incrbyfloat",
    "linsert",
    "lmove",
    "lmpop",
    "lpop",
    "lpush",
    "lpushx",
    "lrem",
    "lset",
    "ltrim",
    "move",
    "mset",
    "msetnx",
    "persist",
    "pexpire",
    "pexpireat",
    "pfadd",
    "pfmerge",
    "psetex",
    "publish",
    "rename",
    "renamenx",
    "restore",
    "rpop",
    "rpoplpush",
    "rpush",
    "rpushx",
    "sadd",
    "script",
    "sdiffstore",
    "set",
    "setbit",
    "setex",
    "setnx",
    "setrange",
    "sinterstore",
    "smove",
    "sort",
    "spop",
    "spublish",
    "srem",
    "sunionstore",
    "swapdb",
    "unlink",
    "xack",
    "xadd",
    "xautoclaim",
    "xclaim",
    "xdel",
    "xgroup",
    "xreadgroup",
    "xsetid",
    "xtrim",
    "zadd",
    "zdiffstore",
    "zincrby",
    "zinterstore",
    "zmpop",
    "zpopmax",
    "zpopmin",
    "zrangestore",
    "zrem",
    "zremrangebylex",
    "zremrangebyrank",
    "zremrangebyscore",
    "zunionstore",
];

/// Letters of the longest name.
const NAME_MAX: usize = 32;

/// A name in lower case, on the stack; empty for one that is too long to be known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    letters: [u8; NAME_MAX],
    length: usize,
}

impl Name {
    /// Of a command, and of a subcommand if there is one.
    #[inline]
    pub(super) fn of(command: &[u8], sub: Option<&[u8]>) -> Self {
        let mut name = Self { letters: [0; NAME_MAX], length: 0 };
        let length = command.len() + sub.map_or(0, |sub| sub.len() + 1);
        if length > NAME_MAX {
            return name;
        }
        let bar: &[u8] = if sub.is_some() { b"|" } else { b"" };
        for byte in [command, bar, sub.unwrap_or_default()].into_iter().flatten() {
            name.letters[name.length] = byte.to_ascii_lowercase();
            name.length += 1;
        }
        name
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.letters[..self.length]
    }
}

/// The command of this name.
#[inline]
pub(super) fn find(name: &Name) -> Option<&'static Spec> {
    let at = COMMANDS.binary_search_by(|spec| spec.name.as_bytes().cmp(name.bytes())).ok()?;
    Some(&COMMANDS[at])
}

/// Whether a command of this name changes something.
pub(super) fn is_write(name: &Name) -> bool {
    WRITES.binary_search_by(|write| write.as_bytes().cmp(name.bytes())).is_ok()
}

impl Spec {
    /// Whether so many arguments may be.
    #[inline]
    pub(super) fn takes(&self, arguments: usize) -> bool {
        let count = i64::try_from(arguments).unwrap_or(i64::MAX);
        if self.arity < 0 { count >= -self.arity } else { count == self.arity }
    }

    /// Whether somebody who has not logged in may use it.
    pub(super) fn is_for_strangers(&self) -> bool {
        self.flags.contains(&"no_auth")
    }

    /// Whether a subscriber of version 2 may use it.
    pub(super) fn is_for_subscribers(&self) -> bool {
        self.flags.contains(&"pubsub") || matches!(self.name, "ping" | "quit" | "reset")
    }

    /// Whether it runs at once between MULTI and EXEC.
    pub(super) fn is_of_transactions(&self) -> bool {
        matches!(self.name, "exec" | "discard" | "multi" | "quit" | "reset")
    }

    /// The subcommands of a container.
    pub(super) fn parts(&self) -> impl Iterator<Item = &'static Self> {
        let name = self.name;
        COMMANDS
            .iter()
            .filter(move |spec| spec.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('|')))
    }

    pub(super) fn is_part(&self) -> bool {
        self.name.contains('|')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_every_command_is_found() {
        assert!(COMMANDS.is_sorted_by(|one, other| one.name.as_bytes() < other.name.as_bytes()));
        assert!(WRITES.is_sorted_by(|one, other| one < other));
        for spec in COMMANDS {
            let upper = spec.name.to_ascii_uppercase();
            let (command, sub) = upper.split_once('|').map_or((upper.as_str(), None), |(a, b)| (a, Some(b)));
            let name = Name::of(command.as_bytes(), sub.map(str::as_bytes));
            assert_eq!(find(&name).unwrap().name, spec.name);
            assert!(!is_write(&name));
            assert_eq!(
                spec.run.is_none(),
                spec.parts().count() > 0 && spec.name != "command",
                "{}",
                spec.name
            );
        }
        assert!(is_write(&Name::of(b"PUBLISH", None)));
        assert!(find(&Name::of(&[b'x'; 99], None)).is_none());
    }
}
