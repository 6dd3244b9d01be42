//! Parses TOML to values with their lines, also if the text has errors.

use std::{ops::Range, sync::Arc};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::fault::Diagnostics;
use crate::keys::{Located, Place, Value};

/// A value that has been refused, so that no other message about it follows.
const REFUSED: Value = Value::Number(f64::NAN);

/// Whether a value was refused by the parser.
pub(super) fn is_refused(value: &Value) -> bool {
    matches!(value, Value::Number(number) if number.is_nan())
}

/// Parses a whole recipe.
pub(super) fn document(
    text: &str,
    file: &Arc<str>,
    diagnostics: &mut Diagnostics,
) -> Vec<(String, Located)> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let place = |span: Range<usize>| {
        let line = starts.partition_point(|start| *start <= span.start);
        Place::Line { file: file.clone(), line: u32::try_from(line).unwrap_or(u32::MAX) }
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = error.span().map_or_else(|| Place::File(file.clone()), &place);
        diagnostics.syntax(place, format!("not TOML: {}", error.message()));
    }
    entries(table.get_ref(), &place, diagnostics)
}

/// Parses one value. The error says that it is not TOML, or a date.
pub(super) fn value(
    text: &str,
    place: &Place,
    diagnostics: &mut Diagnostics,
) -> Result<Located, String> {
    match DeValue::parse(text) {
        Ok(value) if matches!(value.get_ref(), DeValue::Datetime(_)) => {
            Err("no key takes a date".to_owned())
        }
        Ok(value) => Ok(located(&value, &|_| place.clone(), diagnostics)),
        Err(error) => Err(error.message().to_owned()),
    }
}

/// The value of a default, which is declared as TOML.
pub(super) fn default(text: &'static str) -> Value {
    let mut diagnostics = Diagnostics::default();
    let located = value(text, &Place::Default, &mut diagnostics);
    located.expect("a declared default is TOML").value
}

fn entries(
    table: &DeTable<'_>,
    place: &dyn Fn(Range<usize>) -> Place,
    diagnostics: &mut Diagnostics,
) -> Vec<(String, Located)> {
    let mut written: Vec<_> = table.iter().collect();
    // The parser sorts by name. `[a.b]` before `[a]` gives a key whose position is after its value.
    written.sort_by_key(|(key, value)| key.span().start.min(value.span().start));
    let located = |(key, value): (&Spanned<_>, &Spanned<_>)| -> (String, Located) {
        let key: &std::borrow::Cow<'_, str> = key.get_ref();
        (key.to_string(), located(value, place, diagnostics))
    };
    written.into_iter().map(located).collect()
}

fn located(
    value: &Spanned<DeValue<'_>>,
    place: &dyn Fn(Range<usize>) -> Place,
    diagnostics: &mut Diagnostics,
) -> Located {
    let here = place(value.span());
    let value = match value.get_ref() {
        DeValue::Boolean(switch) => Value::Switch(*switch),
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or_else(
                |_| {
                    diagnostics
                        .fault(&here, format!("{integer} is out of range for a 64-bit integer"));
                    REFUSED
                },
                Value::Integer,
            ),
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Number(number),
            _ => {
                diagnostics.fault(&here, format!("expected a finite number, found {float}"));
                REFUSED
            }
        },
        DeValue::Datetime(date) => {
            diagnostics.fault(&here, format!("found the date {date}; no key takes a date"));
            REFUSED
        }
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| located(item, place, diagnostics)).collect())
        }
        DeValue::Table(table) => Value::Table(entries(table, place, diagnostics)),
    };
    Located { value, place: here }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_order_and_their_lines() {
        let mut diagnostics = Diagnostics::default();
        let text = "z = 1\na = [2,\n 3]\n[[objective]]\nname = \"x\"\n";
        let tree = document(text, &"a.toml".into(), &mut diagnostics);
        diagnostics.finish().unwrap();
        let names: Vec<_> = tree.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["z", "a", "objective"]);
        let Value::List(list) = &tree[1].1.value else { panic!("an array") };
        assert_eq!(list[1].place.to_string(), "a.toml:3");
        let Value::List(list) = &tree[2].1.value else { panic!("an array of tables") };
        assert_eq!(list[0].place.to_string(), "a.toml:4");
    }

    #[test]
    fn all_syntax_errors_are_found_and_the_rest_is_parsed() {
        let mut diagnostics = Diagnostics::default();
        let tree = document("a = \nb = 1\nc = \"un\nd = nan\n", &"a.toml".into(), &mut diagnostics);
        assert!(tree.iter().any(|(name, b)| name == "b" && b.value == Value::Integer(1)));
        let faults = diagnostics.finish().unwrap_err();
        let places: Vec<_> = faults.0.iter().map(|fault| fault.place.to_string()).collect();
        assert_eq!(places, ["a.toml:1", "a.toml:3", "a.toml:4"]);
    }
}
