//! The graph of encoders in the tables: their inputs, a topological order, and cycles.

use std::collections::BTreeSet;

use super::{EncoderSpec, named_keys};
use crate::{
    model::{
        encoder::{self, EncoderKind},
        tap::TapName,
    },
    recipe::{Tap, input, names::Named},
};

/// The kind that a table names, if it exists; for the table of an input, that of labels or of probabilities.
pub(super) fn kind_of(table: &Named<'_>) -> Option<&'static dyn EncoderKind> {
    if table.name.starts_with(TapName::LABELS) {
        return Some(encoder::LABELS);
    }
    if table.name.starts_with(TapName::PROBABILITY) {
        return Some(encoder::PROBABILITY);
    }
    encoder::find(table.get("kind")?.value.as_text()?)
}

/// The keys by which a table reads other encoders: those of its kind, or `input` if the kind is
/// unknown.
pub(super) fn input_keys(table: &Named<'_>) -> impl Iterator<Item = &'static str> + use<> {
    let inputs = kind_of(table).map_or(encoder::ANY_ROWS, |kind| kind.source().inputs());
    inputs.iter().map(|input| input.name)
}

/// The index of the encoder that a tap reads, if it exists.
pub(super) fn tapped(text: &str, names: &[&str]) -> Option<usize> {
    let tap = text.parse::<TapName>().ok()?;
    let place = |read: &str| names.iter().position(|name| *name == read);
    place(&tap.read()).or_else(|| place(&tap.encoder))
}

/// The existing encoders that a table reads or names.
pub(super) fn reads(table: &Named<'_>, names: &[&str]) -> Vec<usize> {
    let place = |name: &str| names.iter().position(|other| *other == name);
    let kind = kind_of(table);
    let inputs = input_keys(table).filter_map(|key| table.get(key));
    let texts = inputs.flat_map(input::texts);
    let tapped = texts.filter_map(|(text, _)| tapped(text, names));
    let keys = kind.into_iter().flat_map(named_keys).chain(["share"]);
    let named = keys.filter_map(|key| place(table.get(key)?.value.as_text()?));
    tapped.chain(named).collect()
}

/// A topological order of the encoders, otherwise in the recipe's order, and the encoders that have
/// none.
pub(super) fn order(edges: &[Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = Vec::new();
    loop {
        let next = (0..edges.len())
            .find(|at| !order.contains(at) && edges[*at].iter().all(|below| order.contains(below)));
        match next {
            Some(at) => order.push(at),
            None => break,
        }
    }
    let circular = (0..edges.len()).filter(|at| !order.contains(at)).collect();
    (order, circular)
}

/// The cycles among encoders without an order, each from its first encoder in the recipe. An
/// encoder that only reads from a cycle is in none.
pub(super) fn cycles(circular: &[usize], edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut cycles: Vec<Vec<usize>> = Vec::new();
    for &start in circular {
        if cycles.iter().any(|cycle| cycle.contains(&start)) {
            continue;
        }
        let mut open = vec![vec![start]];
        let mut seen = BTreeSet::new();
        while let Some(path) = open.pop() {
            for &below in &edges[path[path.len() - 1]] {
                if below == start {
                    cycles.push(path.clone());
                    open.clear();
                    break;
                }
                if circular.contains(&below) && seen.insert(below) {
                    open.push(path.iter().copied().chain([below]).collect());
                }
            }
        }
    }
    cycles
}

/// The encoder of a tap and, transitively, all encoders that it reads or names for batches of a
/// corpus, each with the field that it runs over, if that is not its own; from the encoder at an
/// index, and the index of a name.
pub(in crate::recipe) fn closure<'a>(
    spec: impl Fn(usize) -> Option<&'a EncoderSpec>,
    index: impl Fn(&str) -> Option<usize>,
    top: &Tap,
    corpus_idx: usize,
) -> BTreeSet<(usize, Option<String>)> {
    let mut seen = BTreeSet::new();
    let mut open = vec![(top.encoder, top.field.clone())];
    while let Some((at, field)) = open.pop() {
        if !seen.insert((at, field.clone())) {
            continue;
        }
        let Some(spec) = spec(at) else { continue };
        let taps = spec.taps(corpus_idx);
        open.extend(taps.map(|tap| (tap.encoder, tap.field.clone().or(field.clone()))));
        open.extend(spec.named().filter_map(&index).map(|named| (named, field.clone())));
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoders_are_built_after_their_inputs_and_otherwise_in_the_recipes_order() {
        let edges = [vec![2], vec![], vec![1], vec![1]];
        assert_eq!(order(&edges), (vec![1, 2, 0, 3], vec![]));
    }

    #[test]
    fn a_cycle_is_found_once_and_without_encoders_that_only_read_from_it() {
        let edges = [vec![1], vec![2], vec![0], vec![0], vec![4]];
        let (order, circular) = order(&edges);
        assert!(order.is_empty());
        assert_eq!(cycles(&circular, &edges), [vec![0, 1, 2], vec![4]]);
    }
}
