//! A decoder in the graph: its rows are the outputs of teacher forcing, one for each symbol of the target and one for
//! its end. Its layer 0 is its initial state, one row per example whether it has a target or not: for an LSTM the state
//! and the cell, h_0 and c_0. The formulas are in `kernel/decoder.rs`.
//!
//! Its output layer is the head of its objectives: it is trained by them also where their gradient does not reach the
//! rows.

mod attention;
mod node;

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{Error, Result};

use super::{
    BatchSize, Built, DeclaredEncoder, EncoderConfig, EncoderKind, EncoderSetup, InputKey,
    RowSource, StringTable, subwords,
};
use crate::{
    data::{Corpus, Fitted, SUBWORDS, SubwordModel, Subwords, Vocabulary, vectors::WordVectors},
    kernel::{DecoderCell, DecoderWeights},
    keys::{Key, MAX_WIDTH, Refers, ValueType, Values},
    model::{
        decoder::{CopyLayer, FIRST, Initial, Network, OutputLayer},
        tap::{self, Context, LayerSpec, RowKind},
    },
    schedule::Schedule,
};
use attention::Attention;
use node::Node;

pub(super) struct DecoderKind;

const FIELD: &str = "field";
const MIN_COUNT: &str = "min_count";
const SUBWORDS_KEY: &str = "subwords";
const EMBED: &str = "embed";
const WIDTH: &str = "width";
const CELL: &str = "cell";
const INPUT_FEEDING: &str = "input_feeding";
const INITIAL: &str = "initial";
const TIED: &str = "tied";
const COPY: &str = "copy";
const DROPOUT: &str = "dropout";
const TEACHER_FORCING: &str = "teacher_forcing";

const SECOND_INPUT: &str = "second_input";
const SUMMARY: &str = "summary";

const INPUTS: &[InputKey] = &[
    InputKey {
        name: "input",
        about: "memory: the rows that it attends to; several are concatenated",
        on: Some(RowKind::Token),
        required: true,
        weighs: false,
    },
    InputKey {
        name: SECOND_INPUT,
        about: "a second memory, to which it attends with other parameters",
        on: Some(RowKind::Token),
        required: false,
        weighs: false,
    },
    InputKey {
        name: SUMMARY,
        about: "one vector per example, from which the initial state is computed",
        on: Some(RowKind::Example),
        required: false,
        weighs: false,
    },
];

const KEYS: &[Key] = &[
    Key::required(FIELD, ValueType::Name(Refers::Field), "field whose texts it generates"),
    Key::with_default(
        MIN_COUNT,
        ValueType::Count(1),
        "2",
        "training count from which a word is generated; rarer ones are one unknown word, whose embedding only they train: \
         with 1 it keeps its initial value; no effect with `subwords`",
    ),
    Key::optional(
        SUBWORDS_KEY,
        ValueType::Within(1, subwords::MAX_SUBWORDS),
        "number of subwords that are learnt from the words of training and generated in their place",
    ),
    subwords::MODEL,
    Key::with_default(EMBED, ValueType::Within(1, MAX_WIDTH), "128", "embedding dimension"),
    Key::with_default(WIDTH, ValueType::Within(1, MAX_WIDTH), "256", "hidden size"),
    Key::with_default(CELL, ValueType::Choice(&["lstm", "gru"]), "\"lstm\"", "recurrent cell"),
    attention::ATTENTION_KEY,
    attention::HIDDEN_KEY,
    attention::HEADS_KEY,
    Key::with_default(
        INPUT_FEEDING,
        ValueType::Switch,
        "true",
        "whether a step reads the output of the step before it",
    ),
    Key::optional(
        INITIAL,
        ValueType::Choice(&["zero", "learned", SUMMARY]),
        "state before the first step; default: from `summary` if it is set, otherwise zero",
    ),
    Key::with_default(
        TIED,
        ValueType::Switch,
        "true",
        "whether the embeddings are also the weights of the output layer",
    ),
    Key::optional(
        COPY,
        ValueType::Name(Refers::OtherText),
        "field whose words it can copy; `input` has one row for each of them",
    ),
    Key::with_default(
        DROPOUT,
        ValueType::Number(0.0, 0.95),
        "0",
        "dropout rate of embeddings and outputs",
    ),
    Key::with_default(
        TEACHER_FORCING,
        ValueType::Schedule(0.0, 1.0),
        "1",
        "probability in training that a step reads the word of the target before it, and not one drawn from the decoder's \
         probabilities",
    ),
];

