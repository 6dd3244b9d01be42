//! `[[encoder]]`: the shared encoders, in an order in which they can be built.

mod decoders;
mod frozen;
mod graph;
mod segments;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    CorpusSpec,
    check::Context,
    fault::Diagnostics,
    input::{self, Input},
    kind::Kinds,
    names::Named,
    tap::{Signatures, Tap, Tappable},
    word_lists,
};
use crate::{
    data::{Corpus, Vocabulary},
    keys::{Key, Located, Place, Refers, ValueType, Values},
    model::{
        encoder::{self, DeclaredEncoder, EncoderConfig, EncoderKind, Reshaping, RowSource},
        tap::{EncoderSignature, LayerSpec, RowKind},
    },
    objective::EncoderView,
};

pub(super) use graph::closure;

use frozen::FROZEN_KEY;
use graph::{cycles, input_keys, order, reads, tapped};
use segments::{SEGMENT_BY, Segmented};

/// An encoder of the recipe.
#[derive(Clone)]
pub struct EncoderSpec {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static dyn EncoderKind,
    /// Its options, parsed.
    pub config: Arc<dyn EncoderConfig>,
    /// Every key of the table, including those of its kind.
    pub values: Values,
    /// The input of each of its input keys, in the kind's order.
    pub inputs: Vec<Input>,
    /// Its layers; none if other encoders only name it.
    pub signature: EncoderSignature,
    /// The field that gives its segments, each of which is encoded by itself; `None` if it runs
    /// over whole sequences.
    pub segment_by: Option<String>,
    /// The field that gives the segments its rows represent, if they represent items.
    items: Option<String>,
    /// The corpora that reach it: those of the objectives active at the start, or, if none of those
    /// reads it, of the muted ones. A muted objective therefore does not affect a vocabulary.
    pub corpora: Vec<usize>,
    /// The same for taps that name a field to run it over: corpus and field.
    pub prefixed: Vec<(usize, String)>,
    /// The word lists that its keys name.
    pub(super) lists: Vec<(&'static str, Vocabulary)>,
    /// Whether it is frozen, with everything below it.
    pub is_frozen: bool,
    /// The position of the table in the file.
    pub place: Place,
}

impl EncoderSpec {
    /// Everything it reads for a batch of that corpus, through any of its input keys.
    pub fn taps(&self, corpus_idx: usize) -> impl Iterator<Item = &Tap> {
        self.inputs.iter().flat_map(move |input| input.of(corpus_idx))
    }

    /// The fields whose strings it reads, in each corpus that reaches it: the corpus with the
    /// field's index.
    pub fn fields<'a>(
        &'a self,
        corpora: &'a [Corpus],
    ) -> impl Iterator<Item = (&'a Corpus, usize)> {
        let own = self.config.field().into_iter();
        let own = own.flat_map(|field| self.corpora.iter().map(move |&at| (at, field)));
        let prefixed = self.prefixed.iter().map(|(at, field)| (*at, field.as_str()));
        let all = own.chain(prefixed).map(|(at, field)| (&corpora[at], field));
        all.filter_map(|(corpus, field)| Some((corpus, corpus.field(field)?)))
    }

    /// The field of another text that it compares with where it runs over a field that a tap names, or over its own.
    pub(super) fn other_text<'a>(&'a self, prefix: Option<&'a str>) -> Option<&'a str> {
        let other = self.config.other_text()?;
        if prefix == Some(other) { self.config.field() } else { Some(other) }
    }

    /// The objective whose head it reads, if it stands for an input `"labels:OBJECTIVE"` or
    /// `"probability:OBJECTIVE"`.
    pub fn objective(&self) -> Option<&str> {
        self.config.labels_of().or_else(|| self.config.probability_of())
    }

    /// The names of the encoders whose parameters it uses.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        named_keys(self.kind).filter_map(|key| self.values.get(key)?.value.as_text())
    }
}

pub(super) const ENCODERS: Kinds<&'static dyn EncoderKind> = Kinds {
    noun: "encoder kind",
    built: encoder::ENCODERS,
    name: |kind| kind.name(),
    planned: encoder::PLANNED,
};

const NAME: Key = Key::required("name", ValueType::Text, "name in the recipe");
const KIND: Key = Key::required("kind", ValueType::Text, "kind");
const SHARE: Key =
    Key::optional("share", ValueType::Name(Refers::Encoder), "encoder whose parameters it shares");

/// The key of the run that an encoder's parameters start from.
pub(crate) const FROM: &str = "from";

