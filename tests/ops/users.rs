//! `config/redis.conf` and `config/users.acl`: each user may do what it is for, and nothing else.

use std::time::Duration;

use redis::{Connection, FromRedisValue, RedisError};

use crate::redis_start;
use crate::started::Started;

const PASSWORDS: [(&str, &str); 6] = [
    ("REDIS_PASSWORD", "of-writer"),
    ("REDIS_READER_PASSWORD", "of-reader"),
    ("REDIS_OPERATOR_PASSWORD", "of-operator"),
    ("REDIS_APP_PASSWORD", "of-app"),
    ("REDIS_ADMIN_PASSWORD", "of-admin"),
    ("REDIS_HA_PASSWORD", "of-ha"),
];

const PRICE: &str = "tickcache:v1:price:{BTC-USDT}:binance";
const PRICE_UPDATES: &str = "tickcache:v1:update:price:{BTC-USDT}:binance";

/// Sets a key and publishes it, as the writer's script does.
const WRITE: &str = "redis.call('SET', KEYS[1], ARGV[1], 'PX', 30000)
redis.call('PUBLISH', ARGV[2], ARGV[1])
redis.call('SPUBLISH', ARGV[2], ARGV[1])
redis.call('TIME')
return redis.call('GET', KEYS[1])";

/// What engines spend of a venue's budget together.
const BUDGET: &str = include_str!("../../src/publish/scripts/budget.lua");

/// The users as a server gets them.
fn rendered(variables: &[(&str, &str)]) -> String {
    let output = redis_start(variables).arg("users").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// With the shipped configuration and all users.
struct Server(Started);

impl Server {
    fn start() -> Self {
        Self(Started::new("server", &PASSWORDS))
    }

    fn of(&self, user: &str) -> User {
        let url = format!("redis://{user}:of-{user}@127.0.0.1:{}", self.0.port);
        let connection = redis::Client::open(url).and_then(|client| client.get_connection()).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        User { name: user.to_owned(), connection }
    }
}

struct User {
    name: String,
    connection: Connection,
}

impl User {
    fn ask<T: FromRedisValue>(&mut self, words: &[&str]) -> Result<T, RedisError> {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut self.connection)
    }

    fn may(&mut self, words: &[&str]) -> redis::Value {
        self.ask(words).unwrap_or_else(|error| panic!("{} may {words:?}: {error}", self.name))
    }

    fn may_not(&mut self, words: &[&str]) {
        let error = self
            .ask::<redis::Value>(words)
            .err()
            .unwrap_or_else(|| panic!("{} may not {words:?}", self.name));
        // Within a script the reason is wrapped.
        let text = error.to_string();
        let denied = ["NOPERM", "permission", "can't "].iter().any(|part| text.contains(part));
        assert!(denied, "{} {words:?}: {text}", self.name);
    }

    /// Each in a connection of its own: a subscribed one takes no other commands.
    fn may_subscribe(server: &Server, user: &str, verb: &str, channel: &str) -> bool {
        let mut user = server.of(user);
        user.ask::<redis::Value>(&[verb, channel]).is_ok()
    }
}