impl EncoderKind for DecoderKind {
    fn name(&self) -> &'static str {
        "decoder"
    }

    fn about(&self) -> &'static str {
        "recurrent decoder with attention, which generates a text"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> RowSource {
        RowSource::Decoder(INPUTS)
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        let values = declared.values;
        let n_memories = if values.get(SECOND_INPUT).is_some() { 2 } else { 1 };
        let (memories, summary) = declared.inputs.split_at(n_memories);
        let memories: Vec<usize> = memories.iter().map(|memory| memory.width).collect();
        let summary = summary.first().map(|summary| summary.width);
        if let (Some(said), Some(_)) = (values.text_if_set(INITIAL), summary)
            && said != SUMMARY
        {
            return Err(format!(
                "expected no `summary` beside `initial = {said:?}`, which does not depend on it, found both; remove one of \
                 them"
            ));
        }
        let initial = match (values.text_if_set(INITIAL), summary) {
            (None | Some(SUMMARY), Some(summary)) => InitialState::Summary(summary),
            (Some("learned"), _) => InitialState::Learned,
            (Some(SUMMARY), None) => {
                return Err(
                    "expected `summary` beside `initial = \"summary\"`, found none; add the encoder of \
                     a vector, such as \"reader.mean\""
                        .to_owned(),
                );
            }
            _ => InitialState::Zero,
        };
        if values.get(SUBWORDS_KEY).is_some() && values.get(COPY).is_some() {
            return Err(
                "expected no `copy` beside `subwords`: words are copied whole; remove one of them"
                    .to_owned(),
            );
        }
        let attention = Attention::of(values, values.count(WIDTH), &memories)?;
        Ok(Box::new(Config::new(values, memories, attention, initial)))
    }
}

/// What the state before the first step is.
#[derive(Clone, Copy)]
enum InitialState {
    Zero,
    Learned,
    /// From a vector of this dimension.
    Summary(usize),
}

/// The options of a decoder.
struct Config {
    field: String,
    min_count: u64,
    /// The number of subwords and the model that splits words, if it generates those.
    subwords: Option<(usize, SubwordModel)>,
    embed: usize,
    width: usize,
    /// The dimension of each memory.
    memories: Vec<usize>,
    cell: DecoderCell,
    attention: Attention,
    input_feeding: bool,
    initial: InitialState,
    tied: bool,
    copy: Option<String>,
    dropout: f64,
    teacher_forcing: Schedule,
}

impl Config {
    fn new(
        values: &Values,
        memories: Vec<usize>,
        attention: Attention,
        initial: InitialState,
    ) -> Self {
        Self {
            field: values.text(FIELD).to_owned(),
            min_count: values.count(MIN_COUNT) as u64,
            subwords: values.count_if_set(SUBWORDS_KEY).map(|n| (n, subwords::model(values))),
            embed: values.count(EMBED),
            width: values.count(WIDTH),
            memories,
            cell: if values.text(CELL) == "gru" { DecoderCell::Gru } else { DecoderCell::Lstm },
            attention,
            input_feeding: values.switch(INPUT_FEEDING),
            initial,
            tied: values.switch(TIED),
            copy: values.text_if_set(COPY).map(str::to_owned),
            dropout: values.number(DROPOUT),
            teacher_forcing: values.schedule(TEACHER_FORCING),
        }
    }

