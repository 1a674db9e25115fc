//! The configuration as typed: known keys, right types, each with its place. Nothing is checked beyond that.
//!
//! Owns the walk over the TOML document (whose grammar the `toml` crate owns). Never applies ranges, grammars or
//! relations: `validate` does. Reads at most [`FILE_BYTES_MAX`].

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::choice::listed;
use super::environment::without_line_end;
use super::error::{ConfigErrors, Origin, Problem};
use super::keys::{ALIAS, ALIAS_TABLE, FEED, FEED_TABLE, Fallback, Key, SCALARS, Shape, sections};
use super::suggest::nearest;

/// A larger file is refused. Ten thousand instruments take a fifth of it.
pub const FILE_BYTES_MAX: usize = 1 << 20;

/// A value and where it comes from.
#[derive(Debug, Clone)]
pub(super) struct Given<T> {
    pub(super) value: T,
    pub(super) origin: Origin,
}

/// A value of the type that its key takes.
#[derive(Debug, Clone)]
pub(super) enum RawValue {
    Text(String),
    Number(i128),
    Texts(Vec<Given<String>>),
}

/// Values by their keys' paths.
#[derive(Debug, Default)]
pub(super) struct Values(BTreeMap<&'static str, Given<RawValue>>);

impl Values {
    pub(super) fn set(&mut self, key: &Key, value: RawValue, origin: Origin) {
        self.0.insert(key.path, Given { value, origin });
    }

    /// Where the value in force comes from.
    pub(super) fn origin(&self, key: &Key) -> Origin {
        self.0.get(key.path).map_or(Origin::Default, |given| given.origin.clone())
    }

    /// The text given for `key`, else the key's own default, if it has one.
    pub(super) fn text(&self, key: &Key) -> Option<Given<String>> {
        match (self.0.get(key.path), key.fallback) {
            (Some(Given { value: RawValue::Text(text), origin }), _) => {
                Some(Given { value: text.clone(), origin: origin.clone() })
            }
            (None, Fallback::Text(text)) => Some(Given { value: text.to_owned(), origin: Origin::Default }),
            _ => None,
        }
    }

    /// Likewise a number.
    pub(super) fn number(&self, key: &Key) -> Option<Given<i128>> {
        match (self.0.get(key.path), key.fallback) {
            (Some(Given { value: RawValue::Number(number), origin }), _) => {
                Some(Given { value: *number, origin: origin.clone() })
            }
            (None, Fallback::Number(number)) => Some(Given { value: number.into(), origin: Origin::Default }),
            _ => None,
        }
    }

    /// Likewise a list.
    pub(super) fn texts(&self, key: &Key) -> Option<Given<Vec<Given<String>>>> {
        match (self.0.get(key.path), key.fallback) {
            (Some(Given { value: RawValue::Texts(texts), origin }), _) => {
                Some(Given { value: texts.clone(), origin: origin.clone() })
            }
            (None, Fallback::Texts(texts)) => {
                let given = |text: &&str| Given { value: (*text).to_owned(), origin: Origin::Default };
                Some(Given { value: texts.iter().map(given).collect(), origin: Origin::Default })
            }
            _ => None,
        }
    }
}

/// One `[[feed]]` or `[[alias]]`.
#[derive(Debug)]
pub(super) struct RawTable {
    /// Of its header.
    pub(super) line: usize,
    pub(super) values: Values,
    /// Keys that stand there with a wrong type: reported already, and not missing.
    pub(super) broken: Vec<&'static str>,
}

/// The whole file.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) values: Values,
    pub(super) feeds: Vec<RawTable>,
    pub(super) aliases: Vec<RawTable>,
    /// What was noticed and is no error.
    pub(super) warnings: Vec<String>,
}

/// Reads the file's text. What is wrong goes into `errors`; the rest is still of use for finding more errors.
pub(super) fn read(text: &str, errors: &mut ConfigErrors) -> Raw {
    let mut raw = Raw::default();
    if text.len() > FILE_BYTES_MAX {
        errors.push(&Origin::Default, "", Problem::TooLong { max: FILE_BYTES_MAX, got: text.len() });
        return raw;
    }
    let mut reader = Reader { lines: Lines::of(text), warnings: Vec::new(), errors };
    match DeTable::parse(text) {
        Ok(document) => reader.document(document.get_ref(), &mut raw),
        // Only its message: the error's Display quotes the line, which may hold a password.
        Err(error) => {
            let line = error.span().map_or(Origin::Default, |span| reader.lines.origin(span.start));
            reader.errors.push(&line, "", Problem::Syntax(error.message().to_owned()));
        }
    }
    raw.warnings = reader.warnings;
    raw
}

