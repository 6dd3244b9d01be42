//! `[train] weighting`: the name of a rule, or a table of its kind and options; and its notation in
//! one line, as typed at the desk and reported in events: `dwa temperature=2`. `[train] shadow_weightings`: several rules
//! in this notation.

use std::path::Path;

use super::{
    check::Context,
    fault::{Diagnostics, found},
    kind::Kinds,
    names::Names,
    parse, set,
};
use crate::{
    keys::{Key, Located, Place, Value, ValueType, Values},
    live::{self, NONE},
    mixer::{self, MOVING_AVERAGE, WeightingKind, WeightingSpec},
};

const WEIGHTINGS: Kinds<&'static dyn WeightingKind> = Kinds {
    noun: "weighting",
    built: mixer::WEIGHTINGS,
    name: |weighting| weighting.name(),
    planned: mixer::PLANNED,
};

const PATH: &str = "train.weighting";
const KIND: Key = Key::required("kind", ValueType::Text, "the rule");

/// The type that `[train]` declares; the options of a table are those of its kind, which [`check`]
/// checks.
pub(super) const TAKES: ValueType =
    ValueType::Either(&[ValueType::Text, ValueType::Table(&[KIND])]);

/// The type of `shadow_weightings`.
pub(super) const SHADOWS: ValueType =
    ValueType::Either(&[ValueType::List(&ValueType::Text), ValueType::Text]);

/// The largest number of shadow rules: each has a letter as its mark on the faders.
const MOST_SHADOWS: usize = 8;

/// Reports invalid shadow rules.
pub(super) fn check_shadows(said: &Located, diagnostics: &mut Diagnostics) -> Option<()> {
    match of_value(&said.value) {
        Ok(_) => Some(()),
        Err(what) => {
            diagnostics.fault(&said.place, format!("`train.shadow_weightings`: {what}"));
            None
        }
    }
}

/// The shadow rules of checked values.
pub(super) fn shadows_of_checked(values: &Values) -> Vec<WeightingSpec> {
    let said = values.get(live::SHADOW_WEIGHTINGS.name);
    said.map_or(Ok(Vec::new()), |said| of_value(&said.value)).expect("the checker has seen them")
}

fn of_value(value: &Value) -> Result<Vec<WeightingSpec>, String> {
    match value {
        Value::List(rules) => {
            shadows(&rules.iter().filter_map(|rule| rule.value.as_text()).collect::<Vec<_>>())
        }
        value => shadow_weightings(value.as_text().unwrap_or(NONE)),
    }
}

/// Parses shadow rules in one line: with commas between, or `none`. The error says what was found and what was expected.
pub fn shadow_weightings(text: &str) -> Result<Vec<WeightingSpec>, String> {
    if text.trim() == NONE {
        return Ok(Vec::new());
    }
    shadows(&text.split(',').map(str::trim).collect::<Vec<_>>())
}

fn shadows(texts: &[&str]) -> Result<Vec<WeightingSpec>, String> {
    let rules: Vec<WeightingSpec> =
        texts.iter().map(|text| weighting(text)).collect::<Result<_, _>>()?;
    if rules.len() > MOST_SHADOWS {
        return Err(format!("expected at most {MOST_SHADOWS} rules, found {}", rules.len()));
    }
    if let Some(rule) = rules.iter().find(|rule| rule.build().keeps_gradients()) {
        return Err(format!(
            "`{rule}` needs the gradients of the step before, which are kept for the rule in force only; remove it"
        ));
    }
    let twice = (0..rules.len()).find(|&at| rules[..at].contains(&rules[at]));
    match twice {
        Some(at) => Err(format!("expected each rule once, found `{}` twice", rules[at])),
        None => Ok(rules),
    }
}

