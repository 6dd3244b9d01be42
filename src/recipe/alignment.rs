//! Alignment: rows that are concatenated, and rows labelled by a field, must belong to the same
//! sequence of a corpus. The sequence depends on the corpus, so alignment is checked after all
//! tables.

mod collection;

use std::collections::BTreeSet;

use super::{
    CorpusSpec, EncoderSpec, ObjectiveSpec, Tap,
    encoder::{Encoders, fields},
    fault::Diagnostics,
};
use crate::{
    data::Axis,
    keys::{Refers, ValueType},
    model::{
        encoder::{Reshaping, RowSource},
        tap::{RowKind, TapView},
    },
};

/// What the rows represent in one corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stand<'a> {
    of: Unit<'a>,
    /// The number of adjacent positions that a row has joined: 1, but for halved rows.
    joined: usize,
    /// The number of positions in front of the first: 0, but for prefixed rows.
    in_front: usize,
    /// The encoder that has several rows for a position, as for the subwords of a word or the positions of a picture.
    split_by: Option<usize>,
}

impl<'a> Stand<'a> {
    /// One row for each.
    fn each(of: Unit<'a>) -> Self {
        Self { of, joined: 1, in_front: 0, split_by: None }
    }

    /// The rows of an encoder that reshapes these. A row in front of joined ones counts as many positions as they join.
    fn reshaped(self, encoder: usize, reshaping: Reshaping) -> Self {
        match reshaping {
            Reshaping::Same => self,
            Reshaping::Joined(n) => Self { joined: self.joined * n, ..self },
            Reshaping::Prefixed => Self { in_front: self.in_front + self.joined, ..self },
            Reshaping::Split | Reshaping::Parts(_) => Self { split_by: Some(encoder), ..self },
        }
    }

    /// The first way in which rows differ from these, if they do.
    fn difference(self, other: Self) -> Option<Difference> {
        let found = [
            (self.of != other.of, Difference::Sequence),
            (self.split_by != other.split_by, Difference::Parts),
            (self.joined != other.joined, Difference::Joined(self.joined, other.joined)),
            (self.in_front != other.in_front, Difference::Prefix),
        ];
        found.into_iter().find_map(|(differs, how)| differs.then_some(how))
    }

    /// Why rows do not line up with the values of a field; `otherwise` is for those of another sequence.
    fn mismatch(self, field: Self, otherwise: &str) -> String {
        match self.difference(field) {
            Some(Difference::Parts) => {
                "are of subwords or positions of a picture; tap an encoder of whole words or pictures".to_owned()
            }
            Some(Difference::Joined(n, _)) => {
                format!("join {n} positions each; tap rows below the encoder of kind \"halve\"")
            }
            Some(Difference::Prefix) => {
                "have a row in front; tap rows below the encoder of kind \"prefix\"".to_owned()
            }
            Some(Difference::Sequence) | None => otherwise.to_owned(),
        }
    }
}

/// How rows differ from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// They are of another sequence.
    Sequence,
    /// They are of parts of positions, such as subwords, or of other ones.
    Parts,
    /// So many positions are joined in the one and in the other.
    Joined(usize, usize),
    /// One of them has a row in front.
    Prefix,
}

/// What rows are rows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit<'a> {
    /// The tokens of a sequence, by its index in the corpus.
    Sequence(usize),
    /// The items of a list of sequences, by its index in the corpus.
    Items(usize),
    /// The segments given by a field.
    Segments(&'a str),
    /// The examples.
    Example,
}

/// A corpus, with its index in the recipe.
#[derive(Clone, Copy)]
struct Here<'a> {
    at: usize,
    spec: &'a CorpusSpec,
}

