//! Softmax: each row by itself.

use super::HeadKind;
use crate::model::tap::On;

pub(super) struct Softmax;

impl HeadKind for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn about(&self) -> &'static str {
        "one of several classes for each row by itself"
    }

    fn works_on(&self, _on: On) -> bool {
        true
    }
}
