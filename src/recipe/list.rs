//! `auxdesk list`: the keys and kinds of recipes, from the declarations that the checker reads.

use std::fmt::Write;

use super::{corpus, encoder, fault::Diagnostics, objective, parse, set, shipped, train};
use crate::{
    data::read,
    keys::{DefaultValue, Key, Value},
    live::{self, LiveSetting},
    mixer, model,
    nearest::hint,
    objective as objectives,
};

/// The topics, in the order in which they are shown.
pub const TOPICS: &[&str] =
    &["recipes", "train", "objectives", "encoders", "heads", "formats", "weightings", "settings"];

/// Every topic with its entries: one line each, with name and description.
pub fn all() -> String {
    let lists: Vec<String> =
        (TOPICS.iter()).map(|topic| format!("{topic}\n{}", lines(&entries(topic), "  "))).collect();
    lists.join("\n")
}

/// The entries of a topic, one line each. `Err` suggests a topic.
pub fn topic(topic: &str) -> Result<String, String> {
    let known = known(topic)?;
    let coming = planned(known);
    let mut out = lines(&entries(known), "");
    if !coming.is_empty() {
        let _ = writeln!(out, "\nnot built yet: {}", coming.join(", "));
    }
    Ok(out)
}

/// One entry: its description, and every key with its type. `Err` suggests an entry.
pub fn entry(topic: &str, name: &str) -> Result<String, String> {
    let topic = known(topic)?;
    let entries = entries(topic);
    let Some((_, about)) = entries.iter().find(|(other, _)| other == name) else {
        if planned(topic).contains(&name) {
            return Err(format!("not built yet: {name}"));
        }
        let hint = hint(name, entries.iter().map(|(name, _)| name.as_str()));
        return Err(format!("no {name:?} among the {topic}{hint}"));
    };
    let mut out = format!("{name}: {about}\n");
    if topic == "recipes" {
        out.push('\n');
        out.push_str(shipped::recipe(name).unwrap_or_default());
        return Ok(out);
    }
    if let Some((setting, _)) = live::find(name).filter(|_| topic == "settings") {
        describe_setting(&mut out, setting);
    }
    for key in keys(topic, name) {
        let note = match topic {
            _ if is_live(topic, &key) => ", live",
            "encoders" if encoder::is_planned(&key) => ", not built yet",
            _ => "",
        };
        describe(&mut out, &key, note);
    }
    Ok(out)
}

fn known(topic: &str) -> Result<&'static str, String> {
    let known = TOPICS.iter().find(|known| **known == topic).copied();
    known.ok_or_else(|| format!("no list of {topic:?}{}", hint(topic, TOPICS.iter().copied())))
}

fn entries(topic: &str) -> Vec<(String, String)> {
    macro_rules! from {
        ($table:expr) => {
            $table.iter().map(|kind| (kind.name().to_owned(), kind.about().to_owned())).collect()
        };
    }
    match topic {
        "recipes" => {
            shipped::RECIPES.iter().map(|(name, text)| ((*name).to_owned(), about(text))).collect()
        }
        "train" => {
            train::KEYS.iter().map(|key| (key.name.to_owned(), key.about.to_owned())).collect()
        }
        "settings" => {
            live::SETTINGS.iter().map(|row| (row.pattern(), row.key.about.to_owned())).collect()
        }
        "objectives" => from!(objectives::OBJECTIVES),
        "encoders" => from!(model::encoder::ENCODERS),
        "heads" => from!(model::head::HEADS),
        "formats" => from!(read::FORMATS),
        _ => from!(mixer::WEIGHTINGS),
    }
}

fn planned(topic: &str) -> &'static [&'static str] {
    match topic {
        "objectives" => objectives::PLANNED,
        "encoders" => model::encoder::PLANNED,
        "heads" => model::head::PLANNED,
        "formats" => read::PLANNED,
        "weightings" => mixer::PLANNED,
        _ => &[],
    }
}

fn keys(topic: &str, name: &str) -> Vec<Key> {
    match topic {
        "train" => train::KEYS.iter().filter(|key| key.name == name).copied().collect(),
        "objectives" => objectives::find(name).map_or_else(Vec::new, |kind| {
            let head = kind.head().choices().first().and_then(|head| model::head::find(head));
            objective::keys(kind, head)
        }),
        "encoders" => model::encoder::find(name).map_or_else(Vec::new, encoder::keys),
        "heads" => model::head::find(name).map_or_else(Vec::new, |head| head.keys().to_vec()),
        "formats" => read::find(name).map_or_else(Vec::new, corpus::keys),
        "weightings" => mixer::find(name).map_or_else(Vec::new, |kind| {
            kind.keys().iter().chain([&mixer::MOVING_AVERAGE]).copied().collect()
        }),
        _ => Vec::new(),
    }
}

