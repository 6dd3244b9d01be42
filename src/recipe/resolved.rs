//! The resolved form of a recipe: every key, including defaults, and absolute paths.

use std::fmt::Write;

use super::{Recipe, corpus, encoder, objective, train};
use crate::keys::{Key, Value, Values};

impl Recipe {
    /// The recipe as TOML that gives the same recipe from any folder.
    pub fn resolved(&self) -> String {
        let mut out = String::new();
        line(&mut out, "name", &Value::Text(self.name.clone()));
        line(&mut out, "about", &Value::Text(self.about.clone()));
        let optimizer = self.train.values.text("optimizer");
        table(&mut out, "[train]", &train::keys(optimizer), &self.train.values);
        for corpus in &self.corpora {
            table(&mut out, "[[corpus]]", &corpus::keys(corpus.format), &corpus.values);
        }
        for encoder in self.encoders.iter().filter(|encoder| encoder.objective().is_none()) {
            table(&mut out, "[[encoder]]", &encoder::keys(encoder.kind), &encoder.values);
        }
        for objective in &self.objectives {
            let keys = objective::keys(objective.kind, objective.head);
            table(&mut out, "[[objective]]", &keys, &objective.values);
        }
        out
    }
}

fn table(out: &mut String, header: &str, keys: &[Key], values: &Values) {
    writeln!(out, "\n{header}").expect("a string takes all");
    for key in keys {
        if let Some(said) = values.get(key.name) {
            line(out, key.name, &said.value);
        }
    }
}

/// A value as TOML.
pub(crate) fn toml_text(value: &Value) -> String {
    toml(value).to_string()
}

fn line(out: &mut String, key: &str, value: &Value) {
    writeln!(out, "{key} = {}", toml_text(value)).expect("a string takes all");
}

fn toml(value: &Value) -> toml::Value {
    match value {
        Value::Switch(switch) => toml::Value::Boolean(*switch),
        Value::Integer(integer) => toml::Value::Integer(*integer),
        Value::Number(number) => toml::Value::Float(*number),
        Value::Text(text) => toml::Value::String(text.clone()),
        Value::List(items) => {
            toml::Value::Array(items.iter().map(|item| toml(&item.value)).collect())
        }
        Value::Table(entries) => toml::Value::Table(
            entries.iter().map(|(key, item)| (key.clone(), toml(&item.value))).collect(),
        ),
    }
}
