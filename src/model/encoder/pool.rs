//! Pooling: one vector per sequence.
//!
//! With attention: a = softmax over the tokens of uᵀ tanh(W h_t + b), output = Σ_t a_t h_t (Yang et
//! al. 2016; Lin et al. 2017). The other kinds of pooling have no parameters and are the views of
//! taps.
//!
//! The mean may be weighted by the probabilities p_t with which an objective selects rows (Isonuma et al. 2017):
//! Σ_t (p_t + ε) h_t / Σ_t (p_t + ε) with ε = 10⁻⁶, which is the mean where all p_t are 0.

use candle_core::Result;

use super::{
    Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup, INPUT, InputKey,
    RowSource, SequenceView,
};
use crate::{
    kernel::{self, ParamRef},
    keys::{Key, MAX_WIDTH, ValueType},
    model::{
        Mode, RowKind, Rows,
        parameters::Linear,
        tap::{LayerSpec, TapView},
        view,
    },
};

pub(super) struct Pool;

const WEIGHTS: &str = "weights";

const INPUTS: &[InputKey] = &[
    InputKey { on: Some(RowKind::Token), ..INPUT },
    InputKey {
        name: WEIGHTS,
        about: "\"probability:OBJECTIVE\": weights of the mean; default: equal",
        on: Some(RowKind::Token),
        required: false,
        weighs: true,
    },
];

/// ε, which keeps the sum of weights above 0.
const WEIGHT_EPSILON: f64 = 1e-6;

const KEYS: &[Key] = &[
    Key::with_default(
        "pooling",
        ValueType::Choice(&["attention", "last", "mean", "max"]),
        "\"attention\"",
        "pooling: attention, or the view of that name",
    ),
    Key::optional(
        "hidden",
        ValueType::Within(1, MAX_WIDTH),
        "hidden size of the attention; default: the input dimension",
    ),
];

/// The view with that kind of pooling; `None` for attention.
fn view_of(pooling: &str) -> Option<TapView> {
    match pooling {
        "last" => Some(TapView::Last),
        "mean" => Some(TapView::Mean),
        "max" => Some(TapView::Max),
        _ => None,
    }
}

impl EncoderKind for Pool {
    fn name(&self) -> &'static str {
        "pool"
    }

    fn about(&self) -> &'static str {
        "pooling by attention, mean, maximum or last state: one vector per sequence"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> RowSource {
        RowSource::Encoder(INPUTS)
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        let (values, input) = (declared.values, declared.inputs[0]);
        let (view, hidden) = (view_of(values.text("pooling")), values.count_if_set("hidden"));
        if let (Some(_), Some(_)) = (view, hidden) {
            return Err("`hidden` applies only to pooling = \"attention\"; remove it".to_owned());
        }
        let weights = declared.inputs.get(1);
        if let Some(weights) = weights.filter(|weights| weights.width != 1) {
            let n = weights.width;
            return Err(format!(
                "`{WEIGHTS}`: expected one weight for each row, found {n}; name one objective"
            ));
        }
        let is_weighted = weights.is_some();
        if is_weighted && view != Some(TapView::Mean) {
            let found = values.text("pooling");
            return Err(format!(
                "`{WEIGHTS}`: expected pooling = \"mean\", found {found:?}; set it"
            ));
        }
        Ok(Box::new(Config { input, view, hidden: hidden.unwrap_or(input.width), is_weighted }))
    }
}

/// The options of pooling.
struct Config {
    input: LayerSpec,
    /// `None` for attention.
    view: Option<TapView>,
    /// Hidden size of the attention.
    hidden: usize,
    /// Whether the mean is weighted.
    is_weighted: bool,
}

impl EncoderConfig for Config {
    fn layers(&self) -> Vec<LayerSpec> {
        vec![self.input.pooled()]
    }

    fn has_weights(&self) -> bool {
        self.view.is_none()
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let pooling = if self.is_weighted {
            Pooling::WeightedMean
        } else if let Some(view) = self.view {
            Pooling::TapView { view, directions: self.input.directions.is_some() }
        } else {
            let bound = (6.0 / (self.hidden + 1) as f64).sqrt();
            Pooling::Attention {
                hidden: setup.scope.linear("hidden", self.input.width, self.hidden)?,
                query: setup.scope.uniform("query", &[self.hidden], bound)?,
            }
        };
        Ok(Built::Encoder(Box::new(pooling)))
    }
}

enum Pooling {
    Attention {
        hidden: Linear,
        query: ParamRef,
    },
    TapView {
        view: TapView,
        directions: bool,
    },
    /// The second input has the weights.
    WeightedMean,
}

impl Encoder for Pooling {
    fn forward(&self, inputs: &[Rows], _on: SequenceView<'_>, _mode: Mode) -> Result<Vec<Rows>> {
        let Rows { tensor: x, packing } = &inputs[0];
        let pooled = match self {
            Self::Attention { hidden, query } => {
                let keys = kernel::tanh(&hidden.forward(x)?)?; // (rows, hidden)
                Rows::pooled(packing, kernel::attend(&keys, query, x, packing)?)?
            }
            Self::TapView { view: shown, directions } => view(&inputs[0], *shown, *directions)?,
            Self::WeightedMean => {
                let weights = inputs[1].tensor.affine(1.0, WEIGHT_EPSILON)?; // (rows, 1)
                let weighted = kernel::mean_over_tokens(&x.broadcast_mul(&weights)?, packing)?;
                let mean_weight = kernel::mean_over_tokens(&weights, packing)?;
                Rows::pooled(packing, weighted.broadcast_div(&mean_weight)?)?
            }
        };
        Ok(vec![pooled])
    }
}
