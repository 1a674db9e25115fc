//! What the writer does when Redis is away, slow, hung, or refuses.

use std::time::Duration;

use redis::AsyncCommands;
use tickcache::clock;
use tickcache::publish::{Credentials, Drained, Endpoint, Login, RedisAddress, Servers, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::certificates::{Certificates, Clients};
use crate::redis_server::{RedisServer, free_port};
use crate::rig::{Rig, at, bid, local, on_one_thread, tcp, until, version};

#[test]
fn a_redis_that_was_killed_and_comes_back_empty_gets_everything_anew() {
    on_one_thread(async {
        let mut server = RedisServer::start();
        let mut rig = Rig::start(tcp(server.port()), 500);
        for slot in 0..500 {
            rig.push(slot, 1);
        }
        rig.drain().await;
        let before = server.observe().await.get::<_, Vec<u8>>(&rig.keys[7]).await.unwrap();
        server.kill();
        until("the loss is noticed", async || !rig.writer.stats().connected).await;
        rig.push(7, 2);
        let value = rig.table.get_key(&rig.keys[7], clock::mono()).unwrap();
        assert_eq!(bid(&value.bytes), 2, "the table goes on without Redis");

        server.restart();
        rig.drain().await;
        let values: Vec<Vec<u8>> = server.observe().await.mget(&rig.keys).await.unwrap();
        for (slot, value) in values.iter().enumerate() {
            assert_eq!(bid(value), if slot == 7 { 2 } else { 1 });
        }
        assert!(version(&values[7]) > version(&before));
        assert!(rig.writer.stats().reconnects >= 1);
    });
}

#[test]
fn a_redis_that_is_absent_at_the_start_costs_no_memory_and_is_found_later() {
    on_one_thread(async {
        let port = free_port();
        let mut rig = Rig::unfenced(tcp(port), 50);
        for round in 0..20_000 {
            rig.push(round % 50, i128::try_from(round).unwrap());
        }
        assert_eq!(rig.writer.drain(clock::mono()).await, Drained::Partly { left: 50 });
        assert!(rig.writer.buffer_bytes() < 1_024, "nothing is packed for a Redis that is away");
        let server = RedisServer::start_on(port);
        rig.drain().await;
        let value: Vec<u8> = server.observe().await.get(&rig.keys[49]).await.unwrap();
        assert_eq!(bid(&value), 19_999);
        assert!(rig.writer.buffer_bytes() < 1 << 20);
    });
}

#[test]
fn a_hung_redis_is_given_up_and_gets_the_newest_value_later() {
    on_one_thread(async {
        let server = RedisServer::start();
        let mut rig = Rig::start(tcp(server.port()), 2);
        rig.push(0, 1);
        rig.drain().await;
        server.stop();
        rig.push(0, 2);
        until("the silence is noticed", async || !rig.writer.stats().connected).await;
        rig.push(0, 3);
        server.cont();
        rig.drain().await;
        let value: Vec<u8> = server.observe().await.get(&rig.keys[0]).await.unwrap();
        assert_eq!(bid(&value), 3);
    });
}

#[test]
fn an_idle_connection_that_hangs_is_noticed_too() {
    on_one_thread(async {
        let server = RedisServer::start();
        let rig = Rig::start(tcp(server.port()), 1);
        until("it connects", async || rig.writer.stats().connected).await;
        server.stop();
        until("the silence is noticed", async || !rig.writer.stats().connected).await;
        server.cont();
        until("it comes back", async || rig.writer.stats().connected).await;
    });
}

#[test]
fn a_full_redis_is_asked_again_until_it_has_room() {
    on_one_thread(async {
        let server = RedisServer::start_with(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
        let mut redis = server.observe().await;
        let mut rig = Rig::start(tcp(server.port()), 100);
        for slot in 0..100 {
            rig.push(slot, 1);
        }
        until("it refuses", async || rig.writer.stats().errors > 0).await;
        rig.push(3, 2);
        let value = rig.table.get_key(&rig.keys[3], clock::mono()).unwrap();
        assert_eq!(bid(&value.bytes), 2, "the table does not wait for Redis");
        let _: () =
            redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(0).query_async(&mut redis).await.unwrap();
        rig.drain().await;
        let values: Vec<Vec<u8>> = redis.mget(&rig.keys).await.unwrap();
        assert_eq!((values.len(), bid(&values[3])), (100, 2));
        assert_eq!(rig.writer.stats().reconnects, 0, "the connection is not to blame");
    });
}

#[test]
fn a_key_that_the_user_may_not_write_holds_no_other_up() {
    on_one_thread(async {
        let server = RedisServer::start();
        let control = ["~tickcache:v1:lease:*", "~tickcache:v1:epoch:*", "~tickcache:v1:engines"];
        server.allow("writer", &["on", ">secret", "~*{C1-USDT}*", "&*", "+@all"]);
        server.allow("writer", &control);
        let mut rig = Rig::start(at(with_password(server.port(), "secret")), 2);
        rig.push(0, 1);
        rig.push(1, 1);
        let mut redis = server.observe().await;
        until("the other is written", async || redis.exists(&rig.keys[1]).await.unwrap()).await;
        until("it is refused more than once", async || rig.writer.stats().errors > 4).await;
        rig.push(1, 2);
        until("the other goes on", async || bid(&redis.get::<_, Vec<u8>>(&rig.keys[1]).await.unwrap()) == 2)
            .await;
        assert!(!redis.exists::<_, bool>(&rig.keys[0]).await.unwrap());
        server.allow("writer", &["~*"]);
        rig.drain().await;
        assert!(redis.exists::<_, bool>(&rig.keys[0]).await.unwrap());
        assert_eq!(rig.writer.stats().reconnects, 0);
    });
}

#[test]
fn a_wrong_password_is_tried_again_until_it_is_right() {
    on_one_thread(async {
        let server = RedisServer::start();
        server.allow("writer", &["on", ">right", "~*", "+@all"]);
        let mut rig = Rig::start(at(with_password(server.port(), "wrong")), 1);
        rig.push(0, 1);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!rig.writer.stats().connected);
        server.allow("writer", &[">wrong"]);
        rig.drain().await;
        let mut redis = server.observe().await;
        assert!(redis.exists::<_, bool>(&rig.keys[0]).await.unwrap());
    });
}

#[test]
fn behind_a_slow_network_the_newest_value_still_comes_last() {
    on_one_thread(async {
        let server = RedisServer::start();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::task::spawn_local(slow_proxy(listener, server.port()));
        let mut rig = Rig::start(tcp(port), 300);
        until("it connects", async || rig.writer.stats().connected).await;
        for round in 1..=2_000 {
            for slot in 0..300 {
                rig.push(slot, round);
            }
            if round % 20 == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        rig.drain().await;
        let values: Vec<Vec<u8>> = server.observe().await.mget(&rig.keys).await.unwrap();
        assert!(values.iter().all(|value| bid(value) == 2_000));
        let stats = rig.writer.stats();
        assert!(stats.conflated > stats.written, "{stats:?}");
        assert!(rig.writer.buffer_bytes() < 1 << 20);
    });
}

#[test]
fn a_server_that_speaks_nonsense_is_left_and_tried_again() {
    on_one_thread(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut rig = Rig::unfenced(tcp(port), 1);
        for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n", b""]
        {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut hello = [0; 512];
            assert!(socket.read(&mut hello).await.unwrap() > 0);
            socket.write_all(answer).await.unwrap();
        }
        rig.push(0, 1);
        assert!(matches!(rig.writer.drain(clock::mono()).await, Drained::Partly { .. }));
        let value = rig.table.get_key(&rig.keys[0], clock::mono()).unwrap();
        assert_eq!(bid(&value.bytes), 1);
    });
}

#[test]
fn tls_works_and_an_untrusted_certificate_is_refused() {
    on_one_thread(async {
        let certificates = Certificates::make();
        let server = RedisServer::start_tls(&certificates.server_arguments(Clients::Anybody));
        let address =
            RedisAddress::open(Endpoint::Tls { host: "localhost".to_owned(), port: server.tls_port() });
        let mut untrusting = Rig::start(at(address.clone()), 1);
        untrusting.push(0, 1);
        let login = Login::new(Credentials::default(), 0, Some(certificates.trusting()), String::new());
        let mut rig = Rig::start(Store::Redis(Servers::single(address.endpoint, login)), 500);
        for round in 1..=50 {
            for slot in 0..500 {
                rig.push(slot, round);
            }
            tokio::task::yield_now().await;
        }
        rig.drain().await;
        let values: Vec<Vec<u8>> = server.observe().await.mget(&rig.keys).await.unwrap();
        assert!(values.iter().all(|value| bid(value) == 50));
        assert!(!untrusting.writer.stats().connected);
    });
}

fn with_password(port: u16, password: &str) -> RedisAddress {
    RedisAddress {
        username: Some("writer".to_owned()),
        password: Some(password.to_owned()),
        ..RedisAddress::open(local(port))
    }
}

/// Passes 32 KiB every 2 ms, so that the writer's socket is full most of the time.
async fn slow_proxy(listener: TcpListener, port: u16) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::task::spawn_local(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
        tokio::task::spawn_local(async move {
            let mut buffer = vec![0; 32 << 10];
            while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                if to_server.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
    }
}
