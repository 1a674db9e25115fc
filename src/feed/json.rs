//! What all decoders share where they take any JSON: the parsing, and the words of every error.
//!
//! Owns what a field that must be there is, what a number is, and where in a frame something is wrong. Never knows a venue. Levels go
//! straight into the bounded buffers; nothing else grows with the frame.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{DecodeError, Excerpt, Place};
use super::{levels, rfc3339};
use crate::domain::{LEVELS_MAX, Number, NumberError, RawLevel, VenueTime};

/// Bytes before the noticed fault that an error shows.
const CONTEXT_BYTES: usize = 24;

/// A JSON string, borrowed unless it holds escapes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Reads `[["price","size"],...]` into a buffer.
pub(super) fn side(
    name: &'static str,
    raw: &RawValue,
    frame: &[u8],
    into: &mut Vec<RawLevel>,
) -> Result<(), DecodeError> {
    into.clear();
    let expected = "an array of [\"price\",\"size\"]";
    each(raw, frame, expected, |(price, size): (Text<'_>, Text<'_>)| {
        into.push(next_level(name, into, &price.0, &size.0)?);
        Ok(())
    })
}

/// Hands out the items of an array one by one, so that nothing grows with it.
pub(super) fn each<'f, T: Deserialize<'f>>(
    raw: &'f RawValue,
    frame: &[u8],
    expected: &'static str,
    take: impl FnMut(T) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut refused = None;
    let reader = ItemReader { expected, take, refused: &mut refused, item: PhantomData };
    let read = serde_json::Deserializer::from_str(raw.get()).deserialize_seq(reader);
    match (refused, read) {
        (Some(refused), _) => Err(refused),
        (None, Err(error)) => Err(malformed_json(&error, raw.get(), frame)),
        (None, Ok(())) => Ok(()),
    }
}

struct ItemReader<'v, T, F> {
    expected: &'static str,
    take: F,
    /// Our own error, which serde has no room for.
    refused: &'v mut Option<DecodeError>,
    item: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), DecodeError>> Visitor<'de> for ItemReader<'_, T, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.expected)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            if let Err(error) = (self.take)(item) {
                *self.refused = Some(error);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

/// The level that comes after those of `before`.
pub(super) fn next_level(
    side: &'static str,
    before: &[RawLevel],
    price: &str,
    size: &str,
) -> Result<RawLevel, DecodeError> {
    if !levels::has_room(before) {
        return Err(DecodeError::TooManyLevels { side, limit: LEVELS_MAX });
    }
    level_at(side, before.len(), price, size)
}

/// The level at an index of a side.
pub(super) fn level_at(
    side: &'static str,
    index: usize,
    price: &str,
    size: &str,
) -> Result<RawLevel, DecodeError> {
    let price_place = Place::LevelPrice { side, index };
    let price = number_at(price_place, price)?;
    let size = number_at(Place::LevelSize { side, index }, size)?;
    levels::level(price, size).ok_or(DecodeError::Zero { place: price_place })
}

/// The value of a field that must be there.
pub(super) fn required<T>(field: &'static str, value: Option<T>) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Missing { field })
}

pub(super) fn time(field: &'static str, millis: Option<u64>) -> Result<VenueTime, DecodeError> {
    let millis = required(field, millis)?;
    levels::venue_time(millis).ok_or(DecodeError::Time { field, millis })
}

/// The time of what is ordered by the venue's numbers: absent or null is no time.
pub(super) fn stamp(field: &'static str, millis: Option<u64>) -> Result<Option<VenueTime>, DecodeError> {
    millis.map(|millis| time(field, Some(millis))).transpose()
}

/// A time as text; the venue's way of saying that it knows none is `None`.
pub(super) fn timestamp(field: &'static str, text: &str) -> Result<Option<VenueTime>, DecodeError> {
    rfc3339::parse(text.as_bytes())
        .map_err(|_| DecodeError::Timestamp { field, text: Excerpt::of(text.as_bytes()) })
}

pub(super) fn number(field: &'static str, text: Option<Text<'_>>) -> Result<Number, DecodeError> {
    number_at(Place::Field(field), &required(field, text)?.0)
}

/// A figure that the venue does not promise: absent, null or an empty text where there is none.
pub(super) fn figure(field: &'static str, text: Option<Text<'_>>) -> Result<Option<Number>, DecodeError> {
    let text = text.filter(|text| !text.0.is_empty());
    text.map(|text| number_at(Place::Field(field), &text.0)).transpose()
}

pub(super) fn number_at(place: Place, text: &str) -> Result<Number, DecodeError> {
    let error = |source| DecodeError::Number { place, text: Excerpt::of(text.as_bytes()), source };
    match Number::parse(text.as_bytes()) {
        Ok(number) if number.mantissa < 0 => Err(error(NumberError::Negative)),
        Ok(number) => Ok(number),
        Err(source) => Err(error(source)),
    }
}

/// The venue's words.
pub(super) fn excerpt(message: Option<Text<'_>>) -> Excerpt {
    Excerpt::of(message.map(|text| text.0).unwrap_or_default().as_bytes())
}

/// Checks once for the whole input: skipped values would not be checked later.
pub(super) fn utf8(input: &[u8]) -> Result<&str, DecodeError> {
    str::from_utf8(input).map_err(|error| malformed(input, error.valid_up_to(), "invalid UTF-8"))
}

/// The text of a frame that holds an object; `None` for any other JSON, which is nobody's message.
pub(super) fn object_text(frame: &[u8]) -> Result<Option<&str>, DecodeError> {
    let text = utf8(frame)?;
    if text.trim_ascii_start().starts_with('{') {
        return Ok(Some(text));
    }
    parse::<&RawValue>(text, frame).map(|_| None)
}

/// Parses a part of `frame`, which must be an object: serde would take an array for its fields in order.
pub(super) fn object<'f, T: Deserialize<'f>>(raw: &'f RawValue, frame: &[u8]) -> Result<T, DecodeError> {
    if raw.get().starts_with('{') {
        parse(raw.get(), frame)
    } else {
        Err(malformed(frame, offset_of(raw.get(), frame), "expected an object"))
    }
}

/// Parses `text`, a part of `frame`.
pub(super) fn parse<'f, T: Deserialize<'f>>(text: &'f str, frame: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(|error| malformed_json(&error, text, frame))
}

pub(super) fn offset_of(part: &str, frame: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(frame.as_ptr().addr())
}

pub(super) fn malformed_json(error: &serde_json::Error, text: &str, frame: &[u8]) -> DecodeError {
    let lines_before = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let in_text = lines_before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    let words = error.to_string();
    let reason = words.rsplit_once(" at line ").map_or(words.as_str(), |(reason, _)| reason);
    malformed(frame, offset_of(text, frame) + in_text, reason)
}

pub(super) fn malformed(frame: &[u8], offset: usize, reason: &str) -> DecodeError {
    DecodeError::Malformed {
        offset,
        reason: Excerpt::of(reason.as_bytes()),
        near: Excerpt::at(frame, offset.saturating_sub(CONTEXT_BYTES)),
    }
}

/// A side of a quote, from the fields `[price, size]`.
pub(super) fn quote_side(
    fields: [&'static str; 2],
    price: Option<Text<'_>>,
    size: Option<Text<'_>>,
) -> Result<Option<RawLevel>, DecodeError> {
    let [price_field, size_field] = fields;
    let level = levels::level(number(price_field, price)?, number(size_field, size)?);
    level.map(levels::quote_side).ok_or(DecodeError::Zero { place: Place::Field(price_field) })
}
