//! What stands in Redis, asked from outside of the engine until it is as it should be.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tickcache::clock;
use tickcache::codec::{Decoder, peek_version};
use tickcache::domain::{Entity, MonoTime, Record};

/// Between two questions.
const ASK_EVERY: Duration = Duration::from_millis(1);
/// Whatever takes longer is an error of the bench or of what it measures.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until there is an answer; returns it and when it came.
pub(crate) fn when<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> (T, MonoTime) {
    let start = clock::mono();
    loop {
        let answer = ask();
        let now = clock::mono();
        if let Some(answer) = answer {
            return (answer, now);
        }
        assert!(now.since(start) < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(ASK_EVERY);
    }
}

/// When a server first answers PING.
pub(crate) fn answers(port: u16) -> MonoTime {
    let ask = || -> std::io::Result<bool> {
        let mut socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_read_timeout(Some(Duration::from_millis(500)))?;
        socket.write_all(b"PING\r\n")?;
        let mut answer = [0; 7];
        socket.read_exact(&mut answer)?;
        Ok(&answer == b"+PONG\r\n")
    };
    when("it answers", || ask().is_ok_and(|pong| pong).then_some(())).1
}

pub(crate) fn connect(port: u16) -> redis::Connection {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).expect("a valid address");
    let connect = || client.get_connection_with_timeout(Duration::from_secs(1)).ok();
    when("a connection", connect).0
}

/// When each key first holds a bid no smaller than this one.
pub(crate) fn right(port: u16, keys: &[String], bids: &[u64]) -> MonoTime {
    let (mut connection, mut decoder) = (connect(port), Decoder::new());
    let mut bid = |value: &[u8]| match decoder.decode(Entity::Price, value).ok()?.record {
        Record::Price(price) => u64::try_from(price.bid?.price.0).ok(),
        Record::Liquidity(_) | Record::Volume(_) => None,
    };
    let mut is_right = |values: &[Option<Vec<u8>>]| {
        values.iter().zip(bids).all(|(value, wanted)| {
            value.as_ref().and_then(|value| bid(value)).is_some_and(|bid| bid >= *wanted)
        })
    };
    when("every key is right", || is_right(&values(&mut connection, keys)?).then_some(())).1
}

/// When each key first holds a value of a greater epoch.
pub(crate) fn taken_over(port: u16, keys: &[String], epoch: u64) -> MonoTime {
    let mut connection = connect(port);
    let is_newer = |value: &Option<Vec<u8>>| {
        let version = value.as_ref().and_then(|value| peek_version(value));
        version.is_some_and(|version| version.epoch.get() > epoch)
    };
    when("every key is taken over", || values(&mut connection, keys)?.iter().all(is_newer).then_some(())).1
}

/// `None` where one of them cannot be had at the moment.
fn values(connection: &mut redis::Connection, keys: &[String]) -> Option<Vec<Option<Vec<u8>>>> {
    // One by one in a pipeline: on a Cluster, MGET is for keys of one slot.
    let mut pipe = redis::pipe();
    for key in keys {
        pipe.get(key);
    }
    pipe.query(connection).ok()
}
