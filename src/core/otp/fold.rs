//! Which characters count as the same one: digits of every script, dashes, spaces, accents and letter variants.
//! One character in, at most one out, so offsets survive; no full Unicode normal forms, which would need their tables.

/// The zero of every run of decimal digits (general category Nd) in Unicode 16.
const ZEROS: [u32; 76] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0,
    0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30,
    0x10D40, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x116D0,
    0x116DA, 0x11730, 0x118E0, 0x11950, 0x11BF0, 0x11C50, 0x11D50, 0x11DA0, 0x11DE0, 0x11F50, 0x16130,
    0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1CCF0, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140,
    0x1E2F0, 0x1E4F0, 0x1E5F1, 0x1E950, 0x1FBF0,
];

/// Base letters of U+00C0 to U+024F, lower-case; a dot keeps the character.
const LATIN: &[u8; 400] = b"\
    aaaaaa.ceeeeiiiidnooooo.ouuuuy.saaaaaa.ceeeeiiiidnooooo.ouuuuy.yaaaaaaccccccccddddeeeeeeeeeegggg\
    gggghhhhiiiiiiiiii..jjkk.llllll..llnnnnnn..noooooo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzz.\
    ................................oo.............uu............................aaiioouuuuuuuuuu.aa\
    aa....ggkkoooo..j...gg..nnaa....aaaaeeeeiiiioooorrrruuuusstt..hh......aaeeooooooooyy............\
    ................";

/// Base letters of U+1E00 to U+1EFF, lower-case; a dot keeps the character.
const LATIN_MORE: &[u8; 256] = b"\
    aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrr\
    ssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy....s.aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee\
    eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy......";

/// Full-width forms of the half-width katakana U+FF66 to U+FF9D.
const KATAKANA: &str = "ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン";

/// What a character becomes in the normalised text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folded {
    /// Invisible or a mark that carries no meaning here: left out.
    Drop,
    /// A voicing mark that turns the kana before it into the next one, by this distance.
    Voice(u32),
    /// The character as compared (lower-case) and as shown (case kept).
    Keep(char, char),
}

/// Folds one character.
pub(super) fn fold(c: char) -> Folded {
    if c.is_ascii() {
        return ascii(c);
    }
    let code = c as u32;
    if let Some(digit) = digit(code) {
        return Folded::Keep(digit, digit);
    }
    if is_dropped(code) {
        return Folded::Drop;
    }
    if is_space(code) {
        return Folded::Keep(' ', ' ');
    }
    if is_dash(code) {
        return Folded::Keep('-', '-');
    }
    letter(c, code)
}

fn ascii(c: char) -> Folded {
    match c {
        '\t' | '\u{0B}' | '\u{0C}' => Folded::Keep(' ', ' '),
        '\r' => Folded::Drop,
        '`' => same('\''),
        _ => Folded::Keep(c.to_ascii_lowercase(), c),
    }
}

fn digit(code: u32) -> Option<char> {
    let at = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?;
    let value = code - ZEROS[at];
    if value < 10 {
        char::from_digit(value, 10)
    } else {
        None
    }
}

/// General category Cf, variation selectors, and marks that people leave out: accents, Hebrew points, Arabic vowel
/// signs and tatweel, Indic nuktas, the keycap ring.
fn is_dropped(code: u32) -> bool {
    matches!(code,
        0xAD | 0x300..=0x36F | 0x591..=0x5BD | 0x5BF | 0x5C1..=0x5C2 | 0x5C4..=0x5C5 | 0x5C7
        | 0x600..=0x605 | 0x61C | 0x640 | 0x64B..=0x65F | 0x670 | 0x6DD | 0x70F | 0x890..=0x891 | 0x8E2
        | 0x93C | 0x9BC | 0xA3C | 0xABC | 0x180E | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2064
        | 0x2066..=0x206F | 0x20E3 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFF9..=0xFFFB | 0x110BD | 0x110CD
        | 0x13430..=0x1343F | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0001 | 0xE0020..=0xE007F)
}

/// General category Zs, and the line and paragraph separators' blank relatives.
fn is_space(code: u32) -> bool {
    matches!(code, 0xA0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000)
}

/// General category Pd without the Japanese double hyphen, and the minus sign.
fn is_dash(code: u32) -> bool {
    matches!(code,
        0x58A | 0x5BE | 0x1400 | 0x1806 | 0x2010..=0x2015 | 0x2212 | 0x2E17 | 0x2E1A | 0x2E3A..=0x2E3B
        | 0x2E40 | 0x2E5D | 0x301C | 0x3030 | 0xFE31..=0xFE32 | 0xFE58 | 0xFE63 | 0xFF0D | 0x10EAD)
}

