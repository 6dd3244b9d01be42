//! Optimizers and the keys that each adds to `[train]`.
//!
//! Defaults are those of PyTorch, so that published hyperparameters carry over.

use crate::keys::{GREATEST, Key, ValueType, Values};

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

/// The names that `optimizer` may have.
pub const NAMES: &[&str] = &["sgd", "adam", "adamw", "adadelta", "rmsprop"];

/// A value of at least 0 and below 1.
const SHARE: ValueType = ValueType::Number(0.0, 0.999_999_999);
const POSITIVE: ValueType = ValueType::Number(1e-30, GREATEST);

const MOMENTUM: Key = Key::with_default("momentum", SHARE, "0", "momentum");
const DECAY: Key = Key::with_default(
    "weight_decay",
    ValueType::Number(0.0, GREATEST),
    "0",
    "weight decay (L2 penalty)",
);
const EPSILON: Key = Key::with_default("epsilon", POSITIVE, "1e-8", "added to the denominator");
const BETA1: Key = Key::with_default("beta1", SHARE, "0.9", "decay rate of the first moment");
const BETA2: Key = Key::with_default("beta2", SHARE, "0.999", "decay rate of the second moment");

/// The keys that the optimizer with that name adds to `[train]`; none for an unknown name.
pub fn keys(name: &str) -> &'static [Key] {
    match name {
        "sgd" => const { &[MOMENTUM, DECAY] },
        "adam" => const { &[BETA1, BETA2, EPSILON, DECAY] },
        "adamw" => {
            const {
                &[
                    BETA1,
                    BETA2,
                    EPSILON,
                    Key::with_default(
                        "weight_decay",
                        ValueType::Number(0.0, GREATEST),
                        "0.01",
                        "decoupled weight decay, times the learning rate",
                    ),
                ]
            }
        }
        "adadelta" => {
            const {
                &[
                    Key::with_default("rho", SHARE, "0.9", "decay rate of the running averages"),
                    Key::with_default("epsilon", POSITIVE, "1e-6", "added inside the square roots"),
                    DECAY,
                ]
            }
        }
        "rmsprop" => {
            const {
                &[
                    Key::with_default("alpha", SHARE, "0.99", "decay rate of the running average"),
                    EPSILON,
                    MOMENTUM,
                    DECAY,
                ]
            }
        }
        _ => &[],
    }
}

impl OptimizerConfig {
    /// The optimizer of the checked values of `[train]`.
    pub(super) fn from_values(values: &Values) -> Self {
        let number = |key| values.number(key);
        let moments = || Moments {
            beta1: number("beta1"),
            beta2: number("beta2"),
            epsilon: number("epsilon"),
            weight_decay: number("weight_decay"),
        };
        match values.text("optimizer") {
            "sgd" => {
                Self::Sgd { momentum: number("momentum"), weight_decay: number("weight_decay") }
            }
            "adam" => Self::Adam(moments()),
            "adamw" => Self::AdamW(moments()),
            "adadelta" => Self::AdaDelta {
                rho: number("rho"),
                epsilon: number("epsilon"),
                weight_decay: number("weight_decay"),
            },
            "rmsprop" => Self::RmsProp {
                alpha: number("alpha"),
                epsilon: number("epsilon"),
                momentum: number("momentum"),
                weight_decay: number("weight_decay"),
            },
            other => unreachable!("the checker knows no optimizer {other:?}"),
        }
    }
}
