//! A decoder and its inverse: the taps of objectives that read both, and the fields that they generate.

use super::{ConfigFault, Declared, EncoderLookup, TapKey};
use crate::model::{RowKind, TapName};

/// The key of the decoder of y given x.
pub(super) const LEFT: &str = "left";
/// The key of the decoder of x given y.
pub(super) const RIGHT: &str = "right";

const ON: Option<RowKind> = Some(RowKind::Step);

pub(super) const TAPS: &[TapKey] = &[
    TapKey { name: LEFT, on: ON, selects: false },
    TapKey { name: RIGHT, on: ON, selects: false },
];

/// The field that the decoder of a key generates, or why it has none whose texts have a probability by themselves.
pub(super) fn field(declared: &Declared<'_>, key: &'static str) -> Result<String, ConfigFault> {
    let taps = declared.values.texts(key);
    let &[tap] = taps.as_slice() else {
        let what = format!("`{key}`: expected one decoder, found {}", taps.len());
        return Err(ConfigFault::Key(key, what));
    };
    let name = tap.parse::<TapName>().ok().filter(|name| name.field.is_none());
    let decoder = name.and_then(|name| (declared.encoder)(&name.encoder));
    if decoder.is_some_and(|decoder| decoder.config.other_text().is_some()) {
        let what = format!("`{key}`: expected a decoder without `copy`, found {tap:?}");
        return Err(ConfigFault::Key(key, what));
    }
    if decoder.is_some_and(|decoder| decoder.config.generates_subwords()) {
        let what = format!(
            "`{key}`: expected a decoder of words, found {tap:?}, which generates subwords"
        );
        return Err(ConfigFault::Key(key, what));
    }
    decoder
        .and_then(|decoder| decoder.config.field())
        .map(str::to_owned)
        .ok_or_else(|| ConfigFault::Key(key, format!("`{key}`: expected a decoder, found {tap:?}")))
}

/// Whether an encoder reads a field, itself or through its inputs.
pub(super) fn reads(encoder: EncoderLookup<'_>, tap: &str, field: &str) -> bool {
    let name = tap.parse::<TapName>().ok();
    let Some(view) = name.and_then(|name| encoder(&name.encoder)) else { return false };
    let keys = view.kind.source().inputs_of(view.values);
    let mut inputs = keys.flat_map(|key| view.values.texts(key.name));
    view.config.field() == Some(field) || inputs.any(|tap| reads(encoder, tap, field))
}

/// The fields that the two decoders of a table generate, or why they are no pair.
pub(super) fn fields(declared: &Declared<'_>) -> Result<[String; 2], ConfigFault> {
    let (left, right) = (field(declared, LEFT)?, field(declared, RIGHT)?);
    if left == right {
        let what = format!(
            "`{RIGHT}`: expected the inverse of `{LEFT}`, which generates {left:?}, found a decoder of the same field; \
             name that of the other text"
        );
        return Err(ConfigFault::Key(RIGHT, what));
    }
    Ok([left, right])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::{Located, Value, Values},
        objective::declared,
    };

    #[test]
    fn a_side_is_one_decoder() {
        let text = |text: &str| Located::by_default(Value::Text(text.to_owned()));
        let list = Located::by_default(Value::List(vec![text("a"), text("b")]));
        let what = |left: Located| {
            let values = [(LEFT.to_owned(), left), (RIGHT.to_owned(), text("b"))].into();
            match fields(&declared(&Values::new(values), &[], "")) {
                Err(ConfigFault::Key(_, what)) => what,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(what(list), "`left`: expected one decoder, found 2");
        assert_eq!(what(text("a")), "`left`: expected a decoder, found \"a\"");
    }
}
