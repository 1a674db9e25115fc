//! How long does a quote take with depth on, and while all books resynchronise?
//!
//! Owns a made-up venue of [`BOOKS`] instruments: a session of quotes, a session of depth, REST snapshots of 1,000 levels a
//! side. Depth comes for all instruments at once, every 100 ms, as the venue sends it. A resynchronisation is forced by an
//! update id that is left out in all books at once; it lasts until the last snapshot is fetched, and only the quotes of
//! that time count. The venue's request weight allows two of them a minute, so each gets an engine of its own.

use std::fmt::Write as _;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use tickcache::clock;

use crate::contender::{Running, Safety, Wanted};
use crate::observe::Observer;
use crate::report::{histogram, ms, us};
use crate::run::{Sent, latencies, pairs, price_key, quotes, wait_for};
use crate::server::Server;
use crate::venue::{Session, Venue, encode, read_head};

/// Instruments, each with a book.
const BOOKS: usize = 50;
/// Between two quotes, of one instrument after the other: 2,000 quotes a second.
const QUOTE_EVERY: Duration = Duration::from_micros(500);
/// Between two updates of a book.
const DEPTH_EVERY: Duration = Duration::from_millis(100);
/// Before this round of depth an update is left out in every book.
const GAP_ROUND: u32 = 15;
/// How long a run with a gap takes.
const GAP_RUN: Duration = Duration::from_millis(2_500);
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

/// What the threads of a made-up venue share.
struct Market {
    /// The last update id of each book.
    books: Mutex<Vec<u64>>,
    stop: AtomicBool,
    depth_frames: AtomicU64,
    /// When updates were left out, and when the last snapshot was served; ns of the wall clock.
    gap: AtomicI64,
    served: AtomicI64,
}

