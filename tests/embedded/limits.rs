//! Each limit, and every kind of request that is none.

use std::time::Duration;

use tickcache::publish::endpoint::{
    ARGUMENTS_MAX, MESSAGES_MAX, PATTERNS_MAX, PIPELINE_MAX, REQUEST_BYTES_MAX, TRANSACTION_MAX,
};
use tokio::net::{TcpSocket, TcpStream};

use crate::rig::{Client, Rig, bulk, channel, key, on_one_thread, until};

fn request(arguments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    arguments.iter().for_each(|argument| bytes.extend(bulk(argument)));
    bytes
}

#[test]
fn a_client_too_many_is_told_so() {
    on_one_thread(async {
        let rig = Rig::with(1, Duration::from_secs(30), |options| options.limits.clients_max = 2);
        let (mut first, mut second) = (rig.client().await, rig.client().await);
        first.ask("ping", "+PONG\r\n").await;
        second.ask("ping", "+PONG\r\n").await;
        assert_eq!(rig.client().await.rest().await, "-ERR max number of clients reached\r\n");
        drop(first);
        loop {
            let mut third = rig.client().await;
            third.send(b"ping\r\n").await;
            if third.line().await == "+PONG" {
                break;
            }
        }
    });
}

#[test]
fn a_request_too_large_ends_the_connection_and_nothing_else() {
    on_one_thread(async {
        let rig = Rig::start(1);
        let mut other = rig.client().await;
        for (bytes, expected) in [
            (format!("*{}\r\n", ARGUMENTS_MAX + 1).into_bytes(), "invalid multibulk length"),
            (format!("*1\r\n${}\r\n", REQUEST_BYTES_MAX + 1).into_bytes(), "invalid bulk length"),
            (request(&[vec![b'x'; REQUEST_BYTES_MAX / 2 + 1].as_slice(); 2]), "too big request"),
            (vec![b'x'; 70_000], "too big inline request"),
            (b"*1\r\n:1\r\n".to_vec(), "expected '$', got ':'"),
            (b"get '\r\n".to_vec(), "unbalanced quotes in request"),
        ] {
            let mut client = rig.client().await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut client.0, &bytes).await;
            assert!(
                client.rest().await.starts_with(&format!("-ERR Protocol error: {expected}"))
                    || bytes.len() > 65_536
            );
            other.ask("ping", "+PONG\r\n").await;
        }
    });
}

#[test]
fn bytes_that_mean_nothing_leave_the_endpoint_well() {
    on_one_thread(async {
        let rig = Rig::start(1);
        let mut random = 7_u64;
        for _ in 0..200 {
            let mut client = rig.client().await;
            let mut bytes = Vec::new();
            for _ in 0..300 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                bytes.push(b"*$1290\r\n\r\nGETx\"\0\xff"[(random >> 33) as usize % 17]);
            }
            let _ = tokio::io::AsyncWriteExt::write_all(&mut client.0, &bytes).await;
        }
        rig.client().await.ask("ping", "+PONG\r\n").await;
    });
}

#[test]
fn a_request_may_come_byte_by_byte_or_never_end() {
    on_one_thread(async {
        let mut rig = Rig::start(1);
        rig.push(0, 1);
        let mut halves = Vec::new();
        for _ in 0..20 {
            let mut half = rig.client().await;
            half.send(b"*2\r\n$3\r\nGET\r\n$99\r\nab").await;
            halves.push(half);
        }
        let mut client = rig.client().await;
        for byte in request(&[b"GET", key(0).as_bytes()]) {
            client.send(&[byte]).await;
            tokio::task::yield_now().await;
        }
        client.expect(&bulk(&rig.value(0).unwrap())).await;
    });
}

#[test]
fn a_long_pipeline_is_answered_in_full_and_in_order() {
    on_one_thread(async {
        let rig = Rig::start(1);
        let mut client = rig.client().await;
        let count = 3 * PIPELINE_MAX;
        let (mut asked, mut expected) = (Vec::new(), Vec::new());
        for index in 0..count {
            asked.extend(request(&[b"ECHO", index.to_string().as_bytes()]));
            expected.extend(bulk(index.to_string().as_bytes()));
        }
        client.send(&asked).await;
        client.expect(&expected).await;
    });
}

#[test]
fn a_reply_too_long_is_an_error_and_the_connection_goes_on() {
    on_one_thread(async {
        let mut rig =
            Rig::with(1, Duration::from_secs(30), |options| options.limits.output_bytes_max = 2_000);
        rig.push(0, 1);
        let name = key(0);
        let mut client = rig.client().await;
        let mut words = vec![&b"MGET"[..]];
        words.extend([name.as_bytes(); 100]);
        client.send(&request(&words)).await;
        assert!(client.line().await.contains("longer than embedded.output_buffer_bytes_max"));
        client.ask("multi", "+OK\r\n").await;
        for _ in 0..100 {
            client.ask(&format!("get {name}"), "+QUEUED\r\n").await;
        }
        client.send(b"exec\r\n").await;
        assert!(client.line().await.contains("longer than embedded.output_buffer_bytes_max"));
        client.ask("ping", "+PONG\r\n").await;
    });
}

