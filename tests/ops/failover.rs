//! The profile `ha` as its script starts it: who takes over, and what a primary that was away comes back as.

use std::time::Duration;

use crate::started::Started;

/// Times 100 ms: how long the Sentinels may take to agree.
const PROBES: usize = 300;

fn ask(url: &str, words: &[&str]) -> redis::RedisResult<Vec<redis::Value>> {
    let client = redis::Client::open(url)?;
    let mut connection = client.get_connection_with_timeout(Duration::from_secs(1))?;
    connection.set_read_timeout(Some(Duration::from_secs(1)))?;
    redis::cmd(words[0]).arg(&words[1..]).query(&mut connection)
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let held = (0..PROBES).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        holds()
    });
    assert!(held, "{what}");
}

fn role(server: &Started) -> String {
    let url = format!("redis://writer:of-writer@127.0.0.1:{}", server.port);
    let answer = ask(&url, &["ROLE"]).unwrap_or_default();
    answer.first().and_then(|role| redis::from_redis_value_ref(role).ok()).unwrap_or_default()
}

/// The port that the Sentinel names, and how many replicas and other Sentinels it knows.
fn known(sentinel: &Started) -> (u16, usize, usize) {
    let url = format!("redis://:of-sentinel@127.0.0.1:{}", sentinel.port);
    let count = |what: &str| ask(&url, &["SENTINEL", what, "mymaster"]).map_or(0, |answer| answer.len());
    let address = ask(&url, &["SENTINEL", "get-master-addr-by-name", "mymaster"]).unwrap_or_default();
    let port = address.get(1).and_then(|port| redis::from_redis_value_ref::<u16>(port).ok()).unwrap_or(0);
    (port, count("replicas"), count("sentinels"))
}

#[test]
fn a_replica_takes_over_and_the_old_primary_comes_back_as_a_replica() {
    let common = [
        ("REDIS_PASSWORD", "of-writer"),
        ("REDIS_HA_PASSWORD", "of-ha"),
        ("REDIS_SENTINEL_PASSWORD", "of-sentinel"),
        ("REDIS_ANNOUNCE", "127.0.0.1"),
    ];
    let sentinel_ports: Vec<u16> = (0..3).map(|_| crate::redis_server::free_port()).collect();
    let addresses: Vec<_> = sentinel_ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let sentinels = addresses.join(",");
    let servers_common = [&common[..], &[("REDIS_SENTINELS", sentinels.as_str())]].concat();
    let mut first = Started::new("server", &servers_common);
    let primary = format!("127.0.0.1:{}", first.port);
    let with_primary = [("REDIS_PRIMARY", primary.as_str())];
    let second = Started::new("server", &[&servers_common[..], &with_primary].concat());
    let sentinels: Vec<_> = sentinel_ports
        .iter()
        .map(|port| {
            let port = port.to_string();
            Started::new("sentinel", &[&common[..], &with_primary, &[("REDIS_PORT", port.as_str())]].concat())
        })
        .collect();
    for sentinel in &sentinels {
        until("each Sentinel knows all others", || known(sentinel) == (first.port, 1, 2));
    }
    assert_eq!((role(&first).as_str(), role(&second).as_str()), ("master", "slave"));

    first.kill();
    until("the replica takes over", || role(&second) == "master");
    for sentinel in &sentinels {
        until("every Sentinel says so", || known(sentinel).0 == second.port);
    }
    first.launch();
    assert_eq!(role(&first), "slave", "from its first answer on, and not only once a Sentinel has noticed");
    assert_eq!(role(&second), "master");
}
