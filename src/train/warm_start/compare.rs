//! Whether an encoder computes what the encoder of its name in another run does, given equal parameters.

use std::collections::BTreeSet;

use crate::{
    keys::{Located, ValueType},
    recipe::{EncoderSpec, FROM, Recipe, toml_text},
};

/// Keys with a choice that only concern training.
const OF_TRAINING: &[&str] = &["fine_tune"];

/// The keys whose values differ in the encoder of that name of a run, in backticks. The error is about a kind or a
/// key without which the parameters would compute something else.
pub(super) fn encoders(
    own: &EncoderSpec,
    recipe: &Recipe,
    run: &str,
) -> Result<Vec<String>, String> {
    let encoders = recipe.encoders.iter().filter(|encoder| encoder.objective().is_none());
    let Some(theirs) = encoders.clone().find(|encoder| encoder.name == own.name) else {
        let names: Vec<&str> = encoders.map(|encoder| encoder.name.as_str()).collect();
        return Err(format!(
            "expected an encoder named {:?} in {run}, found {}; name it as it is there",
            own.name,
            names.join(", ")
        ));
    };
    let (kind, found) = (theirs.kind.name(), own.kind.name());
    if kind != found {
        return Err(format!("expected the kind {kind:?}, as in {run}, found {found:?}"));
    }
    if let (Some(vectors), None) = (theirs.config.vectors(), own.config.vectors()) {
        return Err(format!(
            "expected `vectors`, as the encoder in {run} also has the fixed vectors of {}, found none; set `vectors` \
             and `fine_tune` as they are there",
            vectors.path.display()
        ));
    }
    let all = own.values.iter().chain(theirs.values.iter()).map(|(key, _)| key);
    let keys: BTreeSet<&str> = all.filter(|key| *key != FROM).collect();
    let mut differing = Vec::new();
    for key in keys {
        let (here, there) = (own.values.get(key), theirs.values.get(key));
        if is_equal(here, there) {
            continue;
        }
        if changes_function(own, key) {
            return Err(format!(
                "expected `{key}` to be {}, as in {run}, found {}; set it as it is there",
                shown(there),
                shown(here)
            ));
        }
        differing.push(format!("`{key}`"));
    }
    Ok(differing)
}

/// Whether the parameters compute something else with another value of a key. Other shapes show in the parameters,
/// rates hold in training only, and names, inputs and files are the recipe's own.
fn changes_function(encoder: &EncoderSpec, key: &str) -> bool {
    let mut keys = encoder.kind.keys().iter();
    let takes = keys.find(|declared| declared.name == key).map(|declared| &declared.takes);
    let is_choice =
        matches!(takes, Some(ValueType::Switch | ValueType::Choice(_) | ValueType::List(_)));
    is_choice && !OF_TRAINING.contains(&key)
}

fn is_equal(one: Option<&Located>, other: Option<&Located>) -> bool {
    let number = |said: Option<&Located>| said.and_then(|said| said.value.as_number());
    one == other || (number(one).is_some() && number(one) == number(other))
}

fn shown(said: Option<&Located>) -> String {
    said.map_or_else(|| "unset".to_owned(), |said| toml_text(&said.value))
}
