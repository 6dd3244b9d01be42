//! Checks a table of a recipe against its declared keys.

use std::{collections::BTreeMap, path::Path};

use super::{
    fault::{Diagnostics, found},
    names::Names,
    parse, paths,
    tap::parse_tap,
    word_lists,
};
use crate::{
    keys::{
        DefaultValue, Key, Located, MAX_INTEGER, MAX_NUMBER, Place, Value, ValueType,
        describe::describe_choices,
    },
    nearest::{hint, nearest},
    schedule::Shape,
};

/// The values of one table, by key.
pub(super) type Entries = BTreeMap<String, Located>;

/// The keys of a schedule.
pub(super) const SCHEDULE: &[Key] = &[
    Key::required("shape", ValueType::Choice(Shape::NAMES), "shape of the schedule"),
    Key::required(
        "from",
        ValueType::Number(-MAX_NUMBER, MAX_NUMBER),
        "value before the first update",
    ),
    Key::required("to", ValueType::Number(-MAX_NUMBER, MAX_NUMBER), "value after the last update"),
    Key::required("steps", ValueType::Count(1), "length in updates"),
];

/// The context of a check, besides the keys.
pub(super) struct Context<'a> {
    /// The names in the recipe.
    pub(super) names: &'a Names,
    /// The folder that the recipe's paths are relative to.
    pub(super) folder: &'a Path,
}