const START: Key = Key::optional(
    FROM,
    ValueType::Run,
    "folder of a run; the parameters start from its encoder of this name",
);

/// Keys that recipes may have but that are not implemented yet.
const TO_COME: &[&str] = &["share"];

/// Whether a key of an encoder is not implemented yet.
pub(super) fn is_planned(key: &Key) -> bool {
    TO_COME.contains(&key.name)
}

/// Every key of an encoder of this kind.
pub(super) fn keys(kind: &dyn EncoderKind) -> Vec<Key> {
    let inputs = kind.source().inputs();
    let required = inputs.iter().filter(|input| input.required).count();
    let common: &[Key] = match (kind.source(), required) {
        // With several inputs, only one of them could be split into segments.
        (RowSource::Encoder(_), 1) => &[SEGMENT_BY, SHARE, START, FROZEN_KEY],
        (RowSource::Encoder(_) | RowSource::Field | RowSource::Decoder(_), _) => {
            &[SHARE, START, FROZEN_KEY]
        }
        (RowSource::Named, _) => &[START, FROZEN_KEY],
    };
    let inputs = inputs.iter().map(|input| {
        let key = if input.required { Key::required } else { Key::optional };
        key(input.name, ValueType::Input, input.about)
    });
    [NAME, KIND]
        .into_iter()
        .chain(inputs)
        .chain(common.iter().chain(kind.keys()).copied())
        .collect()
}

/// The result of checking the encoders.
pub(super) struct Encoders {
    /// In the order of building; `None` for an encoder with a fault, or not implemented.
    pub(super) specs: Vec<Option<EncoderSpec>>,
    /// Indices and signatures, by name.
    pub(super) signatures: Signatures,
}

/// Checks every encoder.
pub(super) fn check(
    tables: &[Named<'_>],
    cx: &Context<'_>,
    corpora: &[Option<CorpusSpec>],
    diagnostics: &mut Diagnostics,
) -> Encoders {
    let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
    let edges: Vec<Vec<usize>> = tables.iter().map(|table| reads(table, &names)).collect();
    let (order, circular) = order(&edges);
    for cycle in cycles(&circular, &edges) {
        let mut path: Vec<&str> = cycle.iter().map(|at| names[*at]).collect();
        path.push(path[0]);
        // The position of the key by which the first encoder of the cycle reads the next.
        let (first, next) = (&tables[cycle[0]], cycle[cycle.len().min(2) - 1]);
        let reads = |said: &&Located| {
            let texts = input::texts(said);
            texts.into_iter().any(|(text, _)| tapped(text, &names) == Some(next))
        };
        let mut inputs = input_keys(first).filter_map(|key| first.get(key));
        let place = inputs.find(reads).map_or(first.place, |said| &said.place);
        diagnostics.fault(place, format!("encoders form a cycle: {}", path.join(" <- ")));
    }
    let derived = corpora.iter().flatten().flat_map(CorpusSpec::derived).collect();
    let signatures = Signatures { by_name: BTreeMap::new(), lists: lists(corpora), derived };
    let mut encoders = Encoders { specs: Vec::new(), signatures };
    for &at in order.iter().chain(&circular) {
        let spec = if circular.contains(&at) {
            // Its keys are still checked; its signature cannot be known.
            let kind = ENCODERS.of(&tables[at], "kind", diagnostics);
            if let Some(kind) = kind {
                let table = &tables[at];
                cx.table(&table.label(), table.place, table.entries, &keys(kind), diagnostics);
            }
            None
        } else {
            one(&tables[at], cx, &encoders, diagnostics)
        };
        let signature = spec.as_ref().map(|spec| spec.signature.clone());
        let (fields, segment_by) =
            spec.as_ref().map(|spec| encoders.fields_of(spec)).unwrap_or_default();
        // If two encoders have one name, which is a fault, the name refers to the first.
        let here = encoders.specs.len();
        encoders.signatures.by_name.entry(names[at].to_owned()).or_insert(Tappable {
            place: here,
            signature,
            fields,
            segment_by,
        });
        encoders.specs.push(spec);
    }
    encoders
}

/// The fields that are lists of sequences in any corpus that has them.
fn lists(corpora: &[Option<CorpusSpec>]) -> BTreeSet<String> {
    let of = |corpus: &CorpusSpec| {
        let names = corpus.schema.fields.iter().map(|field| field.name.clone());
        names.filter(|name| corpus.is_list(name)).collect::<Vec<_>>()
    };
    corpora.iter().flatten().flat_map(of).collect()
}

impl Encoders {
    /// The encoder with that name, if it has no fault.
    pub(super) fn view(&self, name: &str) -> Option<EncoderView<'_>> {
        let spec = self.specs[self.signatures.get(name)?.place].as_ref()?;
        let &EncoderSpec { kind, ref config, ref values, ref signature, is_frozen, .. } = spec;
        Some(EncoderView { kind, config: config.as_ref(), values, signature, is_frozen })
    }

    /// The encoder of a tap and, transitively, all encoders that it reads or names for batches of a
    /// corpus, each with the field that it runs over, if that is not its own.
    pub(super) fn closure(
        &self,
        top: &Tap,
        corpus_idx: usize,
    ) -> BTreeSet<(usize, Option<String>)> {
        let spec = |at: usize| self.specs[at].as_ref();
        let index = |name: &str| self.signatures.get(name).map(|named| named.place);
        closure(spec, index, top, corpus_idx)
    }

    /// The fields that an encoder and its inputs read, transitively, and the field that gives the
    /// segments of one of them.
    fn fields_of(&self, spec: &EncoderSpec) -> (BTreeSet<String>, Option<String>) {
        let own = fields(spec.kind, &spec.values);
        let mut fields: BTreeSet<String> = own.map(str::to_owned).collect();
        let mut segment_by = spec.segment_by.clone();
        for tap in spec.inputs.iter().flat_map(Input::all) {
            let below = self.signatures.by_name.values().find(|below| below.place == tap.encoder);
            let Some(below) = below else { continue };
            fields.extend(tap.field.iter().cloned());
            fields.extend(below.fields.iter().filter(|_| tap.field.is_none()).cloned());
            segment_by = segment_by.or_else(|| below.segment_by.clone());
        }
        (fields, segment_by)
    }
}

