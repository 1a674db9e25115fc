//! Who wins over whom.

use super::*;

#[test]
fn whether_redis_is_used_is_said_by_the_first_that_says_something() {
    use StoreKind::{Embedded, Redis};
    const REDIS_IN_FILE: &str = "[store]\nkind = \"redis\"\n";
    for (file, pairs, expected) in [
        ("", &[][..], Embedded),
        (REDIS_IN_FILE, &[], Redis),
        ("", &[("CACHE_TYPE", "redis")], Redis),
        ("", &[("REDIS_ENABLED", "true")], Redis),
        ("", &[("REDIS_ENABLED", "YES")], Redis),
        (REDIS_IN_FILE, &[("CACHE_TYPE", "memory")], Embedded),
        (REDIS_IN_FILE, &[("REDIS_ENABLED", "false")], Embedded),
        (REDIS_IN_FILE, &[("REDIS_ENABLED", "")], Redis),
        ("", &[("REDIS_ENABLED", "false"), ("CACHE_TYPE", "redis")], Embedded),
        ("", &[("REDIS_ENABLED", "true"), ("CACHE_TYPE", "memory")], Embedded),
        ("", &[("REDIS_ENABLED", "true"), ("CACHE_TYPE", "redis")], Redis),
        ("", &[("TICKCACHE_STORE_KIND", "redis"), ("REDIS_ENABLED", "false")], Redis),
        (REDIS_IN_FILE, &[("TICKCACHE_STORE_KIND", "embedded"), ("REDIS_ENABLED", "true")], Embedded),
        ("", &[("TICKCACHE_STORE_KIND", "redis"), ("CACHE_TYPE", "memcached")], Redis),
        // These say where, not whether.
        (
            "",
            &[("REDIS_URL", "redis://h"), ("REDIS_HOST", "h"), ("TICKCACHE_REDIS_URL", "redis://h")],
            Embedded,
        ),
    ] {
        assert_eq!(loaded(&format!("{file}{MINIMAL}"), pairs).store, expected, "{file:?} {pairs:?}");
    }
}

#[test]
fn where_redis_is_is_said_by_the_first_that_says_something() {
    const FILE: &str = "[redis]\nurl = \"rediss://filer:filed@file:1/1\"\n";
    const SOCKET: &str = "[redis]\nurl = \"unix:///run/file\"\n";
    for (file, pairs, expected) in [
        ("", &[][..], "redis://127.0.0.1:6379"),
        (FILE, &[], "rediss://filer:filed@file:1/1"),
        (FILE, &[("REDIS_URL", "redis://shared")], "redis://shared:6379"),
        (
            FILE,
            &[("REDIS_URL", "redis://shared"), ("TICKCACHE_REDIS_URL", "redis://own")],
            "redis://own:6379",
        ),
        (FILE, &[("REDIS_URL", "?"), ("TICKCACHE_REDIS_URL", "redis://own")], "redis://own:6379"),
        (FILE, &[("REDIS_URL", "")], "rediss://filer:filed@file:1/1"),
        // Parts replace those of the file ...
        (FILE, &[("REDIS_HOST", "h")], "rediss://filer:filed@h:1/1"),
        (FILE, &[("REDIS_PORT", "2"), ("REDIS_DB", "0")], "rediss://filer:filed@file:2/0"),
        (FILE, &[("REDIS_USERNAME", "u"), ("REDIS_PASSWORD", "p")], "rediss://u:p@file:1/1"),
        (FILE, &[("REDIS_PASSWORD", "")], "rediss://filer:filed@file:1/1"),
        ("", &[("REDIS_HOST", "::1"), ("REDIS_PORT", "2")], "redis://[::1]:2"),
        (SOCKET, &[("REDIS_HOST", "h")], "redis://h:6379"),
        (SOCKET, &[("REDIS_PASSWORD", "p"), ("REDIS_DB", "3")], "redis+unix:///run/file?db=3&pass=p"),
        // ... and fill what a URL of the environment leaves out, but never its address.
        (
            FILE,
            &[("REDIS_URL", "redis://shared"), ("REDIS_HOST", "h"), ("REDIS_PORT", "2")],
            "redis://shared:6379",
        ),
        (
            FILE,
            &[("REDIS_URL", "redis://shared"), ("REDIS_PASSWORD", "p"), ("REDIS_DB", "3")],
            "redis://:p@shared:6379/3",
        ),
        (
            FILE,
            &[("REDIS_URL", "redis://:q@shared/4"), ("REDIS_PASSWORD", "p"), ("REDIS_DB", "3")],
            "redis://:q@shared:6379/4",
        ),
        (FILE, &[("TICKCACHE_REDIS_URL", "redis://u@own"), ("REDIS_PASSWORD", "p")], "redis://u:p@own:6379"),
        // What Kubernetes sets for a service named redis.
        (FILE, &[("REDIS_PORT", "tcp://10.0.0.1:6379")], "rediss://filer:filed@file:1/1"),
    ] {
        let settings = loaded(&format!("{file}{MINIMAL}"), pairs);
        assert_eq!(settings.redis.to_url(), expected, "{file:?} {pairs:?}");
    }
}

