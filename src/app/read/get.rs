//! `tickcache get`: what Redis holds of an instrument now.
//!
//! Owns the command's arguments, and telling "nobody writes it" from "its writer is gone". Prints one table, or one JSON
//! object a value; a venue without a value keeps its line in the table and none in the JSON.

use std::io::Write;

use clap::Args;

use super::{CommandError, SourceArgs, connect, json, table, text, what};
use crate::clock;
use crate::domain::{Entity, Instrument, Venue};
use crate::reader::{AgeLimits, CatalogLine, Lookup, Reader};

/// Arguments of `tickcache get`.
#[derive(Debug, Clone, Args)]
pub struct GetArgs {
    /// BASE-QUOTE, BASE-QUOTE-PERP or BASE-QUOTE-YYYYMMDD
    pub instrument: Instrument,
    /// Only this venue [default: all in the catalog]
    #[arg(long)]
    pub venue: Option<Venue>,
    /// price, liquidity or volume
    #[arg(long, default_value = "price")]
    pub entity: Entity,
    /// One JSON object a value: exact decimals as strings, times in ns since 1970
    #[arg(long)]
    pub json: bool,
    /// Where to read from.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// Prints what stands under the instrument's keys.
///
/// # Errors
/// [`CommandError`], also when there is no value that could be printed.
pub async fn get(args: &GetArgs, url: &str, out: &mut dyn Write) -> Result<(), CommandError> {
    let reader = connect(url, &args.source).await?;
    let lines = catalog_lines(&reader, args).await?;
    let venues: Vec<Venue> = match &args.venue {
        // The key is the truth: a venue that was asked for is looked at even if the catalog does not know it.
        Some(venue) => vec![venue.clone()],
        None => lines.iter().map(|line| line.venue.clone()).collect(),
    };
    let found = reader.get_at(args.entity, &args.instrument, &venues).await?;
    if !found.iter().any(|(_, lookup)| matches!(lookup, Lookup::Found(_))) {
        return Err(nothing(args, &reader, &lines, &found));
    }
    let (now, limits) = (clock::wall(), AgeLimits::default());
    if args.json {
        for (_, lookup) in &found {
            if let Lookup::Found(view) = lookup {
                writeln!(out, "{}", json::object(view, view.trust(now, &limits), now))?;
            }
        }
    } else {
        write!(out, "{}", rows(args.entity, &found, |view| (view.trust(now, &limits), now)))?;
    }
    Ok(())
}

fn rows(
    entity: Entity,
    found: &[(Venue, Lookup)],
    judge: impl Fn(&crate::reader::View) -> (crate::reader::Trust, crate::domain::WallTime),
) -> String {
    let mut rows = table::Table::new(text::header(entity));
    let mut ladders = String::new();
    for (venue, lookup) in found {
        match lookup {
            Lookup::Found(view) => {
                let (trust, now) = judge(view);
                rows.push(text::cells(view, trust, now));
                ladders.push_str(&text::ladder(view));
            }
            Lookup::Absent => rows.push(vec![venue.to_string(), "expired: no value within its TTL".into()]),
            Lookup::Unreadable(error) => rows.push(vec![venue.to_string(), format!("not readable: {error}")]),
        }
    }
    format!("{rows}{ladders}")
}

async fn catalog_lines(reader: &Reader, args: &GetArgs) -> Result<Vec<CatalogLine>, CommandError> {
    let mut lines = reader.venues_of(&args.instrument).await?;
    lines.retain(|line| {
        line.entities.contains(&args.entity) && args.venue.as_ref().is_none_or(|venue| *venue == line.venue)
    });
    Ok(lines)
}

fn nothing(
    args: &GetArgs,
    reader: &Reader,
    lines: &[CatalogLine],
    found: &[(Venue, Lookup)],
) -> CommandError {
    let (entity, what) = (args.entity, what(&args.instrument, args.venue.as_ref()));
    for (_, lookup) in found {
        if let Lookup::Unreadable(error) = lookup {
            return CommandError::Unreadable { entity, what, reason: error.to_string() };
        }
    }
    if lines.is_empty() {
        let (namespace, server) = (args.source.namespace.clone(), reader.server().to_owned());
        return CommandError::NotInCatalog { entity, what, namespace, server };
    }
    let feeds: Vec<String> = lines.iter().map(|line| line.feed.to_string()).collect();
    CommandError::Expired { entity, what, feeds: feeds.join(", ") }
}
