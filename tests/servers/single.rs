//! One server: restarts, hanging, passwords, users, TLS.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;

use crate::certificates::{Certificates, Clients};
use crate::redis_server::{Data, RedisServer, eventually, free_port};
use crate::{ask, refused};

#[tokio::test]
async fn a_restart_finds_nothing_or_what_was_there() {
    let mut server = RedisServer::start_with(&["--appendonly", "yes"]);
    let port = server.port();
    let () = ask(&server, "SET key 1").await;
    server.restart_with(Data::Kept);
    assert_eq!(ask::<Option<u64>>(&server, "GET key").await, Some(1), "the append-only file");
    server.restart();
    assert_eq!(ask::<Option<u64>>(&server, "GET key").await, None);
    assert_eq!(server.port(), port);
}

#[tokio::test]
async fn a_snapshot_brings_back_old_data() {
    let mut server = RedisServer::start();
    let () = ask(&server, "SET key 1").await;
    let () = ask(&server, "SAVE").await;
    let () = ask(&server, "SET key 2").await;
    server.restart_with(Data::Kept);
    assert_eq!(ask::<u64>(&server, "GET key").await, 1);
}

#[tokio::test]
async fn a_stopped_server_answers_nobody_and_then_goes_on() {
    let server = RedisServer::start();
    let () = ask(&server, "SET key 1").await;
    server.stop();
    assert!(!server.runs());
    let hung: redis::RedisResult<u64> = server.ask(&["GET", "key"]).await;
    assert!(hung.is_err_and(|error| error.is_timeout()));
    server.cont();
    assert_eq!(ask::<u64>(&server, "GET key").await, 1);
}

#[tokio::test]
async fn a_blocked_server_answers_later() {
    let server = RedisServer::start();
    let mut connection = server.observe().await;
    server.block(Duration::from_millis(200));
    let () = redis::cmd("PING").query_async(&mut connection).await.expect("it answers at last");
    eventually("the server has noted how slow it was", async || {
        let slow: redis::Value = ask(&server, "SLOWLOG GET 128").await;
        format!("{slow:?}").contains("EVAL")
    })
    .await;
}

#[test]
fn a_killed_or_dropped_server_is_gone_also_when_it_hangs_or_the_test_panics() {
    let absent = |port: u16| TcpStream::connect(("127.0.0.1", port)).is_err();
    let mut killed = RedisServer::start();
    killed.stop();
    killed.kill();
    killed.kill();
    assert!(absent(killed.port()));
    killed.launch(Data::Lost);

    let stopped = RedisServer::start();
    stopped.stop();
    let port = stopped.port();
    drop(stopped);
    assert!(absent(port));

    let (told, port) = std::sync::mpsc::sync_channel(1);
    let failed = std::thread::spawn(move || {
        let server = RedisServer::start();
        told.send(server.port()).expect("somebody waits");
        server.stop();
        std::panic::resume_unwind(Box::new("as a failing test"));
    });
    assert!(failed.join().is_err());
    assert!(absent(port.recv().expect("it started")));
}

#[tokio::test]
async fn a_password_is_needed_and_known_and_users_may_do_what_they_may() {
    let server = RedisServer::start_with(&["--requirepass", "secret"]);
    let () = ask(&server, "SET key 1").await;
    let stranger = redis::Client::open(server.url()).expect("an address");
    let mut stranger = stranger.get_connection().expect("a connection");
    let answer: redis::RedisResult<u64> = redis::cmd("GET").arg("key").query(&mut stranger);
    assert_eq!(answer.expect_err("no password").code(), Some("NOAUTH"));

    server.allow("reader", &["on", ">other", "~*", "+get"]);
    let reader = redis::Client::open(format!("redis://reader:other@127.0.0.1:{}", server.port()));
    let mut reader = reader.expect("an address").get_connection().expect("a login");
    assert_eq!(redis::cmd("GET").arg("key").query::<u64>(&mut reader).expect("allowed"), 1);
    let answer: redis::RedisResult<()> = redis::cmd("SET").arg("key").arg(2).query(&mut reader);
    assert_eq!(answer.expect_err("not allowed").code(), Some("NOPERM"));
    assert_eq!(refused(&server, "AUTH wrong").await, "WRONGPASS");
}

#[test]
fn ports_are_not_given_twice_and_leave_room_for_the_bus() {
    let mut ports: Vec<u16> = (0..50).map(|_| free_port()).collect();
    assert!(ports.iter().all(|port| *port < 20_000), "{ports:?}");
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 50);
}

/// `PING` over TLS: the answer, or that the connection was refused.
fn tls_ping(port: u16, config: Arc<rustls::ClientConfig>) -> std::io::Result<Vec<u8>> {
    let socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_read_timeout(Some(crate::redis_server::PATIENCE))?;
    let name = ServerName::try_from("localhost").expect("a name");
    let session = rustls::ClientConnection::new(config, name).expect("a valid configuration");
    let mut stream = rustls::StreamOwned::new(session, socket);
    stream.write_all(b"PING\r\n")?;
    let mut answer = vec![0; 7];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

#[test]
fn tls_asks_for_a_client_certificate_where_it_should() {
    let (ours, strangers) = (Certificates::make(), Certificates::make());
    let open = RedisServer::start_tls(&ours.server_arguments(Clients::Anybody));
    assert_eq!(tls_ping(open.tls_port(), ours.trusting()).expect("trusted"), b"+PONG\r\n");
    assert!(tls_ping(open.tls_port(), strangers.trusting()).is_err(), "another authority");

    let closed = RedisServer::start_tls(&ours.server_arguments(Clients::WithCertificate));
    assert_eq!(tls_ping(closed.tls_port(), ours.showing(&ours)).expect("known"), b"+PONG\r\n");
    assert!(tls_ping(closed.tls_port(), ours.trusting()).is_err(), "no certificate");
    assert!(tls_ping(closed.tls_port(), ours.showing(&strangers)).is_err(), "a stranger's certificate");
}
