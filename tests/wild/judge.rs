//! What must be true of what a reader sees, and whether it was.

use std::time::Duration;

use tickcache::domain::{Number, Price, PriceLevel, Record, Scale, Scales, Size, State};

use crate::script::{millis, quoted};
use crate::server::Story;

/// A value as a reader saw it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    /// Since the first block began; a reader that looked earlier saw nothing that counts.
    pub(crate) at: Duration,
    pub(crate) entity: String,
    pub(crate) instrument: String,
    pub(crate) state: String,
    pub(crate) reason: String,
    /// By the names of claims: numbers as text, `nil` where there is none.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Now less its confirmed time, in milliseconds.
    pub(crate) confirmed_ms: i64,
}

/// Which values a claim speaks of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matcher {
    entity: String,
    instrument: String,
    words: Vec<String>,
    fields: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Claim {
    By(u64, Matcher),
    Never(u64, u64, Matcher),
    Always(u64, u64, Matcher),
    /// Whenever it is live, its confirmed time is no older than so many milliseconds.
    Confirmed(u64, u64, Matcher, i64),
    Calls(String, usize),
    Requests(String, usize),
    Connections(usize),
}

impl Claim {
    /// `None` for a line that is no claim.
    pub(crate) fn parse(line: &str) -> Result<Option<Self>, String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (rest, most) = (rest.trim(), || {
            let (_, most) = rest.rsplit_once("<=").ok_or("expected `<= NUMBER`")?;
            most.trim().parse::<usize>().map_err(|_| "expected a number".to_owned())
        });
        let text =
            || quoted(rest).map(|(text, _)| text.to_owned()).ok_or("expected a text in quotes".to_owned());
        Ok(Some(match word {
            "by" => {
                let (time, rest) = rest.split_once(' ').ok_or("expected a time and a value")?;
                Self::By(millis(time)?, Matcher::parse(rest)?)
            }
            "never" | "always" => {
                let (from, to, rest) = window(rest)?;
                let matcher = Matcher::parse(rest)?;
                if word == "never" { Self::Never(from, to, matcher) } else { Self::Always(from, to, matcher) }
            }
            "confirmed" => {
                let (from, to, rest) = window(rest)?;
                let (rest, within) = rest.rsplit_once(" within ").ok_or("expected `within SECONDS`")?;
                let most = i64::try_from(millis(within.trim())?).map_err(|error| error.to_string())?;
                Self::Confirmed(from, to, Matcher::parse(rest)?, most)
            }
            "calls" => Self::Calls(text()?, most()?),
            "requests" => Self::Requests(text()?, most()?),
            "connections" => Self::Connections(most()?),
            _ => return Ok(None),
        }))
    }

    /// When the last of it is to be looked at.
    pub(crate) fn end_ms(&self) -> u64 {
        match self {
            Self::By(at, _) => *at,
            Self::Never(_, to, _) | Self::Always(_, to, _) | Self::Confirmed(_, to, ..) => *to,
            Self::Calls(..) | Self::Requests(..) | Self::Connections(_) => 0,
        }
    }

    /// What was otherwise than claimed.
    pub(crate) fn objection(&self, seen: &[Seen], story: &Story, slack_ms: u64) -> Option<String> {
        let late = u64::try_from(story.late.as_millis()).unwrap_or(0);
        let ms = |seen: &Seen| u64::try_from(seen.at.as_millis()).unwrap_or(u64::MAX);
        let within = |from: u64, to: u64| seen.iter().filter(move |seen| (from..=to).contains(&ms(seen)));
        let most = |what: &str, count: usize, most: usize| {
            (count > most).then(|| format!("{count} {what}, at most {most} are claimed"))
        };
        match self {
            Self::By(at, matcher) => {
                let mut looks =
                    within(at.saturating_sub(300), at + slack_ms).filter(|seen| matcher.is_of(seen));
                let found = looks.any(|seen| matcher.fits(seen));
                (!found).then(|| format!("by {at} ms {matcher:?} was not seen"))
            }
            Self::Never(from, to, matcher) => {
                let found = within(from + late, *to).find(|seen| matcher.is_of(seen) && matcher.fits(seen));
                found.map(|seen| format!("seen at {} ms: {seen:?}", ms(seen)))
            }
            Self::Always(from, to, matcher) => {
                let mut looks = within(from + late, *to).filter(|seen| matcher.is_of(seen)).peekable();
                if looks.peek().is_none() {
                    return Some(format!("{matcher:?}: nothing was seen between {from} and {to} ms"));
                }
                looks
                    .find(|seen| !matcher.fits(seen))
                    .map(|seen| format!("seen at {} ms: {seen:?}", ms(seen)))
            }
            Self::Confirmed(from, to, matcher, most) => {
                let old = |seen: &&Seen| {
                    matcher.is_of(seen) && seen.state == State::Live.as_str() && seen.confirmed_ms > *most
                };
                within(from + late, *to).find(old).map(|seen| format!("confirmed too long ago: {seen:?}"))
            }
            Self::Calls(text, limit) => {
                most("calls", story.calls.iter().filter(|call| call.contains(text)).count(), *limit)
            }
            Self::Requests(text, limit) => {
                most("requests", story.requests.iter().filter(|one| one.contains(text)).count(), *limit)
            }
            Self::Connections(limit) => most("connections", story.connections, *limit),
        }
    }
}

