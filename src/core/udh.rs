//! The user data header that stands before the text of one part of a long SMS (3GPP TS 23.040 §9.2.3.24): which part of how many, under
//! a reference of 8 or of 16 bits. Its other elements tell nothing that is used here.

use super::message::Concat;

const REFERENCE_8_BITS: u8 = 0x00;
const REFERENCE_16_BITS: u8 = 0x08;

/// Which part this header names. A reference is written in hexadecimal, so that one of 8 bits never meets one of 16.
pub fn concat(header: &[u8]) -> Option<Concat> {
    let (length, rest) = header.split_first()?;
    let mut rest = rest.get(..usize::from(*length))?;
    while let [element, length, tail @ ..] = rest {
        let (data, next) = tail.split_at_checked(usize::from(*length))?;
        match (*element, data) {
            (REFERENCE_8_BITS, [reference @ .., total, part]) if reference.len() == 1 => {
                return Some(named(reference, *total, *part));
            }
            (REFERENCE_16_BITS, [reference @ .., total, part]) if reference.len() == 2 => {
                return Some(named(reference, *total, *part));
            }
            _ => rest = next,
        }
    }
    None
}

fn named(reference: &[u8], total: u8, part: u8) -> Concat {
    Concat {
        reference: reference.iter().map(|byte| format!("{byte:02x}")).collect(),
        total: total.into(),
        part: part.into(),
    }
}

/// The header that begins these bytes of an SMS, where a gateway left it there: only one that names a part and nothing else, for other
/// bytes may be text.
pub fn split(bytes: &[u8]) -> Option<(Concat, &[u8], &[u8])> {
    let length = match bytes {
        [5, REFERENCE_8_BITS, 3, ..] => 6,
        [6, REFERENCE_16_BITS, 4, ..] => 7,
        _ => return None,
    };
    let (header, text) = bytes.split_at_checked(length)?;
    let concat =
        concat(header).filter(|concat| concat.total > 1 && (1..=concat.total).contains(&concat.part))?;
    Some((concat, header, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(reference: &str, total: u32, part: u32) -> Option<Concat> {
        let reference = reference.to_owned();
        Some(Concat {
            reference,
            total,
            part,
        })
    }

    #[test]
    fn both_forms_are_read_among_other_elements() {
        assert_eq!(concat(&[5, 0, 3, 0x2a, 3, 1]), part("2a", 3, 1));
        assert_eq!(concat(&[6, 8, 4, 0x00, 0x2a, 3, 2]), part("002a", 3, 2));
        assert_eq!(
            concat(&[11, 5, 4, 0x15, 0x81, 0, 0, 0, 3, 7, 2, 2]),
            part("07", 2, 2)
        );
        for other in [
            &[][..],
            &[0],
            &[5, 0, 3, 1, 2],
            &[6, 8, 3, 1, 2, 3],
            &[4, 0, 2, 1, 1],
            &[9, 0, 3, 1, 2, 1],
        ] {
            assert_eq!(concat(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_header_is_taken_off_a_text_and_a_text_stays() {
        assert_eq!(
            split(b"\x05\x00\x03\x2a\x02\x01Hello"),
            Some((
                part("2a", 2, 1).unwrap(),
                &b"\x05\x00\x03\x2a\x02\x01"[..],
                &b"Hello"[..]
            ))
        );
        assert_eq!(
            split(b"\x06\x08\x04\x01\x02\x02\x02").unwrap().0,
            part("0102", 2, 2).unwrap()
        );
        for text in [
            &b"Hello"[..],
            b"\x05\x00\x03\x2a\x01\x01x",
            b"\x05\x00\x03\x2a\x02\x03x",
            b"\x05\x00\x03\x2a\x02\x00x",
            b"\x05\x00\x03",
        ] {
            assert_eq!(split(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            concat(&bytes);
            split(&bytes);
        }
    }
}
