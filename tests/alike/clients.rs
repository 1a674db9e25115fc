//! Real clients, and the README's own lines, on redis-server and on the endpoint: they must see the same.
//!
//! `test.sh` installs redis-py, msgpack, ioredis, node-redis and @msgpack/msgpack into `clients` of the target folder. Where they are
//! not there, the tests say so and are skipped, unless `TICKCACHE_CLIENTS=required`, as `test.sh` has it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use redis::{AsyncCommands as _, Commands as _};
use tempfile::TempDir;

use crate::redis_server::PATIENCE;
use crate::rig::{on_one_thread, until};
use crate::world::{SIDES, Side, VALUES, World};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const README: &str = include_str!("../../README.md");

/// Where `test.sh` has installed the clients; `None` where they are not, and need not be.
fn installed(what: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("clients").join(what);
    if folder.is_dir() {
        return Some(folder);
    }
    let is_required = std::env::var("TICKCACHE_CLIENTS").is_ok_and(|value| value == "required");
    assert!(!is_required, "{} is not there: test.sh installs it", folder.display());
    eprintln!("skipped: {} is not there; ./test.sh installs the clients", folder.display());
    None
}

/// Python with redis-py and msgpack.
fn python(packages: &Path) -> Command {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", packages).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Node, running a copy of a script in a folder in which it finds its packages.
fn node(folder: &Path, script: &str) -> (Command, TempDir) {
    let place = tempfile::tempdir_in(folder).unwrap();
    let file = place.path().join("script.mjs");
    std::fs::write(&file, script).unwrap();
    let mut command = Command::new("node");
    command.arg(file);
    (command, place)
}

fn script(name: &str) -> String {
    let path = Path::new(ROOT).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs a client to its end; whenever it says "subscribed" a new price is pushed. Returns what else it said.
async fn run(world: &mut World, mut command: Command, price: i128) -> Vec<String> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it is installed");
    let (mut output, mut errors) =
        (BufReader::new(child.stdout.take().unwrap()), child.stderr.take().unwrap());
    let (sender, lines) = mpsc::sync_channel(10_000);
    std::thread::spawn(move || {
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|read| read > 0)
            && sender.send(line.trim_end().to_owned()).is_ok()
        {
            line.clear();
        }
    });
    let complaints = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = errors.read_to_string(&mut text);
        text
    });
    let (mut said, mut bid) = (Vec::new(), price);
    let talking = async {
        loop {
            match lines.try_recv() {
                Ok(line) if line == "subscribed" => {
                    bid += 1;
                    world.rig.push(0, bid);
                    world.rig.drain().await;
                }
                Ok(line) => said.push(line),
                Err(mpsc::TryRecvError::Empty) => {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await
                }
                Err(mpsc::TryRecvError::Disconnected) => break,
            }
        }
    };
    if tokio::time::timeout(2 * PATIENCE, talking).await.is_err() {
        let _ = child.kill();
        panic!("it hangs after {said:#?}: {}", complaints.join().unwrap());
    }
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}: {said:#?}\n{}", complaints.join().unwrap());
    said
}

/// What one client said of both: the same, but of the write.
async fn compare(make: impl Fn(u16) -> Command) {
    let mut said = Vec::new();
    for side in SIDES {
        // A world for each, with the same history, so that versions differ in nothing but their epochs.
        let mut world = World::start().await;
        let before: Vec<_> = (0..VALUES).map(|slot| world.value(slot)).collect();
        let command = make(world.address(side).port());
        let mut lines = run(&mut world, command, 700).await;
        let write = lines.pop().unwrap();
        match side {
            Side::Redis => assert!(write.starts_with("WRITE") && !write.contains("Error"), "{write}"),
            Side::Endpoint => assert!(write.contains("tickcache embedded store: SET is refused"), "{write}"),
        }
        assert!(lines.len() > 20, "{lines:#?}");
        // Values are told by their own hex, which has times: what they were is known, so that a name can stand for each.
        let mut text = lines.join("\n");
        let now: Vec<_> = (0..VALUES).map(|slot| world.value(slot)).collect();
        for (slot, value) in before.iter().enumerate() {
            text = text.replace(&hex(value), &format!("<value {slot}>"));
        }
        assert!(text.contains("<value 0>"), "{text}");
        text = text.replace(&hex(&now[0]), "<the last value>");
        assert!(text.contains("<the last value>"), "{text}");
        said.push(without_stamps(&text));
    }
    assert_eq!(said[1], said[0], "the second is the endpoint's");
}

