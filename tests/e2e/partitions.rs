//! A venue whose instruments are split into several feeds.

use std::collections::{BTreeMap, BTreeSet};

use tickcache::simulate::{Config, Simulator};

use crate::support::{EMBEDDED, Rig, small_market, until_ok};
use crate::truth;

/// CRC16 as Redis Cluster has it, bit by bit.
fn crc16(text: &str) -> u16 {
    let mut crc = 0_u16;
    for bit in text.bytes().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)) {
        let carry = crc >> 15 ^ u16::from(bit);
        crc = crc << 1 ^ if carry == 1 { 0x1021 } else { 0 };
    }
    crc
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_partition_is_a_feed_and_every_value_is_right() {
    let simulator = Simulator::start(Config::market(small_market())).await.unwrap();
    let rig = Rig::on(simulator, EMBEDDED, "partitions = 7");
    rig.live().await;
    let mut connection = redis::Client::open(format!("redis://{}", rig.engine.endpoint().unwrap()))
        .unwrap()
        .get_connection()
        .unwrap();
    let catalog: BTreeMap<String, String> =
        redis::cmd("HGETALL").arg("tickcache:v1:catalog").query(&mut connection).unwrap();
    let instruments: BTreeSet<&str> = rig.engine.keys().iter().map(|key| key.instrument.as_str()).collect();
    let mut expected = BTreeSet::new();
    for instrument in &instruments {
        let feed = format!("binance/{}", crc16(instrument) % 7);
        let listed = &catalog[&format!("{instrument}:binance")];
        assert_eq!(listed.split(' ').next(), Some(feed.as_str()), "{instrument}");
        expected.insert(feed);
    }
    assert!(expected.len() > 1, "the instruments are in different partitions: {expected:?}");
    let feeds: BTreeSet<String> = rig.engine.feeds().map(|(feed, _)| feed.to_string()).collect();
    assert_eq!(feeds, expected, "a partition without instruments is no feed");
    rig.simulator.pause().await;
    until_ok("every value is the venue's", || truth::agrees(&rig.engine, &rig.simulator)).await;
    rig.simulator.resume();
    rig.stop().await;
}
