//! Every error names its place, its key, what is wrong and what is expected.

use super::*;

/// The error lines of `text` in front of a good feed; the feed comes last, so lines count from `text`'s own first.
fn in_front_of_a_feed(text: &str) -> String {
    refused(&format!("{text}\n{MINIMAL}"), &[])
}

#[test]
fn a_wrong_value_is_named_with_its_line_and_what_is_expected() {
    for (text, expected) in [
        ("[ttl]\nprice_s = 0", "t.toml:2: ttl.price_s: expected 3 to 3600 seconds, got 0"),
        ("[ttl]\nprice_s = 3601", "t.toml:2: ttl.price_s: expected 3 to 3600 seconds, got 3601"),
        ("[ttl]\n\nliquidity_s = 5", "t.toml:3: ttl.liquidity_s: expected 6 to 3600 seconds, got 5"),
        ("[ttl]\nvolume_s = -89", "t.toml:2: ttl.volume_s: expected 90 to 86400 seconds, got -89"),
        ("ttl.volume_s = 89", "t.toml:1: ttl.volume_s: expected 90 to 86400 seconds, got 89"),
        (
            "[ttl]\nprice_s = \"30s\"",
            "t.toml:2: ttl.price_s: expected a whole number (seconds), got the string \"30s\"",
        ),
        (
            "[ttl]\nprice_s = 1.5",
            "t.toml:2: ttl.price_s: expected a whole number (seconds), got the number 1.5",
        ),
        ("[ttl]\nprice_s = true", "t.toml:2: ttl.price_s: expected a whole number (seconds), got true"),
        ("ttl = 30", "t.toml:1: ttl: expected the section [ttl], got the number 30"),
        (
            "[codec]\nzstd_threshold_bytes = 1048577",
            "t.toml:2: codec.zstd_threshold_bytes: expected 0 to 1048576 bytes, got 1048577",
        ),
        (
            "[record]\nfile_bytes_max = 1048575",
            "t.toml:2: record.file_bytes_max: expected 1048576 to 4294967295 bytes, got 1048575",
        ),
        (
            "[record]\ndir = \"/r\"\nbuffer_bytes_max = 0",
            "t.toml:3: record.buffer_bytes_max: expected 1048576 to 1073741824 bytes, got 0",
        ),
        ("namespace = 5", "t.toml:1: namespace: expected a string, got the number 5"),
        ("[namespace]", "t.toml:1: namespace: expected a string, got a table"),
        (
            "namespace = \"prod:v1\"",
            "t.toml:1: namespace: \"v1\" in \"prod:v1\" reads like a schema version, which follows the namespace in every key",
        ),
        (
            "[store]\nkind = \"rediss\"",
            "t.toml:2: store.kind: expected \"embedded\" or \"redis\", got \"rediss\"",
        ),
        (
            "[http]\nlisten = \"localhost\"",
            "t.toml:2: http.listen: expected an address and port such as 127.0.0.1:8080, or \"\" for off, got \"localhost\"",
        ),
        (
            "[embedded]\nlisten = \"127.0.0.1:8080\"",
            "t.toml: http.listen: 127.0.0.1:8080 is taken by embedded.listen",
        ),
        (
            "[redis]\nurl = \"http://h\"",
            "t.toml:2: redis.url: unknown scheme; expected redis://, rediss://, redis+unix:// or unix:",
        ),
        (
            "[redis]\nurl = \"redis://bot@h\"",
            "t.toml:2: redis.url: a user without a password; set REDIS_PASSWORD or put it into the URL",
        ),
    ] {
        assert_eq!(in_front_of_a_feed(text), expected, "{text}");
    }
}

#[test]
fn an_unknown_key_leads_to_the_one_that_was_meant() {
    for (text, expected) in [
        (
            "[ttl]\nprice_ms = 30000",
            "t.toml:2: ttl.price_ms: unknown key; did you mean ttl.price_s (seconds)?",
        ),
        ("[ttl]\nprice = 30", "t.toml:2: ttl.price: unknown key; did you mean ttl.price_s (seconds)?"),
        ("[store]\ntype = \"redis\"", "t.toml:2: store.type: unknown key; expected kind"),
        ("[redsi]\nurl = \"\"", "t.toml:1: redsi: unknown key; did you mean [redis]?"),
        ("name_space = \"x\"", "t.toml:1: name_space: unknown key; did you mean namespace?"),
        ("price_s = 30", "t.toml:1: price_s: unknown key; did you mean ttl.price_s?"),
        ("[[feeds]]\nvenue = 1", "t.toml:1: feeds: unknown key; did you mean [[feed]]?"),
        (
            "[log]\nlevel = \"info\"",
            "t.toml:1: log: unknown key; expected namespace, engine, store, redis, embedded, http, ttl, codec, publish, lease, invalidation, events, record, feed, alias",
        ),
        (
            "\"a\\nb\" = 1",
            "t.toml:1: a\\nb: unknown key; expected namespace, engine, store, redis, embedded, http, ttl, codec, publish, lease, invalidation, events, record, feed, alias",
        ),
    ] {
        assert_eq!(in_front_of_a_feed(text), expected, "{text}");
    }
}