#[test]
fn subscriptions_patterns_and_transactions_have_an_end() {
    on_one_thread(async {
        let rig = Rig::with(1, Duration::from_secs(30), |options| options.limits.subscriptions_max = 2);
        let mut client = rig.client().await;
        client.send(b"hello 3\r\nping\r\n").await;
        while client.line().await != "+PONG" {}
        client.send(b"subscribe a b c\r\n").await;
        assert!(client.line().await.contains("at most 2 subscriptions"));
        client.send(b"subscribe a b\r\nping\r\n").await;
        while client.line().await != "+PONG" {}
        client.send(b"ssubscribe c\r\n").await;
        assert!(client.line().await.contains("at most 2 subscriptions"));
        client.send(format!("psubscribe{}\r\n", " x".repeat(PATTERNS_MAX + 1)).as_bytes()).await;
        assert!(client.line().await.contains("at most 64 patterns"));
        let prefixes: String = (0..=PATTERNS_MAX).map(|index| format!(" prefix {}:", index + 100)).collect();
        client.send(format!("client tracking on bcast{prefixes}\r\n").as_bytes()).await;
        assert!(client.line().await.contains("at most 64 prefixes"));
        client.ask("multi", "+OK\r\n").await;
        for _ in 0..TRANSACTION_MAX {
            client.send(b"ping\r\n").await;
            assert_eq!(client.line().await, "+QUEUED");
        }
        client.send(b"ping\r\n").await;
        assert!(client.line().await.contains("a transaction holds at most 1024 requests"));
        client.ask("exec", "-EXECABORT Transaction discarded because of previous errors.\r\n").await;
    });
}

/// Its receive buffer is small, so that what it does not read is felt soon.
async fn sluggish(rig: &Rig) -> Client<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    Client(socket.connect(rig.address).await.unwrap())
}

#[test]
fn a_client_that_takes_nothing_is_disconnected() {
    on_one_thread(async {
        let mut rig = Rig::with(1, Duration::from_secs(30), |options| {
            options.limits.stalled_max = Duration::from_millis(200);
        });
        rig.push(0, 1);
        let name = key(0);
        let mut client = sluggish(&rig).await;
        let mut words = vec![&b"MGET"[..]];
        words.extend([name.as_bytes(); 5_000]);
        let one = request(&words);
        let asking = async {
            for _ in 0..1_000 {
                if tokio::io::AsyncWriteExt::write_all(&mut client.0, &one).await.is_err() {
                    return;
                }
            }
            panic!("nobody stopped it");
        };
        tokio::time::timeout(Duration::from_secs(30), asking).await.expect("disconnected in time");
        rig.client().await.ask("ping", "+PONG\r\n").await;
    });
}

#[test]
fn a_slow_subscriber_gets_the_newest_value_and_not_every_one() {
    on_one_thread(async {
        let mut rig = Rig::start(1);
        let mut client = sluggish(&rig).await;
        client.send(format!("subscribe {}\r\n", channel(0)).as_bytes()).await;
        client.line().await;
        for bid in 0..200_000 {
            rig.push(0, bid);
            if bid % 500 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        let newest = rig.value(0).unwrap();
        client.text().await;
        client.text().await;
        client.line().await;
        let mut messages = 0;
        while client.message().await.1 != newest {
            messages += 1;
        }
        assert!(messages < 10_000, "{messages} messages for 200000 values");
    });
}

#[test]
fn a_subscriber_that_misses_events_is_disconnected() {
    on_one_thread(async {
        let mut rig = Rig::start(1);
        let mut client = sluggish(&rig).await;
        client.send(b"subscribe tickcache:v1:event:{C0-USDT}\r\n").await;
        client.expect(b"*3\r\n$9\r\nsubscribe\r\n").await;
        until("it is heard", || rig.table.board().is_watched()).await;
        // As much as the kernel takes on its way, and more than waits here.
        for bid in 0..200 * MESSAGES_MAX {
            rig.push_event(0, bid as i128);
            if bid % 500 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            if !rig.table.board().is_watched() {
                return;
            }
        }
        until("it is disconnected", || !rig.table.board().is_watched()).await;
    });
}

#[test]
fn ten_thousand_connections_in_a_row_leave_it_well() {
    on_one_thread(async {
        let rig = Rig::start(1);
        for index in 0..10_000 {
            let mut client = rig.client().await;
            if index % 10 == 0 {
                client.ask("ping", "+PONG\r\n").await;
            }
            // Without a word, and without TIME_WAIT on our side.
            socket2::SockRef::from(&client.0).set_linger(Some(Duration::ZERO)).unwrap();
        }
        let mut client = rig.client().await;
        client.send(b"info clients\r\n").await;
        let info = String::from_utf8(client.text().await).unwrap();
        assert!(info.contains("maxclients:64\r\n"), "{info}");
    });
}
