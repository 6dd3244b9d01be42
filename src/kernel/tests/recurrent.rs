//! What must hold for a layer of any cell: the fused and the plain form agree, and each sequence is
//! independent of its batch.

use std::collections::HashMap;

use candle_core::{DType, Device, IndexOp, Result, Tensor, Var};
use candle_nn::VarBuilder;

use crate::{
    data::Packing,
    kernel::{RecurrentWeights, check, check::Variable, to_vec},
};

const LENGTHS: [&[usize]; 3] = [&[5, 3, 3, 1], &[1], &[1, 1, 1]];

type Layer = fn(&Tensor, &RecurrentWeights, &Packing) -> Result<Tensor>;

/// A kind of cell, with what the tests need to know about it.
pub(super) struct Kind {
    pub(super) n_gates: usize,
    pub(super) has_recurrent_bias: bool,
    /// The fused layer.
    pub(super) layer: Layer,
    /// The same layer in candle's own operations.
    pub(super) plain: Layer,
    /// Whether a gate at a token influences a state that has read that token.
    pub(super) matters: fn(usize, Place) -> bool,
}

/// The position of a token relative to a state.
pub(super) struct Place {
    /// It is the first token that its direction reads.
    pub(super) is_first: bool,
    /// The state is the token's own.
    pub(super) is_own: bool,
}

/// All variables of a layer.
pub(super) fn variables<'a>(x: &'a Var, weights: &'a RecurrentWeights) -> Vec<&'a dyn Variable> {
    let RecurrentWeights { input, bias, recurrent, recurrent_bias } = weights;
    let mut variables: Vec<&dyn Variable> = vec![x, input, bias, recurrent];
    variables.extend(recurrent_bias.as_ref().map(|bias| bias as &dyn Variable));
    variables
}

/// The given rows, in the given order.
fn rows(x: &Tensor, rows: impl Iterator<Item = usize>) -> Result<Tensor> {
    let rows: Vec<u32> = rows.map(|row| row as u32).collect();
    x.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)
}

impl Kind {
    /// The parameters of a layer with `n_inputs` inputs.
    pub(super) fn weights(
        &self,
        inputs: usize,
        width: usize,
        scale: f32,
    ) -> Result<RecurrentWeights> {
        let columns = self.n_gates * width;
        let recurrent_bias = || check::weight("recurrent bias", (2, width), scale);
        Ok(RecurrentWeights {
            input: check::weight("input", (inputs, 2 * columns), scale)?,
            bias: check::weight("bias", 2 * columns, scale)?,
            recurrent: check::weight("recurrent", (2, width, columns), scale)?,
            recurrent_bias: self.has_recurrent_bias.then(recurrent_bias).transpose()?,
        })
    }

    /// A layer with the given input size, and rows for a packing.
    fn layer(
        &self,
        packing: &Packing,
        inputs: usize,
        width: usize,
    ) -> Result<(Var, RecurrentWeights)> {
        let x = check::var("x", (packing.n_rows(), inputs), 1.0)?;
        Ok((x, self.weights(inputs, width, 0.7)?))
    }

    /// A layer whose inputs are its gates, x·1 + 0, and rows for a packing.
    fn of_gates(
        &self,
        packing: &Packing,
        width: usize,
        scale: f32,
    ) -> Result<(Var, RecurrentWeights)> {
        let n = 2 * self.n_gates * width;
        let weights = RecurrentWeights {
            input: check::weight_of(&Tensor::eye(n, DType::F32, &Device::Cpu)?)?,
            bias: check::weight_of(&Tensor::zeros(n, DType::F32, &Device::Cpu)?)?,
            ..self.weights(n, width, 0.5)?
        };
        Ok((check::var("gates", (packing.n_rows(), n), scale)?, weights))
    }

    pub(super) fn equals_its_plain_composition(&self) -> Result<()> {
        for lengths in LENGTHS {
            for (inputs, width) in [(1, 1), (2, 3), (5, 8), (9, 17)] {
                let packing = Packing::new(lengths.to_vec());
                let (x, weights) = self.layer(&packing, inputs, width)?;
                let found = (self.layer)(&x, &weights, &packing)?;
                let expected = (self.plain)(&x, &weights, &packing)?;
                check::assert_tensors_close(&found, &expected, 1e-4, 1e-6);
                let variables = variables(&x, &weights);
                let found = check::gradients(&variables, &found)?;
                for (found, expected) in found.iter().zip(check::gradients(&variables, &expected)?)
                {
                    check::assert_tensors_close(found, &expected, 1e-4, 2e-6);
                }
            }
        }
        Ok(())
    }

    pub(super) fn gradients_match_finite_differences_for_all_lengths(&self) -> Result<()> {
        for lengths in LENGTHS {
            for (inputs, width) in [(1, 1), (2, 3)] {
                let packing = Packing::new(lengths.to_vec());
                let (x, weights) = self.layer(&packing, inputs, width)?;
                for layer in [self.layer, self.plain] {
                    check::assert_differences(&variables(&x, &weights), || {
                        layer(&x, &weights, &packing)
                    });
                }
            }
        }
        Ok(())
    }

