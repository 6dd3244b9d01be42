//! Connective: which connective, or group of them, joined two adjacent texts; it is removed from them (Jernite, Bowman
//! and Sontag 2017).
//!
//! loss = −Σ_i ln P(y_i | features(a_i, b_i)) over labelled examples, divided by their number, where each example is
//! multiplied by its class weight.

use super::{labels, pair_classes::PairClasses, pair_features};

pub(super) const CONNECTIVE: PairClasses = PairClasses {
    name: "connective",
    about: "the connective between two adjacent texts, which has been removed from them",
    keys: &[
        labels::LABEL,
        pair_features::key("[\"left\", \"right\", \"difference\", \"product\"]"),
        labels::CLASS_WEIGHTS,
    ],
};