#[test]
fn the_writer_writes_v1_by_scripts_and_nothing_else() {
    let server = Server::start();
    let mut writer = server.of("writer");
    let sha: String = writer.ask(&["SCRIPT", "LOAD", WRITE]).unwrap();
    let budget: String = writer.ask(&["SCRIPT", "LOAD", BUDGET]).unwrap();
    let written: String = writer.ask(&["EVALSHA", &sha, "1", PRICE, "value", PRICE_UPDATES]).unwrap();
    assert_eq!(written, "value");
    for allowed in [
        &["HELLO", "3"][..],
        &["CLIENT", "SETNAME", "tickcache"],
        &["SELECT", "1"],
        &["SELECT", "0"],
        &["PING"],
        &["SET", PRICE, "value", "PX", "30000"],
        &["PEXPIRE", PRICE, "30000"],
        &["SET", "tickcache:v1:lease:{binance/0}", "engine-a:7", "NX", "PX", "2000"],
        &["EVALSHA", &budget, "1", "tickcache:v1:budget:{binance}:rest", "1", "10", "10"],
        &["HSET", "tickcache:v1:catalog", "BTC-USDT:binance", "binance/0 price"],
        &["HGETALL", "tickcache:v1:engines"],
        &["HDEL", "tickcache:v1:catalog", "OLD-USDT:binance"],
        &["DEL", "tickcache:v1:compare:{BTC-USDT}"],
        &["PUBLISH", "tickcache:v1:feed:{binance/0}", "beat"],
        &["INFO"],
        &["ROLE"],
    ] {
        writer.may(allowed);
    }
    assert!(User::may_subscribe(&server, "writer", "SUBSCRIBE", "tickcache:v1:command"));
    for refused in [
        &["EVALSHA", &sha, "1", "tickcache:app:x", "value", PRICE_UPDATES][..],
        &["EVALSHA", &sha, "1", PRICE, "value", "tickcache:app:x"],
        &["SET", "tickcache:app:x", "value"],
        &["SET", "tickcache:v2:x", "value"],
        &["PUBLISH", "elsewhere", "value"],
        &["KEYS", "*"],
        &["FLUSHALL"],
        &["SCRIPT", "FLUSH"],
        &["CONFIG", "SET", "maxmemory", "0"],
        // It would show the password of the replicas.
        &["CONFIG", "GET", "*"],
        &["ACL", "LIST"],
        &["CLIENT", "KILL", "TYPE", "normal"],
        &["SHUTDOWN"],
    ] {
        writer.may_not(refused);
    }
}

