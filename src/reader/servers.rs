//! Where the servers are: from URL, mode and certificates to clients, the primary's address, and the Cluster's nodes.
//!
//! Owns the address book and the asking of sentinels and Cluster nodes, each with a deadline of [`ASK_MAX`]. Keeps
//! one connection a sentinel, and none to a data node: `link` and `push` do. Nothing in here prints the URL: it may hold a password.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue,
    IntoConnectionInfo, RedisConnectionInfo, TlsCertificates, Value,
};

use super::ReadError;
use super::options::{Mode, NODES_MAX, NodeAddress, NodeTls, Options, Sentinels};
use super::topology::Topology;

/// For a question to one sentinel or Cluster node, the connection included.
const ASK_MAX: Duration = Duration::from_millis(300);
/// Cluster nodes that are asked for the slots at the same time.
const ASKED_AT_ONCE: usize = 4;
/// Idle time before the first keepalive probe, and between probes; two unanswered ones end a connection.
const KEEPALIVE: Duration = Duration::from_secs(1);

pub(super) struct Servers {
    /// User, password, database; the address only in [`Mode::Single`].
    info: ConnectionInfo,
    certificates: Option<TlsCertificates>,
    options: Options,
    name: String,
    /// To sentinels: they are asked often.
    asked: Mutex<HashMap<NodeAddress, MultiplexedConnection>>,
}

