//! Attention of one sequence over another of the same example.
//!
//! With rows h_t of the input and m_u of the memory, the sequence named by `to`: e_tu = vᵀ tanh(W
//! h_t + b + U m_u + c), a_t = softmax_u(e_tu), output = [h_t ; Σ_u a_tu m_u] (Bahdanau et al.
//! 2015). If an example's memory is empty, the second half is zeros.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor};

use super::{
    BatchSize, Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup, INPUT,
    InputKey, RowSource, SequenceView,
};
use crate::{
    data::Packing,
    kernel::{self, ParamRef},
    keys::{Key, MAX_WIDTH, ValueType},
    model::{
        Mode, RowKind, Rows,
        parameters::Linear,
        tap::{Context, LayerSpec},
    },
};

pub(super) struct Attend;

const INPUTS: &[InputKey] = &[
    INPUT,
    InputKey {
        name: "to",
        about: "the sequence that each row of the input attends to; several encoders are concatenated",
        on: Some(RowKind::Token),
        ..INPUT
    },
];

const KEYS: &[Key] = &[Key::optional(
    "hidden",
    ValueType::Within(1, MAX_WIDTH),
    "hidden size of the attention; default: the input dimension",
)];

impl EncoderKind for Attend {
    fn name(&self) -> &'static str {
        "attend"
    }

    fn about(&self) -> &'static str {
        "additive attention of each row over another sequence of the example, concatenated with the row"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> RowSource {
        RowSource::Encoder(INPUTS)
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        let (input, to) = (declared.inputs[0], declared.inputs[1]);
        let hidden = declared.values.count_if_set("hidden").unwrap_or(input.width);
        let is_other = declared.values.texts("to").iter().any(|to| to.contains(':'));
        Ok(Box::new(Config { input, to, is_other, hidden }))
    }
}

/// Elements that a step holds for each pair and each of its `hidden` elements: the query and the key of
/// the pair, their sum and its tanh, and their gradients.
const PER_FIT: u64 = 7;

/// The same for each element of the pair's row of the memory: the row and its gradient.
const PER_MEMORY: u64 = 2;

/// The options of an attention layer.
struct Config {
    input: LayerSpec,
    to: LayerSpec,
    /// Whether the rows that it attends to are those of another text.
    is_other: bool,
    hidden: usize,
}

impl EncoderConfig for Config {
    fn layers(&self) -> Vec<LayerSpec> {
        // The memory may be the same sequence, or contain the labels to predict, so the context is
        // the whole sequence.
        vec![LayerSpec {
            width: self.input.width + self.to.width,
            context: Context::BOTH,
            directions: None,
            ..self.input
        }]
    }

    fn scratch(&self, batch: BatchSize) -> u64 {
        let n_pairs = match (self.input.on, self.to.on) {
            (RowKind::Example, _) | (_, RowKind::Example) => batch.tokens,
            (RowKind::Step, _) | (_, RowKind::Step) => batch.crossed,
            (RowKind::Item, RowKind::Item) => batch.item_pairs,
            (RowKind::Item, _) | (_, RowKind::Item) => batch.item_tokens,
            (RowKind::Token, RowKind::Token) if self.is_other => batch.crossed,
            (RowKind::Token, RowKind::Token) => batch.pairs,
        };
        let width = PER_FIT * self.hidden as u64 + PER_MEMORY * self.to.width as u64;
        n_pairs.saturating_mul(width)
    }

    fn has_weights(&self) -> bool {
        true
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let bound = (6.0 / (self.hidden + 1) as f64).sqrt();
        Ok(Built::Encoder(Box::new(Attention {
            query: setup.scope.linear("query", self.input.width, self.hidden)?,
            key: setup.scope.linear("key", self.to.width, self.hidden)?,
            score: setup.scope.uniform("score", &[self.hidden], bound)?,
        })))
    }
}

struct Attention {
    query: Linear,
    key: Linear,
    /// v: (hidden).
    score: ParamRef,
}

