//! The memory that training a system takes, computed before any of it is allocated: exact for
//! parameters, about right for a step.

mod rows;

use std::collections::{BTreeMap, HashMap};

use candle_core::Result;

use super::{EncoderSpec, FittedByOwner, Group, ObjectiveSpec, Recipe, System};
use crate::{
    data::{
        Batch, Corpus, Fitted, SplitData,
        sampler::Rule,
        stream::{epoch_batches, eval_batches},
    },
    keys::{Key, Value, ValueType, Values},
    mixer::Needs,
    model::{
        HeadConfig, HeadKind,
        decoder::searched_at_once,
        encoder::{BatchSize, PER_OUTPUT},
    },
    objective,
    protocol::{Step, event::Split},
};
use rows::{BatchRows, CorpusBatch};

/// Bytes of an element.
const ELEMENT: u64 = 4;

/// Elements in training per parameter, besides its value: a gradient, two moments, and a copy of its value while a
/// checkpoint is written.
const PER_PARAMETER: u64 = 4;

/// Elements that a step holds for each element of a head's output: logits and their gradient. An evaluation has no
/// gradient.
const PER_LOGIT: u64 = 3;

/// Rows of which an output layer computes the scores at once: at most two parts of 72.
const ROWS_AT_ONCE: u64 = 144;

/// Elements from which an evaluation of pairs computes scores of labels at once.
const SCORES_AT_ONCE: u64 = 1 << 22;

/// Elements in training for each element of a layer without weights: its rows and their gradients.
const PER_COPY: u64 = 4;

/// Bytes of memory that a run needs, besides its corpora.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryNeeds {
    /// The parameters.
    pub parameters: u64,
    /// Gradients, the optimizer's moments, and copies while a checkpoint is written.
    pub optimizer: u64,
    /// The copies of parameters that objectives keep.
    pub copies: u64,
    /// The rows and gradients of one step, or the rows of an evaluation if they are more, with the largest batch.
    pub step: u64,
    /// The largest part, by the key of the recipe that determines it.
    largest: Part,
}

/// Bytes of a step and of an evaluation with the batches of one corpus.
#[derive(Clone, Copy, Debug, Default)]
struct CorpusNeeds {
    step: u64,
    evaluation: u64,
}

impl CorpusNeeds {
    fn largest(self) -> u64 {
        self.step.max(self.evaluation)
    }
}

/// A part of the system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Part {
    key: String,
    bytes: u64,
}

impl MemoryNeeds {
    /// The needs of a run of a checked recipe.
    pub fn of(recipe: &Recipe, corpora: &[Corpus], fitted: &FittedByOwner) -> Result<Self> {
        let sizes = Sizes::of(recipe, fitted)?;
        let by_corpus: Vec<CorpusNeeds> = (corpora.iter().enumerate())
            .map(|(at, corpus)| sizes.of_corpus(recipe, fitted, at, corpus))
            .collect();
        let drawn = |group: &Group| group.corpora.iter().map(|&at| by_corpus[at].step).sum();
        let by_group = recipe.groups_of(|at| recipe.objectives[at].is_active());
        let by_group = by_group.iter().map(drawn);
        let step: u64 = match *recipe.train.sampling.at(Step(0)) {
            Rule::All | Rule::Interference(_) => by_group.sum(),
            _ => by_group.max().unwrap_or(0),
        };
        let evaluation = by_corpus.iter().map(|needs| needs.evaluation).max().unwrap_or(0);
        let largest_corpus = (0..corpora.len()).max_by_key(|&at| by_corpus[at].largest());
        let step = step.max(evaluation);
        let (parameters, mut largest) = (sizes.parameters(), sizes.largest(recipe));
        if let Some(corpus) = largest_corpus.filter(|_| step > largest.bytes) {
            let corpus = &recipe.corpora[corpus];
            let key = match corpus.batch_size {
                Some(_) => format!("corpus.{}.batch_size", corpus.name),
                None => "train.batch_size".to_owned(),
            };
            largest = Part { key, bytes: step };
        }
        // A rule of the gradients and measurements have those of each objective of a step at once. A rule that keeps them,
        // and measurements under a rule of the gradients, have them twice more: of the step before, and as tensors of a
        // checkpoint.
        let train = &recipe.train;
        let rule = train.weighting.build();
        let (is_measured, of_gradients) =
            (train.measure_gradients_every > 0, rule.needs() == Needs::Gram);
        let active = recipe.objectives.iter().filter(|spec| spec.is_active());
        let n_accumulated =
            active.clone().filter(|spec| spec.accumulation_steps > 1).count() as u64;
        let n = active.count() as u64;
        let has_apart =
            of_gradients || is_measured || n_accumulated > 0 || train.affinity_budget > 0.0;
        let has_earlier = rule.keeps_gradients() || (of_gradients && is_measured);
        let n_times = u64::from(has_apart) + if has_earlier { 2 } else { 0 };
        // Accumulated gradients are there as a sum and as tensors of a checkpoint, and affinities have a copy of the
        // parameters beside them.
        let apart = n * n_times + 2 * n_accumulated + u64::from(train.affinity_budget > 0.0);
        let optimizer = parameters.saturating_mul(PER_PARAMETER + apart);
        let copies = sizes.copies(recipe);
        Ok(Self { parameters, optimizer, copies, step, largest })
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        [self.optimizer, self.copies, self.step]
            .into_iter()
            .fold(self.parameters, u64::saturating_add)
    }

