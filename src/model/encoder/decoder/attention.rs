//! The attention of a decoder over a memory: its options and its parameters.

use candle_core::Result;

use crate::{
    kernel::DecoderAttention,
    keys::{Key, MAX_WIDTH, ValueType, Values},
    model::parameters::Scope,
};

const ATTENTION: &str = "attention";
const HIDDEN: &str = "hidden";
const HEADS: &str = "heads";

const ADDITIVE: &str = "additive";
const MULTI_HEAD: &str = "multi-head";

const MAX_DEFAULT_HEADS: usize = 4;

pub(super) const ATTENTION_KEY: Key = Key::with_default(
    ATTENTION,
    ValueType::Choice(&["general", "dot", ADDITIVE, MULTI_HEAD]),
    "\"general\"",
    "score of a state and a row of the memory: bilinear, their inner product, a tanh layer, or several inner products of \
     projections",
);

pub(super) const HIDDEN_KEY: Key = Key::optional(
    HIDDEN,
    ValueType::Within(1, MAX_WIDTH),
    "hidden size of additive attention, and dimension of the queries, keys and values of all heads; default: `width`",
);

pub(super) const HEADS_KEY: Key = Key::optional(
    HEADS,
    ValueType::Within(1, MAX_WIDTH),
    "number of heads of multi-head attention, which divides their dimension; default: the largest one up to 4",
);

/// The score of a state and a row of the memory.
#[derive(Clone, Copy)]
pub(super) enum Attention {
    Dot,
    General,
    /// With this hidden size.
    Additive(usize),
    MultiHead {
        heads: usize,
        /// Of all heads.
        hidden: usize,
    },
}

impl Attention {
    /// That of a table, over memories of these dimensions, or the fault in it.
    pub(super) fn of(
        values: &Values,
        width: usize,
        memories: &[usize],
    ) -> std::result::Result<Self, String> {
        let said = values.text(ATTENTION);
        let (hidden, heads) = (values.count_if_set(HIDDEN), values.count_if_set(HEADS));
        if hidden.is_some() && ![ADDITIVE, MULTI_HEAD].contains(&said) {
            return Err(format!(
                "expected no `hidden` beside `attention = {said:?}`, which has no hidden layer, found both; remove it, \
                 or set `attention = \"additive\"`"
            ));
        }
        if heads.is_some() && said != MULTI_HEAD {
            return Err(format!(
                "expected no `heads` beside `attention = {said:?}`, found both; remove it, or set \
                 `attention = \"multi-head\"`"
            ));
        }
        let hidden = hidden.unwrap_or(width);
        Ok(match said {
            "dot" => {
                if let Some(memory) = memories.iter().find(|memory| **memory != width) {
                    return Err(format!(
                        "expected the same dimension of the memory and `width` for `attention = \"dot\"`, found {memory} \
                         and {width}; change `width`, or set `attention = \"general\"`"
                    ));
                }
                Self::Dot
            }
            ADDITIVE => Self::Additive(hidden),
            MULTI_HEAD => {
                let mut divisors =
                    (1..=MAX_DEFAULT_HEADS).rev().filter(|n| hidden.is_multiple_of(*n));
                let heads = heads.or_else(|| divisors.next()).unwrap_or(1);
                if !hidden.is_multiple_of(heads) {
                    return Err(format!(
                        "expected a dimension of all heads that is a multiple of their number, found {hidden} and {heads} \
                         heads; change `hidden` or `heads`"
                    ));
                }
                Self::MultiHead { heads, hidden }
            }
            _ => Self::General,
        })
    }

    /// The dimension of keys for states of a hidden size.
    pub(super) fn key(self, width: usize) -> usize {
        match self {
            Self::Dot | Self::General => width,
            Self::Additive(hidden) | Self::MultiHead { hidden, .. } => hidden,
        }
    }

    /// The dimension of the context of a memory.
    pub(super) fn context(self, memory: usize) -> usize {
        match self {
            Self::Dot | Self::General | Self::Additive(_) => memory,
            Self::MultiHead { hidden, .. } => hidden,
        }
    }

    /// The number of weights of a state for each row of a memory.
    pub(super) fn heads(self) -> usize {
        match self {
            Self::Dot | Self::General | Self::Additive(_) => 1,
            Self::MultiHead { heads, .. } => heads,
        }
    }

    /// Whether it projects states or what it averages.
    pub(super) fn has_projections(self) -> bool {
        matches!(self, Self::Additive(_) | Self::MultiHead { .. })
    }

    /// The parameters, for a memory and a hidden size.
    pub(super) fn weights(
        self,
        scope: &mut Scope<'_>,
        memory: usize,
        width: usize,
    ) -> Result<DecoderAttention> {
        let bound = |inputs: usize, outputs: usize| (6.0 / (inputs + outputs) as f64).sqrt();
        let mut matrix =
            |name, inputs, outputs| scope.uniform(name, &[inputs, outputs], bound(inputs, outputs));
        let inner = self.key(width);
        Ok(match self {
            Self::Dot => DecoderAttention::Dot,
            Self::General => DecoderAttention::General { key: matrix("key", memory, inner)? },
            Self::Additive(_) => DecoderAttention::Additive {
                key: matrix("key", memory, inner)?,
                query: matrix("query", width, inner)?,
                score: scope.uniform("score", &[inner], bound(inner, 1))?,
            },
            Self::MultiHead { heads, .. } => DecoderAttention::MultiHead {
                heads,
                key: matrix("key", memory, inner)?,
                query: matrix("query", width, inner)?,
                value: matrix("value", memory, inner)?,
            },
        })
    }
}
