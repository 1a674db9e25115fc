//! What servers tell of themselves, and the command channel; over TLS, too.

use std::sync::Arc;
use std::time::Duration;

use tickcache::codec::key::command_channel;
use tickcache::codec::{Command, CommandKind, encode_command};
use tickcache::domain::Namespace;
use tickcache::publish::tls::client_config;
use tickcache::publish::{Commands, Credentials, Endpoint, Login, ServerWatch, Topology};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::certificates::{Certificates, Clients};
use super::redis_server::{PATIENCE, RedisServer, eventually};
use super::{open, tcp};

fn topology(node: Endpoint) -> (watch::Sender<Arc<Topology>>, watch::Receiver<Arc<Topology>>) {
    watch::channel(Arc::new(Topology::single(1, node)))
}

fn command(who: &str) -> Command {
    let instrument = "BTC-USDT".parse().unwrap();
    let (who, why) = (who.into(), "filled".into());
    Command { kind: CommandKind::Invalidate, instrument, venue: None, who, why }
}

/// Says how many listened.
async fn publish(server: &RedisServer, bytes: &[u8]) -> i64 {
    let mut publish = redis::cmd("PUBLISH");
    publish.arg(command_channel(&Namespace::default())).arg(bytes);
    publish.query_async(&mut server.observe().await).await.unwrap_or(0)
}

async fn arrives(server: &RedisServer, commands: &mut Commands, who: &str) {
    let mut bytes = Vec::new();
    encode_command(&command(who), &mut bytes);
    eventually("somebody listens", async || publish(server, &bytes).await == 1).await;
    let taken = tokio::time::timeout(PATIENCE, commands.next()).await.expect("a command in time");
    assert_eq!(taken, Some(command(who)));
}

#[tokio::test]
async fn commands_arrive_and_again_after_a_restart_a_lost_client_and_a_hang() {
    let mut server = RedisServer::start();
    let (_sender, receiver) = topology(tcp(server.port()));
    let mut commands = Commands::spawn(&Handle::current(), receiver, open(), &Namespace::default());
    arrives(&server, &mut commands, "first").await;
    eventually("it listens", async || publish(&server, b"nonsense").await == 1).await;
    server.restart();
    arrives(&server, &mut commands, "after a restart").await;
    let _: i64 = server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]).await.unwrap();
    arrives(&server, &mut commands, "after a lost client").await;
    server.stop();
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.cont();
    arrives(&server, &mut commands, "after a hang").await;
}

#[tokio::test]
async fn commands_are_listened_for_where_the_topology_points() {
    let (before, after) = (RedisServer::start(), RedisServer::start());
    let (sender, receiver) = watch::channel(Arc::new(Topology::unknown()));
    let mut commands = Commands::spawn(&Handle::current(), receiver, open(), &Namespace::default());
    sender.send_replace(Arc::new(Topology::single(1, tcp(before.port()))));
    arrives(&before, &mut commands, "before").await;
    sender.send_replace(Arc::new(Topology::single(2, tcp(after.port()))));
    arrives(&after, &mut commands, "after").await;
    eventually("nobody listens there any more", async || publish(&before, b"").await == 0).await;
}

#[tokio::test]
async fn a_restart_behind_the_same_address_is_noticed_once() {
    let mut server = RedisServer::start();
    let (_sender, receiver) = topology(tcp(server.port()));
    let watched = ServerWatch::spawn(&Handle::current(), receiver, open());
    eventually("it looks", async || asked_info(&server).await).await;
    assert!(watched.restarts().borrow().is_empty());
    server.restart();
    let mut restarts = watched.restarts();
    let endpoint = tcp(server.port());
    let seen = restarts.wait_for(|restarts| restarts.get(&endpoint) == Some(&1));
    assert!(tokio::time::timeout(PATIENCE, seen).await.is_ok());
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(watched.restarts().borrow().get(&endpoint), Some(&1));
}

async fn asked_info(server: &RedisServer) -> bool {
    let stats: String = server.ask(&["INFO", "commandstats"]).await.unwrap();
    stats.contains("cmdstat_info:calls=") && !stats.contains("cmdstat_info:calls=1,")
}

#[tokio::test]
async fn mutual_tls_from_files_is_spoken_by_the_slow_connections() {
    let certificates = Certificates::make();
    let server = RedisServer::start_tls(&certificates.server_arguments(Clients::WithCertificate));
    let endpoint = Endpoint::Tls { host: "localhost".to_owned(), port: server.tls_port() };
    let identity = (certificates.client(), certificates.client_key());
    let tls = client_config(Some(&certificates.authority()), Some((&identity.0, &identity.1))).unwrap();
    let known = Login::new(Credentials::default(), 0, Some(tls), String::new());
    let (_sender, receiver) = topology(endpoint);
    let mut commands =
        Commands::spawn(&Handle::current(), receiver.clone(), known.clone(), &Namespace::default());
    arrives(&server, &mut commands, "over TLS").await;
    drop(commands);
    eventually("the subscription is gone", async || publish(&server, b"").await == 0).await;

    let nameless = client_config(Some(&certificates.authority()), None).unwrap();
    let stranger = Login::new(Credentials::default(), 0, Some(nameless), String::new());
    let _commands = Commands::spawn(&Handle::current(), receiver, stranger, &Namespace::default());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(publish(&server, b"").await, 0, "without a certificate nobody gets in");
}

#[test]
fn a_key_of_another_certificate_is_refused_by_name() {
    let (ours, others) = (Certificates::make(), Certificates::make());
    let error = client_config(None, Some((&ours.client(), &others.client_key()))).unwrap_err();
    assert!(error.to_string().contains("client.key"), "{error}");
}
