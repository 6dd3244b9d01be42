//! Arcs: dependency trees, and labelled graphs such as semantic dependencies.
//!
//! A pair head scores every arc from a head h, a token or the root, to a dependent d: s(d, h). A second one scores
//! the labels of an arc. The loss of a sentence is that of its arcs plus −Σ ln P(label | d, h) over its gold arcs;
//! both are divided by the number of labelled tokens, so that they have the scale of `tag`.
//!
//! - Trees: −Σ_d ln P(h_d | d), with P the softmax of s(d, ·) over all heads (Zhang et al. 2017; Dozat and Manning
//!   2017). The tree with the largest Σ s is predicted, always with one arc from the root.
//! - Graphs: each pair of a head and a dependent is an arc or none. `cross-entropy` is Σ ln(1 + e^s) − y·s with y =
//!   1 for an arc. `hinge` is the structured hinge with costs for a false and for a missed arc (Peng et al. 2017):
//!   as each arc is decided by itself, its maximum over graphs is Σ max(0, c_false + s) over pairs without an arc
//!   plus Σ max(0, c_missed − s) over arcs. Arcs with s > 0 are predicted.
//!
//! An arc from the root marks the top of a graph. A label unseen in training has no score and is never predicted.

mod check;
mod parser;

use std::collections::BTreeMap;

use candle_core::Result;

use super::{
    ConfigFault, Declared, HeadSource, LABELS, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, TOKEN_TAP, TapKey,
};
use crate::{
    data::{Corpus, Example, FieldValues, Fitted, Vocabulary, structure::GraphArc},
    keys::{Key, Refers, ValueType},
    protocol::event::Direction,
};
use parser::Parser;

pub(super) struct Arcs;

const LABEL: &str = "label";
const RELATION: &str = "relation";
const STRUCTURE: &str = "structure";
const LOSS: &str = "loss";
const COSTS: &str = "costs";
const FALSE: &str = "false";
const MISSED: &str = "missed";

const COST: ValueType = ValueType::Number(0.0, 1e6);

const KEYS: &[Key] = &[
    Key::required(LABEL, ValueType::Name(Refers::Arcs), "field of the arcs"),
    Key::optional(
        RELATION,
        ValueType::Name(Refers::Field),
        "field of the label of each token's arc, where arcs have none of their own: \"deprel\" in CoNLL-U",
    ),
    Key::with_default(
        STRUCTURE,
        ValueType::Choice(&["tree", "projective-tree", "graph"]),
        "\"tree\"",
        "what the arcs of a sentence are; trees are decoded with Chu-Liu-Edmonds, projective ones with Eisner's \
         algorithm",
    ),
    Key::with_default(
        LOSS,
        ValueType::Choice(&["cross-entropy", "hinge"]),
        "\"cross-entropy\"",
        "loss of the arcs; hinge, with costs, for graphs only",
    ),
    Key::optional(
        COSTS,
        ValueType::Table(&[
            Key::required(FALSE, COST, "cost of an arc that is not in the graph"),
            Key::required(MISSED, COST, "cost of a missing arc"),
        ]),
        "costs of the hinge loss",
    ),
];

impl ObjectiveKind for Arcs {
    fn name(&self) -> &'static str {
        "arcs"
    }

    fn about(&self) -> &'static str {
        "dependency trees and labelled graphs over the tokens of a sentence"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TOKEN_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["pair"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        Ok(Box::new(configured(declared)?))
    }
}

