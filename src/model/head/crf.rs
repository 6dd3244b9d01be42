//! Linear-chain conditional random field: all tags of a sentence at once.
//!
//! Training sums over every sequence of tags; a decision is the best among those that are allowed,
//! so that no span is ever broken.

use candle_core::{Result, Tensor};

use super::{Allowed, Head, HeadKind, HeadLoss, Scores, Setup};
use crate::{
    data::Packing,
    kernel::{self, ParamRef},
    model::tap::RowKind,
};

pub(super) struct Crf;

impl HeadKind for Crf {
    fn name(&self) -> &'static str {
        "crf"
    }

    fn about(&self) -> &'static str {
        "the tags of a sentence together: a linear-chain conditional random field"
    }

    fn works_on(&self, on: RowKind) -> bool {
        on == RowKind::Token
    }

    fn build(&self, mut setup: Setup<'_>) -> Result<Box<dyn Head>> {
        let scores = Scores::new(&mut setup)?;
        let tags = setup.classes.n;
        let transitions = setup.scope.uniform("transitions", &[tags + 2, tags], 0.1)?;
        Ok(Box::new(Built { scores, transitions, allowed: setup.classes.allowed }))
    }
}

struct Built {
    scores: Scores,
    transitions: ParamRef,
    allowed: Option<Allowed>,
}

impl Head for Built {
    fn loss(
        &self,
        x: &Tensor,
        targets: &[Option<u32>],
        packing: &Packing,
    ) -> Result<Option<HeadLoss>> {
        // A sentence counts if all of its tokens have a tag.
        let whole: Vec<usize> = (0..packing.n_sequences())
            .filter(|&b| packing.rows(b).all(|row| targets[row].is_some()))
            .collect();
        if whole.is_empty() {
            return Ok(None);
        }
        let lengths = whole.iter().map(|&b| packing.lengths()[b]).collect();
        let labelled = Packing::new(lengths);
        let rows: Vec<u32> =
            labelled.positions().map(|(at, t)| packing.row(whole[at], t) as u32).collect();
        let gold = rows
            .iter()
            .map(|&row| targets[row as usize].expect("whole sentences have all their tags"))
            .collect();
        let count = rows.len();
        let x = if count == targets.len() { x.clone() } else { kernel::gather(x, rows)? };
        let each = kernel::crf(&self.scores.forward(&x)?, &self.transitions, gold, &labelled)?;
        let examples = packing.examples();
        let groups = whole.iter().map(|&b| examples[b]).collect();
        let each = kernel::sum_by_group(&each, groups, packing.n_examples())?;
        Ok(Some(HeadLoss { each, count }))
    }

    fn scores(&self, x: &Tensor) -> Result<Tensor> {
        self.scores.forward(x)
    }

    fn decide(&self, x: &Tensor, packing: &Packing) -> Result<Vec<u32>> {
        let emissions = kernel::to_vec(&self.scores.forward(x)?)?;
        let transitions = kernel::to_vec(self.transitions.var())?;
        let any = |_: Option<usize>, _: Option<usize>| true;
        Ok(match &self.allowed {
            Some(allowed) => kernel::viterbi(&emissions, &transitions, packing, allowed.as_ref()),
            None => kernel::viterbi(&emissions, &transitions, packing, &any),
        })
    }
}
