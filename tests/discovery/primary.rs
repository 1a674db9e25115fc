//! The primary that sentinels name.

use std::time::Duration;

use tickcache::publish::{Credentials, Deployment, Discovery, Login};
use tokio::runtime::Handle;

use super::redis_server::{eventually, now};
use super::sentinel::{NAME, Options, SentinelGroup};
use super::{login, open, secret, tcp, topology_where};

/// Asks the sentinels at these places.
fn discover(
    group: &SentinelGroup,
    places: &[usize],
    at_sentinels: Credentials,
    at_servers: Login,
) -> Discovery {
    let deployment = Deployment::Sentinel {
        sentinels: places.iter().map(|&place| tcp(group.sentinels[place].port())).collect(),
        master: NAME.to_owned(),
        credentials: at_sentinels,
    };
    Discovery::spawn(&Handle::current(), deployment, at_servers)
}

async fn found(discovery: &Discovery, group: &SentinelGroup, place: usize) {
    let primary = tcp(group.servers[place].port());
    topology_where(discovery, |topology| topology.nodes == [primary.clone()] && topology.slots.is_complete())
        .await;
}

/// The new primary is found; prints how long after a sentinel first named it.
async fn follows(discovery: &Discovery, group: &SentinelGroup, former: usize, what: &str) {
    let start = now();
    let ports: Vec<_> = group.servers.iter().map(|server| tcp(server.port())).collect();
    let (named, found) = tokio::join!(
        async {
            let port = group.servers[former].port();
            eventually("another one is named", async || group.primary_port().await != port).await;
            start.elapsed()
        },
        async {
            let former = &ports[former];
            topology_where(discovery, |topology| !topology.nodes.contains(former)).await;
            start.elapsed()
        }
    );
    let lag = Duration::saturating_sub(found, named);
    eprintln!("{what}: named after {named:?}, found {lag:?} later");
    group.wait_for_failover(former).await;
    self::found(discovery, group, group.primary().await).await;
}

#[tokio::test]
async fn a_failover_that_was_asked_for_is_followed_without_a_hint() {
    let group = SentinelGroup::start(1).await;
    let discovery = discover(&group, &[0, 1, 2], Credentials::default(), open());
    found(&discovery, &group, 0).await;
    let former = group.failover().await;
    follows(&discovery, &group, former, "SENTINEL FAILOVER").await;
    assert_eq!(discovery.topology().borrow().generation, 2, "one change is one generation");
}

#[tokio::test]
async fn a_killed_primary_is_replaced_though_its_only_configured_sentinel_hangs() {
    let mut group = SentinelGroup::start(2).await;
    let discovery = discover(&group, &[0], Credentials::default(), open());
    found(&discovery, &group, 0).await;
    // Time to learn the others.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    group.sentinels[0].stop();
    let former = group.kill_primary().await;
    discovery.hint();
    follows(&discovery, &group, former, "kill -9, one sentinel hangs").await;
}

#[tokio::test]
async fn a_hung_primary_is_replaced_and_not_returned_to_when_it_wakes_up() {
    let group = SentinelGroup::start(1).await;
    let discovery = discover(&group, &[0, 1, 2], Credentials::default(), open());
    found(&discovery, &group, 0).await;
    let former = group.stop_primary().await;
    discovery.hint();
    follows(&discovery, &group, former, "SIGSTOP").await;
    let generation = discovery.topology().borrow().generation;
    group.servers[former].cont();
    group.ready().await;
    discovery.hint();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(discovery.topology().borrow().generation, generation);
}

#[tokio::test]
async fn passwords_of_sentinels_and_servers_are_two_and_an_acl_may_forbid_role() {
    let mut options = Options { replicas: 1, ..Options::default() };
    options.password = Some("for-servers".to_owned());
    options.sentinel_password = Some("for-sentinels".to_owned());
    let group = SentinelGroup::start_with(options).await;
    for server in &group.servers {
        server.allow("writer", &["on", ">hunter2", "~*", "+@all", "-role", "-client"]);
    }
    let writer = Credentials { username: Some("writer".to_owned()), password: Some("hunter2".to_owned()) };
    let discovery = discover(&group, &[0, 1, 2], secret("for-sentinels"), login(writer));
    found(&discovery, &group, 0).await;
    let locked_out = discover(&group, &[0, 1, 2], secret("for-servers"), login(secret("for-servers")));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(locked_out.topology().borrow().nodes.is_empty(), "sentinels that do not let us in tell nothing");
    let former = group.failover().await;
    follows(&discovery, &group, former, "SENTINEL FAILOVER, ROLE forbidden").await;
}

#[tokio::test]
async fn while_no_sentinel_answers_the_primary_stays_and_what_happened_meanwhile_is_found() {
    let mut group = SentinelGroup::start(1).await;
    let discovery = discover(&group, &[0, 1, 2], Credentials::default(), open());
    found(&discovery, &group, 0).await;
    for sentinel in &mut group.sentinels {
        sentinel.kill();
    }
    discovery.hint();
    tokio::time::sleep(Duration::from_secs(2)).await;
    found(&discovery, &group, 0).await;
    for sentinel in &mut group.sentinels {
        sentinel.restart_with(super::redis_server::Data::Kept);
    }
    group.ready().await;
    let former = group.failover().await;
    follows(&discovery, &group, former, "sentinels restarted").await;
}
