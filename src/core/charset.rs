//! Text from the raw bytes of an SMS, for carriers that pass them on: the GSM alphabet with one septet per byte, Latin-1, UCS-2.

/// The GSM 7 bit default alphabet (3GPP TS 23.038 §6.2.1); 0x1B, the escape, stands as a no-break space as the standard asks of
/// receivers that do not know what follows.
pub const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{a0}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

pub const GSM_ESCAPE: u8 = 0x1b;

/// What follows the escape (§6.2.1.1).
pub const GSM_EXTENSION: [(u8, char); 10] = [
    (0x0a, '\u{c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2f, '\\'),
    (0x3c, '['),
    (0x3d, '~'),
    (0x3e, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// Unpacked GSM; `None` if a byte is no septet.
pub fn gsm(bytes: &[u8]) -> Option<String> {
    let alphabet: Vec<char> = GSM.chars().collect();
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        let extended = |next: u8| {
            GSM_EXTENSION
                .iter()
                .find(|(code, _)| *code == next)
                .map(|(_, c)| *c)
        };
        let known = (byte == GSM_ESCAPE)
            .then(|| rest.clone().next().and_then(extended))
            .flatten();
        if known.is_some() {
            rest.next();
        }
        text.push(known.or_else(|| alphabet.get(usize::from(byte)).copied())?);
    }
    Some(text)
}

pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// UTF-16BE, for emoji are sent as surrogate pairs; `None` for an odd length or a lone surrogate.
pub fn ucs2(bytes: &[u8]) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    if rest.is_empty() {
        String::from_utf16(&units).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_gsm_with_its_extension() {
        assert_eq!(GSM.chars().count(), 128);
        assert_eq!(
            gsm(b"\x05v\x05nement \x1be5 \x00\x02\x11").as_deref(),
            Some("événement €5 @$_")
        );
        assert_eq!(gsm(b"a\x1b").as_deref(), Some("a\u{a0}"));
        assert_eq!(gsm(b"\x1b\x1b<").as_deref(), Some("\u{a0}["));
        assert_eq!(gsm(b"\x80"), None);
    }

    #[test]
    fn refuses_half_characters() {
        assert_eq!(
            ucs2(&[0x00, 0x41, 0xd8, 0x3d, 0xdd, 0x10]).as_deref(),
            Some("A🔐")
        );
        assert_eq!((ucs2(&[0x00]), ucs2(&[0xd8, 0x3d])), (None, None));
    }
}
