//! What a call says: the text with its code digit by digit, twice, as the XML that Twilio and Telnyx both read; before it the keys of an
//! extension.

use crate::core::sending::{Class, Order, Refusal};

/// How often it is said: who picks up the phone does not hear the beginning.
const TIMES: usize = 2;

/// The languages of the voices that both providers have, for those who name no region.
const REGIONS: [(&str, &str); 16] = [
    ("da", "da-DK"),
    ("de", "de-DE"),
    ("en", "en-US"),
    ("es", "es-ES"),
    ("fi", "fi-FI"),
    ("fr", "fr-FR"),
    ("it", "it-IT"),
    ("ja", "ja-JP"),
    ("ko", "ko-KR"),
    ("nb", "nb-NO"),
    ("nl", "nl-NL"),
    ("pl", "pl-PL"),
    ("pt", "pt-BR"),
    ("ru", "ru-RU"),
    ("sv", "sv-SE"),
    ("zh", "zh-CN"),
];

/// The document that says an order; a refusal where its extension cannot be dialled.
pub fn xml(order: &Order) -> Result<String, Refusal> {
    let dialled = order.extension.as_deref().map(dialled).transpose()?;
    let text = escaped(&spoken(&order.text, order.code.as_deref()));
    let language = match voice(&order.language) {
        Some(language) => format!(" language=\"{}\"", escaped(&language)),
        None => String::new(),
    };
    let say = format!("<Say{language}>{text}</Say>");
    let verbs: Vec<String> = dialled.into_iter().chain(vec![say; TIMES]).collect();
    let verbs = verbs.join("<Pause length=\"1\"/>");
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{verbs}</Response>"
    ))
}

/// The verb that presses keys. Both providers know `w` alone to wait by, and no letters.
fn dialled(extension: &str) -> Result<String, Refusal> {
    let keys = extension.replace('W', "ww");
    if !keys.bytes().all(|b| b.is_ascii_digit() || b"*#w".contains(&b)) {
        let reason = "this provider presses 0-9, * and # alone: leave A to D out of the extension";
        return Err(Refusal::new(Class::ContentRefused, reason));
    }
    Ok(format!("<Play digits=\"{keys}\"/>"))
}

/// Text with the code's characters apart, so that 1234 is not read as a number of four digits.
fn spoken(text: &str, code: Option<&str>) -> String {
    let Some(code) = code.filter(|code| !code.is_empty()) else {
        return text.to_owned();
    };
    let characters: Vec<String> = code.chars().map(String::from).collect();
    text.replace(code, &characters.join(", "))
}

/// `None` where the language is not known to have a voice: then it is the provider's usual one.
fn voice(language: &str) -> Option<String> {
    if let Some((_, full)) = REGIONS.iter().find(|(short, _)| *short == language) {
        return Some((*full).to_owned());
    }
    let (short, region) = language.split_once('-')?;
    let known = short.len() == 2
        && region.len() == 2
        && language.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    known.then(|| format!("{}-{}", short.to_ascii_lowercase(), region.to_ascii_uppercase()))
}

/// Text as XML 1.0 may hold it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // What XML cannot hold at all, even escaped.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::phone::PhoneNumber;
    use crate::core::sending::Recipient;
    use proptest::prelude::*;

    fn order(text: &str, code: &str, language: &str) -> Order {
        Order {
            key: String::new(),
            to: Recipient::Phone(PhoneNumber::parse("+12025550143").unwrap()),
            text: text.into(),
            code: Some(code.into()),
            language: language.into(),
            subject: String::new(),
            extension: None,
        }
    }

    #[test]
    fn a_code_is_said_twice_and_digit_by_digit() {
        let said = "<Say language=\"en-US\">Your code is 1, 2, 3, 4.</Say>";
        assert_eq!(
            xml(&order("Your code is 1234.", "1234", "en")).unwrap(),
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{said}<Pause length=\"1\"/>{said}</Response>"
            )
        );
        for (language, voice) in [
            ("pt-PT", " language=\"pt-PT\""),
            ("PT-pt", " language=\"pt-PT\""),
            ("xx", ""),
            ("", ""),
            ("e\"-x<", ""),
        ] {
            let xml = xml(&order("a", "", language)).unwrap();
            assert!(xml.contains(&format!("<Say{voice}>a</Say>")), "{language}: {xml}");
        }
    }

    #[test]
    fn an_extension_is_dialled_first_and_only_where_it_can_be() {
        let with = |extension: &str| {
            xml(&Order {
                extension: Some(extension.into()),
                ..order("a", "", "en")
            })
        };
        let said = "<Say language=\"en-US\">a</Say>";
        let pause = "<Pause length=\"1\"/>";
        assert_eq!(
            with("wW12*#w").unwrap(),
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Play digits=\"www12*#w\"/>{pause}{said}{pause}{said}</Response>"
            )
        );
        for no in ["1A", "12,3", "1\"/><Hangup/>"] {
            assert_eq!(with(no).unwrap_err().class, Class::ContentRefused, "{no}");
        }
    }

    proptest! {
        /// Whatever the text, the document has the same elements and nothing else.
        #[test]
        fn nothing_breaks_out_of_the_text(text in "[\\PC<>&\"'/\u{0}-\u{1f}]{0,80}", code in "\\PC{0,8}", language in "\\PC{0,8}") {
            let xml = xml(&order(&text, &code, &language)).unwrap();
            let tags: Vec<&str> = xml.split('<').skip(1).filter_map(|piece| piece.split(['>', ' ', '/']).find(|name| !name.is_empty())).collect();
            prop_assert_eq!(tags, ["?xml", "Response", "Say", "Say", "Pause", "Say", "Say", "Response"]);
            prop_assert!(!xml.chars().any(char::is_control));
            prop_assert_eq!(xml.matches('"').count() % 2, 0);
        }
    }
}
