//! Objectives that read a decoder: the field whose texts it generates, and checks of their tap and label.

use super::{ConfigFault, Declared};
use crate::model::TapName;

/// The field of the first decoder among the encoders that a tap key names.
pub(super) fn field<'a>(declared: &Declared<'a>, tap: &str) -> Option<&'a str> {
    let taps = declared.values.texts(tap);
    let mut views = taps.iter().filter_map(|tap| {
        let name = tap.parse::<TapName>().ok()?;
        (declared.encoder)(&name.encoder)
    });
    let decoder = views.find(|view| view.signature.initial.is_some())?;
    decoder.config.field()
}

/// Checks that an objective reads one decoder, and that its label is the field of the decoder.
pub(super) fn check(
    declared: &Declared<'_>,
    tap: &'static str,
    label: &'static str,
) -> Result<(), ConfigFault> {
    let n_taps = declared.values.texts(tap).len();
    if n_taps > 1 {
        let what = format!(
            "expected one decoder as `{tap}`, found {n_taps}; add an objective for each of the others"
        );
        return Err(ConfigFault::Key(tap, what));
    }
    let said = declared.values.text(label);
    match field(declared, tap) {
        Some(field) if field != said => Err(ConfigFault::Key(
            label,
            format!(
                "expected {field:?}, the field of the decoder, found {said:?}; change one of the two"
            ),
        )),
        _ => Ok(()),
    }
}
