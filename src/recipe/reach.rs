//! Finds which corpora reach each encoder, through the objectives that tap it, and checks that they
//! have the fields to read.

use std::collections::BTreeSet;

use super::{
    CorpusSpec, EncoderSpec, Input, ObjectiveSpec, Tap, encoder, fault::Diagnostics, names::Names,
};
use crate::{
    keys::{Place, Refers, ValueType},
    model::encoder::RowSource,
    objective::Output,
};

/// Finds which corpora reach each encoder, and checks that they have the field it reads.
pub(super) fn find(
    encoders: &mut encoder::Encoders,
    objectives: &[Option<ObjectiveSpec>],
    corpora: &[Option<CorpusSpec>],
    names: &Names,
    diagnostics: &mut Diagnostics,
) {
    labels_are_unread(encoders, objectives, diagnostics);
    let n_encoders = encoders.specs.len();
    let mut any: Vec<Vec<Run>> = vec![Vec::new(); n_encoders];
    let mut active = any.clone();
    for objective in objectives.iter().flatten() {
        let taps = objective.tap_keys().zip(&objective.taps);
        let taps = taps.flat_map(|(key, taps)| taps.iter().map(move |tap| (key, tap)));
        for ((key, tap), &corpus) in
            taps.flat_map(|tap| objective.corpora.iter().map(move |corpus| (tap, corpus)))
        {
            let place = objective.values.place(key);
            if let (Some(field), Some(spec)) = (&tap.field, &corpora[corpus])
                && let Some(what) = lacks_positions(spec, field)
            {
                diagnostics.fault(&place, format!("\"{}\": {what}", tap.name));
            }
            let runs = encoders.closure(tap, corpus);
            for (encoder, field) in runs {
                any[encoder].push((corpus, field.clone()));
                if objective.is_active() {
                    active[encoder].push((corpus, field.clone()));
                }
                let Some(spec) = &encoders.specs[encoder] else { continue };
                if let (Some(field), Some(corpus)) = (&field, &corpora[corpus])
                    && let Some(what) = lacks_form(spec, corpus, field)
                {
                    diagnostics.fault(&place, format!("\"{}\": {what}", tap.name));
                }
                let lacks = |input: &Input| match input {
                    Input::ByCorpus(by_corpus) => !by_corpus.contains_key(&corpus),
                    Input::Same(_) => false,
                };
                let keys = spec.kind.source().inputs_of(&spec.values).zip(&spec.inputs);
                for (key, _) in keys.filter(|(_, input)| lacks(input)) {
                    let corpus = &names.corpora[corpus];
                    let (encoder, objective) = (&spec.name, objective.name.as_str());
                    let what = format!(
                        "encoder {encoder:?} has no {} for corpus {corpus:?}, over which \
                         objective {objective:?} reads it; add {corpus} = ENCODER",
                        key.name
                    );
                    diagnostics.fault(&spec.values.place(key.name), what);
                }
            }
        }
    }
    for ((spec, active), any) in encoders.specs.iter_mut().zip(active).zip(any) {
        let Some(spec) = spec else { continue };
        let read: Vec<&CorpusSpec> =
            own(&any).into_iter().filter_map(|at| corpora[at].as_ref()).collect();
        match (any.as_slice(), corpora) {
            // No encoder reads it, perhaps because of another fault. With a single corpus its
            // fields can still be checked.
            ([], [Some(only)]) => {
                fields_are_in(spec, &[only], diagnostics);
                other_texts_are_in(spec, &[(0, None)], corpora, diagnostics);
            }
            _ => fields_are_in(spec, &read, diagnostics),
        }
        taps_are_in(spec, &any, corpora, diagnostics);
        other_texts_are_in(spec, &any, corpora, diagnostics);
        let runs = if active.is_empty() { any } else { active };
        spec.corpora = own(&runs);
        let prefixed = runs.into_iter().filter_map(|(corpus, field)| Some((corpus, field?)));
        spec.prefixed = prefixed.collect::<BTreeSet<_>>().into_iter().collect();
    }
}

/// Reports objectives whose rows have read the label that they predict.
fn labels_are_unread(
    encoders: &encoder::Encoders,
    objectives: &[Option<ObjectiveSpec>],
    diagnostics: &mut Diagnostics,
) {
    for objective in objectives.iter().flatten() {
        let Output::Field { name: label, .. } = objective.config.output() else { continue };
        let reads_it = |tap: &&Tap| {
            let closures = objective.corpora.iter().map(|&at| encoders.closure(tap, at));
            closures.flatten().find_map(|(at, _)| {
                let spec = encoders.specs[at].as_ref()?;
                let is_of_labels = encoder::reads_labels(spec.kind);
                (is_of_labels && spec.config.field() == Some(label)).then_some(&spec.name)
            })
        };
        for (key, taps) in objective.tap_keys().zip(&objective.taps) {
            let Some(reader) = taps.iter().find_map(|tap| reads_it(&tap)) else { continue };
            let what = format!(
                "`{key}`: expected rows that have not read {label:?}, which the objective predicts, found {reader:?} \
                 below them; tap encoders of the text"
            );
            diagnostics.fault(&objective.values.place(key), what);
        }
    }
}

