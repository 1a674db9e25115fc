//! Passwords and TLS.

use std::sync::Arc;
use std::time::Duration;

use tickcache::publish::tls::server_config;
use tokio_rustls::TlsConnector;

use crate::certificates::Certificates;
use crate::rig::{Client, Rig, bulk, key, on_one_thread};

fn with_password(count: usize) -> Rig {
    Rig::with(count, Duration::from_secs(30), |options| options.password = Some("s3cr3t".to_owned()))
}

#[test]
fn without_the_password_nothing_is_told() {
    on_one_thread(async {
        let mut rig = with_password(1);
        rig.push(0, 1);
        let mut client = rig.client().await;
        let refused = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
        for (line, expected) in [
            ("get a", "-NOAUTH Authentication required.\r\n"),
            ("ping", "-NOAUTH Authentication required.\r\n"),
            ("subscribe a", "-NOAUTH Authentication required.\r\n"),
            ("foo", "-ERR unknown command 'foo', with args beginning with: \r\n"),
            ("auth wrong", refused),
            ("auth s3cr3", refused),
            ("auth s3cr3tt", refused),
            ("auth nobody s3cr3t", refused),
            ("hello 3 auth default wrong", refused),
        ] {
            client.ask(line, expected).await;
        }
        client.send(b"hello 3\r\n").await;
        assert!(client.line().await.starts_with("-NOAUTH HELLO must be called with the client already"));
        client.ask("auth s3cr3t", "+OK\r\n").await;
        client.ask(&format!("get {}", key(0)), bulk(&rig.value(0).unwrap())).await;
        client.ask("reset", "+RESET\r\n").await;
        client.ask("get a", "-NOAUTH Authentication required.\r\n").await;
        client.ask("auth default s3cr3t", "+OK\r\n").await;
        client.ask("hello 3 auth default s3cr3t setname me", "%7\r\n").await;
    });
}

#[test]
fn a_stranger_may_not_send_much() {
    on_one_thread(async {
        let rig = with_password(1);
        for (bytes, expected) in [
            (&b"*11\r\n"[..], "-ERR Protocol error: unauthenticated multibulk length\r\n"),
            (b"*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"),
        ] {
            let mut client = rig.client().await;
            client.send(bytes).await;
            assert_eq!(client.rest().await, expected);
        }
    });
}

/// Somebody who connects and says nothing does not keep a place.
#[test]
fn whoever_does_not_log_in_is_disconnected() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let rig = with_password(1);
        let mut client = rig.client().await;
        client.ask("ping", "-NOAUTH Authentication required.\r\n").await;
        // The limit of 10 s is not worth waiting for: time jumps.
        tokio::time::pause();
        assert_eq!(client.rest().await, "");
    });
}

#[test]
fn with_a_certificate_it_speaks_tls_and_nothing_else() {
    on_one_thread(async {
        let certificates = Certificates::make();
        let [certificate, key_file] = certificates.server();
        let mut rig = Rig::with(1, Duration::from_secs(30), |options| {
            options.tls = Some(server_config(&certificate, &key_file).unwrap());
        });
        rig.push(0, 1);
        let connector = TlsConnector::from(Arc::clone(&certificates.trusting()));
        let stream = tokio::net::TcpStream::connect(rig.address).await.unwrap();
        let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        let mut client = Client(stream);
        client.ask(&format!("get {}", key(0)), bulk(&rig.value(0).unwrap())).await;
        let mut plain = rig.client().await;
        plain.send(b"ping\r\nping\r\nping\r\n").await;
        assert!(!plain.rest().await.contains("PONG"));
        assert!(server_config(&key_file, &certificate).is_err());
    });
}
