//! Order: whether two adjacent texts are in their order or swapped (Jernite, Bowman and Sontag 2017).
//!
//! loss = −Σ_i ln P(y_i | features(a_i, b_i)) over labelled examples, divided by their number. The default features tell
//! the two texts apart: |a − b| and a ∗ b alone are the same in either order.

use super::{labels, pair_classes::PairClasses, pair_features};

pub(super) const ORDER: PairClasses = PairClasses {
    name: "order",
    about: "whether two adjacent texts are in order or swapped",
    keys: &[
        labels::LABEL,
        pair_features::key("[\"left\", \"right\", \"difference\", \"product\"]"),
        labels::CLASS_WEIGHTS,
    ],
};
