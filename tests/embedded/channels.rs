//! What subscribers are told, and in which order.

use std::time::Duration;

use tickcache::codec::{decode_event, decode_feed};
use tickcache::domain::{Reason, State};

use crate::rig::{EPOCH, Rig, bulk, channel, joined, key, on_one_thread};

const EVENTS: &str = "tickcache:v1:event:{C0-USDT}";
const FEED: &str = "tickcache:v1:feed:{binance/0}";

fn confirmed(word: &str, name: &str, count: usize) -> Vec<u8> {
    let count = format!(":{count}\r\n");
    joined(&[b"*3\r\n", &bulk(word.as_bytes()), &bulk(name.as_bytes()), count.as_bytes()])
}

#[test]
fn a_subscriber_gets_the_value_itself() {
    on_one_thread(async {
        let mut rig = Rig::start(3);
        let mut client = rig.client().await;
        client.ask(&format!("subscribe {}", channel(1)), confirmed("subscribe", &channel(1), 1)).await;
        rig.push(0, 40);
        rig.push(1, 41);
        let (told, value) = client.message().await;
        assert_eq!((told, Some(value)), (channel(1), rig.value(1)));
        rig.push(1, 42);
        assert_eq!(Some(client.message().await.1), rig.value(1));
        let refusal = "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are \
                       allowed in this context\r\n";
        client.ask("get a", refusal).await;
        client.ask("ping", "*2\r\n$4\r\npong\r\n$0\r\n\r\n").await;
        client.ask("unsubscribe", confirmed("unsubscribe", &channel(1), 0)).await;
        client.ask("unsubscribe", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n").await;
        rig.push(1, 43);
        client.ask("get a", "$-1\r\n").await;
    });
}

#[test]
fn each_kind_of_subscription_is_served_in_its_own_form() {
    on_one_thread(async {
        let mut rig = Rig::start(1);
        let mut client = rig.client().await;
        let (name, pattern) = (channel(0), "tickcache:v1:update:price:*");
        client.ask("hello 3", "%7\r\n").await;
        client.send(format!("psubscribe {pattern}\r\nssubscribe {name}\r\nping\r\n").as_bytes()).await;
        while client.line().await != "+PONG" {}
        rig.push(0, 41);
        let value = rig.value(0).unwrap();
        let [name, pattern, value] = [name.as_bytes(), pattern.as_bytes(), &value].map(bulk);
        client.expect(&joined(&[b">4\r\n$8\r\npmessage\r\n", &pattern, &name, &value])).await;
        client.expect(&joined(&[b">3\r\n$8\r\nsmessage\r\n", &name, &value])).await;
        // Version 3 tells replies and messages apart.
        client.ask("get x", "_\r\n").await;
        client.ask("reset", "+RESET\r\n").await;
        rig.push(0, 42);
        client.ask("get x", "$-1\r\n").await;
    });
}

#[test]
fn an_event_comes_after_the_value_that_it_speaks_of() {
    on_one_thread(async {
        let mut rig = Rig::start(1);
        let mut client = rig.client().await;
        client.send(format!("subscribe {EVENTS} {}\r\n", channel(0)).as_bytes()).await;
        client.expect(&confirmed("subscribe", EVENTS, 1)).await;
        client.expect(&confirmed("subscribe", &channel(0), 2)).await;
        for bid in 0..200 {
            rig.push_event(0, bid);
            let (told, value) = client.message().await;
            assert_eq!((told, Some(&value)), (channel(0), rig.value(0).as_ref()));
            let (told, event) = client.message().await;
            assert_eq!(told, EVENTS);
            let version = decode_event(&event).unwrap().version;
            assert_eq!(version, tickcache::codec::peek_version(&value).unwrap());
        }
    });
}

#[test]
fn the_heartbeat_of_a_feed_comes_by_itself_and_at_each_change() {
    on_one_thread(async {
        let rig = Rig::start(1);
        let mut client = rig.client().await;
        client.ask(&format!("subscribe {FEED}"), confirmed("subscribe", FEED, 1)).await;
        let first = decode_feed(&client.message().await.1).unwrap();
        let second = decode_feed(&client.message().await.1).unwrap();
        assert_eq!((first.state, first.epoch.get(), &*first.engine), (State::Suspect, EPOCH, "engine-a"));
        assert!(second.time.nanos() > first.time.nanos());
        rig.set_health(State::Live, Reason::None);
        assert_eq!(decode_feed(&client.message().await.1).unwrap().state, State::Live);
    });
}

#[test]
fn a_client_that_keeps_copies_is_told_what_to_drop() {
    on_one_thread(async {
        let mut rig = Rig::with(2, Duration::from_millis(500), |_| ());
        let mut client = rig.client().await;
        client.ask("client tracking on", "-ERR tickcache embedded store: CLIENT TRACKING needs BCAST").await;
        client.line().await;
        client.send(b"hello 3\r\nping\r\n").await;
        while client.line().await != "+PONG" {}
        let overlap = "-ERR Prefix 'a' overlaps with another provided prefix 'ab'. Prefixes for a single client must not \
                       overlap.\r\n";
        client.ask("client tracking on bcast prefix a prefix ab", overlap).await;
        client.ask(&format!("client tracking on bcast prefix {}", key(1)), "+OK\r\n").await;
        let again = format!(
            "-ERR Prefix '{0}' overlaps with an existing prefix '{0}'. Prefixes for a single client must not overlap.\r\n",
            key(1)
        );
        client.ask(&format!("client tracking on bcast prefix {}", key(1)), again).await;
        rig.push(0, 1);
        rig.push(1, 1);
        let told = joined(&[b">2\r\n$10\r\ninvalidate\r\n*1\r\n", &bulk(key(1).as_bytes())]);
        client.expect(&told).await;
        // And once more when it expires.
        client.expect(&told).await;
        assert_eq!(rig.value(1), None);
        client.ask("client tracking off", "+OK\r\n").await;
        rig.push(1, 2);
        client.ask("ping", "+PONG\r\n").await;
    });
}

#[test]
fn nobody_is_told_in_vain_once_the_last_subscriber_is_gone() {
    on_one_thread(async {
        let rig = Rig::start(1);
        let mut client = rig.client().await;
        client.ask("subscribe anything", confirmed("subscribe", "anything", 1)).await;
        assert!(rig.table.board().is_watched());
        drop(client);
        crate::rig::until("the writer is no longer watched", || !rig.table.board().is_watched()).await;
    });
}
