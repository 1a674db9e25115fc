//! Keys that must go together, and what is said where they do not.

use super::*;

fn in_front_of_a_feed(text: &str) -> String {
    refused(&format!("{text}\n{MINIMAL}"), &[])
}

#[test]
fn sentinel_and_cluster_need_nodes_and_a_single_server_has_none() {
    for (text, expected) in [
        (
            "[redis]\nmode = \"sentinel\"",
            "t.toml:2: redis.nodes: missing; expected the Sentinels, such as [\"sentinel-1:26379\", \"sentinel-2:26379\", \"sentinel-3:26379\"]",
        ),
        (
            "[redis]\nmode = \"cluster\"\nnodes = []",
            "t.toml:3: redis.nodes: missing; expected nodes of the Cluster, such as [\"redis-1:6379\", \"redis-2:6379\"]",
        ),
        (
            "[redis]\nnodes = [\"a:1\"]",
            "t.toml:2: redis.nodes: redis.mode is \"single\", whose server stands in redis.url; expected an empty list, or redis.mode = \"sentinel\" or \"cluster\"",
        ),
        (
            "[redis]\nmode = \"cluser\"",
            "t.toml:2: redis.mode: expected \"single\", \"sentinel\" or \"cluster\", got \"cluser\"",
        ),
        (
            "[redis]\nmode = \"cluster\"\nnodes = [\"a:1\",\n\"b\",\n\"a:1\"]",
            "t.toml:4: redis.nodes: expected host:port, redis://host:port or rediss://host:port (not shown: it may hold a password)\n\
             t.toml:5: redis.nodes: \"a:1\" is there already, in line 3",
        ),
        (
            "[redis]\nmode = \"sentinel\"\nnodes = [\"redis://:s3cr3t@a:1\"]",
            "t.toml:3: redis.nodes: expected no user and password here; those of redis.url count for every node",
        ),
        (
            "[redis]\nmode = \"sentinel\"\nnodes = [\"a:1\", \"rediss://b:1\"]",
            "t.toml:3: redis.nodes: redis:// and rediss:// are mixed; redis.url says for every node whether to encrypt",
        ),
        (
            "[redis]\nurl = \"unix:///run/r\"\nmode = \"sentinel\"\nnodes = [\"a:1\"]",
            "t.toml:2: redis.url: a unix socket leads to one server; expected redis.mode = \"single\"",
        ),
        (
            "[redis]\nurl = \"redis://h/2\"\nmode = \"cluster\"\nnodes = [\"a:1\"]",
            "t.toml:2: redis.url: a Redis Cluster has no databases but 0; leave the number out",
        ),
    ] {
        assert_eq!(in_front_of_a_feed(text), expected, "{text}");
    }
    let cluster = "[redis]\nurl = \"redis://h/0\"\nmode = \"cluster\"\nnodes = [\"a:1\"]\n";
    assert_eq!(loaded(&format!("{cluster}{MINIMAL}"), &[]).redis_mode, RedisMode::Cluster);
    let pairs = [("TICKCACHE_REDIS_MODE", "cluster"), ("TICKCACHE_REDIS_NODES", "a:1,b:1,a:1")];
    assert_eq!(refused(MINIMAL, &pairs), "TICKCACHE_REDIS_NODES: redis.nodes: \"a:1\" is there twice");
    let pairs = [("TICKCACHE_REDIS_MODE", "cluster"), ("TICKCACHE_REDIS_NODES", "a:1"), ("REDIS_DB", "1")];
    assert_eq!(
        refused(MINIMAL, &pairs),
        "REDIS_DB: redis.url: a Redis Cluster has no databases but 0; leave the number out"
    );
}

