//! What an encoder reads: the same whatever the corpus, or for each corpus its own.

use std::collections::BTreeMap;

use super::{
    check::Context,
    fault::Diagnostics,
    tap::{Signatures, Tap, resolve, strings},
};
use crate::{
    keys::{Located, Place, Refers, Value},
    model::tap::{LayerSpec, TapName},
};

/// What an encoder reads; several taps are side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The same for every corpus; nothing if it reads a field or is only named.
    Same(Vec<Tap>),
    /// For each of these corpora, by place, its own.
    ByCorpus(BTreeMap<usize, Vec<Tap>>),
}

impl Input {
    /// What it reads for a batch of that corpus.
    pub fn of(&self, corpus_idx: usize) -> &[Tap] {
        match self {
            Self::Same(taps) => taps,
            Self::ByCorpus(by_corpus) => by_corpus.get(&corpus_idx).map_or(&[], Vec::as_slice),
        }
    }

    /// Whatever it reads, for whichever corpus.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Tap> {
        let (same, by_corpus) = match self {
            Self::Same(taps) => (taps.as_slice(), None),
            Self::ByCorpus(by_corpus) => (&[][..], Some(by_corpus)),
        };
        same.iter().chain(by_corpus.into_iter().flat_map(|taps| taps.values().flatten()))
    }
}

/// The strings of an input, those by corpus too.
pub(super) fn texts(said: &Located) -> Vec<(&str, &Place)> {
    match &said.value {
        Value::Table(by_corpus) => by_corpus.iter().flat_map(|(_, said)| strings(said)).collect(),
        _ => strings(said),
    }
}

/// Whether all that an input names is there and built; what isn't is said.
pub(super) fn is_known(said: &Located, cx: &Context<'_>, diagnostics: &mut Diagnostics) -> bool {
    let mut known = true;
    if let Value::Table(by_corpus) = &said.value {
        for (corpus, said) in by_corpus {
            known &= cx.names.know(Refers::Corpus, corpus, &said.place, diagnostics);
        }
    }
    for (text, place) in texts(said) {
        if let Some(objective) = text.strip_prefix("labels:") {
            if cx.names.know(Refers::Objective, objective, place, diagnostics) {
                diagnostics.not_implemented(place, "labels as input");
            }
            known = false;
        } else if let Ok(tap) = text.parse::<TapName>() {
            known &= cx.names.know(Refers::Encoder, &tap.encoder, place, diagnostics);
        }
    }
    known
}

/// Resolves what a known input key says; `None` if there is a fault in it or in an encoder that it reads.
pub(super) fn input(
    (key, said): (&str, &Located),
    cx: &Context<'_>,
    signatures: &Signatures,
    diagnostics: &mut Diagnostics,
) -> Option<(Input, LayerSpec)> {
    let Value::Table(entries) = &said.value else {
        let (taps, layer) = resolve(said, signatures, diagnostics)?;
        return Some((Input::Same(taps), layer));
    };
    if entries.is_empty() {
        let what =
            format!("`{key}`: expected CORPUS = ENCODER for each corpus, found an empty table");
        diagnostics.fault(&said.place, what);
        return None;
    }
    let found: Vec<_> =
        entries.iter().map(|(_, said)| resolve(said, signatures, diagnostics)).collect();
    let found: Vec<(Vec<Tap>, LayerSpec)> = found.into_iter().collect::<Option<_>>()?;
    let mut any = found[0].1;
    for ((corpus, said), (_, layer)) in entries.iter().zip(&found).skip(1) {
        let Some(either) = any.alternative(*layer) else {
            let (first, rows, others) = (&entries[0].0, show(*layer), show(any));
            let what = format!(
                "the {key} for corpus {corpus:?} has {rows}, that for {first:?} {others}; expected rows \
                 of one sort and width"
            );
            diagnostics.fault(&said.place, what);
            return None;
        };
        any = either;
    }
    let mut by_corpus = BTreeMap::new();
    for ((corpus, _), (taps, _)) in entries.iter().zip(found) {
        by_corpus.insert(cx.names.corpora.iter().position(|other| other == corpus)?, taps);
    }
    Some((Input::ByCorpus(by_corpus), any))
}

/// A layer's rows as messages call them.
fn show(layer: LayerSpec) -> String {
    format!("dimension {} per {}", layer.width, layer.on.name())
}
