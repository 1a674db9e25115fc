//! What `check-config` prints loads again; nothing prints a password; no text panics.

use proptest::prelude::*;

use super::*;

/// What is in force with the variables of the test below.
const EFFECTIVE: &str = r#"namespace = "tickcache"

[engine]
id = ""
shards = 1
cache_dir = "auto"
list_refresh_s = 600

[store]
kind = "redis" # from REDIS_ENABLED

[redis]
url = "redis://cache:6379/2" # from REDIS_HOST, REDIS_DB
mode = "single"
nodes = []
sentinel_master = "mymaster"
sentinel_username = ""
sentinel_password = ""
ca_file = ""
certificate_file = ""
key_file = ""

[embedded]
listen = "127.0.0.1:6380"
password = ""
certificate_file = ""
key_file = ""
clients_max = 256
output_buffer_bytes_max = 4194304
subscriptions_max = 10000
stalled_s_max = 10

[http]
listen = "" # from TICKCACHE_HTTP_LISTEN

[ttl]
price_s = 7
liquidity_s = 60
volume_s = 300

[codec]
zstd_threshold_bytes = 512

[publish]
fencing = "on"
push = "on"

[lease]
ttl_ms = 2000
renew_ms = 400

[invalidation]
price_move_percent = "1.0"
price = "mid"
liquidity_change_percent = 25

[events]
kinds = ["price_move", "liquidity_change", "state", "invalidated"]
per_second_max = 10

[record]
dir = ""
file_bytes_max = 268435456
buffer_bytes_max = 16777216

[[feed]]
venue = "binance"
instruments = ["BTC-USDT"]
entities = ["price", "liquidity", "volume"]
depth = 20
price_from = "bbo"
websocket_url = "wss://stream.binance.com:9443/stream"
volume_websocket_url = "wss://stream.binance.com:9443/stream"
quote_channel = "bookTicker"
trade_channel = "trade"
depth_channel = "depth@100ms"
volume_channel = "ticker"
rest_url = "https://api.binance.com"
rest_weight_per_minute = 3000
first_data_s = 10
price_silence_s = 10
liquidity_silence_s = 10
volume_silence_s = 60
congestion_ms = 1000
redundant = 1
session_max_s = 86400
partitions = 1
"#;

#[test]
fn what_is_in_force_is_printed_with_the_variables_behind_it_and_loads_again() {
    let pairs = [
        ("REDIS_HOST", "cache"),
        ("REDIS_DB", "2"),
        ("REDIS_ENABLED", "true"),
        ("TICKCACHE_HTTP_LISTEN", ""),
    ];
    let settings = loaded(&format!("[ttl]\nprice_s = 7\n{MINIMAL}"), &pairs);
    assert_eq!(settings.effective_toml(), EFFECTIVE);
    assert_eq!(loaded(EFFECTIVE, &[]), settings);
}

#[test]
fn line_endings_and_byte_order_marks_of_other_systems_change_nothing() {
    let text = format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n"));
    assert_eq!(loaded(&text, &[]), loaded(MINIMAL, &[]));
    assert_eq!(
        refused(&format!("{text}depth = 0\r\n"), &[]),
        "t.toml:4: feed.depth: expected 1 to 1000 levels, got 0"
    );
}

#[test]
fn a_venue_brings_its_own_defaults() {
    let settings = loaded("[[feed]]\nvenue = \"shallow\"\ninstruments = [\"A-B\"]", &[]);
    let feed = &settings.feeds[0];
    assert_eq!(feed.depth, 10, "the common default is cut to what the venue has");
    assert_eq!(feed.rest_weight_per_minute, 60);
    assert_eq!(feed.websocket_url.as_str(), "wss://shallow.example/ws");
    assert_eq!(feed.rest_url.as_str(), "https://shallow.example/api");
}

