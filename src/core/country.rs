//! Countries by their two letters (ISO 3166-1 alpha-2), with their usual English names.

/// One a line: code, tab, name.
const TABLE: &str = include_str!("countries.tsv");

/// The name of the country with these two capital letters.
pub fn name(code: &str) -> Option<&'static str> {
    let mut rows = TABLE.lines().filter_map(|line| line.split_once('\t'));
    rows.find(|(known, _)| *known == code).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_two_letters_and_a_name() {
        for line in TABLE.lines() {
            let (code, name) = line.split_once('\t').unwrap();
            assert!(
                code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()),
                "{line}"
            );
            assert!(!name.is_empty() && super::name(code) == Some(name), "{line}");
        }
        assert_eq!(TABLE.lines().count(), 249);
    }

    #[test]
    fn names_are_those_that_contract_001_shows() {
        assert_eq!(
            (name("US"), name("GB")),
            (Some("United States"), Some("United Kingdom"))
        );
        assert_eq!((name("ZZ"), name("us")), (None, None));
    }
}
