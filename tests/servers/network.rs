//! The proxy: each failure is one.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::ask;
use crate::proxy::{Cut, Proxy};
use crate::redis_server::{PATIENCE, RedisServer, eventually};

/// Long enough for an answer on a loaded machine; where none comes, each test waits so long once or twice.
const SILENCE: Duration = Duration::from_millis(500);

fn client(proxy: &Proxy) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", proxy.port())).expect("the proxy accepts");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    socket
}

fn send(socket: &mut TcpStream, command: &str) {
    write!(socket, "{command}\r\n").expect("the system takes it");
}

fn answer(socket: &mut TcpStream, length: usize) -> std::io::Result<String> {
    let mut bytes = vec![0; length];
    socket.read_exact(&mut bytes)?;
    Ok(String::from_utf8(bytes).expect("text"))
}

fn ping(socket: &mut TcpStream) -> String {
    send(socket, "PING");
    answer(socket, 7).expect("an answer")
}

/// That no byte comes, and no end either.
fn assert_silent(socket: &mut TcpStream) {
    socket.set_read_timeout(Some(SILENCE)).expect("a socket");
    let silence = answer(socket, 1).map_err(|error| error.kind());
    assert!(matches!(silence, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "{silence:?}");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
}

fn end(socket: &mut TcpStream) -> ErrorKind {
    answer(socket, 1).expect_err("the connection ends").kind()
}

#[test]
fn in_a_black_hole_connections_stay_open_and_nothing_is_answered() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let (mut lost, mut idle) = (client(&proxy), client(&proxy));
    assert_eq!((ping(&mut lost), ping(&mut idle)), ("+PONG\r\n".to_owned(), "+PONG\r\n".to_owned()));
    proxy.black_hole();
    std::thread::sleep(SILENCE);
    let mut new = client(&proxy);
    send(&mut lost, "PING");
    send(&mut new, "PING");
    assert_silent(&mut lost);
    assert_silent(&mut new);
    proxy.pass();
    assert_silent(&mut lost);
    assert_eq!(ping(&mut idle), "+PONG\r\n", "a connection that lost nothing goes on");
    assert_eq!(ping(&mut client(&proxy)), "+PONG\r\n");
}

#[test]
fn a_black_hole_hides_the_end_of_the_server() {
    let mut server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let mut socket = client(&proxy);
    ping(&mut socket);
    proxy.black_hole();
    std::thread::sleep(SILENCE);
    server.kill();
    assert_silent(&mut socket);
}

#[test]
fn what_was_held_arrives_later_and_whole() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let mut socket = client(&proxy);
    ping(&mut socket);
    proxy.hold();
    send(&mut socket, "INCR key");
    assert_silent(&mut socket);
    proxy.pass();
    assert_eq!(answer(&mut socket, 4).expect("late"), ":1\r\n");
}

#[tokio::test]
async fn a_reset_is_an_error_at_once_and_new_connections_are_served() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let mut sockets = [client(&proxy), client(&proxy)];
    for socket in &mut sockets {
        ping(socket);
    }
    assert_eq!((proxy.open(), proxy.accepted()), (2, 2));
    proxy.reset();
    for socket in &mut sockets {
        assert_eq!(end(socket), ErrorKind::ConnectionReset);
    }
    eventually("they are gone", async || proxy.open() == 0).await;
    assert_eq!(ping(&mut client(&proxy)), "+PONG\r\n");
    assert_eq!(proxy.accepted(), 3);
}

#[test]
fn refused_are_only_the_new_ones() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let mut old = client(&proxy);
    ping(&mut old);
    proxy.refuse();
    let refused = TcpStream::connect(("127.0.0.1", proxy.port())).expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(ping(&mut old), "+PONG\r\n");
    proxy.accept();
    assert_eq!(ping(&mut client(&proxy)), "+PONG\r\n");
}

#[test]
fn delayed_answers_come_in_order_and_not_one_after_the_other() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let mut socket = client(&proxy);
    ping(&mut socket);
    proxy.delay(SILENCE * 2);
    for _ in 0..9 {
        send(&mut socket, "INCR key");
    }
    assert_silent(&mut socket);
    let all: String = (1..=9).map(|count| format!(":{count}\r\n")).collect();
    assert_eq!(answer(&mut socket, all.len()).expect("all answers"), all);
}

#[tokio::test]
async fn a_lost_reply_means_done_but_not_told() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port());
    let mut socket = client(&proxy);
    ping(&mut socket);
    proxy.cut_replies_after(4, Cut::Reset);
    send(&mut socket, "INCR key");
    assert_eq!(answer(&mut socket, 4).expect("this one passes"), ":1\r\n");
    send(&mut socket, "INCR key");
    assert_eq!(end(&mut socket), ErrorKind::ConnectionReset);
    assert_eq!(ask::<u64>(&server, "GET key").await, 2);

    let (mut socket, mut other) = (client(&proxy), client(&proxy));
    ping(&mut other);
    proxy.cut_replies_after(2, Cut::BlackHole);
    send(&mut socket, "INCR key");
    assert_eq!(answer(&mut socket, 2).expect("so much passes"), ":3");
    assert_silent(&mut socket);
    assert_eq!(ask::<u64>(&server, "GET key").await, 3);
    assert_eq!(ping(&mut other), "+PONG\r\n", "only once, only one");
}

#[test]
fn another_target_is_for_new_connections() {
    let servers = [RedisServer::start(), RedisServer::start()];
    let proxy = Proxy::start(servers[0].port());
    let port = |socket: &mut TcpStream| {
        send(socket, "CONFIG GET port");
        answer(socket, 25).expect("an answer")
    };
    let mut old = client(&proxy);
    assert!(port(&mut old).contains(&servers[0].port().to_string()));
    proxy.retarget(servers[1].port());
    assert!(port(&mut old).contains(&servers[0].port().to_string()));
    assert!(port(&mut client(&proxy)).contains(&servers[1].port().to_string()));
}