#[test]
fn certificates_come_in_pairs_and_with_tls() {
    for (text, expected) in [
        (
            "[redis]\nca_file = \"ca.pem\"",
            "t.toml:2: redis.ca_file: of use with TLS only; expected redis.url to begin with rediss://",
        ),
        (
            "[redis]\nurl = \"rediss://h\"\ncertificate_file = \"c.pem\"",
            "t.toml:3: redis.certificate_file: a certificate without redis.key_file",
        ),
        (
            "[redis]\nurl = \"rediss://h\"\nkey_file = \"k.pem\"",
            "t.toml:3: redis.key_file: a key without redis.certificate_file",
        ),
    ] {
        assert_eq!(in_front_of_a_feed(text), expected, "{text}");
    }
}

#[test]
fn the_sentinels_user_needs_a_password_which_is_never_shown() {
    for (text, expected) in [
        (
            "[redis]\nsentinel_username = \"u\"",
            "t.toml:2: redis.sentinel_username: a user without a password; set TICKCACHE_REDIS_SENTINEL_PASSWORD or redis.sentinel_password",
        ),
        (
            "[redis]\nsentinel_master = \"a b\"",
            "t.toml:2: redis.sentinel_master: expected the name of a primary: 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'",
        ),
        (
            "[redis]\nsentinel_password = 4711",
            "t.toml:2: redis.sentinel_password: expected a string, got something else (not shown: it may be a password)",
        ),
    ] {
        assert_eq!(in_front_of_a_feed(text), expected, "{text}");
    }
}

#[test]
fn two_renewals_fit_into_a_lease() {
    let late = |ttl: u32, max: u32, got: u32| {
        format!(
            "lease.renew_ms: expected at most {max} milliseconds while lease.ttl_ms is {ttl}, so that a lost renewal does not cost the lease, got {got}"
        )
    };
    for (text, expected) in [
        (
            "[lease]\nttl_ms = 999",
            "t.toml:2: lease.ttl_ms: expected 1000 to 60000 milliseconds, got 999".to_owned(),
        ),
        (
            "[lease]\nrenew_ms = 99",
            "t.toml:2: lease.renew_ms: expected 100 to 32395 milliseconds, got 99".to_owned(),
        ),
        ("[lease]\nrenew_ms = 815", format!("t.toml:2: {}", late(2_000, 814, 815))),
        ("[lease]\nttl_ms = 1000", format!("t.toml:2: {}", late(1_000, 269, 400))),
        ("[lease]\nttl_ms = 1000\nrenew_ms = 270", format!("t.toml:3: {}", late(1_000, 269, 270))),
    ] {
        assert_eq!(in_front_of_a_feed(text), expected, "{text}");
    }
    loaded(&format!("[lease]\nttl_ms = 60000\nrenew_ms = 32395\n{MINIMAL}"), &[]);
}

#[test]
fn a_percentage_is_taken_digit_by_digit_in_each_of_its_forms() {
    for (typed, thousandths) in [
        ("\"1.0\"", 1_000),
        ("1.0", 1_000),
        ("1", 1_000),
        ("0.1", 100),
        ("\"0.001\"", 1),
        ("1_000.000", 1_000_000),
        ("2.675", 2_675),
    ] {
        let settings = loaded(&format!("invalidation.price_move_percent = {typed}\n{MINIMAL}"), &[]);
        assert_eq!(settings.price_move_limit, thousandths, "{typed}");
    }
    for (typed, got) in [
        ("0", "\"0\""),
        ("1e0", "\"1e0\""),
        ("1.0001", "\"1.0001\""),
        ("-1", "\"-1\""),
        ("1000.001", "\"1000.001\""),
        ("\"1 %\"", "\"1 %\""),
        ("nan", "\"nan\""),
    ] {
        assert_eq!(
            in_front_of_a_feed(&format!("[invalidation]\nprice_move_percent = {typed}")),
            format!(
                "t.toml:2: invalidation.price_move_percent: expected 0.001 to 1000.0 percent with at most 3 decimals, got {got}"
            )
        );
    }
    assert_eq!(
        in_front_of_a_feed("[invalidation]\nprice_move_percent = true"),
        "t.toml:2: invalidation.price_move_percent: expected a number (percent), got true"
    );
}

