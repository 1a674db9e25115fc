//! The Lua scripts against their second version in Rust: the simulation runs the latter, so both must mean the same.
//!
//! Random calls, the same to a real server and to a [`Keyspace`]: the same answers, and in the end the same keys. Nothing
//! expires on the way, since the two have no common clock; the time that a script saw is taken from the server's answer.

use fastrand::Rng;
use redis::{Commands as _, Connection, Value};

use super::redis_server::RedisServer;

#[path = "../../src/publish/simulation/keyspace.rs"]
#[allow(dead_code, reason = "the simulation uses the rest")]
mod keyspace;
#[path = "../../src/publish/simulation/native.rs"]
#[allow(dead_code, reason = "the simulation uses the rest")]
mod native;

use keyspace::{Keyspace, Value as Stored};
use native::{Answer, Fence};

const WRITE: &str = include_str!("../../src/publish/scripts/write.lua");
const LEASE: &str = include_str!("../../src/publish/scripts/lease.lua");
const ENGINES: &str = include_str!("../../src/publish/scripts/engines.lua");
const CALLS: usize = 6_000;
/// No key ends while the test runs.
const TTL_MIN_MS: i64 = 1_000_000;

struct Pair {
    real: Connection,
    native: Keyspace,
    rng: Rng,
}

fn answer(value: &Value) -> Answer {
    match value {
        Value::Int(number) => Answer::Integer(*number),
        Value::BulkString(text) => Answer::Text(text.clone()),
        Value::Array(values) => Answer::Array(values.iter().map(answer).collect()),
        other => panic!("{other:?}"),
    }
}

fn bytes(words: &[Vec<u8>]) -> Vec<&[u8]> {
    words.iter().map(Vec::as_slice).collect()
}

impl Pair {
    fn call(&mut self, script: &str, keys: &[Vec<u8>], arguments: &[Vec<u8>]) -> Answer {
        let script = redis::Script::new(script);
        let mut call = script.prepare_invoke();
        for key in keys {
            call.key(key);
        }
        for argument in arguments {
            call.arg(argument);
        }
        answer(&call.invoke(&mut self.real).unwrap())
    }

    fn choose(&mut self, words: &[&str]) -> Vec<u8> {
        words[self.rng.usize(..words.len())].as_bytes().to_vec()
    }

    fn ttl(&mut self) -> Vec<u8> {
        self.rng.i64(TTL_MIN_MS..100 * TTL_MIN_MS).to_string().into_bytes()
    }

    /// An envelope's head with a small version, or now and then with one at the edge of what is allowed.
    fn value(&mut self) -> Vec<u8> {
        let edge = 9_007_199_254_000_002_u64;
        let epoch = if self.rng.u32(..20) == 0 { edge - self.rng.u64(0..4) } else { self.rng.u64(..4) };
        let sequence = self.rng.u64(..6);
        let body = self.rng.u8(..);
        [&[0x95, 1, 0xcf][..], &epoch.to_be_bytes(), &[0xcf], &sequence.to_be_bytes(), &[0, 0xc4, 1, body]]
            .concat()
    }

    fn write(&mut self) {
        let count = self.rng.usize(1..6);
        let keys: Vec<Vec<u8>> = (0..count).map(|_| self.choose(&["t:v1:a", "t:v1:b", "t:v1:c"])).collect();
        let mut arguments = vec![self.choose(&["PUBLISH", ""]), b"t".to_vec()];
        for _ in 0..count {
            arguments.extend([self.value(), self.ttl()]);
        }
        let mut told = Vec::new();
        let native =
            native::write(&mut self.native, &bytes(&keys), &bytes(&arguments), Fence::Up, &mut told).unwrap();
        assert_eq!(self.call(WRITE, &keys, &arguments), native, "{keys:?} {arguments:?}");
        let Answer::Array(verdicts) = native else { panic!("the script answers with an array") };
        let written = verdicts.iter().filter(|verdict| matches!(verdict, Answer::Integer(1 | 4))).count();
        assert_eq!(told.len(), if arguments[0].is_empty() { 0 } else { written });
    }

    fn lease(&mut self) {
        let keys = [b"t:v1:lease:{f}".to_vec(), b"t:v1:epoch:{f}".to_vec()];
        let held = self.native.text(&keys[0]).ok().flatten().map(<[u8]>::to_vec).unwrap_or_default();
        let digits = String::from_utf8_lossy(&held).rsplit(':').next().and_then(|digits| digits.parse().ok());
        let known = digits.unwrap_or(0_u64);
        let later = known.saturating_add(self.rng.u64(..3));
        let theirs = [known, 0, later][self.rng.usize(..3)].to_string();
        let verb = self.choose(&["acquire", "acquire", "look", "renew", "release"]);
        let mark = self.rng.u32(..1_000).to_string().into_bytes();
        let arguments = [verb, self.choose(&["a.1", "b.1", "c-2"]), self.ttl(), theirs.into_bytes(), mark];
        let real = self.call(LEASE, &keys, &arguments);
        let Answer::Array(parts) = &real else { panic!("the script answers with an array") };
        let [
            Answer::Integer(status),
            _,
            Answer::Integer(left),
            Answer::Integer(seconds),
            Answer::Integer(us),
        ] = parts[..]
        else {
            panic!("{real:?}")
        };
        self.native.now_us = seconds * 1_000_000 + us;
        let native = native::lease(&mut self.native, &bytes(&keys), &bytes(&arguments)).unwrap();
        let Answer::Array(mut expected) = native else { panic!("the script answers with an array") };
        let Answer::Integer(expected_left) = expected[2] else { panic!("{expected:?}") };
        // What is left may be another millisecond by the time it is asked for.
        assert!((left - expected_left).abs() <= 2_000, "{left} {expected_left} {status}");
        expected[2] = Answer::Integer(left);
        assert_eq!(real, Answer::Array(expected), "{arguments:?}");
    }