/// The fields that an encoder itself reads.
pub(super) fn fields<'a>(
    kind: &dyn EncoderKind,
    values: &'a Values,
) -> impl Iterator<Item = &'a str> {
    let keys = kind.keys().iter();
    let keys = keys.filter(|key| {
        matches!(key.takes, ValueType::Name(Refers::Field | Refers::Frames | Refers::Label))
    });
    keys.filter_map(|key| values.text_if_set(key.name))
}

/// Whether it reads a label of each example.
pub(super) fn reads_labels(kind: &dyn EncoderKind) -> bool {
    kind.keys().iter().any(|key| matches!(key.takes, ValueType::Name(Refers::Label)))
}

struct ByName<'a>(&'a BTreeMap<&'a str, &'a Values>);

impl encoder::Named for ByName<'_> {
    fn values(&self, encoder: &str) -> Option<&Values> {
        self.0.get(encoder).copied()
    }
}

fn one(
    table: &Named<'_>,
    cx: &Context<'_>,
    below: &Encoders,
    diagnostics: &mut Diagnostics,
) -> Option<EncoderSpec> {
    let kind = match graph::kind_of(table) {
        Some(kind) => kind,
        None => ENCODERS.of(table, "kind", diagnostics)?,
    };
    let entries = cx.table(&table.label(), table.place, table.entries, &keys(kind), diagnostics);
    let mut not_implemented = false;
    for key in TO_COME {
        if let Some(said) = table.get(key) {
            diagnostics.not_implemented(&said.place, key);
            not_implemented = true;
        }
    }
    let values = Values::new(entries?);
    let inputs = kind.source().inputs();
    let mut is_right = true;
    for (input, said) in inputs.iter().filter_map(|input| Some((input, values.get(input.name)?))) {
        not_implemented |= !input::is_known(said, cx, diagnostics);
        is_right &= !input.weighs || input::are_weights(input.name, said, diagnostics);
        is_right &= decoders::are_absent(table, input.name, said, below, diagnostics);
    }
    if not_implemented || !is_right {
        return None;
    }
    let found: Vec<_> =
        (inputs.iter().filter_map(|input| Some((input.name, values.get(input.name)?))))
            .map(|said| input::input(said, cx, &below.signatures, diagnostics))
            .collect();
    let (reads, layers): (Vec<Input>, Vec<LayerSpec>) =
        found.into_iter().collect::<Option<Vec<_>>>()?.into_iter().unzip();
    decoders::check(table, kind, &values, (&reads, &layers), below, diagnostics)?;
    let mut others = BTreeMap::new();
    for key in named_keys(kind) {
        let Some(name) = values.get(key).and_then(|said| said.value.as_text()) else { continue };
        let at = below.signatures.get(name)?.place;
        let other = below.specs[at].as_ref()?;
        if other.kind.source() != RowSource::Named {
            let (place, found) = (values.place(key), other.kind.name());
            let what =
                format!("`{key}`: encoder {name:?} is of kind {found:?}; expected kind {key:?}");
            diagnostics.fault(&place, what);
            return None;
        }
        others.insert(name, &other.values);
    }
    let first = reads.first().zip(layers.first().copied());
    if let (Some(other), true) =
        (inputs.get(1), reads.len() > 1 && values.get(SEGMENT_BY.name).is_some())
    {
        let what = format!(
            "{}: expected no `segment_by` with `{}`, found both; remove one, or encode the segments below",
            table.label(),
            other.name
        );
        diagnostics.fault(&values.place(SEGMENT_BY.name), what);
        return None;
    }
    let segments = segments::check(table, kind, &values, first, below, diagnostics)?;
    let sequences: Vec<LayerSpec> =
        layers.iter().map(|layer| segments::as_sequence(*layer, &segments)).collect();
    let config = configure(table, kind, &values, &sequences, &ByName(&others), diagnostics)?;
    if config.reshaping() != Reshaping::Same && segments != Segmented::default() {
        let place = table.get("input").map_or(table.place, |said| &said.place);
        let what = format!(
            "{}: a {:?} changes the rows of a whole text or recording; expected no segments in its `input`, and no \
             `segment_by`",
            table.label(),
            kind.name()
        );
        diagnostics.fault(place, what);
        return None;
    }
    let is_list = kind.source() == RowSource::Field
        && fields(kind, &values).any(|field| below.signatures.lists.contains(field));
    let given = config.layers().into_iter().map(|layer| match layers.first() {
        Some(input) => segments::restored(layer, *input),
        None if is_list => layer.in_items(),
        None => layer,
    });
    let (inputs, initial) = (layers.clone(), config.initial_state());
    let signature = EncoderSignature { layers: given.collect(), inputs, initial };
    let named = others.keys().filter_map(|name| below.signatures.get(name));
    let read = reads.iter().flat_map(Input::all).map(|tap| tap.encoder);
    let read = read.chain(named.map(|named| named.place));
    let read: Vec<_> = read.filter_map(|at| below.specs[at].as_ref()).collect();
    let is_frozen = frozen::check(table, &values, config.as_ref(), &read, diagnostics)?;
    let Segmented { segment_by, items } = segments;
    Some(EncoderSpec {
        name: table.name.to_owned(),
        kind,
        config: config.into(),
        inputs: reads,
        signature,
        segment_by,
        items,
        corpora: Vec::new(),
        prefixed: Vec::new(),
        lists: word_lists::lists(kind.keys(), &values),
        is_frozen,
        place: table.place.clone(),
        values,
    })
}

