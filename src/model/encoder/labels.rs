//! Labels: the expected label vector of each row, from the head of an objective (Hashimoto et al. 2017).
//!
//! With p the softmax of the head's scores of row x and e_j the vector of label j: y = Σ_j p(j | x)·e_j + b. The
//! gradient also reaches the head and the encoders below it. A recipe has no table for it: an encoder reads it as
//! `"labels:OBJECTIVE"`.

use candle_core::{Result, bail};

use super::{
    ANY_ROWS, Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup, RowSource,
    SequenceView,
};
use crate::{
    kernel,
    keys::{Key, MAX_WIDTH, Refers, ValueType},
    model::{Mode, Rows, head::Head, parameters::Linear, tap::LayerSpec},
};

pub(super) struct Labels;

/// The key of the objective whose labels it gives.
pub(crate) const OBJECTIVE: &str = "objective";

const KEYS: &[Key] = &[
    Key::required(OBJECTIVE, ValueType::Name(Refers::Objective), "objective whose labels it gives"),
    Key::required("width", ValueType::Within(1, MAX_WIDTH), "dimension of a label vector"),
];

impl EncoderKind for Labels {
    fn name(&self) -> &'static str {
        "labels"
    }

    fn about(&self) -> &'static str {
        "expected label vector of each row, from the head of an objective"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> RowSource {
        RowSource::Encoder(ANY_ROWS)
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        let values = declared.values;
        Ok(Box::new(Config {
            input: declared.inputs[0],
            width: values.count("width"),
            objective: values.text(OBJECTIVE).to_owned(),
        }))
    }
}

struct Config {
    input: LayerSpec,
    width: usize,
    objective: String,
}

impl EncoderConfig for Config {
    fn layers(&self) -> Vec<LayerSpec> {
        vec![LayerSpec { width: self.width, directions: None, ..self.input }]
    }

    fn labels_of(&self) -> Option<&str> {
        Some(&self.objective)
    }

    fn has_weights(&self) -> bool {
        true
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let Some(LabelHead { head, n_labels }) = setup.label_head.take() else {
            bail!(
                "expected a head with a softmax over the labels of {:?}, found none",
                self.objective
            )
        };
        // As the rows of an embedding table: the norm of a vector is near 1.
        let bound = (3.0 / self.width as f64).sqrt();
        let bias = vec![0.0; self.width];
        let shape = [n_labels, self.width];
        let vectors = setup.scope.linear_from_values("vectors", &shape, bound, bias)?;
        Ok(Built::Encoder(Box::new(LabelVectors { head, vectors })))
    }
}

/// The head of an objective, with a softmax over its labels.
pub struct LabelHead {
    /// The head.
    pub head: Box<dyn Head>,
    /// The number of labels.
    pub n_labels: usize,
}

struct LabelVectors {
    head: Box<dyn Head>,
    vectors: Linear,
}

impl Encoder for LabelVectors {
    fn forward(&self, inputs: &[Rows], _on: SequenceView<'_>, _mode: Mode) -> Result<Vec<Rows>> {
        let scores = self.head.scores(&inputs[0].tensor)?; // (rows, labels)
        let p = kernel::log_softmax(&scores)?.exp()?;
        Ok(vec![inputs[0].with(self.vectors.forward(&p)?)])
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::{
        data::{Batch, Corpus, Packing, SplitData},
        keys::{Located, Value, Values},
        model::{
            Parameters,
            head::{self, Classes, HeadConfig, HeadSetup},
        },
    };

    /// Scores (0, ln 3) have probabilities 1/4 and 3/4; the vectors are (4, 8) and (12, 0).
    #[test]
    fn a_row_is_the_expected_vector_of_its_label() -> Result<()> {
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let entries = [("hidden", Value::Integer(0)), ("label_smoothing", Value::Integer(0))];
        let entries = entries.map(|(key, value)| (key.to_owned(), Located::by_default(value)));
        let softmax =
            head::find("softmax").map(|head| head.configure(&Values::new(entries.into())));
        let Some(HeadConfig::Rows(config)) = softmax else { bail!("a head of rows") };
        let scope = parameters.scope("objective.pos");
        let head = config.build(HeadSetup { width: 2, classes: Classes::of(2), scope })?;
        let vectors =
            parameters.scope("labels:pos").linear_from_values("v", &[2, 2], 1.0, vec![0.0; 2])?;
        let set = |at: usize, values: [f32; 4]| {
            parameters.all()[at].var.set(&Tensor::new(&values, &Device::Cpu)?.reshape((2, 2))?)
        };
        set(0, [1.0, 0.0, 0.0, 1.0])?;
        set(2, [4.0, 8.0, 12.0, 0.0])?;
        let labels = LabelVectors { head, vectors };
        let x = Tensor::new(&[[0f32, 3f32.ln()]], &Device::Cpu)?;
        let rows = Rows::new(x, &Packing::of_examples(1).into());
        let batch = Batch::new(0, &Corpus::default(), &SplitData::default(), &[]);
        let on = SequenceView { batch: &batch, field: None, prefix: None, other_text: None };
        let y = labels.forward(&[rows], on, Mode::Eval)?.remove(0);
        let y = kernel::to_vec(&y.tensor)?;
        assert!((y[0] - 10.0).abs() < 1e-5 && (y[1] - 2.0).abs() < 1e-5, "{y:?}");
        Ok(())
    }
}
