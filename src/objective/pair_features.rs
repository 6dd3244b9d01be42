//! Features of a pair of vectors: what a head reads that classifies the pair.
//!
//! Of a (the tap `left`) and b (the tap `right`): a itself, b itself, |a − b|, a − b and a ∗ b, concatenated in the
//! order of the recipe. |a − b| and a ∗ b are symmetric (Tai et al. 2015); a − b is not, so that the order of the two
//! matters (Hashimoto et al. 2017).

use candle_core::{Result, Tensor};

use super::{ConfigFault, Declared, TapKey};
use crate::{
    keys::{Key, ValueType},
    model::{
        Rows,
        tap::{LayerSpec, RowKind},
    },
};

const LEFT: &str = "left";
const RIGHT: &str = "right";
const DISTANCE: &str = "absolute-difference";
const DIFFERENCE: &str = "difference";
const PRODUCT: &str = "product";

/// The taps of a pair.
pub(super) const TAPS: &[TapKey] = &[
    TapKey { name: LEFT, on: Some(RowKind::Example), selects: false },
    TapKey { name: RIGHT, on: Some(RowKind::Example), selects: false },
];

const FEATURES: &str = "features";

/// The key of the features, with the default of a kind.
pub(super) const fn key(default: &'static str) -> Key {
    Key::with_default(
        FEATURES,
        ValueType::List(&ValueType::Choice(&[LEFT, RIGHT, DISTANCE, DIFFERENCE, PRODUCT])),
        default,
        "features of the two vectors that the head reads, concatenated",
    )
}

/// A feature, with as many elements as a vector has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feature {
    Left,
    Right,
    Distance,
    Difference,
    Product,
}

/// The features of a pair, at least one and each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PairFeatures(Vec<Feature>);

impl PairFeatures {
    /// The features that a table names.
    pub(super) fn of(declared: &Declared<'_>) -> std::result::Result<Self, ConfigFault> {
        let names = declared.values.texts(FEATURES);
        if let Some(at) = (1..names.len()).find(|&at| names[..at].contains(&names[at])) {
            let what =
                format!("`features`: expected each feature once, found {:?} twice", names[at]);
            return Err(ConfigFault::Key(FEATURES, what));
        }
        let feature = |name: &&str| match *name {
            LEFT => Feature::Left,
            RIGHT => Feature::Right,
            DISTANCE => Feature::Distance,
            DIFFERENCE => Feature::Difference,
            _ => Feature::Product,
        };
        let features = Self(names.iter().map(feature).collect());
        let [left, right] = [0, 1].map(|side| declared.taps[side].width);
        let is_of_both = |feature: &Feature| !matches!(feature, Feature::Left | Feature::Right);
        if left != right && features.0.iter().any(is_of_both) {
            let what = format!(
                "expected `left` and `right` of one dimension, found {left} and {right}; tap layers of one width, \
                 or set `features = [\"left\", \"right\"]`"
            );
            return Err(ConfigFault::Key(RIGHT, what));
        }
        Ok(features)
    }

    /// The dimension of the features of rows of these layers.
    pub(super) fn width(&self, taps: &[LayerSpec]) -> usize {
        let width = |feature: &Feature| match feature {
            Feature::Right => taps[1].width,
            _ => taps[0].width,
        };
        self.0.iter().map(width).sum()
    }

