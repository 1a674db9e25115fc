//! Requests, and the same answer of both, byte for byte.

use crate::rig::on_one_thread;
use crate::world::{Side, World, array, arrays, lines, shown};

/// Each script goes to both sides in both versions of the protocol, as arrays in one write, and once more as lines.
const SCRIPTS: &[&str] = &[
    // Reads of texts.
    "GET $0",
    "GET $1\nGET $2\nGET $3",
    "GET $n",
    "GET nothing",
    "GET \"\"",
    "get $0",
    "gEt $0",
    "MGET $0 $1 $2 $3",
    "MGET $0 $n $m nothing $0",
    "MGET $c",
    "MGET nothing",
    "MGET \"\" \"\"",
    "STRLEN $0",
    "STRLEN $n",
    "STRLEN nothing",
    "STRLEN $m",
    "GETRANGE $0 0 -1",
    "GETRANGE $0 0 0",
    "GETRANGE $0 3 10",
    "GETRANGE $0 -5 -1",
    "GETRANGE $0 -1 -5",
    "GETRANGE $0 5 3",
    "GETRANGE $0 0 99999",
    "GETRANGE $0 99999 100000",
    "GETRANGE $0 -99999 2",
    "GETRANGE $0 -99999 -99998",
    "GETRANGE $0 -9223372036854775808 9223372036854775807",
    "GETRANGE nothing 0 -1",
    "GETRANGE $n 0 -1",
    "GETRANGE $m 0 -1",
    "GETRANGE $0 a 1",
    "GETRANGE $0 0 1.5",
    "GETRANGE $0 0 9223372036854775808",
    "GETRANGE $0 +1 2",
    "GETRANGE $0 01 2",
    "EXISTS $0",
    "EXISTS $0 $0 $n nothing $m $c",
    "EXISTS \"\"",
    "TYPE $0",
    "TYPE $n",
    "TYPE $m",
    "TYPE nothing",
    // A key without an end, and one that is not there.
    "TTL $m\nPTTL $m\nEXPIRETIME $m\nPEXPIRETIME $c",
    "TTL nothing\nPTTL $n\nEXPIRETIME nothing\nPEXPIRETIME nothing",
    // Hashes.
    "HGET $m transport",
    "HGET $m schema",
    "HGET $m nothing",
    "HGET nothing a",
    "HGET $n a",
    "HGET $0 a",
    "HGET $c C0-USDT:binance",
    "HMGET $m schema nothing transport schema",
    "HMGET nothing a b",
    "HMGET $0 a",
    "HGETALL $m",
    "HGETALL $c",
    "HGETALL nothing",
    "HGETALL $0",
    "HKEYS $m",
    "HVALS $m",
    "HKEYS $c",
    "HVALS $c",
    "HKEYS nothing",
    "HVALS nothing",
    "HKEYS $0",
    "HVALS $0",
    "HLEN $m",
    "HLEN $c",
    "HLEN nothing",
    "HLEN $0",
    "HEXISTS $m schema",
    "HEXISTS $m nothing",
    "HEXISTS nothing a",
    "HEXISTS $0 a",
    "HSCAN $m 0",
    "HSCAN $c 0",
    "HSCAN $c 0 MATCH C1*",
    "HSCAN $c 0 MATCH nothing*",
    "HSCAN nothing 0",
    "HSCAN $0 0",
    "HSCAN $m x",
    "HSCAN $m 0 COUNT 0",
    "HSCAN $m 0 COUNT x",
    "HSCAN $m 0 COUNT",
    "HSCAN $m 0 FOO",
    "HSCAN $m",
    "HSCAN nothing x",
    "HSCAN nothing 0 COUNT 0",
    "HSCAN $0 0 COUNT 0",
    "GET $m",
    "GET $c",
    "ROLE",
    "GET tickcache:v1:lease:{binance/0}\nSTRLEN tickcache:v1:lease:{binance/0}",
    "HKEYS tickcache:v1:engines\nHLEN tickcache:v1:engines\nTYPE tickcache:v1:engines\nTTL tickcache:v1:engines",
    "SCAN +0 MATCH nothing* COUNT 1000",
    "SCAN -1 MATCH nothing*",
    "HSCAN $m \"\"",
    // Walks: what is asked wrongly, and what finds one key at most.
    "SCAN x",
    "SCAN",
    "SCAN 0 COUNT 0",
    "SCAN 0 COUNT -1",
    "SCAN 0 COUNT x",
    "SCAN 0 COUNT",
    "SCAN 0 MATCH",
    "SCAN 0 FOO bar",
    "SCAN 0 COUNT 1000 MATCH nothing*",
    "SCAN 0 COUNT 1000 MATCH $0",
    "SCAN 0 COUNT 1000 TYPE list",
    "SCAN 0 TYPE",
    "SCAN 0 count 1000 match *:meta type hash",
    "SCAN \"\" MATCH nothing* COUNT 1000",
    "SCAN 1.5",
    "SCAN 18446744073709551616",
    "SCAN 0 MATCH a MATCH *:meta COUNT 1 COUNT 1000",
    "SCAN 0 COUNT 1000 TYPE HASH MATCH *meta",
    "KEYS nothing*",
    "KEYS *:meta",
    "KEYS tickcache:v1:price:{C0-*",
    "KEYS tickcache:v1:price:{C[0]-*",
    "KEYS *{C?-USDT}:binanc",
    "KEYS *\\:meta",
    "KEYS *:met[^b]",
    "KEYS *:met[a",
    "KEYS \"\"",
    "KEYS a b",
    "KEYS *:[l-n]eta",
    "KEYS *:[n-l]eta",
    "KEYS *:meta*",
    // The connection.
    "PING",
    "PING hi",
    "PING a b",
    "PING \"\"",
    "ECHO hi",
    "ECHO \"\"",
    "ECHO",
    "ECHO a b",
    "SELECT 0",
    "SELECT x",
    "SELECT -1",
    "SELECT",
    "SELECT 99999999",
    "SELECT 16",
    "QUIT",
    "QUIT\nPING",
    "QUIT a b",
    "RESET",
    "RESET a",
    "HELLO 3\nRESET",
    "AUTH",
    "AUTH a",
    "AUTH default a",
    "AUTH nobody a",
    "AUTH a b c",
    "HELLO 4",
    "HELLO 1",
    "HELLO x",
    "HELLO 3 FOO",
    "HELLO 3 AUTH",
    "HELLO 3 AUTH default",
    "HELLO 3 AUTH nobody x",
    "HELLO 2 SETNAME",
    "HELLO 3 SETNAME",
    "HELLO 9223372036854775808",
    "HELLO -1",
    "HELLO \"\"",
    "CLIENT",
    "CLIENT FOO",
    "CLIENT foo a b",
    "CLIENT GETNAME",
    "CLIENT SETNAME me\nCLIENT GETNAME",
    "CLIENT SETNAME",
    "CLIENT SETNAME \"\"\nCLIENT GETNAME",
    "CLIENT SETNAME a b",
    "CLIENT GETNAME a",
    "CLIENT ID a",
    "CLIENT NO-EVICT on",
    "CLIENT NO-EVICT off",
    "CLIENT NO-EVICT x",
    "CLIENT NO-EVICT",
    "CLIENT SETNAME a\nRESET\nCLIENT GETNAME",
    "CLIENT TRACKING",
    "CLIENT TRACKING x",
    "CLIENT TRACKING off",
    "CLIENT TRACKING on FOO",
    "CLIENT TRACKING on PREFIX a",
    "CLIENT TRACKING on BCAST OPTIN",
    "CLIENT TRACKING on BCAST PREFIX",
    "CLIENT MAINT_NOTIFICATIONS on",
    "CLIENT TRACKING on PREFIX",
    "CLIENT TRACKING on OPTIN OPTOUT BCAST",
    "COMMAND FOO",
    "COMMAND COUNT a",
    "CONFIG",
    "CONFIG FOO",
    "CONFIG GET",
    "CONFIG GET nothing",
    "ROLE a",
    "TIME a",
    "DBSIZE a",
    "INFO nothing",
    "COMMAND INFO nothing",
    "COMMAND DOCS nothing",
    "COMMAND DOCS nothing nothing",
    // Who asks wrongly.
    "GET",
    "GET a b",
    "MGET",
    "STRLEN",
    "STRLEN a b",
    "GETRANGE a 0",
    "GETRANGE a 0 1 2",
    "EXISTS",
    "TYPE",
    "TYPE a b",
    "TTL",
    "PTTL a b",
    "HGET a",
    "HGETALL",
    "HMGET a",
    "HLEN",
    "HEXISTS a",
    "HKEYS",
    "HVALS a b",
    "DBSIZE a b",
    "SUBSCRIBE",
    "PSUBSCRIBE",
    "SSUBSCRIBE",
    "EXPIRETIME",
    "PEXPIRETIME a b",
    "KEYS",
    "FOO",
    "FOO a b c",
    "\"\"",
    "\"\" a",
    "get|set a",
    "client|id",
    "FOO \"\"",
    "GETT $0",
    "FOO 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890 b c",
    "FOO 01234567890123456789012345678901234567890123456789012345678901234567890123456789 01234567890123456789012345678901234567890123456789 c d",
    "FOO012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890 a",
    "CLIENT FOO012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890 a",
    // Transactions.
    "MULTI\nEXEC",
    "MULTI\nGET $0\nMGET $1 nothing\nHGET $m schema\nEXEC",
    "MULTI\nDISCARD\nGET $0",
    "EXEC",
    "DISCARD",
    "MULTI\nMULTI\nEXEC",
    "MULTI\nGET\nGET $0\nEXEC\nGET $0",
    "MULTI\nFOO\nEXEC",
    "MULTI\nGET $m\nGET $0\nEXEC",
    "MULTI\nSELECT 99\nEXEC",
    "MULTI a",
    "EXEC a",
    "MULTI\nEXEC a\nGET $0",
    "MULTI\nPING\nPING hi\nECHO x\nEXEC",
    "MULTI\nRESET\nEXEC",
    "MULTI\nGET $0\nQUIT",
    "MULTI\nDISCARD a\nEXEC",
    "MULTI\nGETRANGE $0 a b\nEXEC",
    "MULTI\nCLIENT FOO\nEXEC",
    "MULTI\nCLIENT GETNAME\nEXEC",
    "MULTI\nAUTH a b c\nEXEC",
    "MULTI\nSCAN 0 COUNT 0\nEXEC",
    "MULTI\nPING a b\nEXEC",
    "MULTI\nSELECT x\nEXEC",
    "MULTI\nHELLO 4\nEXEC",
    "MULTI\nSUBSCRIBE a\nEXEC",
    "MULTI\nUNSUBSCRIBE\nEXEC",
    "MULTI\nPSUBSCRIBE a* b*\nEXEC",
    "MULTI\nGET $0\nGET $1\nDISCARD\nEXEC",
    // Subscriptions.
    "SUBSCRIBE a",
    "SUBSCRIBE a b a",
    "SUBSCRIBE a\nSUBSCRIBE a",
    "UNSUBSCRIBE",
    "UNSUBSCRIBE a",
    "UNSUBSCRIBE a b",
    "PUNSUBSCRIBE",
    "SUNSUBSCRIBE",
    "SUBSCRIBE $u0\nUNSUBSCRIBE $u0",
    "SUBSCRIBE a\nUNSUBSCRIBE",
    "PSUBSCRIBE a*\nPUNSUBSCRIBE",
    "SSUBSCRIBE a\nSUNSUBSCRIBE",
    "SSUBSCRIBE a\nSUNSUBSCRIBE b a",
    "SUBSCRIBE a\nPSUBSCRIBE b\nSSUBSCRIBE c\nUNSUBSCRIBE a\nPUNSUBSCRIBE b\nSUNSUBSCRIBE c",
    "SUBSCRIBE a\nGET $0",
    "SUBSCRIBE a\nPING",
    "SUBSCRIBE a\nPING hi",
    "PSUBSCRIBE a\nGET $0\nPUNSUBSCRIBE\nGET $0",
    "SSUBSCRIBE a\nGET $0",
    "SUBSCRIBE a\nRESET\nGET $0",
    "SUBSCRIBE a\nQUIT",
    "SUBSCRIBE \"\"",
    "SUBSCRIBE a\nFOO",
    "SUBSCRIBE a\nGET",
    "SUBSCRIBE a\nMULTI",
    "SUBSCRIBE a\nHELLO 3",
    "SUBSCRIBE a\nCLIENT GETNAME",
    "SUBSCRIBE a\nECHO x",
    "SUBSCRIBE a\nCLIENT FOO",
    "SUBSCRIBE a\nSELECT 0",
    "SUBSCRIBE a\nAUTH a",
    "SUBSCRIBE a\nPING a b",
    "PSUBSCRIBE a* b*\nPUNSUBSCRIBE c* a*",
    "UNSUBSCRIBE\nPUNSUBSCRIBE\nSUNSUBSCRIBE",
];

