//! Where the endpoint answers otherwise than redis-server 7.0, and why. Whatever is not here is compared byte for byte.

use std::collections::BTreeSet;

use crate::rig::on_one_thread;
use crate::world::{Side, World, array, arrays, lines, shown};

/// Request, how redis-server's answer begins, how ours begins, and why.
const DIFFERENT: &[(&str, &str, &str, &str)] = &[
    (
        "SELECT 1",
        "+OK\r\n",
        "-ERR DB index is out of range\r\n",
        "an engine has one namespace and no databases",
    ),
    (
        "CONFIG GET maxmemory",
        "*2\r\n$9\r\nmaxmemory\r\n",
        "*0\r\n",
        "there is nothing of redis-server's to configure",
    ),
    (
        "CONFIG SET maxmemory 0",
        "+OK\r\n",
        "-READONLY tickcache embedded store: CONFIG SET ",
        "the engine has a configuration of its own",
    ),
    ("INFO", "$", "$", "another server, with fewer sections; the same form, so that clients can parse it"),
    ("COMMAND", "*2", "*43\r\n*10\r\n", "only what there is; each described in the same ten fields"),
    ("COMMAND COUNT", ":2", ":43\r\n", "likewise"),
    (
        "COMMAND DOCS get",
        "*2\r\n$3\r\nget\r\n*1",
        "*2\r\n$3\r\nget\r\n*6\r\n$7\r\nsummary\r\n$22\r\nGet the value of a key\r\n",
        "summary, since and group only",
    ),
    (
        "COMMAND INFO get",
        "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n",
        "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*2\r\n",
        "fewer categories, and no key specifications: clients read the first six fields",
    ),
    ("TIME", "*2\r\n$10\r\n", "*2\r\n$10\r\n", "the time"),
    ("CLIENT ID", ":", ":", "a connection has an id of its own on each side"),
    (
        "CLIENT SETINFO lib-name x",
        "-ERR unknown subcommand 'SETINFO'.",
        "+OK\r\n",
        "known since 7.2; clients of today send it",
    ),
    (
        "CLIENT LIST",
        "$",
        "-ERR unknown subcommand 'LIST'. Try CLIENT HELP.\r\n",
        "other clients are the operator's business: /metrics",
    ),
    (
        "CLIENT TRACKING on",
        "+OK\r\n",
        "-ERR tickcache embedded store: CLIENT TRACKING needs BCAST",
        "what a client has read is not remembered; BCAST needs no memory",
    ),
    (
        "CLIENT TRACKING on BCAST",
        "+OK\r\n",
        "-ERR tickcache embedded store: CLIENT TRACKING needs RESP3",
        "with version 2 it would need a second connection",
    ),
    (
        "WATCH a",
        "+OK\r\n",
        "-ERR unknown command 'WATCH', with args beginning with: 'a' \r\n",
        "nothing here can be written, so nothing is guarded",
    ),
    (
        "RANDOMKEY",
        "$",
        "-ERR unknown command 'RANDOMKEY'",
        "reads that no client of prices needs are not there",
    ),
    ("LRANGE $0 0 -1", "-WRONGTYPE", "-ERR unknown command 'LRANGE'", "there are texts and hashes only"),
    ("OBJECT ENCODING $0", "$", "-ERR unknown command 'OBJECT'", "a matter of redis-server's memory"),
    ("PUBSUB CHANNELS", "*", "-ERR unknown command 'PUBSUB'", "a matter of the operator: /metrics"),
    ("GET tickcache:v1:epoch:{binance/0}", "$13\r\n", "$-1\r\n", "the counter of epochs is the writers' own"),
];

/// What writes is refused with one error, which clients know as that of a replica.
const WRITES: &[&str] = &[
    "SET $0 b",
    "DEL $0",
    "PUBLISH a b",
    "SPUBLISH a b",
    "EXPIRE $0 1",
    "EVAL return 0",
    "HSET $m a b",
    "FLUSHALL",
    "INCR a",
    "UNLINK $0",
    "MSET a b",
    "RENAME $0 b",
    "PERSIST $0",
    "XADD a * b c",
    "LPUSH a b",
    "SADD a b",
    "ZADD a 1 b",
    "GETDEL $0",
    "GETEX $0",
    "SETEX a 1 b",
    "SCRIPT LOAD a",
];

