//! Names of symbols, what a venue cannot have, and what containers put into the environment.

use super::*;
use crate::domain::Instrument;

const FEED: &str = "[[feed]]\nvenue = \"binance\"\ninstruments = [\"BTC-USDT\", \"AAPL-USD\"]\n";

fn alias(lines: &str) -> String {
    format!("{FEED}[[alias]]\n{lines}\n")
}

#[test]
fn an_alias_names_a_symbol_of_its_venue_and_survives_being_printed() {
    let text = alias(
        "venue = \"binance\"\nsymbol = \"币安人生USDT\"\ninstrument = \"AAPL-USD\"\nmultiplier = 0.001\n\
         [[alias]]\nvenue = \"shallow\"\nsymbol = \"AAPLx/USD\"\ninstrument = \"AAPL-USD\"",
    );
    let settings = loaded(&text, &[]);
    let wanted: Instrument = "AAPL-USD".parse().unwrap();
    let found = settings.feeds[0].alias(&wanted).unwrap();
    assert_eq!(
        (&*found.symbol, &*found.multiplier.to_string(), &*found.inverse.to_string()),
        ("币安人生USDT", "0.001", "1000")
    );
    assert_eq!(settings.aliases.len(), 2);
    assert_eq!(settings.aliases[1].multiplier, crate::domain::Number::ONE);
    assert_eq!(loaded(&settings.effective_toml(), &[]), settings);
}

#[test]
fn a_wrong_alias_is_named_with_its_line() {
    let good = "venue = \"binance\"\nsymbol = \"S\"\ninstrument = \"A-B\"";
    for (lines, expected) in [
        ("venue = \"binance\"\nsymbol = \"S\"".to_owned(), "t.toml:4: alias.instrument: missing"),
        (format!("{good}\nmultiplier = 3"), "t.toml:8: alias.multiplier: expected a decimal above zero"),
        (format!("{good}\nmultiplier = -1"), "t.toml:8: alias.multiplier: expected a decimal"),
        (
            good.replace("binance\"", "moon\""),
            "t.toml:5: alias.venue: expected one of binance, shallow, got \"moon\"",
        ),
        (
            good.replace("\"S\"", "\"S T\""),
            "t.toml:6: alias.symbol: expected 1 to 128 characters without spaces",
        ),
        (good.replace("A-B", "AB"), "t.toml:7: alias.instrument: instrument \"AB\""),
        (format!("{good}\nfactor = 1"), "t.toml:8: alias.factor: unknown key; expected venue"),
        (
            format!("{good}\n[[alias]]\n{good}"),
            "t.toml:8: alias.symbol: \"binance S\" is there already, in line 4",
        ),
        (
            format!("{good}\n[[alias]]\n{}", good.replace("\"S\"", "\"T\"")),
            "t.toml:8: alias.instrument: \"binance A-B\" is there already, in line 4",
        ),
    ] {
        let said = refused(&alias(&lines), &[]);
        assert!(said.starts_with(expected), "{lines}: {said}");
    }
    assert!(refused(&format!("alias = 1\n{FEED}"), &[]).contains("expected sections [[alias]]"));
    assert!(
        refused(MINIMAL, &[("TICKCACHE_ALIAS_SYMBOL", "x")]).contains("[[alias]] is set in the file only")
    );
}

#[test]
fn what_a_venue_cannot_have_and_what_is_one_symbol_is_named_with_its_line() {
    let text =
        "[[feed]]\nvenue = \"binance\"\ninstruments = [\n\"BTC-USDT\",\n\"NONE-USDT\",\n\"NONE-EUR\",\n]\n";
    assert_eq!(
        refused(text, &[]),
        "t.toml:5: feed.instruments: NONE-USDT: binance has no NONE\n\
         t.toml:6: feed.instruments: NONE-EUR: binance has no NONE"
    );
    let named = |symbol: &str| {
        format!("{text}[[alias]]\nvenue = \"binance\"\nsymbol = \"{symbol}\"\ninstrument = \"NONE-USDT\"\n")
            .replace("\"NONE-EUR\",\n", "")
    };
    assert_eq!(loaded(&named("noneusdt"), &[]).feeds[0].instruments.len(), 2, "an alias makes it possible");
    assert_eq!(
        refused(&named("BTCUSDT"), &[]),
        "t.toml:5: feed.instruments: NONE-USDT and BTC-USDT are the same symbol at the venue, \"BTCUSDT\""
    );
}

