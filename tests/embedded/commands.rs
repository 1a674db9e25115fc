//! What clients ask, and what they are told.

use std::time::Duration;

use crate::rig::{EPOCH, Rig, bulk, joined, key, on_one_thread, until};

#[test]
fn a_value_is_the_very_bytes_of_the_table() {
    on_one_thread(async {
        let mut rig = Rig::start(3);
        rig.push(0, 41);
        rig.push(2, 43);
        let [first, third] = [0, 2].map(|slot| rig.value(slot).unwrap());
        assert_eq!(tickcache::codec::peek_version(&first).unwrap().epoch.get(), EPOCH);
        let mut client = rig.client().await;
        let [a, b, c] = [0, 1, 2].map(key);
        client.ask(&format!("get {a}"), bulk(&first)).await;
        client.ask(&format!("GET {b}"), "$-1\r\n").await;
        client.ask("get nothing", "$-1\r\n").await;
        let all = joined(&[b"*4\r\n", &bulk(&first), b"$-1\r\n", b"$-1\r\n", &bulk(&third)]);
        client.ask(&format!("mget {a} {b} tickcache:v1:meta {c}"), all).await;
        client.ask(&format!("strlen {a}"), format!(":{}\r\n", first.len())).await;
        client.ask(&format!("getrange {a} 0 2"), bulk(&first[..3])).await;
        client.ask(&format!("getrange {a} -2 -1"), bulk(&first[first.len() - 2..])).await;
        client.ask(&format!("exists {a} {b} {a} nothing"), ":2\r\n").await;
        client.ask(&format!("type {a}"), "+string\r\n").await;
        client.ask(&format!("ttl {a}"), ":30\r\n").await;
        client.ask(&format!("ttl {b}"), ":-2\r\n").await;
        // Two values, meta, engines and a lease; the catalog is empty.
        until("the lease is shown", || rig.table.board().lease(0).is_some()).await;
        client.ask("dbsize", ":5\r\n").await;
        client.ask(&format!("hello 3\r\nget {b}"), "%7\r\n").await;
    });
}

#[test]
fn an_expired_value_is_gone_at_the_read() {
    on_one_thread(async {
        let mut rig = Rig::with(1, Duration::from_millis(300), |_| ());
        rig.push(0, 1);
        let (mut client, name) = (rig.client().await, key(0));
        client.ask(&format!("exists {name}"), ":1\r\n").await;
        until("it expires", || rig.value(0).is_none()).await;
        for (line, expected) in [
            (format!("get {name}"), "$-1\r\n"),
            (format!("mget {name}"), "*1\r\n$-1\r\n"),
            (format!("exists {name}"), ":0\r\n"),
            (format!("type {name}"), "+none\r\n"),
            (format!("strlen {name}"), ":0\r\n"),
            (format!("pttl {name}"), ":-2\r\n"),
            (format!("expiretime {name}"), ":-2\r\n"),
            ("keys *price*".to_owned(), "*0\r\n"),
            ("scan 0 count 100 match *price*".to_owned(), "*2\r\n$1\r\n0\r\n*0\r\n"),
        ] {
            client.ask(&line, expected).await;
        }
    });
}

#[test]
fn hashes_are_read_as_in_redis() {
    on_one_thread(async {
        let rig = Rig::start(1);
        assert!(rig.writer.announce(tickcache::publish::FeedIndex(0), "C0-USDT:binance", "binance/0 price"));
        let mut client = rig.client().await;
        let (catalog, meta) = ("tickcache:v1:catalog", "tickcache:v1:meta");
        let pair = "$15\r\nC0-USDT:binance\r\n$15\r\nbinance/0 price\r\n";
        for (line, expected) in [
            (format!("hgetall {catalog}"), format!("*2\r\n{pair}")),
            (format!("hlen {catalog}"), ":1\r\n".into()),
            (format!("hkeys {catalog}"), "*1\r\n$15\r\nC0-USDT:binance\r\n".into()),
            (format!("hvals {catalog}"), "*1\r\n$15\r\nbinance/0 price\r\n".into()),
            (format!("hscan {catalog} 0 count 9"), format!("*2\r\n$1\r\n0\r\n*2\r\n{pair}")),
            (format!("hget {meta} transport"), "$7\r\npublish\r\n".into()),
            (format!("hmget {meta} schema x"), "*2\r\n$1\r\n1\r\n$-1\r\n".into()),
            (format!("hexists {meta} schema"), ":1\r\n".into()),
            (format!("hget {meta} x"), "$-1\r\n".into()),
            ("hgetall nothing".into(), "*0\r\n".into()),
            (format!("ttl {meta}"), ":-1\r\n".into()),
            (format!("type {meta}"), "+hash\r\n".into()),
            (
                format!("get {meta}"),
                "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n".into(),
            ),
        ] {
            client.ask(&line, expected).await;
        }
        assert!(rig.writer.withdraw(tickcache::publish::FeedIndex(0), "C0-USDT:binance"));
        client.ask(&format!("exists {catalog}"), ":0\r\n").await;
    });
}

#[test]
fn a_walk_with_scan_gives_each_key_once() {
    on_one_thread(async {
        let mut rig = Rig::start(25);
        (0..25).for_each(|slot| rig.push(slot, 1));
        let mut client = rig.client().await;
        let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
        loop {
            client.send(format!("scan {cursor} match *price* count 7\r\n").as_bytes()).await;
            assert_eq!(client.line().await, "*2");
            cursor = String::from_utf8(client.text().await).unwrap();
            let count: usize = client.line().await[1..].parse().unwrap();
            for _ in 0..count {
                found.push(String::from_utf8(client.text().await).unwrap());
            }
            if cursor == "0" {
                break;
            }
        }
        found.sort();
        let mut expected: Vec<_> = (0..25).map(key).collect();
        expected.sort();
        assert_eq!(found, expected);
    });
}

