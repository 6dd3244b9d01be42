//! Values of a recipe, each with its origin.

use std::{collections::BTreeMap, fmt, sync::Arc};

use crate::schedule::{Schedule, Shape};

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of a file, counted from 1.
    Line {
        /// The name of the file.
        file: Arc<str>,
        /// The line.
        line: u32,
    },
    /// A whole file.
    File(Arc<str>),
    /// `--set` of this key.
    Set(Arc<str>),
    /// A command-line option, for example `--seed`.
    Option(&'static str),
    /// None: it is a default.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{file}:{line}"),
            Self::File(file) => f.write_str(file),
            Self::Set(key) => write!(f, "--set {key}"),
            Self::Option(option) => f.write_str(option),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and its origin. Two are equal if their values are, whatever their origins.
#[derive(Clone, Debug)]
pub struct Located {
    /// The value.
    pub value: Value,
    /// Its origin.
    pub place: Place,
}

impl PartialEq for Located {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Located {
    /// A default value.
    pub fn by_default(value: Value) -> Self {
        Self { value, place: Place::Default }
    }
}

/// A value of a recipe: TOML's values, except dates.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Switch(bool),
    /// An integer.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Located>),
    /// A table, in the order of the file.
    Table(Vec<(String, Located)>),
}

impl Value {
    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number, or `{ shape, from, to, steps }`; `None` if the value is neither.
    pub fn as_schedule(&self) -> Option<Schedule> {
        if let Some(number) = self.as_number() {
            return Some(Schedule::Constant(number));
        }
        let Self::Table(entries) = self else { return None };
        let find = |key: &str| {
            entries.iter().find(|(name, _)| name == key).map(|(_, located)| &located.value)
        };
        Some(Schedule::Ramp {
            shape: Shape::find(find("shape")?.as_text()?)?,
            from: find("from")?.as_number()?,
            to: find("to")?.as_number()?,
            steps: match find("steps")? {
                Self::Integer(steps) => u64::try_from(*steps).ok()?,
                _ => return None,
            },
            since: 0,
        })
    }

    /// The number, if it is one; integers are.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(integer) => Some(*integer as f64),
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Its type, for messages: `a string`, `a number`.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Switch(_) => "true or false",
            Self::Integer(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "an array",
            Self::Table(_) => "a table",
        }
    }
}

/// The checked values of one table: every key that is set or has a default.
///
/// The getters panic on a key that the kind did not declare, or declared with another type: that is
/// a bug of the program, never of a recipe, which has been checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    entries: BTreeMap<String, Located>,
}

impl Values {
    /// Values by key, from a checker.
    pub fn new(entries: BTreeMap<String, Located>) -> Self {
        Self { entries }
    }

    /// Every key and value, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Located)> {
        self.entries.iter().map(|(key, located)| (key.as_str(), located))
    }

    /// The value and its origin, if it is set or has a default.
    pub fn get(&self, key: &str) -> Option<&Located> {
        self.entries.get(key)
    }

    /// The origin of a key's value.
    pub fn place(&self, key: &str) -> Place {
        self.get(key).map_or(Place::Default, |located| located.place.clone())
    }

    /// A boolean.
    pub fn switch(&self, key: &str) -> bool {
        match self.declared(key) {
            Value::Switch(switch) => *switch,
            other => Self::mistyped(key, other),
        }
    }

    /// An integer.
    pub fn count(&self, key: &str) -> usize {
        self.count_if_set(key).unwrap_or_else(|| Self::missing(key))
    }

    /// An integer, if it is set.
    pub fn count_if_set(&self, key: &str) -> Option<usize> {
        self.get(key).map(|located| match &located.value {
            Value::Integer(integer) => {
                usize::try_from(*integer).expect("the checker bounds counts")
            }
            other => Self::mistyped(key, other),
        })
    }

    /// The integers of an array.
    pub fn counts(&self, key: &str) -> Vec<usize> {
        let Value::List(items) = self.declared(key) else {
            Self::mistyped(key, self.declared(key))
        };
        let count = |item: &Located| match &item.value {
            Value::Integer(integer) => {
                usize::try_from(*integer).expect("the checker bounds counts")
            }
            other => Self::mistyped(key, other),
        };
        items.iter().map(count).collect()
    }

    /// A number.
    pub fn number(&self, key: &str) -> f64 {
        let value = self.declared(key);
        value.as_number().unwrap_or_else(|| Self::mistyped(key, value))
    }

    /// The numbers of an array; none if it is not set.
    pub fn numbers(&self, key: &str) -> Vec<f64> {
        let Some(located) = self.get(key) else { return Vec::new() };
        let Value::List(items) = &located.value else { Self::mistyped(key, &located.value) };
        let number = |item: &Located| {
            item.value.as_number().unwrap_or_else(|| Self::mistyped(key, &item.value))
        };
        items.iter().map(number).collect()
    }

    /// A string.
    pub fn text(&self, key: &str) -> &str {
        self.text_if_set(key).unwrap_or_else(|| Self::missing(key))
    }

    /// A string, if it is set.
    pub fn text_if_set(&self, key: &str) -> Option<&str> {
        self.get(key).map(|located| {
            located.value.as_text().unwrap_or_else(|| Self::mistyped(key, &located.value))
        })
    }

    /// A number or a schedule.
    pub fn schedule(&self, key: &str) -> Schedule {
        let value = self.declared(key);
        value.as_schedule().unwrap_or_else(|| Self::mistyped(key, value))
    }

    /// The values of a nested table, if it is set, with its defaults.
    pub fn table(&self, key: &str) -> Option<Self> {
        match &self.get(key)?.value {
            Value::Table(entries) => Some(Self { entries: entries.iter().cloned().collect() }),
            _ => None,
        }
    }

    /// The strings of an array; a single string counts as an array of one.
    pub fn texts(&self, key: &str) -> Vec<&str> {
        match self.get(key).map(|located| &located.value) {
            None => Vec::new(),
            Some(Value::Text(text)) => vec![text],
            Some(Value::List(list)) => list
                .iter()
                .map(|item| {
                    item.value.as_text().unwrap_or_else(|| Self::mistyped(key, &item.value))
                })
                .collect(),
            Some(other) => Self::mistyped(key, other),
        }
    }

    fn declared(&self, key: &str) -> &Value {
        &self.get(key).unwrap_or_else(|| Self::missing(key)).value
    }

    fn missing(key: &str) -> ! {
        panic!("the key {key:?} is read as if it were required or had a default")
    }

    fn mistyped(key: &str, value: &Value) -> ! {
        panic!("the key {key:?} is read as something other than {}", value.describe())
    }
}