    /// The key of its vocabulary among the fitted values.
    fn vocabulary(&self) -> &'static str {
        if self.subwords.is_some() { SUBWORDS } else { WORDS }
    }

    /// The dimension of an output.
    fn output(&self) -> usize {
        if self.tied { self.embed } else { self.width }
    }

    /// A pointer over the rows of the first memory.
    fn copy_layer(&self, setup: &mut EncoderSetup<'_>) -> Result<CopyLayer> {
        let (mut scope, memory) = (setup.scope.child("copy"), self.memories[0]);
        let bound = (3.0 / memory as f64).sqrt();
        Ok(CopyLayer {
            query: scope.linear("query", self.output(), memory)?,
            sentinel: scope.uniform("sentinel", &[1, memory], bound)?,
        })
    }

    fn weights(&self, setup: &mut EncoderSetup<'_>) -> Result<DecoderWeights> {
        let &Self { embed, width, attention, cell, .. } = self;
        let (gates, output) = (cell.n_gates() * width, self.output());
        let mut scope = setup.scope.child("cell");
        let glorot = |inputs: usize, outputs: usize| (6.0 / (inputs + outputs) as f64).sqrt();
        let mut matrix =
            |name, inputs, outputs, bound| scope.uniform(name, &[inputs, outputs], bound);
        let bound = glorot(width, width);
        let input = matrix("input", embed, gates, glorot(embed, width))?;
        let recurrent = matrix("recurrent", width, gates, bound)?;
        let feed = self.input_feeding.then(|| matrix("feed", output, gates, glorot(output, width)));
        let feed = feed.transpose()?;
        let contexts: usize = self.memories.iter().map(|memory| attention.context(*memory)).sum();
        let joined = width + contexts;
        let output = matrix("output", joined, output, glorot(joined, output))?;
        let attention = self.memories.iter().enumerate().map(|(at, &memory)| match at {
            0 => attention.weights(&mut scope, memory, width),
            _ => attention.weights(&mut scope.child("second"), memory, width),
        });
        let attention = attention.collect::<Result<_>>()?;
        // The forget gate starts open (Jozefowicz et al. 2015).
        let is_forget = |at: usize| cell == DecoderCell::Lstm && (width..2 * width).contains(&at);
        let bias = (0..gates).map(|at| if is_forget(at) { 1.0 } else { 0.0 }).collect();
        let bias = scope.from_values("bias", &[gates], bias)?;
        let recurrent_bias = cell.has_recurrent_bias();
        let recurrent_bias = recurrent_bias
            .then(|| scope.from_values("recurrent_bias", &[width], vec![0.0; width]))
            .transpose()?;
        Ok(DecoderWeights { cell, input, bias, recurrent, recurrent_bias, feed, attention, output })
    }
}

const WORDS: &str = "words";

/// Elements that a step holds for each row of the memory and element of its keys or of itself: the row gathered, its
/// gradient, and both for its sequence.
const PER_MEMORY: u64 = 4;

/// Elements that a step holds for each pair of a row and a row of its memory: a weight and its gradient.
const PER_PAIR: u64 = 2;

impl EncoderConfig for Config {
    fn field(&self) -> Option<&str> {
        Some(&self.field)
    }

    fn other_text(&self) -> Option<&str> {
        self.copy.as_deref()
    }

    fn layers(&self) -> Vec<LayerSpec> {
        vec![LayerSpec {
            width: self.output(),
            on: RowKind::Step,
            pooled: RowKind::Example,
            // Its own symbols to the left, and whatever the memory has read.
            context: Context::BOTH,
            directions: None,
        }]
    }

    fn initial_state(&self) -> Option<tap::InitialState> {
        let rows = LayerSpec {
            width: self.cell.n_states() * self.width,
            on: RowKind::Example,
            pooled: RowKind::Example,
            context: Context::BOTH,
            directions: None,
        };
        Some(match self.initial {
            InitialState::Zero => tap::InitialState::Zero,
            InitialState::Learned | InitialState::Summary(_) => tap::InitialState::Rows(rows),
        })
    }

