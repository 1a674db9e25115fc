//! How long does a quote take with depth on, and while all books resynchronise?
//!
//! Owns a made-up venue of [`BOOKS`] instruments: a session of quotes, a session of depth, REST snapshots of 1,000 levels a
//! side. Depth comes for all instruments at once, every 100 ms, as the venue sends it; a resynchronisation is forced by an update
//! id that is left out in all books at once.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tickcache::clock;

use crate::contender::{Running, Wanted};
use crate::observe::Observer;
use crate::report::{histogram, us};
use crate::run::{Sent, latencies, price_key, quotes, wait_for};
use crate::server::Server;
use crate::venue::{Session, Venue, encode, read_head};

/// Instruments, each with a book.
const BOOKS: usize = 50;
/// Between two quotes, of one instrument after the other: 1,000 quotes a second.
const QUOTE_EVERY: Duration = Duration::from_millis(1);
const DEPTH_EVERY: Duration = Duration::from_millis(100);
/// Every so many rounds of depth an update is left out in every book.
const GAP_EVERY: usize = 5;
/// Levels of an update, a side.
const DELTA_LEVELS: usize = 10;
const SNAPSHOT_LEVELS: usize = 1_000;
/// Between the subscriptions and the first quote that counts: the books synchronise.
const WARM_UP: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    QuotesOnly,
    Depth,
    Resync,
}

impl Phase {
    const fn name(self) -> &'static str {
        match self {
            Self::QuotesOnly => "quotes only",
            Self::Depth => "with depth",
            Self::Resync => "while 50 books resynchronise, twice a second",
        }
    }
}

const _: () = assert!(BOOKS == 50, "the name of the phase says so");

/// The last update id of each book.
type Books = Arc<Mutex<Vec<u64>>>;

pub(crate) fn compare(server: &Server, length: Duration) -> anyhow::Result<()> {
    println!(
        "\nquotes of {BOOKS} instruments, 1,000 a second, {} s a phase; sent -> seen by a replica, us",
        length.as_secs()
    );
    println!(
        "  | | p50 | p99 | most | depth frames | gaps | snapshots | receive -> acknowledged, all values: p50, p99 |\n  |---|---|---|---|---|---|---|---|"
    );
    for phase in [Phase::QuotesOnly, Phase::Depth, Phase::Resync] {
        measure(server, phase, length)?;
    }
    Ok(())
}

fn measure(server: &Server, phase: Phase, length: Duration) -> anyhow::Result<()> {
    server.client()?.flush()?;
    let names: Vec<String> = (0..BOOKS).map(|index| format!("C{index:04}-USDT")).collect();
    let books: Books = Arc::new(Mutex::new(vec![1_000_000; BOOKS]));
    let (venue, rest) = (Venue::start()?, serve_rest(Arc::clone(&books))?);
    let entities: &[&str] = if phase == Phase::QuotesOnly { &["price"] } else { &["price", "liquidity"] };
    let wanted = Wanted { instruments: names.clone(), entities, rest: Some(rest) };
    let running = Running::engine(venue.address(), server.port(), &wanted)?;
    let (mut quote_session, mut depth_session) = (None, None);
    for _ in entities {
        let session = venue.accept()?;
        let home = if session.request.contains("@depth") { &mut depth_session } else { &mut quote_session };
        *home = Some(session);
    }
    wait_for(server, &price_key(&names[BOOKS - 1]))?;
    let observer = Observer::replica(server)?;
    let stop = Arc::new(AtomicBool::new(false));
    let depth = depth_session.map(|session| {
        let (stop, gap_every) = (Arc::clone(&stop), (phase == Phase::Resync).then_some(GAP_EVERY));
        std::thread::spawn(move || send_depth(session, &books, gap_every, &stop))
    });
    let session = quote_session.ok_or_else(|| anyhow::anyhow!("no session of quotes"))?;
    let sent = send_quotes(session, length)?;
    std::thread::sleep(Duration::from_millis(200));
    let report = running.report();
    stop.store(true, Ordering::Release);
    let frames = depth.map_or(Ok(0), |depth| depth.join().expect("a thread that cannot panic"));
    let (report, seen) = (report?, quotes(&observer.finish()?, &names));
    let all = histogram(&latencies(&sent, &seen, BOOKS)?);
    let quantile = |quantile| us(all.value_at_quantile(quantile));
    println!(
        "  | {} | {} | {} | {} | {} | {} | {} | {}, {} |",
        phase.name(),
        quantile(0.5),
        quantile(0.99),
        us(all.max()),
        frames.unwrap_or(0),
        report.gaps,
        report.snapshots,
        report.latency_us[0],
        report.latency_us[1]
    );
    Ok(())
}