/// Hexadecimal digits of an envelope: its epoch and its times are those of the moment.
fn without_stamps(text: &str) -> String {
    let is_value = |word: &str| word.contains("9501cf00");
    let lines = text.lines().map(|line| {
        let words: Vec<_> =
            line.split(' ').map(|word| if is_value(word) { "<a value>" } else { word }).collect();
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn redis_py_sees_the_same() {
    let Some(packages) = installed("python") else { return };
    on_one_thread(compare(|port| {
        let mut command = python(&packages);
        command.arg(Path::new(ROOT).join("tests/scripts/clients/client_redis.py")).arg(port.to_string());
        command.args(keys());
        command
    }));
}

fn keys() -> impl Iterator<Item = String> {
    (0..VALUES).map(|slot| format!("tickcache:v1:price:{{C{slot}-USDT}}:binance"))
}

fn of_node(name: &str) {
    let Some(folder) = installed("node") else { return };
    let text = script(&format!("tests/scripts/clients/{name}"));
    let place = tempfile::tempdir_in(&folder).unwrap();
    let file = place.path().join(name);
    std::fs::write(&file, text).unwrap();
    on_one_thread(compare(|port| {
        let mut command = Command::new("node");
        command.arg(&file).arg(port.to_string()).args(keys());
        command
    }));
}

#[test]
fn ioredis_sees_the_same() {
    of_node("client_ioredis.mjs");
}

#[test]
fn node_redis_sees_the_same() {
    of_node("client_node_redis.mjs");
}

/// A client that keeps copies of what it has read, which the endpoint does not do: the first error that it reports, and nothing else.
async fn refused_tracking(make: impl Fn(u16) -> Command) {
    let mut world = World::start().await;
    let command = make(world.address(Side::Endpoint).port());
    let said = run(&mut world, command, 700).await;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("CLIENT TRACKING needs BCAST"), "{said:?}");
    assert!(said[0].contains("switch client-side caching off"), "{said:?}");
}

#[test]
fn node_redis_reports_at_once_that_it_cannot_keep_copies() {
    let Some(folder) = installed("node") else { return };
    let text = r"
        import { createClient } from 'redis';
        const cache = { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' };
        const url = `redis://127.0.0.1:${process.argv[2]}`;
        const client = createClient({ url, RESP: 3, clientSideCache: cache });
        client.on('error', (error) => { console.log(error.message); process.exit(0); });
        await client.connect();
        console.log('connected');
    ";
    let place = tempfile::tempdir_in(&folder).unwrap();
    let file = place.path().join("script.mjs");
    std::fs::write(&file, text).unwrap();
    on_one_thread(refused_tracking(|port| {
        let mut command = Command::new("node");
        command.arg(&file).arg(port.to_string());
        command
    }));
}

#[test]
fn redis_py_reports_at_once_that_it_cannot_keep_copies() {
    let Some(packages) = installed("python") else { return };
    let text = "
import sys, redis
from redis.cache import CacheConfig
try:
    print(redis.Redis(port=int(sys.argv[1]), protocol=3, cache_config=CacheConfig()).get('x'))
except redis.RedisError as error:
    print(error)
";
    on_one_thread(refused_tracking(|port| {
        let mut command = python(&packages);
        command.args(["-c", text]).arg(port.to_string());
        command
    }));
}

#[test]
fn redis_cli_sees_the_same() {
    on_one_thread(async {
        let mut world = World::start().await;
        for words in [
            &["GET", "$0"][..],
            &["-2", "GET", "$0"],
            &["-3", "HGETALL", "$m"],
            &["-2", "HGETALL", "$m"],
            &["--no-raw", "MGET", "$0", "nothing", "$1"],
            &["--scan", "--pattern", "tickcache:v1:price:*"],
            &["GET"],
            &["FOO"],
            &["-3", "--json", "HGETALL", "$m"],
            &["TYPE", "$c"],
            &["-n", "0", "PING"],
            &["--csv", "HGETALL", "$c"],
            &["-r", "3", "STRLEN", "$0"],
            &["-e", "FOO"],
            &["EXISTS", "$0", "$1"],
        ] {
            let mut said = Vec::new();
            for side in SIDES {
                let mut command = Command::new("redis-cli");
                command.args(["-p", &world.address(side).port().to_string()]);
                command.args(words.iter().map(|word| world.fill(word)));
                let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
                let mut lines: Vec<_> =
                    output.stdout.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                if words[0] == "--scan" {
                    lines.sort();
                }
                said.push((output.status.code(), lines, output.stderr));
            }
            assert_eq!(said[1], said[0], "{words:?}");
        }
        // What the README shows.
        let mut command = Command::new("redis-cli");
        command.args(["-p", &world.endpoint.port().to_string(), "HGETALL", "tickcache:v1:meta"]);
        assert_eq!(run(&mut world, command, 0).await, ["transport", "publish", "schema", "1"]);
    });
}

#[test]
fn the_redis_crate_sees_the_same() {
    on_one_thread(async {
        let mut world = World::start().await;
        let keys: Vec<String> = keys().collect();
        for protocol in ["resp2", "resp3"] {
            let mut said = Vec::new();
            for side in SIDES {
                let url = format!("redis://{}/?protocol={protocol}", world.address(side));
                let client = redis::Client::open(url).unwrap();
                let mut connection = client.get_multiplexed_async_connection().await.unwrap();
                let values: Vec<Option<Vec<u8>>> = connection.mget(&keys).await.unwrap();
                let meta: Vec<(String, String)> = connection.hgetall("tickcache:v1:meta").await.unwrap();
                let pair: (Vec<u8>, bool) = redis::pipe()
                    .atomic()
                    .get(&keys[0])
                    .exists(&keys[1])
                    .query_async(&mut connection)
                    .await
                    .unwrap();
                let wrong =
                    redis::cmd("GET").query_async::<()>(&mut connection).await.unwrap_err().to_string();
                let kind = connection.get::<_, Vec<u8>>("tickcache:v1:meta").await.unwrap_err().to_string();
                let blocking = keys.clone();
                let synchronous: Vec<Vec<u8>> = tokio::task::spawn_blocking(move || {
                    client.get_connection().unwrap().mget(&blocking).unwrap()
                })
                .await
                .unwrap();
                said.push((values, meta, pair, wrong, kind, synchronous));
            }
            assert_eq!(said[1], said[0], "{protocol}");
        }
        let url = format!("redis://{}", world.endpoint);
        let client = redis::Client::open(url).unwrap();
        let mut subscription = client.get_async_pubsub().await.unwrap();
        subscription.subscribe(keys[0].replace(":price:", ":update:price:")).await.unwrap();
        world.rig.push(0, 9);
        let message = futures_util::StreamExt::next(&mut subscription.on_message()).await.unwrap();
        assert_eq!(message.get_payload_bytes(), world.value(0));
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let refusal = connection.set::<_, _, ()>("a", "b").await.unwrap_err();
        assert_eq!(refusal.kind(), redis::ErrorKind::Server(redis::ServerErrorKind::ReadOnly));
    });
}

/// The README's block in a language that begins with this line.
fn quoted(language: &str, first: &str) -> String {
    let start = format!("```{language}\n{first}");
    let at = README.find(&start).unwrap_or_else(|| panic!("the README has no {start:?}"));
    let block = &README[at + language.len() + 4..];
    block[..block.find("```").unwrap()].to_owned()
}

/// The README's instrument is one of ours, and its port ours.
fn here(text: &str, world: &World) -> String {
    text.replace("6380", &world.endpoint.port().to_string()).replace("{BTC-USDT}", "{C0-USDT}")
}

/// What the README's lines print of a price of 61836.00.
const PRINTED: &str = "state 0 bid 61836.00 ask 61836.01";

#[test]
fn the_lines_of_the_readme_print_the_price() {
    let (Some(packages), Some(folder)) = (installed("python"), installed("node")) else { return };
    on_one_thread(async {
        let mut world = World::start().await;
        let mut command = python(&packages);
        command.args(["-c", &here(&quoted("python", "import redis"), &world)]);
        assert_eq!(run(&mut world, command, 0).await, [PRINTED]);

        let with_ioredis = quoted("js", "import Redis");
        let rest = with_ioredis.lines().skip(2).collect::<Vec<_>>().join("\n");
        for block in [with_ioredis, format!("{}{rest}", quoted("js", "import { createClient"))] {
            // They keep their connection, as a bot would.
            let (command, place) = node(&folder, &format!("{}\nprocess.exit(0);\n", here(&block, &world)));
            assert_eq!(run(&mut world, command, 0).await, [PRINTED], "{block}");
            drop(place);
        }
    });
}

#[test]
fn the_examples_read_and_follow_a_price() {
    let (Some(packages), Some(folder)) = (installed("python"), installed("node")) else { return };
    on_one_thread(async {
        let mut world = World::start().await;
        let url = format!("redis://{}", world.endpoint);
        for side in ["read_price", "follow_price"] {
            let text = script(&format!("examples/{side}.mjs"));
            let (mut of_node, place) = node(&folder, &text);
            let mut of_python = python(&packages);
            of_python.arg(Path::new(ROOT).join(format!("examples/{side}.py")));
            for command in [&mut of_node, &mut of_python] {
                command.args(["C0-USDT", "binance"]).env("REDIS_URL", &url);
                let first = first_line(&mut world, command).await;
                assert!(first.contains("bid 61836.00  ask 61836.01"), "{first}");
            }
            drop(place);
        }
    });
}

/// The first line of a program that may go on for ever.
async fn first_line(world: &mut World, command: &mut Command) -> String {
    // A price as old as a test machine is slow is not live: a new one each time.
    world.rig.push(0, 6_183_600);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let reading = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line
    });
    let line = tokio::time::timeout(PATIENCE, reading).await;
    let _ = child.kill();
    let _ = child.wait();
    line.expect("a line in time").unwrap()
}

/// These are the README's lines of Rust: a test compares them.
async fn lines_of_the_readme(url: &str) -> anyhow::Result<String> {
    use tickcache::domain::{Entity, Record};
    let reader = tickcache::reader::Reader::connect(url, "tickcache".parse()?).await?;
    let found = reader.get(Entity::Price, &"C0-USDT".parse()?, &"binance".parse()?).await?.into_view();
    let Some(view) = found else { anyhow::bail!("no price") };
    let Record::Price(price) = &view.record else { anyhow::bail!("a price key holds a price") };
    let printed = format!(
        "{} {:?}",
        price.stamp.state,
        price.bid.map(|bid| price.scales.price_number(bid.price).to_string())
    );
    Ok(printed)
}

#[test]
fn the_rust_of_the_readme_prints_the_price() {
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let block = quoted("rust,ignore", "let reader")
        .replace("\"redis://127.0.0.1:6380\"", "url")
        .replace("BTC-USDT", "C0-USDT")
        .replace("println!(", "let printed = format!(");
    let ours = include_str!("clients.rs");
    assert!(plain(ours).contains(&plain(&block)), "the README's lines are not these any more: {block}");
    on_one_thread(async {
        let world = World::start().await;
        let printed = lines_of_the_readme(&format!("redis://{}", world.endpoint)).await.unwrap();
        assert_eq!(printed, "live Some(\"61836.00\")");
        until("the rig is still there", async || world.rig.writer.stats().connected).await;
    });
}
