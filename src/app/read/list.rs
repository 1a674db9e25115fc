//! `tickcache list`: what there is.
//!
//! Owns the command's arguments and the printing of the catalog. Says nothing about values: a feed in the catalog may be
//! dead, which `tickcache get` shows.

use std::io::Write;

use clap::Args;

use super::{CommandError, SourceArgs, connect, json, table::Table};
use crate::domain::Entity;

/// Arguments of `tickcache list`.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// One JSON object an instrument and venue
    #[arg(long)]
    pub json: bool,
    /// Where to read from.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// Prints the catalog.
///
/// # Errors
/// [`CommandError`], also when the catalog is empty.
pub async fn list(args: &ListArgs, url: &str, out: &mut dyn Write) -> Result<(), CommandError> {
    let reader = connect(url, &args.source).await?;
    let lines = reader.catalog().await?;
    if lines.is_empty() {
        let (namespace, server) = (args.source.namespace.clone(), reader.server().to_owned());
        return Err(CommandError::EmptyCatalog { namespace, server });
    }
    if args.json {
        for line in &lines {
            writeln!(out, "{}", json::catalog_object(line))?;
        }
        return Ok(());
    }
    let mut table = Table::new(&["INSTRUMENT", "VENUE", "FEED", "ENTITIES"]).left_aligned();
    for line in &lines {
        let entities: Vec<&str> = line.entities.iter().copied().map(Entity::as_str).collect();
        table.push(vec![
            line.instrument.to_string(),
            line.venue.to_string(),
            line.feed.to_string(),
            entities.join(" "),
        ]);
    }
    write!(out, "{table}")?;
    Ok(())
}
