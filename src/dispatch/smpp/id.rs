//! Ids of messages in one form, however an SMSC writes them in its answers and in its receipts. Pure.

use serde::Deserialize;

/// How receipts write an id, against the answer to the submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptIds {
    /// As the answer.
    #[default]
    Same,
    /// The answer is hexadecimal, the receipt decimal.
    Decimal,
    /// The answer is decimal, the receipt hexadecimal.
    Hex,
}

impl ReceiptIds {
    /// The id in an answer. The answer's base is what ids are kept in, so that they are found in the SMSC's own log.
    pub fn of_answer(self, id: &str) -> String {
        plain(id)
    }

    /// The id in a receipt, which has it as a parameter, in its text, or both. The parameter is the answer's id again (SMPP 3.4,
    /// 5.3.2.12); an SMSC that puts the text's own spelling there has not read that far.
    pub fn of_receipt(self, parameter: Option<&str>, text: Option<&str>) -> Option<String> {
        match (parameter, text) {
            (Some(parameter), text) if text != Some(parameter) => Some(plain(parameter)),
            (_, text) => text.map(|text| self.turned(text)),
        }
    }

    fn turned(self, id: &str) -> String {
        let turned = match self {
            Self::Same => None,
            Self::Decimal => id.parse().ok().map(|n: u128| format!("{n:X}")),
            Self::Hex => u128::from_str_radix(id, 16).ok().map(|n| n.to_string()),
        };
        turned.unwrap_or_else(|| plain(id))
    }
}

/// Numbers and what may be one lose their leading zeros and get capitals: some SMSCs pad or spell the same id in two ways. What has other
/// letters is no number, and its case may count.
fn plain(id: &str) -> String {
    let is_number = !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit());
    match id.trim_start_matches('0') {
        _ if !is_number => id.to_owned(),
        "" => "0".to_owned(),
        short => short.to_ascii_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::ReceiptIds::{self, Decimal, Hex, Same};
    use proptest::prelude::*;

    #[test]
    fn an_id_is_the_same_however_it_is_written() {
        for (ids, answer, parameter, text) in [
            (Same, "0A1B", None, Some("a1b")),
            (Same, "0000000042", None, Some("42")),
            (Same, "42", Some("0042"), Some("something else")),
            (Same, "0", None, Some("000")),
            (Same, "7b2-Zz", Some("7b2-Zz"), None),
            (Decimal, "0A1B", None, Some("2587")),
            (Decimal, "a1b", None, Some("0000002587")),
            // Digits alone are hexadecimal too.
            (Decimal, "1234", None, Some("4660")),
            (Decimal, "1234", Some("1234"), Some("4660")),
            (Decimal, "1234", Some("4660"), Some("4660")),
            (Decimal, "0a1b", Some("0A1B"), None),
            (Hex, "4660", None, Some("00001234")),
            (Hex, "004660", None, Some("1234")),
            (Hex, "2587", Some("2587"), Some("a1b")),
            // No number: as it is.
            (Decimal, "msg-1", None, Some("msg-1")),
            (Hex, "msg-1", Some("msg-1"), Some("msg-1")),
        ] {
            let kept = ids.of_answer(answer);
            assert_eq!(
                ids.of_receipt(parameter, text),
                Some(kept),
                "{ids:?} {answer} {parameter:?} {text:?}"
            );
        }
        assert_eq!(Same.of_receipt(None, None), None);
        assert_eq!(
            (Same.of_answer(""), Same.of_answer("abZ")),
            (String::new(), "abZ".into())
        );
        // The case of what is no number may be all that tells two ids apart.
        assert_ne!(Same.of_answer("abZ"), Same.of_answer("aBZ"));
    }

    proptest! {
        #[test]
        fn every_number_comes_back(n: u128, zeros in 0usize..4, lower: bool) {
            let hex = format!("{}{n:X}", "0".repeat(zeros));
            let hex = if lower { hex.to_lowercase() } else { hex };
            let decimal = format!("{}{n}", "0".repeat(zeros));
            prop_assert_eq!(Some(Decimal.of_answer(&hex)), Decimal.of_receipt(None, Some(&decimal)));
            prop_assert_eq!(Some(Hex.of_answer(&decimal)), Hex.of_receipt(None, Some(&hex)));
            prop_assert_eq!(Some(Same.of_answer(&hex)), Same.of_receipt(None, Some(&format!("0{}", hex.to_uppercase()))));
        }

        #[test]
        fn two_numbers_are_never_one(a: u64, b: u64) {
            for ids in [Same, Decimal, Hex] as [ReceiptIds; 3] {
                prop_assert_eq!(ids.of_answer(&a.to_string()) == ids.of_answer(&b.to_string()), a == b);
            }
        }

        #[test]
        fn no_id_breaks_it(id in "\\PC{0,40}|[0-9A-Fa-f]{0,65}") {
            for ids in [Same, Decimal, Hex] as [ReceiptIds; 3] {
                let _ = (ids.of_answer(&id), ids.of_receipt(Some(&id), None), ids.of_receipt(None, Some(&id)));
            }
        }
    }
}
