//! Requests whole, in pieces, and broken.

use proptest::prelude::*;

use super::parser::*;

/// Everything that a stream holds: requests, and the error that ends it.
fn read(bytes: &[u8], piece: usize, trust: Trust) -> (Vec<Vec<Vec<u8>>>, Option<Malformed>) {
    let (mut parser, mut buffer, mut requests) = (Parser::default(), Vec::new(), Vec::new());
    for piece in bytes.chunks(piece.max(1)) {
        buffer.extend_from_slice(piece);
        loop {
            match parser.next(&buffer, trust) {
                Ok(Found::Request) => {
                    let source = parser.source(&buffer);
                    requests.push(
                        parser.arguments().iter().map(|range| source[range.clone()].to_vec()).collect(),
                    );
                }
                Ok(Found::Incomplete) => break,
                Err(error) => return (requests, Some(error)),
            }
        }
        let done = parser.done();
        buffer.drain(..done);
        parser.dropped(done);
    }
    (requests, None)
}

fn words(requests: &[Vec<Vec<u8>>]) -> Vec<String> {
    let text = |word: &Vec<u8>| String::from_utf8_lossy(word).into_owned();
    requests.iter().map(|request| request.iter().map(text).collect::<Vec<_>>().join("|")).collect()
}

#[test]
fn requests_are_found_however_they_are_cut() {
    let stream = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n\r\nPING \"a b\"\r\n*0\r\n*-1\r\n*1\r\n$0\r\n\r\nECHO 'x\\'y' \"\\x41\\n\"\n";
    for piece in 1..=stream.len() {
        let (requests, error) = read(stream, piece, Trust::Known);
        assert_eq!(
            (words(&requests), error),
            (vec!["GET|a".into(), "PING|a b".into(), String::new(), "ECHO|x'y|A\n".into()], None)
        );
    }
}

#[test]
fn what_is_broken_is_named_in_the_words_of_redis_server() {
    let long = |start: &str| [start.as_bytes(), &[b'1'; 70_000]].concat();
    for (bytes, expected) in [
        (b"*a\r\n".to_vec(), "invalid multibulk length"),
        (b"*99999999999\r\n".to_vec(), "invalid multibulk length"),
        (b"*+1\r\n".to_vec(), "invalid multibulk length"),
        (b"*01\r\n".to_vec(), "invalid multibulk length"),
        (b"*16385\r\n".to_vec(), "invalid multibulk length"),
        (b"*1\r\nfoo\r\n".to_vec(), "expected '$', got 'f'"),
        (b"*1\r\n\r\n".to_vec(), "expected '$', got '\r'"),
        (b"*1\r\n$-1\r\n".to_vec(), "invalid bulk length"),
        (b"*1\r\n$1048577\r\n".to_vec(), "invalid bulk length"),
        (b"get \"a\r\n".to_vec(), "unbalanced quotes in request"),
        (b"get \"a\"b\r\n".to_vec(), "unbalanced quotes in request"),
        (long("x"), "too big inline request"),
        (long("*"), "too big mbulk count string"),
        (long("*1\r\n$"), "too big bulk count string"),
    ] {
        let (requests, error) = read(&bytes, 4_096, Trust::Known);
        assert!(requests.is_empty());
        assert_eq!(error.unwrap().why.text(), Some(format!("ERR Protocol error: {expected}").into_bytes()));
    }
}

#[test]
fn a_stranger_may_send_only_what_a_login_needs() {
    for (bytes, expected) in
        [("*11\r\n", "unauthenticated multibulk length"), ("*1\r\n$16385\r\n", "unauthenticated bulk length")]
    {
        assert_eq!(read(bytes.as_bytes(), 99, Trust::Known).1, None);
        let (_, error) = read(bytes.as_bytes(), 99, Trust::Stranger);
        assert!(error.unwrap().why.text().unwrap().ends_with(expected.as_bytes()));
    }
}

#[test]
fn a_request_of_many_small_arguments_is_bounded_as_a_whole() {
    let mut bytes = b"*1000\r\n".to_vec();
    for _ in 0..1_000 {
        bytes.extend_from_slice(b"$2000\r\n");
        bytes.extend(std::iter::repeat_n(b'x', 2_000));
        bytes.extend_from_slice(b"\r\n");
    }
    let (_, error) = read(&bytes, 10_000, Trust::Known);
    assert_eq!(error.unwrap().limit, Some("request"));
}

#[test]
fn numbers_are_those_of_redis_server() {
    for (text, number) in [
        ("0", Some(0)),
        ("-0", None),
        ("-7", Some(-7)),
        ("+7", None),
        ("07", None),
        ("", None),
        ("-", None),
        ("9223372036854775807", Some(i64::MAX)),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        (" 1", None),
    ] {
        assert_eq!(integer(text.as_bytes()), number, "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_and_no_cut_changes_what_is_read(
        bytes in prop::collection::vec(prop::sample::select(&b"*$0123\r\n\"'\\x aG-"[..]), 0..200),
        piece in 1_usize..50,
    ) {
        prop_assert_eq!(read(&bytes, piece, Trust::Known), read(&bytes, usize::MAX, Trust::Known));
    }
}
