//! The memory that training a system takes, computed before any of it is allocated: exact for
//! parameters, about right for a step.

use std::collections::{BTreeMap, HashMap};

use candle_core::Result;

use super::{EncoderSpec, FittedByOwner, ObjectiveSpec, Recipe, System};
use crate::{
    data::{Collection, Corpus, Example, FieldValues, Fitted, stream::eval_batches},
    keys::{Key, Value, ValueType, Values},
    model::{
        HeadConfig, HeadKind,
        decoder::searched_at_once,
        encoder::{BatchSize, PER_OUTPUT},
        tap::{LayerSpec, RowKind},
    },
    objective,
    protocol::event::Split,
};

/// Bytes of an element.
const ELEMENT: u64 = 4;

/// Elements in training per parameter, besides its value: a gradient, two moments, and their copies
/// while a checkpoint is written.
const PER_PARAMETER: u64 = 5;

/// Elements that a step holds for each element of a head's output: logits and their gradient.
const PER_LOGIT: u64 = 3;

/// Bytes of memory that a run needs, besides its corpora.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryNeeds {
    /// The parameters.
    pub parameters: u64,
    /// Gradients, the optimizer's moments, and copies while a checkpoint is written.
    pub optimizer: u64,
    /// The copies of parameters that objectives keep.
    pub copies: u64,
    /// The rows and gradients of one step, with the longest examples in one batch.
    pub step: u64,
    /// The largest part, by the key of the recipe that determines it.
    largest: Part,
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
        let batches: Vec<BatchSize> = (corpora.iter().enumerate())
            .map(|(at, corpus)| longest_batch(corpus, recipe.batch_size(at)))
            .collect();
        let steps: Vec<u64> = batches.iter().map(|batch| sizes.step(recipe, *batch)).collect();
        let (step, largest_corpus) = steps.iter().copied().zip(0..).max().unwrap_or_default();
        let (parameters, mut largest) = (sizes.parameters(), sizes.largest(recipe));
        if step > largest.bytes {
            let corpus = &recipe.corpora[largest_corpus];
            let key = match corpus.batch_size {
                Some(_) => format!("corpus.{}.batch_size", corpus.name),
                None => "train.batch_size".to_owned(),
            };
            largest = Part { key, bytes: step };
        }
        let optimizer = parameters.saturating_mul(PER_PARAMETER);
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

/// The size of a batch of a corpus's longest examples, in each respect.
fn longest_batch(corpus: &Corpus, batch_size: usize) -> BatchSize {
    let n_characters: Vec<Vec<u64>> = (corpus.lexicons.iter())
        .map(|lexicon| lexicon.iter().map(|item| item.chars().count() as u64).collect())
        .collect();
    let characters = |example: &Example| {
        let fields = n_characters.iter().enumerate().map(|(field, of)| {
            let symbols = example.strings(field).unwrap_or_default();
            symbols.iter().map(|&symbol| of[symbol as usize]).sum::<u64>()
        });
        fields.max().unwrap_or(0)
    };
    // Of the sequences of an example, the longest first.
    let lengths = |example: &Example| {
        let lengths = (0..example.sequences.len()).map(|sequence| example.len_of(sequence) as u64);
        let mut lengths: Vec<u64> = lengths.collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        lengths
    };
    // The two sides of a pair may be of two sequences.
    let pairs = |example: &Example| lengths(example).first().map_or(0, |longest| longest.pow(2));
    let crossed = |example: &Example| lengths(example).iter().take(2).product();
    let items = |example: &Example| {
        let lists = example.sequences.iter().flatten().map(|positions| positions.items().len());
        lists.max().unwrap_or(0) as u64
    };
    let longest = |example: &Example| lengths(example).first().copied().unwrap_or(0);
    let most = |of: &dyn Fn(&Example) -> u64| {
        let sums = corpus.splits().map(|(_, split)| {
            let mut all: Vec<u64> = split.examples.iter().map(of).collect();
            all.sort_unstable_by(|a, b| b.cmp(a));
            all.iter().take(batch_size).sum()
        });
        sums.max().unwrap_or(0)
    };
    // The characters of a text, with a space after each token.
    let text = |(field, values): (usize, &Option<FieldValues>)| match values {
        Some(FieldValues::Text(text)) => text.chars().count() as u64,
        values => {
            let tokens = values.as_ref().and_then(FieldValues::strings).unwrap_or_default();
            tokens.iter().map(|&token| n_characters[field][token as usize] + 1).sum()
        }
    };
    let transcribed = |example: &Example| {
        let longest = example.fields.iter().enumerate().map(text).max().unwrap_or(0);
        lengths(example).first().map_or(0, |n| n * longest)
    };
    // An evaluation has the whole of a collection beside the examples of a batch.
    let collections = || corpus.splits().filter_map(|(_, split)| split.collection.as_ref());
    let most_collected = |of: &dyn Fn(&Collection) -> u64| collections().map(|it| of(it)).max();
    let n_words = |collection: &Collection| collection.words().count() as u64;
    let n_collected = |collection: &Collection| {
        collection.words().map(|symbol| n_characters[collection.field][symbol as usize]).sum()
    };
    BatchSize {
        examples: most(&|_| 1),
        tokens: most(&|example| example.len() as u64) + most_collected(&n_words).unwrap_or(0),
        characters: most(&characters) + most_collected(&n_collected).unwrap_or(0),
        pairs: most(&pairs),
        crossed: most(&crossed),
        item_pairs: most(&|example| items(example).pow(2)),
        item_tokens: most(&|example| items(example) * longest(example)),
        documents: most_collected(&|collection| collection.documents.len() as u64).unwrap_or(0),
        evaluated: evaluated(corpus, batch_size),
        transcribed: most(&transcribed),
    }
}

