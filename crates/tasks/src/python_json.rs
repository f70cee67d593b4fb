//! JSON text as Python's `json.dumps` writes it: `", "` and `": "` between the parts, floats as `repr`.

use serde_json::Value;

/// The text of a value, keys in their order.
pub(crate) fn dumps(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push_str(": ");
                write(item, out);
            }
            out.push('}');
        }
        Value::Number(number) if number.is_f64() => {
            out.push_str(&float_repr(number.as_f64().unwrap_or(f64::NAN)));
        }
        other => out.push_str(&other.to_string()),
    }
}

/// Python's `repr` of a finite float: the shortest digits that give the same number back, with an exponent if the
/// decimal exponent is below -4 or at least 16.
fn float_repr(x: f64) -> String {
    let scientific = format!("{x:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        let plain = x.to_string();
        if plain.contains('.') { plain } else { plain + ".0" }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn floats_are_pythons_repr() {
        // Left: as printed by Python 3.
        let check = |repr: &str, x: f64| assert_eq!(float_repr(x), repr);
        check("1e-05", 1e-5);
        check("2.154760864017175e-05", 2.154760864017175e-5);
        check("0.0001", 1e-4);
        check("0.0", 0.0);
        check("-1.5", -1.5);
        check("1000000000000000.0", 1e15);
        check("1e+16", 1e16);
        check("1.25e+100", 1.25e100);
        check("0.30000000000000004", 0.1 + 0.2);
    }

    #[test]
    fn separators_are_pythons() {
        let value = json!({"b": [1, 2.0, null, true], "a": {"x": "q\"", "y": []}});
        assert_eq!(dumps(&value), r#"{"b": [1, 2.0, null, true], "a": {"x": "q\"", "y": []}}"#);
    }

    proptest! {
        #[test]
        fn every_float_reads_back(bits: u64) {
            let x = f64::from_bits(bits);
            prop_assume!(x.is_finite());
            prop_assert_eq!(float_repr(x).parse::<f64>().unwrap().to_bits(), x.to_bits());
        }
    }
}
