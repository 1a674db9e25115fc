//! From a connected socket to one that takes commands: AUTH, HELLO 3, SELECT, CLIENT SETNAME, the scripts, ROLE in one
//! pipeline.
//!
//! Owns the commands and the check of each reply. Never lets a secret into an error: AUTH goes by itself, before HELLO,
//! since old servers repeat the arguments of a command that they do not know; its error is named by kind only. A server
//! that refuses HELLO is spoken to in RESP2. Done within [`HANDSHAKE_MAX`] or not at all.

use std::future::poll_fn;
use std::time::Duration;

use super::batch::append_command;
use super::reply::{Item, Reply, ReplyScanner};
use super::script;
use super::transport::Transport;
use super::{PublishError, RedisAddress, Refusal, ReplyError};

/// How long the handshake may take.
pub const HANDSHAKE_MAX: Duration = Duration::from_millis(500);

/// What else a connection must be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// The scripts are loaded.
    pub scripts: bool,
    /// The server must be a primary.
    pub primary: bool,
}

impl Demand {
    /// Any server will do.
    pub const NOTHING: Self = Self { scripts: false, primary: false };
}

/// The commands, and the name of each.
struct Greeting {
    bytes: Vec<u8>,
    steps: Vec<&'static str>,
}

impl Greeting {
    fn new(address: &RedisAddress, client_name: &str, demand: Demand) -> Self {
        let mut greeting = Self { bytes: Vec::new(), steps: Vec::new() };
        if let Some(password) = &address.password {
            let user = address.username.as_deref().map(str::as_bytes);
            let words: Vec<&[u8]> = [b"AUTH"]
                .into_iter()
                .map(|word| &word[..])
                .chain(user)
                .chain([password.as_bytes()])
                .collect();
            greeting.push("AUTH", &words);
        }
        greeting.push("HELLO", &[b"HELLO", b"3"]);
        if address.db != 0 {
            greeting.push("SELECT", &[b"SELECT", address.db.to_string().as_bytes()]);
        }
        if !client_name.is_empty() {
            greeting.push("CLIENT SETNAME", &[b"CLIENT", b"SETNAME", client_name.as_bytes()]);
        }
        if demand.scripts {
            for script in script::all() {
                script.append_load(&mut greeting.bytes);
                greeting.steps.push("SCRIPT LOAD");
            }
        }
        if demand.primary {
            greeting.push("ROLE", &[b"ROLE"]);
        }
        greeting
    }

    fn push(&mut self, step: &'static str, words: &[&[u8]]) {
        append_command(&mut self.bytes, words);
        self.steps.push(step);
    }
}

/// What a reply to a step means.
fn check(step: &'static str, reply: Reply, scanner: &ReplyScanner) -> Result<(), PublishError> {
    let Reply::Error(refusal) = reply else {
        let is_replica = step == "ROLE" && scanner.items().next() == Some(Item::Text(b"slave"));
        let message = "the server calls itself a replica".to_owned();
        return if is_replica {
            Err(PublishError::Handshake { step, refusal: Refusal::ReadOnly, message })
        } else {
            Ok(())
        };
    };
    // `unknown command` and `NOPROTO` are how servers without RESP3 refuse HELLO.
    let no_resp3 = step == "HELLO" && matches!(refusal, Refusal::Err | Refusal::NoProto | Refusal::NoPerm);
    // A user that may not name its connection may still write.
    let no_name = step == "CLIENT SETNAME";
    // One that may not ask for the role finds out by its writes; one that may not load scripts, or not now, by its calls.
    let finds_out = matches!(step, "ROLE" | "SCRIPT LOAD")
        && matches!(refusal, Refusal::Err | Refusal::NoPerm | Refusal::Busy | Refusal::Loading);
    if no_resp3 || no_name || finds_out {
        return Ok(());
    }
    let message = if step == "AUTH" { String::new() } else { scanner.message() };
    Err(PublishError::Handshake { step, refusal, message })
}

