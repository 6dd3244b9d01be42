//! Objectives: one differentiable loss per file, attached to a tap, with one line in the table.

mod adversary;
mod aligned_vector;
mod anchor;
mod answer_sentence;
mod answer_span;
mod arcs;
mod bag;
mod bag_rest;
mod bins;
mod choice;
mod classify;
mod coarsen;
mod connective;
mod consistency;
mod contains;
mod declare;
mod decoded;
mod decoder_pair;
mod derived;
mod difference;
mod dual;
mod dual_class;
mod entail;
mod evaluate;
mod extract;
mod frequency;
mod generate;
mod labels;
mod multi_label;
mod next_sentence;
mod next_vector;
mod next_word;
mod noisy;
mod order;
mod pair_classes;
mod pair_features;
mod presence;
mod presence_target;
mod rank;
mod regress;
mod relatedness;
mod relation;
mod round_trip;
mod statistic;
mod tag;
mod text_bigrams;
mod tie;
mod transcribe;
mod word_ids;

pub use declare::{
    ConfigFault, Declared, EncoderLookup, EncoderView, HeadRead, HeadSource, LabelCheck, Metric,
    ObjectiveConfig, ObjectiveKind, ObjectiveSetup, Output, ReadSetup, ReadView, RepairedTag,
    Selects, TapKey, TapRows,
};
pub use evaluate::{Evaluation, Objective, RawLoss, TapRunner};

pub(crate) use anchor::COPIED_HEADS;
#[cfg(test)]
use declare::declared;
pub(crate) use declare::{DEFAULT_LABEL_WIDTH, LABEL_WIDTH};
use declare::{EXAMPLE_TAP, TOKEN_TAP};
use evaluate::{gold_of, predictions_of};
pub(crate) use labels::LABELS;

/// Every kind of objective, in the order in which `auxdesk list` shows them.
pub const OBJECTIVES: &[&dyn ObjectiveKind] = &[
    &tag::Tag,
    &regress::Regress,
    &classify::Classify,
    &multi_label::MultiLabel,
    &arcs::Arcs,
    &relation::Relation,
    &relatedness::Relatedness,
    &entail::ENTAIL,
    &order::ORDER,
    &next_sentence::NextSentence,
    &connective::CONNECTIVE,
    &rank::Rank,
    &answer_span::AnswerSpan,
    &answer_sentence::AnswerSentence,
    &extract::Extract,
    &generate::Generate,
    &bag::Bag,
    &bag_rest::BagRest,
    &transcribe::Transcribe,
    &next_word::NextWord,
    &next_vector::NextVector,
    &aligned_vector::AlignedVector,
    &frequency::Frequency,
    &statistic::Statistic,
    &coarsen::Coarsen,
    &presence::Presence,
    &contains::Contains,
    &noisy::Noisy,
    &adversary::Adversary,
    &difference::Difference,
    &consistency::Consistency,
    &dual::Dual,
    &dual_class::DualClass,
    &round_trip::RoundTrip,
    &tie::Tie,
    &anchor::Anchor,
];

/// Kinds of objective that recipes may name but that are not implemented yet.
pub const PLANNED: &[&str] = &[];

/// The objective kind with that name.
pub fn find(name: &str) -> Option<&'static dyn ObjectiveKind> {
    OBJECTIVES.iter().copied().find(|kind| kind.name() == name)
}

/// The prefix of an objective's parameters, and its key among the fitted data.
pub fn owner(name: &str) -> String {
    format!("objective.{name}")
}