/// Bytes as they are: what is no request ends the connection, with the same words before it.
const RAW: &[&[u8]] = &[
    b"\r\n\r\nPING\r\n",
    b"PING\n",
    b"PING 'a b' \"c\"\r\n",
    b"ECHO 'a b'\r\n",
    b"ECHO \"a\\x41\\n\\\"\"\r\n",
    b"ECHO 'it\\'s'\r\n",
    b"  PING  \r\n",
    b"\tECHO\ta\r\n",
    b"ECHO \"\"\r\n",
    b"get \"a\r\n",
    b"get 'a\r\n",
    b"get \"a\"b\r\n",
    b"ECHO a\"b\"\r\n",
    b"ECHO \"\\q\\t\\r\\b\\a\"\r\n",
    b"*0\r\nPING\r\n",
    b"*-1\r\nPING\r\n",
    b"*-99\r\nPING\r\n",
    b"*a\r\n",
    b"*\r\n",
    b"*1a\r\n",
    b"*+1\r\n",
    b"* 1\r\n",
    b"*01\r\n",
    b"*99999999999999999999\r\n",
    b"*2147483648\r\n",
    b"*1\r\nfoo\r\n",
    b"*1\r\n\r\n",
    b"*1\r\n:1\r\n",
    b"*1\r\n+PING\r\n",
    b"*1\r\n$-1\r\n",
    b"*1\r\n$a\r\n",
    b"*1\r\n$\r\n",
    b"*1\r\n$ 4\r\nPING\r\n",
    b"*1\r\n$04\r\nPING\r\n",
    b"*1\r\n$99999999999\r\n",
    b"*1\r\n$4\r\nPINGxx",
    b"*1\r\n$0\r\n\r\n",
    b"*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n",
    b"*2\r\n$4\r\nECHO\r\n*1\r\n",
    b"*1\r\n\xffabc\r\n",
    b"FOO \xff\xfe \x80\r\n",
    b"\xff\x01\r\n",
    b"*2\r\n$6\r\nCLIENT\r\n$2\r\n\xff\x00\r\n",
    b"*3\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$2\r\n\xffa\r\n",
    b"*2\r\n$3\r\nGET\r\n$2\r\n\x00\xff\r\n",
    b"*2\r\n$4\r\nKEYS\r\n$2\r\n\xff*\r\n",
    b"*2\r\n$9\r\nSUBSCRIBE\r\n$2\r\n\xff\x00\r\n",
    b"$4\r\nPING\r\n",
    b"+PING\r\n",
    b"PING\r\n*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n!\r\n",
    b"*3\r\n$3\r\nGET\r\n$1\r\na\r\n",
    b"*2\r\n$4\r\nECHO\r\n$5\r\na\r\nb\n\r\n",
    b"*2\r\n$3\r\nFOO\r\n$3\r\na\r\n\r\n",
    b"*1\r\n$5\r\nF\0OOO\r\n",
    b"*2\r\n$6\r\nCLIENT\r\n$3\r\n\r\n\r\r\n",
];

