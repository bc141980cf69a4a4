//! The other forms of a body that mean the same: what a framework or a proxy makes of it when it reads and writes it again.

/// A body that says the same, and what is different about it.
pub struct Form {
    pub bytes: Vec<u8>,
    pub difference: String,
}

/// Other bytes with the same meaning, without those given.
pub fn others(body: &[u8]) -> Vec<Form> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Vec::new();
    };
    let mut forms = vec![
        form(text.trim_end().to_owned(), "without the white space at its end"),
        form(format!("{text}\n"), "with a line break at its end"),
        form(text.replace("\r\n", "\n"), "with LF as line ends"),
        form(
            text.replace("\r\n", "\n").replace('\n', "\r\n"),
            "with CR LF as line ends",
        ),
    ];
    if text.trim_start().starts_with(['{', '[']) {
        for spacing in SPACINGS {
            for escaping in ESCAPINGS {
                let said = [spacing.1, escaping.1]
                    .into_iter()
                    .filter(|part| !part.is_empty());
                let said: Vec<&str> = said.collect();
                forms.extend(
                    rewritten(text, spacing.0, escaping.0)
                        .map(|bytes| form(bytes, &format!("with its JSON written {}", said.join(", ")))),
                );
            }
        }
    }
    forms.retain(|form| form.bytes != body);
    forms
}

fn form(text: String, difference: &str) -> Form {
    Form {
        bytes: text.into_bytes(),
        difference: difference.to_owned(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spacing {
    AsItIs,
    /// As JavaScript, Go and Ruby write it.
    Compact,
    /// As Python writes it.
    Wide,
}

const SPACINGS: [(Spacing, &str); 3] = [
    (Spacing::Compact, "without white space"),
    (Spacing::Wide, "with a space after each `,` and `:`"),
    (Spacing::AsItIs, ""),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escaping {
    AsItIs,
    /// No escape that JSON does not ask for.
    Plain,
    /// As Python writes it.
    Ascii,
    /// As PHP writes it.
    AsciiAndSlash,
}

const ESCAPINGS: [(Escaping, &str); 4] = [
    (Escaping::AsItIs, ""),
    (Escaping::Plain, "with characters beyond ASCII as they are"),
    (Escaping::Ascii, "with characters beyond ASCII as \\uXXXX"),
    (
        Escaping::AsciiAndSlash,
        "with characters beyond ASCII as \\uXXXX and `/` as `\\/`",
    ),
];

/// The document with other white space and other escapes, its members and numbers as they are; `None` if it is no JSON.
fn rewritten(text: &str, spacing: Spacing, escaping: Escaping) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' {
            string_length(rest)?
        } else {
            first.len_utf8()
        };
        let (token, tail) = rest.split_at(length);
        rest = tail;
        match first {
            '"' => out.push_str(&escaped(token, escaping)?),
            _ if first.is_ascii_whitespace() && spacing != Spacing::AsItIs => {}
            ',' | ':' if spacing == Spacing::Wide => out.extend([first, ' ']),
            _ => out.push(first),
        }
    }
    Some(out)
}

/// How long the string is that `text` begins with, both quotes included.
fn string_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map(|at| at + 2)
}

fn escaped(token: &str, escaping: Escaping) -> Option<String> {
    if escaping == Escaping::AsItIs {
        return Some(token.to_owned());
    }
    let text: String = serde_json::from_str(token).ok()?;
    let plain = serde_json::to_string(&text).ok()?;
    if escaping == Escaping::Plain {
        return Some(plain);
    }
    let mut out = String::with_capacity(plain.len());
    for character in plain.chars() {
        match character {
            '/' if escaping == Escaping::AsciiAndSlash => out.push_str("\\/"),
            _ if character.is_ascii() => out.push(character),
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_as_others_write_it() {
        let written =
            |spacing, escaping| rewritten("{ \"a/b\" : [1.0,\"ä\\\"😀\"]}", spacing, escaping).unwrap();
        assert_eq!(
            written(Spacing::Compact, Escaping::AsItIs),
            "{\"a/b\":[1.0,\"ä\\\"😀\"]}"
        );
        assert_eq!(
            written(Spacing::Wide, Escaping::Ascii),
            "{\"a/b\": [1.0, \"\\u00e4\\\"\\ud83d\\ude00\"]}"
        );
        assert_eq!(
            written(Spacing::Compact, Escaping::AsciiAndSlash),
            "{\"a\\/b\":[1.0,\"\\u00e4\\\"\\ud83d\\ude00\"]}"
        );
        assert_eq!(rewritten("{\"a", Spacing::Compact, Escaping::AsItIs), None);
    }

    #[test]
    fn the_given_form_is_not_among_the_others() {
        assert!(
            others(br#"{"a":1}"#)
                .iter()
                .all(|form| form.bytes != br#"{"a":1}"#)
        );
        assert!(others(b"\xff").is_empty());
    }
}