#[test]
fn a_reader_sees_all_of_v1_and_changes_nothing() {
    let server = Server::start();
    server.of("writer").may(&["SET", PRICE, "value", "PX", "30000"]);
    let mut reader = server.of("reader");
    let value: String = reader.ask(&["GET", PRICE]).unwrap();
    assert_eq!(value, "value");
    for allowed in [
        &["MGET", PRICE, "tickcache:v1:price:{BTC-USDT}:kraken"][..],
        &["HSCAN", "tickcache:v1:catalog", "0"],
        &["HGETALL", "tickcache:v1:meta"],
        &["PTTL", PRICE],
        &["TIME"],
        &["INFO"],
        &["COMMAND", "COUNT"],
        &["CLIENT", "SETNAME", "bot"],
        &["HELLO", "3"],
        &["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "tickcache:v1:"],
    ] {
        reader.may(allowed);
    }
    for refused in [
        &["SET", PRICE, "value"][..],
        &["DEL", PRICE],
        &["PEXPIRE", PRICE, "1"],
        &["PUBLISH", PRICE_UPDATES, "value"],
        &["PUBLISH", "tickcache:v1:command", "value"],
        &["EVAL", "return 1", "0"],
        &["GET", "tickcache:app:x"],
        &["KEYS", "*"],
        &["SCAN", "0"],
        &["CONFIG", "GET", "*"],
        &["CLIENT", "LIST"],
    ] {
        reader.may_not(refused);
    }
}

#[test]
fn a_reader_follows_updates_events_and_feeds_but_no_commands() {
    let server = Server::start();
    for (verb, channel, allowed) in [
        ("SUBSCRIBE", PRICE_UPDATES, true),
        ("SSUBSCRIBE", PRICE_UPDATES, true),
        ("SUBSCRIBE", "tickcache:v1:event:{BTC-USDT}", true),
        ("SUBSCRIBE", "tickcache:v1:feed:{binance/0}", true),
        ("PSUBSCRIBE", "tickcache:v1:update:*", true),
        ("PSUBSCRIBE", "tickcache:v1:update:price:*", true),
        ("PSUBSCRIBE", "tickcache:v1:event:*", true),
        ("PSUBSCRIBE", "*", false),
        ("SUBSCRIBE", "tickcache:v1:command", false),
        ("SUBSCRIBE", "tickcache:app:x", false),
    ] {
        for user in ["reader", "operator"] {
            assert_eq!(User::may_subscribe(&server, user, verb, channel), allowed, "{user} {verb} {channel}");
        }
    }
}

#[test]
fn an_operator_may_ask_the_engines_and_write_nothing() {
    let server = Server::start();
    let mut operator = server.of("operator");
    operator.may(&["PUBLISH", "tickcache:v1:command", "value"]);
    operator.may(&["GET", PRICE]);
    operator.may_not(&["PUBLISH", PRICE_UPDATES, "value"]);
    operator.may_not(&["PUBLISH", "tickcache:v1:event:{BTC-USDT}", "value"]);
    operator.may_not(&["SET", PRICE, "value"]);
}

#[test]
fn an_application_has_its_own_and_nothing_of_ours() {
    let server = Server::start();
    let mut app = server.of("app");
    for allowed in [
        &["SET", "tickcache:app:x", "value"][..],
        &["LPUSH", "tickcache:app:list", "value"],
        &["EVAL", "return redis.call('GET', KEYS[1])", "1", "tickcache:app:x"],
        &["PUBLISH", "tickcache:app:x", "value"],
        &["INFO"],
    ] {
        app.may(allowed);
    }
    for refused in [
        &["GET", PRICE][..],
        &["SET", PRICE, "value"],
        &["EVAL", "return redis.call('GET', KEYS[1])", "1", PRICE],
        &["EVAL", "return redis.call('GET', ARGV[1])", "0", PRICE],
        &["PUBLISH", "tickcache:v1:command", "value"],
        &["FLUSHALL"],
        &["SCRIPT", "FLUSH"],
        &["CONFIG", "GET", "*"],
    ] {
        app.may_not(refused);
    }
}

#[test]
fn nobody_comes_in_without_a_name_and_the_limits_are_in_force() {
    let server = Server::start();
    let url = format!("redis://127.0.0.1:{}", server.0.port);
    let stranger = redis::Client::open(url).unwrap().get_connection();
    let refused = stranger.and_then(|mut open| redis::cmd("PING").query::<String>(&mut open)).unwrap_err();
    assert!(refused.to_string().contains("NOAUTH"), "{refused}");
    let mut admin = server.of("admin");
    for (name, value) in [
        ("maxmemory-policy", "volatile-lru"),
        ("maxmemory", "268435456"),
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("save", ""),
        ("timeout", "0"),
        ("protected-mode", "yes"),
    ] {
        let found: Vec<String> = admin.ask(&["CONFIG", "GET", name]).unwrap();
        assert_eq!(found, [name, value]);
    }
}

#[test]
fn a_user_without_a_password_does_not_exist_and_no_password_is_written_out() {
    let users = rendered(&PASSWORDS[..2]);
    let names: Vec<_> = users.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(names, ["default", "writer", "reader"]);
    assert!(!users.contains("of-") && !users.contains('@'), "{users}");
    let other = rendered(&[PASSWORDS[0], ("TICKCACHE_NAMESPACE", "prod:prices")]);
    assert!(other.contains("~prod:prices:v1:*") && !other.contains("tickcache"), "{other}");
}

#[test]
fn the_script_refuses_what_would_break_its_files_without_showing_it() {
    for (variables, reason) in [
        (&[][..], "REDIS_PASSWORD is not set"),
        (&[("REDIS_PASSWORD", "s3cr3t with spaces")], "the password of writer has other characters"),
        (&[("REDIS_PASSWORD", "a"), ("REDIS_HA_PASSWORD", "s3cr3t\nuser x on")], "the password of ha"),
        (&[("REDIS_PASSWORD", "a"), ("TICKCACHE_NAMESPACE", "a/b")], "no namespace"),
        (&[("REDIS_PASSWORD", "a"), ("REDIS_MAXMEMORY", "1gb\nsave 1 1")], "no address or number"),
    ] {
        let output = redis_start(variables).arg("users").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(reason), "{variables:?}: {said}");
        assert!(!said.contains("s3cr3t"), "{said}");
    }
}