#[test]
fn a_wrong_feed_is_named_with_its_line() {
    for (lines, expected) in [
        ("venue = \"binanse\"", "t.toml:2: feed.venue: expected one of binance, shallow, got \"binanse\""),
        ("venue = \"B!\"", "t.toml:2: feed.venue: expected one of binance, shallow, got \"B!\""),
        ("", "t.toml:1: feed.venue: missing; expected the name of a venue"),
        ("venue = 1", "t.toml:2: feed.venue: expected a string, got the number 1"),
        ("venue = \"binance\"\ndepth = 0", "t.toml:3: feed.depth: expected 1 to 1000 levels, got 0"),
        ("venue = \"shallow\"\ndepth = 11", "t.toml:3: feed.depth: expected 1 to 10 levels, got 11"),
        (
            "venue = \"shallow\"\nrest_weight_per_minute = 61",
            "t.toml:3: feed.rest_weight_per_minute: expected 1 to 60 weight per minute, got 61",
        ),
        (
            "venue = \"binance\"\nfirst_data_s = 301",
            "t.toml:3: feed.first_data_s: expected 1 to 300 seconds, got 301",
        ),
        (
            "venue = \"binance\"\nentities = []",
            "t.toml:3: feed.entities: expected at least one, got an empty list",
        ),
        (
            "venue = \"binance\"\nentities = [\"price\", \"candles\"]",
            "t.toml:3: feed.entities: unknown entity \"candles\": expected price, liquidity or volume",
        ),
        (
            "venue = \"binance\"\nentities = [\"price\",\n\"price\"]",
            "t.toml:4: feed.entities: \"price\" is there already, in line 3",
        ),
        (
            "venue = \"binance\"\nentities = \"price\"",
            "t.toml:3: feed.entities: expected an array of strings, got a string",
        ),
        (
            "venue = \"binance\"\nwebsocket_url = \"https://h\"",
            "t.toml:3: feed.websocket_url: expected a ws:// or wss:// URL with a host, and without user, query and fragment",
        ),
        (
            "venue = \"binance\"\nrest_url = \"https://user:s3cr3t@h\"",
            "t.toml:3: feed.rest_url: expected an http:// or https:// URL with a host, and without user, query and fragment",
        ),
        (
            "venue = \"shallow\"\nprice_from = \"bbo\"",
            "t.toml:3: feed.price_from: expected \"book\", got \"bbo\"",
        ),
        (
            "venue = \"binance\"\nsymbols = [\"A\"]",
            "t.toml:3: feed.symbols: unknown key; expected venue, instruments, entities, depth, price_from, websocket_url, volume_websocket_url, quote_channel, trade_channel, depth_channel, volume_channel, rest_url, rest_weight_per_minute, first_data_s, price_silence_s, liquidity_silence_s, volume_silence_s, congestion_ms, redundant, session_max_s, partitions",
        ),
    ] {
        let text = format!("[[feed]]\n{lines}\ninstruments = [\"BTC-USDT\"]\n");
        assert_eq!(refused(&text, &[]), expected, "{text}");
    }
}

#[test]
fn every_wrong_instrument_is_named_with_its_own_line() {
    let text = "[[feed]]\nvenue = \"binance\"\ninstruments = [\n  \"BTC-USDT\",\n  \"btc-usdt\",\n  \"BTCUSDT\",\n  \"BTC-USDT\",\n]\n";
    let expected = "\
t.toml:5: feed.instruments: instrument \"btc-usdt\": \"btc\" is no currency: expected 1 to 20 of A-Z and 0-9
t.toml:6: feed.instruments: instrument \"BTCUSDT\": expected BASE-QUOTE, BASE-QUOTE-PERP or BASE-QUOTE-YYYYMMDD
t.toml:7: feed.instruments: \"BTC-USDT\" is there already, in line 4";
    assert_eq!(refused(text, &[]), expected);
    let many: Vec<String> = (0..=10_000).map(|number| format!("\"A{number}-B\"")).collect();
    let text = format!("[[feed]]\nvenue = \"binance\"\ninstruments = [{}]", many.join(","));
    assert_eq!(refused(&text, &[]), "t.toml:3: feed.instruments: expected at most 10000, got 10001");
    let text = "[[feed]]\nvenue = \"binance\"\ninstruments = [1, \"BTC-USDT\"]";
    assert_eq!(refused(text, &[]), "t.toml:3: feed.instruments: expected a string, got the number 1");
}