#[test]
fn what_must_differ_differs_in_just_this_way() {
    on_one_thread(async {
        let world = World::start().await;
        let mut problems = Vec::new();
        for (script, theirs, ours, why) in DIFFERENT {
            let answers = world.both(b"", &arrays(&world.fill(script))).await;
            for (answer, start) in answers.iter().zip([theirs, ours]) {
                if !answer.starts_with(start.as_bytes()) {
                    problems.push(format!("{script} ({why}): {} is not {start:?}", shown(answer)));
                }
            }
        }
        for script in WRITES {
            let answer = world.client(Side::Endpoint).await.ask(&arrays(&world.fill(script))).await;
            if !answer.starts_with(b"-READONLY tickcache embedded store: ") || !answer.ends_with(b"\r\n") {
                problems.push(format!("{script}: {}", shown(&answer)));
            }
        }
        assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    });
}

/// redis-server looks for the end of a line in a C string, and waits behind a NUL for what never comes.
#[test]
fn a_nul_in_a_line_is_no_riddle() {
    on_one_thread(async {
        let world = World::start().await;
        for (bytes, ours) in [
            (&b"\0\r\nPING\r\n"[..], &b"+PONG\r\n"[..]),
            (b"*1\r\n\0abc\r\n", b"-ERR Protocol error: expected '$', got '\0'\r\n"),
        ] {
            assert_eq!(
                world.both(b"", bytes).await.map(|answer| shown(&answer)),
                [String::new(), shown(ours)]
            );
        }
    });
}

/// A request of ours has an end much sooner than one of redis-server, which takes half a gigabyte.
#[test]
fn a_request_that_is_too_large_is_refused_in_the_words_of_redis_server() {
    on_one_thread(async {
        let world = World::start().await;
        for (ours, theirs, answer) in [
            (&b"*16385\r\n"[..], &b"*2147483648\r\n"[..], "invalid multibulk length"),
            (b"*1\r\n$1048577\r\n", b"*1\r\n$536870913\r\n", "invalid bulk length"),
        ] {
            let expected = format!("-ERR Protocol error: {answer}\r\n");
            for (side, bytes) in [(Side::Endpoint, ours), (Side::Redis, theirs)] {
                let got = world.client(side).await.ask(bytes).await;
                assert_eq!(shown(&got), shown(expected.as_bytes()), "{side:?}");
            }
        }
    });
}

/// The bulk strings of an answer, in whatever order.
fn words(answer: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(answer).into_owned();
    text.split("\r\n").filter(|line| line.starts_with("tickcache:")).map(str::to_owned).collect()
}

/// Whoever walks gets each key once, in an order of the server's own. The counter of epochs is in Redis only.
#[test]
fn both_list_the_same_keys_in_an_order_of_their_own() {
    on_one_thread(async {
        let world = World::start().await;
        for script in [
            "KEYS *",
            "SCAN 0 COUNT 1000",
            "SCAN 0 COUNT 1000 MATCH tickcache:* TYPE string",
            "SCAN 0 COUNT 1000 TYPE hash",
            "KEYS *:price:*",
        ] {
            let [mut theirs, ours] = world.both(b"", &arrays(script)).await.map(|answer| words(&answer));
            theirs.retain(|key| !key.contains(":epoch:"));
            assert_eq!(ours, theirs, "{script}");
            assert!(!ours.is_empty());
        }
        let [theirs, ours] =
            world.both(b"", &lines("DBSIZE")).await.map(|answer| String::from_utf8(answer).unwrap());
        let count = |answer: &str| answer.trim()[1..].parse::<usize>().unwrap();
        assert_eq!(count(&ours) + 1, count(&theirs));
    });
}

/// The two lives of a value begin a round trip apart.
#[test]
fn both_let_a_value_live_as_long() {
    on_one_thread(async {
        let world = World::start().await;
        for (command, unit_ms) in [("TTL", 1_000), ("PTTL", 1), ("EXPIRETIME", 1_000), ("PEXPIRETIME", 1)] {
            let asked = array(&[command, &world.rig.keys[0]]);
            let [theirs, ours] = world.both(b"", &asked).await;
            let number =
                |answer: Vec<u8>| String::from_utf8(answer).unwrap().trim()[1..].parse::<i64>().unwrap();
            let (theirs, ours) = (number(theirs), number(ours));
            assert!(((theirs - ours) * unit_ms).abs() < 20_000, "{command}: {theirs}, {ours}");
            assert!(ours > 0 && (command.contains("TIME") || ours * unit_ms <= 30_000), "{command}: {ours}");
        }
    });
}
