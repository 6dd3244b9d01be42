//! Linear-chain conditional random field: predicts all tags of a sentence jointly.
//!
//! Training sums over all tag sequences; decoding returns the best allowed one, so that every span
//! is valid.

use candle_core::{Result, Tensor};

use super::{
    Allowed, HIDDEN, Head, HeadConfig, HeadKind, HeadLoss, HeadSetup, KEYS, RowHeadConfig,
    ScoreLayers,
};
use crate::{
    data::Packing,
    kernel::{self, ParamRef},
    keys::{Key, Values},
    model::tap::RowKind,
};

pub(super) struct Crf;

impl HeadKind for Crf {
    fn name(&self) -> &'static str {
        "crf"
    }

    fn about(&self) -> &'static str {
        "linear-chain conditional random field over the tags of a sequence"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn works_on(&self, on: RowKind) -> bool {
        on == RowKind::Token
    }

    fn supports_class_weights(&self) -> bool {
        false
    }

    fn configure(&self, values: &Values) -> HeadConfig {
        HeadConfig::Rows(Box::new(Config { hidden: values.count(HIDDEN.name) }))
    }
}

/// Its parsed options.
struct Config {
    /// The size of the tanh layer; 0 for none.
    hidden: usize,
}

impl RowHeadConfig for Config {
    fn build(&self, mut setup: HeadSetup<'_>) -> Result<Box<dyn Head>> {
        let layers = setup.score_layers(self.hidden)?;
        let tags = setup.classes.n;
        let transitions = setup.scope.uniform("transitions", &[tags + 2, tags], 0.1)?;
        Ok(Box::new(Built { layers, transitions, allowed: setup.classes.allowed }))
    }
}

struct Built {
    layers: ScoreLayers,
    transitions: ParamRef,
    allowed: Option<Allowed>,
}

/// The sentences whose tokens all have a tag.
struct Tagged {
    /// The example of each.
    examples: Vec<u32>,
    packing: Packing,
    /// Their rows in the batch, in the order of their own packing.
    rows: Vec<u32>,
    tags: Vec<u32>,
}

impl Tagged {
    fn of(targets: &[Option<u32>], packing: &Packing) -> Self {
        let is_whole = |b: &usize| packing.rows(*b).all(|row| targets[row].is_some());
        let sentences: Vec<usize> = (0..packing.n_sequences()).filter(is_whole).collect();
        let whole = Packing::new(sentences.iter().map(|&b| packing.lengths()[b]).collect());
        let rows: Vec<usize> =
            whole.positions().map(|(at, t)| packing.row(sentences[at], t)).collect();
        let examples = packing.examples();
        let tags = rows.iter().filter_map(|&row| targets[row]).collect();
        Self {
            examples: sentences.iter().map(|&b| examples[b]).collect(),
            packing: whole,
            rows: rows.iter().map(|&row| row as u32).collect(),
            tags,
        }
    }
}

impl Built {
    /// The loss of the tagged sentences; `emissions` computes the scores of their rows from `rows`.
    fn loss_of(
        &self,
        rows: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
        emissions: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Option<HeadLoss>> {
        let tagged = Tagged::of(targets, packing);
        if tagged.examples.is_empty() {
            return Ok(None);
        }
        let count = tagged.rows.len();
        let rows =
            if count == targets.len() { rows.clone() } else { kernel::gather(rows, tagged.rows)? };
        let emissions = emissions(&rows)?;
        let losses = kernel::crf(&emissions, &self.transitions, tagged.tags, &tagged.packing)?;
        let per_example = kernel::sum_by_group(&losses, tagged.examples, packing.n_examples())?;
        Ok(Some(HeadLoss { per_example, count }))
    }
}

impl Head for Built {
    fn loss(
        &self,
        x: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<Option<HeadLoss>> {
        self.loss_of(x, targets, packing, |x| self.layers.forward(x))
    }

    fn scores(&self, x: &Tensor) -> Result<Tensor> {
        self.layers.forward(x)
    }

    fn loss_of_scores(
        &self,
        scores: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<Option<HeadLoss>> {
        self.loss_of(scores, targets, packing, |scores| Ok(scores.clone()))
    }

    /// Decodes the best allowed tag sequence.
    fn predict(&self, scores: &Tensor, packing: &Packing) -> Result<Vec<u32>> {
        let transitions = kernel::to_vec(self.transitions.var())?;
        let any = |_: Option<usize>, _: Option<usize>| true;
        kernel::read(&scores.contiguous()?, |emissions| match &self.allowed {
            Some(allowed) => kernel::viterbi(emissions, &transitions, packing, allowed.as_ref()),
            None => kernel::viterbi(emissions, &transitions, packing, &any),
        })
    }
}
