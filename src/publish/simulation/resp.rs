//! The commands that the pipeline sends, taken apart, and the bytes of the answers.
//!
//! Owns the server's half of RESP, as far as the writer uses it. Never runs a command.

use super::native::Answer;

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Pong,
    Answer(Answer),
    Error(String),
}

/// The first command of `bytes` and how many bytes it has; `None` while it is not complete.
pub(super) fn command(bytes: &[u8]) -> Option<(Vec<&[u8]>, usize)> {
    let mut at = 0;
    let count = length(bytes, &mut at, b'*')?;
    let mut words = Vec::with_capacity(count);
    for _ in 0..count {
        let size = length(bytes, &mut at, b'$')?;
        words.push(bytes.get(at..at + size)?);
        bytes.get(at + size..at + size + 2)?;
        at += size + 2;
    }
    Some((words, at))
}

fn length(bytes: &[u8], at: &mut usize, kind: u8) -> Option<usize> {
    let rest = bytes.get(*at..)?;
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    assert_eq!(rest[0], kind, "the pipeline sends well-formed commands");
    let digits = std::str::from_utf8(&rest[1..end - 1]).expect("a length is text");
    *at += end + 1;
    Some(digits.parse().expect("a length is a number"))
}

/// Appends the bytes of a reply.
pub(super) fn append(out: &mut Vec<u8>, reply: &Reply) {
    match reply {
        Reply::Pong => out.extend_from_slice(b"+PONG\r\n"),
        Reply::Error(words) => out.extend_from_slice(format!("-{words}\r\n").as_bytes()),
        Reply::Answer(answer) => append_answer(out, answer),
    }
}

fn append_answer(out: &mut Vec<u8>, answer: &Answer) {
    match answer {
        Answer::Integer(number) => out.extend_from_slice(format!(":{number}\r\n").as_bytes()),
        Answer::Text(text) => {
            out.extend_from_slice(format!("${}\r\n", text.len()).as_bytes());
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        }
        Answer::Array(answers) => {
            out.extend_from_slice(format!("*{}\r\n", answers.len()).as_bytes());
            for answer in answers {
                append_answer(out, answer);
            }
        }
    }
}
