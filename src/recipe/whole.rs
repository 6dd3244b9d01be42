//! A whole recipe: its tables one by one, then their references to each other.

use std::path::Path;

use super::{
    Best, Group, Length, ObjectiveSpec, Recipe, alignment,
    check::{Context, Entries},
    copies, corpus, encoder,
    fault::{Diagnostics, found},
    group::groups,
    names::{self, Named, Names, named},
    objective, parse,
    predictions::{self, PredictionTable},
    reach, reads, share, train,
};
use crate::{
    data::sampler::Rule,
    keys::{Located, MAX_TABLES, Place, Refers, Value},
    nearest::hint,
    objective::Metric,
    protocol::{Step, event::Role},
};

const TABLES: &[&str] = &["name", "about", "train", "corpus", "encoder", "objective"];

/// The recipe in a tree of values; `None` if it has a fault.
pub(super) fn check(
    tree: &[(String, Located)],
    file: &Place,
    folder: &Path,
    diagnostics: &mut Diagnostics,
) -> Option<Recipe> {
    for (key, located) in tree {
        if !TABLES.contains(&key.as_str()) {
            let hint = hint(key, TABLES.iter().copied());
            diagnostics.fault(&located.place, format!("a recipe has no {key:?}{hint}"));
        }
    }
    let get = |key: &str| tree.iter().find(|(name, _)| name == key).map(|(_, located)| located);
    let name = text(get("name"), "name", diagnostics);
    match (&name, get("name")) {
        (None, None) => {
            diagnostics.absent(file, "`name`: missing key; for example name = \"mine\"");
        }
        (Some(name), Some(said)) if !names::is_name(name) => {
            diagnostics.fault(&said.place, names::bad_name(name));
        }
        _ => {}
    }
    let about = text(get("about"), "about", diagnostics).unwrap_or_default();

    let corpora = tables(get("corpus"), "corpus", diagnostics);
    let encoders = tables(get("encoder"), "encoder", diagnostics);
    let objectives = tables(get("objective"), "objective", diagnostics);
    let of = |tables: &[Named<'_>]| tables.iter().map(|table| table.name.to_owned()).collect();
    let names =
        Names { corpora: of(&corpora), encoders: of(&encoders), objectives: of(&objectives) };
    let cx = Context { names: &names, folder };

    let empty = Located { value: Value::Table(Vec::new()), place: file.clone() };
    let train = get("train").unwrap_or(&empty);
    let train_entries = train::check(train, &cx, diagnostics);
    let corpora: Vec<_> =
        corpora.iter().map(|table| corpus::check(table, &cx, diagnostics)).collect();
    let predictions = predictions::tables(&encoders, &objectives, diagnostics);
    let encoders: Vec<Named<'_>> =
        encoders.into_iter().chain(predictions.iter().map(PredictionTable::named)).collect();
    let mut encoders = encoder::check(&encoders, &cx, &corpora, diagnostics);
    one_main(&objectives, file, diagnostics);
    let mut specs: Vec<_> = (objectives.iter())
        .map(|table| objective::check(table, &cx, &corpora, &encoders, diagnostics))
        .collect();
    share::check(&specs, diagnostics);
    reads::resolve(&mut specs, diagnostics);
    copies::check(&specs, diagnostics);
    let best = best(train, &names, &specs, diagnostics);
    if let (Some(entries), Some(specs)) = (&train_entries, all(&specs)) {
        groups_are_drawn(entries, &specs, &names, diagnostics);
        if !specs.is_empty() && !specs.iter().any(ObjectiveSpec::is_active) {
            diagnostics.fault(file, "every objective is muted; unmute at least one");
        } else if !specs.is_empty() && !specs.iter().any(|spec| spec.is_active_after(u64::MAX)) {
            let what = "every gain ends at 0: no objective would be trained to the end";
            diagnostics.fault(file, what);
        }
    }
    reach::find(&mut encoders, &specs, &corpora, &names, diagnostics);
    alignment::check(&encoders, &specs, &corpora, diagnostics);

    let best = best?;
    let mut train_entries = train_entries?;
    let said = format!("{}.{}", best.objective, best.metric);
    let said = Located::by_default(Value::Text(said));
    train_entries.entry("best".to_owned()).or_insert(said);
    let recipe = Recipe {
        name: name?,
        about,
        train: train::finish(train_entries, best),
        corpora: all(&corpora)?,
        encoders: all(&encoders.specs)?,
        objectives: all(&specs)?,
    };
    epochs_end(&recipe, diagnostics);
    stages_end(&recipe, diagnostics);
    Some(recipe)
}

/// A run whose length is in epochs must draw the main objective's corpus, or it would not end.
fn epochs_end(recipe: &Recipe, diagnostics: &mut Diagnostics) {
    let main = recipe.objectives.iter().find(|spec| spec.role == Role::Main);
    if let Some(main) = main
        && !recipe.epochs_end_under(&recipe.train.sampling.at(Step(u64::MAX)))
    {
        let corpus = &recipe.corpora[main.corpora[0]].name;
        let what = format!(
            "`train.epochs` counts epochs of {corpus:?}, the corpus of {}, which no step draws in the \
             end; set `train.steps`, or unmute {}",
            main.name, main.name
        );
        diagnostics.fault(&main.place, what);
    }
}

/// In stages, a run whose length is in epochs ends with a stage of the main objective: after it no other stage may
/// be left in a cycle.
fn stages_end(recipe: &Recipe, diagnostics: &mut Diagnostics) {
    let rule = recipe.train.sampling.at(Step(0));
    let (Rule::Stages(order), Length::Epochs(_)) = (&*rule, recipe.train.length) else { return };
    let Some(main) = recipe.objectives.iter().find(|spec| spec.role == Role::Main) else { return };
    let groups = recipe.groups();
    let place = |group: &&Group| order.iter().position(|name| *name == group.name);
    let last = groups
        .iter()
        .enumerate()
        .max_by_key(|(at, group)| (place(group).unwrap_or(order.len()), *at));
    if let Some((_, last)) = last.filter(|(_, last)| main.group.as_ref() != Some(&last.name)) {
        let what = format!(
            "`train.sampling`: expected the stage of the main objective {:?} to be the last, found {:?} after it, which \
             would miss its last stage; name the group {:?} last in `order`, or set `train.steps`",
            main.name.as_str(),
            last.name,
            main.group.as_deref().unwrap_or_default()
        );
        diagnostics.fault(&recipe.train.values.place("sampling"), what);
    }
}

impl Recipe {
    /// Whether a run whose length is in epochs would end under this rule: whether the rule draws
    /// the main objective's corpus, given the objectives that are active at the end. A run whose
    /// length is in steps always ends.
    pub fn epochs_end_under(&self, rule: &Rule) -> bool {
        let main = self.objectives.iter().find(|spec| spec.role == Role::Main);
        let (Length::Epochs(_), Some(main)) = (self.train.length, main) else { return true };
        let groups = self.groups_of(|at| self.objectives[at].is_active_after(u64::MAX));
        let drawn = |group: &Group| match rule {
            Rule::Fixed(draws) => {
                let rate = |group: &Group| draws.get(&group.name).copied().unwrap_or(0.0);
                rate(group) > 0.0 || groups.iter().all(|group| rate(group) == 0.0)
            }
            _ => true,
        };
        let is_drawn = |group: &Group| group.corpora.contains(&main.corpora[0]) && drawn(group);
        groups.is_empty() || groups.iter().any(is_drawn)
    }
}

fn all<T: Clone>(parts: &[Option<T>]) -> Option<Vec<T>> {
    parts.iter().cloned().collect()
}

fn text(said: Option<&Located>, key: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let Located { value, place } = said?;
    if value.as_text().is_none() && !parse::is_refused(value) {
        let found = found(value);
        diagnostics.fault(place, format!("`{key}`: expected a string, found {found}"));
    }
    value.as_text().map(str::to_owned)
}

/// The tables with one name, for example `[[corpus]]`.
fn tables<'a>(
    said: Option<&'a Located>,
    noun: &'static str,
    diagnostics: &mut Diagnostics,
) -> Vec<Named<'a>> {
    let mut tables = Vec::new();
    let hint = format!("begin each {noun} with [[{noun}]]");
    match said.map(|said| (&said.value, &said.place)) {
        None => {}
        Some((Value::List(items), _)) => {
            for Located { value, place } in items {
                match value {
                    Value::Table(entries) => tables.push((place, entries.as_slice())),
                    other => {
                        let found = found(other);
                        diagnostics
                            .fault(place, format!("expected a table, found {found}; {hint}"));
                    }
                }
            }
        }
        Some((Value::Table(entries), place)) => {
            diagnostics.fault(place, format!("found the single table [{noun}]; {hint}"));
            tables.push((place, entries.as_slice()));
        }
        Some((other, place)) => {
            diagnostics.fault(
                place,
                format!("`{noun}`: expected an array of tables, found {}; {hint}", found(other)),
            );
        }
    }
    if tables.len() > MAX_TABLES {
        let (place, found) = (tables[MAX_TABLES].0, tables.len());
        let what = format!("expected at most {MAX_TABLES} tables [[{noun}]], found {found}");
        diagnostics.fault(place, what);
        // Each is compared with all others.
        tables.truncate(MAX_TABLES);
    }
    named(&tables, noun, diagnostics)
}