    pub(super) fn accepts_an_empty_batch(&self) -> Result<()> {
        let packing = Packing::new(Vec::new());
        let (x, weights) = self.layer(&packing, 2, 3)?;
        for layer in [self.layer, self.plain] {
            let states = layer(&x, &weights, &packing)?;
            assert_eq!(states.dims(), [0, 6]);
            let store = states.sum_all()?.backward()?;
            for gradient in variables(&x, &weights).iter().filter_map(|var| var.gradient(&store)) {
                assert!(to_vec(&gradient)?.iter().all(|&g| g == 0.0));
            }
        }
        Ok(())
    }

    /// Shapes that do not fit a layer of 2 inputs and hidden size 3, and the given ones, are
    /// refused with the given message.
    pub(super) fn refuses(
        &self,
        more: impl IntoIterator<Item = RecurrentWeights>,
        wanted: &str,
    ) -> Result<()> {
        let packing = Packing::new(vec![1]);
        let (x, weights) = self.layer(&packing, 2, 3)?;
        let n = 6 * self.n_gates;
        let other = |shape: &[usize]| check::weight("", shape, 1.0);
        let wrong = [
            RecurrentWeights { input: other(&[3, n])?, ..weights.clone() },
            RecurrentWeights { bias: other(&[n - 1])?, ..weights.clone() },
            RecurrentWeights { recurrent: other(&[2, 3, 8])?, ..weights },
            self.weights(2, 0, 1.0)?,
        ];
        for weights in wrong.into_iter().chain(more) {
            let error = (self.layer)(&x, &weights, &packing).unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
        }
        Ok(())
    }

    pub(super) fn saturates(&self) -> Result<()> {
        let packing = Packing::new(vec![4, 2]);
        for scale in [100.0, 1000.0] {
            let (gates, weights) = self.of_gates(&packing, 3, scale)?;
            let signs = (gates.sign()? * f64::from(scale))?;
            for gates in [gates, Var::from_tensor(&signs)?] {
                let found = (self.layer)(&gates, &weights, &packing)?;
                let expected = (self.plain)(&gates, &weights, &packing)?;
                check::assert_tensors_close(&found, &expected, 1e-4, 1e-6);
                for states in [found, expected] {
                    for gradient in check::gradients(&variables(&gates, &weights), &states)? {
                        assert!(to_vec(&gradient)?.iter().all(|g| g.is_finite()));
                    }
                }
            }
        }
        Ok(())
    }

    /// Neither direction reads tokens ahead of it, nor another sequence.
    pub(super) fn reads_only_its_context(&self) -> Result<()> {
        self.one_layer_reads_only_its_context(self.layer)?;
        self.one_layer_reads_only_its_context(self.plain)
    }

    fn one_layer_reads_only_its_context(&self, layer: Layer) -> Result<()> {
        let packing = Packing::new(vec![5, 3, 3, 1]);
        let width = 3;
        let (gates, weights) = self.of_gates(&packing, width, 1.0)?;
        for (b, t) in packing.positions() {
            for direction in 0..2 {
                let states = layer(&gates, &weights, &packing)?;
                let state =
                    states.i((packing.row(b, t), direction * width..(direction + 1) * width))?;
                let gradients = state.sum_all()?.backward()?;
                let gradient = gradients.get(&gates).unwrap().to_vec2::<f32>()?;
                for (other_b, other_t) in packing.positions() {
                    let first = if direction == 0 { 0 } else { packing.lengths()[b] - 1 };
                    let numbers = &gradient[packing.row(other_b, other_t)];
                    for (column, &g) in numbers.iter().enumerate() {
                        let seen = if direction == 0 { other_t <= t } else { other_t >= t };
                        let its_own = column / (self.n_gates * width) == direction;
                        let may = b == other_b && seen && its_own;
                        let place = Place { is_first: other_t == first, is_own: other_t == t };
                        let must = may && (self.matters)(column / width % self.n_gates, place);
                        assert!(may || g == 0.0, "({b}, {t}) sees ({other_b}, {other_t}): {g}");
                        assert!(!must || g != 0.0, "({b}, {t}) misses ({other_b}, {other_t})");
                    }
                }
            }
        }
        Ok(())
    }

    /// Each sequence of a batch has the same states and gradients as on its own.
    pub(super) fn assert_alone(&self, lengths: &[usize], width: usize) -> Result<()> {
        let both = [self.layer, self.plain];
        both.iter().try_for_each(|layer| self.assert_one_alone(*layer, lengths, width))
    }