    /// Why it does not fit into this many bytes; `None` if it does. `limit` says whose they are.
    pub fn refusal(&self, available: u64, limit: &str) -> Option<String> {
        (self.total() > available).then(|| {
            let Part { key, bytes } = &self.largest;
            let [total, available, bytes] = [self.total(), available, *bytes].map(mib);
            format!(
                "this system needs about {total} MiB of memory, and {limit} {available} MiB; \
                 lower `{key}`, which takes about {bytes} MiB of it"
            )
        })
    }
}

/// Bytes in MiB, rounded up.
pub fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

/// The batches of a corpus that may take the most memory: those with the most tokens, and with the most pairs of tokens
/// of an example, among those of the first epoch and of the evaluations.
fn largest_batches(
    recipe: &Recipe,
    corpus_idx: usize,
    corpus: &Corpus,
) -> Vec<(Split, Vec<usize>)> {
    let size = recipe.batch_size(corpus_idx);
    let of_split = |(split, data): (Split, &SplitData)| {
        let batches = match split {
            Split::Train => epoch_batches(recipe.train.seed, corpus, 0, size),
            Split::Dev | Split::Test => eval_batches(data, size),
        };
        let most = |power: u32| {
            let size = |at: &usize| (data.examples[*at].len() as u64).saturating_pow(power);
            batches.iter().max_by_key(|batch| batch.iter().map(size).sum::<u64>()).cloned()
        };
        [most(1), most(2)]
            .into_iter()
            .flatten()
            .map(move |batch| (split, batch))
            .collect::<Vec<_>>()
    };
    corpus.splits().flat_map(of_split).collect()
}

/// Numbers of elements of parameters, by `encoder.NAME` or `objective.NAME`.
struct Sizes {
    parameters: BTreeMap<String, u64>,
    /// Those of output biases: the size of the rows that the objective computes.
    outputs: BTreeMap<String, u64>,
    /// The number of classes of each encoder, in the order of the recipe; 0 if it is no decoder.
    n_classes: Vec<u64>,
}

impl Sizes {
    fn of(recipe: &Recipe, fitted: &FittedByOwner) -> Result<Self> {
        let (mut parameters, mut outputs) = (BTreeMap::new(), BTreeMap::new());
        // By the prefix of the names of their parameters.
        let mut owners: HashMap<String, String> = (recipe.encoders.iter())
            .map(|encoder| (encoder.name.clone(), format!("encoder.{}", encoder.name)))
            .collect();
        owners.extend(recipe.objectives.iter().map(|spec| {
            let owner = objective::owner(spec.name.as_str());
            (owner.clone(), owner)
        }));
        for (name, n_elements) in System::parameter_sizes(recipe, fitted)? {
            let mut prefixes = name.match_indices('.').map(|(dot, _)| &name[..dot]);
            let Some(owner) = prefixes.find_map(|prefix| owners.get(prefix)) else { continue };
            let sum: &mut u64 = parameters.entry(owner.clone()).or_default();
            *sum = sum.saturating_add(n_elements);
            if name.rsplit('.').next() == Some("bias") {
                let sum: &mut u64 = outputs.entry(owner.clone()).or_default();
                *sum = sum.saturating_add(n_elements);
            }
        }
        let none = Fitted::default();
        let of_encoder = |spec: &EncoderSpec| {
            let fitted = fitted.get(&format!("encoder.{}", spec.name)).unwrap_or(&none);
            spec.config.n_classes(fitted)
        };
        let n_classes = recipe.encoders.iter().map(of_encoder).collect();
        Ok(Self { parameters, outputs, n_classes })
    }

