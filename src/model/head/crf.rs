//! Linear-chain conditional random field: all tags of a sentence at once.

use super::HeadKind;
use crate::model::tap::On;

pub(super) struct Crf;

impl HeadKind for Crf {
    fn name(&self) -> &'static str {
        "crf"
    }

    fn about(&self) -> &'static str {
        "the tags of a sentence together: a linear-chain conditional random field"
    }

    fn works_on(&self, on: On) -> bool {
        on == On::Sequence
    }
}