    fn engines(&mut self) {
        let keys = [b"t:v1:engines".to_vec()];
        let said = self.choose(&["1 0.1 x/0=owner", "2 0.1 ", ""]);
        let silent = self.choose(&["0", "2000", "100000"]);
        let verb = self.choose(&["stay", "stay", "stay", "leave"]);
        let arguments = [verb, self.choose(&["a", "b", "c", "d"]), said, silent];
        let real = self.call(ENGINES, &keys, &arguments);
        // When the server did it stands in what it wrote; the answer is silent about an engine that was not known.
        let written: redis::RedisResult<Option<String>> =
            redis::cmd("HGET").arg("t:v1:engines").arg(&arguments[1]).query(&mut self.real);
        if let Ok(Some(written)) = written {
            let now_ms: i64 = written.split(' ').next().unwrap().parse().unwrap();
            self.native.now_us = now_ms * 1_000;
        }
        let native = native::engines(&mut self.native, &bytes(&keys), &bytes(&arguments)).unwrap();
        assert_eq!(pairs(&real), pairs(&native), "{arguments:?}");
    }

    /// Something happens to a key beside the scripts.
    fn disturb(&mut self) {
        let key = self.choose(&["t:v1:a", "t:v1:b", "t:v1:lease:{f}", "t:v1:epoch:{f}", "t:v1:engines"]);
        let texts =
            ["", "12", "1e3", "-5", "nan", "inf", "rubbish", "a.1:12", "b.1:99999999999999999", "x y:1"];
        let far = format!("a.1:{}", (1_u64 << 53) - 3);
        match self.rng.u32(..6) {
            0 => {
                let _: () = self.real.del(&key).unwrap();
                let _ = self.native.delete(&key).unwrap();
            }
            1 => {
                let _: () = self.real.del(&key).unwrap();
                let _: () = self.real.hset(&key, "z", "5 rest").unwrap();
                let _ = self.native.delete(&key).unwrap();
                self.native.set_field(&key, b"z", b"5 rest").unwrap();
            }
            2 => {
                let value = self.value();
                let cut = self.rng.usize(..=value.len());
                self.set(&key, &value[..cut]);
            }
            3 => self.set(&key, far.as_bytes()),
            _ => {
                let text = self.choose(&texts);
                self.set(&key, &text);
            }
        }
    }

    fn set(&mut self, key: &[u8], text: &[u8]) {
        let _: () = self.real.set(key, text).unwrap();
        self.native.set(key, text, None).unwrap();
    }

    fn compare(&mut self) {
        let mut names: Vec<Vec<u8>> = self.real.keys("*").unwrap();
        names.sort();
        assert_eq!(names, self.native.keys());
        for name in names {
            match &self.native.get(&name).unwrap().value {
                Stored::Text(text) => {
                    let real: Vec<u8> = self.real.get(&name).unwrap();
                    assert_eq!(&real, text);
                }
                Stored::Hash(fields) => {
                    let real: std::collections::BTreeMap<Vec<u8>, Vec<u8>> =
                        self.real.hgetall(&name).unwrap();
                    assert_eq!(&real, fields);
                }
            }
            let (real, native): (i64, i64) = (self.real.pttl(&name).unwrap(), self.native.pttl(&name));
            assert!((real - native).abs() <= 60_000 && (real < 0) == (native < 0), "{real} {native}");
        }
    }
}

/// Names and values, in the order of the names.
fn pairs(answer: &Answer) -> Vec<Vec<Answer>> {
    let Answer::Array(parts) = answer else { panic!("the script answers with an array") };
    let mut pairs: Vec<Vec<Answer>> = parts.chunks(2).map(<[Answer]>::to_vec).collect();
    pairs.sort_by_key(|pair| format!("{pair:?}"));
    pairs
}

#[test]
fn the_scripts_and_their_second_version_mean_the_same() {
    let server = RedisServer::start();
    for seed in 0..3 {
        let mut real = server.connection();
        let _: () = redis::cmd("FLUSHALL").query(&mut real).unwrap();
        let (seconds, us): (i64, i64) = redis::cmd("TIME").query(&mut real).unwrap();
        let mut native = Keyspace::default();
        native.now_us = seconds * 1_000_000 + us;
        let mut pair = Pair { real, native, rng: Rng::with_seed(seed) };
        for call in 0..CALLS / 3 {
            match pair.rng.u32(..10) {
                0..4 => pair.write(),
                4..7 => pair.lease(),
                7..9 => pair.engines(),
                _ => pair.disturb(),
            }
            if call % 100 == 0 {
                pair.compare();
            }
        }
        pair.compare();
    }
}