    fn scratch(&self, batch: BatchSize) -> u64 {
        let key = self.attention.key(self.width);
        let contexts = self.memories.iter().map(|memory| self.attention.context(*memory));
        let contexts: usize = contexts.sum();
        let projected = self.attention.has_projections();
        let of_memory = self.memories.iter().map(|memory| {
            let values = if projected { self.attention.context(*memory) } else { 0 };
            PER_MEMORY * (memory + key + values) as u64
        });
        let of_memory: u64 = of_memory.sum();
        let queries = if projected { self.memories.len() * key } else { 0 };
        let states = (self.cell.n_gates() + 4) * self.width + contexts + queries;
        let rows = (batch.tokens + batch.examples).saturating_mul(2 * states as u64);
        let weights = (self.memories.len() * self.attention.heads()) as u64;
        let pairs = (batch.crossed + batch.tokens).saturating_mul(PER_PAIR * weights);
        batch.tokens.saturating_mul(of_memory).saturating_add(rows).saturating_add(pairs)
    }

    fn generates_subwords(&self) -> bool {
        self.subwords.is_some()
    }

    fn n_classes(&self, fitted: &Fitted) -> u64 {
        let words = fitted.vocabularies.get(self.vocabulary()).map_or(0, Vocabulary::len);
        u64::from(FIRST) + words as u64
    }

    fn has_weights(&self) -> bool {
        true
    }

    /// The values of the classes of words; where the output layer is tied, it has no weights.
    fn tables(&self) -> &'static [StringTable] {
        const fn of(vocabulary: &'static str, name: &'static str, dimension: usize) -> StringTable {
            StringTable { name, vocabulary, dimension, n_special: FIRST as usize }
        }
        const fn all(of_words: &'static str) -> [StringTable; 3] {
            [
                of(of_words, "embedding", 0),
                of(of_words, "scores.weight", 1),
                of(of_words, "scores.bias", 0),
            ]
        }
        if self.generates_subwords() { const { &all(SUBWORDS) } } else { const { &all(WORDS) } }
    }

    fn fit(&self, corpora: &[(&Corpus, usize)], _vectors: Option<&WordVectors>) -> Fitted {
        let words = Vocabulary::of_train(corpora.iter().copied(), str::to_owned, None);
        if let Some((size, model)) = self.subwords {
            return Subwords::fit(model, size, &words);
        }
        let words = words.retained(|_, count| count >= self.min_count);
        Fitted::default().with_vocabulary(WORDS, words)
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let vocabulary = setup.vocabulary(self.vocabulary())?;
        let subwords = self.subwords.map(|_| Subwords::of(setup.fitted));
        let classes = vocabulary.len() + FIRST as usize;
        let states = self.cell.n_states() * self.width;
        let weights = self.weights(&mut setup)?;
        let network = Network {
            embedding: setup.scope.table("embedding", classes, self.embed)?,
            weights,
            initial: match self.initial {
                InitialState::Zero => Initial::Zero,
                InitialState::Learned => Initial::Learned(setup.scope.table("initial", 1, states)?),
                InitialState::Summary(width) => {
                    Initial::Summary(setup.scope.linear("initial", width, states)?)
                }
            },
            output: if self.tied {
                let bias = vec![0.0; classes];
                OutputLayer::Tied(setup.scope.child("scores").from_values(
                    "bias",
                    &[classes],
                    bias,
                )?)
            } else {
                OutputLayer::Own(setup.scope.linear("scores", self.output(), classes)?)
            },
            copy: match &self.copy {
                Some(field) => Some((field.clone(), self.copy_layer(&mut setup)?)),
                None => None,
            },
            vocabulary,
            subwords: subwords.transpose().map_err(Error::msg)?,
        };
        let network = Arc::new(network);
        let node = Node {
            name: setup.name.to_owned(),
            network: network.clone(),
            dropout: self.dropout,
            teacher_forcing: self.teacher_forcing,
            attached: BTreeMap::new(),
        };
        Ok(Built::Decoder(Box::new(node), network))
    }
}
