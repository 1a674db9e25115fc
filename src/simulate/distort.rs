//! What becomes of a frame under the faults in force.
//!
//! Owns the turning of one frame into the steps that a session takes, and the frames held back to go out of order (one
//! a stream). Never sends.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::book::{Book, Top};
use super::dialect::Dialect;
use super::edit;
use super::fault::{Break, Fault, Garbage, Undecodable};
use super::hub::StreamId;

/// What a session does next.
#[derive(Debug)]
pub(super) enum Step {
    Send(Message),
    Wait(Duration),
    /// With a close frame of this code.
    Close(u16),
    Break(Break),
}

/// The frames held back, one a stream.
pub(super) type Held = HashMap<StreamId, Message>;

/// A frame, and what it takes to make it wrong in one point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) dialect: &'static dyn Dialect,
    pub(super) stream: StreamId,
    pub(super) name: &'a str,
    /// The venue's truth.
    pub(super) top: Option<Top>,
    /// The client's book with this frame, where checksums need one.
    pub(super) book: Option<&'a Book>,
}

impl Subject<'_> {
    fn edit(&self, message: &mut Message, fault: &Fault) {
        let Message::Text(text) = &*message else { return };
        let edited = match (fault, self.top, self.dialect.kind(self.name)) {
            (Fault::Alter, ..) => edit::alter(self.dialect, text),
            (Fault::TimeBack, ..) => edit::shift_times(self.dialect, text, edit::BACK_US),
            (Fault::TimeAhead, ..) => edit::shift_times(self.dialect, text, edit::AHEAD_US),
            (Fault::Undecodable(why), ..) => Some(self.undecodable(*why, text)),
            (Fault::Cross, Some(top), Some(kind)) => edit::cross(self.dialect, kind, text, top, self.book),
            _ => None,
        };
        if let Some(edited) = edited {
            *message = Message::text(edited);
        }
    }

    fn undecodable(&self, why: Undecodable, text: &str) -> String {
        match why {
            Undecodable::Cut => cut(text).to_owned(),
            Undecodable::WrongTypes => self.dialect.wrong_types(self.name, text),
            Undecodable::Digits => edit::endless(self.dialect, text).unwrap_or_else(|| cut(text).to_owned()),
            Undecodable::Layout => serde_json::json!({"v": 2, "was": text}).to_string(),
        }
    }
}

/// The steps for one frame.
pub(super) fn distort(faults: &[Fault], subject: &Subject<'_>, frame: Message, held: &mut Held) -> Vec<Step> {
    let (stream, name) = (subject.stream, subject.name);
    let mut ahead = Vec::new();
    let mut own = vec![frame];
    let mut hold = false;
    for fault in faults {
        match fault {
            Fault::Garbage(form) => ahead.push(Step::Send(garbage(*form, subject, &own))),
            Fault::Huge(bytes) => ahead.push(Step::Send(huge(*bytes, name))),
            Fault::Delay(time) => ahead.push(Step::Wait(*time)),
            Fault::Duplicate => own.extend(own.first().cloned()),
            Fault::Drop => own.clear(),
            Fault::Swap => hold = true,
            Fault::Alter | Fault::TimeBack | Fault::TimeAhead | Fault::Cross | Fault::Undecodable(_) => {
                own.iter_mut().for_each(|message| subject.edit(message, fault));
            }
            Fault::Close(code) => {
                ahead.push(Step::Close(*code));
                return ahead;
            }
            Fault::Break(how) => {
                ahead.push(Step::Break(*how));
                return ahead;
            }
            // The session itself holds a stalled stream back, and knows from where a stream counts.
            Fault::Stall(_)
            | Fault::Restart
            | Fault::Refuse
            | Fault::Silent
            | Fault::CloseOnSubscribe
            | Fault::Status { .. }
            | Fault::SlowRest(_)
            | Fault::GarbageBody => {}
        }
    }
    let earlier = held.remove(&stream);
    if let (true, None, Some(frame)) = (hold, &earlier, own.last()) {
        held.insert(stream, frame.clone());
        own.pop();
    }
    ahead.extend(own.into_iter().map(Step::Send));
    ahead.extend(earlier.map(Step::Send));
    ahead
}

/// The first half.
fn cut(text: &str) -> &str {
    let half = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..half]
}

fn huge(bytes: usize, name: &str) -> Message {
    let (head, tail) = (format!("{{\"stream\":\"{name}\",\"data\":\""), "\"}");
    let filling = bytes.saturating_sub(head.len() + tail.len());
    Message::Text(format!("{head}{}{tail}", "x".repeat(filling)).into())
}

fn garbage(form: Garbage, subject: &Subject<'_>, frames: &[Message]) -> Message {
    const NO_UTF8: &[u8] = b"\xff\xfe{\"stream\":\"\xc0\xaf\"}\x00";
    match form {
        Garbage::NotJson => Message::text("<html>Bad Gateway</html>"),
        Garbage::WrongTypes => {
            let frame = frames.first().and_then(|frame| frame.to_text().ok()).unwrap_or_default();
            Message::text(subject.dialect.wrong_types(subject.name, frame))
        }
        Garbage::UnknownEvent => Message::text(subject.dialect.unknown_event(subject.name)),
        Garbage::Empty => Message::text(""),
        Garbage::Binary => Message::binary(Bytes::from_static(NO_UTF8)),
        Garbage::InvalidUtf8 => {
            Message::Frame(Frame::message(Bytes::from_static(NO_UTF8), OpCode::Data(Data::Text), true))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(steps: Vec<Step>) -> Vec<String> {
        steps
            .into_iter()
            .map(|step| match step {
                Step::Send(Message::Text(text)) => text.to_string(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    fn run(faults: &[Fault], frame: &'static str, held: &mut Held) -> Vec<String> {
        let dialect = crate::simulate::dialect::of("binance").unwrap();
        let subject = Subject { dialect, stream: StreamId(0), name: "a@trade", top: None, book: None };
        texts(distort(faults, &subject, Message::text(frame), held))
    }

    #[test]
    fn each_fault_changes_a_frame_as_it_says() {
        let held = &mut Held::new();
        assert_eq!(run(&[], "{\"n\":1}", held), ["{\"n\":1}"]);
        assert_eq!(run(&[Fault::Undecodable(Undecodable::Cut)], "{\"n\":1}", held), ["{\"n"]);
        let layout = run(&[Fault::Undecodable(Undecodable::Layout)], "{\"n\":1}", held);
        assert_eq!(layout, [r#"{"v":2,"was":"{\"n\":1}"}"#]);
        assert_eq!(run(&[Fault::Duplicate], "1", held), ["1", "1"]);
        assert!(run(&[Fault::Drop], "1", held).is_empty());
        assert_eq!(run(&[Fault::Garbage(Garbage::NotJson)], "1", held), ["<html>Bad Gateway</html>", "1"]);
        assert_eq!(run(&[Fault::Huge(5000)], "1", held)[0].len(), 5000);
        assert_eq!(run(&[Fault::Break(Break::Reset), Fault::Duplicate], "1", held), ["Break(Reset)"]);
    }

    #[test]
    fn a_swapped_frame_goes_out_behind_the_next_of_its_stream() {
        let held = &mut Held::new();
        assert!(run(&[Fault::Swap], "1", held).is_empty());
        assert_eq!(run(&[Fault::Swap], "2", held), ["2", "1"]);
        assert!(run(&[Fault::Swap], "3", held).is_empty());
        assert_eq!(run(&[], "4", held), ["4", "3"]);
        assert!(held.is_empty());
    }
}