/// Whether a key of this topic can be changed while a run trains.
fn is_live(topic: &str, key: &Key) -> bool {
    let table = match topic {
        "train" => "train",
        "objectives" | "heads" => "objective.NAME",
        // No setting of these is live.
        _ => return false,
    };
    live::find(&format!("{table}.{}", key.name)).is_some()
}

fn about(recipe: &str) -> String {
    let tree = parse::document(recipe, &"".into(), &mut Diagnostics::default());
    match set::get(&tree, "about").map(|said| &said.value) {
        Some(Value::Text(about)) => about.clone(),
        _ => String::new(),
    }
}

fn lines(entries: &[(String, String)], indent: &str) -> String {
    let width = entries.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let mut out = String::new();
    for (name, about) in entries {
        let _ = writeln!(out, "{indent}{name:width$}  {about}");
    }
    out
}

fn describe_setting(out: &mut String, setting: &LiveSetting) {
    let _ = writeln!(out, "\n    {}; {}", setting.takes(), setting.hint);
}

fn describe(out: &mut String, key: &Key, note: &str) {
    let default = match key.default {
        DefaultValue::Required => "required".to_owned(),
        DefaultValue::Absent => "optional".to_owned(),
        DefaultValue::Toml(text) => format!("default {text}"),
    };
    let _ = write!(
        out,
        "\n{}: {}\n    {} ({default}{note})\n",
        key.name,
        key.about,
        key.takes.describe()
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_entry_of_every_topic_is_described() {
        for topic_name in TOPICS {
            assert!(topic(topic_name).is_ok());
            for (name, about) in entries(topic_name) {
                assert!(!about.is_empty(), "{topic_name} {name}");
                assert!(entry(topic_name, &name).unwrap().starts_with(&format!("{name}: ")));
            }
        }
    }

    #[test]
    fn keys_are_listed_with_their_types_and_defaults() {
        let tag = entry("objectives", "tag").unwrap();
        assert!(tag.contains("\nlabel: field of the labels\n    the name of a field (required)\n"));
        assert!(tag.contains(
            "\n    a number of at least 0, or { shape, from, to, steps } (default 1, live)\n"
        ));
    }

    /// Every key of the topics that describe tables of a recipe is live if it is in the table of live settings.
    #[test]
    fn exactly_the_live_settings_are_marked_as_live() {
        let live_in = |topic: &str| -> BTreeSet<String> {
            let entries = entries(topic).into_iter().map(|(name, _)| entry(topic, &name).unwrap());
            let keys = entries.flat_map(|text| {
                let keys = text.split("\n\n").skip(1).map(str::to_owned);
                keys.filter(|key| key.contains(", live)")).collect::<Vec<_>>()
            });
            keys.filter_map(|key| Some(key.split_once(": ")?.0.to_owned())).collect()
        };
        let settings = entries("settings").into_iter().map(|(path, _)| path);
        let settings: BTreeSet<String> = settings.collect();
        let key = |owner: &str| {
            let keys = settings.iter().filter_map(|path| path.strip_prefix(owner));
            keys.map(str::to_owned).collect::<BTreeSet<_>>()
        };
        assert_eq!(live_in("train"), key("train."));
        // A run starts without solos: no recipe has that key.
        let mut of_objectives = key("objective.NAME.");
        assert!(of_objectives.remove("soloed"));
        assert_eq!(live_in("objectives"), of_objectives);
        for topic in ["encoders", "heads", "formats", "weightings"] {
            assert_eq!(live_in(topic), BTreeSet::new(), "{topic}");
        }
    }

    #[test]
    fn a_key_of_an_encoder_that_is_refused_as_not_built_yet_says_so() {
        let birnn = entry("encoders", "birnn").unwrap();
        let share = "share: encoder whose parameters it shares\n    the name of an encoder (optional, not built yet)\n";
        assert!(birnn.contains(share), "{birnn}");
        assert_eq!(birnn.matches("not built yet").count(), 1);
        // The key of an objective is implemented.
        assert!(entry("objectives", "tag").unwrap().contains("\nshare: "));
        assert!(!entry("objectives", "tag").unwrap().contains("not built yet"));
    }

    #[test]
    fn an_unknown_name_suggests_the_nearest() {
        assert_eq!(
            entry("heads", "cfr").unwrap_err(),
            "no \"cfr\" among the heads; did you mean \"crf\"?"
        );
        assert_eq!(topic("head").unwrap_err(), "no list of \"head\"; did you mean \"heads\"?");
    }
}
