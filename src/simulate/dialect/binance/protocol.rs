//! What clients say on the websocket, and what Binance answers.
//!
//! Owns the requests of the market streams and the texts of acknowledgements and errors ("Live Subscribing/Unsubscribing
//! to streams" in Binance's websocket documentation; the envelope `{"error":{..},"id":..}` as seen in clients' logs). Never
//! does I/O. The venue parses with `serde_json` itself, so its error texts come out alike.

use serde_json::{Map, Value};

/// The most parameters in one request.
const PARAMS_MAX: usize = 1024;
const METHODS: &str = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`";

/// The `id` of a request, as JSON text; echoed as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestId(String);

/// What a client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Subscribe(Vec<String>),
    Unsubscribe(Vec<String>),
    List,
    /// Whether frames come in the combined form.
    SetCombined(bool),
    GetCombined,
}

/// A request that Binance would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) action: Action,
}

/// Parses a client's message; the error is the text of the venue's reply.
pub(super) fn parse(text: &str) -> Result<Request, String> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| error_reply(3, &format!("Invalid JSON: {error}"), None))?;
    let Value::Object(object) = value else {
        return Err(error_reply(2, "Invalid request: expected an object", None));
    };
    let id = read_id(object.get("id"))?;
    let action = read_action(&object).map_err(|(code, problem)| error_reply(code, &problem, Some(&id)))?;
    Ok(Request { id, action })
}

fn read_id(value: Option<&Value>) -> Result<RequestId, String> {
    let valid = match value {
        Some(Value::Number(number)) => number.is_i64() || number.is_u64(),
        Some(Value::String(text)) => {
            text.len() <= 36 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        }
        Some(Value::Null) => true,
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => false,
    };
    match value {
        Some(value) if valid => Ok(RequestId(value.to_string())),
        _ => Err(error_reply(2, "Invalid request: request ID must be an unsigned integer", None)),
    }
}

type Problem = (u8, String);

fn read_action(object: &Map<String, Value>) -> Result<Action, Problem> {
    let method = match object.get("method") {
        Some(Value::String(method)) => method.as_str(),
        Some(_) => return Err(invalid("method must be a string")),
        None => return Err(invalid("missing field `method`")),
    };
    match method {
        "SUBSCRIBE" => Ok(Action::Subscribe(read_streams(object)?)),
        "UNSUBSCRIBE" => Ok(Action::Unsubscribe(read_streams(object)?)),
        "LIST_SUBSCRIPTIONS" => Ok(Action::List),
        "SET_PROPERTY" => match params(object)? {
            [Value::String(name), Value::Bool(on)] if name == "combined" => Ok(Action::SetCombined(*on)),
            [Value::String(name), _] if name == "combined" => {
                Err((1, "Invalid value type: expected Boolean".to_owned()))
            }
            other => Err(unknown_property(other)),
        },
        "GET_PROPERTY" => match params(object)? {
            [Value::String(name)] if name == "combined" => Ok(Action::GetCombined),
            other => Err(unknown_property(other)),
        },
        other => Err(invalid(&format!("unknown variant `{other}`, expected one of {METHODS}"))),
    }
}

fn invalid(problem: &str) -> Problem {
    (2, format!("Invalid request: {problem}"))
}

fn unknown_property(params: &[Value]) -> Problem {
    match params.first() {
        Some(Value::String(_)) if params.len() > 2 => invalid("too many parameters"),
        Some(Value::String(_)) => (0, "Unknown property".to_owned()),
        _ => invalid("property name must be a string"),
    }
}

fn params(object: &Map<String, Value>) -> Result<&[Value], Problem> {
    match object.get("params") {
        Some(Value::Array(params)) if params.len() > PARAMS_MAX => Err(invalid("too many parameters")),
        Some(Value::Array(params)) => Ok(params),
        Some(_) => Err(invalid("params must be an array")),
        None => Err(invalid("missing field `params`")),
    }
}

fn read_streams(object: &Map<String, Value>) -> Result<Vec<String>, Problem> {
    params(object)?
        .iter()
        .map(|param| match param {
            Value::String(name) if is_stream_name(name) => Ok(name.clone()),
            _ => Err(invalid("invalid stream")),
        })
        .collect()
}

/// Whether a text has the form of a stream's name. An unknown stream is acknowledged, and silent ever after.
pub(super) fn is_stream_name(text: &str) -> bool {
    text.len() <= 128 && text.contains('@') && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// The acknowledgement of a request.
pub(super) fn acknowledged(id: &RequestId) -> String {
    result("null", id)
}

/// An answer with a result, given as JSON text.
pub(super) fn result(json: &str, id: &RequestId) -> String {
    format!("{{\"result\":{json},\"id\":{}}}", id.0)
}

/// An error as Binance replies to a bad request.
pub(super) fn error_reply(code: u8, message: &str, id: Option<&RequestId>) -> String {
    let message = Value::String(message.to_owned());
    let id = id.map(|id| format!(",\"id\":{}", id.0)).unwrap_or_default();
    format!("{{\"error\":{{\"code\":{code},\"msg\":{message}}}{id}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_acknowledged_under_its_own_id() {
        for (id, expected) in [("1", "1"), ("-3", "-3"), ("\"ab-1\"", "\"ab-1\""), ("null", "null")] {
            let text = format!(r#"{{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":{id}}}"#);
            let request = parse(&text).unwrap();
            assert_eq!(request.action, Action::Subscribe(vec!["btcusdt@trade".to_owned()]));
            assert_eq!(acknowledged(&request.id), format!(r#"{{"result":null,"id":{expected}}}"#));
        }
    }

    #[test]
    fn a_bad_request_is_answered_with_the_venues_error() {
        for (text, expected) in [
            ("nonsense", r#"{"error":{"code":3,"msg":"Invalid JSON: expected ident at line 1 column 2"}}"#),
            (
                r#"{"method":"SUBSCRIBE","params":["a b"],"id":2}"#,
                r#"{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":2}"#,
            ),
            (
                r#"{"params":["a@b"],"id":3}"#,
                r#"{"error":{"code":2,"msg":"Invalid request: missing field `method`"},"id":3}"#,
            ),
            (
                r#"{"method":"SUBSCRIBE","params":["a@b"],"id":1.5}"#,
                r#"{"error":{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"}}"#,
            ),
            (
                r#"{"method":"SET_PROPERTY","params":["combined",1],"id":4}"#,
                r#"{"error":{"code":1,"msg":"Invalid value type: expected Boolean"},"id":4}"#,
            ),
            (
                r#"{"method":"GET_PROPERTY","params":["colour"],"id":5}"#,
                r#"{"error":{"code":0,"msg":"Unknown property"},"id":5}"#,
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), expected, "{text}");
        }
        let reply = parse(r#"{"method":"SUBSCRIB","params":[],"id":1}"#).unwrap_err();
        assert!(reply.contains("unknown variant `SUBSCRIB`, expected one of `SUBSCRIBE`"), "{reply}");
    }
}
