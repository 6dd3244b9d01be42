//! Objectives that read a decoder: the field whose texts it generates, and checks of their tap and label.

use super::{ConfigFault, Declared, EncoderView};
use crate::model::TapName;

/// The first decoder among the encoders that a tap key names.
fn decoder<'a>(declared: &Declared<'a>, tap: &str) -> Option<EncoderView<'a>> {
    let taps = declared.values.texts(tap);
    let mut views = taps.iter().filter_map(|tap| {
        let name = tap.parse::<TapName>().ok()?;
        (declared.encoder)(&name.encoder)
    });
    views.find(|view| view.signature.initial.is_some())
}

/// The field that it generates word by word; `None` if it generates subwords.
pub(super) fn word_field<'a>(declared: &Declared<'a>, tap: &str) -> Option<&'a str> {
    let decoder = decoder(declared, tap).filter(|decoder| !decoder.config.generates_subwords())?;
    decoder.config.field()
}

/// Whether it can copy words of another text.
pub(super) fn copies(declared: &Declared<'_>, tap: &str) -> bool {
    decoder(declared, tap).is_some_and(|decoder| decoder.config.other_text().is_some())
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
    match decoder(declared, tap).and_then(|decoder| decoder.config.field()) {
        Some(field) if field != said => Err(ConfigFault::Key(
            label,
            format!(
                "expected {field:?}, the field of the decoder, found {said:?}; change one of the two"
            ),
        )),
        _ => Ok(()),
    }
}