/// The examples of the largest batch of an evaluation.
fn evaluated(corpus: &Corpus, batch_size: usize) -> u64 {
    let held_out = corpus.splits().filter(|(split, _)| *split != Split::Train);
    let batches = held_out.flat_map(|(_, split)| eval_batches(split, batch_size));
    batches.map(|batch| batch.len() as u64).max().unwrap_or(0)
}

fn n_rows(batch: BatchSize, on: RowKind) -> u64 {
    match on {
        RowKind::Token | RowKind::Item => batch.tokens,
        RowKind::Example => batch.examples,
        // With one that ends each sequence.
        RowKind::Step => batch.tokens + batch.examples,
    }
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

    /// Bytes of a step on that batch.
    fn step(&self, recipe: &Recipe, batch: BatchSize) -> u64 {
        let layers = recipe.encoders.iter().flat_map(|encoder| {
            let layers = encoder.config.layers().into_iter();
            let elements = |layer: LayerSpec| {
                (layer.width as u64 * PER_OUTPUT).saturating_mul(n_rows(batch, layer.on))
            };
            layers.map(elements).chain([encoder.config.scratch(batch)])
        });
        let layers = layers.fold(0u64, u64::saturating_add);
        // On the examples that an objective makes, the encoders run again.
        let repeats = recipe.objectives.iter().map(|spec| spec.config.n_repeats()).sum::<u64>();
        let layers = layers.saturating_mul(1 + repeats);
        let heads = recipe.objectives.iter().map(|spec| {
            let outputs = self.outputs.get(&objective::owner(spec.name.as_str()));
            let rows = spec.layers.iter().map(|layer| n_rows(batch, layer.on)).max();
            let rows = rows.unwrap_or(batch.examples);
            let rows = outputs.copied().unwrap_or(0).saturating_mul(rows);
            let rows = rows.saturating_add(self.generated(spec, batch));
            let n_pairs = spec.config.n_pairs(batch);
            let pairs = match spec.head_config.as_deref() {
                Some(HeadConfig::Pairs(head)) => head.scratch(n_pairs),
                Some(HeadConfig::Ctc(head)) => head.scratch(n_pairs),
                Some(HeadConfig::Cosine(head)) => head.scratch(n_pairs),
                Some(HeadConfig::Pointer(head)) => head.scratch(n_pairs),
                Some(HeadConfig::Vector(head)) => head.scratch(n_pairs),
                Some(HeadConfig::Rows(_) | HeadConfig::Span(_) | HeadConfig::Bag(_)) | None => 0,
            };
            rows.saturating_add(pairs)
        });
        let heads = heads.fold(0u64, u64::saturating_add).saturating_mul(PER_LOGIT);
        layers.saturating_add(heads).saturating_mul(ELEMENT)
    }

    /// Elements of the scores that an objective computes with the output layer of a decoder: of the targets of a step, or
    /// of the hypotheses that are open in a search; 0 if it does not generate.
    fn generated(&self, spec: &ObjectiveSpec, batch: BatchSize) -> u64 {
        let decoder = spec.taps.first().and_then(|taps| taps.first());
        let (Some(beam), Some(tap)) = (spec.config.beam(), decoder) else { return 0 };
        let n_classes = self.n_classes[tap.encoder];
        let examples =
            batch.evaluated.min(searched_at_once(beam as usize, n_classes as usize) as u64);
        let hypotheses = examples.saturating_mul(beam);
        hypotheses.max(n_rows(batch, RowKind::Step)).saturating_mul(n_classes)
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
