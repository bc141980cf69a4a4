//! Reads token streams: paths with their `use` groups spread out, functions with their sizes, and what only tests compile.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// A path as it is written, for example `["crate", "store", "Error"]`; a glob ends in `*`.
pub struct Path {
    pub segments: Vec<String>,
    pub line: usize,
    /// How many inline `mod name { }` stand around it.
    pub depth: usize,
    /// It stands directly after `use`, so that even a single segment names a crate or a module.
    pub imported: bool,
}

impl Path {
    /// Whether the last segments are these.
    pub fn ends_with(&self, wanted: &[&str]) -> bool {
        self.segments.len() >= wanted.len() && self.segments[self.segments.len() - wanted.len()..] == *wanted
    }
}

/// A function with a body.
pub struct Function {
    pub name: String,
    pub line: usize,
    /// From `fn` to the closing brace, both counted.
    pub lines: usize,
    /// Without `self`.
    pub arguments: usize,
}

pub fn paths(tokens: &TokenStream) -> Vec<Path> {
    let mut found = Vec::new();
    collect_paths(&trees(tokens), &[], 0, false, &mut found);
    found
}

fn collect_paths(trees: &[TokenTree], prefix: &[String], depth: usize, used: bool, found: &mut Vec<Path>) {
    let mut at = 0;
    while let Some(tree) = trees.get(at) {
        match tree {
            TokenTree::Ident(word) if word == "as" => at += 2,
            TokenTree::Ident(first) => {
                let imported = used || at > 0 && is_ident(trees, at - 1, "use");
                let line = first.span().start().line;
                let mut segments = prefix.to_vec();
                segments.push(first.to_string());
                at += 1;
                while let Some(next) = after_colons(trees, at) {
                    match next {
                        TokenTree::Ident(ident) => segments.push(ident.to_string()),
                        TokenTree::Punct(star) if star.as_char() == '*' => segments.push("*".into()),
                        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                            collect_paths(&inside(group), &segments, depth, true, found);
                            segments.clear();
                        }
                        _ => break,
                    }
                    at += 3;
                }
                if !segments.is_empty() {
                    found.push(Path {
                        segments,
                        line,
                        depth,
                        imported,
                    });
                }
            }
            TokenTree::Group(group) => {
                let module = at > 1 && is_ident(trees, at - 2, "mod");
                collect_paths(&inside(group), &[], depth + usize::from(module), false, found);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// The tree behind `::`, if the two colons stand at `at`.
fn after_colons(trees: &[TokenTree], at: usize) -> Option<&TokenTree> {
    let joint = matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':' && p.spacing() == Spacing::Joint);
    (joint && is_punct(trees, at + 1, ':'))
        .then(|| trees.get(at + 2))
        .flatten()
}

pub fn functions(tokens: &TokenStream) -> Vec<Function> {
    let mut found = Vec::new();
    collect_functions(&trees(tokens), &mut found);
    found
}

fn collect_functions(trees: &[TokenTree], found: &mut Vec<Function>) {
    for (at, tree) in trees.iter().enumerate() {
        if is_ident(trees, at, "fn") {
            found.extend(function(&trees[at..]));
        }
        if let TokenTree::Group(group) = tree {
            collect_functions(&inside(group), found);
        }
    }
}

/// Reads `fn name<..>(..) .. { .. }`; `None` for a pointer type or a declaration without a body.
fn function(trees: &[TokenTree]) -> Option<Function> {
    let TokenTree::Ident(name) = trees.get(1)? else {
        return None;
    };
    let start = trees[0].span().start().line;
    let mut angles = 0;
    let mut arguments = None;
    for (at, tree) in trees.iter().enumerate().skip(2) {
        match tree {
            TokenTree::Punct(p) if p.as_char() == '<' => angles += 1,
            TokenTree::Punct(p) if p.as_char() == '>' && !is_punct(trees, at - 1, '-') => angles -= 1,
            TokenTree::Punct(p) if p.as_char() == ';' => return None,
            TokenTree::Group(group) if arguments.is_none() && angles == 0 => arguments = Some(count(group)),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && angles == 0 => {
                let lines = group.span_close().end().line + 1 - start;
                return Some(Function {
                    name: name.to_string(),
                    line: start,
                    lines,
                    arguments: arguments?,
                });
            }
            _ => {}
        }
    }
    None
}

/// How many arguments a list has: its pieces between top-level commas, without `self`.
fn count(list: &Group) -> usize {
    let trees = inside(list);
    let mut angles = 0;
    let mut pieces: Vec<Vec<&TokenTree>> = vec![Vec::new()];
    for (at, tree) in trees.iter().enumerate() {
        let arrow = at > 0 && is_punct(&trees, at - 1, '-');
        match tree {
            TokenTree::Punct(p) if p.as_char() == ',' && angles == 0 => pieces.push(Vec::new()),
            TokenTree::Punct(p) if p.as_char() == '<' => angles += 1,
            TokenTree::Punct(p) if p.as_char() == '>' && !arrow => angles -= 1,
            _ => pieces.last_mut().expect("begins with one piece").push(tree),
        }
    }
    pieces
        .iter()
        .filter(|piece| !piece.is_empty() && !is_self(piece))
        .count()
}

/// `self`, `&self`, `&'a mut self`, `mut self` or `self: T`.
fn is_self(argument: &[&TokenTree]) -> bool {
    let name = argument
        .iter()
        .map(ToString::to_string)
        .take_while(|word| word != ":");
    name.into_iter().any(|word| word == "self")
}

/// The stream without items under `#[cfg(test)]`, `#[cfg(all(test, ..))]` or `#[test]`, at any depth.
pub fn without_tests(tokens: &TokenStream) -> TokenStream {
    let trees = trees(tokens);
    let mut kept = Vec::new();
    let mut at = 0;
    while at < trees.len() {
        if is_punct(&trees, at, '#') && attribute(&trees, at).is_some_and(|group| is_test_attribute(&group)) {
            at = end_of_item(&trees, at);
            continue;
        }
        kept.push(match &trees[at] {
            TokenTree::Group(group) => {
                let mut smaller = Group::new(group.delimiter(), without_tests(&group.stream()));
                smaller.set_span(group.span());
                TokenTree::Group(smaller)
            }
            other => other.clone(),
        });
        at += 1;
    }
    kept.into_iter().collect()
}

/// The first index behind the item whose attributes begin at `at`.
fn end_of_item(trees: &[TokenTree], at: usize) -> usize {
    let ends = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => other.to_string() == ";",
    };
    trees[at..]
        .iter()
        .position(ends)
        .map_or(trees.len(), |length| at + length + 1)
}

fn is_test_attribute(attribute: &Group) -> bool {
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    text == "test" || text == "cfg(test)" || text.starts_with("cfg(all(test,") || text.ends_with("::test")
}

/// The brackets of the attribute whose `#` stands at `at`.
pub fn attribute(trees: &[TokenTree], at: usize) -> Option<Group> {
    let inner = usize::from(is_punct(trees, at + 1, '!'));
    match trees.get(at + 1 + inner)? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some(group.clone()),
        _ => None,
    }
}

/// Calls `look` with every stretch of sibling trees, the outermost first.
pub fn each_level(tokens: &TokenStream, look: &mut dyn FnMut(&[TokenTree])) {
    let trees = trees(tokens);
    look(&trees);
    for tree in &trees {
        if let TokenTree::Group(group) = tree {
            each_level(&group.stream(), look);
        }
    }
}

pub fn is_ident(trees: &[TokenTree], at: usize, word: &str) -> bool {
    matches!(trees.get(at), Some(TokenTree::Ident(ident)) if ident == word)
}

pub fn is_punct(trees: &[TokenTree], at: usize, sign: char) -> bool {
    matches!(trees.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

pub fn trees(tokens: &TokenStream) -> Vec<TokenTree> {
    tokens.clone().into_iter().collect()
}

pub fn inside(group: &Group) -> Vec<TokenTree> {
    trees(&group.stream())
}
