//! Fields that a corpus has beside those of its format: phonemes, and the characters of a text.

use super::{Reported, fits};
use crate::{
    data::{Axis, Field, FieldForm, Pronunciations, Schema, SpelledField, read::Location},
    keys::{Key, Refers, ValueType, Values},
    nearest::hint,
    recipe::{fault::Diagnostics, shipped::location},
};

const PRONOUNCED: &str = "pronounced";

const SPELLED: &str = "spelled";

/// The key of the file of pronunciations.
pub(in crate::recipe) const DICTIONARY: &str = "dictionary";

pub(super) const PRONOUNCED_KEY: Key = Key::optional(
    PRONOUNCED,
    ValueType::Text,
    "field of a label or a raw text; adds a field \"phonemes\" with the phonemes of its words",
);

pub(super) const DICTIONARY_KEY: Key = Key::optional(
    DICTIONARY,
    ValueType::Path,
    "dictionary of `pronounced`: a word and its phonemes in a line, as in CMUdict",
);

pub(super) const SPELLED_KEY: Key = Key::optional(
    SPELLED,
    ValueType::Text,
    "field of a label, of a raw text or of tokens; adds a field \"spelling\" with its characters as tokens, \"▁\" for a space",
);

/// The field whose words are pronounced, and the dictionary, if the recipe gives both.
pub(super) fn pronounced(
    table: &str,
    values: &Values,
    schema: &Schema,
    diagnostics: &mut Diagnostics,
) -> Result<Option<(String, Location)>, Reported> {
    let (field, dictionary) = (values.text_if_set(PRONOUNCED), values.text_if_set(DICTIONARY));
    let (key, what) = match (field, dictionary) {
        (None, None) => return Ok(None),
        (Some(_), None) => {
            (PRONOUNCED, format!("expected `{DICTIONARY}` with it, found none; add it"))
        }
        (None, Some(_)) => {
            (DICTIONARY, format!("expected `{PRONOUNCED}` with it, found none; add it"))
        }
        (Some(name), Some(dictionary)) => {
            let has_words = |form| matches!(form, FieldForm::Label | FieldForm::Text);
            let found = schema.fields.iter().find(|other| other.name == name);
            let has_phonemes =
                schema.fields.iter().any(|other| other.name == Pronunciations::FIELD);
            match found.map(|field| field.form) {
                _ if has_phonemes => {
                    let what = "the corpus has a field \"phonemes\" already; remove the key or rename the field";
                    (PRONOUNCED, what.to_owned())
                }
                Some(form) if has_words(form) => {
                    return Ok(Some((name.to_owned(), location(dictionary))));
                }
                Some(form) => {
                    let found = form.name();
                    let what = format!(
                        "expected a field of a string or a raw text per example, found {name:?} with {found}"
                    );
                    (PRONOUNCED, what)
                }
                None => {
                    let fitting = schema.fields.iter().filter(|field| has_words(field.form));
                    let hint = hint(name, fitting.map(|field| field.name.as_str()));
                    (PRONOUNCED, format!("no field named {name:?}{hint}"))
                }
            }
        }
    };
    diagnostics.fault(&values.place(key), format!("`corpus.{table}.{key}`: {what}"));
    Err(Reported)
}

/// The field that is spelled, if the recipe gives one.
pub(super) fn spelled(
    table: &str,
    values: &Values,
    schema: &Schema,
    diagnostics: &mut Diagnostics,
) -> Result<Option<SpelledField>, Reported> {
    let Some(name) = values.text_if_set(SPELLED) else { return Ok(None) };
    let is_one_text = |field: &Field| match field.axis {
        Axis::Sequence(at) => !schema.sequences[at].is_list,
        Axis::Items(_) | Axis::Example => true,
    };
    let has_text = |field: &Field| fits(field, Refers::Transcript) && is_one_text(field);
    let what = match schema.fields.iter().find(|field| field.name == name) {
        _ if schema.fields.iter().any(|field| field.name == SpelledField::FIELD) => {
            "the corpus has a field \"spelling\" already; remove the key or rename the field"
                .to_owned()
        }
        Some(field) if has_text(field) => return Ok(Some(SpelledField { of: name.to_owned() })),
        Some(field) => {
            let has = if is_one_text(field) { field.form.name() } else { "a list of texts" };
            format!("expected a field of one text or label per example, found {name:?} with {has}")
        }
        None => {
            let fitting = schema.fields.iter().filter(|field| has_text(field));
            let hint = hint(name, fitting.map(|field| field.name.as_str()));
            format!("no field named {name:?}{hint}")
        }
    };
    diagnostics.fault(&values.place(SPELLED), format!("`corpus.{table}.{SPELLED}`: {what}"));
    Err(Reported)
}