/// As redis-server 7.0.15 answered to the same lines.
#[test]
fn errors_have_the_words_of_redis_server() {
    on_one_thread(async {
        let rig = Rig::start(1);
        let mut client = rig.client().await;
        for (line, expected) in [
            ("get", "-ERR wrong number of arguments for 'get' command\r\n"),
            ("foo a b", "-ERR unknown command 'foo', with args beginning with: 'a' 'b' \r\n"),
            ("foo", "-ERR unknown command 'foo', with args beginning with: \r\n"),
            ("client foo", "-ERR unknown subcommand 'foo'. Try CLIENT HELP.\r\n"),
            ("client", "-ERR wrong number of arguments for 'client' command\r\n"),
            ("client setname a b", "-ERR wrong number of arguments for 'client|setname' command\r\n"),
            ("client|id", "-ERR unknown command 'client|id', with args beginning with: \r\n"),
            ("select 0", "+OK\r\n"),
            ("select 1", "-ERR DB index is out of range\r\n"),
            ("select x", "-ERR value is not an integer or out of range\r\n"),
            ("hello 4", "-NOPROTO unsupported protocol version\r\n"),
            ("hello x", "-ERR Protocol version is not an integer or out of range\r\n"),
            ("hello 3 foo", "-ERR Syntax error in HELLO option 'foo'\r\n"),
            ("auth a b", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
            ("auth a b c", "-ERR syntax error\r\n"),
            ("scan x", "-ERR invalid cursor\r\n"),
            ("scan -1", "*2\r\n$1\r\n0\r\n*0\r\n"),
            ("scan 0 count 0", "-ERR syntax error\r\n"),
            ("scan 0 count x", "-ERR value is not an integer or out of range\r\n"),
            ("getrange a 0 x", "-ERR value is not an integer or out of range\r\n"),
            ("ping a b", "-ERR wrong number of arguments for 'ping' command\r\n"),
            ("exec", "-ERR EXEC without MULTI\r\n"),
            ("discard", "-ERR DISCARD without MULTI\r\n"),
            ("config get", "-ERR wrong number of arguments for 'config|get' command\r\n"),
            ("config get maxmemory", "*0\r\n"),
            ("ping", "+PONG\r\n"),
            ("ping hi", "$2\r\nhi\r\n"),
            ("echo 'a b'", "$3\r\na b\r\n"),
            ("client getname", "$-1\r\n"),
            ("client setname me", "+OK\r\n"),
            ("client getname", "$2\r\nme\r\n"),
            ("client setinfo lib-name x", "+OK\r\n"),
            ("client no-evict on", "+OK\r\n"),
            ("role", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"),
            ("reset", "+RESET\r\n"),
        ] {
            client.ask(line, expected).await;
        }
        for write in ["set a b", "PUBLISH a b", "eval x 0", "del a", "flushall"] {
            client.send(format!("{write}\r\n").as_bytes()).await;
            let refusal = client.line().await;
            assert!(refusal.starts_with("-READONLY tickcache embedded store: "), "{refusal}");
        }
        client.ask("quit", "+OK\r\n").await;
        assert_eq!(client.rest().await, "");
    });
}

#[test]
fn a_transaction_of_reads_is_answered_as_one() {
    on_one_thread(async {
        let mut rig = Rig::start(1);
        rig.push(0, 41);
        let (value, name) = (rig.value(0).unwrap(), key(0));
        let mut client = rig.client().await;
        client.ask("multi", "+OK\r\n").await;
        client.ask("multi", "-ERR MULTI calls can not be nested\r\n").await;
        client.ask(&format!("get {name}"), "+QUEUED\r\n").await;
        client.ask("ping", "+QUEUED\r\n").await;
        client.ask("exec", joined(&[b"*2\r\n", &bulk(&value), b"+PONG\r\n"])).await;
        client.ask("multi", "+OK\r\n").await;
        client.ask("get", "-ERR wrong number of arguments for 'get' command\r\n").await;
        client.ask("exec", "-EXECABORT Transaction discarded because of previous errors.\r\n").await;
        client.ask("multi\r\nset a b", "+OK\r\n-READONLY").await;
        assert!(client.line().await.contains("SET is refused"));
        client.ask("exec", "-EXECABORT Transaction discarded because of previous errors.\r\n").await;
        client.ask("multi\r\nping\r\ndiscard", "+OK\r\n+QUEUED\r\n+OK\r\n").await;
    });
}

#[test]
fn commands_are_described() {
    on_one_thread(async {
        let rig = Rig::start(1);
        let mut client = rig.client().await;
        client.send(b"command count\r\n").await;
        let count = client.line().await;
        client.send(b"command\r\n").await;
        assert_eq!(client.line().await[1..], count[1..]);
        let mut client = rig.client().await;
        client
            .ask(
                "command info get",
                "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n",
            )
            .await;
        let mut client = rig.client().await;
        client
            .ask(
                "command docs get",
                "*2\r\n$3\r\nget\r\n*6\r\n$7\r\nsummary\r\n$22\r\nGet the value of a key\r\n",
            )
            .await;
        let mut client = rig.client().await;
        client.send(b"info\r\n").await;
        let info = String::from_utf8(client.text().await).unwrap();
        for line in ["redis_version:7.0.15", "role:master", "maxmemory_policy:noeviction"] {
            assert!(info.contains(&format!("{line}\r\n")), "{info}");
        }
    });
}
