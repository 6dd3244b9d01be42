//! The parser: scores of arcs and labels, their loss, and the decoded arcs.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::{Result, Tensor};

use super::{ArcLoss, Config, FieldIndices, Fields, LABELS, Structure};
use crate::{
    data::{Batch, Corpus, FieldValues, Lexicon, Packing, Prediction, structure::GraphArc},
    kernel::{self, PairGroup},
    metric::{
        Gold, Scorer,
        scorer::{ArcScorer, GraphScorer},
    },
    model::{
        Rows,
        head::{PairRows, PairScorer},
        parameters::Table,
        tree::TreeScores,
    },
    objective::{Evaluation, Objective, ObjectiveSetup, RawLoss},
};

/// The objective with its parameters.
pub(super) struct Parser {
    fields: Fields,
    structure: Structure,
    loss: ArcLoss,
    arcs: PairScorer,
    /// `None` if no arc of train has a label.
    labels: Option<PairScorer>,
    /// The row of the root, a head like a token.
    root: Table,
    /// The labels of train by class, then all others that the attached corpora have.
    names: Lexicon,
    attached: BTreeMap<usize, Attached>,
}

/// The fields of a corpus, and the class of each symbol of its labels.
struct Attached {
    fields: FieldIndices,
    classes: Vec<u32>,
}

/// A sentence of a batch.
struct Sentence {
    example: u32,
    /// The row of each token.
    rows: Vec<u32>,
    /// Its gold arcs, with classes as labels.
    gold: Option<Vec<GraphArc>>,
    /// Its first pair among those of all sentences.
    first_pair: usize,
}

impl Sentence {
    /// The pair of a dependent and a head.
    fn pair(&self, head: Option<u32>, dependent: u32) -> usize {
        let n_heads = self.rows.len() + 1;
        self.first_pair + dependent as usize * n_heads + head.map_or(0, |head| head as usize + 1)
    }

    /// All heads that a dependent may have: the root, and every other token.
    fn heads(&self, dependent: u32) -> impl Iterator<Item = Option<u32>> + use<> {
        let others = (0..self.rows.len() as u32).filter(move |&head| head != dependent);
        std::iter::once(None).chain(others.map(Some))
    }
}

/// The scores of a batch.
struct Scored {
    sentences: Vec<Sentence>,
    /// The row of the root among those of heads.
    root: u32,
    /// The score of each pair: (pairs).
    arcs: Tensor,
    /// What the label scores of a batch share, if arcs have labels.
    labels: Option<PairRows>,
    n_examples: usize,
}

impl Scored {
    /// The left and right rows of arcs of a sentence.
    fn rows(&self, sentence: &Sentence, arc: &GraphArc) -> (u32, u32) {
        let head = arc.head.map_or(self.root, |head| sentence.rows[head as usize]);
        (sentence.rows[arc.dependent as usize], head)
    }
}

impl Parser {
    pub(super) fn new(config: &Config, mut setup: ObjectiveSetup<'_>) -> Result<Self> {
        let vocabulary = setup.vocabulary(LABELS)?;
        let (head, width) = (setup.pair_head(), setup.taps[0].width);
        let widths = [width, width];
        let labels = match vocabulary.len() {
            0 => None,
            n => Some(head.build(&mut setup.scope.child("label"), widths, n)?),
        };
        Ok(Self {
            fields: config.fields.clone(),
            structure: config.structure,
            loss: config.loss,
            arcs: head.build(&mut setup.scope.child("arc"), widths, 1)?,
            labels,
            root: setup.scope.table("root", 1, width)?,
            names: vocabulary.iter().map(|(label, _)| label).collect(),
            attached: BTreeMap::new(),
        })
    }

    /// The sentences of a batch, in its order.
    fn sentences(&self, batch: &Batch, packing: &Packing) -> Vec<Sentence> {
        let attached = self.attached.get(&batch.corpus);
        let mut first_pair = 0;
        let sentence = |example: usize| {
            let rows: Vec<u32> =
                packing.rows_of_example(example).into_iter().map(|row| row as u32).collect();
            let gold = attached.and_then(|attached| attached.gold(batch, example, &rows));
            let sentence = Sentence { example: example as u32, rows, gold, first_pair };
            first_pair += sentence.rows.len() * (sentence.rows.len() + 1);
            sentence
        };
        (0..batch.n_examples()).map(sentence).collect()
    }

    /// The scores of these sentences.
    fn score(&self, tap: &Rows, batch: &Batch) -> Result<Scored> {
        let sentences = self.sentences(batch, &tap.packing);
        let root = tap.tensor.dim(0)? as u32;
        let heads = [&tap.tensor, &self.root.all_rows_for(&tap.tensor)?];
        let group = |sentence: &Sentence| {
            let right = std::iter::once(root).chain(sentence.rows.iter().copied()).collect();
            PairGroup { left: sentence.rows.clone(), right }
        };
        let groups: Vec<PairGroup> = sentences.iter().map(group).collect();
        let arcs = self.arcs.all(&self.arcs.rows(&tap.tensor, &heads)?, &groups)?;
        let labels = self.labels.as_ref().map(|labels| labels.rows(&tap.tensor, &heads));
        Ok(Scored {
            sentences,
            root,
            arcs,
            labels: labels.transpose()?,
            n_examples: batch.n_examples(),
        })
    }