#[test]
fn no_printed_form_of_the_settings_holds_a_password() {
    let in_file = format!("[redis]\nurl = \"redis://bot:s3cr3t@h\"\n{MINIMAL}");
    for (text, pairs) in [
        (in_file.as_str(), &[][..]),
        (MINIMAL, &[("REDIS_PASSWORD", "s3cr3t")]),
        (MINIMAL, &[("REDIS_URL", "unix:///a?pass=s3cr3t")]),
        (MINIMAL, &[("TICKCACHE_REDIS_URL", "rediss://:s3cr3t@h")]),
    ] {
        let settings = loaded(text, pairs);
        assert_eq!(settings.redis.password().map(Secret::expose), Some("s3cr3t"));
        let effective = settings.effective_toml();
        assert!(effective.contains(MASK), "{effective}");
        assert!(!format!("{settings:?} {settings:#?} {} {effective}", settings.redis).contains("s3cr3t"));
        assert_eq!(loaded(&effective, &[]).effective_toml(), without_comments(&effective));
    }
}

#[test]
fn no_printed_form_of_the_settings_holds_the_sentinels_password() {
    let in_file = format!("redis.sentinel_password = \"s3cr3t\"\n{MINIMAL}");
    for (text, pairs) in
        [(in_file.as_str(), &[][..]), (MINIMAL, &[("TICKCACHE_REDIS_SENTINEL_PASSWORD", "s3cr3t")])]
    {
        let settings = loaded(text, pairs);
        assert_eq!(settings.sentinel.password.as_ref().map(Secret::expose), Some("s3cr3t"));
        let effective = settings.effective_toml();
        assert!(effective.contains("sentinel_password = \"***\""), "{effective}");
        assert!(!format!("{settings:?} {settings:#?} {effective}").contains("s3cr3t"));
    }
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split(" # ").next().unwrap_or_default().to_owned() + "\n").collect()
}

fn any_feed(venue: &'static str, depth_max: u32) -> impl Strategy<Value = String> {
    let instruments = prop::collection::btree_set("[A-Z0-9]{1,20}-[A-Z0-9]{1,20}(-PERP|-20271231)?", 1..20)
        .prop_map(Vec::from_iter);
    let entities = prop::sample::subsequence(vec!["price", "liquidity", "volume"], 1..=3);
    (instruments, entities, 1..=depth_max, 1..=300_u32, 1..=3_600_u32).prop_map(
        move |(instruments, entities, depth, first_data, silence)| {
            format!(
                "[[feed]]\nvenue = {venue:?}\ninstruments = {instruments:?}\nentities = {entities:?}\ndepth = {depth}\n\
                 first_data_s = {first_data}\nvolume_silence_s = {silence}\n\
                 websocket_url = \"ws://127.0.0.1:{first_data}/{silence}/\"\n",
            )
        },
    )
}

/// Keys of the sections that come last, in the dotted form.
fn any_rules() -> impl Strategy<Value = String> {
    let on_off = || prop::sample::select(vec!["on", "off"]);
    let kinds = vec!["price_move", "trade", "liquidity_change", "state", "invalidated"];
    let topology = prop::sample::select(vec![("single", false), ("sentinel", true), ("cluster", true)]);
    (
        (on_off(), on_off(), prop::sample::select(vec!["mid", "last"])),
        (1_000..=60_000_u32).prop_flat_map(|ttl| (Just(ttl), 100..=(ttl * 99 / 100 - 500) / 2)),
        (1..=1_000_000_u32, 1..=1_000_u32, 1..=1_000_u32),
        prop::sample::subsequence(kinds, 0..=5),
        (topology, prop::collection::btree_set("[a-z]{1,9}:[1-9][0-9]{0,3}", 1..5).prop_map(Vec::from_iter)),
        (("[A-Za-z0-9_-]{0,53}", 1..=16_u32), "[ -~]{0,20}", "[ -~ü]{0,20}", 1_048_576..=1_073_741_824_u32),
    )
        .prop_map(|(words, lease, numbers, kinds, ((mode, with_nodes), nodes), ((id, shards), password, dir, bytes))| {
            let nodes = if with_nodes { nodes } else { Vec::new() };
            let (whole, thousandths) = (numbers.0 / 1_000, numbers.0 % 1_000);
            format!(
                "engine.id = {id:?}\nengine.shards = {shards}\nrecord.dir = {}\nrecord.file_bytes_max = {bytes}\n\
                 record.buffer_bytes_max = {bytes}\nredis.mode = {mode:?}\nredis.nodes = {nodes:?}\n\
                 redis.ca_file = \"\"\nredis.sentinel_password = {password:?}\n\
                 publish.fencing = {:?}\npublish.push = {:?}\ninvalidation.price = {:?}\n\
                 lease.ttl_ms = {}\nlease.renew_ms = {}\n\
                 invalidation.price_move_percent = {whole}.{thousandths:03}\n\
                 invalidation.liquidity_change_percent = {}\nevents.per_second_max = {}\nevents.kinds = {kinds:?}\n",
                toml::Value::String(dir), words.0, words.1, words.2, lease.0, lease.1, numbers.1, numbers.2,
            )
        })
}