fn letter(c: char, code: u32) -> Folded {
    match code {
        0x18F => Folded::Keep('e', 'E'),
        0xC0..=0x24F if !matches!(code, 0x199 | 0x1B4) => latin(c, LATIN[(code - 0xC0) as usize]),
        0x1E00..=0x1EFF => latin(c, LATIN_MORE[(code - 0x1E00) as usize]),
        0x2028 | 0x2029 | 0x85 => Folded::Keep('\n', '\n'),
        0xFF0C => same('、'),
        0xFF01..=0xFF5E => {
            let ascii = char::from_u32(code - 0xFEE0).unwrap_or(c);
            Folded::Keep(ascii.to_ascii_lowercase(), ascii)
        }
        0xFF66..=0xFF9D => same(KATAKANA.chars().nth((code - 0xFF66) as usize).unwrap_or(c)),
        0xFF9E | 0x3099 => Folded::Voice(1),
        0xFF9F | 0x309A => Folded::Voice(2),
        0x370..=0x52F => greek_or_cyrillic(c),
        0x600..=0x6FF => same(arabic(c)),
        0x900..=0xA7F => same(indic(c)),
        0xB4 | 0x2018 | 0x2019 | 0x2B9..=0x2BC => same('\''),
        0x199 | 0x1B4 | 0x253 | 0x254 | 0x257 | 0x259 | 0x25B => same(african(c)),
        _ => lower(c),
    }
}

fn same(c: char) -> Folded {
    Folded::Keep(c, c)
}

fn lower(c: char) -> Folded {
    Folded::Keep(c.to_lowercase().next().unwrap_or(c), c)
}

fn latin(c: char, base: u8) -> Folded {
    if base == b'.' {
        return lower(c);
    }
    let base = char::from(base);
    Folded::Keep(
        base,
        if c.is_uppercase() {
            base.to_ascii_uppercase()
        } else {
            base
        },
    )
}

/// Letters of Hausa, Akan and Azerbaijani that people write without their hook.
fn african(c: char) -> char {
    match c {
        'ƙ' => 'k',
        'ƴ' => 'y',
        'ɓ' => 'b',
        'ɔ' => 'o',
        'ɗ' => 'd',
        'ə' | 'ɛ' => 'e',
        other => other,
    }
}

fn greek_or_cyrillic(c: char) -> Folded {
    let plain = c.to_lowercase().next().unwrap_or(c);
    let base = match plain {
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        'ё' | 'ѐ' => 'е',
        'й' | 'ѝ' | 'ї' | 'і' | 'ӣ' => 'и',
        'ў' | 'ү' | 'ұ' | 'ӯ' => 'у',
        'ѓ' | 'ґ' | 'ғ' => 'г',
        'ќ' | 'қ' => 'к',
        'ә' => 'а',
        'ң' => 'н',
        'ө' => 'о',
        'ҳ' | 'һ' => 'х',
        'ҷ' => 'ч',
        other => other,
    };
    Folded::Keep(base, c)
}

fn arabic(c: char) -> char {
    match c {
        'آ' | 'أ' | 'إ' | 'ٱ' => 'ا',
        'ؤ' => 'و',
        'ئ' | 'ى' | 'ی' | 'ې' | 'ێ' => 'ي',
        'ک' => 'ك',
        'ة' | 'ہ' | 'ھ' | 'ە' | 'ۀ' | 'ۂ' | 'ۃ' => 'ه',
        'ۆ' => 'و',
        '٬' => ',',
        '٫' => '.',
        '٪' => '%',
        other => other,
    }
}

/// Letters written with a nukta, as their base; the sign of the nasal, as one of its two forms.
fn indic(c: char) -> char {
    const PAIRS: [(char, char); 18] = [
        ('\u{958}', 'क'),
        ('\u{959}', 'ख'),
        ('\u{95A}', 'ग'),
        ('\u{95B}', 'ज'),
        ('\u{95C}', 'ड'),
        ('\u{95D}', 'ढ'),
        ('\u{95E}', 'फ'),
        ('\u{95F}', 'य'),
        ('\u{929}', 'न'),
        ('\u{931}', 'र'),
        ('\u{901}', '\u{902}'),
        ('\u{9DC}', 'ড'),
        ('\u{9DD}', 'ঢ'),
        ('\u{9DF}', 'য'),
        ('\u{A33}', 'ਲ'),
        ('\u{A36}', 'ਸ'),
        ('\u{A5B}', 'ਜ'),
        ('\u{A5E}', 'ਫ'),
    ];
    PAIRS.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to)
}

/// True for letters of scripts that are written without spaces, where a word may begin or end anywhere.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c as u32,
        0xE00..=0xEFF | 0xF00..=0xFFF | 0x1000..=0x109F | 0x1100..=0x11FF | 0x1780..=0x17FF | 0x2E80..=0x2FFF
        | 0x3005..=0x3007 | 0x3021..=0x3029 | 0x3040..=0x318F | 0x31A0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
        | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

/// True for letters, and for the vowel signs and marks that belong to a word.
pub(super) fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    c.is_alphanumeric()
        || matches!(c as u32, 0x900..=0xDFF if !matches!(c, '।' | '॥'))
        || matches!(c as u32, 0xE31..=0xE4E | 0xEB1..=0xECD | 0x1000..=0x1049 | 0x1780..=0x17D3)
}
