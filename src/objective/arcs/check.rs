//! Faults of the arcs of a corpus: trees with several roots, heads or cycles, and a corpus without arcs.

use std::collections::BTreeMap;

use super::{Config, FieldIndices, Structure};
use crate::{
    data::{Corpus, Example, read::ReadError, structure::GraphArc},
    objective::{LabelCheck, labels},
};

/// The faults of a corpus: of each example of a tree structure, and of train if it has no arcs at all.
pub(super) fn check(config: &Config, fields: FieldIndices, corpus: &Corpus) -> LabelCheck {
    let mut check = LabelCheck::default();
    let name = &corpus.fields[fields.arcs].name;
    let has_arcs =
        |example: &Example| fields.of_example(example).is_some_and(|arcs| !arcs.is_empty());
    // Of several corpora each may lack arcs, and an objective that shares another's labels needs none.
    if config.is_alone && !corpus.train.examples.iter().any(has_arcs) {
        let what =
            format!("from here on no example of train has arcs in {name:?}; expected one at least");
        check.of_corpus.push(labels::fault(corpus, what));
    }
    if config.structure == Structure::Graph {
        return check;
    }
    for (split, data) in corpus.splits() {
        for example in &data.examples {
            let Some(arcs) = fields.of_example(example) else { continue };
            let Err((dependent, what)) = tree(&arcs) else { continue };
            let (file, line) = (data.file_of(example, name), example.line_of(dependent as usize));
            check.of_examples.push((split, ReadError { file, line, what }));
        }
    }
    check
}

/// Whether these arcs are a tree, or a part of one; the error names a token and what is wrong with its arc. Tokens
/// are counted from 1 in messages.
fn tree(arcs: &[GraphArc]) -> Result<(), (u32, String)> {
    let mut heads = BTreeMap::new();
    let mut root = None;
    for arc in arcs {
        if heads.insert(arc.dependent, arc.head).is_some() {
            let what = format!("expected one head of token {}, found two", arc.dependent + 1);
            return Err((arc.dependent, what));
        }
        if arc.head.is_some() {
            continue;
        }
        if let Some(first) = root.replace(arc.dependent) {
            let (first, second) = (first + 1, arc.dependent + 1);
            let what = format!(
                "expected one arc from the root, found those to tokens {first} and {second}"
            );
            return Err((arc.dependent, what));
        }
    }
    // The token from which a token was first reached: it closes a cycle if that is the present one.
    let mut reached_from = BTreeMap::new();
    for &start in heads.keys() {
        let mut at = start;
        while let Some(&Some(head)) = heads.get(&at) {
            if let Some(&from) = reached_from.get(&at) {
                if from == start {
                    let what = format!("expected a tree, found a cycle through token {}", at + 1);
                    return Err((at, what));
                }
                break;
            }
            reached_from.insert(at, start);
            at = head;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arcs(arcs: &[(Option<u32>, u32)]) -> Vec<GraphArc> {
        arcs.iter().map(|&(head, dependent)| GraphArc { head, dependent, label: None }).collect()
    }

    #[test]
    fn a_tree_has_one_root_one_head_each_and_no_cycle() {
        assert_eq!(tree(&arcs(&[(Some(1), 0), (None, 1), (Some(1), 2)])), Ok(()));
        // Parts of a tree: some tokens have no head.
        assert_eq!(tree(&arcs(&[(Some(2), 0)])), Ok(()));
        assert_eq!(tree(&[]), Ok(()));
        for (wrong, token, wanted) in [
            (
                arcs(&[(None, 0), (None, 1)]),
                1,
                "expected one arc from the root, found those to tokens 1 and 2",
            ),
            (
                arcs(&[(Some(1), 0), (None, 1), (Some(2), 0)]),
                0,
                "expected one head of token 1, found two",
            ),
            (
                arcs(&[(None, 0), (Some(2), 1), (Some(1), 2)]),
                1,
                "expected a tree, found a cycle through token 2",
            ),
            (arcs(&[(Some(0), 0)]), 0, "expected a tree, found a cycle through token 1"),
        ] {
            assert_eq!(tree(&wrong), Err((token, wanted.to_owned())));
        }
    }
}