impl Context<'_> {
    /// The values of a table, with defaults filled in; `None` if it has a fault.
    pub(super) fn table(
        &self,
        label: &str,
        place: &Place,
        entries: &[(String, Located)],
        keys: &[Key],
        diagnostics: &mut Diagnostics,
    ) -> Option<Entries> {
        let way = format!("{}.", label.trim_matches(['`', '[', ']']));
        self.entries(&way, place, entries, keys, diagnostics)
    }

    /// The same for a nested table.
    pub(super) fn inner(
        &self,
        key: &str,
        place: &Place,
        entries: &[(String, Located)],
        keys: &[Key],
        diagnostics: &mut Diagnostics,
    ) -> Option<Value> {
        let way = format!("{key}.");
        let entries = self.entries(&way, place, entries, keys, diagnostics)?;
        Some(Value::Table(entries.into_iter().collect()))
    }

    fn entries(
        &self,
        way: &str,
        place: &Place,
        entries: &[(String, Located)],
        keys: &[Key],
        diagnostics: &mut Diagnostics,
    ) -> Option<Entries> {
        let mut checked = Entries::new();
        let (mut valid, mut meant) = (true, Vec::new());
        for (name, located) in entries {
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                let names = keys.iter().map(|key| key.name);
                meant.extend(nearest(name, names.clone()));
                diagnostics.fault(
                    &located.place,
                    format!("`{way}{name}`: unknown key{}", hint(name, names)),
                );
                valid = false;
                continue;
            };
            match self.value(&format!("{way}{name}"), located, &key.takes, diagnostics) {
                Some(value) => {
                    checked.insert(name.clone(), value);
                }
                None => valid = false,
            }
        }
        for key in keys {
            if entries.iter().any(|(name, _)| name == key.name) {
                continue;
            }
            match key.default {
                DefaultValue::Absent => {}
                DefaultValue::Toml(text) => {
                    let value = Located::by_default(parse::default(text));
                    checked.insert(key.name.to_owned(), value);
                }
                DefaultValue::Required => {
                    valid = false;
                    // A misspelled key has been reported, and so has a table without a name.
                    if !meant.contains(&key.name) && key.name != "name" {
                        let wanted = key.takes.describe();
                        let what = format!("`{way}{}`: missing key; expected {wanted}", key.name);
                        diagnostics.absent(place, what);
                    }
                }
            }
        }
        valid.then_some(checked)
    }

    /// A value, with paths resolved and the defaults of tables filled in; `None` if the key does
    /// not accept it.
    fn value(
        &self,
        key: &str,
        located: &Located,
        takes: &ValueType,
        diagnostics: &mut Diagnostics,
    ) -> Option<Located> {
        let Located { value, place } = located;
        if parse::is_refused(value) {
            return None;
        }
        let same = || Some(located.clone());
        let with = |value| Some(Located { value, place: place.clone() });
        match (takes, value) {
            (ValueType::Switch, Value::Switch(_)) | (ValueType::Text, Value::Text(_)) => same(),
            (ValueType::Count(least), Value::Integer(count))
                if u64::try_from(*count)
                    .is_ok_and(|count| (*least..=MAX_INTEGER).contains(&count)) =>
            {
                same()
            }
            (ValueType::Within(least, most), Value::Integer(count))
                if u64::try_from(*count).is_ok_and(|count| (*least..=*most).contains(&count)) =>
            {
                same()
            }
            (ValueType::Seed, Value::Integer(seed)) if *seed >= 0 => same(),
            (ValueType::Number(least, most), Value::Integer(_) | Value::Number(_))
                if value.as_number().is_some_and(|number| (*least..=*most).contains(&number)) =>
            {
                same()
            }
            (ValueType::Choice(choices), Value::Text(text)) => {
                if choices.contains(&text.as_str()) {
                    return same();
                }
                let hint = hint(text, choices.iter().copied());
                diagnostics.fault(place, format!("`{key}`: unknown value {text:?}{hint}"));
                None
            }
            (ValueType::Path, Value::Text(text)) => {
                with(Value::Text(paths::file(text, self.folder, place, diagnostics)?))
            }
            (ValueType::Run, Value::Text(text)) => {
                with(Value::Text(paths::run(text, self.folder, place, diagnostics)?))
            }
            (ValueType::Words, Value::Text(text)) => {
                let path = paths::file(text, self.folder, place, diagnostics)?;
                if word_lists::is_there(&path)
                    && let Err(what) = word_lists::read(&path)
                {
                    diagnostics.content(place, format!("{text} {what}"));
                }
                with(Value::Text(path))
            }
            (ValueType::Name(refers), Value::Text(name)) => {
                let is_known =
                    refers.is_field() || self.names.know(*refers, name, place, diagnostics);
                is_known.then(|| located.clone())
            }
            (ValueType::Tap, Value::Text(tap)) => {
                parse_tap(tap, place, diagnostics)?;
                same()
            }
            (ValueType::Input, Value::Text(input)) => {
                parse_tap(input, place, diagnostics)?;
                same()
            }
            (ValueType::Input, Value::Table(_)) => {
                self.value(key, located, &ValueType::Map(&ValueType::Tap), diagnostics)
            }
            (ValueType::Tap | ValueType::Input, Value::List(items)) => {
                with(self.items(key, place, items, takes, diagnostics)?)
            }
            (ValueType::List(item), Value::List(items)) => {
                with(self.items(key, place, items, item, diagnostics)?)
            }
            (ValueType::Schedule(least, most), Value::Integer(_) | Value::Number(_))
                if value.as_number().is_some_and(|number| (*least..=*most).contains(&number)) =>
            {
                same()
            }
            (ValueType::Schedule(least, most), Value::Table(entries)) => {
                let ramp = self.inner(key, place, entries, SCHEDULE, diagnostics)?;
                ramp_fits(key, &ramp, (*least, *most), diagnostics)?;
                with(ramp)
            }
            (ValueType::Table(keys), Value::Table(entries)) => {
                with(self.inner(key, place, entries, keys, diagnostics)?)
            }
            (ValueType::Map(item), Value::Table(entries)) => {
                let mut checked = Some(Vec::new());
                for (name, value) in entries {
                    let value = self.value(&format!("{key}.{name}"), value, item, diagnostics);
                    match (&mut checked, value) {
                        (Some(all), Some(value)) => all.push((name.clone(), value)),
                        _ => checked = None,
                    }
                }
                with(Value::Table(checked?))
            }
            (ValueType::Either(choices), _) => self.either(key, located, choices, diagnostics),
            _ => {
                let wanted = takes.describe();
                diagnostics
                    .fault(place, format!("`{key}`: expected {wanted}, found {}", found(value)));
                None
            }
        }
    }

    fn items(
        &self,
        key: &str,
        place: &Place,
        items: &[Located],
        takes: &ValueType,
        diagnostics: &mut Diagnostics,
    ) -> Option<Value> {
        if items.is_empty() {
            diagnostics
                .fault(place, format!("`{key}`: expected at least one item, found an empty array"));
            return None;
        }
        let mut checked = Vec::new();
        for item in items {
            // An array of arrays of taps is not valid.
            let misplaced = matches!(takes, ValueType::Tap | ValueType::Input)
                && !matches!(item.value, Value::Text(_))
                && !parse::is_refused(&item.value);
            if misplaced {
                let what =
                    format!("`{key}`: expected strings in the array, found {}", found(&item.value));
                diagnostics.fault(&item.place, what);
            } else if let Some(item) = self.value(key, item, takes, diagnostics) {
                checked.push(item);
            }
        }
        (checked.len() == items.len()).then_some(Value::List(checked))
    }

    /// The first alternative that fits; if none does, the faults of the one that was probably
    /// meant.
    fn either(
        &self,
        key: &str,
        located: &Located,
        choices: &[ValueType],
        diagnostics: &mut Diagnostics,
    ) -> Option<Located> {
        let Located { value, place } = located;
        let mut probable = None;
        for takes in choices.iter().filter(|takes| is_of_type(takes, value)) {
            let mut inner = Diagnostics::default();
            let checked = self.value(key, located, takes, &mut inner);
            if checked.is_some() {
                diagnostics.append(inner);
                return checked;
            }
            let is_far = match (takes, value) {
                (ValueType::Choice(names), Value::Text(text)) => {
                    nearest(text, names.iter().copied()).is_none()
                }
                _ => false,
            };
            if !is_far {
                probable = Some(inner);
            }
        }
        if let Some(inner) = probable {
            diagnostics.append(inner);
        } else {
            let wanted = describe_choices(choices);
            diagnostics.fault(place, format!("`{key}`: expected {wanted}, found {}", found(value)));
        }
        None
    }
}