#[test]
fn a_line_end_behind_a_value_of_the_environment_is_left_out_with_a_warning_that_does_not_show_it() {
    for (value, expected) in
        [("s3cr3t\n", "s3cr3t"), ("s3cr3t\r\n", "s3cr3t"), ("s3cr3t\n\n", "s3cr3t\n"), ("s3cr3t ", "s3cr3t ")]
    {
        let settings = loaded(MINIMAL, &[("REDIS_PASSWORD", value), ("TICKCACHE_EMBEDDED_PASSWORD", value)]);
        let found = [settings.redis.password(), settings.embedded.password.as_ref()];
        assert_eq!(found.map(|one| one.map(Secret::expose)), [Some(expected); 2], "{value:?}");
        let warnings = settings.remarks.warnings;
        assert_eq!(warnings.len(), if value.ends_with('\n') { 2 } else { 0 }, "{warnings:?}");
        assert!(
            warnings
                .iter()
                .all(|warning| warning.contains("_PASSWORD ends with") && !warning.contains("s3cr3t"))
        );
    }
    assert_eq!(
        loaded(MINIMAL, &[("REDIS_URL", "redis://h:7\n"), ("REDIS_DB", "3\n")]).redis.to_url(),
        "redis://h:7/3"
    );
    assert!(loaded(MINIMAL, &[("REDIS_PASSWORD", "\n")]).redis.password().is_none(), "as good as unset");
    let in_file = format!("[redis]\nsentinel_password = \"\"\"s3cr3t\n\"\"\"\n{MINIMAL}");
    let settings = loaded(&in_file, &[]);
    assert_eq!(settings.sentinel.password.as_ref().map(Secret::expose), Some("s3cr3t"));
    assert_eq!(
        settings.remarks.warnings,
        ["redis.sentinel_password ends with a line end, which is left out"]
    );
}

/// What Docker's links and Kubernetes' services add to the environment of a container beside one named `tickcache` or `tickcache-redis`.
#[test]
fn variables_of_linked_services_do_not_stop_the_start() {
    let links = [
        ("TICKCACHE_ENV_PATH", "/usr/bin"),
        ("TICKCACHE_ENV_TICKCACHE_HTTP_LISTEN", ""),
        ("TICKCACHE_NAME", "/web/tickcache"),
        ("TICKCACHE_PORT", "tcp://10.0.0.1:6379"),
        ("TICKCACHE_PORT_6379_TCP", "tcp://10.0.0.1:6379"),
        ("TICKCACHE_PORT_6379_TCP_ADDR", "10.0.0.1"),
        ("TICKCACHE_PORT_6379_TCP_PORT", "6379"),
        ("TICKCACHE_PORT_6379_TCP_PORT_START", "6379"),
        ("TICKCACHE_PORT_6379_TCP_PORT_END", "6380"),
        ("TICKCACHE_PORT_6379_TCP_PROTO", "tcp"),
        ("TICKCACHE_PORT_53_UDP", "udp://10.0.0.1:53"),
        ("TICKCACHE_SERVICE_HOST", "10.0.0.1"),
        ("TICKCACHE_SERVICE_PORT", "6379"),
        ("TICKCACHE_SERVICE_PORT_METRICS", "8080"),
        ("TICKCACHE_REDIS_ENV_GOSU_VERSION", "1.17"),
        ("TICKCACHE_REDIS_NAME", "/app/redis"),
        ("TICKCACHE_REDIS_PORT", "tcp://10.0.0.2:6379"),
        ("REDIS_PORT", "tcp://10.0.0.2:6379"),
    ];
    let settings = loaded(MINIMAL, &links);
    assert_eq!(settings, loaded(MINIMAL, &[]));
    assert_eq!(settings.remarks.links.len(), links.len());
    for typing_error in ["TICKCACHE_HTTP_LISTEM", "TICKCACHE_PORT", "TICKCACHE_NAME", "TICKCACHE_ENVIRONMENT"]
    {
        assert!(refused(MINIMAL, &[(typing_error, "6379")]).contains("unknown variable"), "{typing_error}");
    }
}
