//! Consistency: two objectives should predict the same classes of each row, by soft targets (Yang and Mitchell 2017).
//!
//! With p and q the softmax of their heads' scores over the same classes, KL(p ‖ q) = Σ_c p_c·(ln p_c − ln q_c). Of a
//! row the loss is KL(p ‖ q) where p, the left one, is the target, KL(q ‖ p) where the right one is, and their mean,
//! ½ Σ_c (p_c − q_c)·(ln p_c − ln q_c), where each is the target of the other. A single target has no gradient, in its
//! head or below; of the mean both sides have the whole one. The loss is divided by the number of rows, and needs no
//! labels.
//!
//! Its metric `agreement` is the share of rows for which both predict the same class.

use candle_core::{Error, Result, Tensor, bail};

use super::{
    ConfigFault, Declared, Evaluation, HeadRead, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, ReadView, TapKey, labels::LABELS,
};
use crate::{
    data::{Batch, Fitted, Prediction},
    kernel,
    keys::{Key, Refers, ValueType},
    metric::{Gold, Scorer, scorer::AgreementScorer},
    model::{HeadKind, Rows, head::Head},
    protocol::event::Direction,
};

pub(super) struct Consistency;

const LEFT: &str = "left";
const RIGHT: &str = "right";
const TARGET: &str = "target";

/// The number of labels that a message shows.
const SHOWN: usize = 5;

const KEYS: &[Key] = &[
    Key::required(
        LEFT,
        ValueType::Name(Refers::Objective),
        "objective with a softmax for each row",
    ),
    Key::required(RIGHT, ValueType::Name(Refers::Objective), "another one over the same rows"),
    Key::with_default(
        TARGET,
        ValueType::Choice(&["both", "left", "right"]),
        "\"both\"",
        "whose probabilities are the soft targets; those of a single one have no gradient",
    ),
];

impl ObjectiveKind for Consistency {
    fn name(&self) -> &'static str {
        "consistency"
    }

    fn about(&self) -> &'static str {
        "agreement of two objectives on the classes of each row, by soft targets"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        &[]
    }

    fn head(&self) -> HeadSource {
        HeadSource::None
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        let sides = [LEFT, RIGHT].map(|key| values.text(key).to_owned());
        if sides[0] == sides[1] {
            let what = format!(
                "`{RIGHT}`: expected another objective than `{LEFT}`, found {:?} again",
                sides[1]
            );
            return Err(ConfigFault::Key(RIGHT, what));
        }
        let target = match values.text(TARGET) {
            "left" => Target::Left,
            "right" => Target::Right,
            _ => Target::Both,
        };
        Ok(Box::new(Config { sides, target }))
    }
}

/// Whose probabilities are the soft targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Left,
    Right,
    Both,
}

/// The options of the objective.
struct Config {
    /// The names of the left and of the right objective.
    sides: [String; 2],
    target: Target,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric { name: "agreement", direction: Direction::Higher }]
    }

    fn output(&self) -> Output<'_> {
        Output::Nothing
    }

    fn reads(&self) -> Vec<HeadRead> {
        let read = |key, side: usize, is_target: bool| HeadRead {
            key,
            objective: self.sides[side].clone(),
            requires_grad: !is_target,
        };
        vec![
            read(LEFT, 0, self.target == Target::Left),
            read(RIGHT, 1, self.target == Target::Right),
        ]
    }

    fn check_reads(&self, reads: &[ReadView<'_>]) -> std::result::Result<(), ConfigFault> {
        for ((key, side), read) in [LEFT, RIGHT].into_iter().zip(&self.sides).zip(reads) {
            check_softmax(key, side, read)?;
        }
        match reads {
            [left, right] if left.on != right.on => {
                let name = |read: &ReadView<'_>| read.on.map_or("", |on| on.name());
                let what = format!(
                    "`{RIGHT}`: expected an objective with one row per {}, as {:?} has, found {:?} with one per {}",
                    name(left),
                    self.sides[0],
                    self.sides[1],
                    name(right)
                );
                Err(ConfigFault::Key(RIGHT, what))
            }
            _ => Ok(()),
        }
    }

    fn check_read_labels(
        &self,
        fitted: &dyn Fn(usize) -> Fitted,
    ) -> std::result::Result<(), ConfigFault> {
        let names = |side: usize| -> Vec<String> {
            let vocabulary = fitted(side).vocabulary(LABELS).unwrap_or_default();
            vocabulary.iter().map(|(name, _)| name.to_owned()).collect()
        };
        self.check_same(&names(0), &names(1)).map_err(|what| ConfigFault::Key(RIGHT, what))
    }

    fn build(&self, mut setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let mut side = |at: usize| -> Result<(Box<dyn Head>, Vec<String>)> {
            let Some(head) = setup.build_read_head(at)? else {
                bail!("expected a head with a softmax over the labels of {:?}", self.sides[at])
            };
            let names = setup.build_read(at)?.class_names();
            let names = names.iter().take(head.n_labels).map(str::to_owned).collect();
            Ok((head.head, names))
        };
        let ((left, left_names), (right, right_names)) = (side(0)?, side(1)?);
        self.check_same(&left_names, &right_names).map_err(Error::msg)?;
        Ok(Box::new(Agreement { left, right, target: self.target }))
    }
}

