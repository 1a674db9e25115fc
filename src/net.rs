//! Reaching an address: from a name and a port to a connected TCP socket.
//!
//! Owns name lookup and the race of a name's addresses ("happy eyeballs", RFC 8305). Never decides what is said over the socket,
//! never retries, never keeps a lookup's answer: every attempt asks again. At most [`ADDRESSES_MAX`] addresses a name, all tries
//! together within [`Limits::within`].
//!
//! An address may take a connection and then be of no use: a broken path beyond it, a proxy without its server, a foreign
//! certificate. Only the caller sees that. It notes such an address in [`Unfit`], and the next attempt tries the others first.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::clock;

/// Addresses of one name that are tried; further ones are left out.
pub const ADDRESSES_MAX: usize = 16;

/// How long reaching an address may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the name's lookup.
    pub lookup: Duration,
    /// For all tries together.
    pub within: Duration,
    /// From the start of one try to the start of the next, unless the first one fails earlier. Where a name has so many addresses
    /// that the last ones would begin in the second half of `within`, it is shorter.
    pub stagger: Duration,
}

/// A connected socket.
#[derive(Debug)]
pub struct Reached {
    /// The socket.
    pub stream: TcpStream,
    /// The address that answered first.
    pub address: SocketAddr,
    /// How long that address took to answer: one round trip, where no packet was lost.
    pub took: Duration,
    /// Whether the name has others that may be of more use.
    pub others: Others,
}

/// Whether a name has further addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// None, or none that was of use lately.
    None,
    /// Some that are not known to be of no use.
    Some,
}

/// Addresses that took a connection lately and were of no use. They are tried after all others.
#[derive(Debug, Default)]
pub struct Unfit(Mutex<VecDeque<SocketAddr>>);

impl Unfit {
    /// The address was of no use.
    pub fn note(&self, address: SocketAddr) {
        let mut known = self.known();
        known.retain(|other| *other != address);
        if known.len() == ADDRESSES_MAX {
            known.pop_front();
        }
        known.push_back(address);
    }

    /// The address is of use.
    pub fn forget(&self, address: SocketAddr) {
        self.known().retain(|other| *other != address);
    }

    /// How long ago an address failed, as a rank: those that did not fail first, then the one that failed first.
    fn rank(&self, address: SocketAddr) -> usize {
        self.known().iter().position(|other| *other == address).map_or(0, |place| place + 1)
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One address that could not be reached.
#[derive(Debug)]
pub struct Try {
    /// Where.
    pub address: SocketAddr,
    /// What the system says; `None` = no answer in time.
    pub error: Option<io::Error>,
}

impl fmt::Display for Try {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) => write!(formatter, "{}: {error}", self.address),
            None => write!(formatter, "{}: no answer", self.address),
        }
    }
}

/// Why no address was reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name cannot be looked up.
    #[error("the name cannot be looked up: {0}")]
    Lookup(io::Error),
    /// The lookup has brought no address.
    #[error("the name has no address")]
    NoAddress,
    /// The lookup took too long.
    #[error("the name was not looked up within {waited:?}")]
    LookupTimeout {
        /// How long.
        waited: Duration,
    },
    /// Every address failed, or did not answer in time.
    #[error("{}", words(tries, *waited))]
    Unreachable {
        /// Each of them.
        tries: Vec<Try>,
        /// How long all of it might take.
        waited: Duration,
    },
}

impl ConnectError {
    /// Whether time has run out, rather than every address having failed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Lookup(_) | Self::NoAddress => false,
            Self::LookupTimeout { .. } => true,
            Self::Unreachable { tries, .. } => tries.iter().any(|one| one.error.is_none()),
        }
    }
}

impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> Self {
        let kind = match &error {
            _ if error.is_timeout() => io::ErrorKind::TimedOut,
            ConnectError::Lookup(source) => source.kind(),
            ConnectError::Unreachable { tries, .. } => {
                tries.iter().find_map(|one| one.error.as_ref()).map_or(io::ErrorKind::Other, io::Error::kind)
            }
            ConnectError::NoAddress | ConnectError::LookupTimeout { .. } => io::ErrorKind::NotFound,
        };
        Self::new(kind, error)
    }
}

fn words(tries: &[Try], waited: Duration) -> String {
    let each: Vec<String> = tries.iter().map(Try::to_string).collect();
    let limit = if tries.iter().any(|one| one.error.is_none()) {
        format!(" within {waited:?}")
    } else {
        String::new()
    };
    format!("{}{limit}", each.join(", "))
}

