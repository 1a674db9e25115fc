//! How each venue acknowledges what it is asked, in its usual forms.

use serde_json::{Value, json};

/// Whether a message subscribes to something.
pub(crate) fn subscribes(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("subscri") && !message.contains("unsubscri")
}

/// The id that a request carries, as it stands there.
pub(crate) fn id(message: &str) -> String {
    let parsed: Value = serde_json::from_str(message).unwrap_or_default();
    let id = ["id", "req_id"].into_iter().find_map(|name| parsed.get(name)).cloned().unwrap_or_default();
    match id {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The usual answers to a message.
pub(crate) fn answers(venue: &str, message: &str) -> Vec<String> {
    if message == "ping" {
        return vec!["pong".to_owned()];
    }
    let Ok(request) = serde_json::from_str::<Value>(message) else { return Vec::new() };
    let texts = |value: &Value| value.as_array().cloned().unwrap_or_default();
    match venue {
        "binance" | "binance-usdm" => vec![json!({"result": null, "id": request["id"]}).to_string()],
        "bybit" | "bybit-linear" if request["op"] == "ping" => {
            vec![json!({"success": true, "ret_msg": "pong", "conn_id": "c", "op": "ping"}).to_string()]
        }
        "bybit" | "bybit-linear" => vec![
            json!({"success": true, "ret_msg": "", "conn_id": "c", "req_id": request["req_id"], "op": request["op"]})
                .to_string(),
        ],
        "okx" => texts(&request["args"])
            .iter()
            .map(|arg| json!({"event": request["op"], "arg": arg, "connId": "c"}).to_string())
            .collect(),
        "kraken" if request["method"] == "ping" => {
            let now = "2026-01-01T00:00:00Z";
            vec![json!({"method": "pong", "time_in": now, "time_out": now}).to_string()]
        }
        "kraken" => texts(&request["params"]["symbol"])
            .iter()
            .map(|symbol| {
                let result = json!({"channel": request["params"]["channel"], "symbol": symbol});
                let id = &request["req_id"];
                json!({"method": request["method"], "result": result, "success": true, "req_id": id}).to_string()
            })
            .collect(),
        "coinbase" => vec![json!({"type": "subscriptions", "channels": request["channels"]}).to_string()],
        "hyperliquid" if request["method"] == "ping" => vec![json!({"channel": "pong"}).to_string()],
        "hyperliquid" => {
            let data = json!({"method": request["method"], "subscription": request["subscription"]});
            vec![json!({"channel": "subscriptionResponse", "data": data}).to_string()]
        }
        _ => Vec::new(),
    }
}
