//! `tickcache invalidate`: engines shall send an instrument's values anew and confirm them at the venue.
//!
//! Owns the command's arguments, and telling "nobody heard it" from "nobody obeyed". Listens for at most [`LISTEN_MAX`]
//! after the command, a line for each key that was invalidated.

use std::io::Write;
use std::time::Duration;

use clap::Args;

use super::json_event::key_event;
use super::{CommandError, SourceArgs, connect, text, what};
use crate::clock;
use crate::codec::{Command, CommandKind};
use crate::domain::{EventDetail, INVALIDATION_TEXT_MAX, Instrument, Venue};
use crate::reader::{ReadError, Recovery};

/// For the subscription to stand, before anything is asked.
const SUBSCRIBE_MAX: Duration = Duration::from_secs(2);
/// For the engines to obey: they do so at their next frame, but may ask the venue first.
const LISTEN_MAX: Duration = Duration::from_secs(2);

/// Arguments of `tickcache invalidate`.
#[derive(Debug, Clone, Args)]
pub struct InvalidateArgs {
    /// BASE-QUOTE, BASE-QUOTE-PERP or BASE-QUOTE-YYYYMMDD
    pub instrument: Instrument,
    /// Only at this venue [default: at every one]
    #[arg(long)]
    pub venue: Option<Venue>,
    /// Who asks [default: user and host]
    #[arg(long, value_parser = person_text)]
    pub who: Option<String>,
    /// Why: it is shown with the events
    #[arg(long, value_parser = person_text)]
    pub why: String,
    /// One JSON object an event
    #[arg(long)]
    pub json: bool,
    /// Where the engines listen.
    #[command(flatten)]
    pub source: SourceArgs,
}

/// Sends the command and prints what becomes of it.
///
/// # Errors
/// [`CommandError`], also when nobody heard the command or nobody obeyed.
pub async fn invalidate(args: &InvalidateArgs, url: &str, out: &mut dyn Write) -> Result<(), CommandError> {
    let reader = connect(url, &args.source).await?;
    let what = what(&args.instrument, args.venue.as_ref());
    // First the subscription: an engine may obey before this process hears of anything else.
    let events = reader.events(&args.instrument, SUBSCRIBE_MAX).await;
    let (who, why) = (args.who.clone().unwrap_or_else(default_who), args.why.clone());
    let command = Command {
        kind: CommandKind::Invalidate,
        instrument: args.instrument.clone(),
        venue: args.venue.clone(),
        who: who.clone().into(),
        why: why.clone().into(),
    };
    let receivers = reader.command(&command).await.map_err(|error| explain(error, &what))?;
    if !args.json {
        writeln!(out, "told {receivers} {}", if receivers == 1 { "listener" } else { "listeners" })?;
        out.flush()?;
    }
    let Some(mut events) = events else {
        return Err(match receivers {
            0 => CommandError::Unheard { what },
            _ => CommandError::NotListening { what, receivers },
        });
    };
    let until = clock::mono().after(LISTEN_MAX);
    let mut obeyed = 0_u32;
    while let Some(event) = events.next(until.since(clock::mono())).await {
        let ours = matches!(&event.detail, EventDetail::Invalidated { who: by, why: because } if **by == *who && **because == *why);
        if !ours || args.venue.as_ref().is_some_and(|venue| *venue != event.venue) {
            continue;
        }
        obeyed += 1;
        writeln!(out, "{}", if args.json { key_event(&event) } else { text::event(&event) })?;
        out.flush()?;
    }
    match (obeyed, receivers) {
        (0, 0) => Err(CommandError::Unheard { what }),
        (0, _) => Err(CommandError::NotObeyed { what, receivers }),
        _ => Ok(()),
    }
}

/// A refusal is most likely the ACL's: readers may not command.
fn explain(error: ReadError, what: &str) -> CommandError {
    if matches!(error, ReadError::Refused { .. }) && error.recovery() == Recovery::Stop {
        return CommandError::MayNotCommand { what: what.to_owned(), reason: error.to_string() };
    }
    CommandError::Read(error)
}

fn person_text(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("say a few words".to_owned());
    }
    if text.len() > INVALIDATION_TEXT_MAX {
        return Err(format!("{} bytes, more than {INVALIDATION_TEXT_MAX}", text.len()));
    }
    Ok(text.to_owned())
}

/// `user@host`, as far as the system tells.
fn default_who() -> String {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::env::var("HOSTNAME"));
    let word = |text: Option<String>| {
        let text = text.unwrap_or_default();
        let text: String = text.trim().chars().filter(|char| !char.is_control()).take(40).collect();
        if text.is_empty() { "unknown".to_owned() } else { text }
    };
    format!("{}@{}", word(user), word(host.ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_and_why_are_words_within_the_limit() {
        assert!(person_text("own fill").is_ok());
        assert!(person_text(" ").is_err());
        assert!(person_text(&"x".repeat(INVALIDATION_TEXT_MAX + 1)).is_err());
        let who = default_who();
        assert!(who.contains('@') && who.len() <= INVALIDATION_TEXT_MAX, "{who}");
    }
}