prop_compose! {
    fn any_settings()(
        namespace in "n[a-z0-9_-]{0,20}(:n[a-z0-9_-]{0,20}){0,1}",
        kind in prop::sample::select(vec!["embedded", "redis"]),
        redis in "(redis|rediss)://[a-z]{1,9}(:[1-9][0-9]{0,3})?(/[0-9]{1,4})?|unix:///[a-z][a-z/]{0,20}(\\?db=[0-9])?",
        listen in prop::sample::select(vec!["", "127.0.0.1:0", "[::1]:8080", "0.0.0.0:80"]),
        ttl in (3..=3_600_u32, 6..=3_600_u32, 90..=86_400_u32),
        zstd in 0..=1_048_576_u32,
        rules in any_rules(),
        feeds in (any_feed("binance", 1_000), any_feed("shallow", 10), any::<bool>()),
    ) -> String {
        let second = if feeds.2 { feeds.1 } else { String::new() };
        // What goes together only with a single server would else refuse most of the others.
        let redis = if rules.contains("redis.mode = \"single\"") { redis } else { "redis://h".to_owned() };
        format!(
            "{rules}namespace = {namespace:?}\nstore.kind = {kind:?}\nredis.url = {redis:?}\nhttp.listen = {listen:?}\n\
             [ttl]\nprice_s = {}\nliquidity_s = {}\nvolume_s = {}\n[codec]\nzstd_threshold_bytes = {zstd}\n{}{second}",
            ttl.0, ttl.1, ttl.2, feeds.0,
        )
    }
}

proptest! {
    #[test]
    fn settings_survive_being_printed(text in any_settings()) {
        let settings = loaded(&text, &[]);
        let effective = settings.effective_toml();
        let mut again = loaded(&effective, &[]);
        prop_assert_eq!(again.effective_toml(), effective);
        // Printed masked, and the only thing that does not come back.
        again.sentinel.password = settings.sentinel.password.clone();
        prop_assert_eq!(again, settings);
    }

    #[test]
    fn no_text_and_no_environment_panics(
        text in ".*",
        name in "(TICKCACHE_|REDIS_|CACHE_)[A-Z_]{0,20}",
        value in ".*",
    ) {
        let _ = load(&text, &[(&name, &value)]);
    }

    /// Closer to a configuration than arbitrary text: known words in any order.
    #[test]
    fn no_shuffled_configuration_panics(
        lines in prop::collection::vec("(\\[|\\[\\[)?(feed|ttl|redis|venue|instruments|price_s|url|depth)(\\]\\]?| = (-?[0-9]{1,40}|\"[a-z:/]{0,9}\"|\\[[0-9,]{0,5}\\]|\\{\\}))", 0..8),
    ) {
        let _ = load(&lines.join("\n"), &[]);
    }

    #[test]
    fn every_error_is_one_line(text in "[a-z\"\\\\\n=\\[\\]{}. 0-9]{0,60}") {
        if let Err(errors) = load(&text, &[]) {
            prop_assert_eq!(errors.to_string().lines().count(), errors.errors().len());
        }
    }
}