#[test]
fn a_wrong_part_is_named_by_its_variable() {
    const SOCKET: &str = "[redis]\nurl = \"unix:///run/file\"\n";
    for (file, pair, expected) in [
        (
            "",
            ("REDIS_HOST", "a b"),
            "REDIS_HOST: redis.url: expected a host name or address that can be connected to",
        ),
        ("", ("REDIS_PORT", "0"), "REDIS_PORT: redis.url: expected a port from 1 to 65535"),
        ("", ("REDIS_PORT", "x"), "REDIS_PORT: redis.url: expected a port from 1 to 65535"),
        (SOCKET, ("REDIS_PORT", "1"), "REDIS_PORT: redis.url: redis.url is a unix socket, which has no port"),
        ("", ("REDIS_DB", "x"), "REDIS_DB: redis.url: expected 0 to 65535 (database number), got \"x\""),
        ("", ("CACHE_TYPE", "simple"), "CACHE_TYPE: store.kind: expected redis or memory, got \"simple\""),
        (
            "",
            ("REDIS_USERNAME", "u"),
            "REDIS_USERNAME: redis.url: a user without a password; set REDIS_PASSWORD or put it into the URL",
        ),
    ] {
        assert_eq!(refused(&format!("{file}{MINIMAL}"), &[pair]), expected, "{pair:?}");
    }
}

fn embedded_of_the_variables() -> EmbeddedSettings {
    EmbeddedSettings {
        listen: None,
        password: Some(Secret::new("e".to_owned())),
        certificate_and_key: Some(("own.pem".into(), "own.key".into())),
        clients_max: 1,
        output_buffer_bytes_max: 65_536,
        subscriptions_max: 2,
        stalled_max: std::time::Duration::from_secs(3),
    }
}

/// Every variable of a scalar, in the order of the file.
const VARIABLES: [(&str, &str); 40] = [
    ("TICKCACHE_NAMESPACE", "prod:t"),
    ("TICKCACHE_ENGINE_ID", "engine-a"),
    ("TICKCACHE_ENGINE_SHARDS", "16"),
    ("TICKCACHE_ENGINE_CACHE_DIR", "/var/cache/t"),
    ("TICKCACHE_ENGINE_LIST_REFRESH_S", "7"),
    ("TICKCACHE_STORE_KIND", "redis"),
    ("TICKCACHE_REDIS_URL", "rediss://h"),
    ("TICKCACHE_REDIS_MODE", "sentinel"),
    ("TICKCACHE_REDIS_NODES", "a:1, rediss://b:2,[::1]:3"),
    ("TICKCACHE_REDIS_SENTINEL_MASTER", "prices"),
    ("TICKCACHE_REDIS_SENTINEL_USERNAME", "u"),
    ("TICKCACHE_REDIS_SENTINEL_PASSWORD", "p"),
    ("TICKCACHE_REDIS_CA_FILE", "ca.pem"),
    ("TICKCACHE_REDIS_CERTIFICATE_FILE", "/run/cert.pem"),
    ("TICKCACHE_REDIS_KEY_FILE", "/run/key.pem"),
    ("TICKCACHE_EMBEDDED_LISTEN", ""),
    ("TICKCACHE_EMBEDDED_PASSWORD", "e"),
    ("TICKCACHE_EMBEDDED_CERTIFICATE_FILE", "own.pem"),
    ("TICKCACHE_EMBEDDED_KEY_FILE", "own.key"),
    ("TICKCACHE_EMBEDDED_CLIENTS_MAX", "1"),
    ("TICKCACHE_EMBEDDED_OUTPUT_BUFFER_BYTES_MAX", "65536"),
    ("TICKCACHE_EMBEDDED_SUBSCRIPTIONS_MAX", "2"),
    ("TICKCACHE_EMBEDDED_STALLED_S_MAX", "3"),
    ("TICKCACHE_HTTP_LISTEN", "[::1]:9"),
    ("TICKCACHE_TTL_PRICE_S", "3"),
    ("TICKCACHE_TTL_LIQUIDITY_S", "6"),
    ("TICKCACHE_TTL_VOLUME_S", "90"),
    ("TICKCACHE_CODEC_ZSTD_THRESHOLD_BYTES", "0"),
    ("TICKCACHE_PUBLISH_FENCING", "off"),
    ("TICKCACHE_PUBLISH_PUSH", "off"),
    ("TICKCACHE_LEASE_TTL_MS", "1000"),
    ("TICKCACHE_LEASE_RENEW_MS", "245"),
    ("TICKCACHE_INVALIDATION_PRICE_MOVE_PERCENT", " 0.25 "),
    ("TICKCACHE_INVALIDATION_PRICE", "last"),
    ("TICKCACHE_INVALIDATION_LIQUIDITY_CHANGE_PERCENT", "1000"),
    ("TICKCACHE_EVENTS_KINDS", ""),
    ("TICKCACHE_EVENTS_PER_SECOND_MAX", "1"),
    ("TICKCACHE_RECORD_DIR", "/var/lib/recordings"),
    ("TICKCACHE_RECORD_FILE_BYTES_MAX", "1048576"),
    ("TICKCACHE_RECORD_BUFFER_BYTES_MAX", "1073741824"),
];