/// Looks `host` up and connects to the first of its addresses that answers. IPv6 literals may stand in brackets.
///
/// # Errors
/// [`ConnectError`] when no address was reached within the limits.
pub async fn connect(host: &str, port: u16, limits: Limits, unfit: &Unfit) -> Result<Reached, ConnectError> {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let found = timeout(limits.lookup, tokio::net::lookup_host((host, port))).await;
    let found = found.map_err(|_| ConnectError::LookupTimeout { waited: limits.lookup })?;
    let addresses = order(found.map_err(ConnectError::Lookup)?, unfit);
    if addresses.is_empty() {
        return Err(ConnectError::NoAddress);
    }
    let fit = addresses.iter().filter(|address| unfit.rank(**address) == 0).count();
    let dial = |address| async move {
        let began = clock::mono();
        let stream = TcpStream::connect(address).await?;
        let others = if fit > usize::from(unfit.rank(address) == 0) { Others::Some } else { Others::None };
        Ok(Reached { stream, address, took: clock::mono().since(began), others })
    };
    let raced = race(&addresses, limits, dial).await;
    raced.map_err(|tries| ConnectError::Unreachable { tries, waited: limits.within })
}

/// The order of the tries: families in turn, beginning with the one that the system prefers, each in the system's order; what was
/// of no use lately comes last.
fn order(found: impl Iterator<Item = SocketAddr>, unfit: &Unfit) -> Vec<SocketAddr> {
    let (mut preferred, mut other) = (VecDeque::new(), VecDeque::new());
    for address in found.take(ADDRESSES_MAX) {
        let is_preferred =
            preferred.front().is_none_or(|first: &SocketAddr| first.is_ipv4() == address.is_ipv4());
        let family = if is_preferred { &mut preferred } else { &mut other };
        if !family.contains(&address) {
            family.push_back(address);
        }
    }
    let mut addresses = Vec::with_capacity(preferred.len() + other.len());
    while !(preferred.is_empty() && other.is_empty()) {
        addresses.extend(preferred.pop_front());
        addresses.extend(other.pop_front());
    }
    addresses.sort_by_cached_key(|address| unfit.rank(*address));
    addresses
}

