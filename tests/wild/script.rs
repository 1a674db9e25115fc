//! What a venue does, and when.

use tickcache::domain::{Number, Scale};

/// Something that happens at the venue.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// A frame to the client whose request began the block.
    Send(String),
    Close(u16, String),
    /// The connection is reset.
    Drop,
    /// The connection stands, and nothing comes of it any more.
    Stall,
    /// REST calls whose path begins so, and whose body holds this text, are answered so.
    Rest(Rest),
    /// Requests that hold this text are answered with this frame.
    Answer(String, String),
    /// Requests that hold this text are not answered.
    Silent(String),
    /// Websocket upgrades are refused.
    Refuse(Reply),
    /// They are not refused any more.
    Accept,
    /// The wall clock of this process is set by so many milliseconds.
    Clock(i64),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rest {
    pub(crate) path: String,
    pub(crate) holds: String,
    pub(crate) reply: Reply,
}

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) at_ms: u64,
    pub(crate) every_ms: u64,
    pub(crate) times: i64,
    pub(crate) action: Action,
}

/// When a block runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    First,
    Again,
}

#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) when: When,
    /// What the subscribing message holds.
    pub(crate) text: String,
    pub(crate) steps: Vec<Step>,
}

/// `"text"` or `'text'`, and what follows.
pub(crate) fn quoted(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let quote = line.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let (text, rest) = line[1..].split_once(quote)?;
    Some((text, rest.trim_start()))
}

pub(crate) fn millis(text: &str) -> Result<u64, String> {
    u64::try_from(signed_millis(text)?).map_err(|_| format!("{text:?} is before the beginning"))
}

/// Seconds as milliseconds.
fn signed_millis(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no time in seconds");
    let seconds = Number::parse(text.trim_start_matches('+').as_bytes()).map_err(|_| wrong())?;
    let thousandths = Scale::new(3).expect("below the largest");
    let millis = seconds.mantissa_at(thousandths).map_err(|_| wrong())?;
    i64::try_from(millis).map_err(|_| wrong())
}

impl Block {
    pub(crate) fn begin(line: &str) -> Result<Option<Self>, String> {
        let (when, rest) = match line.split_once(' ') {
            Some(("on", rest)) => (When::First, rest),
            Some(("again", rest)) => (When::Again, rest),
            _ => return Ok(None),
        };
        let (text, _) = quoted(rest).ok_or("expected a text in quotes")?;
        Ok(Some(Self { when, text: text.to_owned(), steps: Vec::new() }))
    }

    /// `0.1 every 0.5 x 40 send {...}`
    pub(crate) fn step(&mut self, line: &str) -> Result<(), String> {
        let (time, rest) = line.split_once(' ').ok_or("expected an action")?;
        let (mut every_ms, mut times, mut action) = (0, 1, rest.trim_start());
        if let Some(rest) = action.strip_prefix("every ") {
            let mut words = rest.splitn(4, ' ');
            let mut word = || words.next().ok_or("expected `every SECONDS x TIMES action`");
            every_ms = millis(word()?)?;
            if word()? != "x" {
                return Err("expected `every SECONDS x TIMES action`".to_owned());
            }
            times = word()?.parse().map_err(|_| "expected a number of times".to_owned())?;
            action = word()?.trim_start();
        }
        let action = Action::parse(action)?;
        self.steps.push(Step { at_ms: millis(time)?, every_ms, times, action });
        Ok(())
    }
}

impl Action {
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let text = || quoted(rest).ok_or(format!("{word}: expected a text in quotes"));
        Ok(match word {
            "send" => Self::Send(rest.to_owned()),
            "close" => {
                let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
                Self::Close(code.parse().unwrap_or(1_000), reason.to_owned())
            }
            "drop" => Self::Drop,
            "stall" => Self::Stall,
            "rest" => Self::Rest(Rest::parse(rest)?),
            "answer" => {
                let (text, frame) = text()?;
                Self::Answer(text.to_owned(), frame.strip_prefix("with ").unwrap_or(frame).to_owned())
            }
            "silent" => Self::Silent(text()?.0.to_owned()),
            "refuse" => Self::Refuse(Reply::parse(rest)),
            "accept" => Self::Accept,
            "clock" => Self::Clock(signed_millis(rest)?),
            _ => return Err(format!("{word:?} is nothing that a venue does")),
        })
    }
}

impl Rest {
    /// `/info "l2Book" 200 {...}`
    fn parse(text: &str) -> Result<Self, String> {
        let (path, rest) = text.split_once(' ').ok_or("rest: expected a path and an answer")?;
        let (holds, rest) = quoted(rest).unwrap_or(("", rest.trim_start()));
        Ok(Self { path: path.to_owned(), holds: holds.to_owned(), reply: Reply::parse(rest) })
    }
}

impl Reply {
    /// `503 Retry-After: 30 | <html>`: without a number 200.
    fn parse(text: &str) -> Self {
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        let status = first.parse().ok().filter(|_| first.len() == 3);
        let rest = if status.is_some() { rest } else { text };
        let (headers, body) = match rest.split_once(" | ") {
            Some((headers, body)) if !headers.trim_start().starts_with(['{', '[', '<']) => (headers, body),
            _ => ("", rest),
        };
        Self {
            status: status.unwrap_or(200),
            headers: headers
                .split(';')
                .map(|one| one.trim().to_owned())
                .filter(|one| !one.is_empty())
                .collect(),
            body: body.trim().to_owned(),
        }
    }
}
