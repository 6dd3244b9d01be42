//! Optimizers and the keys that each adds to `[train]`.
//!
//! Defaults are PyTorch's, so that settings of papers mean here what they mean there.

use crate::keys::{GREATEST, Key, Takes, Values};

/// How gradients become steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerConfig {
    /// Along the gradient.
    Sgd {
        /// Share of the last step that is kept.
        momentum: f64,
        /// L2 penalty on parameters.
        weight_decay: f64,
    },
    /// By the first two moments of the gradient (Kingma and Ba 2015).
    Adam(Moments),
    /// The same, with weight decay apart from the gradient (Loshchilov and Hutter 2019).
    AdamW(Moments),
    /// By running means of squared gradients and steps (Zeiler 2012).
    AdaDelta {
        /// Share of the running means that is kept.
        rho: f64,
        /// Added before roots are taken.
        epsilon: f64,
        /// L2 penalty on parameters.
        weight_decay: f64,
    },
    /// By a running mean of squared gradients (Tieleman and Hinton 2012).
    RmsProp {
        /// Share of the running mean that is kept.
        alpha: f64,
        /// Added to the root.
        epsilon: f64,
        /// Share of the last step that is kept.
        momentum: f64,
        /// L2 penalty on parameters.
        weight_decay: f64,
    },
}

/// What Adam and AdamW are set by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Share of the first moment that is kept.
    pub beta1: f64,
    /// Share of the second moment that is kept.
    pub beta2: f64,
    /// Added to the root.
    pub epsilon: f64,
    /// Decay of parameters.
    pub weight_decay: f64,
}

/// The names that `optimizer` may have.
pub const NAMES: &[&str] = &["sgd", "adam", "adamw", "adadelta", "rmsprop"];

/// A share: at least 0 and below 1.
const SHARE: Takes = Takes::Number(0.0, 0.999_999_999);
const POSITIVE: Takes = Takes::Number(1e-30, GREATEST);

const MOMENTUM: Key =
    Key::with_default("momentum", SHARE, "0", "share of the last step that is kept");
const DECAY: Key = Key::with_default(
    "weight_decay",
    Takes::Number(0.0, GREATEST),
    "0",
    "pull of every parameter towards 0",
);
const EPSILON: Key =
    Key::with_default("epsilon", POSITIVE, "1e-8", "added to the root of the second moment");
const BETA1: Key =
    Key::with_default("beta1", SHARE, "0.9", "share of the first moment that is kept");
const BETA2: Key =
    Key::with_default("beta2", SHARE, "0.999", "share of the second moment that is kept");

/// The keys that the optimizer of that name adds to `[train]`; none for a name that is none.
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
                        Takes::Number(0.0, GREATEST),
                        "0.01",
                        "pull of every parameter towards 0, times the rate",
                    ),
                ]
            }
        }
        "adadelta" => {
            const {
                &[
                    Key::with_default(
                        "rho",
                        SHARE,
                        "0.9",
                        "share of the running means that is kept",
                    ),
                    Key::with_default("epsilon", POSITIVE, "1e-6", "added before roots are taken"),
                    DECAY,
                ]
            }
        }
        "rmsprop" => {
            const {
                &[
                    Key::with_default(
                        "alpha",
                        SHARE,
                        "0.99",
                        "share of the running mean that is kept",
                    ),
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
    /// The optimizer that checked values of `[train]` ask for.
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