impl Here<'_> {
    /// What the values of a field belong to.
    fn field(self, name: &str) -> Option<Stand<'static>> {
        let field = self.spec.schema.fields.iter().find(|field| field.name == name)?;
        Some(Stand::each(match field.axis {
            Axis::Sequence(at) => Unit::Sequence(at),
            Axis::Items(at) => Unit::Items(at),
            Axis::Example => Unit::Example,
        }))
    }

    /// What whole sequences of rows are pooled to.
    fn above(self, stand: Stand<'_>) -> Stand<'_> {
        Stand::each(match stand.of {
            Unit::Sequence(at) if self.spec.schema.sequences[at].is_list => Unit::Items(at),
            Unit::Sequence(_) | Unit::Items(_) | Unit::Segments(_) | Unit::Example => Unit::Example,
        })
    }
}

/// The field that an encoder runs over, as a tap names it; `None` for its own.
type Prefix<'a> = Option<&'a str>;

impl Encoders {
    /// What the rows of a tap represent.
    fn stand<'a>(&'a self, tap: &'a Tap, prefix: Prefix<'a>, here: Here<'_>) -> Option<Stand<'a>> {
        let spec = self.specs[tap.encoder].as_ref()?;
        let input = self.stand_of_input(spec, tap.field.as_deref().or(prefix), here)?;
        let of_input = spec.signature.inputs.first().map_or(RowKind::Token, |input| input.on);
        let layer = spec.signature.layer(Some(tap.layer))?;
        let layer = match &spec.segment_by {
            _ if tap.layer == 0 => input,
            _ if layer.on == of_input => input.reshaped(tap.encoder, spec.config.reshaping()),
            Some(field) => Stand::each(Unit::Segments(field)),
            None => here.above(input),
        };
        Some(match tap.view {
            TapView::Whole | TapView::Forward | TapView::Backward => layer,
            TapView::Last | TapView::Mean | TapView::Max => here.above(layer),
        })
    }

    /// What the input of an encoder represents: its field, or the rows of its first input.
    fn stand_of_input<'a>(
        &'a self,
        spec: &'a EncoderSpec,
        prefix: Prefix<'a>,
        here: Here<'_>,
    ) -> Option<Stand<'a>> {
        match spec.kind.source() {
            RowSource::Field => {
                here.field(prefix.or_else(|| fields(spec.kind, &spec.values).next())?)
            }
            RowSource::Encoder(_) => {
                self.stand(spec.inputs.first()?.of(here.at).first()?, prefix, here)
            }
            RowSource::Named | RowSource::Decoder(_) => None,
        }
    }
}

/// Reports rows that are combined but belong to different sequences.
pub(super) fn check(
    encoders: &Encoders,
    objectives: &[Option<ObjectiveSpec>],
    corpora: &[Option<CorpusSpec>],
    diagnostics: &mut Diagnostics,
) {
    let mut seen = BTreeSet::new();
    for objective in objectives.iter().flatten() {
        for &at in &objective.corpora {
            let Some(spec) = &corpora[at] else { continue };
            let here = Here { at, spec };
            of_objective(encoders, objective, here, diagnostics);
            for tap in objective.taps.iter().flatten() {
                for (encoder, prefix) in encoders.closure(tap, at) {
                    if let Some(spec) = &encoders.specs[encoder]
                        && seen.insert((encoder, prefix.clone(), at))
                    {
                        of_encoder(encoders, spec, prefix.as_deref(), here, diagnostics);
                    }
                }
            }
        }
    }
}