#[test]
fn every_scalar_can_be_set_by_its_variable() {
    let pairs = VARIABLES;
    let settings = loaded(&format!("namespace = \"file\"\n[ttl]\nprice_s = 99\n{MINIMAL}"), &pairs);
    let text = |duration: std::time::Duration| duration.as_secs();
    assert_eq!(settings.namespace.as_str(), "prod:t");
    assert_eq!(settings.store, StoreKind::Redis);
    assert_eq!(settings.engine_id.as_ref().map(EngineId::as_str), Some("engine-a"));
    assert_eq!(settings.shards.get(), 16);
    assert_eq!(settings.cache_dir, CacheDir::At("/var/cache/t".into()));
    assert_eq!(text(settings.list_refresh), 7);
    assert_eq!(settings.redis.to_url(), "rediss://h:6379");
    assert_eq!(settings.redis_mode, RedisMode::Sentinel);
    let nodes: Vec<_> = settings.redis_nodes.iter().map(ToString::to_string).collect();
    assert_eq!(nodes, ["a:1", "b:2", "[::1]:3"]);
    let sentinel = &settings.sentinel;
    let password = sentinel.password.as_ref().map(Secret::expose);
    assert_eq!((&*sentinel.master, sentinel.username.as_deref(), password), ("prices", Some("u"), Some("p")));
    let TlsFiles { ca, certificate, key } = &settings.tls_files;
    let files = [ca, certificate, key].map(|file| file.as_deref().and_then(std::path::Path::to_str));
    assert_eq!(files, [Some("ca.pem"), Some("/run/cert.pem"), Some("/run/key.pem")]);
    assert_eq!(settings.http_listen, Some("[::1]:9".parse().unwrap()));
    assert_eq!(settings.embedded, embedded_of_the_variables());
    assert_eq!(
        (text(settings.ttl.price), text(settings.ttl.liquidity), text(settings.ttl.volume)),
        (3, 6, 90)
    );
    assert_eq!(settings.zstd_threshold_bytes, None);
    assert_eq!((settings.fencing, settings.push), (Fencing::Off, Push::Off));
    let milliseconds = |duration: std::time::Duration| duration.as_millis();
    assert_eq!((milliseconds(settings.lease.ttl), milliseconds(settings.lease.renew)), (1_000, 245));
    assert_eq!((settings.price_move_limit, settings.move_price), (250, MovePrice::Last));
    assert_eq!((settings.liquidity_change_percent, settings.events_per_second_max), (1_000, 1));
    assert_eq!(settings.event_kinds, []);
    let dir = Some("/var/lib/recordings".into());
    let record = RecordSettings { dir, file_bytes_max: 1_048_576, buffer_bytes_max: 1_073_741_824 };
    assert_eq!(settings.record, record);
    let effective = settings.effective_toml();
    assert_eq!(effective.matches("# from TICKCACHE_").count(), pairs.len(), "{effective}");
    let known: Vec<String> = keys::SCALARS.iter().map(|key| key.variable()).collect();
    assert_eq!(known, pairs.map(|(name, _)| name), "a variable is missing in this test");
}

