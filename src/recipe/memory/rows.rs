//! The rows of every encoder for a batch, as its forward pass has them, without computing any.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    data::{Batch, Corpus, FieldForm, FieldValues, Packing, Segments, Subwords},
    model::{
        encoder::{BatchSize, Reshaping, RowSource},
        tap::{LayerSpec, RowKind, TapView},
    },
    recipe::{EncoderSpec, FittedByOwner, ObjectiveSpec, Recipe, Tap},
};

/// Sequences of rows: the example that each belongs to, and its length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sequences(Vec<(u32, u64)>);

impl Sequences {
    fn of(packing: &Packing) -> Self {
        let lengths = packing.lengths().iter().map(|&length| length as u64);
        Self(packing.examples().into_iter().zip(lengths).collect())
    }

    /// The number of rows.
    pub(super) fn n_rows(&self) -> u64 {
        self.0.iter().map(|(_, length)| length).sum()
    }

    /// Pairs of rows of one sequence.
    fn pairs(&self) -> u64 {
        self.0.iter().map(|(_, length)| length.saturating_pow(2)).sum()
    }

    /// Pairs of a row and a row of the other sequences of its example.
    fn crossed(&self, other: &Self) -> u64 {
        let others = other.by_example(|length| length);
        let n_others = |example: &u32| others.get(example).copied().unwrap_or(0);
        self.0.iter().map(|(example, length)| length.saturating_mul(n_others(example))).sum()
    }

    /// The sequences after pooling, with rows of that kind: one for each sequence, or one for each example.
    fn pooled(&self, to: RowKind) -> Self {
        let of_sequence = |_| 1;
        match to {
            RowKind::Item => Self(self.by_example(of_sequence).into_iter().collect()),
            RowKind::Token | RowKind::Example | RowKind::Step => {
                Self(self.by_example(of_sequence).into_keys().map(|example| (example, 1)).collect())
            }
        }
    }

    fn reshaped(&self, reshaping: Reshaping) -> Self {
        let n_rows =
            |&(example, length): &(u32, u64)| (example, reshaping.n_rows(length as usize) as u64);
        Self(self.0.iter().map(n_rows).collect())
    }

    /// One more row of each sequence.
    fn extended(&self) -> Self {
        Self(self.0.iter().map(|(example, length)| (*example, length + 1)).collect())
    }

    fn by_example(&self, count: impl Fn(u64) -> u64) -> BTreeMap<u32, u64> {
        let mut sums = BTreeMap::new();
        for &(example, length) in &self.0 {
            *sums.entry(example).or_default() += count(length);
        }
        sums
    }
}

/// An encoder's run over a field.
pub(super) struct Run {
    /// The index of the encoder.
    pub(super) encoder: usize,
    /// The size of the batch as it has it: its own rows, or those of its inputs.
    pub(super) size: BatchSize,
    /// The dimension and the number of rows of each layer.
    pub(super) layers: Vec<(u64, u64)>,
}

/// The rows of an encoder: those of layer 0, then of each layer.
type Layers = Vec<Sequences>;

/// The field that an encoder runs over, as a tap names it; `None` is its own field.
type Prefix<'a> = Option<&'a str>;

/// A batch of a corpus.
#[derive(Clone, Copy)]
pub(super) struct CorpusBatch<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) batch: &'a Batch,
    /// The documents of its collection, in an evaluation.
    pub(super) n_documents: u64,
    /// Whether it is a batch of an evaluation.
    pub(super) is_evaluated: bool,
}

/// The rows of a batch; see the module.
pub(super) struct BatchRows<'a> {
    recipe: &'a Recipe,
    fitted: &'a FittedByOwner,
    of: CorpusBatch<'a>,
    states: Vec<BTreeMap<Prefix<'a>, Layers>>,
    /// Every encoder that these objectives need, once for each field that it runs over.
    pub(super) runs: Vec<Run>,
}