fn of_objective(
    encoders: &Encoders,
    objective: &ObjectiveSpec,
    here: Here<'_>,
    diagnostics: &mut Diagnostics,
) {
    for (key, taps) in objective.tap_keys().zip(&objective.taps) {
        if let Err(what) = together(encoders, taps, None, here) {
            diagnostics.fault(&objective.values.place(key), what);
        }
    }
    reads(encoders, objective, here, diagnostics);
    items(encoders, objective, here, diagnostics);
    collection::of_objective(objective, here, diagnostics);
    let first = objective.kind.taps().first().zip(objective.layers.first());
    let Some((tap, _)) = first.filter(|(_, layer)| layer.on == RowKind::Token) else { return };
    let stand = objective.taps[0].first().and_then(|tap| encoders.stand(tap, None, here));
    for key in objective.kind.keys() {
        // A kind that reads only tokens reads its field by token.
        let is_by_row = match key.takes {
            ValueType::Name(Refers::Row) => true,
            ValueType::Name(
                Refers::Field
                | Refers::Arcs
                | Refers::Answers
                | Refers::Frames
                | Refers::Segments
                | Refers::Spans
                | Refers::Relations,
            ) => tap.on == Some(RowKind::Token),
            _ => false,
        };
        let said = if is_by_row { objective.values.text_if_set(key.name) } else { None };
        let Some(field) = said else { continue };
        if let (Some(found), Some(stand)) = (here.field(field), stand)
            && found != stand
        {
            let (name, corpus, tap) = (objective.name.as_str(), &here.spec.name, tap.name);
            let which = stand.mismatch(found, "are of another sequence");
            let what = format!(
                "{name:?} reads the field {field:?} of corpus {corpus:?} by the rows of its `{tap}`, which {which}"
            );
            diagnostics.fault(&objective.values.place(tap), what);
        }
    }
}

/// Reports an objective that is read over other rows than those of the first tap.
fn reads(
    encoders: &Encoders,
    objective: &ObjectiveSpec,
    here: Here<'_>,
    diagnostics: &mut Diagnostics,
) {
    let stands: Vec<_> = (objective.taps.iter())
        .map(|taps| taps.first().and_then(|tap| encoders.stand(tap, None, here)))
        .collect();
    let own = objective.kind.taps().len();
    let Some(&Some(first)) = stands.first() else { return };
    for (read, stand) in objective.reads.iter().zip(stands.into_iter().skip(own)) {
        if stand.is_some_and(|stand| stand != first) {
            let (name, corpus) = (objective.name.as_str(), &here.spec.name);
            let what = format!(
                "{name:?} reads objective {:?}, whose tap has rows of another sequence of corpus {corpus:?}",
                read.objective
            );
            diagnostics.fault(&objective.values.place(read.key), what);
        }
    }
}

/// Reports a field of items, or of segments, that is read by the rows of a tap over others.
fn items(
    encoders: &Encoders,
    objective: &ObjectiveSpec,
    here: Here<'_>,
    diagnostics: &mut Diagnostics,
) {
    for key in objective.kind.keys() {
        let ValueType::Name(refers @ (Refers::Items | Refers::Segments)) = key.takes else {
            continue;
        };
        let Some(field) = objective.values.text_if_set(key.name) else { continue };
        let (wanted, what) = match refers {
            Refers::Items => (here.field(field), "items that the field belongs to"),
            _ => (Some(Stand::each(Unit::Segments(field))), "segments of that field"),
        };
        let taps = objective.kind.taps().iter().zip(&objective.taps);
        for (tap, taps) in taps.filter(|(tap, _)| tap.on == Some(RowKind::Item)) {
            let stand = taps.first().and_then(|tap| encoders.stand(tap, None, here));
            if let (Some(wanted), Some(stand)) = (wanted, stand)
                && wanted != stand
            {
                let (name, corpus, tap) = (objective.name.as_str(), &here.spec.name, tap.name);
                let what = format!(
                    "{name:?} reads the field {field:?} of corpus {corpus:?} by the rows of its `{tap}`, which are \
                     not the {what}"
                );
                diagnostics.fault(&objective.values.place(tap), what);
            }
        }
    }
}