    /// The loss of the sentences with gold arcs; `None` if there are none.
    fn loss_of(&self, scored: &Scored) -> Result<Option<RawLoss>> {
        let labelled: Vec<(&Sentence, &[GraphArc])> = (scored.sentences.iter())
            .filter_map(|sentence| Some((sentence, sentence.gold.as_deref()?)))
            .collect();
        let (per_example, count) = match self.structure {
            Structure::Graph => {
                let count = labelled.iter().map(|(sentence, _)| sentence.rows.len()).sum();
                (self.graph_loss(scored, &labelled)?, count)
            }
            Structure::Tree | Structure::ProjectiveTree => {
                let count = labelled.iter().map(|(_, arcs)| arcs.len()).sum();
                (tree_loss(scored, &labelled)?, count)
            }
        };
        if count == 0 {
            return Ok(None);
        }
        let per_example = match self.label_loss(scored, &labelled)? {
            Some(of_labels) => (per_example + of_labels)?,
            None => per_example,
        };
        RawLoss::new(per_example, count).map(Some)
    }

    /// The loss of each possible arc, summed over each example: (examples).
    fn graph_loss(&self, scored: &Scored, labelled: &[(&Sentence, &[GraphArc])]) -> Result<Tensor> {
        let (mut pairs, mut groups, mut is_arc) = (Vec::new(), Vec::new(), Vec::new());
        for (sentence, arcs) in labelled {
            let gold: BTreeSet<_> = arcs.iter().map(|arc| (arc.head, arc.dependent)).collect();
            for dependent in 0..sentence.rows.len() as u32 {
                for head in sentence.heads(dependent) {
                    pairs.push(sentence.pair(head, dependent) as u32);
                    groups.push(sentence.example);
                    is_arc.push(gold.contains(&(head, dependent)));
                }
            }
        }
        let n = pairs.len();
        let scores = kernel::gather(&scored.arcs.unsqueeze(1)?, pairs)?.flatten_all()?;
        let number = |of: [f32; 2]| is_arc.iter().map(|&is_arc| of[usize::from(is_arc)]).collect();
        let losses = match self.loss {
            ArcLoss::CrossEntropy => kernel::binary_cross_entropy(&scores, number([0.0, 1.0]))?,
            ArcLoss::Hinge { of_false, of_missed } => {
                let signs = Tensor::from_vec(number([1.0, -1.0]), n, scores.device())?;
                let costs = Tensor::from_vec(number([of_false, of_missed]), n, scores.device())?;
                ((scores * signs)? + costs)?.relu()?
            }
        };
        kernel::sum_by_group(&losses, groups, scored.n_examples)
    }

    /// The loss of the labels of gold arcs, summed over each example: (examples); `None` if no arc has a label
    /// that training has.
    fn label_loss(
        &self,
        scored: &Scored,
        labelled: &[(&Sentence, &[GraphArc])],
    ) -> Result<Option<Tensor>> {
        let Some((scorer, rows)) = self.labels.as_ref().zip(scored.labels.as_ref()) else {
            return Ok(None);
        };
        let n_labels = scorer.n_labels();
        let (mut left, mut right) = (Vec::new(), Vec::new());
        let (mut targets, mut groups) = (Vec::new(), Vec::new());
        for (sentence, arcs) in labelled {
            for arc in *arcs {
                let Some(label) = arc.label.filter(|&label| (label as usize) < n_labels) else {
                    continue;
                };
                let (dependent, head) = scored.rows(sentence, arc);
                left.push(dependent);
                right.push(head);
                targets.push((targets.len() * n_labels) as u32 + label);
                groups.push(sentence.example);
            }
        }
        if targets.is_empty() {
            return Ok(None);
        }
        let scores = scorer.some(rows, left, right)?.flatten_all()?;
        let losses = negative_log_softmax(&scores, &vec![n_labels; targets.len()], targets)?;
        kernel::sum_by_group(&losses, groups, scored.n_examples).map(Some)
    }