fn one_main(objectives: &[Named<'_>], file: &Place, diagnostics: &mut Diagnostics) {
    let mains: Vec<_> = (objectives.iter())
        .filter(|table| objective::is_main(table))
        .filter_map(|table| Some((table.name, &table.get("role")?.place)))
        .collect();
    match mains.as_slice() {
        [] => diagnostics.absent(file, "no objective has role = \"main\"; exactly one must"),
        [(first, at), others @ ..] => {
            for (name, place) in others {
                let what = format!(
                    "objective {name:?} has role = \"main\", and so has {first:?} at {at}; exactly one must"
                );
                diagnostics.fault(place, what);
            }
        }
    }
}

/// The metric that selects the best checkpoint: that of `best`, or the main objective's first.
fn best(
    train: &Located,
    names: &Names,
    specs: &[Option<ObjectiveSpec>],
    diagnostics: &mut Diagnostics,
) -> Option<Best> {
    let said = match &train.value {
        Value::Table(entries) => entries.iter().find(|(key, _)| key == "best"),
        _ => None,
    };
    let of = |spec: &ObjectiveSpec, metric: Metric| Best {
        objective: spec.name.clone(),
        metric: metric.name.into(),
        direction: metric.direction,
    };
    let Some((_, Located { value, place })) = said else {
        let main = specs.iter().flatten().find(|spec| spec.role == Role::Main)?;
        let metrics = main.config.metrics();
        if metrics.is_empty() {
            let kind = main.kind.name();
            let what = format!("{kind:?} has no metric; set `train.best`");
            diagnostics.fault(&main.place, what);
        }
        return Some(of(main, *metrics.first()?));
    };
    // A metric's name may contain a dot (`f0.5`); an objective's cannot.
    let Some((objective, metric)) = value.as_text()?.split_once('.') else {
        let what = format!("`train.best`: expected OBJECTIVE.METRIC, found {}", found(value));
        diagnostics.fault(place, what);
        return None;
    };
    if !names.know(Refers::Objective, objective, place, diagnostics) {
        return None;
    }
    let spec = specs.iter().flatten().find(|spec| spec.name.as_str() == objective)?;
    let metrics = spec.config.metrics();
    let Some(found) = metrics.iter().find(|found| found.name == metric) else {
        let hint = hint(metric, metrics.iter().map(|metric| metric.name));
        diagnostics
            .fault(place, format!("`train.best`: {objective:?} has no metric {metric:?}{hint}"));
        return None;
    };
    Some(of(spec, *found))
}

fn groups_are_drawn(
    entries: &Entries,
    specs: &[ObjectiveSpec],
    names: &Names,
    diagnostics: &mut Diagnostics,
) {
    let corpora: Vec<&str> = names.corpora.iter().map(String::as_str).collect();
    let groups = groups(specs.iter().enumerate(), &corpora);
    for (drawn, place) in train::drawn_groups(entries) {
        if !groups.iter().any(|group| group.name == drawn) {
            let hint = hint(&drawn, groups.iter().map(|group| group.name.as_str()));
            diagnostics
                .fault(&place, format!("`train.sampling.draws`: no group named {drawn:?}{hint}"));
        }
    }
}
