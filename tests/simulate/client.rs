//! A plain client: JSON values, and a book by Binance's documented procedure.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tickcache::simulate::{BookView, Level, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Generous: reached only where something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_id: u64,
}

impl Client {
    pub(crate) async fn connect(simulator: &Simulator) -> Self {
        Self::connect_to(&simulator.websocket_url()).await
    }

    pub(crate) async fn connect_to(url: &str) -> Self {
        let (socket, _) = connect_async(url).await.expect("the simulator takes the connection");
        Self { socket, next_id: 1 }
    }

    /// The next message, with its errors.
    pub(crate) async fn message(&mut self) -> Option<Result<Message, Error>> {
        tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("something comes in time")
    }

    /// The next text, as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        loop {
            match self.message().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("expected a text, got {other:?}"),
            }
        }
    }

    pub(crate) async fn send(&mut self, value: &Value) {
        self.socket.send(Message::text(value.to_string())).await.unwrap();
    }

    /// Sends a request and gives its answer; data frames that come ahead of it are dropped.
    pub(crate) async fn ask(&mut self, method: &str, params: &[&str]) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({"method": method, "params": params, "id": id})).await;
        loop {
            let value = self.json().await;
            if value.get("id").is_some() {
                assert_eq!(value["id"], id);
                return value;
            }
        }
    }

    pub(crate) async fn subscribe(&mut self, streams: &[&str]) {
        assert_eq!(self.ask("SUBSCRIBE", streams).await["result"], Value::Null);
    }

    /// The close code, after whatever comes ahead of it.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            match self.message().await.expect("a close frame comes first") {
                Ok(Message::Close(frame)) => return frame.expect("a code").code.into(),
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

pub(crate) async fn get(simulator: &Simulator, path: &str) -> Answer {
    let mut socket = TcpStream::connect(simulator.addr()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: venue\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, socket.read_to_end(&mut bytes)).await.unwrap().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// "How to manage a local order book correctly", with every gap counted instead of healed.
#[derive(Default)]
pub(crate) struct LocalBook {
    pub(crate) update_id: u64,
    pub(crate) applied: u64,
    pub(crate) gaps: u64,
    bids: BTreeMap<Decimal, Decimal>,
    asks: BTreeMap<Decimal, Decimal>,
}

impl LocalBook {
    pub(crate) fn from_snapshot(snapshot: &Value) -> Self {
        let mut book = Self { update_id: snapshot["lastUpdateId"].as_u64().unwrap(), ..Self::default() };
        book.levels(&snapshot["bids"], &snapshot["asks"]);
        book
    }

    pub(crate) fn apply(&mut self, delta: &Value) {
        let (first, last) = (delta["U"].as_u64().unwrap(), delta["u"].as_u64().unwrap());
        if last <= self.update_id {
            return;
        }
        // The first one may reach back before the snapshot; each later one must follow.
        if first > self.update_id + 1 || (self.applied > 0 && first != self.update_id + 1) {
            self.gaps += 1;
        }
        self.levels(&delta["b"], &delta["a"]);
        self.applied += 1;
        self.update_id = last;
    }

    /// A delta of USD-M futures: their ids leave gaps, which `pu` bridges.
    pub(crate) fn take_futures(&mut self, delta: &Value) {
        let last = delta["u"].as_u64().unwrap();
        if last >= self.update_id {
            self.levels(&delta["b"], &delta["a"]);
            self.update_id = last;
        }
    }

    fn levels(&mut self, bids: &Value, asks: &Value) {
        for (side, levels) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for level in levels.as_array().unwrap() {
                let number = |index: usize| level[index].as_str().unwrap().parse::<Decimal>().unwrap();
                if number(1).is_zero() {
                    side.remove(&number(0));
                } else {
                    side.insert(number(0), number(1));
                }
            }
        }
    }

    pub(crate) fn view(&self, limit: usize) -> BookView {
        let copied = |(price, quantity): (&Decimal, &Decimal)| -> Level { (*price, *quantity) };
        BookView {
            update_id: self.update_id,
            bids: self.bids.iter().rev().take(limit).map(copied).collect(),
            asks: self.asks.iter().take(limit).map(copied).collect(),
        }
    }
}