/// Refuses an objective that is read by a key, if it has no softmax over labels for each row.
pub(super) fn check_softmax(
    key: &'static str,
    objective: &str,
    read: &ReadView<'_>,
) -> std::result::Result<(), ConfigFault> {
    if !read.head.is_some_and(<dyn HeadKind>::has_softmax) {
        let what = format!(
            "`{key}`: expected an objective with a softmax for each row, found {objective:?}; name one with \
             `head = \"softmax\"`"
        );
        return Err(ConfigFault::Key(key, what));
    }
    if !read.config.has_label_head() {
        let what = format!(
            "`{key}`: expected an objective whose classes are labels, found {objective:?}; name one of kind \
             \"tag\" or \"classify\""
        );
        return Err(ConfigFault::Key(key, what));
    }
    Ok(())
}

impl Config {
    /// Refuses two sides whose classes are not the same labels in the same order.
    fn check_same(&self, left: &[String], right: &[String]) -> std::result::Result<(), String> {
        let [of, other] = &self.sides;
        let others = |all: &[String], known: &[String]| -> Vec<String> {
            all.iter()
                .filter(|name| !known.contains(name))
                .map(|name| format!("{name:?}"))
                .collect()
        };
        let (more, fewer) = (others(right, left), others(left, right));
        let found = match (more.as_slice(), fewer.as_slice()) {
            ([], []) if left == right => return Ok(()),
            ([], []) => {
                format!(
                    "them in another order, {} and {}: labels are sorted by their counts in train",
                    left.join(", "),
                    right.join(", ")
                )
            }
            ([], fewer) => format!("none of {}", shown(fewer)),
            (more, []) => format!("also {}", shown(more)),
            (more, fewer) => format!("{} in place of {}", shown(more), shown(fewer)),
        };
        Err(format!(
            "`{RIGHT}`: expected the labels of {of:?} in train, found for {other:?} {found}; name objectives with the \
             same labels"
        ))
    }
}

/// The first labels of a list.
fn shown(names: &[String]) -> String {
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(SHOWN)].join(", "))
}

/// The heads of the two objectives.
struct Agreement {
    left: Box<dyn Head>,
    right: Box<dyn Head>,
    target: Target,
}

impl Agreement {
    /// The log-probabilities of both sides: (rows, classes) each.
    fn log_probabilities(&self, taps: &[Rows]) -> Result<[Tensor; 2]> {
        let of = |head: &dyn Head, tap: &Rows| kernel::log_softmax(&head.scores(&tap.tensor)?);
        Ok([of(self.left.as_ref(), &taps[0])?, of(self.right.as_ref(), &taps[1])?])
    }

    fn loss_of(&self, log_p: &[Tensor; 2], taps: &[Rows]) -> Result<Option<RawLoss>> {
        let packing = &taps[0].packing;
        let n_rows = packing.n_rows();
        if n_rows == 0 {
            return Ok(None);
        }
        let per_row = divergence(log_p, self.target)?;
        let groups = packing.examples_of_rows();
        let per_example = kernel::sum_by_group(&per_row, groups, packing.n_examples())?;
        RawLoss::new(per_example, n_rows).map(Some)
    }
}

/// The divergence of each row from its target, given the log-probabilities of both sides (rows, classes): (rows).
fn divergence([left, right]: &[Tensor; 2], target: Target) -> Result<Tensor> {
    let of_one = |target: &Tensor, other: &Tensor| {
        let target = target.detach();
        (target.exp()? * (&target - other)?)?.sum(1)
    };
    match target {
        Target::Left => of_one(left, right),
        Target::Right => of_one(right, left),
        Target::Both => {
            let products = ((left.exp()? - right.exp()?)? * (left - right)?)?;
            products.sum(1)?.affine(0.5, 0.0)
        }
    }
}

impl Objective for Agreement {
    fn loss(&self, taps: &[Rows], _batch: &Batch) -> Result<Option<RawLoss>> {
        self.loss_of(&self.log_probabilities(taps)?, taps)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let log_p = self.log_probabilities(taps)?;
        let loss = self.loss_of(&log_p, taps)?;
        let evaluation = Evaluation::of_loss(loss, batch.n_examples());
        if evaluation.loss.is_none() {
            return Ok(evaluation);
        }
        let [left, right] = [kernel::argmax(&log_p[0])?, kernel::argmax(&log_p[1])?];
        let classes = left.into_iter().map(Some).collect();
        let pair = (Gold::Classes { classes, oov: Vec::new() }, Prediction::Classes(right));
        Ok(Evaluation { scored_only: vec![pair], ..evaluation })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(AgreementScorer::default())
    }
}

#[cfg(test)]
mod tests;