    fn of_corpus(
        &self,
        recipe: &Recipe,
        fitted: &FittedByOwner,
        at: usize,
        corpus: &Corpus,
    ) -> CorpusNeeds {
        let read = recipe.objectives.iter().filter(|spec| spec.corpora.contains(&at));
        // An evaluation has muted objectives too.
        let evaluated: Vec<&ObjectiveSpec> = read.collect();
        let trained: Vec<&ObjectiveSpec> =
            evaluated.iter().copied().filter(|spec| spec.is_active()).collect();
        let mut needs = CorpusNeeds::default();
        for (split, examples) in largest_batches(recipe, at, corpus) {
            let Some(data) = corpus.split(split) else { continue };
            let is_evaluated = split != Split::Train;
            let (batch, objectives, largest) = if is_evaluated {
                let batch = Batch::for_evaluation(at, corpus, data, &examples);
                (batch, &evaluated, &mut needs.evaluation)
            } else {
                (Batch::new(at, corpus, data, &examples), &trained, &mut needs.step)
            };
            let collection = data.collection.as_ref().filter(|_| is_evaluated);
            let n_documents = collection.map_or(0, |it| it.documents.len() as u64);
            let of = CorpusBatch { corpus, batch: &batch, n_documents, is_evaluated };
            *largest = (*largest).max(self.of_batch(recipe, fitted, of, objectives));
        }
        needs
    }

    fn parameters(&self) -> u64 {
        self.parameters
            .values()
            .fold(0, |sum: u64, n| sum.saturating_add(*n))
            .saturating_mul(ELEMENT)
    }

    /// Bytes of the copies of encoders' and other objectives' parameters that objectives keep.
    fn copies(&self, recipe: &Recipe) -> u64 {
        let configs = || recipe.objectives.iter().map(|spec| &spec.config);
        let encoders = configs().flat_map(|config| config.copied_encoders());
        let heads = configs().flat_map(|config| config.copied_heads());
        let encoders = encoders.map(|name| format!("encoder.{name}"));
        encoders
            .chain(heads.map(|name| objective::owner(name)))
            .filter_map(|owner| self.parameters.get(&owner))
            .fold(0, |sum: u64, n| sum.saturating_add(*n))
            .saturating_mul(ELEMENT)
    }

    /// Bytes of a step or of an evaluation of these objectives on that batch.
    fn of_batch(
        &self,
        recipe: &Recipe,
        fitted: &FittedByOwner,
        of: CorpusBatch<'_>,
        objectives: &[&ObjectiveSpec],
    ) -> u64 {
        let rows = BatchRows::new(recipe, fitted, of, objectives);
        let runs = rows.runs.iter().map(|run| {
            let config = &recipe.encoders[run.encoder].config;
            let outputs = run.layers.iter().map(|(width, n_rows)| width.saturating_mul(*n_rows));
            let outputs = outputs.fold(0, u64::saturating_add);
            let per_output = if config.has_weights() { PER_OUTPUT } else { PER_COPY };
            let computed = outputs.saturating_mul(per_output);
            (outputs, computed.saturating_add(config.scratch(run.size)))
        });
        let runs: Vec<(u64, u64)> = runs.collect();
        let encoders = if of.is_evaluated {
            // Nothing is kept for a backward pass.
            let outputs = runs.iter().map(|(outputs, _)| *outputs).fold(0, u64::saturating_add);
            let largest = runs.iter().map(|(_, computed)| *computed).max().unwrap_or(0);
            outputs.saturating_add(largest / 2)
        } else {
            // On the examples that an objective makes, the encoders run again.
            let repeats = objectives.iter().map(|spec| spec.config.n_repeats()).sum::<u64>();
            let computed = runs.iter().map(|(_, computed)| *computed);
            computed.fold(0, u64::saturating_add).saturating_mul(1 + repeats)
        };
        let per_score = if of.is_evaluated { 1 } else { PER_LOGIT };
        let heads = objectives.iter().map(|spec| self.of_head(recipe, spec, rows.at_taps(spec)));
        let heads = heads.fold(0u64, u64::saturating_add).saturating_mul(per_score);
        encoders.saturating_add(heads).saturating_mul(ELEMENT)
    }

