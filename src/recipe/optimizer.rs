//! Optimizers and the keys that each adds to `[train]`.
//!
//! Defaults are those of PyTorch, so that published hyperparameters carry over.

use crate::keys::{Key, MAX_NUMBER, ValueType, Values};

/// The update rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent.
    Sgd {
        /// Momentum.
        momentum: f64,
        /// Weight decay, as an L2 penalty.
        weight_decay: f64,
    },
    /// Adam (Kingma and Ba 2015).
    Adam(Moments),
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW(Moments),
    /// AdaDelta (Zeiler 2012).
    AdaDelta {
        /// Decay rate of the running averages.
        rho: f64,
        /// Added inside the square roots.
        epsilon: f64,
        /// Weight decay, as an L2 penalty.
        weight_decay: f64,
    },
    /// RMSProp (Tieleman and Hinton 2012).
    RmsProp {
        /// Decay rate of the running average.
        alpha: f64,
        /// Added to the denominator.
        epsilon: f64,
        /// Momentum.
        momentum: f64,
        /// Weight decay, as an L2 penalty.
        weight_decay: f64,
    },
}

/// Hyperparameters of Adam and AdamW.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Decay rate of the first moment.
    pub beta1: f64,
    /// Decay rate of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub epsilon: f64,
    /// Weight decay.
    pub weight_decay: f64,
}

/// A value of at least 0 and below 1.
const SHARE: ValueType = ValueType::Number(0.0, 0.999_999_999);
const POSITIVE: ValueType = ValueType::Number(1e-30, MAX_NUMBER);

const MOMENTUM: Key = Key::with_default("momentum", SHARE, "0", "momentum");
const DECAY: Key = Key::with_default(
    "weight_decay",
    ValueType::Number(0.0, MAX_NUMBER),
    "0",
    "weight decay (L2 penalty)",
);
const EPSILON: Key = Key::with_default("epsilon", POSITIVE, "1e-8", "added to the denominator");
const BETA1: Key = Key::with_default("beta1", SHARE, "0.9", "decay rate of the first moment");
const BETA2: Key = Key::with_default("beta2", SHARE, "0.999", "decay rate of the second moment");

/// An optimizer as recipes declare it.
struct OptimizerKind {
    name: &'static str,
    /// The keys that it adds to `[train]`.
    keys: &'static [Key],
    /// Its configuration, of the checked values of `[train]`.
    configure: fn(&Values) -> OptimizerConfig,
}

const OPTIMIZERS: [OptimizerKind; 5] = [
    OptimizerKind {
        name: "sgd",
        keys: &[MOMENTUM, DECAY],
        configure: |values| OptimizerConfig::Sgd {
            momentum: values.number("momentum"),
            weight_decay: values.number("weight_decay"),
        },
    },
    OptimizerKind {
        name: "adam",
        keys: &[BETA1, BETA2, EPSILON, DECAY],
        configure: |values| OptimizerConfig::Adam(Moments::from_values(values)),
    },
    OptimizerKind {
        name: "adamw",
        keys: &[
            BETA1,
            BETA2,
            EPSILON,
            Key::with_default(
                "weight_decay",
                ValueType::Number(0.0, MAX_NUMBER),
                "0.01",
                "decoupled weight decay, times the learning rate",
            ),
        ],
        configure: |values| OptimizerConfig::AdamW(Moments::from_values(values)),
    },
    OptimizerKind {
        name: "adadelta",
        keys: &[
            Key::with_default("rho", SHARE, "0.9", "decay rate of the running averages"),
            Key::with_default("epsilon", POSITIVE, "1e-6", "added inside the square roots"),
            DECAY,
        ],
        configure: |values| OptimizerConfig::AdaDelta {
            rho: values.number("rho"),
            epsilon: values.number("epsilon"),
            weight_decay: values.number("weight_decay"),
        },
    },
    OptimizerKind {
        name: "rmsprop",
        keys: &[
            Key::with_default("alpha", SHARE, "0.99", "decay rate of the running average"),
            EPSILON,
            MOMENTUM,
            DECAY,
        ],
        configure: |values| OptimizerConfig::RmsProp {
            alpha: values.number("alpha"),
            epsilon: values.number("epsilon"),
            momentum: values.number("momentum"),
            weight_decay: values.number("weight_decay"),
        },
    },
];

/// The names that `optimizer` may have: those of the table.
pub const NAMES: &[&str] = &{
    let mut names = [""; OPTIMIZERS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = OPTIMIZERS[at].name;
        at += 1;
    }
    names
};

fn find(name: &str) -> Option<OptimizerKind> {
    OPTIMIZERS.into_iter().find(|kind| kind.name == name)
}

/// The keys that the optimizer with that name adds to `[train]`; none for an unknown name.
pub fn keys(name: &str) -> &'static [Key] {
    find(name).map_or(&[], |kind| kind.keys)
}

impl Moments {
    fn from_values(values: &Values) -> Self {
        Self {
            beta1: values.number("beta1"),
            beta2: values.number("beta2"),
            epsilon: values.number("epsilon"),
            weight_decay: values.number("weight_decay"),
        }
    }
}

impl OptimizerConfig {
    /// The optimizer of the checked values of `[train]`.
    pub(super) fn from_values(values: &Values) -> Self {
        let kind = find(values.text("optimizer"));
        (kind.expect("the key's values are the names of the table").configure)(values)
    }
}