#[test]
fn an_unknown_variable_of_ours_is_refused_and_others_are_not() {
    for (pair, expected) in [
        (
            ("TICKCACHE_TTL_PRICE_MS", "1"),
            "TICKCACHE_TTL_PRICE_MS: unknown variable; did you mean TICKCACHE_TTL_PRICE_S?",
        ),
        (
            ("TICKCACHE_HTTP_LISTN", ""),
            "TICKCACHE_HTTP_LISTN: unknown variable; did you mean TICKCACHE_HTTP_LISTEN?",
        ),
        (
            ("TICKCACHE_FEED_DEPTH", "1"),
            "TICKCACHE_FEED_DEPTH: unknown variable; [[feed]] is set in the file only",
        ),
        (
            ("TICKCACHE_TTL_PRICE_S", "30s"),
            "TICKCACHE_TTL_PRICE_S: ttl.price_s: expected a whole number (seconds), got \"30s\"",
        ),
        (
            ("TICKCACHE_TTL_PRICE_S", "2"),
            "TICKCACHE_TTL_PRICE_S: ttl.price_s: expected 3 to 3600 seconds, got 2",
        ),
    ] {
        assert_eq!(refused(MINIMAL, &[pair]), expected);
    }
    let passed_over = [
        ("TICKCACHE_CAPTURES", "/captures"),
        ("PATH", "/bin"),
        ("REDIS_SENTINELS", "a,b"),
        // What Kubernetes sets for services named tickcache and tickcache-http.
        ("TICKCACHE_SERVICE_HOST", "10.0.0.1"),
        ("TICKCACHE_SERVICE_PORT", "8080"),
        ("TICKCACHE_SERVICE_PORT_HTTP", "8080"),
        ("TICKCACHE_PORT", "tcp://10.0.0.1:8080"),
        ("TICKCACHE_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("TICKCACHE_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("TICKCACHE_PORT_8080_TCP_PORT", "8080"),
        ("TICKCACHE_PORT_8080_TCP_PROTO", "tcp"),
        ("TICKCACHE_HTTP_PORT", "tcp://10.0.0.1:8080"),
    ];
    assert_eq!(loaded(MINIMAL, &passed_over), loaded(MINIMAL, &[]));
}

#[test]
fn a_client_finds_redis_as_the_engine_does() {
    for (flag, pairs, expected) in [
        (None, &[][..], "redis://127.0.0.1:6380"),
        (None, &[("TICKCACHE_STORE_KIND", "redis")], "redis://127.0.0.1:6379"),
        (None, &[("CACHE_TYPE", "redis")], "redis://127.0.0.1:6379"),
        (None, &[("TICKCACHE_REDIS_MODE", "cluster")], "redis://127.0.0.1:6379"),
        (None, &[("REDIS_PORT", "7")], "redis://127.0.0.1:7"),
        (
            None,
            &[("TICKCACHE_EMBEDDED_LISTEN", "0.0.0.0:9"), ("TICKCACHE_EMBEDDED_PASSWORD", "p:@")],
            "redis://:p%3A%40@127.0.0.1:9",
        ),
        (None, &[("TICKCACHE_EMBEDDED_LISTEN", "[::]:9")], "redis://[::1]:9"),
        (None, &[("TICKCACHE_EMBEDDED_LISTEN", "")], "redis://127.0.0.1:6379"),
        (None, &[("REDIS_HOST", "h"), ("REDIS_PASSWORD", "p")], "redis://:p@h:6379"),
        (None, &[("REDIS_URL", "redis://shared"), ("REDIS_HOST", "h")], "redis://shared:6379"),
        (
            None,
            &[("REDIS_URL", "redis://shared"), ("TICKCACHE_REDIS_URL", "redis://own")],
            "redis://own:6379",
        ),
        (
            Some("redis://flag"),
            &[("REDIS_URL", "redis://shared"), ("TICKCACHE_REDIS_URL", "?")],
            "redis://flag:6379",
        ),
        (Some("redis://flag"), &[("REDIS_HOST", "h"), ("REDIS_PASSWORD", "p")], "redis://:p@flag:6379"),
        (None, &[("TICKCACHE_UNKNOWN", "is the engine's business")], "redis://127.0.0.1:6380"),
    ] {
        let url = redis_url_from_env(flag, environment(pairs)).expect(expected);
        assert_eq!(url.to_url(), expected, "{flag:?} {pairs:?}");
    }
}
