//! The inputs of an encoder: the same for all corpora, or different by corpus.

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

/// The inputs of an encoder; several taps are concatenated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The same for every corpus; empty if it reads a field or is only named.
    Same(Vec<Tap>),
    /// Inputs for each of these corpora, by index.
    ByCorpus(BTreeMap<usize, Vec<Tap>>),
}

impl Input {
    /// The inputs for a batch of that corpus.
    pub fn of(&self, corpus_idx: usize) -> &[Tap] {
        match self {
            Self::Same(taps) => taps,
            Self::ByCorpus(by_corpus) => by_corpus.get(&corpus_idx).map_or(&[], Vec::as_slice),
        }
    }

    /// Gives a corpus the inputs of another.
    pub(super) fn copy(&mut self, from: usize, to: usize) {
        if let Self::ByCorpus(by_corpus) = self
            && let Some(taps) = by_corpus.get(&from).cloned()
        {
            by_corpus.insert(to, taps);
        }
    }

    /// All inputs, for any corpus.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Tap> {
        let (same, by_corpus) = match self {
            Self::Same(taps) => (taps.as_slice(), None),
            Self::ByCorpus(by_corpus) => (&[][..], Some(by_corpus)),
        };
        same.iter().chain(by_corpus.into_iter().flat_map(|taps| taps.values().flatten()))
    }
}

/// The strings of an input, including those by corpus.
pub(super) fn texts(said: &Located) -> Vec<(&str, &Place)> {
    match &said.value {
        Value::Table(by_corpus) => by_corpus.iter().flat_map(|(_, said)| strings(said)).collect(),
        _ => strings(said),
    }
}

/// Whether everything that an input names exists and is implemented; reports what does not.
pub(super) fn is_known(said: &Located, cx: &Context<'_>, diagnostics: &mut Diagnostics) -> bool {
    let mut known = true;
    if let Value::Table(by_corpus) = &said.value {
        for (corpus, said) in by_corpus {
            known &= cx.names.know(Refers::Corpus, corpus, &said.place, diagnostics);
        }
    }
    for (text, place) in texts(said) {
        let Ok(tap) = text.parse::<TapName>() else { continue };
        // A text field may be called "labels" too.
        let is_prefix =
            cx.names.encoders.contains(&tap.encoder) && !cx.names.objectives.contains(&tap.encoder);
        let refers = if tap.of_objective().is_some() && !is_prefix {
            Refers::Objective
        } else {
            Refers::Encoder
        };
        known &= cx.names.know(refers, &tap.encoder, place, diagnostics);
    }
    known
}

/// Whether all that weights read are probabilities of objectives; reports what is not.
pub(super) fn are_weights(key: &str, said: &Located, diagnostics: &mut Diagnostics) -> bool {
    let mut all = true;
    for (text, place) in texts(said) {
        let is_probability = |tap: TapName| tap.of_objective() == Some(TapName::PROBABILITY);
        if !text.parse().is_ok_and(is_probability) {
            let prefix = TapName::PROBABILITY;
            let what = format!("`{key}`: expected \"{prefix}OBJECTIVE\", found {text:?}");
            diagnostics.fault(place, what);
            all = false;
        }
    }
    all
}

/// Resolves the value of a valid input key; `None` if it or an encoder that it reads has a fault.
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

/// A description of a layer's rows for messages.
fn show(layer: LayerSpec) -> String {
    format!("dimension {} per {}", layer.width, layer.on.name())
}