impl Encoder for Attention {
    fn forward(&self, inputs: &[Rows], _on: SequenceView<'_>, _mode: Mode) -> Result<Vec<Rows>> {
        let (input, to) = (&inputs[0], &inputs[1]);
        let (h, m) = (&input.tensor, &to.tensor);
        let Pairs { packing, of_input, of_memory } = Pairs::new(&input.packing, &to.packing);
        let attended = if packing.n_rows() == 0 {
            Tensor::zeros((h.dim(0)?, m.dim(1)?), DType::F32, h.device())?
        } else {
            let queries = kernel::gather(&self.query.forward(h)?, of_input)?;
            let keys = kernel::gather(&self.key.forward(m)?, of_memory.clone())?;
            let fits = kernel::tanh(&(queries + keys)?)?; // (pairs, hidden)
            let memory = kernel::gather(m, of_memory)?; // (pairs, width of m)
            let attended = kernel::attend(&fits, &self.score, &memory, &packing)?;
            Rows::pooled(&packing, attended)?.tensor
        };
        Ok(vec![input.with(Tensor::cat(&[h, &attended], 1)?)])
    }
}

/// Every row of the input, paired with each row of the memory of the same example.
struct Pairs {
    /// One sequence of pairs for each row of the input whose memory is not empty.
    packing: Packing,
    /// The input's row of each pair.
    of_input: Vec<u32>,
    /// The memory's row of each pair.
    of_memory: Vec<u32>,
}

impl Pairs {
    fn new(input: &Arc<Packing>, memory: &Packing) -> Self {
        let of_example = |example: usize| memory.rows_of_example(example);
        let memory: Vec<Vec<usize>> = (0..memory.n_examples()).map(of_example).collect();
        let examples = input.examples_of_rows();
        let lengths: Vec<usize> = examples.iter().map(|&b| memory[b as usize].len()).collect();
        let packing = Packing::sorted_below(input, &lengths);
        let rows = packing.parent_rows();
        let pair = |(sequence, t): (usize, usize)| {
            let row = rows[sequence];
            (row, memory[examples[row as usize] as usize][t] as u32)
        };
        let (of_input, of_memory) = packing.positions().map(pair).unzip();
        Self { packing, of_input, of_memory }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_paired_with_every_memory_row_of_its_own_example_in_order() {
        let examples = Arc::new(Packing::of_examples(3));
        // The first example has two rows and a memory of one, the second one and three, the third
        // one and none.
        let input = Arc::new(Packing::sorted_below(&examples, &[2, 1, 1]));
        let memory = Packing::sorted_below(&examples, &[1, 3, 0]);
        let pairs = Pairs::new(&input, &memory);
        assert_eq!(pairs.packing.lengths(), [3, 1, 1]);
        // Rows of the input: the first of each example, then the second of the first example.
        assert_eq!(pairs.packing.parent_rows(), [1, 0, 3]);
        // Rows of the memory: the first of the second and of the first example, then the rest of
        // the second.
        assert_eq!(pairs.of_input, [1, 0, 3, 1, 1]);
        assert_eq!(pairs.of_memory, [0, 1, 1, 2, 3]);
    }

    #[test]
    fn memory_is_that_of_the_pairs_of_its_own_rows() {
        let batch = BatchSize {
            tokens: 1,
            pairs: 10,
            crossed: 100,
            item_pairs: 1_000,
            item_tokens: 10_000,
            ..BatchSize::default()
        };
        let n_pairs = |input: RowKind, to: RowKind, is_other: bool| {
            let rows = |on, width| LayerSpec {
                width,
                on,
                pooled: RowKind::Example,
                context: Context::BOTH,
                directions: None,
            };
            let config = Config { input: rows(input, 8), to: rows(to, 3), is_other, hidden: 2 };
            config.scratch(batch) / (PER_FIT * 2 + PER_MEMORY * 3)
        };
        assert_eq!(n_pairs(RowKind::Token, RowKind::Token, false), 10);
        assert_eq!(n_pairs(RowKind::Token, RowKind::Token, true), 100);
        assert_eq!(n_pairs(RowKind::Item, RowKind::Item, false), 1_000);
        assert_eq!(n_pairs(RowKind::Item, RowKind::Token, true), 10_000);
        assert_eq!(n_pairs(RowKind::Example, RowKind::Token, true), 1);
    }
}
