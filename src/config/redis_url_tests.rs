//! What a Redis URL may look like, and what is said about one that may not.

use proptest::prelude::*;

use super::*;

const PASSWORD: &str = "s3cr3t";

fn parse(text: &str) -> RedisUrl {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn tcp(host: &str, port: u16, tls: Tls) -> RedisAddress {
    RedisAddress::Tcp { host: host.to_owned(), port, tls }
}

#[test]
fn every_form_says_where_and_who() {
    let unix = || RedisAddress::Unix { path: "/run/redis.sock".into() };
    for (text, address, db, username, password) in [
        ("redis://localhost", tcp("localhost", 6379, Tls::Off), 0, None, None),
        ("redis://127.0.0.1:6380/3", tcp("127.0.0.1", 6380, Tls::Off), 3, None, None),
        ("redis://[::1]:6380/", tcp("::1", 6380, Tls::Off), 0, None, None),
        ("rediss://:p%40ss@cache.example", tcp("cache.example", 6379, Tls::On), 0, None, Some("p@ss")),
        ("redis://bot:a+b%20c@h:1/15", tcp("h", 1, Tls::Off), 15, Some("bot"), Some("a+b c")),
        ("redis+unix:///run/redis.sock", unix(), 0, None, None),
        ("unix:/run/redis.sock?db=2", unix(), 2, None, None),
        ("unix:///run/redis.sock?user=bot&pass=p%26q", unix(), 0, Some("bot"), Some("p&q")),
    ] {
        let url = parse(text);
        assert_eq!(url.address(), &address, "{text}");
        assert_eq!(url.db(), db, "{text}");
        assert_eq!(url.username(), username, "{text}");
        assert_eq!(url.password().map(Secret::expose), password, "{text}");
        assert_eq!(parse(&url.to_url()), url, "{text}");
    }
}

#[test]
fn what_is_no_redis_url_is_refused_without_quoting_it() {
    for (text, error) in [
        ("", RedisUrlError::Malformed),
        ("localhost", RedisUrlError::Malformed),
        ("redis://:s3cr3t/x@host", RedisUrlError::Malformed),
        ("redis://:s3cr3t#x@host", RedisUrlError::Malformed),
        ("redis://host:99999/s3cr3t", RedisUrlError::Malformed),
        ("user:s3cr3t@host", RedisUrlError::Scheme),
        ("http://:s3cr3t@host", RedisUrlError::Scheme),
        ("redis:s3cr3t@host", RedisUrlError::Host),
        ("redis://:s3cr3t@0.0.0.0", RedisUrlError::Host),
        ("redis://:s3cr3t@[::]", RedisUrlError::Host),
        ("redis://:s3cr3t@ho%20st", RedisUrlError::Host),
        ("redis://:s3cr3t@host:0", RedisUrlError::Port),
        ("redis://user:1/s3cr3t@host", RedisUrlError::Db),
        ("redis://host/+1", RedisUrlError::Db),
        ("redis://host/65536", RedisUrlError::Db),
        ("redis://user:1?s3cr3t@host", RedisUrlError::Query),
        ("redis://user:1#s3cr3t@host", RedisUrlError::Fragment),
        ("redis://:s3cr3t%ff@host", RedisUrlError::Encoding),
        ("unix:run/redis.sock", RedisUrlError::Path),
        ("unix://run/redis.sock?pass=s3cr3t", RedisUrlError::Path),
        ("unix:///", RedisUrlError::Path),
        ("unix:///run/a?pass=s3cr3t&pass=b", RedisUrlError::Query),
        ("unix:///run/a?secret=s3cr3t", RedisUrlError::Query),
    ] {
        let refused = text.parse::<RedisUrl>().expect_err(text);
        assert_eq!(refused, error, "{text}");
        assert!(!format!("{refused} {refused:?}").contains(PASSWORD), "{text}");
    }
}

#[test]
fn a_password_shows_nowhere_but_where_it_is_asked_for() {
    for text in ["rediss://bot:s3cr3t@h:1/2", "redis+unix:///run/a?user=bot&pass=s3cr3t"] {
        let url = parse(text);
        let shown = format!("{url} {url:?} {url:#?} {} {:?}", url.to_string_masked(), url.password());
        assert!(!shown.contains(PASSWORD), "{shown}");
        assert!(shown.contains(MASK));
        assert!(url.to_url().contains(PASSWORD));
        assert_eq!(parse(&url.to_string_masked()).password().map(Secret::expose), Some(MASK));
    }
}

proptest! {
    #[test]
    fn any_user_password_and_path_survive_the_url(user in ".*", password in ".*", path in "/[^/\0]+", db in 0..=REDIS_DB_MAX) {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        for address in [tcp("h", 1, Tls::On), RedisAddress::Unix { path: path.clone().into() }] {
            let url = RedisUrl {
                address,
                db: Some(db),
                username: some(user.clone()),
                password: some(password.clone()).map(Secret::new),
            };
            // "." and ".." are no names of sockets, and URLs resolve them away.
            if path != "/." && path != "/.." {
                prop_assert_eq!(url.to_url().parse(), Ok(url));
            }
        }
    }

    #[test]
    fn no_text_panics(text in "(redis|rediss|redis\\+unix|unix)?:?/{0,3}.*") {
        let _ = text.parse::<RedisUrl>();
    }
}