impl fmt::Debug for Servers {
    /// Without the URL: it may hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Servers").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Servers {
    pub(super) fn new(url: &str, mut options: Options) -> Result<Self, ReadError> {
        let info = url.into_connection_info().map_err(|error| invalid(&reason_without_url(&error)))?;
        let info = info.set_tcp_settings(tcp_settings());
        let own = match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                Some(NodeAddress::new(host.clone(), *port))
            }
            ConnectionAddr::Unix(_) => None,
            _ => return Err(invalid("an address of a kind that is not known")),
        };
        let several = |nodes: &[NodeAddress]| match nodes {
            [] => Err(invalid("this mode needs the nodes' addresses")),
            _ if nodes.len() > NODES_MAX => Err(invalid("more nodes than are allowed")),
            _ if own.is_none() => Err(invalid("a unix socket goes with a single server only")),
            [first, ..] => Ok(first.to_string()),
        };
        let name = match &mut options.mode {
            Mode::Single => info.addr().to_string(),
            Mode::Sentinel(Sentinels { nodes, master, .. }) => {
                format!("{master} (sentinel {})", several(nodes)?)
            }
            Mode::Cluster { nodes } => {
                if nodes.is_empty() {
                    nodes.extend(own.clone());
                }
                format!("{} (cluster)", several(nodes)?)
            }
        };
        let certificates = read_certificates(&options)?;
        let servers = Self { info, certificates, options, name, asked: Mutex::default() };
        // What is wrong with the certificates is said here, not at the first connection.
        servers.client(&servers.info.clone())?;
        Ok(servers)
    }

    pub(super) const fn options(&self) -> &Options {
        &self.options
    }

    /// For people: host and port, the path of the socket, or who is asked for them.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The URL's own address.
    pub(super) fn single(&self) -> ConnectionInfo {
        self.info.clone()
    }

    /// A data node, spoken to as the URL says.
    pub(super) fn node(&self, node: &NodeAddress) -> ConnectionInfo {
        self.info.clone().set_addr(self.address(node))
    }

    pub(super) fn client(&self, info: &ConnectionInfo) -> Result<Client, ReadError> {
        let tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        match &self.certificates {
            Some(certificates) if tls => Client::build_with_tls(info.clone(), certificates.clone()),
            _ => Client::open(info.clone()),
        }
        .map_err(|error| invalid(&reason_without_url(&error)))
    }

    /// Connects, within `limit` for everything from name resolution to login.
    pub(super) async fn connect(
        &self,
        info: &ConnectionInfo,
        config: &AsyncConnectionConfig,
        limit: Duration,
    ) -> Result<MultiplexedConnection, ReadError> {
        let client = self.client(info)?;
        let server = info.addr().to_string();
        // The crate's own limit begins after name resolution; this one covers everything.
        match tokio::time::timeout(limit, client.get_multiplexed_async_connection_with_config(config)).await {
            Ok(connected) => connected.map_err(|error| ReadError::of_connect(&server, &error)),
            Err(_) => {
                let reason = format!("no connection within {} ms", limit.as_millis());
                Err(ReadError::Unreachable { server, reason })
            }
        }
    }

    /// Asks every sentinel at once; what more than half of them say, else what most say. Whether it really is a
    /// primary is the caller's question to it.
    pub(super) async fn primary(&self, sentinels: &Sentinels) -> Result<ConnectionInfo, ReadError> {
        let mut answers = FuturesUnordered::new();
        for node in &sentinels.nodes {
            answers.push(self.ask_sentinel(sentinels, node));
        }
        let (mut votes, mut failure) = (BTreeMap::<NodeAddress, usize>::new(), None);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(node) => {
                    let count = votes.entry(node.clone()).or_default();
                    *count += 1;
                    if *count * 2 > sentinels.nodes.len() {
                        return Ok(self.node(&node));
                    }
                }
                Err(error) => failure = Some(error),
            }
        }
        let most = votes.into_iter().max_by_key(|(_, count)| *count).map(|(node, _)| node);
        most.map(|node| self.node(&node)).ok_or_else(|| {
            failure.unwrap_or_else(|| ReadError::Unreachable {
                server: self.name.clone(),
                reason: "no sentinel was named".to_owned(),
            })
        })
    }

    async fn ask_sentinel(
        &self,
        sentinels: &Sentinels,
        node: &NodeAddress,
    ) -> Result<NodeAddress, ReadError> {
        let mut settings = RedisConnectionInfo::default();
        if let Some(username) = &sentinels.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &sentinels.password {
            settings = settings.set_password(password);
        }
        let info = self.node(node).set_redis_settings(settings);
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&sentinels.master);
        let answer: Option<(String, u16)> = match self.ask_again(node, &command).await {
            Some(answer) => answer,
            None => {
                let mut connection = self.connect(&info, &ask_config(), ASK_MAX).await?;
                let answer = command.query_async(&mut connection).await;
                let answer = answer.map_err(|error| {
                    ReadError::of_command(&node.to_string(), "SENTINEL", ASK_MAX.as_millis(), &error)
                })?;
                self.asked().insert(node.clone(), connection);
                answer
            }
        };
        let (host, port) = answer.ok_or_else(|| ReadError::Refused {
            server: node.to_string(),
            command: "SENTINEL",
            reason: format!("it knows no primary by the name {}", sentinels.master),
        })?;
        Ok(NodeAddress::new(host, port))
    }

    /// Over the connection that is there; `None` when there is none that works.
    async fn ask_again(&self, node: &NodeAddress, command: &Cmd) -> Option<Option<(String, u16)>> {
        // Taken out while it is used: whoever asks meanwhile makes another one, and a call that is given up leaves none.
        let mut connection = self.asked().remove(node)?;
        let answer = command.query_async(&mut connection).await.ok()?;
        self.asked().insert(node.clone(), connection);
        Some(answer)
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<NodeAddress, MultiplexedConnection>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks nodes for the Cluster's slots, those of `known` first, until one answers.
    pub(super) async fn topology(&self, known: &[NodeAddress]) -> Result<Topology, ReadError> {
        let Mode::Cluster { nodes } = &self.options.mode else {
            return Err(invalid("slots are asked for of a Cluster only"));
        };
        let mut failure = invalid("no node was named");
        let all: Vec<&NodeAddress> = known.iter().chain(nodes).collect();
        for several in all.chunks(ASKED_AT_ONCE) {
            let mut answers = FuturesUnordered::new();
            for node in several {
                answers.push(self.ask_topology(node));
            }
            while let Some(answer) = answers.next().await {
                match answer {
                    Ok(topology) => return Ok(topology),
                    Err(error) => failure = error,
                }
            }
        }
        Err(failure)
    }

    async fn ask_topology(&self, node: &NodeAddress) -> Result<Topology, ReadError> {
        let command = redis::cmd("CLUSTER").arg("SLOTS").to_owned();
        let slots: Value = self.ask(&self.node(node), "CLUSTER SLOTS", &command).await?;
        Topology::parse(&slots, node).ok_or_else(|| ReadError::NotReady {
            server: node.to_string(),
            command: "CLUSTER SLOTS",
            reason: "it names no slots".to_owned(),
        })
    }

    /// One question over a connection of its own.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        info: &ConnectionInfo,
        name: &'static str,
        command: &Cmd,
    ) -> Result<T, ReadError> {
        let mut connection = self.connect(info, &ask_config(), ASK_MAX).await?;
        command.query_async(&mut connection).await.map_err(|error| {
            ReadError::of_command(&info.addr().to_string(), name, ASK_MAX.as_millis(), &error)
        })
    }

    fn address(&self, node: &NodeAddress) -> ConnectionAddr {
        let encrypted = match node.tls {
            NodeTls::AsUrl => matches!(self.info.addr(), ConnectionAddr::TcpTls { .. }),
            NodeTls::Off => false,
            NodeTls::On => true,
        };
        let (host, port) = (node.host.clone(), node.port);
        if encrypted {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        }
    }
}

