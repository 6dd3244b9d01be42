//! One vector from a sequence.
//!
//! With attention: a = softmax over the tokens of uᵀ tanh(W h_t + b), output = Σ_t a_t h_t (Yang et al.
//! 2016; Lin et al. 2017). The other ways have no parameters and are those of the views.

use candle_core::Result;

use super::{Built, Encoder, EncoderKind, EncoderSetup, Named, RowSource, SEQUENCE, SequenceView};
use crate::{
    kernel::{self, ParamRef},
    keys::{Key, ValueType, Values},
    model::{
        Mode, Rows,
        parameters::Linear,
        tap::{EncoderSignature, LayerSpec, TapView},
        view,
    },
};

pub(super) struct Pool;

const KEYS: &[Key] = &[
    Key::with_default(
        "pooling",
        ValueType::Choice(&["attention", "last", "mean", "max"]),
        "\"attention\"",
        "pooling: attention, or the view of that name",
    ),
    Key::optional(
        "hidden",
        ValueType::Count(1),
        "hidden size of the attention; default: the input dimension",
    ),
];

/// The view that stands for a way of pooling; `None` is attention.
fn view_of(values: &Values) -> Option<TapView> {
    match values.text("pooling") {
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
        RowSource::Encoder(SEQUENCE)
    }

    fn has_layers(&self, values: &Values) -> bool {
        view_of(values).is_none()
    }

    fn signature(
        &self,
        values: &Values,
        inputs: &[LayerSpec],
        _named: &dyn Named,
    ) -> std::result::Result<EncoderSignature, String> {
        let input = inputs[0];
        if let (Some(_), Some(_)) = (view_of(values), values.count_if_said("hidden")) {
            return Err("`hidden` applies only to pooling = \"attention\"; remove it".to_owned());
        }
        let layer = input.pooled();
        Ok(EncoderSignature { inputs: inputs.to_vec(), layers: vec![layer] })
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let input = setup.inputs[0];
        let pooling = if let Some(view) = view_of(setup.values) {
            Pooling::TapView { view, directions: input.directions.is_some() }
        } else {
            let inner = setup.values.count_if_said("hidden").unwrap_or(input.width);
            let bound = (6.0 / (inner + 1) as f64).sqrt();
            Pooling::Attention {
                hidden: setup.scope.linear("hidden", input.width, inner)?,
                query: setup.scope.uniform("query", &[inner], bound)?,
            }
        };
        Ok(Built::Encoder(Box::new(pooling)))
    }
}

enum Pooling {
    Attention { hidden: Linear, query: ParamRef },
    TapView { view: TapView, directions: bool },
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
        };
        Ok(vec![pooled])
    }
}