struct Reader<'a> {
    lines: Lines,
    warnings: Vec<String>,
    errors: &'a mut ConfigErrors,
}

impl Reader<'_> {
    fn document(&mut self, document: &DeTable<'_>, raw: &mut Raw) {
        for (name, value) in document {
            let origin = self.lines.origin(name.span().start);
            let name: &str = name.get_ref();
            if name == FEED_TABLE {
                raw.feeds = self.tables(FEED_TABLE, "sections [[feed]]", &FEED, value, &origin);
            } else if name == ALIAS_TABLE {
                raw.aliases = self.tables(ALIAS_TABLE, "sections [[alias]]", &ALIAS, value, &origin);
            } else if let Some(key) = SCALARS.iter().find(|key| key.path == name) {
                self.value(key, value.get_ref(), &origin, &mut raw.values);
            } else if let Some(section) = sections().into_iter().find(|section| *section == name) {
                match value.get_ref() {
                    DeValue::Table(table) => self.table(section, &SCALARS, table, &mut raw.values),
                    other => self.wrong_type(&origin, name, format!("the section [{name}]"), other),
                }
            } else {
                self.errors.push(&origin, printable(name), Problem::UnknownKey { hint: hint("", name) });
            }
        }
    }

    fn tables(
        &mut self,
        name: &str,
        expected: &str,
        known: &[&'static Key],
        value: &Spanned<DeValue<'_>>,
        origin: &Origin,
    ) -> Vec<RawTable> {
        let DeValue::Array(tables) = value.get_ref() else {
            self.wrong_type(origin, name, expected.to_owned(), value.get_ref());
            return Vec::new();
        };
        let mut found = Vec::new();
        for one in tables.iter() {
            let line = self.lines.line(one.span().start);
            let DeValue::Table(table) = one.get_ref() else {
                self.wrong_type(&Origin::File(line), name, expected.to_owned(), one.get_ref());
                continue;
            };
            let mut values = Values::default();
            self.table(name, known, table, &mut values);
            let typed = |key: &&&Key| table.contains_key(key.name()) && !values.0.contains_key(key.path);
            let broken = known.iter().filter(typed).map(|key| key.path).collect();
            found.push(RawTable { line, values, broken });
        }
        found
    }

    fn table(&mut self, section: &str, known: &[&'static Key], table: &DeTable<'_>, values: &mut Values) {
        for (name, value) in table {
            let origin = self.lines.origin(name.span().start);
            let name: &str = name.get_ref();
            match known.iter().find(|key| key.section() == section && key.name() == name) {
                Some(key) => self.value(key, value.get_ref(), &origin, values),
                None => {
                    let path = format!("{section}.{}", printable(name));
                    self.errors.push(&origin, path, Problem::UnknownKey { hint: hint(section, name) });
                }
            }
        }
    }

    fn value(&mut self, key: &Key, value: &DeValue<'_>, origin: &Origin, values: &mut Values) {
        let read = match (&key.shape, value) {
            (Shape::Secret, DeValue::String(text)) => {
                let short = without_line_end(text);
                if short.is_some() {
                    self.warnings.push(format!("{} ends with a line end, which is left out", key.path));
                }
                Some(RawValue::Text(short.unwrap_or(text).to_owned()))
            }
            (
                Shape::Text | Shape::Choice(_) | Shape::Exact | Shape::Decimal { .. },
                DeValue::String(text),
            ) => Some(RawValue::Text(text.clone().into_owned())),
            // As typed, digit by digit: no binary fraction comes between.
            (Shape::Exact | Shape::Decimal { .. }, DeValue::Float(digits)) => {
                Some(RawValue::Text(digits.as_str().to_owned()))
            }
            (Shape::Exact | Shape::Decimal { .. }, DeValue::Integer(digits)) if digits.radix() == 10 => {
                Some(RawValue::Text(digits.as_str().to_owned()))
            }
            // A password of digits that lost its quotes is one all the same.
            (Shape::Secret, _) => {
                let got = "something else (not shown: it may be a password)".to_owned();
                return self.errors.push(origin, key.path, Problem::Type { expected: expected(key), got });
            }
            (Shape::Number { .. }, DeValue::Integer(digits)) => {
                i128::from_str_radix(digits.as_str(), digits.radix()).ok().map(RawValue::Number)
            }
            (Shape::Texts, DeValue::Array(elements)) => return self.texts(key, elements, origin, values),
            // The only place that shows a string: what stands for a number is no password.
            (Shape::Number { .. }, DeValue::String(text)) => {
                let got = format!("the string \"{}\"", printable(text));
                return self.errors.push(origin, key.path, Problem::Type { expected: expected(key), got });
            }
            _ => None,
        };
        match read {
            Some(value) => values.set(key, value, origin.clone()),
            None => self.wrong_type(origin, key.path, expected(key), value),
        }
    }

    fn texts(&mut self, key: &Key, elements: &[Spanned<DeValue<'_>>], origin: &Origin, values: &mut Values) {
        let mut texts = Vec::with_capacity(elements.len());
        for element in elements {
            let origin = self.lines.origin(element.span().start);
            match element.get_ref() {
                DeValue::String(text) => texts.push(Given { value: text.clone().into_owned(), origin }),
                other => self.wrong_type(&origin, key.path, "a string".to_owned(), other),
            }
        }
        if texts.len() == elements.len() {
            values.set(key, RawValue::Texts(texts), origin.clone());
        }
    }

    fn wrong_type(&mut self, origin: &Origin, key: &str, expected: String, got: &DeValue<'_>) {
        self.errors.push(origin, key, Problem::Type { expected, got: described(got) });
    }
}

/// What a key takes, in words.
pub(super) fn expected(key: &Key) -> String {
    match &key.shape {
        Shape::Text | Shape::Secret => "a string".to_owned(),
        Shape::Choice(words) => listed(words),
        Shape::Exact => "a number".to_owned(),
        Shape::Decimal { unit, .. } => format!("a number ({unit})"),
        Shape::Texts => "an array of strings".to_owned(),
        Shape::Number { unit, .. } => format!("a whole number ({unit})"),
    }
}

/// The type of a value and, where it cannot be a secret, the value. A string may be one.
fn described(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "a string".to_owned(),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(_) => "a date or time".to_owned(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// What may have been meant by an unknown key of `section`.
fn hint(section: &str, name: &str) -> String {
    let keys = || SCALARS.iter().chain(FEED.iter()).chain(ALIAS.iter());
    let here: Vec<&str> = if section.is_empty() {
        SCALARS
            .iter()
            .filter(|key| key.section().is_empty())
            .map(|key| key.path)
            .chain(sections())
            .chain([FEED_TABLE, ALIAS_TABLE])
            .collect()
    } else {
        keys().filter(|key| key.section() == section).map(|key| key.name()).collect()
    };
    if let Some(meant) = nearest(name, here.iter().copied()) {
        return match keys().find(|key| key.section() == section && key.name() == meant) {
            Some(Key { path, shape: Shape::Number { unit, .. } | Shape::Decimal { unit, .. }, .. }) => {
                format!("did you mean {path} ({unit})?")
            }
            Some(key) => format!("did you mean {}?", key.path),
            None if meant == FEED_TABLE || meant == ALIAS_TABLE => format!("did you mean [[{meant}]]?"),
            None => format!("did you mean [{meant}]?"),
        };
    }
    let elsewhere = keys().find(|key| key.name() == name || (key.section() == name && section.is_empty()));
    elsewhere
        .map_or_else(|| format!("expected {}", here.join(", ")), |key| format!("did you mean {}?", key.path))
}

/// Fit for one line of a terminal.
fn printable(name: &str) -> String {
    const CHARS_MAX: usize = 64;
    let cut: String = name.chars().take(CHARS_MAX).collect();
    let more = if cut.len() < name.len() { "..." } else { "" };
    format!("{}{more}", cut.escape_debug())
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(index, _)| index).collect())
    }

    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|newline| *newline < offset) + 1
    }

    fn origin(&self, offset: usize) -> Origin {
        Origin::File(self.line(offset))
    }
}