    /// The predicted arcs of each sentence, without labels.
    fn decode(&self, scored: &Scored) -> Result<Vec<Vec<GraphArc>>> {
        let scores = kernel::to_vec(&scored.arcs)?;
        let of_sentence = |sentence: &Sentence| -> Vec<GraphArc> {
            let n = sentence.rows.len();
            let arc = |(dependent, head)| GraphArc { head, dependent, label: None };
            let tree = || TreeScores::new(&scores[sentence.first_pair..][..n * (n + 1)], n);
            match self.structure {
                _ if n == 0 => Vec::new(),
                Structure::Tree => (0..).zip(tree().best()).map(arc).collect(),
                Structure::ProjectiveTree => (0..).zip(tree().best_projective()).map(arc).collect(),
                Structure::Graph => {
                    let pairs = (0..n as u32).flat_map(|dependent| {
                        sentence.heads(dependent).map(move |head| (dependent, head))
                    });
                    let is_arc = |&(dependent, head): &(u32, _)| {
                        scores[sentence.pair(head, dependent)] > 0.0
                    };
                    pairs.filter(is_arc).map(arc).collect()
                }
            }
        };
        Ok(scored.sentences.iter().map(of_sentence).collect())
    }

    /// Sets the best label of each arc.
    fn label(&self, scored: &Scored, arcs: &mut [Vec<GraphArc>]) -> Result<()> {
        let Some((scorer, rows)) = self.labels.as_ref().zip(scored.labels.as_ref()) else {
            return Ok(());
        };
        let with_rows = scored.sentences.iter().zip(arcs.iter());
        let (left, right): (Vec<u32>, Vec<u32>) = with_rows
            .flat_map(|(sentence, arcs)| arcs.iter().map(|arc| scored.rows(sentence, arc)))
            .unzip();
        if left.is_empty() {
            return Ok(());
        }
        let best = scorer.best(rows, &left, &right)?;
        for (arc, label) in arcs.iter_mut().flatten().zip(best) {
            arc.label = Some(label);
        }
        Ok(())
    }
}

/// −ln P(head) of each dependent with a gold head, summed over each example: (examples).
fn tree_loss(scored: &Scored, labelled: &[(&Sentence, &[GraphArc])]) -> Result<Tensor> {
    let (mut pairs, mut sizes) = (Vec::new(), Vec::new());
    let (mut targets, mut groups) = (Vec::new(), Vec::new());
    for (sentence, arcs) in labelled {
        for arc in *arcs {
            for head in sentence.heads(arc.dependent) {
                if head == arc.head {
                    targets.push(pairs.len() as u32);
                }
                pairs.push(sentence.pair(head, arc.dependent) as u32);
            }
            sizes.push(sentence.rows.len());
            groups.push(sentence.example);
        }
    }
    let scores = kernel::gather(&scored.arcs.unsqueeze(1)?, pairs)?.flatten_all()?;
    let losses = negative_log_softmax(&scores, &sizes, targets)?;
    kernel::sum_by_group(&losses, groups, scored.n_examples)
}

/// −ln of the softmax over groups of these sizes, at the target of each: (groups).
fn negative_log_softmax(scores: &Tensor, sizes: &[usize], targets: Vec<u32>) -> Result<Tensor> {
    let log_p = kernel::log_softmax_by_group(scores, sizes)?;
    kernel::gather(&log_p.unsqueeze(1)?, targets)?.flatten_all()?.neg()
}

impl Attached {
    /// The gold arcs of an example of a batch whose tokens have these rows.
    fn gold(&self, batch: &Batch, example: usize, rows: &[u32]) -> Option<Vec<GraphArc>> {
        let values = batch.values(self.fields.arcs).get(example)?.as_ref()?;
        let FieldValues::Arcs(arcs) = values else { return None };
        let label = |arc: &GraphArc| {
            let symbol = match self.fields.relation {
                Some(relation) => batch.symbols(relation)[rows[arc.dependent as usize] as usize],
                None => arc.label,
            };
            symbol.map(|symbol| self.classes[symbol as usize])
        };
        Some(arcs.iter().map(|arc| GraphArc { label: label(arc), ..*arc }).collect())
    }
}

impl Objective for Parser {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let Some(fields) = self.fields.find(corpus) else { return };
        let labels = corpus.lexicons[fields.of_labels()].iter();
        let classes = labels.map(|label| self.names.intern(label)).collect();
        self.attached.insert(corpus_idx, Attached { fields, classes });
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        self.loss_of(&self.score(&taps[0], batch)?)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let scored = self.score(&taps[0], batch)?;
        let mut arcs = self.decode(&scored)?;
        self.label(&scored, &mut arcs)?;
        let loss = self.loss_of(&scored)?;
        let gold = scored.sentences.into_iter().map(|it| it.gold.map_or(Gold::None, Gold::Arcs));
        Ok(Evaluation {
            loss,
            gold: gold.collect(),
            predictions: arcs.into_iter().map(Prediction::Arcs).collect(),
            scored_only: Vec::new(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        match self.structure {
            Structure::Graph => Box::new(GraphScorer::new(self.names.clone())),
            Structure::Tree | Structure::ProjectiveTree => Box::new(ArcScorer::new(&self.names)),
        }
    }

    fn class_names(&self) -> Lexicon {
        self.names.clone()
    }
}

#[cfg(test)]
mod tests;
