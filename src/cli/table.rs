//! Lists on the terminal: a line per row, columns as wide as they must be, nothing that could drive a terminal.

use serde_json::Value;

/// These members of each row below their names.
pub fn table(columns: &[&str], rows: &[Value]) -> String {
    let heads = columns.iter().map(|column| (*column).to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(heads)
        .chain(
            rows.iter()
                .map(|row| columns.iter().map(|column| text(&row[*column])).collect()),
        )
        .collect();
    let width = |at: usize| {
        lines
            .iter()
            .map(|line| line[at].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    lines.iter().fold(String::new(), |printed, line| {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        printed + cells.join("  ").trim_end() + "\n"
    })
}

/// A value in one cell; an empty or an absent one is a dash, so that columns can be counted.
fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::Array(texts) => texts.iter().map(text).collect::<Vec<_>>().join(","),
        Value::String(text) => text.chars().filter(|c| !c.is_control()).collect(),
        other => other.to_string(),
    };
    if text.is_empty() { "-".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_line_up_and_nothing_is_left_out() {
        let rows = [
            json!({ "id": "acme", "keys": ["1", "2"], "name": null }),
            json!({ "id": "x", "keys": 1, "name": "a\u{1b}[2Jb" }),
        ];
        assert_eq!(
            table(&["id", "keys", "name"], &rows),
            "id    keys  name\nacme  1,2   -\nx     1     a[2Jb\n"
        );
    }
}