    /// Elements of the scores of an objective, with those of its pairs.
    fn of_head(&self, recipe: &Recipe, spec: &ObjectiveSpec, batch: BatchSize) -> u64 {
        let n_outputs = self.outputs.get(&objective::owner(recipe.donor(spec).name.as_str()));
        let of_rows = |n_rows: u64| n_outputs.copied().unwrap_or(0).saturating_mul(n_rows);
        let n_pairs = spec.config.n_pairs(batch);
        let (scores, pairs) = match spec.head_config.as_deref() {
            Some(HeadConfig::Rows(_)) | None => (of_rows(batch.tokens.min(ROWS_AT_ONCE)), 0),
            Some(HeadConfig::Span(_) | HeadConfig::Bag(_)) => (of_rows(batch.tokens), 0),
            Some(HeadConfig::Pairs(head)) => {
                // In training those of the labels of an arc for each row.
                let labels = of_rows(batch.tokens);
                let labels = if batch.evaluated > 0 { labels.min(SCORES_AT_ONCE) } else { labels };
                (labels, head.scratch(n_pairs))
            }
            Some(HeadConfig::Ctc(head)) => (of_rows(batch.tokens), head.scratch(n_pairs)),
            Some(HeadConfig::Cosine(head)) => (of_rows(batch.tokens), head.scratch(n_pairs)),
            Some(HeadConfig::Pointer(head)) => (of_rows(batch.tokens), head.scratch(n_pairs)),
            Some(HeadConfig::Vector(head)) => (of_rows(batch.tokens), head.scratch(n_pairs)),
        };
        scores.saturating_add(self.searched(spec, batch)).saturating_add(pairs)
    }

    /// Elements of the scores that an objective computes with the output layer of a decoder: of the targets of a step, or
    /// of the hypotheses that are open in a search; 0 if it does not generate.
    fn searched(&self, spec: &ObjectiveSpec, batch: BatchSize) -> u64 {
        let decoder = spec.taps.first().and_then(|taps| taps.first());
        let (Some(beam), Some(tap)) = (spec.config.beam(), decoder) else { return 0 };
        let n_classes = self.n_classes[tap.encoder];
        let examples =
            batch.evaluated.min(searched_at_once(beam as usize, n_classes as usize) as u64);
        let hypotheses = examples.saturating_mul(beam);
        hypotheses.max(batch.tokens.min(ROWS_AT_ONCE)).saturating_mul(n_classes)
    }

    /// The owner of the most parameters, with its largest dimension.
    fn largest(&self, recipe: &Recipe) -> Part {
        let most = self.parameters.iter().max_by_key(|(_, n)| **n);
        let Some((owner, &n)) = most else { return Part::default() };
        let encoder =
            recipe.encoders.iter().find(|spec| *owner == format!("encoder.{}", spec.name));
        let objective =
            recipe.objectives.iter().find(|spec| *owner == objective::owner(spec.name.as_str()));
        let dimension = match (encoder, objective) {
            (Some(spec), _) => largest_dimension(spec.kind.keys(), &spec.values),
            (None, Some(spec)) => {
                let keys: Vec<Key> = (spec.kind.keys().iter())
                    .chain(spec.head.into_iter().flat_map(HeadKind::keys))
                    .copied()
                    .collect();
                largest_dimension(&keys, &spec.values)
            }
            (None, None) => None,
        };
        let key = dimension.map_or_else(|| owner.clone(), |(key, _)| format!("{owner}.{key}"));
        Part { key, bytes: n.saturating_mul(ELEMENT).saturating_mul(1 + PER_PARAMETER) }
    }
}

/// The key of the largest dimension of a table, with its value; of a nested table as `TABLE.KEY`.
fn largest_dimension(keys: &[Key], values: &Values) -> Option<(String, i64)> {
    let mut dimensions: Vec<(String, i64)> = Vec::new();
    for key in keys {
        add_dimensions(
            key.name,
            &key.takes,
            values.get(key.name).map(|it| &it.value),
            &mut dimensions,
        );
    }
    dimensions.into_iter().max_by_key(|(_, value)| *value)
}

fn add_dimensions(
    path: &str,
    takes: &ValueType,
    value: Option<&Value>,
    dimensions: &mut Vec<(String, i64)>,
) {
    match (takes, value) {
        (ValueType::Within(..), Some(Value::Integer(n))) => dimensions.push((path.to_owned(), *n)),
        (ValueType::List(takes), Some(Value::List(items))) => {
            for item in items {
                add_dimensions(path, takes, Some(&item.value), dimensions);
            }
        }
        (ValueType::Either(choices), value) => {
            for choice in *choices {
                add_dimensions(path, choice, value, dimensions);
            }
        }
        (ValueType::Table(keys), Some(Value::Table(entries))) => {
            for key in *keys {
                let entry = entries.iter().find(|(name, _)| name == key.name);
                let value = entry.map(|(_, it)| &it.value);
                add_dimensions(&format!("{path}.{}", key.name), &key.takes, value, dimensions);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
