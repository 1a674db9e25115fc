//! The scanner of replies, on every type, every cut and every kind of rubbish.

use proptest::prelude::*;

use super::*;

fn scan(pieces: &[&[u8]]) -> Result<Vec<(Reply, String)>, ReplyError> {
    let mut scanner = ReplyScanner::new();
    let mut replies = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        while let Some(reply) = scanner.next(&mut input)? {
            let message = if matches!(reply, Reply::Error(_)) { scanner.message() } else { String::new() };
            replies.push((reply, message));
        }
        assert!(input.is_empty());
    }
    Ok(replies)
}

fn kinds(bytes: &[u8]) -> Result<Vec<Reply>, ReplyError> {
    Ok(scan(&[bytes])?.into_iter().map(|(reply, _)| reply).collect())
}

const EVERY_TYPE: &[u8] = b"+OK\r\n+PONG\r\n:12\r\n$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n:1\r\n*1\r\n$1\r\nx\r\n\
    %1\r\n+key\r\n~1\r\n#t\r\n_\r\n,1.5\r\n(123\r\n=5\r\ntxt:a\r\n>2\r\n+message\r\n+x\r\n|1\r\n+ttl\r\n:3\r\n+OK\r\n\
    -OOM command not allowed\r\n!10\r\nERR \r\nbad!\r\n*1\r\n-ERR nested\r\n";

#[test]
fn every_type_counts_as_one_reply() {
    let replies = scan(&[EVERY_TYPE]).unwrap();
    let errors: Vec<_> = replies.iter().filter(|(reply, _)| matches!(reply, Reply::Error(_))).collect();
    assert_eq!(replies.len(), 19);
    assert_eq!(*errors[0], (Reply::Error(Refusal::Oom), "OOM command not allowed".to_owned()));
    assert_eq!(*errors[1], (Reply::Error(Refusal::Err), "ERR \r\nbad!".to_owned()));
    assert_eq!(errors.len(), 2);
    assert_eq!(replies.iter().filter(|(reply, _)| *reply == Reply::Push).count(), 1);
}

#[test]
fn what_is_no_reply_is_an_error_and_never_a_panic() {
    for (bytes, expected) in [
        (&b"OK\r\n"[..], ReplyError::Type(b'O')),
        (b"+OK\n", ReplyError::LineEnd(b'\n')),
        (b"+OK\rX", ReplyError::LineEnd(b'X')),
        (b"$2\r\nabc", ReplyError::LineEnd(b'c')),
        (b"$-2\r\n", ReplyError::Length(b'\r')),
        (b"$\r\n", ReplyError::Length(b'\r')),
        (b"*1x", ReplyError::Length(b'x')),
        (b"$?\r\n", ReplyError::Length(b'?')),
        (b"*1\r\n>1\r\n+x\r\n", ReplyError::Type(b'>')),
        (b"$99999999999999999999999\r\n", ReplyError::TooLong { length: 99_999_999, limit: BULK_MAX }),
        (b"*2000000\r\n", ReplyError::TooLong { length: 2_000_000, limit: ELEMENTS_MAX }),
    ] {
        assert_eq!(kinds(bytes), Err(expected), "{}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(kinds(&b"*1\r\n".repeat(NESTING_MAX + 1)), Err(ReplyError::TooDeep));
    let endless = [&b"+"[..], &vec![b'x'; LINE_MAX + 1]].concat();
    assert!(matches!(kinds(&endless), Err(ReplyError::TooLong { .. })));
}

#[test]
fn a_long_error_is_cut_and_the_reply_after_it_still_found() {
    let bytes = [b"-ERR ".to_vec(), vec![b'x'; 5_000], b"\r\n+OK\r\n".to_vec()].concat();
    let replies = scan(&[&bytes]).unwrap();
    assert_eq!(replies.len(), 2);
    assert_eq!(replies[0].1.len(), MESSAGE_MAX);
}

proptest! {
    #[test]
    fn any_cut_of_the_stream_gives_the_same_replies(cuts in prop::collection::vec(0..EVERY_TYPE.len(), 0..12)) {
        let mut cuts = cuts;
        cuts.extend([0, EVERY_TYPE.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &EVERY_TYPE[pair[0]..pair[1]]).collect();
        prop_assert_eq!(scan(&pieces), scan(&[EVERY_TYPE]));
    }

    #[test]
    fn any_bytes_give_the_same_result_however_cut(
        bytes in prop::collection::vec(prop::sample::select(b"+-:$*%>|!_#=~,(019\r\nOK".to_vec()), 0..64),
        cut in 0_usize..64,
    ) {
        let cut = cut.min(bytes.len());
        prop_assert_eq!(scan(&[&bytes[..cut], &bytes[cut..]]).ok(), scan(&[&bytes]).ok());
    }
}

#[test]
fn the_elements_of_an_array_can_be_read_after_it() {
    let bytes = b"*7\r\n:1\r\n:-20\r\n$3\r\nabc\r\n$-1\r\n*1\r\n:9\r\n$0\r\n\r\n+ok\r\n+OK\r\n*1\r\n:7\r\n";
    for cut in 0..bytes.len() {
        let (mut scanner, mut seen) = (ReplyScanner::new(), Vec::new());
        for mut piece in [&bytes[..cut], &bytes[cut..]] {
            while let Some(reply) = scanner.next(&mut piece).unwrap() {
                assert_eq!(reply, Reply::Success);
                seen.push(scanner.items().map(|item| format!("{item:?}")).collect::<Vec<_>>().join(" "));
            }
        }
        let first = "Integer(1) Integer(-20) Text([97, 98, 99]) Other Other Text([]) Text([111, 107])";
        assert_eq!(seen, [first, "", "Integer(7)"], "cut at {cut}");
    }
}

#[test]
fn elements_beyond_the_limits_are_not_kept_and_the_reply_is_still_found() {
    let long = vec![b'x'; ITEMS_TEXT_MAX + 1];
    let bytes = [b"*2\r\n$65537\r\n".to_vec(), long, b"\r\n:5\r\n+OK\r\n".to_vec()].concat();
    let (mut scanner, mut input) = (ReplyScanner::new(), &bytes[..]);
    assert_eq!(scanner.next(&mut input).unwrap(), Some(Reply::Success));
    assert_eq!(scanner.items().collect::<Vec<_>>(), [Item::Other, Item::Integer(5)]);
    assert_eq!(scanner.next(&mut input).unwrap(), Some(Reply::Success));
    let many = format!("*{}\r\n{}", ITEMS_MAX + 5, ":1\r\n".repeat(ITEMS_MAX + 5));
    let mut input = many.as_bytes();
    assert_eq!(scanner.next(&mut input).unwrap(), Some(Reply::Success));
    assert_eq!(scanner.items().count(), ITEMS_MAX);
}
