//! Sentinels: they name the primary, choose another one, and what was not replicated is lost.

use crate::redis_server::{Data, now};
use crate::sentinel::{NAME, Options, SentinelGroup};
use crate::{ask, refused, set_and_wait};

async fn started(options: Options) -> SentinelGroup {
    let start = now();
    let group = SentinelGroup::start_with(options).await;
    println!("sentinels: ready after {:?}", start.elapsed());
    group
}

#[tokio::test]
async fn a_killed_primary_is_followed_by_a_replica_and_returns_as_one() {
    let mut group = started(Options { replicas: 2, ..Options::default() }).await;
    let first = group.primary_port().await;
    assert_eq!((first, group.primary().await), (group.servers[0].port(), 0));
    assert_eq!((group.servers.len(), group.addresses().len()), (3, 3));
    set_and_wait(&group.servers[0], "key", 2).await;

    assert_eq!(group.kill_primary().await, 0);
    println!("sentinels: failover {:?} after kill", group.wait_for_failover(0).await);
    let primary = group.primary().await;
    assert_ne!(primary, 0);
    assert_ne!(group.primary_port().await, first);
    assert_eq!(ask::<u64>(&group.servers[primary], "GET key").await, 1);

    group.servers[0].restart();
    group.ready().await;
    assert_eq!(refused(&group.servers[0], "SET key 2").await, "READONLY");
    assert_eq!(ask::<u64>(&group.servers[0], "GET key").await, 1);
}

#[tokio::test]
async fn a_hanging_primary_is_replaced_and_a_healthy_one_when_asked() {
    let group = started(Options { replicas: 1, ..Options::default() }).await;
    assert_eq!(group.stop_primary().await, 0);
    println!("sentinels: failover {:?} after stop", group.wait_for_failover(0).await);
    group.servers[0].cont();
    group.ready().await;

    assert_eq!(group.failover().await, 1);
    println!("sentinels: failover {:?} after it was asked for", group.wait_for_failover(1).await);
    assert_eq!(group.primary().await, 0);
}

#[tokio::test]
async fn an_acknowledged_tail_is_lost() {
    let mut group = started(Options { replicas: 2, ..Options::default() }).await;
    set_and_wait(&group.servers[0], "kept", 2).await;
    group.cut_replication().await;
    let () = ask(&group.servers[0], "SET lost 1").await;
    assert_eq!(ask::<u64>(&group.servers[0], "EXISTS kept lost").await, 2, "acknowledged");
    group.kill_primary().await;
    group.wait_for_failover(0).await;
    group.heal_replication().await;
    let primary = group.primary().await;
    assert_eq!(ask::<u64>(&group.servers[primary], "EXISTS kept").await, 1);
    assert_eq!(ask::<u64>(&group.servers[primary], "EXISTS lost").await, 0);

    group.servers[0].restart_with(Data::Kept);
    group.ready().await;
    for server in &group.servers {
        assert_eq!(ask::<u64>(server, "EXISTS lost").await, 0);
        assert_eq!(ask::<u64>(server, "EXISTS kept").await, 1);
    }
}

#[tokio::test]
async fn a_living_primary_loses_its_tail_too() {
    let group = started(Options { replicas: 1, ..Options::default() }).await;
    set_and_wait(&group.servers[0], "kept", 1).await;
    group.cut_replication().await;
    let () = ask(&group.servers[0], "SET lost 1").await;
    group.failover().await;
    group.wait_for_failover(0).await;
    group.heal_replication().await;
    group.ready().await;
    for server in &group.servers {
        assert_eq!(ask::<u64>(server, "EXISTS lost").await, 0);
        assert_eq!(ask::<u64>(server, "EXISTS kept").await, 1);
    }
}

#[tokio::test]
async fn passwords_and_users_do_not_hinder_a_failover() {
    let login = ("watcher".to_owned(), "watch-secret".to_owned());
    let mut group = started(Options {
        replicas: 1,
        password: Some("data-secret".to_owned()),
        sentinel_login: Some(login),
        sentinel_password: Some("sentinel-secret".to_owned()),
        arguments: Vec::new(),
    })
    .await;
    for server in [&group.servers[0], &group.sentinels[0]] {
        let stranger = redis::Client::open(server.url()).expect("an address");
        let mut stranger = stranger.get_connection().expect("a connection");
        let answer: redis::RedisResult<()> = redis::cmd("PING").query(&mut stranger);
        assert_eq!(answer.expect_err("no password").code(), Some("NOAUTH"));
    }
    let watched: String = ask(&group.servers[0], "CLIENT LIST").await;
    assert!(watched.contains("user=watcher"), "{watched}");
    group.kill_primary().await;
    group.wait_for_failover(0).await;
    assert_eq!(group.primary().await, 1);
    let (address, port): (String, u16) =
        ask(&group.sentinels[2], &format!("SENTINEL GET-MASTER-ADDR-BY-NAME {NAME}")).await;
    assert_eq!((address.as_str(), port), ("127.0.0.1", group.servers[1].port()));
}
