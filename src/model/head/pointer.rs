//! Pointer: the rows of an example scored against one row (Vinyals et al. 2015): v·tanh(A·q + a + B·s + b).

use candle_core::{Result, Tensor};

use super::{HeadConfig, HeadKind, pair, relative::RelativeScores};
use crate::{
    kernel::{self, PairGroup},
    keys::{Key, Values},
    model::{
        parameters::{Linear, Scope},
        tap::RowKind,
    },
};

pub(super) struct Pointer;

impl HeadKind for Pointer {
    fn name(&self) -> &'static str {
        "pointer"
    }

    fn about(&self) -> &'static str {
        "scores of the rows of an example against one row, with a tanh layer over both"
    }

    fn keys(&self) -> &'static [Key] {
        &[pair::HIDDEN]
    }

    fn works_on(&self, _on: RowKind) -> bool {
        true
    }

    fn supports_class_weights(&self) -> bool {
        false
    }

    fn configure(&self, values: &Values) -> HeadConfig {
        HeadConfig::Pointer(PointerConfig { hidden: values.count(pair::HIDDEN.name) })
    }
}

/// The parsed options of a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointerConfig {
    /// The size of the tanh layer.
    hidden: usize,
}

impl PointerConfig {
    /// Creates a scorer of rows of the second dimension against one of the first.
    pub fn build(self, scope: &mut Scope<'_>, [one, rows]: [usize; 2]) -> Result<PointerHead> {
        Ok(PointerHead {
            one: scope.linear("one", one, self.hidden)?,
            rows: scope.linear("rows", rows, self.hidden)?,
            output: RelativeScores::new(scope, self.hidden, 1)?,
        })
    }

    /// Elements that a step holds for so many pairs, besides the rows.
    pub fn scratch(self, n_pairs: u64) -> u64 {
        n_pairs.saturating_mul(4 * self.hidden as u64)
    }
}

/// Scores of rows against one row, with its parameters.
pub struct PointerHead {
    /// A and a.
    one: Linear,
    /// B and b.
    rows: Linear,
    /// v.
    output: RelativeScores,
}

impl PointerHead {
    /// The score of each pair of the groups of rows of q (rows, width) and s (others, width): (pairs), in the order
    /// of [`PairGroup::pairs`].
    pub fn scores(&self, q: &Tensor, s: &Tensor, groups: &[PairGroup]) -> Result<Tensor> {
        #[cfg(test)]
        super::count::add(self);
        let (ones, rows): (Vec<u32>, Vec<u32>) = groups.iter().flat_map(PairGroup::pairs).unzip();
        if ones.is_empty() {
            return Tensor::zeros(0, q.dtype(), q.device());
        }
        let ones = kernel::gather(&self.one.forward(q)?, ones)?;
        let rows = kernel::gather(&self.rows.forward(s)?, rows)?;
        self.output.forward(&kernel::tanh(&(ones + rows)?)?)?.flatten_all()
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::model::Parameters;

    /// A = 1, a = 0, B = (1, 0), b = ½ and v = 2.
    #[test]
    fn a_worked_example() -> Result<()> {
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let head = PointerConfig { hidden: 1 }.build(&mut parameters.scope("it"), [1, 2])?;
        let values: [&[f32]; 5] = [&[1.0], &[0.0], &[1.0, 0.0], &[0.5], &[2.0]];
        for (parameter, values) in parameters.all().iter().zip(values) {
            let shape = parameter.var.shape();
            parameter.var.set(&Tensor::from_slice(values, shape, &Device::Cpu)?)?;
        }
        let q = Tensor::new(&[[0f32], [1.0]], &Device::Cpu)?;
        let s = Tensor::new(&[[0.5f32, 9.0], [-0.5, 9.0], [0.0, 9.0]], &Device::Cpu)?;
        let group = |left, right: &[u32]| PairGroup { left: vec![left], right: right.into() };
        let groups = [group(1, &[0]), group(0, &[]), group(0, &[2, 1])];
        let found = kernel::to_vec(&head.scores(&q, &s, &groups)?)?;
        for (found, x) in found.iter().zip([2.0f32, 0.5, 0.0]) {
            assert!((found - 2.0 * x.tanh()).abs() < 1e-6, "{found}, expected that of {x}");
        }
        assert_eq!(found.len(), 3);
        assert_eq!(head.scores(&q, &s, &[group(0, &[])])?.elem_count(), 0);
        Ok(())
    }
}
