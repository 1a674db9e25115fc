//! Taking the crate's values apart.
//!
//! Owns what RESP2 and RESP3 say in different ways. Never allocates, never fails louder than with `None`.

use redis::Value;

/// A text.
pub(super) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        Value::VerbatimString { text, .. } => Some(text),
        _ => None,
    }
}

/// A list.
pub(super) fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) | Value::Set(items) => Some(items),
        _ => None,
    }
}

/// A named item of a map, which RESP2 writes as a list of names and values in turn.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Map(pairs) => pairs.iter().find(|(key, _)| text(key) == Some(name)).map(|(_, item)| item),
        Value::Array(flat) => flat.chunks_exact(2).find(|pair| text(&pair[0]) == Some(name))?.last(),
        _ => None,
    }
}

/// The value of `name` in the lines `name:value` of `INFO` and `CLUSTER INFO`.
pub(super) fn line<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .filter_map(|line| line.trim_end().split_once(':'))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_read_the_same_in_both_protocols() {
        let (key, item) = (Value::BulkString(b"ip".to_vec()), Value::Int(7));
        for map in [Value::Map(vec![(key.clone(), item.clone())]), Value::Array(vec![key, item])] {
            assert_eq!(field(&map, "ip"), Some(&Value::Int(7)));
            assert_eq!(field(&map, "port"), None);
        }
        assert_eq!(field(&Value::Array(vec![Value::SimpleString("ip".to_owned())]), "ip"), None);
    }

    #[test]
    fn a_line_is_found_by_its_whole_name() {
        let info = "# Memory\r\nused_memory_peak:9\r\nused_memory:7\r\nmaxmemory_policy:volatile-lru\r\n";
        assert_eq!(line(info, "used_memory"), Some("7"));
        assert_eq!(line(info, "maxmemory_policy"), Some("volatile-lru"));
        assert_eq!(line(info, "maxmemory"), None);
    }
}