/// The options of a table.
fn configured(declared: &Declared<'_>) -> std::result::Result<Config, ConfigFault> {
    let values = declared.values;
    let structure = match values.text(STRUCTURE) {
        "graph" => Structure::Graph,
        "tree" => Structure::Tree,
        _ => Structure::ProjectiveTree,
    };
    let loss = match (values.text(LOSS), values.table(COSTS)) {
        ("hinge", _) if structure != Structure::Graph => {
            let what = "expected `loss = \"cross-entropy\"` for trees, found \"hinge\"; \
                        remove `loss`, or set `structure = \"graph\"`";
            return Err(ConfigFault::Key(LOSS, what.to_owned()));
        }
        ("hinge", Some(costs)) => {
            let [of_false, of_missed] = [FALSE, MISSED].map(|key| costs.number(key) as f32);
            ArcLoss::Hinge { of_false, of_missed }
        }
        ("hinge", None) => {
            let what = "expected `costs` beside `loss = \"hinge\"`, found none; \
                        add `costs = { false = 0.4, missed = 0.6 }`";
            return Err(ConfigFault::Key(LOSS, what.to_owned()));
        }
        (_, Some(_)) => {
            let what = "expected `loss = \"hinge\"` beside `costs`, found \"cross-entropy\"; \
                        remove `costs`, or set `loss`";
            return Err(ConfigFault::Key(COSTS, what.to_owned()));
        }
        (_, None) => ArcLoss::CrossEntropy,
    };
    let fields = Fields {
        arcs: values.text(LABEL).to_owned(),
        relation: values.text_if_set(RELATION).map(str::to_owned),
    };
    let is_alone = !declared.shares && declared.n_corpora == 1;
    Ok(Config { fields, is_alone, structure, loss })
}

/// What the arcs of a sentence are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Structure {
    /// A tree.
    Tree,
    /// A tree without crossing arcs.
    ProjectiveTree,
    /// Any graph.
    Graph,
}

/// The loss of arcs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ArcLoss {
    CrossEntropy,
    Hinge { of_false: f32, of_missed: f32 },
}

/// The fields that have the arcs and their labels.
#[derive(Clone, Debug)]
struct Fields {
    arcs: String,
    /// The field of the label of each token's arc, if arcs have none of their own.
    relation: Option<String>,
}

impl Fields {
    /// The indices of the fields in a corpus, if it has them.
    fn find(&self, corpus: &Corpus) -> Option<FieldIndices> {
        let relation = match &self.relation {
            Some(name) => Some(corpus.field(name)?),
            None => None,
        };
        Some(FieldIndices { arcs: corpus.field(&self.arcs)?, relation })
    }
}

/// The fields of a corpus that have the arcs and their labels.
#[derive(Clone, Copy, Debug)]
struct FieldIndices {
    arcs: usize,
    relation: Option<usize>,
}

impl FieldIndices {
    /// The field whose lexicon has the labels.
    fn of_labels(self) -> usize {
        self.relation.unwrap_or(self.arcs)
    }

    /// The arcs of an example, each with its label as a symbol of [`FieldIndices::of_labels`].
    fn of_example(self, example: &Example) -> Option<Vec<GraphArc>> {
        let Some(FieldValues::Arcs(arcs)) = example.fields.get(self.arcs)?.as_ref() else {
            return None;
        };
        let relation = |arc: &GraphArc| match self.relation {
            Some(relation) => example.symbol_at(relation, arc.dependent as usize),
            None => arc.label,
        };
        Some(arcs.iter().map(|arc| GraphArc { label: relation(arc), ..*arc }).collect())
    }
}

/// The options of the objective.
struct Config {
    fields: Fields,
    /// Whether it has arcs of its own, from a single corpus.
    is_alone: bool,
    structure: Structure,
    loss: ArcLoss,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        let names: &[&str] = match self.structure {
            Structure::Graph => &["f1", "precision", "recall", "unlabelled_f1", "exact_match"],
            Structure::Tree | Structure::ProjectiveTree => &["las", "uas", "clas"],
        };
        names.iter().map(|name| Metric { name, direction: Direction::Higher }).collect()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.fields.arcs, as_read: true, names_read: true }
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        match self.fields.find(corpus) {
            Some(fields) => check::check(self, fields, corpus),
            None => LabelCheck::default(),
        }
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let mut counts = BTreeMap::<&str, u64>::new();
        for corpus in corpora {
            let Some(fields) = self.fields.find(corpus) else { continue };
            let lexicon = &corpus.lexicons[fields.of_labels()];
            let arcs =
                corpus.train.examples.iter().filter_map(|example| fields.of_example(example));
            for label in arcs.flatten().filter_map(|arc| arc.label) {
                *counts.entry(lexicon.get(label)).or_default() += 1;
            }
        }
        Fitted::default().with_vocabulary(LABELS, Vocabulary::from_counts(counts, 1, None))
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        Ok(Box::new(Parser::new(self, setup)?))
    }
}