fn ask_config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_response_timeout(Some(ASK_MAX))
}

/// Says whether the server that `connection` leads to is a primary. A user that may not ask is told that it is.
pub(super) async fn verify_primary(
    connection: &mut MultiplexedConnection,
    server: &str,
    timeout: Duration,
) -> Result<(), ReadError> {
    let role: Value = match redis::cmd("ROLE").query_async(connection).await {
        Ok(role) => role,
        Err(error) if error.code() == Some("NOPERM") => return Ok(()),
        Err(error) => return Err(ReadError::of_command(server, "ROLE", timeout.as_millis(), &error)),
    };
    let primary = match &role {
        Value::Array(items) => match items.first() {
            Some(Value::BulkString(word)) => word == b"master",
            _ => false,
        },
        _ => false,
    };
    if primary {
        return Ok(());
    }
    let reason = "it is a replica".to_owned();
    Err(ReadError::NotReady { server: server.to_owned(), command: "ROLE", reason })
}

/// Without NODELAY a second small question waits for the first one's acknowledgement, up to 40 ms.
fn tcp_settings() -> TcpSettings {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    let keepalive = keepalive.with_retries(2);
    TcpSettings::default().set_nodelay(true).set_keepalive(keepalive)
}

fn read_certificates(options: &Options) -> Result<Option<TlsCertificates>, ReadError> {
    let read = |path: &std::path::Path| {
        std::fs::read(path).map_err(|error| invalid(&format!("{}: {error}", path.display())))
    };
    let tls = &options.tls;
    if tls.ca_file.is_none() && tls.client.is_none() {
        return Ok(None);
    }
    let root_cert = tls.ca_file.as_deref().map(read).transpose()?;
    let client_tls = match &tls.client {
        None => None,
        Some((certificate, key)) => {
            Some(ClientTlsConfig { client_cert: read(certificate)?, client_key: read(key)? })
        }
    };
    Ok(Some(TlsCertificates { client_tls, root_cert }))
}

fn invalid(reason: &str) -> ReadError {
    ReadError::Url { reason: reason.to_owned() }
}

/// The crate's texts for a bad URL do not repeat it, but its `detail` may; so only the constant part is kept.
fn reason_without_url(error: &redis::RedisError) -> String {
    format!("{} (expected redis://, rediss:// or redis+unix://)", error.category())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_errors_nor_debug_texts_show_a_password() {
        for url in ["redis://bot:hunter2@", "http://bot:hunter2@localhost", "redis://bot:hunter2@h:99999"] {
            let error = Servers::new(url, Options::default()).map(|_| ()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        let servers = Servers::new("redis://bot:hunter2@localhost:6379/2", Options::default()).unwrap();
        assert_eq!(servers.name(), "localhost:6379");
        assert!(!format!("{servers:?}").contains("hunter2"));
    }

    #[test]
    fn a_mode_without_nodes_or_over_a_unix_socket_is_refused() {
        let sentinels =
            Sentinels { nodes: vec![], master: "mymaster".to_owned(), username: None, password: None };
        let node = NodeAddress::new("h", 1);
        for (url, mode) in [
            ("redis://h:1", Mode::Sentinel(sentinels)),
            ("redis+unix:///run/redis.sock", Mode::Cluster { nodes: vec![node] }),
        ] {
            let options = Options { mode, ..Options::default() };
            assert!(matches!(Servers::new(url, options), Err(ReadError::Url { .. })), "{url}");
        }
        let seed = Options { mode: Mode::Cluster { nodes: vec![] }, ..Options::default() };
        assert_eq!(Servers::new("redis://h:1", seed).unwrap().name(), "h:1 (cluster)");
    }

    #[test]
    fn sockets_have_nodelay_and_keepalive() {
        let servers = Servers::new("redis://h:1", Options::default()).unwrap();
        let info = servers.node(&NodeAddress::new("other", 2));
        assert!(info.tcp_settings().nodelay() && info.tcp_settings().keepalive().is_some());
    }
}