#[test]
fn a_venue_that_comes_twice_is_refused() {
    let text = format!("{MINIMAL}\n{MINIMAL}");
    assert_eq!(refused(&text, &[]), "t.toml:6: feed.venue: \"binance\" is there already, in line 2");
}

#[test]
fn a_configuration_without_feeds_is_refused() {
    let missing = "t.toml: feed: missing; expected at least one [[feed]] with venue and instruments";
    assert_eq!(refused("", &[]), missing);
    assert_eq!(refused("feed = []", &[]), missing);
    assert_eq!(
        refused("[feed]\nvenue = \"binance\"", &[]),
        "t.toml:1: feed: expected sections [[feed]], got a table"
    );
}

#[test]
fn all_errors_are_reported_in_the_order_of_their_lines_then_the_environments() {
    let text = "[[feed]]\nvenue = \"binance\"\ninstruments = [\"x\"]\ndepht = 3\n[ttl]\nprice_s = 1\nvolume_s = 1\n[http]\nlisten = \"x\"\n";
    let places: Vec<String> = refused(text, &[("TICKCACHE_REDIS_URL", "?"), ("REDIS_ENABLED", "maybe")])
        .lines()
        .map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(": "))
        .collect();
    assert_eq!(
        places,
        [
            "t.toml:3: feed.instruments",
            "t.toml:4: feed.depht",
            "t.toml:6: ttl.price_s",
            "t.toml:7: ttl.volume_s",
            "t.toml:9: http.listen",
            "REDIS_ENABLED: store.kind",
            "TICKCACHE_REDIS_URL: redis.url",
        ]
    );
}

#[test]
fn broken_toml_ends_the_reading_with_its_line_and_without_quoting_it() {
    for (text, line) in [
        ("[redis]\nurl = \"redis://:s3cr3t@h", "t.toml:2: no valid TOML: "),
        ("[redis]\nurl = redis://:s3cr3t@h\n", "t.toml:2: no valid TOML: "),
        ("a = 1\na = 2\n", "t.toml:2: no valid TOML: "),
    ] {
        let errors = refused(text, &[("TICKCACHE_HTTP_LISTEN", "wrong")]);
        assert!(errors.starts_with(line) && errors.lines().count() == 1, "{errors}");
        assert!(!errors.contains("s3cr3t"), "{errors}");
    }
}

#[test]
fn a_file_of_nothing_but_errors_is_cut_short() {
    let text: String = (0..1_000).map(|number| format!("unknown_{number} = 1\n")).collect();
    let errors = refused(&text, &[]);
    assert_eq!(errors.lines().count(), ERRORS_MAX + 1);
    assert!(errors.ends_with("t.toml: and 900 more"), "{errors}");
    let long = "#".repeat(FILE_BYTES_MAX + 1);
    assert_eq!(refused(&long, &[]), "t.toml: expected at most 1048576 bytes, got 1048577");
}

#[test]
fn no_error_holds_a_password() {
    for url in
        ["redis://:s3cr3t@h:99999", "redis:s3cr3t", ":s3cr3t@h", "redis://h/s3cr3t", "unix:s3cr3t", "s3cr3t"]
    {
        let text = format!("[redis]\nurl = '{url}'\npassword = 's3cr3t'\n{MINIMAL}");
        for pairs in [vec![], vec![("TICKCACHE_REDIS_URL", url)], vec![("REDIS_URL", url)]] {
            let errors = load(&text, &pairs).expect_err(url);
            assert_eq!(errors.errors().len(), 2, "{errors}");
            assert!(!format!("{errors} {errors:?}").contains("s3cr3t"), "{errors}");
        }
        let errors = redis_url_from_env(Some(url), []).expect_err(url);
        assert!(errors.to_string().starts_with("--redis: redis.url: "), "{errors}");
        assert!(!format!("{errors} {errors:?}").contains("s3cr3t"), "{errors}");
    }
}