/// A connection has an id of its own on each side.
fn without_id(answer: Vec<u8>) -> Vec<u8> {
    const BEFORE: &[u8] = b"$2\r\nid\r\n:";
    let Some(at) = answer.windows(BEFORE.len()).position(|window| window == BEFORE) else { return answer };
    let (before, behind) = answer.split_at(at + BEFORE.len());
    let digits = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
    [before, b"<id>", &without_id(behind[digits..].to_vec())].concat()
}

async fn compare(world: &World, cases: impl IntoIterator<Item = (String, Vec<u8>, Vec<u8>)>) {
    let mut problems = Vec::new();
    for (name, before, bytes) in cases {
        let [theirs, ours] = world.both(&before, &bytes).await.map(without_id);
        if theirs != ours {
            problems.push(format!("{name}\n  redis    {}\n  endpoint {}", shown(&theirs), shown(&ours)));
        }
    }
    assert!(problems.is_empty(), "{} answers differ:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn both_answer_every_request_with_the_same_bytes() {
    on_one_thread(async {
        let world = World::start().await;
        let mut cases = Vec::new();
        for script in SCRIPTS {
            let filled = world.fill(script);
            cases.push((format!("version 2: {script:?}"), Vec::new(), arrays(&filled)));
            cases.push((format!("version 3: {script:?}"), array(&["HELLO", "3"]), arrays(&filled)));
            cases.push((format!("as lines: {script:?}"), Vec::new(), lines(&filled)));
        }
        compare(&world, cases).await;
    });
}

#[test]
fn both_read_bytes_and_refuse_what_is_no_request_in_the_same_way() {
    on_one_thread(async {
        let world = World::start().await;
        let cases = RAW.iter().map(|bytes| (shown(bytes), Vec::new(), bytes.to_vec()));
        compare(&world, cases).await;
    });
}

#[test]
fn both_ask_for_the_password_in_the_same_words() {
    on_one_thread(async {
        let world = World::with_password("s3cr3t").await;
        let scripts = [
            "GET a",
            "PING",
            "FOO",
            "GET",
            "SUBSCRIBE a",
            "MULTI",
            "CLIENT ID",
            "CLIENT FOO",
            "HELLO",
            "HELLO 3",
            "HELLO 2",
            "HELLO 4",
            "HELLO x",
            "AUTH",
            "AUTH wrong",
            "AUTH s3cr3tt",
            "AUTH nobody s3cr3t",
            "AUTH default wrong",
            "AUTH s3cr3t\nGET nothing",
            "RESET",
            "QUIT",
            "AUTH default s3cr3t\nGET nothing\nRESET\nGET nothing",
            "HELLO 3 AUTH default wrong",
            "HELLO 3 AUTH nobody s3cr3t",
            "COMMAND",
            "INFO",
            "AUTH s3cr3t\nAUTH wrong\nGET nothing",
            "HELLO 3 SETNAME me",
            "HELLO 3 FOO",
            "EXEC",
            "DISCARD",
            "AUTH a b c",
            "HELLO 3 AUTH a",
        ];
        let mut cases: Vec<_> = scripts.map(|script| (script.to_owned(), Vec::new(), arrays(script))).into();
        for bytes in [&b"*11\r\n"[..], b"*1\r\n$16385\r\n", b"*a\r\n", b"get '\r\n"] {
            cases.push((shown(bytes), Vec::new(), bytes.to_vec()));
        }
        compare(&world, cases).await;
    });
}

/// However the bytes are cut.
#[test]
fn both_answer_a_pipeline_that_comes_in_pieces() {
    on_one_thread(async {
        let world = World::start().await;
        let script = world.fill("GET $0\nMULTI\nMGET $1 nothing\nHGETALL $m\nEXEC\nFOO a\nSUBSCRIBE $u1\nPING\nUNSUBSCRIBE\nGET $2\n");
        let bytes = [arrays(&script), lines(&script)].concat();
        let whole = world.client(Side::Redis).await.ask(&bytes).await;
        for piece in [1, 2, 3, 7, 16, 100] {
            let mut client = world.client(Side::Endpoint).await;
            for part in bytes.chunks(piece) {
                client.send(part).await;
                tokio::task::yield_now().await;
            }
            let got = client.ask(b"").await;
            assert_eq!(shown(&got), shown(&whole), "in pieces of {piece}");
        }
    });
}