impl Market {
    fn books(&self) -> MutexGuard<'_, Vec<u64>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was measured in a phase.
#[derive(Default)]
struct Measured {
    latencies: Vec<u64>,
    depth_frames: u64,
    gaps: u64,
    snapshots: u64,
    /// How long the books were resynchronising, in ns, in all runs.
    resync: u64,
}

pub(crate) fn compare(server: &Server, length: Duration, resyncs: usize) -> anyhow::Result<()> {
    println!("\nquotes of {BOOKS} instruments, 2,000 a second; sent -> seen by a replica, us");
    println!(
        "  | | p50 | p99 | most | quotes | depth frames | gaps | snapshots |\n  |---|---|---|---|---|---|---|---|"
    );
    let mut quotes_only = Measured::default();
    run(server, Phase::QuotesOnly, length, &mut quotes_only)?;
    line("quotes only", &quotes_only);
    let mut depth = Measured::default();
    run(server, Phase::Depth, length, &mut depth)?;
    line("with depth", &depth);
    let mut resync = Measured::default();
    for _ in 0..resyncs {
        run(server, Phase::Resync, GAP_RUN, &mut resync)?;
    }
    let lasted = resync.resync / resyncs.max(1) as u64;
    line(&format!("while {BOOKS} books resynchronise ({} ms, {resyncs} times)", ms(lasted)), &resync);
    Ok(())
}

fn line(name: &str, measured: &Measured) {
    let all = histogram(&measured.latencies);
    let quantile = |quantile| us(all.value_at_quantile(quantile));
    println!(
        "  | {name} | {} | {} | {} | {} | {} | {} | {} |",
        quantile(0.5),
        quantile(0.99),
        us(all.max()),
        all.len(),
        measured.depth_frames,
        measured.gaps,
        measured.snapshots
    );
}

fn run(server: &Server, phase: Phase, length: Duration, measured: &mut Measured) -> anyhow::Result<()> {
    server.client()?.flush()?;
    let names: Vec<String> = (0..BOOKS).map(|index| format!("C{index:04}-USDT")).collect();
    let market = Arc::new(Market {
        books: Mutex::new(vec![1_000_000; BOOKS]),
        stop: AtomicBool::new(false),
        depth_frames: AtomicU64::new(0),
        gap: AtomicI64::new(0),
        served: AtomicI64::new(0),
    });
    let (venue, rest) = (Venue::start()?, serve_rest(&market)?);
    let entities: &[&str] = if phase == Phase::QuotesOnly { &["price"] } else { &["price", "liquidity"] };
    let (instruments, safety) = (names.clone(), Safety::Default);
    let wanted = Wanted { instruments, entities, rest: Some(rest), safety };
    let running = Running::engine(venue.address(), server.port(), &wanted)?;
    let (mut quote_session, mut depth_session) = (None, None);
    for _ in entities {
        let session = venue.accept()?;
        let home = if session.request.contains("@depth") { &mut depth_session } else { &mut quote_session };
        *home = Some(session);
    }
    wait_for(server, &price_key(&names[BOOKS - 1]))?;
    let observer = Observer::replica(server)?;
    let depth = depth_session.map(|session| {
        let market = Arc::clone(&market);
        std::thread::spawn(move || send_depth(session, &market, phase))
    });
    let session = quote_session.ok_or_else(|| anyhow::anyhow!("no session of quotes"))?;
    let mut sent = send_quotes(session, length)?;
    std::thread::sleep(Duration::from_millis(200));
    market.stop.store(true, Ordering::Release);
    let report = running.report()?;
    if let Some(depth) = depth {
        depth.join().map_err(|_| anyhow::anyhow!("the venue panicked"))??;
    }
    let seen = quotes(&observer.finish()?, &names);
    if phase == Phase::Resync {
        let (gap, served) = (market.gap.load(Ordering::Acquire), market.served.load(Ordering::Acquire));
        ensure!(0 < gap && gap < served, "no book resynchronised");
        sent.retain(|quote| (gap..served).contains(&quote.at));
        measured.resync += u64::try_from(served - gap)?;
    }
    measured.latencies.extend(latencies(&pairs(&sent, &seen, BOOKS)?));
    measured.depth_frames += market.depth_frames.load(Ordering::Acquire);
    measured.gaps += report.gaps;
    measured.snapshots += report.snapshots;
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

/// All books at once, every [`DEPTH_EVERY`].
fn send_depth(mut session: Session, market: &Market, phase: Phase) -> anyhow::Result<()> {
    let mut wire = Vec::new();
    let start = clock::mono();
    for round in 0_u32.. {
        std::thread::sleep((DEPTH_EVERY * round).saturating_sub(clock::mono().since(start)));
        if market.stop.load(Ordering::Acquire) {
            break;
        }
        wire.clear();
        let is_gap = phase == Phase::Resync && round == GAP_ROUND;
        for (index, last) in market.books().iter_mut().enumerate() {
            *last += u64::from(is_gap);
            encode(&delta(index, *last + 1, usize::try_from(round)?), &mut wire);
            *last += 1;
        }
        if is_gap {
            market.gap.store(clock::wall().nanos(), Ordering::Release);
        }
        // The engine ends before the venue does.
        if session.socket.write_all(&wire).is_err() {
            break;
        }
        market.depth_frames.fetch_add(BOOKS as u64, Ordering::Relaxed);
    }
    Ok(())
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
fn serve_rest(market: &Arc<Market>) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut levels = String::from("\"bids\":[");
    ladder(&mut levels, true, 0..SNAPSHOT_LEVELS, 0);
    levels.push_str("],\"asks\":[");
    ladder(&mut levels, false, 0..SNAPSHOT_LEVELS, 0);
    levels.push_str("]}");
    let (levels, market) = (Arc::new(levels), Arc::clone(market));
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let (market, levels) = (Arc::clone(&market), Arc::clone(&levels));
            // An error means that the engine is gone.
            std::thread::spawn(move || answer(socket, &market, &levels));
        }
    });
    Ok(address)
}

fn answer(mut socket: TcpStream, market: &Market, levels: &str) -> anyhow::Result<()> {
    socket.set_nodelay(true)?;
    loop {
        let head = read_head(&mut socket)?;
        let symbol = head.split_once("symbol=C").map_or("", |(_, rest)| rest.get(..4).unwrap_or(""));
        let index: usize = symbol.parse()?;
        let last = market.books()[index];
        let body = format!("{{\"lastUpdateId\":{last},{levels}");
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        market.served.store(clock::wall().nanos(), Ordering::Release);
    }
}