fn of_encoder(
    encoders: &Encoders,
    spec: &EncoderSpec,
    prefix: Prefix<'_>,
    here: Here<'_>,
    diagnostics: &mut Diagnostics,
) {
    let mut first = None;
    for (key, input) in spec.kind.source().inputs_of(&spec.values).zip(&spec.inputs) {
        match together(encoders, input.of(here.at), prefix, here) {
            Ok(stand) => {
                if let (true, Some(other), Some(stand)) = (key.weighs, first, stand)
                    && other != stand
                {
                    let (name, corpus) = (&spec.name, &here.spec.name);
                    let what = format!(
                        "{name:?}: expected `{}` for the rows of its `input`, found those of another sequence in corpus \
                         {corpus:?}; tap the rows that the objective selects",
                        key.name
                    );
                    diagnostics.fault(&spec.values.place(key.name), what);
                }
                first = first.or(stand);
            }
            Err(what) => diagnostics.fault(&spec.values.place(key.name), what),
        }
    }
    if let (RowSource::Decoder(_), Some(stand), Some(copied)) =
        (spec.kind.source(), first, spec.config.other_text())
        && let Some(found) = here.field(copied)
        && stand != found
    {
        let (name, corpus) = (&spec.name, &here.spec.name);
        let which = stand.mismatch(found, "are of another sequence");
        let what = format!(
            "{name:?} copies words of the field {copied:?} of corpus {corpus:?} by the rows of its `input`, which {which}"
        );
        diagnostics.fault(&spec.values.place("copy"), what);
    }
    collection::of_encoder(encoders, spec, prefix, here, diagnostics);
    let base = prefix.or_else(|| fields(spec.kind, &spec.values).next());
    if let (RowSource::Field, Some(field)) = (spec.kind.source(), base)
        && encoders.signatures.lists.contains(field)
        && !here.spec.is_list(field)
    {
        let corpus = &here.spec.name;
        let what = format!(
            "the field {field:?} of corpus {corpus:?} is one text, and a list of texts in another corpus; rename \
             one of the two"
        );
        diagnostics.fault(&spec.values.place("field"), what);
    }
    let aligned = matches!(spec.kind.source(), RowSource::Encoder(_));
    let Some(stand) = first.filter(|_| aligned) else { return };
    let own = fields(spec.kind, &spec.values).map(|own| ("field", prefix.unwrap_or(own)));
    let segment_by = spec.segment_by.as_deref().map(|field| ("segment_by", field));
    for (key, field) in own.chain(segment_by) {
        if let Some(found) = here.field(field).filter(|found| *found != stand) {
            let (name, corpus) = (&spec.name, &here.spec.name);
            let which = stand.mismatch(found, "are of another sequence");
            let what = format!(
                "{name:?} reads the field {field:?} of corpus {corpus:?} by the rows of its input, which {which}"
            );
            diagnostics.fault(&spec.values.place(key), what);
        }
    }
}

/// What the rows of these taps represent, or why they cannot be concatenated.
fn together<'a>(
    encoders: &'a Encoders,
    taps: &'a [Tap],
    prefix: Prefix<'a>,
    here: Here<'_>,
) -> Result<Option<Stand<'a>>, String> {
    let mut first: Option<(&Tap, Stand<'_>)> = None;
    for tap in taps {
        let Some(stand) = encoders.stand(tap, prefix, here) else { continue };
        let Some((one, other)) = first else {
            first = Some((tap, stand));
            continue;
        };
        let Some(difference) = stand.difference(other) else { continue };
        let what = match difference {
            Difference::Sequence => "they are rows of two sequences".to_owned(),
            Difference::Parts => {
                "one of them has rows of subwords or of positions of a picture that the other has not".to_owned()
            }
            Difference::Joined(here, there) => {
                format!("a row of the one joins {here} positions, of the other {there}")
            }
            Difference::Prefix => "one of them has a row in front".to_owned(),
        };
        return Err(format!(
            "\"{}\" cannot be concatenated with \"{}\" in corpus {:?}: {what}; add .mean, .max or .last",
            tap.name, one.name, here.spec.name
        ));
    }
    Ok(first.map(|(_, stand)| stand))
}