/// The options of a table, if the kind accepts them for its input.
fn configure(
    table: &Named<'_>,
    kind: &dyn EncoderKind,
    values: &Values,
    inputs: &[LayerSpec],
    named: &ByName<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Box<dyn EncoderConfig>> {
    let keys = kind.source().inputs_of(values);
    let mut vectors =
        keys.zip(inputs).filter(|(key, input)| key.on.is_some_and(|on| on != input.on));
    if let Some((key, _)) = vectors.next() {
        let (kind, name) = (kind.name(), key.name);
        let what = match key.on {
            Some(RowKind::Example) => format!(
                "expected one vector per example as `{name}` of a {kind:?}, found a sequence; add .mean, .max or .last"
            ),
            _ => format!("a {kind:?} reads a sequence, and its `{name}` is one vector"),
        };
        diagnostics.fault(&values.place(name), format!("{}: {what}", table.label()));
        return None;
    }
    let config = kind.configure(&DeclaredEncoder { values, inputs, named });
    let place = table.get("input").map_or(table.place, |said| &said.place);
    config.map_err(|what| diagnostics.fault(place, format!("{}: {what}", table.label()))).ok()
}

/// The keys of a kind that take the name of another encoder.
fn named_keys(kind: &dyn EncoderKind) -> impl Iterator<Item = &'static str> + use<> {
    let keys = kind.keys().iter().filter(|key| names_encoder(&key.takes));
    keys.map(|key| key.name)
}

/// Whether a key takes the name of an encoder, or an array of names.
pub(super) fn names_encoder(takes: &ValueType) -> bool {
    match takes {
        ValueType::Name(Refers::Encoder) => true,
        ValueType::List(item) => names_encoder(item),
        ValueType::Either(choices) => choices.iter().any(names_encoder),
        _ => false,
    }
}