#[test]
fn kinds_of_events_are_known_and_named_once() {
    for (text, expected) in [
        (
            "[events]\nkinds = [\"state\", \"trades\"]",
            "t.toml:2: events.kinds: expected \"price_move\", \"trade\", \"liquidity_change\", \"state\" or \"invalidated\", got \"trades\"",
        ),
        (
            "[events]\nkinds = [\"state\", \"state\"]",
            "t.toml:2: events.kinds: \"state\" is there already, in line 2",
        ),
        (
            "[events]\nper_second_max = 0",
            "t.toml:2: events.per_second_max: expected 1 to 1000 events a second, got 0",
        ),
        ("[publish]\nfencing = true", "t.toml:2: publish.fencing: expected \"on\" or \"off\", got true"),
        (
            "[engine]\nid = \"a:b\"",
            "t.toml:2: engine.id: expected 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', got \"a:b\"",
        ),
        (
            "[engine]\nid = \"a.s1\"",
            "t.toml:2: engine.id: expected another end than \".s\" and a number, which is how shards of an engine are named, got \"a.s1\"",
        ),
        ("[engine]\nshards = 0", "t.toml:2: engine.shards: expected 1 to 16 shards, got 0"),
        ("[engine]\nshards = 17", "t.toml:2: engine.shards: expected 1 to 16 shards, got 17"),
    ] {
        assert_eq!(in_front_of_a_feed(text), expected, "{text}");
    }
    use crate::domain::EventKind;
    let settings = loaded(&format!("events.kinds = [\"state\", \"trade\"]\n{MINIMAL}"), &[]);
    assert_eq!(settings.event_kinds, [EventKind::Trade, EventKind::State]);
}

#[test]
fn the_name_of_an_engine_leaves_room_for_its_shards() {
    let engine = |length: usize, shards: u32| {
        format!("[engine]\nid = {:?}\nshards = {shards}\n{MINIMAL}", "x".repeat(length))
    };
    loaded(&engine(64, 1), &[]);
    loaded(&engine(53, 16), &[]);
    assert_eq!(
        refused(&engine(54, 2), &[]),
        "t.toml:2: engine.id: expected at most 53 characters while engine.shards is more than 1, got 54"
    );
}

#[test]
fn the_endpoint_is_not_open_to_other_machines_without_a_password() {
    let expected = "t.toml:2: embedded.password: expected a password, because embedded.listen can be reached from other \
                    machines; set TICKCACHE_EMBEDDED_PASSWORD";
    for listen in ["0.0.0.0:6380", "[::]:6380", "192.168.0.9:0"] {
        let text = format!("[embedded]\nlisten = {listen:?}");
        assert_eq!(in_front_of_a_feed(&text), expected);
        let settings = loaded(&format!("{text}\n{MINIMAL}"), &[("TICKCACHE_EMBEDDED_PASSWORD", "s3cr3t")]);
        assert!(!format!("{settings:?} {}", settings.effective_toml()).contains("s3cr3t"));
        assert!(settings.effective_toml().contains("password = \"***\" # from TICKCACHE_EMBEDDED_PASSWORD"));
    }
    for listen in ["127.0.0.1:0", "[::1]:6380", "127.9.9.9:1", ""] {
        assert_eq!(
            loaded(&format!("[embedded]\nlisten = {listen:?}\n{MINIMAL}"), &[]).embedded.password,
            None
        );
    }
    for (name, problem) in [
        ("certificate_file", "a certificate without embedded.key_file"),
        ("key_file", "a key without embedded.certificate_file"),
    ] {
        let expected = format!("t.toml:2: embedded.{name}: {problem}");
        assert_eq!(in_front_of_a_feed(&format!("[embedded]\n{name} = \"own.pem\"")), expected);
    }
}
