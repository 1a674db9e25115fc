//! Other protocols on the endpoint's port: nothing of them is executed, and where redis-server closes, the endpoint closes alike.

use crate::rig::on_one_thread;
use crate::world::{Side, World, shown};

/// Bytes at which both close without a word, with what came before them in the same read unanswered.
const CLOSED_BY_BOTH: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\nHost: 10.0.0.1:6379\r\nUser-Agent: probe\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nPING\r\n",
    b"POST\r\nPING\r\n",
    b"pOsT x\r\nPING\r\n",
    b"Host: a\r\nPING\r\n",
    b"PING\r\nhOsT: a\r\nPING\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"*1\r\n$4\r\nPOST\r\n*1\r\n$4\r\nPING\r\n",
    b"*1\r\n$4\r\nPING\r\n*2\r\n$5\r\nHOST:\r\n$1\r\na\r\n",
];

/// Bytes at which redis-server goes on, line by line, and the endpoint closes.
const CLOSED_BY_THE_ENDPOINT: &[&[u8]] = &[
    b"GET / HTTP/1.0\r\n\r\nPING\r\n",
    b"GET /metrics HTTP/1.1\r\nPING\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nPING\r\n",
    b"HTTP/1.1 400 Bad Request\r\nPING\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\nPING\r\n",
    b"PROXY TCP4 1.1.1.1 2.2.2.2 5 6\r\n*1\r\n$4\r\nPING\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\nPING\r\n",
];

#[test]
fn both_close_at_the_same_requests_of_other_protocols() {
    on_one_thread(async {
        let world = World::start().await;
        for bytes in CLOSED_BY_BOTH {
            for side in [Side::Redis, Side::Endpoint] {
                let mut client = world.client(side).await;
                client.send(bytes).await;
                // Our end stays open: only the other side can have closed.
                assert_eq!(client.rest().await, b"", "{side:?} {}", shown(bytes));
            }
        }
    });
}

#[test]
fn the_endpoint_executes_nothing_after_the_first_line_of_another_protocol() {
    on_one_thread(async {
        let world = World::start().await;
        for bytes in CLOSED_BY_THE_ENDPOINT {
            let mut client = world.client(Side::Endpoint).await;
            client.send(bytes).await;
            assert_eq!(client.rest().await, b"", "{}", shown(bytes));
        }
        // A request that only looks like one of them is answered.
        let answer = world
            .client(Side::Endpoint)
            .await
            .ask(b"*3\r\n$4\r\nMGET\r\n$1\r\n/\r\n$8\r\nHTTP/1.1\r\n")
            .await;
        assert_eq!(answer, b"*2\r\n$-1\r\n$-1\r\n");
    });
}