/// Makes a connected socket ready for commands.
pub(super) async fn handshake(
    transport: &mut Transport,
    address: &RedisAddress,
    client_name: &str,
    demand: Demand,
) -> Result<(), PublishError> {
    let after_ms = u64::try_from(HANDSHAKE_MAX.as_millis()).unwrap_or(u64::MAX);
    tokio::time::timeout(HANDSHAKE_MAX, greet(transport, &Greeting::new(address, client_name, demand)))
        .await
        .unwrap_or(Err(PublishError::Silent { after_ms }))
}

async fn greet(transport: &mut Transport, greeting: &Greeting) -> Result<(), PublishError> {
    let mut unsent = &greeting.bytes[..];
    while !unsent.is_empty() {
        let taken = poll_fn(|context| transport.poll_write(context, unsent)).await?;
        unsent = &unsent[taken..];
    }
    poll_fn(|context| transport.poll_flush(context)).await?;
    let (mut scanner, mut buffer, mut answered) = (ReplyScanner::new(), vec![0; 4_096], 0);
    while answered < greeting.steps.len() {
        let read = poll_fn(|context| transport.poll_read(context, &mut buffer)).await?;
        if read == 0 {
            return Err(PublishError::Closed);
        }
        let mut input = &buffer[..read];
        while let Some(reply) = scanner.next(&mut input)? {
            if reply == Reply::Push {
                continue;
            }
            let step = greeting.steps.get(answered).ok_or(ReplyError::Unasked)?;
            check(step, reply, &scanner)?;
            answered += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Endpoint;
    use super::*;

    fn address() -> RedisAddress {
        let endpoint = Endpoint::Tcp { host: "localhost".to_owned(), port: 6379 };
        RedisAddress {
            username: Some("writer".to_owned()),
            password: Some("hunter2".to_owned()),
            db: 3,
            ..RedisAddress::open(endpoint)
        }
    }

    fn replied(step: &'static str, line: &[u8]) -> Result<(), PublishError> {
        let mut scanner = ReplyScanner::new();
        let reply = scanner.next(&mut &line[..]).unwrap().unwrap();
        check(step, reply, &scanner)
    }

    #[test]
    fn auth_goes_first_and_by_itself() {
        let greeting = Greeting::new(&address(), "tickcache", Demand::NOTHING);
        assert_eq!(greeting.steps, ["AUTH", "HELLO", "SELECT", "CLIENT SETNAME"]);
        let text = String::from_utf8(greeting.bytes).unwrap();
        assert!(text.starts_with(
            "*3\r\n$4\r\nAUTH\r\n$6\r\nwriter\r\n$7\r\nhunter2\r\n*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"
        ));
        let open = RedisAddress::open(address().endpoint);
        assert_eq!(Greeting::new(&open, "", Demand::NOTHING).steps, ["HELLO"]);
    }

    #[test]
    fn an_error_of_auth_never_repeats_the_servers_words() {
        let error = replied("AUTH", b"-ERR unknown command `AUTH`, with args beginning with: `hunter2`\r\n")
            .unwrap_err();
        assert_eq!(error.to_string(), "handshake: AUTH refused: ERR");
    }

    #[test]
    fn a_replica_is_no_primary() {
        let replica = b"*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6379\r\n$9\r\nconnected\r\n:14\r\n";
        assert!(matches!(
            replied("ROLE", replica),
            Err(PublishError::Handshake { refusal: Refusal::ReadOnly, .. })
        ));
        assert!(replied("ROLE", b"*3\r\n$6\r\nmaster\r\n:14\r\n*0\r\n").is_ok());
        assert!(replied("ROLE", b"-NOPERM this user has no permissions\r\n").is_ok());
        assert!(replied("ROLE", b"-LOADING Redis is loading\r\n").is_ok());
    }

    #[test]
    fn a_server_without_resp3_is_spoken_to_in_resp2() {
        assert!(replied("HELLO", b"-ERR unknown command `HELLO`\r\n").is_ok());
        assert!(replied("HELLO", b"-NOPROTO unsupported protocol version\r\n").is_ok());
        assert!(
            replied("HELLO", b"-NOAUTH HELLO must be called with the client already authenticated\r\n")
                .is_err()
        );
        assert!(replied("SELECT", b"-ERR DB index is out of range\r\n").is_err());
    }
}
