//! How an entry of a language file is read: the phrases it stands for, and how else they are spelled.

/// Expands `(a|b (c|d)) e` into its phrases. An unclosed group is taken literally.
pub(super) fn expand(entry: &str) -> Vec<String> {
    expanded(entry)
        .iter()
        .map(|phrase| phrase.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn expanded(entry: &str) -> Vec<String> {
    let Some((head, rest)) = entry.split_once('(') else {
        return vec![entry.to_owned()];
    };
    let mut depth = 1;
    let mut bars = vec![0];
    let close = rest.char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if c == '|' && depth == 1 {
            bars.push(at + 1);
        }
        (depth == 0).then_some(at)
    });
    let Some(close) = close else {
        return vec![entry.to_owned()];
    };
    bars.push(close + 1);
    let tails = expanded(&rest[close + 1..]);
    bars.windows(2)
        .flat_map(|pair| expanded(&rest[pair[0]..pair[1] - 1]))
        .flat_map(|choice| {
            tails
                .iter()
                .map(move |tail| format!("{head}{choice}{tail}"))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The phrase with all letters respelled, if it has such letters.
pub(super) fn respelled(phrase: &str, pairs: &[[String; 2]]) -> Option<String> {
    let small = phrase.to_lowercase();
    let other = pairs
        .iter()
        .fold(small.clone(), |text, [from, to]| text.replace(from.as_str(), to));
    (other != small).then_some(other)
}
