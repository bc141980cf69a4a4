//! An e-mail as its bytes: plain text, with every header in a form that no text of ours can break out of. Pure.

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use url::Host;

use crate::core::sending::{Order, Recipient};
use crate::core::time::UnixMs;

/// Bytes of text in one encoded word, of which a line may have 76 characters (RFC 2047, 2).
const WORD_BYTES: usize = 39;
/// Bytes of text in one line of base64.
const LINE_BYTES: usize = 57;

/// Who writes: `Acme <codes@acme.example>`, or the address alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    name: Option<String>,
    /// In ASCII.
    pub address: String,
}

impl Author {
    pub fn parse(text: &str) -> Option<Self> {
        let (name, address) = match text.trim().strip_suffix('>') {
            Some(text) => {
                let (name, address) = text.rsplit_once('<')?;
                (name.trim().trim_matches('"'), address)
            }
            None => ("", text.trim()),
        };
        Recipient::email(address)?;
        // A second address would stand in the name.
        if name.contains(['<', '>']) {
            return None;
        }
        Some(Self {
            name: (!name.is_empty()).then(|| name.to_owned()),
            address: ascii(address)?,
        })
    }

    pub fn host(&self) -> &str {
        self.address.rsplit('@').next().unwrap_or_default()
    }
}

/// An address whose host is written in ASCII; `None` where what stands before it is not.
pub fn ascii(address: &str) -> Option<String> {
    let (local, host) = address.rsplit_once('@')?;
    let Host::Domain(host) = Host::parse(host).ok()? else {
        return None;
    };
    local.is_ascii().then(|| format!("{local}@{host}"))
}

/// The letter that an order becomes. `to` is an address in ASCII.
pub fn written(from: &Author, to: &str, (id, order): (&str, &Order), now: UnixMs) -> String {
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(now.0));
    let from = match &from.name {
        Some(name) => format!("{} <{}>", words(name), from.address),
        None => from.address.clone(),
    };
    let headers = [
        ("From", from),
        ("To", to.to_owned()),
        ("Subject", words(&order.subject)),
        // The same but for the name of the zone, which is obsolete here.
        ("Date", date.replace("GMT", "+0000")),
        ("Message-ID", format!("<{id}>")),
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Type", "text/plain; charset=utf-8".to_owned()),
        ("Content-Transfer-Encoding", "base64".to_owned()),
    ];
    let mut letter = String::new();
    for (name, value) in headers {
        letter.push_str(&format!("{name}: {value}\r\n"));
    }
    let text = order.text.replace("\r\n", "\n").replace('\n', "\r\n");
    for line in text.as_bytes().chunks(LINE_BYTES) {
        letter.push_str("\r\n");
        letter.push_str(&BASE64_STANDARD.encode(line));
    }
    letter.push_str("\r\n");
    letter
}

/// Text of a header: itself where it is plain, else encoded words, each of whole characters.
fn words(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " !'*+-/.".contains(c);
    if text.len() <= 60 && text.chars().all(plain) && text.trim() == text {
        return text.to_owned();
    }
    let mut pieces = vec![String::new()];
    for character in text.chars() {
        let full = pieces
            .last()
            .is_some_and(|piece| piece.len() + character.len_utf8() > WORD_BYTES);
        if full {
            pieces.push(String::new());
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
    }
    let words = pieces
        .iter()
        .map(|piece| format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(piece)));
    words.collect::<Vec<_>>().join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(subject: &str, text: &str) -> Order {
        Order {
            key: "k1".into(),
            to: Recipient::email("ann@example.com").unwrap(),
            text: text.into(),
            code: None,
            language: "en".into(),
            subject: subject.into(),
            extension: None,
        }
    }

    fn letter(from: &str, subject: &str, text: &str) -> String {
        let from = Author::parse(from).unwrap();
        let now = UnixMs(784_111_777_000);
        written(
            &from,
            "ann@example.com",
            ("k1@acme.example", &order(subject, text)),
            now,
        )
    }

    #[test]
    fn a_letter_as_it_goes_out() {
        assert_eq!(
            letter("Acme <codes@acme.example>", "Your code", "Your code is 123456.\n"),
            "From: Acme <codes@acme.example>\r\nTo: ann@example.com\r\nSubject: Your code\r\n\
             Date: Sun, 06 Nov 1994 08:49:37 +0000\r\nMessage-ID: <k1@acme.example>\r\nAuto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
             WW91ciBjb2RlIGlzIDEyMzQ1Ni4NCg==\r\n"
        );
        let umlauts = letter(
            "\"Überall, GmbH\" <a@exämple.de>",
            "Ihr Bestätigungscode für die Anmeldung bei Überall",
            "x",
        );
        assert!(
            umlauts.starts_with("From: =?utf-8?B?w5xiZXJhbGwsIEdtYkg=?= <a@xn--exmple-cua.de>\r\n"),
            "{umlauts}"
        );
        assert!(umlauts.lines().all(|line| line.len() <= 78), "{umlauts}");
    }

    #[test]
    fn an_author_is_one_address() {
        for bad in [
            "",
            "Acme",
            "Acme <codes@acme.example",
            "a@b.example, c@d.example",
            "Acme <a@b.example> <c@d.example>",
            "zoë@b.example",
        ] {
            assert_eq!(Author::parse(bad).map(|author| author.address), None, "{bad}");
        }
        assert_eq!(
            Author::parse("codes@acme.example").unwrap().host(),
            "acme.example"
        );
    }

    proptest! {
        /// Whatever is said, the headers are those nine, and the text comes back.
        #[test]
        fn nothing_becomes_a_header(subject in "[\\PC\r\n:]{0,120}", text in "\\PC{0,200}", name in "[\\PC\r\n]{0,30}") {
            let from = Author { name: Some(name), address: "codes@acme.example".into() };
            let order = order(&subject, &text);
            let letter = written(&from, "ann@example.com", ("k1@acme.example", &order), UnixMs(0));
            let (head, body) = letter.split_once("\r\n\r\n").unwrap();
            let unfolded = head.replace("\r\n ", " ");
            prop_assert_eq!(unfolded.split("\r\n").count(), 9);
            prop_assert!(letter.is_ascii() && letter.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
            let encoded: String = body.split_whitespace().collect();
            prop_assert_eq!(BASE64_STANDARD.decode(encoded).unwrap(), text.into_bytes());
        }
    }
}
