//! A Cluster: failovers, lost tails, slots on the move.

use redis::RedisResult;

use crate::cluster::{Cluster, Takeover};
use crate::redis_server::{command, now};
use crate::{ask, refused, set_and_wait};

async fn started(password: Option<&str>) -> Cluster {
    let start = now();
    let cluster = Cluster::start_with(password, &[]).await;
    println!("cluster: ready after {:?}", start.elapsed());
    cluster
}

/// As an answer to ASK is followed.
async fn asking(cluster: &Cluster, place: usize, words: &[&str]) -> RedisResult<redis::Value> {
    let mut connection = cluster.nodes[place].observe().await;
    let mut both = redis::pipe();
    both.cmd("ASKING").ignore().add_command(command(words));
    both.query_async::<Vec<redis::Value>>(&mut connection).await.map(|mut values| values.remove(0))
}

#[tokio::test]
async fn a_killed_primary_is_followed_by_its_replica_and_returns_as_one() {
    let mut cluster = started(None).await;
    assert_eq!(cluster.seeds().len(), 6);
    let slot = cluster.slot_of("key").await;
    assert_eq!(slot, 12_539);
    let (primary, replica) = (cluster.primary_of(slot).await, cluster.replica_of(slot).await);
    set_and_wait(&cluster.nodes[primary], "key", 1).await;

    assert_eq!(cluster.kill_primary(slot).await, primary);
    println!("cluster: failover {:?} after kill", cluster.wait_for_failover(slot, primary).await);
    assert_eq!(cluster.primary_of(slot).await, replica);
    assert_eq!(ask::<u64>(&cluster.nodes[replica], "GET key").await, 1);

    cluster.restart(primary);
    cluster.ready().await;
    assert_eq!(refused(&cluster.nodes[primary], "SET key 2").await, "MOVED");
    assert_eq!((cluster.primary_of(slot).await, cluster.replica_of(slot).await), (replica, primary));
}

#[tokio::test]
async fn a_hanging_primary_is_replaced_and_a_healthy_one_when_asked() {
    let cluster = started(Some("secret")).await;
    let slot = 0;
    let (primary, replica) = (cluster.primary_of(slot).await, cluster.replica_of(slot).await);
    assert_eq!(cluster.stop_primary(slot).await, primary);
    println!("cluster: failover {:?} after stop", cluster.wait_for_failover(slot, primary).await);
    cluster.nodes[primary].cont();
    cluster.ready().await;

    assert_eq!(cluster.failover(slot, Takeover::Agreed).await, replica);
    println!("cluster: failover {:?} after it was agreed", cluster.wait_for_failover(slot, replica).await);
    assert_eq!(cluster.primary_of(slot).await, primary);
}

#[tokio::test]
async fn an_acknowledged_tail_is_lost() {
    let mut cluster = started(None).await;
    let slot = cluster.slot_of("{key}").await;
    let primary = cluster.primary_of(slot).await;
    set_and_wait(&cluster.nodes[primary], "{key}kept", 1).await;
    cluster.cut_replication(slot).await;
    let () = ask(&cluster.nodes[primary], "SET {key}lost 1").await;
    cluster.kill_primary(slot).await;
    cluster.wait_for_failover(slot, primary).await;
    cluster.heal_replication().await;
    let promoted = cluster.primary_of(slot).await;
    assert_eq!(ask::<u64>(&cluster.nodes[promoted], "EXISTS {key}kept").await, 1);
    assert_eq!(ask::<u64>(&cluster.nodes[promoted], "EXISTS {key}lost").await, 0);
    cluster.restart(primary);
    cluster.ready().await;
}

#[tokio::test]
async fn a_living_primary_loses_its_tail_too() {
    let cluster = started(Some("secret")).await;
    let slot = cluster.slot_of("{key}").await;
    let primary = cluster.primary_of(slot).await;
    set_and_wait(&cluster.nodes[primary], "{key}kept", 1).await;
    cluster.cut_replication(slot).await;
    let () = ask(&cluster.nodes[primary], "SET {key}lost 1").await;
    assert_eq!(cluster.failover(slot, Takeover::Unasked).await, primary);
    println!("cluster: takeover seen {:?} later", cluster.wait_for_failover(slot, primary).await);
    let promoted = cluster.primary_of(slot).await;
    assert_ne!(promoted, primary);
    assert_eq!(ask::<u64>(&cluster.nodes[promoted], "EXISTS {key}kept").await, 1);
    assert_eq!(ask::<u64>(&cluster.nodes[promoted], "EXISTS {key}lost").await, 0);
    cluster.heal_replication().await;
    cluster.ready().await;
    assert_eq!(cluster.replica_of(slot).await, primary);
}

#[tokio::test]
async fn a_slot_on_the_move_answers_ask_and_tryagain_and_then_moved() {
    let cluster = started(Some("secret")).await;
    let slot = cluster.slot_of("{key}").await;
    let from = cluster.primary_of(slot).await;
    let to = cluster.primary_of((slot + 8_000) % 16_384).await;
    assert_ne!(from, to);
    for key in ["{key}1", "{key}2", "{key}3"] {
        let () = ask(&cluster.nodes[from], &format!("SET {key} {key}")).await;
    }
    assert_eq!(cluster.begin_move(slot, to).await, from);
    cluster.move_keys(from, to, &["{key}1"]).await;
    let (old, new) = (&cluster.nodes[from], &cluster.nodes[to]);
    assert_eq!(ask::<String>(old, "GET {key}2").await, "{key}2", "what has not moved is still there");
    assert_eq!(refused(old, "GET {key}1").await, "ASK");
    assert_eq!(refused(old, "GET {key}absent").await, "ASK");
    assert_eq!(refused(old, "MGET {key}1 {key}2").await, "TRYAGAIN");
    assert_eq!(refused(new, "GET {key}1").await, "MOVED", "without ASKING");
    let value = asking(&cluster, to, &["GET", "{key}1"]).await.expect("with ASKING");
    assert_eq!(value, redis::Value::BulkString(b"{key}1".to_vec()));
    let partly = asking(&cluster, to, &["MGET", "{key}1", "{key}2"]).await;
    assert_eq!(partly.expect_err("only one is there").code(), Some("TRYAGAIN"));

    cluster.finish_move(slot, from, to).await;
    assert_eq!(refused(old, "GET {key}1").await, "MOVED");
    let all: Vec<String> = ask(new, "MGET {key}1 {key}2 {key}3").await;
    assert_eq!(all, ["{key}1", "{key}2", "{key}3"]);
    cluster.move_slot(slot, from).await;
    assert_eq!(cluster.primary_of(slot).await, from);
    assert_eq!(ask::<String>(&cluster.nodes[from], "GET {key}3").await, "{key}3");
}
