//! Entail: the class of a pair of texts, such as entailment, contradiction or neither (Marelli et al. 2014).
//!
//! loss = −Σ_i ln P(y_i | features(a_i, b_i)) over labelled examples, divided by their number, where each example is
//! multiplied by its class weight and the features are those of `pair_features.rs`.

use super::{labels, pair_classes::PairClasses, pair_features};

pub(super) const ENTAIL: PairClasses = PairClasses {
    name: "entail",
    about: "classification of pairs of texts: entailment, paraphrase, duplicate question",
    keys: &[
        labels::LABEL,
        pair_features::key("[\"left\", \"right\", \"absolute-difference\", \"product\"]"),
        labels::CLASS_WEIGHTS,
    ],
};