fn send_quotes(mut session: Session, length: Duration) -> anyhow::Result<Vec<Sent>> {
    let (start, mut sent, mut frame) = (clock::mono(), Vec::new(), Vec::new());
    for (number, sequence) in (0_u32..).zip(1_u64..) {
        let due = QUOTE_EVERY * number;
        if due >= length + WARM_UP {
            break;
        }
        std::thread::sleep(due.saturating_sub(clock::mono().since(start)));
        let instrument = usize::try_from(sequence)? % BOOKS;
        frame.clear();
        encode(
            &format!(
                r#"{{"stream":"c{instrument:04}usdt@bookTicker","data":{{"u":{sequence},"s":"C{instrument:04}USDT","b":"100.00000000","B":"{}.25000000","a":"100.01000000","A":"1.50000000"}}}}"#,
                sequence % 97 + 1
            ),
            &mut frame,
        );
        let at = clock::wall().nanos();
        session.socket.write_all(&frame)?;
        if due >= WARM_UP {
            sent.push(Sent { instrument, sequence, at });
        }
    }
    Ok(sent)
}

/// All books at once, every [`DEPTH_EVERY`]. Says how many frames it sent.
fn send_depth(
    mut session: Session,
    books: &Books,
    gap_every: Option<usize>,
    stop: &AtomicBool,
) -> anyhow::Result<usize> {
    let (mut sent, mut wire) = (0, Vec::new());
    let start = clock::mono();
    for round in 0_u32.. {
        std::thread::sleep((DEPTH_EVERY * round).saturating_sub(clock::mono().since(start)));
        if stop.load(Ordering::Acquire) {
            break;
        }
        wire.clear();
        let number = usize::try_from(round)?;
        let is_gap = gap_every.is_some_and(|every| number % every == every - 1);
        {
            let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
            for (index, last) in books.iter_mut().enumerate() {
                *last += u64::from(is_gap);
                let text = delta(index, *last + 1, number);
                *last += 1;
                encode(&text, &mut wire);
            }
        }
        // The engine ends before the venue does.
        if session.socket.write_all(&wire).is_err() {
            break;
        }
        sent += BOOKS;
    }
    Ok(sent)
}

fn delta(index: usize, id: u64, round: usize) -> String {
    let mut text = format!(
        r#"{{"stream":"c{index:04}usdt@depth@100ms","data":{{"e":"depthUpdate","E":1723161255308,"s":"C{index:04}USDT","U":{id},"u":{id},"b":["#
    );
    let levels = (0..DELTA_LEVELS).map(|level| (index + round + level * 3) % 40);
    ladder(&mut text, true, levels.clone(), round);
    text.push_str("],\"a\":[");
    ladder(&mut text, false, levels, round);
    text.push_str("]}}");
    text
}

/// Levels as JSON, so many cents away from 100.00 or 100.01.
fn ladder(text: &mut String, is_bid: bool, levels: impl Iterator<Item = usize>, round: usize) {
    for (place, level) in levels.enumerate() {
        let cents = if is_bid { 10_000 - level } else { 10_001 + level };
        let comma = if place == 0 { "" } else { "," };
        let size = (round * 7 + level * 13) % 90 + 1;
        write!(text, r#"{comma}["{}.{:02}000000","{size}.50000000"]"#, cents / 100, cents % 100)
            .expect("writing to a String cannot fail");
    }
}

/// Snapshots of the books over HTTP/1.1, a thread a connection.
fn serve_rest(books: Books) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut levels = String::from("\"bids\":[");
    ladder(&mut levels, true, 0..SNAPSHOT_LEVELS, 0);
    levels.push_str("],\"asks\":[");
    ladder(&mut levels, false, 0..SNAPSHOT_LEVELS, 0);
    levels.push_str("]}");
    let levels = Arc::new(levels);
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let (books, levels) = (Arc::clone(&books), Arc::clone(&levels));
            // An error means that the engine is gone.
            std::thread::spawn(move || answer(socket, &books, &levels));
        }
    });
    Ok(address)
}

fn answer(mut socket: TcpStream, books: &Books, levels: &str) -> anyhow::Result<()> {
    socket.set_nodelay(true)?;
    loop {
        let head = read_head(&mut (&mut socket).take(u64::MAX))?;
        let symbol = head.split_once("symbol=C").map_or("", |(_, rest)| rest.get(..4).unwrap_or(""));
        let index: usize = symbol.parse()?;
        let last = books.lock().unwrap_or_else(PoisonError::into_inner)[index];
        let body = format!("{{\"lastUpdateId\":{last},{levels}");
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
    }
}
