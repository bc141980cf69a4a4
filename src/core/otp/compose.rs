//! Letters that some phones send in parts: Korean syllables, and Indian vowel signs of two halves.

/// First Korean syllable, consonant, vowel and closing consonant, and how many there are of each.
const SYLLABLE: u32 = 0xAC00;
const CONSONANT: u32 = 0x1100;
const CONSONANTS: u32 = 19;
const VOWEL: u32 = 0x1161;
const VOWELS: u32 = 21;
const CLOSING: u32 = 0x11A7;
const CLOSINGS: u32 = 28;

/// The letter that a letter and the part behind it make together.
pub(super) fn composed(last: char, part: char) -> Option<char> {
    match part as u32 {
        0x1161..=0x11FF => syllable(last as u32, part as u32),
        0x9BE..=0xDDF => sign(last, part),
        _ => None,
    }
}

fn syllable(last: u32, part: u32) -> Option<char> {
    let consonant = last.checked_sub(CONSONANT).filter(|at| *at < CONSONANTS);
    let vowel = part.checked_sub(VOWEL).filter(|at| *at < VOWELS);
    if let (Some(consonant), Some(vowel)) = (consonant, vowel) {
        return char::from_u32(SYLLABLE + (consonant * VOWELS + vowel) * CLOSINGS);
    }
    let all = CONSONANTS * VOWELS * CLOSINGS;
    let open = last
        .checked_sub(SYLLABLE)
        .is_some_and(|at| at < all && at % CLOSINGS == 0);
    let closing = part.checked_sub(CLOSING).filter(|at| (1..CLOSINGS).contains(at));
    closing
        .filter(|_| open)
        .and_then(|closing| char::from_u32(last + closing))
}

fn sign(last: char, part: char) -> Option<char> {
    const SIGNS: [[char; 3]; 22] = [
        ['\u{9C7}', '\u{9BE}', '\u{9CB}'],
        ['\u{9C7}', '\u{9D7}', '\u{9CC}'],
        ['\u{B47}', '\u{B56}', '\u{B48}'],
        ['\u{B47}', '\u{B3E}', '\u{B4B}'],
        ['\u{B47}', '\u{B57}', '\u{B4C}'],
        ['\u{B92}', '\u{BD7}', '\u{B94}'],
        ['\u{BC6}', '\u{BBE}', '\u{BCA}'],
        ['\u{BC7}', '\u{BBE}', '\u{BCB}'],
        ['\u{BC6}', '\u{BD7}', '\u{BCC}'],
        ['\u{C46}', '\u{C56}', '\u{C48}'],
        ['\u{CBF}', '\u{CD5}', '\u{CC0}'],
        ['\u{CC6}', '\u{CD5}', '\u{CC7}'],
        ['\u{CC6}', '\u{CD6}', '\u{CC8}'],
        ['\u{CC6}', '\u{CC2}', '\u{CCA}'],
        ['\u{CCA}', '\u{CD5}', '\u{CCB}'],
        ['\u{D46}', '\u{D3E}', '\u{D4A}'],
        ['\u{D47}', '\u{D3E}', '\u{D4B}'],
        ['\u{D46}', '\u{D57}', '\u{D4C}'],
        ['\u{DD9}', '\u{DCA}', '\u{DDA}'],
        ['\u{DD9}', '\u{DCF}', '\u{DDC}'],
        ['\u{DDC}', '\u{DCA}', '\u{DDD}'],
        ['\u{DD9}', '\u{DDF}', '\u{DDE}'],
    ];
    SIGNS
        .iter()
        .find(|[first, second, _]| (*first, *second) == (last, part))
        .map(|[.., whole]| *whole)
}
