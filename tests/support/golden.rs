//! What the golden vectors of the wire contract must read as, without any of the project's number code.

use serde_json::Value;

pub(crate) fn check_golden(entity: &str, vector: &Value, object: &Value) {
    let name = vector["name"].as_str().unwrap();
    assert_eq!(object["epoch"], vector["epoch"], "{name}");
    assert_eq!(object["sequence"], vector["sequence"], "{name}");
    let record = vector["record"].as_array().unwrap();
    // (field, item, item of its scale)
    let fields: &[(&str, usize, usize)] = match entity {
        "price" => &[
            ("bid", 9, 6),
            ("bid_size", 10, 7),
            ("ask", 11, 6),
            ("ask_size", 12, 7),
            ("last", 14, 6),
            ("last_size", 15, 7),
        ],
        "liquidity" => {
            &[("bid_prices", 9, 6), ("bid_sizes", 10, 7), ("ask_prices", 11, 6), ("ask_sizes", 12, 7)]
        }
        _ => &[
            ("base_volume", 9, 7),
            ("quote_volume", 10, 8),
            ("open", 12, 6),
            ("high", 13, 6),
            ("low", 14, 6),
            ("last", 15, 6),
        ],
    };
    for &(field, item, scale) in fields {
        let digits = usize::try_from(record[scale].as_u64().unwrap()).unwrap();
        assert_eq!(object[field], decimal(&record[item], digits), "{name}: {field}");
    }
    let times = [("venue_time", 2), ("receive_time", 3), ("confirmed_time", 4), ("publish_time", 5)];
    for (field, item) in times {
        assert_eq!(object[field].to_string(), record[item].to_string().trim_matches('"'), "{name}: {field}");
    }
}

/// A mantissa as the decimal text that `--json` must print, without any of the project's number code.
pub(crate) fn decimal(mantissa: &Value, digits: usize) -> Value {
    match mantissa {
        Value::Array(items) => items.iter().map(|item| decimal(item, digits)).collect(),
        Value::Null => Value::Null,
        other => {
            let text = format!("{:0>width$}", other.to_string().trim_matches('"'), width = digits + 1);
            let (whole, fraction) = text.split_at(text.len() - digits);
            if digits == 0 { whole.into() } else { format!("{whole}.{fraction}").into() }
        }
    }
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
