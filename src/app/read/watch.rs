//! `tickcache watch`: a line for each change.
//!
//! Owns the command's arguments and the printing of changes. A mere confirmation is no change and prints nothing; a value
//! that nobody confirms any more does, and with `--events` so does each event. Ends after `--seconds`, or when its output is closed.

use std::io::Write;
use std::time::Duration;

use clap::Args;

use super::json_event::key_event;
use super::{CommandError, SourceArgs, connect, json, text};
use crate::clock;
use crate::codec::key::ValueKey;
use crate::domain::{Entity, Instrument, Venue};
use crate::reader::{Change, ReadError, Recovery, Trust, Venues, View};

/// Arguments of `tickcache watch`.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// BASE-QUOTE, BASE-QUOTE-PERP or BASE-QUOTE-YYYYMMDD
    pub instrument: Instrument,
    /// Only this venue [default: all in the catalog, as they come and go]
    #[arg(long)]
    pub venue: Option<Venue>,
    /// price, liquidity or volume
    #[arg(long, default_value = "price")]
    pub entity: Entity,
    /// One JSON object a change: values as `tickcache get --json` prints them, else `{"event": ...}`
    #[arg(long)]
    pub json: bool,
    /// Print events too: price moves, changes of liquidity and of state, invalidations
    #[arg(long)]
    pub events: bool,
    /// End after so many seconds [default: never]
    #[arg(long)]
    pub seconds: Option<u64>,
    /// Where to read from.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// Prints changes until the time is over.
///
/// # Errors
/// [`CommandError`], when Redis cannot be reached at the start, refuses us, or the output is closed. A Redis that is
/// lost later is waited for.
pub async fn watch(args: &WatchArgs, url: &str, out: &mut dyn Write) -> Result<(), CommandError> {
    let reader = connect(url, &args.source).await?;
    let venues = args.venue.clone().map_or(Venues::All, |venue| Venues::Only(vec![venue]));
    let mut watch = reader.watch(args.entity, args.instrument.clone(), venues);
    if args.events {
        watch = watch.with_events();
    }
    let printing = async {
        loop {
            let change = watch.next().await;
            if let Change::Lost(error) = &change
                && error.recovery() == Recovery::Stop
            {
                return Err(CommandError::Read(error.clone()));
            }
            if let Some(line) = line(&change, args.json) {
                writeln!(out, "{line}")?;
                out.flush()?;
            }
        }
    };
    match args.seconds {
        None => printing.await,
        // Over is over, whatever is still on its way.
        Some(seconds) => tokio::time::timeout(Duration::from_secs(seconds), printing).await.unwrap_or(Ok(())),
    }
}

fn line(change: &Change, json: bool) -> Option<String> {
    if json { json_line(change) } else { text_line(change) }
}

fn text_line(change: &Change) -> Option<String> {
    let now = clock::wall();
    let time = text::time_of_day(now.nanos());
    let value = |view: &View, trust: Trust| {
        let head = head(&view.key);
        let (state, summary, age) = (text::state(view, trust), text::summary(view), view.age(now));
        format!("{time}  {head}  {state:<7}  {summary}  age {age}  v{}", view.version)
    };
    match change {
        Change::Value(view, trust) | Change::Aged(view, trust) => Some(value(view, *trust)),
        Change::Confirmed(..) => None,
        Change::Gone(key) => Some(format!("{time}  {}  expired: no value within its TTL", head(key))),
        Change::Unreadable(key, error) => Some(format!("{time}  {}  not readable: {error}", head(key))),
        Change::Lost(error) => Some(format!("{time}  {}", lost(error))),
        Change::Restored => Some(format!("{time}  Redis answers again")),
        Change::Event(event) => Some(text::event(event)),
        Change::Silent(feed) => Some(format!("{time}  feed {feed}: no heartbeat for a second")),
        Change::Heard(feed) => Some(format!("{time}  feed {feed}: heartbeats are back")),
    }
}

fn json_line(change: &Change) -> Option<String> {
    match change {
        Change::Value(view, trust) | Change::Aged(view, trust) => {
            Some(json::object(view, *trust, clock::wall()))
        }
        Change::Confirmed(..) => None,
        Change::Gone(key) => Some(json::event("gone", Some(key.venue.as_str()), None)),
        Change::Unreadable(key, error) => {
            Some(json::event("unreadable", Some(key.venue.as_str()), Some(&error.to_string())))
        }
        Change::Lost(error) => Some(json::event("lost", None, Some(&error.to_string()))),
        Change::Restored => Some(json::event("restored", None, None)),
        Change::Event(event) => Some(key_event(event)),
        Change::Silent(feed) => {
            Some(json::event("silent", Some(feed.venue.as_str()), Some(&feed.to_string())))
        }
        Change::Heard(feed) => Some(json::event("heard", Some(feed.venue.as_str()), Some(&feed.to_string()))),
    }
}

fn head(key: &ValueKey) -> String {
    format!("{} {}", key.instrument, key.venue)
}

fn lost(error: &ReadError) -> String {
    format!("{error}; still trying")
}
