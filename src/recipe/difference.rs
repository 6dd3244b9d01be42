//! The first key in which two recipes differ, and digests of the files that a recipe reads.

use std::{collections::BTreeMap, fmt};

use super::{CorpusSpec, Fault, Faults, Recipe, corpus::DICTIONARY, shipped};
use crate::{
    data::{
        digest::digest,
        load::{self, CorpusFile, LoadError, SplitInput},
        read::Samples,
    },
    keys::Place,
};

/// Keys that only determine the end of a run: they may change when it is continued, as may the
/// patience of each objective.
const LENGTH: &[&str] = &["train.steps", "train.epochs", "train.patience"];

/// A key that differs between two recipes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its path: `train.seed`, `corpus.news.dev`.
    pub key: String,
    /// The value in the first recipe, as TOML, if any.
    pub first: Option<String>,
    /// The value in the second one.
    pub second: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".to_owned());
        write!(f, "`{}`: expected {}, found {}", self.key, said(&self.first), said(&self.second))
    }
}

impl Recipe {
    /// The first key in which another recipe differs, except those of the run's length.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        let [ours, theirs] = [self, other].map(|recipe| values(&recipe.resolved()));
        let keys = ours.iter().chain(&theirs).map(|(key, _)| key);
        let get = |all: &[(String, String)], key: &str| {
            all.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone())
        };
        let is_of_length = |key: &str| {
            let of_objective = key.starts_with("objective.") && key.ends_with(".patience");
            of_objective || LENGTH.contains(&key)
        };
        let mut differences = keys.filter(|key| !is_of_length(key)).map(|key| Difference {
            key: key.clone(),
            first: get(&ours, key),
            second: get(&theirs, key),
        });
        differences.find(|difference| difference.first != difference.second)
    }

    /// A digest of each corpus file, by its key in the recipe; several under one key are joined by
    /// spaces.
    pub fn digests(&self) -> Result<BTreeMap<String, String>, Faults> {
        let samples = shipped::samples();
        let mut digests = BTreeMap::new();
        let mut faults = Vec::new();
        for spec in &self.corpora {
            let load = spec.load();
            let of = |input| match input {
                Some(SplitInput::Files(inputs)) => Some(inputs),
                _ => None,
            };
            let (dev, test) = (of(load.dev), of(load.test));
            let dictionary = load.pronounced.map(|(_, dictionary)| vec![dictionary]);
            let files = [
                ("train", Some(load.train)),
                ("dev", dev),
                ("test", test),
                (DICTIONARY, dictionary),
            ];
            for (split, inputs) in
                files.into_iter().filter_map(|(split, inputs)| Some((split, inputs?)))
            {
                let mut all = Vec::with_capacity(inputs.len());
                for input in &inputs {
                    match digest_of(input, spec, &samples) {
                        Ok(digest) => all.push(digest),
                        Err(error) => faults.push(Fault {
                            place: Place::File(input.name.clone()),
                            what: error.to_string(),
                        }),
                    }
                }
                digests.insert(format!("corpus.{}.{split}", spec.name), all.join(" "));
            }
        }
        if faults.is_empty() { Ok(digests) } else { Err(Faults(faults)) }
    }
}

/// The digest of a file; for a pattern, or a file that names others, that of a list of the files with their digests.
fn digest_of(
    input: &CorpusFile,
    spec: &CorpusSpec,
    samples: &Samples,
) -> Result<String, LoadError> {
    let files = load::files(input)?;
    let mut list = String::new();
    let mut last = String::new();
    let mut n_named = 0;
    for (file, value) in &files {
        let source = load::open(file, spec.format, samples)?;
        last = digest(&source.bytes);
        // Not the whole path: a corpus may be moved.
        let name = file.name.rsplit('/').next().unwrap_or_default();
        let value = value.as_deref().unwrap_or_default();
        list.extend([value, " ", name, " ", &last, "\n"]);
        for named in spec.format.named_files(&source, &spec.values) {
            // One that cannot be read is a fault of the corpus.
            let bytes = source.folder.read(&named).unwrap_or_default();
            list.extend([&named, " ", &digest(&bytes), "\n"]);
            n_named += 1;
        }
    }
    Ok(if files.len() == 1 && n_named == 0 { last } else { digest(list.as_bytes()) })
}

/// Every key of a resolved recipe with its value: such a text has one line for each.
fn values(resolved: &str) -> Vec<(String, String)> {
    let mut table = String::new();
    let mut values = Vec::new();
    for line in resolved.lines() {
        if let Some(header) = line.strip_prefix('[') {
            table = format!("{}.", header.trim_matches(['[', ']']));
        } else if let Some((key, value)) = line.split_once(" = ") {
            if key == "name" && !table.is_empty() {
                table = format!("{table}{}.", value.trim_matches('"'));
            }
            values.push((format!("{table}{key}"), value.to_owned()));
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Overrides, RecipeSource, load};

    fn chunking(sets: &[&str], steps: Option<u64>) -> Recipe {
        let sets = sets.iter().map(|set| (*set).to_owned()).collect();
        let overrides = Overrides { sets, steps, ..Overrides::default() };
        load(&RecipeSource::Shipped("chunking"), &overrides).unwrap()
    }

    #[test]
    fn a_differing_key_is_named_with_both_values() {
        let (one, other) = (chunking(&[], None), chunking(&["encoder.trunk.dropout=0.25"], None));
        let difference = one.difference(&other).unwrap();
        assert_eq!(difference.key, "encoder.trunk.dropout");
        assert!(difference.to_string().ends_with("found 0.25"), "{difference}");
        assert_eq!(one.difference(&one), None);
    }

    #[test]
    fn the_length_of_a_run_may_differ() {
        let [one, other] = [Some(5), Some(9)].map(|steps| chunking(&["train.patience=3"], steps));
        assert_eq!(one.difference(&other), None);
        assert_eq!(one.difference(&chunking(&[], None)), None);
    }

    #[test]
    fn every_corpus_file_has_a_digest_under_its_key() {
        let digests = chunking(&[], None).digests().unwrap();
        let keys: Vec<_> = digests.keys().map(String::as_str).collect();
        assert_eq!(keys, ["corpus.news.dev", "corpus.news.test", "corpus.news.train"]);
    }
}
