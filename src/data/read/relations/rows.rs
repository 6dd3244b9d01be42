//! The rows of a sentence, and lists in Python's notation to relations.

use super::super::{
    Labels,
    iob::{TaggedSpan, parts},
    lines::integer,
};

/// What stands for no relation.
const NONE: &str = "N";

/// A token.
pub(super) struct Row {
    pub(super) line: u32,
    pub(super) form: String,
    /// The entity tag, unless it is missing, as is allowed in input to `predict`.
    pub(super) tag: Option<String>,
    /// The relations that are noted here, each with the token that it points to.
    relations: Vec<(String, u32)>,
}

impl Row {
    /// A row of a sentence with `n` tokens; the error says what is wrong with it.
    pub(super) fn new(
        line: u32,
        text: &str,
        at: usize,
        n: usize,
        labels: Labels,
    ) -> Result<Self, String> {
        let cells: Vec<&str> = text.split('\t').collect();
        if cells[0] != at.to_string() {
            return Err(format!(
                "index {:?}, expected {at}; a sentence starts at a line \"#doc ID\"",
                cells[0]
            ));
        }
        let is_short = labels == Labels::Absent && (2..=3).contains(&cells.len());
        if cells.len() != 5 && !is_short {
            let s = if cells.len() == 1 { "" } else { "s" };
            return Err(format!(
                "{} column{s}, expected 5: index, token, entity, relations, the tokens they point to",
                cells.len()
            ));
        }
        if cells[1].is_empty() {
            return Err("column 2 is empty, expected a token".to_owned());
        }
        let tag = cells.get(2).map(|tag| (*tag).to_owned());
        if let Some(tag) = tag.as_ref().filter(|tag| parts(tag).is_none()) {
            return Err(format!("tag {tag:?}, expected O, B-TYPE or I-TYPE"));
        }
        let mut row = Self { line, form: cells[1].to_owned(), tag, relations: Vec::new() };
        if let [_, _, _, names, heads] = cells.as_slice() {
            match relations(names, heads, n) {
                Ok(relations) => row.relations = relations,
                Err(what) if labels == Labels::Required => return Err(what),
                // Input to `predict` may contain relations that will be replaced.
                Err(_) => {}
            }
        }
        Ok(row)
    }
}

/// The indices of two entities, and the label of their relation.
pub(super) type Pair<'r> = (usize, usize, &'r str);

/// The relations as the indices of two entities, which are in order; the error is a line and what is wrong with it.
pub(super) fn pairs<'r>(
    rows: &'r [Row],
    spans: &[TaggedSpan<'_>],
) -> Result<Vec<Pair<'r>>, (u32, String)> {
    let mut pairs = Vec::new();
    for (at, row) in (0..).zip(rows) {
        for (label, to) in &row.relations {
            let entity = |token: u32| {
                spans.binary_search_by_key(&(token + 1), |(_, end, _)| *end).map_err(|_| {
                    let form = &rows[token as usize].form;
                    let what = format!(
                        "the relation {label:?} has token {token} ({form:?}), expected the last token of an entity"
                    );
                    (row.line, what)
                })
            };
            pairs.push((entity(at)?, entity(*to)?, label.as_str()));
        }
    }
    Ok(pairs)
}

/// Two lists of equal length.
fn relations(names: &str, heads: &str, n: usize) -> Result<Vec<(String, u32)>, String> {
    let names = items(names)
        .and_then(|items| items.into_iter().map(unquoted).collect::<Option<Vec<_>>>())
        .ok_or_else(|| format!("{names}, expected a list of relations such as ['{NONE}']"))?;
    let found =
        items(heads).ok_or_else(|| format!("{heads}, expected a list of numbers such as [3]"))?;
    if names.len() != found.len() {
        let (n, wanted) = (found.len(), names.len());
        return Err(format!("{heads} has {n} items, expected {wanted}, one for each relation"));
    }
    let mut relations = Vec::new();
    for (name, head) in names.into_iter().zip(found) {
        let to = integer(head).filter(|&to: &u32| (to as usize) < n);
        let last = n.saturating_sub(1);
        let to = to.ok_or_else(|| {
            format!("the relation {name:?} points to token {head}, expected one of the sentence, from 0 to {last}")
        })?;
        if name != NONE {
            relations.push((name.to_owned(), to));
        }
    }
    Ok(relations)
}

/// The items of a list.
fn items(list: &str) -> Option<Vec<&str>> {
    let inner = list.trim_ascii().strip_prefix('[')?.strip_suffix(']')?;
    Some(inner.split(',').map(str::trim_ascii).collect())
}

fn unquoted(item: &str) -> Option<&str> {
    let quote = item.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    item.strip_prefix(quote)?.strip_suffix(quote).filter(|name| !name.is_empty())
}

/// The two lists of a token.
pub(super) fn lists(relations: &[(&str, u32)], index: &str) -> String {
    if relations.is_empty() {
        return format!("['{NONE}']\t[{index}]");
    }
    let name = |(name, _): &(&str, u32)| {
        if name.contains('\'') { format!("\"{name}\"") } else { format!("'{name}'") }
    };
    let names: Vec<String> = relations.iter().map(name).collect();
    let heads: Vec<String> = relations.iter().map(|(_, to)| to.to_string()).collect();
    format!("[{}]\t[{}]", names.join(", "), heads.join(", "))
}