/// `2.0..9.0 rest`
fn window(text: &str) -> Result<(u64, u64, &str), String> {
    let (times, rest) = text.split_once(' ').ok_or("expected `FROM..TO` and a value")?;
    let (from, to) = times.split_once("..").ok_or("expected `FROM..TO`")?;
    Ok((millis(from)?, millis(to)?, rest.trim()))
}

impl Matcher {
    /// `price BTC-USDT suspect undecodable bid=1.5`
    fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let entity = words.next().ok_or("expected an entity")?.to_owned();
        if !["price", "liquidity", "volume"].contains(&entity.as_str()) {
            return Err(format!("{entity:?} is no entity"));
        }
        let instrument = words.next().ok_or("expected an instrument")?.to_owned();
        let (mut states, mut fields) = (Vec::new(), Vec::new());
        for word in words {
            match word.split_once('=') {
                Some((name, value)) => fields.push((name.to_owned(), value.to_owned())),
                None => states.push(word.replace('_', " ")),
            }
        }
        Ok(Self { entity, instrument, words: states, fields })
    }

    fn is_of(&self, seen: &Seen) -> bool {
        self.entity == seen.entity && self.instrument == seen.instrument
    }

    fn fits(&self, seen: &Seen) -> bool {
        let field = |(name, expected): &(String, String)| {
            let found = seen.fields.iter().find(|(known, _)| known == name);
            found.is_some_and(|(_, found)| is_same(found, expected))
        };
        self.words.iter().all(|word| *word == seen.state || *word == seen.reason)
            && self.fields.iter().all(field)
    }
}

fn is_same(found: &str, expected: &str) -> bool {
    let number = |text: &str| Number::parse(text.as_bytes()).ok();
    match (number(found), number(expected)) {
        (Some(found), Some(expected)) => found.compare(expected).is_eq(),
        _ => found == expected,
    }
}

/// The fields of a record that claims can name.
pub(crate) fn fields(record: &Record) -> Vec<(&'static str, String)> {
    let nil = || "nil".to_owned();
    let text = |mantissa: i128, scale: Scale| Number { mantissa, scale }.to_string();
    match record {
        Record::Price(price) => {
            let Scales { price: scale, size } = price.scales;
            let level =
                |level: Option<PriceLevel>| level.map_or_else(nil, |level| text(level.price.0, scale));
            let size_of = |level: Option<PriceLevel>| {
                level.and_then(|level| level.size).map_or_else(nil, |found: Size| text(found.0, size))
            };
            vec![
                ("bid", level(price.bid)),
                ("ask", level(price.ask)),
                ("bid_size", size_of(price.bid)),
                ("ask_size", size_of(price.ask)),
                ("last", price.last.map_or_else(nil, |last| text(last.price.0, scale))),
            ]
        }
        Record::Liquidity(book) => {
            let first = |levels: &[tickcache::domain::DepthLevel]| {
                levels.first().map_or_else(nil, |level| text(level.price.0, book.scales.price))
            };
            vec![
                ("bid", first(&book.bids)),
                ("ask", first(&book.asks)),
                ("levels", book.bids.len().max(book.asks.len()).to_string()),
            ]
        }
        Record::Volume(volume) => {
            let Scales { price: scale, size } = volume.scales;
            let price = |price: Option<Price>| price.map_or_else(nil, |price| text(price.0, scale));
            vec![
                ("base_volume", volume.base_volume.map_or_else(nil, |found| text(found.0, size))),
                (
                    "quote_volume",
                    volume.quote_volume.map_or_else(nil, |found| text(found.0, volume.quote_scale)),
                ),
                ("open", price(volume.open)),
                ("high", price(volume.high)),
                ("low", price(volume.low)),
                ("last", price(volume.last)),
            ]
        }
    }
}