fn is_of_type(takes: &ValueType, value: &Value) -> bool {
    match takes {
        ValueType::Switch => matches!(value, Value::Switch(_)),
        ValueType::Count(_) | ValueType::Within(..) | ValueType::Seed => {
            matches!(value, Value::Integer(_))
        }
        ValueType::Number(..) => value.as_number().is_some(),
        ValueType::Text
        | ValueType::Path
        | ValueType::Run
        | ValueType::Words
        | ValueType::Choice(_)
        | ValueType::Name(_) => {
            matches!(value, Value::Text(_))
        }
        ValueType::Tap => matches!(value, Value::Text(_) | Value::List(_)),
        ValueType::Input => matches!(value, Value::Text(_) | Value::List(_) | Value::Table(_)),
        ValueType::Schedule(..) => value.as_number().is_some() || matches!(value, Value::Table(_)),
        ValueType::List(_) => matches!(value, Value::List(_)),
        ValueType::Table(_) | ValueType::Map(_) => matches!(value, Value::Table(_)),
        ValueType::Either(choices) => choices.iter().any(|takes| is_of_type(takes, value)),
    }
}

fn ramp_fits(
    key: &str,
    ramp: &Value,
    (least, most): (f64, f64),
    diagnostics: &mut Diagnostics,
) -> Option<()> {
    let Value::Table(entries) = ramp else { return None };
    let get = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, said)| said);
    let exponential = get("shape")?.value.as_text() == Some("exponential");
    let mut fits = Some(());
    for end in ["from", "to"] {
        let Located { value, place } = get(end)?;
        let number = value.as_number().unwrap_or_default();
        if !(least..=most).contains(&number) {
            let wanted = ValueType::Number(least, most).describe();
            diagnostics.fault(place, format!("`{key}.{end}`: expected {wanted}, found {number}"));
            fits = None;
        } else if exponential && number <= 0.0 {
            let what = format!(
                "`{key}.{end}`: an exponential schedule needs a value above 0, found {number}"
            );
            diagnostics.fault(place, what);
            fits = None;
        }
    }
    fits
}
