//! A benchmark's result as a table for people and as one JSON object for programs.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::measure::Machine;

/// The result of one benchmark.
pub struct Report {
    /// What one line stands for, and what its figures mean.
    pub notes: &'static str,
    /// The promised members of the JSON object: the figures at the size that the targets name.
    pub headline: Map<String, Value>,
    /// Every measured line; a figure over several rounds is an object of median, min and max.
    pub lines: Vec<Map<String, Value>>,
}

/// A flat struct as a line of the report.
pub fn line(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

impl Report {
    pub fn json(&self, machine: &Machine, command: &str) -> Value {
        let mut all = self.headline.clone();
        all.insert("command".into(), command.into());
        all.insert("machine".into(), json!(machine));
        all.insert("notes".into(), self.notes.into());
        all.insert("lines".into(), json!(self.lines));
        Value::Object(all)
    }

    pub fn table(&self, machine: &Machine, command: &str) -> String {
        let mut text = format!("$ {command}\n");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}\n", json!(machine));
        for line in &self.lines {
            for (name, value) in line {
                let _ = writeln!(text, "  {name:<28} {}", shown(value));
            }
            text.push('\n');
        }
        text + self.notes + "\n"
    }
}

/// A figure, or its median and what it lay between.
fn shown(value: &Value) -> String {
    match (&value["median"], &value["min"], &value["max"]) {
        (Value::Null, ..) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        (median, min, max) => format!("{median}  ({min} to {max})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_shown_with_its_extremes() {
        assert_eq!(
            shown(&json!({ "median": 2.0, "min": 1.0, "max": 3.5 })),
            "2.0  (1.0 to 3.5)"
        );
        assert_eq!(
            (shown(&json!("loopback")), shown(&json!(4))),
            ("loopback".to_owned(), "4".to_owned())
        );
    }
}