/// Starts one try after the other, and returns the first success; the others are dropped.
async fn race<T, F: Future<Output = io::Result<T>>>(
    addresses: &[SocketAddr],
    limits: Limits,
    dial: impl Fn(SocketAddr) -> F,
) -> Result<T, Vec<Try>> {
    let tries_max = u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let stagger = limits.stagger.min(limits.within / 2 / tries_max);
    let attempt = |address: SocketAddr| {
        let dialing = dial(address);
        async move { (address, dialing.await) }
    };
    let (mut waiting, mut running, mut failed) =
        (addresses.iter().copied(), FuturesUnordered::new(), Vec::new());
    running.extend(waiting.next().map(attempt));
    let mut next = pin!(sleep(stagger));
    let mut end = pin!(sleep(limits.within));
    while !running.is_empty() {
        let starts = tokio::select! {
            biased;
            Some((address, outcome)) = running.next() => match outcome {
                Ok(made) => return Ok(made),
                Err(error) => {
                    failed.push(Try { address, error: Some(error) });
                    waiting.next()
                }
            },
            () = &mut next, if waiting.len() > 0 => waiting.next(),
            () = &mut end => break,
        };
        if let Some(address) = starts {
            running.push(attempt(address));
            next.set(sleep(stagger));
        }
    }
    let is_known = |address: &SocketAddr| failed.iter().any(|one: &Try| one.address == *address);
    let silent: Vec<_> = addresses.iter().copied().filter(|address| !is_known(address)).collect();
    failed.extend(silent.into_iter().map(|address| Try { address, error: None }));
    Err(failed)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const LIMITS: Limits = Limits {
        lookup: Duration::from_secs(10),
        within: Duration::from_secs(10),
        stagger: Duration::from_millis(250),
    };

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// What an address does to whoever connects.
    #[derive(Clone, Copy)]
    enum Does {
        Answer(u64),
        Refuse(u64),
        Nothing,
    }

    #[expect(clippy::disallowed_methods, reason = "the paused clock of the test")]
    /// Races made-up addresses: who answered and after how many milliseconds, and when each try began.
    async fn raced(script: &[Does], limits: Limits) -> (Result<usize, Vec<Try>>, u128, Vec<u128>) {
        let began = tokio::time::Instant::now();
        let starts = RefCell::new(Vec::new());
        let addresses: Vec<_> =
            (0..script.len()).map(|index| address(&format!("10.0.0.{index}:443"))).collect();
        let dial = |address: SocketAddr| {
            let index = addresses.iter().position(|other| *other == address).unwrap();
            starts.borrow_mut().push(began.elapsed().as_millis());
            async move {
                match script[index] {
                    Does::Answer(after) => {
                        sleep(Duration::from_millis(after)).await;
                        Ok(index)
                    }
                    Does::Refuse(after) => {
                        sleep(Duration::from_millis(after)).await;
                        Err(io::ErrorKind::ConnectionRefused.into())
                    }
                    Does::Nothing => std::future::pending().await,
                }
            }
        };
        let outcome = race(&addresses, limits, dial).await;
        (outcome, began.elapsed().as_millis(), starts.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_address_costs_a_quarter_of_a_second_and_a_refused_one_nothing() {
        use Does::{Answer, Nothing, Refuse};
        for (script, winner, after, starts) in [
            (&[Answer(20), Answer(1)][..], 0, 20, &[0][..]),
            (&[Nothing, Answer(20)], 1, 270, &[0, 250]),
            (&[Refuse(5), Answer(20)], 1, 25, &[0, 5]),
            (&[Nothing, Nothing, Nothing, Answer(20)], 3, 770, &[0, 250, 500, 750]),
            (&[Nothing, Refuse(30), Answer(20)], 2, 300, &[0, 250, 280]),
            // The first one is slow and not dead: it still counts.
            (&[Answer(400), Answer(300)], 0, 400, &[0, 250]),
            (&[Answer(3_000), Nothing], 0, 3_000, &[0, 250]),
        ] {
            let (outcome, took, began) = raced(script, LIMITS).await;
            assert_eq!((outcome.unwrap(), took), (winner, after));
            assert_eq!(began, starts);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_address_has_its_turn_in_the_first_half_of_the_time() {
        let limits = Limits { within: Duration::from_millis(300), ..LIMITS };
        let mut script = [Does::Nothing; 8];
        script[7] = Does::Answer(100);
        let (outcome, took, starts) = raced(&script, limits).await;
        assert_eq!(outcome.unwrap(), 7);
        assert!(took < 300 && starts[7] <= 150, "{took} {starts:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_error_names_every_address_and_what_happened_there() {
        let script = [Does::Nothing, Does::Refuse(1)];
        let (outcome, took, _) = raced(&script, LIMITS).await;
        let error = ConnectError::Unreachable { tries: outcome.unwrap_err(), waited: LIMITS.within };
        assert_eq!(took, 10_000);
        assert!(error.is_timeout());
        assert_eq!(error.to_string(), "10.0.0.1:443: connection refused, 10.0.0.0:443: no answer within 10s");
        let (outcome, took, _) = raced(&[Does::Refuse(1), Does::Refuse(1)], LIMITS).await;
        let error = ConnectError::Unreachable { tries: outcome.unwrap_err(), waited: LIMITS.within };
        assert_eq!(took, 2, "nobody waits once all have failed");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn families_take_turns_and_what_was_of_no_use_comes_last() {
        let found = ["[::1]:1", "[::2]:1", "[::2]:1", "10.0.0.1:1", "[::3]:1", "10.0.0.2:1"].map(address);
        let unfit = Unfit::default();
        let text = |unfit: &Unfit| {
            let ordered = order(found.into_iter(), unfit);
            ordered.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(text(&unfit), "::1 10.0.0.1 ::2 10.0.0.2 ::3");
        unfit.note(address("[::1]:1"));
        unfit.note(address("10.0.0.1:1"));
        assert_eq!(text(&unfit), "::2 10.0.0.2 ::3 ::1 10.0.0.1");
        unfit.note(address("[::1]:1"));
        assert_eq!(text(&unfit), "::2 10.0.0.2 ::3 10.0.0.1 ::1", "the one that failed last is the last");
        unfit.forget(address("10.0.0.1:1"));
        assert_eq!(text(&unfit), "10.0.0.1 ::2 10.0.0.2 ::3 ::1");
        for port in 0..100 {
            unfit.note(SocketAddr::from(([10, 0, 0, 9], port)));
        }
        assert_eq!(unfit.known().len(), ADDRESSES_MAX);
    }

    #[tokio::test]
    async fn names_and_literals_are_reached() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost"] {
            let reached = connect(host, port, LIMITS, &Unfit::default()).await.unwrap();
            assert_eq!(reached.address, listener.local_addr().unwrap());
        }
        if let Ok(listener) = tokio::net::TcpListener::bind("[::1]:0").await {
            let port = listener.local_addr().unwrap().port();
            assert!(connect("[::1]", port, LIMITS, &Unfit::default()).await.is_ok(), "brackets as in URLs");
        }
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_looked_up_is_said_to_be_one() {
        // "invalid" is reserved: no resolver knows it.
        let error = connect("venue.invalid", 443, LIMITS, &Unfit::default()).await.unwrap_err();
        assert!(matches!(error, ConnectError::Lookup(_) | ConnectError::LookupTimeout { .. }), "{error:?}");
    }
}