/// The checked value, with all defaults filled in; a kind without options stays a name.
pub(super) fn check(
    said: &Located,
    cx: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Located> {
    let Located { value, place } = said;
    let entries = match value {
        value if parse::is_refused(value) => return None,
        Value::Text(_) => vec![(KIND.name.to_owned(), said.clone())],
        Value::Table(entries) => entries.clone(),
        value => {
            let what = format!(
                "`train.weighting`: expected the name of a weighting, or a table of its kind and \
                 options, found {}; see `auxdesk list weightings`",
                found(value)
            );
            diagnostics.fault(place, what);
            return None;
        }
    };
    let kind = entries.iter().find(|(key, _)| key == KIND.name).map(|(_, kind)| kind);
    let Some(kind) = kind else {
        let what = "`train.weighting.kind`: missing key; expected the name of a weighting";
        diagnostics.absent(place, what);
        return None;
    };
    let kind = WEIGHTINGS.find(kind, "train.weighting.kind", diagnostics)?;
    let of_all = [&KIND, &MOVING_AVERAGE].into_iter();
    let keys: Vec<Key> = of_all.chain(kind.keys()).copied().collect();
    let value = match cx.inner(PATH, place, &entries, &keys, diagnostics)? {
        Value::Table(table) if table.len() == 1 => Value::Text(kind.name().to_owned()),
        table => table,
    };
    Some(Located { value, place: place.clone() })
}

/// The weighting of a checked value.
pub(super) fn of_checked(checked: &Located) -> WeightingSpec {
    let (name, options) = match &checked.value {
        Value::Table(entries) => {
            let kind = entries.iter().find(|(key, _)| key == KIND.name);
            (kind.and_then(|(_, kind)| kind.value.as_text()), entries.as_slice())
        }
        value => (value.as_text(), &[][..]),
    };
    let kind = name.and_then(mixer::find).expect("the checker has seen the kind");
    let options = options.iter().filter(|(key, _)| key != KIND.name).cloned();
    WeightingSpec::new(kind, Values::new(options.collect()))
}

/// Parses a weighting in one line: its name, then `KEY=VALUE` for options other than defaults. The
/// error says what was found and what was expected.
pub fn weighting(text: &str) -> Result<WeightingSpec, String> {
    let place = Place::Set(PATH.into());
    let mut diagnostics = Diagnostics::default();
    let mut words = text.split_whitespace();
    let kind = Value::Text(words.next().unwrap_or_default().to_owned());
    let mut entries = vec![(KIND.name.to_owned(), Located { value: kind, place: place.clone() })];
    for word in words {
        let Some((key, value)) = word.split_once('=') else {
            return Err(format!("found `{word}`; expected KEY=VALUE, as in `dwa temperature=2`"));
        };
        if entries.iter().any(|(other, _)| other == key) {
            return Err(format!("found {key:?} twice; expected it once"));
        }
        let value = set::value(value, &place, &mut diagnostics)
            .map_err(|why| format!("found `{value}`, which is not TOML: {why}"))?;
        entries.push((key.to_owned(), value));
    }
    let said = Located { value: Value::Table(entries), place };
    let cx = Context { names: &Names::default(), folder: Path::new("") };
    let checked = check(&said, &cx, &mut diagnostics);
    diagnostics.finish().map_err(|faults| {
        let faults: Vec<String> = faults.0.into_iter().map(|fault| fault.what).collect();
        faults.join("; ")
    })?;
    Ok(of_checked(&checked.expect("a weighting without a fault is whole")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weightings_round_trip_through_their_notation() {
        for (typed, written) in [
            ("equal", "equal"),
            (" random ", "random"),
            ("dwa", "dwa temperature=2"),
            ("dwa  temperature=0.5", "dwa temperature=0.5"),
            ("pcgrad moving_average=0.9", "pcgrad moving_average=0.9"),
            ("dwa moving_average=0.5 temperature=1", "dwa temperature=1 moving_average=0.5"),
        ] {
            let spec = weighting(typed).unwrap();
            assert_eq!(spec.to_string(), written);
            assert_eq!(weighting(written), Ok(spec));
        }
        for kind in mixer::WEIGHTINGS {
            let spec = weighting(kind.name()).unwrap();
            assert_eq!(weighting(&spec.to_string()), Ok(spec));
        }
    }

    #[test]
    fn shadow_rules_are_several_of_them_or_none() {
        let found = |text: &str| {
            let rules = shadow_weightings(text)?;
            Ok::<_, String>(rules.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(found(" none "), Ok(vec![]));
        let two = vec!["dwa temperature=3".to_owned(), "upgrad".to_owned()];
        assert_eq!(found("dwa temperature=3 , upgrad"), Ok(two));
        assert_eq!(
            found("dwa, dwa temperature=2").unwrap_err(),
            "expected each rule once, found `dwa temperature=2` twice"
        );
        assert!(found("dwa,").unwrap_err().starts_with("no weighting named \"\""));
        assert!(
            found("upgrad, ol-aux")
                .unwrap_err()
                .starts_with("`ol-aux every=5 learning_rate=0.01` needs")
        );
        let many: Vec<&str> = mixer::WEIGHTINGS[..9].iter().map(|kind| kind.name()).collect();
        assert_eq!(found(&many.join(", ")).unwrap_err(), "expected at most 8 rules, found 9");
    }

    #[test]
    fn invalid_weightings_are_refused_with_what_was_expected() {
        let refused = |text: &str| weighting(text).unwrap_err();
        assert_eq!(refused("eqal"), "no weighting named \"eqal\"; did you mean \"equal\"?");
        assert_eq!(refused("moco"), "not built yet: moco");
        assert!(refused("").starts_with("no weighting named \"\"; expected one of \"equal\""));
        assert_eq!(
            refused("dwa temprature=2"),
            "`train.weighting.temprature`: unknown key; did you mean \"temperature\"?"
        );
        assert_eq!(
            refused("dwa temperature=0"),
            "`train.weighting.temperature`: expected a number of at least 0.001, found 0"
        );
        assert_eq!(
            refused("dwa temperature=2 temperature=3"),
            "found \"temperature\" twice; expected it once"
        );
        assert_eq!(refused("dwa 2"), "found `2`; expected KEY=VALUE, as in `dwa temperature=2`");
    }
}