    /// The features of the rows of both taps: (examples, width).
    pub(super) fn of_rows(&self, taps: &[Rows]) -> Result<Tensor> {
        let (a, b) = (&taps[0].tensor, &taps[1].tensor);
        let features: Vec<Tensor> = (self.0.iter())
            .map(|feature| match feature {
                Feature::Left => Ok(a.clone()),
                Feature::Right => Ok(b.clone()),
                Feature::Distance => (a - b)?.abs(),
                Feature::Difference => a - b,
                Feature::Product => a * b,
            })
            .collect::<Result<_>>()?;
        Tensor::cat(&features, 1)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::{Device, Var};

    use super::*;
    use crate::{
        data::Packing,
        kernel::to_vec,
        keys::{Located, Value, Values},
        model::tap::{Context, LayerSpec},
        objective::declared,
    };

    fn layer(width: usize) -> LayerSpec {
        let (on, pooled) = (RowKind::Example, RowKind::Example);
        LayerSpec { width, on, pooled, context: Context::BOTH, directions: None }
    }

    fn features(
        names: &[&str],
        widths: [usize; 2],
    ) -> std::result::Result<PairFeatures, ConfigFault> {
        let names = names.iter().map(|name| Located::by_default(Value::Text((*name).to_owned())));
        let list = Located::by_default(Value::List(names.collect()));
        let values = Values::new([(FEATURES.to_owned(), list)].into());
        let layers = widths.map(layer);
        PairFeatures::of(&declared(&values, &layers, "softmax"))
    }

    #[test]
    fn features_by_hand_in_the_order_of_the_recipe() -> Result<()> {
        let rows = |row: [f32; 2]| -> Result<Rows> {
            let packing = Arc::new(Packing::of_examples(1));
            Ok(Rows { tensor: Tensor::new(&[row], &Device::Cpu)?, packing })
        };
        let taps = [rows([1.0, -2.0])?, rows([3.0, -5.0])?];
        let of = |names: &[&str]| to_vec(&features(names, [2, 2]).unwrap().of_rows(&taps)?);
        assert_eq!(of(&[DISTANCE, PRODUCT])?, [2.0, 3.0, 3.0, 10.0]);
        assert_eq!(of(&[PRODUCT, DIFFERENCE])?, [3.0, 10.0, -2.0, 3.0]);
        assert_eq!(of(&[RIGHT, LEFT])?, [3.0, -5.0, 1.0, -2.0]);
        Ok(())
    }

    #[test]
    fn the_dimension_is_that_of_all_features() {
        let layers = [3, 5].map(layer);
        let both = features(&[LEFT, RIGHT], [3, 5]).unwrap();
        assert_eq!(both.width(&layers), 8);
        let equal = [4, 4].map(layer);
        let three = features(&[LEFT, DISTANCE, PRODUCT], [4, 4]).unwrap();
        assert_eq!(three.width(&equal), 12);
    }

    #[test]
    fn a_feature_twice_and_differences_of_two_dimensions_are_refused() {
        let what = |names: &[&str], widths| match features(names, widths) {
            Err(ConfigFault::Key(_, what)) => what,
            other => panic!("{other:?}"),
        };
        let twice = "`features`: expected each feature once, found \"product\" twice";
        assert_eq!(what(&[PRODUCT, PRODUCT], [2, 2]), twice);
        let differ = "expected `left` and `right` of one dimension, found 2 and 3; ";
        assert!(what(&[LEFT, PRODUCT], [2, 3]).starts_with(differ));
        assert!(features(&[LEFT, RIGHT], [2, 3]).is_ok());
    }

    /// Σ features² by differences, for both sides.
    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let all = features(&[LEFT, RIGHT, DISTANCE, DIFFERENCE, PRODUCT], [3, 3]).unwrap();
        let vars = [[0.3f32, -1.0, 0.8], [0.9, 0.4, -0.7]]
            .map(|row| Var::from_vec(row.to_vec(), (1, 3), &Device::Cpu).unwrap());
        let sum = || -> Result<Tensor> {
            let packing = Arc::new(Packing::of_examples(1));
            let rows =
                |var: &Var| Rows { tensor: var.as_tensor().clone(), packing: packing.clone() };
            all.of_rows(&[rows(&vars[0]), rows(&vars[1])])?.sqr()?.sum_all()
        };
        let store = sum()?.backward()?;
        for var in &vars {
            let gradient = to_vec(store.get(var).expect("both sides have a gradient"))?;
            let values = to_vec(var)?;
            for at in 0..values.len() {
                let value_at = |step: f32| -> Result<f32> {
                    let mut moved = values.clone();
                    moved[at] += step;
                    var.set(&Tensor::from_vec(moved, (1, 3), &Device::Cpu)?)?;
                    Ok(to_vec(&sum()?.reshape(1)?)?[0])
                };
                let difference = (value_at(0.01)? - value_at(-0.01)?) / 0.02;
                value_at(0.0)?;
                assert!((gradient[at] - difference).abs() < 5e-3, "{} {difference}", gradient[at]);
            }
        }
        Ok(())
    }
}
