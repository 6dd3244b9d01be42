//! `frozen`: encoders that keep the values of their parameters, as a probe needs.

use super::{EncoderSpec, Named};
use crate::{
    keys::{Key, Value, ValueType, Values},
    model::encoder::EncoderConfig,
    recipe::fault::Diagnostics,
};

const FROZEN: &str = "frozen";

pub(super) const FROZEN_KEY: Key = Key::optional(
    FROZEN,
    ValueType::Switch,
    "true: its parameters keep their values, and it has no dropout; the encoders below it must be frozen too",
);

/// Whether an encoder is frozen: by its key, or because it has nothing to train and reads only frozen encoders. One
/// that is frozen above another that is trained is a fault.
pub(super) fn check(
    table: &Named<'_>,
    values: &Values,
    config: &dyn EncoderConfig,
    below: &[&EncoderSpec],
    diagnostics: &mut Diagnostics,
) -> Option<bool> {
    let is_set = values.get(FROZEN).is_some_and(|said| said.value == Value::Switch(true));
    match below.iter().find(|encoder| !encoder.is_frozen) {
        Some(trained) if is_set => {
            let what = format!(
                "`encoder.{}.{FROZEN}`: expected frozen encoders below, found {:?}, which is trained; freeze it \
                 too, or remove `{FROZEN}`",
                table.name, trained.name
            );
            diagnostics.fault(&values.place(FROZEN), what);
            None
        }
        Some(_) => Some(false),
        None => {
            // Those of an objective's head are trained.
            let is_head = config.labels_of().is_some() || config.probability_of().is_some();
            Some(is_set || !below.is_empty() && !config.has_parameters() && !is_head)
        }
    }
}
