//! Regress: a number for each token, such as the duration and the pitch of phonemes (Arik et al. 2017, "Deep Voice").
//!
//! The numbers x_t of a field are standardized, y_t = (x_t − μ) / σ, with the mean and the standard deviation of those of
//! train. The head `vector` predicts ŷ_t from row t, and d is its distance, `squared` or `absolute`:
//! - `target = "value"`: loss = Σ_t d(ŷ_t, y_t), divided by the number of tokens with a value;
//! - `target = "step"`: loss = Σ_t d(ŷ_t − ŷ_{t−1}, y_t − y_{t−1}) over neighbouring tokens that both have a value, divided
//!   by their number. With `share` it is the second loss of a head that predicts values, with a gain of its own: the
//!   change of the fundamental frequency in Deep Voice, here compared with the gold one.
//!
//! Where `where` names a field, only tokens have a value at which its label is `equals`: pitch where a phoneme is voiced.
//! Predictions and metrics are in the unit of the field.

mod numbers;
mod regressor;

use candle_core::{Error, Result};

use super::{
    ConfigFault, Declared, HeadSource, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, TOKEN_TAP, TapKey, labels,
};
use crate::{
    data::{Corpus, Fitted, Standardization, read::ReadError},
    keys::{Key, Refers, ValueType},
    model::head::{self, Distance},
    protocol::event::Direction,
};
use numbers::{Condition, NumberField};
use regressor::Regressor;

pub(super) struct Regress;

const LABEL: &str = "label";
const TARGET: &str = "target";
const WHERE: &str = "where";
const EQUALS: &str = "equals";

const KEYS: &[Key] = &[
    Key::required(LABEL, ValueType::Name(Refers::Field), "field of the number of each token"),
    Key::with_default(
        TARGET,
        ValueType::Choice(&["value", "step"]),
        "\"value\"",
        "what the loss is of: the number of each token, or the step to it from that of the token before",
    ),
    Key::optional(
        WHERE,
        ValueType::Name(Refers::Field),
        "field whose label `equals` at the tokens that have a number; default: all that have one in the file",
    ),
    Key::optional(EQUALS, ValueType::Text, "label of the field `where`"),
];

/// What the loss is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// The number of each token.
    Value,
    /// The difference of the numbers of two neighbouring tokens.
    Step,
}

impl ObjectiveKind for Regress {
    fn name(&self) -> &'static str {
        "regress"
    }

    fn about(&self) -> &'static str {
        "a number per token: duration, pitch"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn loss_keys(&self) -> &'static [&'static str] {
        &[TARGET]
    }

    fn taps(&self) -> &'static [TapKey] {
        TOKEN_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["vector"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        if let Distance::Cosine | Distance::Margin(_) = Distance::of(values) {
            let found = values.text(head::DISTANCE);
            let what = format!(
                "`distance`: expected \"squared\" or \"absolute\" for numbers, found {found:?}"
            );
            return Err(ConfigFault::Key(head::DISTANCE, what));
        }
        let condition = match (values.text_if_set(WHERE), values.text_if_set(EQUALS)) {
            (None, None) => None,
            (Some(field), Some(label)) => {
                Some(Condition { field: field.to_owned(), label: label.to_owned() })
            }
            (Some(field), None) => {
                let what = format!(
                    "`where`: expected `equals` with it, the label of {field:?} at tokens that have a number; set it"
                );
                return Err(ConfigFault::Key(WHERE, what));
            }
            (None, Some(_)) => {
                let what = "`equals`: expected `where` with it, the field that has this label; set it, or remove \
                            `equals`";
                return Err(ConfigFault::Key(EQUALS, what.to_owned()));
            }
        };
        let target = if values.text(TARGET) == "step" { Target::Step } else { Target::Value };
        Ok(Box::new(Config {
            numbers: NumberField { name: values.text(LABEL).to_owned(), condition },
            target,
            is_alone: !declared.shares && declared.n_corpora == 1,
        }))
    }
}

/// The options of the objective.
struct Config {
    numbers: NumberField,
    target: Target,
    /// Whether it has numbers of its own, from a single corpus.
    is_alone: bool,
}

impl Config {
    /// What train lacks, if it is not enough to train on.
    fn lack(&self, corpus: &Corpus) -> Option<String> {
        let name = &self.numbers.name;
        let mut numbers = self.numbers.of_train(corpus).into_iter();
        match (numbers.next(), &self.numbers.condition) {
            (None, None) => Some(format!("no token of train has a {name:?}")),
            (None, Some(Condition { field, label })) => Some(format!(
                "no token of train with a {name:?} has the {field:?} {label:?}, which `equals` names"
            )),
            (Some(first), _) if numbers.all(|number| number == first) => {
                Some(format!("every {name:?} of train is {first}"))
            }
            (Some(_), _) => None,
        }
    }
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        let metrics = [("mae", Direction::Lower), ("pearson", Direction::Higher)];
        metrics.map(|(name, direction)| Metric { name, direction }).into()
    }

    fn output(&self) -> Output<'_> {
        match self.target {
            Target::Value => {
                Output::Field { name: &self.numbers.name, as_read: false, names_read: false }
            }
            Target::Step => Output::Nothing,
        }
    }

    fn has_class_labels(&self) -> bool {
        false
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let mut check = LabelCheck::default();
        let name = &self.numbers.name;
        let (Some(attached), Some(field)) = (self.numbers.attach(corpus), corpus.field(name))
        else {
            return check;
        };
        for (split, data) in corpus.splits() {
            for example in &data.examples {
                for (token, symbol) in attached.strange(example) {
                    let text = corpus.lexicons[field].get(symbol);
                    let what = format!("expected a number in {name:?}, found {text:?}");
                    let (file, line) = (data.file_of(example, name), example.line_of(token));
                    check.of_examples.push((split, ReadError { file, line, what }));
                }
            }
        }
        let is_whole = check.of_examples.is_empty() && self.is_alone;
        let lack = if is_whole { self.lack(corpus) } else { None };
        check.of_corpus.extend(lack.map(|what| {
            labels::fault(corpus, format!("from here on {what}; expected two numbers at least"))
        }));
        check
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let numbers = corpora.iter().flat_map(|corpus| self.numbers.of_train(corpus));
        Standardization::fit_numbers(&numbers.collect::<Vec<_>>())
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let standardization = Standardization::of(setup.fitted).map_err(Error::msg)?;
        let head = setup.vector_head(1)?;
        Ok(Box::new(Regressor::new(self.numbers.clone(), self.target, standardization, head)))
    }
}

#[cfg(test)]
mod tests;