    fn assert_one_alone(&self, layer: Layer, lengths: &[usize], width: usize) -> Result<()> {
        let packing = Packing::new(lengths.to_vec());
        let (gates, weights) = self.of_gates(&packing, width, 1.0)?;
        let together = layer(&gates, &weights, &packing)?;
        let grad_gates = together.sum_all()?.backward()?.remove(&gates).unwrap();
        for (b, &length) in lengths.iter().enumerate() {
            let own = Var::from_tensor(&rows(&gates, packing.rows(b))?)?;
            let alone = layer(&own, &weights, &Packing::new(vec![length]))?;
            // Not bit for bit: the kernel of a product depends on the number of rows.
            check::assert_tensors_close(&rows(&together, packing.rows(b))?, &alone, 0.0, 1e-6);
            let by_own = alone.sum_all()?.backward()?.remove(&own).unwrap();
            check::assert_tensors_close(&rows(&grad_gates, packing.rows(b))?, &by_own, 1e-5, 1e-6);
        }
        Ok(())
    }

    pub(super) fn batches_equal_their_sequences(&self) -> Result<()> {
        for lengths in LENGTHS {
            for width in [1, 8, 17] {
                self.assert_alone(lengths, width)?;
            }
        }
        Ok(())
    }
}

/// The parameters of candle's own layer of a cell, and a sentence for it.
pub(super) struct Stock {
    pub(super) inputs: usize,
    pub(super) width: usize,
    /// (1, length, inputs)
    pub(super) x: Var,
    w_ih: Var,
    w_hh: Var,
    pub(super) b_ih: Var,
    pub(super) b_hh: Var,
}

impl Stock {
    pub(super) fn new(n_gates: usize) -> Result<Self> {
        let (inputs, width) = (5, 4);
        let n = n_gates * width;
        Ok(Self {
            inputs,
            width,
            x: check::var("x", (1, 7, inputs), 1.0)?,
            w_ih: check::var("w_ih", (n, inputs), 0.5)?,
            w_hh: check::var("w_hh", (n, width), 0.5)?,
            b_ih: check::var("b_ih", n, 0.5)?,
            b_hh: check::var("b_hh", n, 0.5)?,
        })
    }

    /// In the form that candle's layer reads.
    pub(super) fn vars(&self) -> VarBuilder<'static> {
        let named = HashMap::from([
            ("weight_ih_l0".to_owned(), self.w_ih.as_tensor().clone()),
            ("weight_hh_l0".to_owned(), self.w_hh.as_tensor().clone()),
            ("bias_ih_l0".to_owned(), self.b_ih.as_tensor().clone()),
            ("bias_hh_l0".to_owned(), self.b_hh.as_tensor().clone()),
        ]);
        VarBuilder::from_tensors(named, DType::F32, &Device::Cpu)
    }

    /// The forward half of a layer's states, with the same parameters in both directions: (length,
    /// width).
    pub(super) fn forward_half(
        &self,
        kind: &Kind,
        bias: &Tensor,
        recurrent_bias: Option<&Tensor>,
    ) -> Result<Tensor> {
        let (input, recurrent) = (self.w_ih.t()?, self.w_hh.t()?.contiguous()?);
        let twice = |x: &Tensor| check::weight_of(&Tensor::stack(&[x, x], 0)?);
        let weights = RecurrentWeights {
            input: check::weight_of(&Tensor::cat(&[&input, &input], 1)?)?,
            bias: check::weight_of(&Tensor::cat(&[bias, bias], 0)?)?,
            recurrent: twice(&recurrent)?,
            recurrent_bias: recurrent_bias.map(twice).transpose()?,
        };
        let x = self.x.squeeze(0)?;
        (kind.layer)(&x, &weights, &Packing::new(vec![x.dim(0)?]))?.i((.., ..self.width))
    }
}

/// The tests of every cell.
macro_rules! tests_of_a_cell {
    ($cell:ident) => {
        #[test]
        fn states_and_gradients_equal_the_plain_composition() -> Result<()> {
            $cell.equals_its_plain_composition()
        }

        #[test]
        fn gradients_match_finite_differences() -> Result<()> {
            $cell.gradients_match_finite_differences_for_all_lengths()
        }

        #[test]
        fn an_empty_batch_has_no_states_and_no_gradient() -> Result<()> {
            $cell.accepts_an_empty_batch()
        }

        #[test]
        fn gates_saturate_at_large_inputs() -> Result<()> {
            $cell.saturates()
        }

        #[test]
        fn neither_direction_reads_ahead_or_another_sequence() -> Result<()> {
            $cell.reads_only_its_context()
        }

        #[test]
        fn a_batch_equals_its_sequences_one_by_one() -> Result<()> {
            $cell.batches_equal_their_sequences()
        }

        proptest::proptest! {
            #![proptest_config(proptest::prelude::ProptestConfig {
                failure_persistence: None,
                ..proptest::prelude::ProptestConfig::with_cases(24)
            })]

            #[test]
            fn any_batch_equals_its_sequences_one_by_one(
                mut lengths in proptest::collection::vec(1usize..12, 1..9),
                width in 1usize..20,
            ) {
                lengths.sort_by(|a, b| b.cmp(a));
                $cell.assert_alone(&lengths, width).unwrap();
            }
        }
    };
}
pub(super) use tests_of_a_cell;