/// The fault of a field that a tap names, if no encoder can run over it: it has neither strings nor frames by position.
fn lacks_positions(corpus: &CorpusSpec, field: &str) -> Option<String> {
    let what = corpus.lacks(field, Refers::Field)?;
    corpus.lacks(field, Refers::Frames).map(|_| what)
}

/// The fault of a field that a tap names, if the encoder reads fields of another form: frames, labels, or strings by
/// position.
fn lacks_form(spec: &EncoderSpec, corpus: &CorpusSpec, field: &str) -> Option<String> {
    if spec.kind.source() != RowSource::Field || lacks_positions(corpus, field).is_some() {
        return None;
    }
    let reads = |wanted| {
        let mut keys = spec.kind.keys().iter();
        keys.any(|key| matches!(key.takes, ValueType::Name(refers) if refers == wanted))
    };
    let wanted = [Refers::Frames, Refers::Label].into_iter().find(|wanted| reads(*wanted));
    corpus.lacks(field, wanted.unwrap_or(Refers::Field))
}

/// A run of an encoder over a corpus, over a field that a tap names or over its own.
type Run = (usize, Option<String>);

/// The corpora over whose own field an encoder runs.
fn own(runs: &[Run]) -> Vec<usize> {
    let own = runs.iter().filter(|(_, field)| field.is_none()).map(|(corpus, _)| *corpus);
    own.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Checks that the fields named by the taps of an encoder are in the corpora that it runs over.
fn taps_are_in(
    spec: &EncoderSpec,
    runs: &[Run],
    corpora: &[Option<CorpusSpec>],
    diagnostics: &mut Diagnostics,
) {
    let reached: BTreeSet<usize> = runs.iter().map(|(corpus, _)| *corpus).collect();
    for (key, input) in spec.kind.source().inputs_of(&spec.values).zip(&spec.inputs) {
        for &at in &reached {
            let Some(corpus) = &corpora[at] else { continue };
            for tap in input.of(at) {
                if let Some(field) = &tap.field
                    && let Some(what) = lacks_positions(corpus, field)
                {
                    let place = spec.values.place(key.name);
                    diagnostics.fault(&place, format!("\"{}\": {what}", tap.name));
                }
            }
        }
    }
}

/// Checks that each corpus has the other text that an encoder compares with, over each field that it runs over.
fn other_texts_are_in(
    spec: &EncoderSpec,
    runs: &[Run],
    corpora: &[Option<CorpusSpec>],
    diagnostics: &mut Diagnostics,
) {
    let keys = spec.kind.keys().iter();
    let mut keys = keys.filter(|key| matches!(key.takes, ValueType::Name(Refers::OtherText)));
    let Some(key) = keys.find(|key| spec.values.get(key.name).is_some()) else { return };
    for (at, prefix) in runs.iter().collect::<BTreeSet<_>>() {
        let prefix = prefix.as_deref();
        let field = prefix.or_else(|| spec.config.field());
        let (Some(corpus), Some(field), Some(other)) =
            (&corpora[*at], field, spec.other_text(prefix))
        else {
            continue;
        };
        if let Some(what) = corpus.lacks_other_text(field, other) {
            diagnostics.fault(&spec.values.place(key.name), format!("`{}`: {what}", key.name));
        }
    }
}

/// Checks that the fields an encoder reads are in all these corpora.
fn fields_are_in(spec: &EncoderSpec, corpora: &[&CorpusSpec], diagnostics: &mut Diagnostics) {
    let keys = encoder::keys(spec.kind);
    for key in &keys {
        let ValueType::Name(
            wanted @ (Refers::Field | Refers::Segments | Refers::Frames | Refers::Label),
        ) = key.takes
        else {
            continue;
        };
        let Some(field) = spec.values.text_if_set(key.name) else { continue };
        for corpus in corpora {
            if let Some(what) = corpus.lacks(field, wanted) {
                let place = match spec.values.place(key.name) {
                    Place::Default => spec.place.clone(),
                    place => place,
                };
                diagnostics.fault(&place, format!("`{}`: {what}", key.name));
            }
        }
    }
}
