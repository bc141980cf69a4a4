//! How many SMS a text becomes, and their bytes: GSM 03.38 with its extension table, else UCS-2 (3GPP TS 23.038, 23.040).

use super::charset::{GSM, GSM_ESCAPE, GSM_EXTENSION};

/// Units of one SMS that stands alone, and of one that has the header which joins several.
const GSM7_ALONE: usize = 160;
const GSM7_JOINED: usize = 153;
const UCS2_ALONE: usize = 70;
const UCS2_JOINED: usize = 67;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Units are septets.
    Gsm7,
    /// Units are two bytes; what is outside of Unicode's first plane takes two.
    Ucs2,
}

impl Encoding {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }

    fn limits(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (GSM7_ALONE, GSM7_JOINED),
            Self::Ucs2 => (UCS2_ALONE, UCS2_JOINED),
        }
    }
}

/// A text as it goes over the air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub encoding: Encoding,
    /// Septets, or pairs of bytes.
    pub units: usize,
    /// The bytes of each SMS: septets one to a byte, or UCS-2 in network order. Never empty: an empty text is one empty SMS.
    pub parts: Vec<Vec<u8>>,
}

impl Encoded {
    pub fn segments(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX)
    }
}

/// Encodes a text in as few SMS as there can be; one character outside GSM 03.38 makes all of it UCS-2.
pub fn encode(text: &str) -> Encoded {
    let septets: Option<Vec<Units>> = text.chars().map(septets).collect();
    match septets {
        Some(characters) => divide(Encoding::Gsm7, &characters),
        None => divide(Encoding::Ucs2, &text.chars().map(utf16).collect::<Vec<_>>()),
    }
}

/// The bytes of one character, which are never torn apart: one or two units.
type Units = (Vec<u8>, usize);

fn septets(character: char) -> Option<Units> {
    if let Some(code) = GSM.chars().position(|c| c == character) {
        // What stands in the escape's place is for reading alone.
        return Some((
            vec![u8::try_from(code).ok().filter(|code| *code != GSM_ESCAPE)?],
            1,
        ));
    }
    let (code, _) = GSM_EXTENSION.iter().find(|(_, c)| *c == character)?;
    Some((vec![GSM_ESCAPE, *code], 2))
}

fn utf16(character: char) -> Units {
    let mut buffer = [0; 2];
    let units = character.encode_utf16(&mut buffer);
    let bytes = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    (bytes, units.len())
}

fn divide(encoding: Encoding, characters: &[Units]) -> Encoded {
    let units = characters.iter().map(|(_, units)| units).sum();
    let (alone, joined) = encoding.limits();
    let room = if units <= alone { alone } else { joined };
    let (mut parts, mut left) = (vec![Vec::new()], room);
    for (bytes, units) in characters {
        if *units > left {
            parts.push(Vec::new());
            left = room;
        }
        left -= units;
        if let Some(part) = parts.last_mut() {
            part.extend_from_slice(bytes);
        }
    }
    Encoded {
        encoding,
        units,
        parts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::charset::{gsm, ucs2};
    use proptest::prelude::*;

    fn shape(text: &str) -> (Encoding, usize, u32) {
        let encoded = encode(text);
        (encoded.encoding, encoded.units, encoded.segments())
    }

    #[test]
    fn the_limits_are_those_of_the_standard() {
        use Encoding::{Gsm7, Ucs2};
        for (text, expected) in [
            (String::new(), (Gsm7, 0, 1)),
            ("a".repeat(160), (Gsm7, 160, 1)),
            ("a".repeat(161), (Gsm7, 161, 2)),
            ("a".repeat(306), (Gsm7, 306, 2)),
            ("a".repeat(307), (Gsm7, 307, 3)),
            ("€".repeat(80), (Gsm7, 160, 1)),
            ("€".repeat(81), (Gsm7, 162, 2)),
            // 153 is odd: the pair of an escape is not torn, so each part holds 76 of them.
            ("€".repeat(152), (Gsm7, 304, 2)),
            ("€".repeat(153), (Gsm7, 306, 3)),
            ("Ж".repeat(70), (Ucs2, 70, 1)),
            ("Ж".repeat(71), (Ucs2, 71, 2)),
            ("Ж".repeat(134), (Ucs2, 134, 2)),
            ("Ж".repeat(135), (Ucs2, 135, 3)),
            ("🔐".repeat(35), (Ucs2, 70, 1)),
            ("🔐".repeat(36), (Ucs2, 72, 2)),
            // 67 is odd as well: 33 pairs in a part.
            ("🔐".repeat(67), (Ucs2, 134, 3)),
            ("Your code is 1234 é".into(), (Gsm7, 19, 1)),
            ("Your code is 1234 ê".into(), (Ucs2, 19, 1)),
            ("no\u{a0}break".into(), (Ucs2, 8, 1)),
            ("\u{1b}".into(), (Ucs2, 1, 1)),
        ] {
            assert_eq!(shape(&text), expected, "{text}");
        }
    }

    #[test]
    fn every_character_of_both_tables_goes_and_comes() {
        let all = GSM.chars().filter(|c| *c != '\u{a0}');
        let all: String = all.chain(GSM_EXTENSION.iter().map(|(_, c)| *c)).collect();
        assert_eq!(all.chars().count(), 137);
        let encoded = encode(&all);
        assert_eq!((encoded.encoding, encoded.units), (Encoding::Gsm7, 147));
        assert_eq!(gsm(&encoded.parts[0]), Some(all));
    }

    proptest! {
        /// Each part reads by itself, together they are the text, and no part is longer than an SMS or could have taken more.
        #[test]
        fn parts_are_whole_full_and_the_text(text in "[a-z€{}é]{0,400}|\\PC{0,200}|[aЖ🔐]{0,200}") {
            let encoded = encode(&text);
            let (alone, joined) = encoded.encoding.limits();
            let many = encoded.parts.len() > 1;
            let (room, unit_bytes) = match encoded.encoding {
                Encoding::Gsm7 => (if many { joined } else { alone }, 1),
                Encoding::Ucs2 => (if many { joined } else { alone }, 2),
            };
            prop_assert_eq!(many, encoded.units > alone);
            let read: Option<Vec<String>> = encoded.parts.iter().map(|part| match encoded.encoding {
                Encoding::Gsm7 => gsm(part),
                Encoding::Ucs2 => ucs2(part),
            }).collect();
            prop_assert_eq!(read.map(|parts| parts.concat()), Some(text));
            for (at, part) in encoded.parts.iter().enumerate() {
                prop_assert!(part.len() <= room * unit_bytes);
                let last = at + 1 == encoded.parts.len();
                prop_assert!(last || part.len() + unit_bytes >= room * unit_bytes, "part {} has room", at);
            }
        }
    }
}