impl<'a> BatchRows<'a> {
    /// The rows that the taps of these objectives need.
    pub(super) fn new(
        recipe: &'a Recipe,
        fitted: &'a FittedByOwner,
        of: CorpusBatch<'a>,
        objectives: &[&'a ObjectiveSpec],
    ) -> Self {
        let mut needed: Vec<BTreeSet<Prefix<'a>>> = vec![BTreeSet::new(); recipe.encoders.len()];
        for tap in objectives.iter().flat_map(|spec| spec.taps.iter().flatten()) {
            needed[tap.encoder].insert(tap.field.as_deref());
        }
        // Encoders come after their inputs.
        for at in (0..needed.len()).rev() {
            for prefix in needed[at].clone() {
                for tap in recipe.encoders[at].taps(of.batch.corpus) {
                    needed[tap.encoder].insert(tap.field.as_deref().or(prefix));
                }
            }
        }
        let mut rows = Self { recipe, fitted, of, states: Vec::new(), runs: Vec::new() };
        for (at, prefixes) in needed.into_iter().enumerate() {
            let states = prefixes.into_iter().map(|prefix| (prefix, rows.run(at, prefix)));
            let states = states.collect();
            rows.states.push(states);
        }
        rows
    }

    /// The size of the batch as an objective has it at its taps.
    pub(super) fn at_taps(&self, spec: &'a ObjectiveSpec) -> BatchSize {
        let rows: Vec<Sequences> =
            spec.taps.iter().filter_map(|taps| self.read(taps, None)).collect();
        let first = rows.first().cloned().unwrap_or_default();
        let mut size = self.size(&first, rows.get(1).unwrap_or(&first));
        let texts = self.of.batch.examples.len();
        let text = (0..self.of.corpus.fields.len()).map(|field| self.characters_of(field)).max();
        // The longest rows with a text of mean length.
        size.transcribed = first.n_rows().saturating_mul(text.unwrap_or(0)) / texts.max(1) as u64;
        size
    }

    fn run(&mut self, at: usize, prefix: Prefix<'a>) -> Layers {
        let recipe = self.recipe;
        let spec = &recipe.encoders[at];
        let corpus = self.of.batch.corpus;
        let inputs: Vec<Sequences> =
            spec.inputs.iter().filter_map(|input| self.read(input.of(corpus), prefix)).collect();
        let field = spec.config.field().map(|own| prefix.unwrap_or(own));
        let field = field.and_then(|name| self.of.corpus.field(name));
        let own = field.map(|field| self.of_field(spec, field));
        let first = match spec.kind.source() {
            RowSource::Encoder(_) => inputs.first().cloned(),
            RowSource::Field | RowSource::Decoder(_) | RowSource::Named => own,
        };
        let first = first.unwrap_or_default();
        let other = match spec.kind.source() {
            RowSource::Decoder(_) => inputs.iter().max_by_key(|input| input.n_rows()),
            RowSource::Encoder(_) => inputs.get(1),
            RowSource::Field | RowSource::Named => None,
        };
        let mut size = self.size(&first, other.unwrap_or(&first));
        size.characters = field.map_or(0, |field| self.characters(field));
        let on = spec.signature.inputs.first().map_or(RowKind::Token, |input| input.on);
        let layer = |layer: &LayerSpec| match layer.on {
            RowKind::Step => first.extended(),
            _ if layer.on == on => first.reshaped(spec.config.reshaping()),
            on => self.in_segments(spec, &first).pooled(on),
        };
        let layers: Vec<Sequences> = spec.signature.layers.iter().map(layer).collect();
        let widths = spec.signature.layers.iter().map(|layer| layer.width as u64);
        let layers_of_run = widths.zip(&layers).map(|(width, rows)| (width, rows.n_rows()));
        self.runs.push(Run { encoder: at, size, layers: layers_of_run.collect() });
        let bottom = match spec.signature.initial {
            None => inputs.into_iter().next().unwrap_or(first),
            Some(_) => first.pooled(RowKind::Example),
        };
        std::iter::once(bottom).chain(layers).collect()
    }

    /// The rows of the first of some taps, for a reader that itself runs over that field.
    fn read(&self, taps: &'a [Tap], prefix: Prefix<'a>) -> Option<Sequences> {
        let tap = taps.first()?;
        let states = self.states.get(tap.encoder)?.get(&tap.field.as_deref().or(prefix))?;
        let rows = states.get(tap.layer)?;
        let signature = &self.recipe.encoders[tap.encoder].signature;
        Some(match tap.view {
            TapView::Whole | TapView::Forward | TapView::Backward => rows.clone(),
            TapView::Last | TapView::Mean | TapView::Max => {
                let layer = signature.layer(Some(tap.layer));
                rows.pooled(layer.map_or(RowKind::Example, |layer| layer.pooled))
            }
        })
    }

    /// The rows of a field; of one that is split into subwords, those of its subwords.
    fn of_field(&self, spec: &EncoderSpec, field: usize) -> Sequences {
        let batch = self.of.batch;
        let packing = batch.packing(field);
        let rows = Sequences::of(packing);
        let is_split =
            spec.config.reshaping() == Reshaping::Split || spec.config.generates_subwords();
        let fitted = self.fitted.get(&format!("encoder.{}", spec.name));
        let Some(Ok(subwords)) = fitted.filter(|_| is_split).map(Subwords::of) else { return rows };
        let lexicon = &self.of.corpus.lexicons[field];
        let mut n_parts = BTreeMap::new();
        let mut lengths = vec![0; packing.n_sequences()];
        for ((b, _), symbol) in packing.positions().zip(batch.symbols(field)) {
            let Some(symbol) = *symbol else { continue };
            let n_parts_of = || subwords.split(lexicon.get(symbol)).len() as u64;
            lengths[b] += *n_parts.entry(symbol).or_insert_with(n_parts_of);
        }
        Sequences(rows.0.into_iter().zip(lengths).map(|((example, _), n)| (example, n)).collect())
    }

    /// The rows as sequences of their segments, if the encoder runs by segments.
    fn in_segments(&self, spec: &EncoderSpec, rows: &Sequences) -> Sequences {
        let by = spec.segment_by.as_ref().and_then(|name| self.of.corpus.field(name));
        let Some(field) = by else { return rows.clone() };
        let batch = self.of.batch;
        Sequences::of(&Segments::new(batch.packing(field), batch.symbols(field)).within)
    }

    /// The characters of the distinct strings of a field.
    fn characters(&self, field: usize) -> u64 {
        let symbols = self.of.batch.symbols(field).iter().flatten().copied();
        self.of_strings(field, symbols.collect::<BTreeSet<u32>>().into_iter())
    }

    /// The characters of a text, with a space after each token.
    fn characters_of(&self, field: usize) -> u64 {
        let symbols = self.of.batch.symbols(field).iter().flatten().copied();
        let of_text = |values: &Option<FieldValues>| match values {
            Some(FieldValues::Text(text)) => text.chars().count() as u64,
            _ => 0,
        };
        let texts: u64 = self.of.batch.values(field).iter().map(of_text).sum();
        let labels = self.of.batch.labels(field).iter().flatten().copied();
        let n_tokens = self.of.batch.symbols(field).len() as u64;
        texts + n_tokens + self.of_strings(field, symbols.chain(labels))
    }

    fn of_strings(&self, field: usize, symbols: impl Iterator<Item = u32>) -> u64 {
        // Segments have no strings.
        if self.of.corpus.fields[field].form == FieldForm::Segments {
            return 0;
        }
        let lexicon = &self.of.corpus.lexicons[field];
        symbols.map(|symbol| lexicon.get(symbol).chars().count() as u64).sum()
    }

    /// The size of the batch for what computes pairs of these rows.
    fn size(&self, first: &Sequences, other: &Sequences) -> BatchSize {
        let examples = self.of.batch.n_examples() as u64;
        let crossed = first.crossed(other);
        BatchSize {
            examples,
            tokens: first.n_rows().max(other.n_rows()),
            pairs: first.pairs(),
            crossed,
            item_pairs: crossed,
            item_tokens: crossed,
            documents: self.of.n_documents,
            evaluated: if self.of.is_evaluated { examples } else { 0 },
            ..BatchSize::default()
        }
    }
}
