//! `[[corpus]]`: the files of examples, and their splits.

mod derived;

use std::{collections::BTreeMap, path::Path};

use super::{check::Context, fault::Diagnostics, kind::Kinds, names::Named, shipped::location};
use crate::{
    data::{
        Axis, Field, FieldForm, LabelNames, Pronunciations, Schema, Sentences, SpelledField,
        load::{FaultPolicies, FaultPolicy},
        path_pattern,
        read::{self, Format, Location},
    },
    keys::{Key, Place, Refers, ValueType, Values},
    nearest::hint,
};

pub(super) use derived::DICTIONARY;

/// A corpus as the recipe describes it.
#[derive(Clone)]
pub struct CorpusSpec {
    /// Its name.
    pub name: String,
    /// Its file format.
    pub format: &'static dyn Format,
    /// All keys of the table, including those of the format.
    pub values: Values,
    /// The training files: one, or one for each field of a format with line-aligned files.
    pub train: Vec<Location>,
    /// The origin of the dev split, if there is one.
    pub dev: Option<SplitSource>,
    /// The origin of the test split, if there is one.
    pub test: Option<SplitSource>,
    /// The treatment of faulty examples.
    pub faults: FaultPolicies,
    /// Its batch size in examples, if it differs from the recipe's.
    pub batch_size: Option<usize>,
    /// Its sequences and fields.
    pub schema: Schema,
    /// The field whose values are in the paths of its files, if there is one.
    pub path_field: Option<String>,
    /// The names of integer labels.
    pub names: LabelNames,
    /// The tokens that end a sentence, and their field.
    pub sentences: Option<Sentences>,
    /// The field whose words are pronounced, and the dictionary.
    pub pronounced: Option<(String, Location)>,
    /// The field that is spelled.
    pub spelled: Option<SpelledField>,
    /// The location of the table.
    pub place: Place,
}

impl CorpusSpec {
    /// The fields that are made of another one, each with that field.
    pub(super) fn derived(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        let spelled = self.spelled.iter().map(|spelled| (SpelledField::FIELD, &spelled.of));
        let pronounced = self.pronounced.iter().map(|(of, _)| (Pronunciations::FIELD, of));
        spelled.chain(pronounced).map(|(derived, of)| (derived, of.clone()))
    }

    /// Whether a field belongs to the items of a list of sequences.
    pub(super) fn is_list(&self, field: &str) -> bool {
        let found = self.schema.fields.iter().find(|other| other.name == field);
        found.is_some_and(|field| match field.axis {
            Axis::Sequence(at) => self.schema.sequences[at].is_list,
            Axis::Items(_) => true,
            Axis::Example => false,
        })
    }

    /// The fault of a field with whose tokens those of `field` are compared: it is one text, and another one.
    pub(super) fn lacks_other_text(&self, field: &str, other: &str) -> Option<String> {
        let name = &self.name;
        if let Some(what) = self.lacks(other, Refers::OtherText) {
            return Some(what);
        }
        let list = [field, other].into_iter().find(|field| self.is_list(field));
        if let Some(list) = list {
            return Some(format!(
                "the field {list:?} of corpus {name:?} is a list of texts; expected one text"
            ));
        }
        let axis = |name: &str| {
            self.schema.fields.iter().find(|other| other.name == name).map(|other| other.axis)
        };
        (axis(field) == axis(other)).then(|| {
            format!(
                "expected a field of another text than {field:?} in corpus {name:?}, found {other:?}, which is of the \
                 same text; name the field of another text, or remove the key"
            )
        })
    }

    /// The fault of a field that a key names, if it does not have what the key needs: one string
    /// per token, or one or a set per example.
    pub(super) fn lacks(&self, field: &str, wanted: Refers) -> Option<String> {
        let name = &self.name;
        let fields = &self.schema.fields;
        let Some(found) = fields.iter().find(|other| other.name == field) else {
            let fitting = fields.iter().filter(|other| fits(other, wanted));
            let hint = hint(field, fitting.map(|other| other.name.as_str()));
            return Some(format!("no field named {field:?} in corpus {name:?}{hint}"));
        };
        let wants = match wanted {
            Refers::Labels => "a set per example",
            Refers::Label => "one per example",
            Refers::Arcs => "arcs between tokens",
            Refers::Spans => "spans of tokens",
            Refers::Relations => "relations between spans",
            Refers::Items => "one per item of a list",
            Refers::Numbers => "numbers for each example",
            Refers::Answers => "alternative spans of tokens",
            Refers::Segments => "a segment for each token",
            Refers::Text => "a raw text for each example",
            Refers::Transcript => {
                "a raw text or a string for each example, or one string per token"
            }
            Refers::Frames => "a frame for each position",
            _ => "one per token",
        };
        (!fits(found, wanted)).then(|| {
            let has = match found.axis {
                Axis::Items(_) => "a string per item of a list",
                Axis::Sequence(_) | Axis::Example => found.form.name(),
            };
            format!("the field {field:?} of corpus {name:?} has {has}; expected {wants}")
        })
    }
}

/// Whether a field is of the kind that a key refers to.
fn fits(field: &Field, wanted: Refers) -> bool {
    let of_tokens = matches!(field.axis, Axis::Sequence(_));
    match wanted {
        Refers::Label => field.form == FieldForm::Label,
        Refers::Labels => field.form == FieldForm::Labels,
        Refers::Arcs => field.form == FieldForm::Arcs,
        Refers::Spans => field.form == FieldForm::Spans,
        Refers::Relations => field.form == FieldForm::Relations,
        Refers::Items => matches!(field.axis, Axis::Items(_)),
        Refers::Numbers => field.form == FieldForm::Numbers,
        Refers::Answers => field.form == FieldForm::Answers,
        Refers::Text => field.form == FieldForm::Text,
        Refers::Transcript => {
            matches!(field.form, FieldForm::Text | FieldForm::Label)
                || field.form == FieldForm::Symbols && of_tokens
        }
        Refers::Frames => field.form == FieldForm::Frames && of_tokens,
        Refers::Segments => {
            matches!(field.form, FieldForm::Symbols | FieldForm::Segments) && of_tokens
        }
        _ => field.form == FieldForm::Symbols && of_tokens,
    }
}

/// The origin of the dev or test split.
#[derive(Clone, Debug, PartialEq)]
pub enum SplitSource {
    /// Files of its own.
    Files(Vec<Location>),
    /// Examples N, 2N, ... of train, which are removed from train.
    Every(u64),
    /// A drawn fraction of train, which is removed from train.
    Fraction {
        /// The fraction, above 0 and below 1.
        fraction: f64,
        /// The seed of the draw; never the run's own.
        seed: u64,
    },
}

pub(super) const FORMATS: Kinds<&'static dyn Format> = Kinds {
    noun: "format",
    built: read::FORMATS,
    name: |format| format.name(),
    planned: read::PLANNED,
};

const HELD_OUT: &[Key] = &[
    Key::required("from", ValueType::Choice(&["train"]), "split to hold examples out of"),
    Key::optional("every", ValueType::Count(2), "hold out examples N, 2N, ..."),
    Key::optional("fraction", ValueType::Number(1e-6, 0.999_999), "or hold out this fraction"),
    Key::optional("seed", ValueType::Seed, "seed of the held-out fraction; default: 1"),
];

const ON_FAULT: ValueType = ValueType::Choice(&["refuse", "skip"]);

const FAULTS: &[Key] = &[
    Key::with_default("train", ON_FAULT, "\"refuse\"", "in train, and in examples held out of it"),
    Key::with_default("dev", ON_FAULT, "\"refuse\"", "in the dev file"),
    Key::with_default("test", ON_FAULT, "\"refuse\"", "in the test file"),
];
const FILES: ValueType = ValueType::List(&ValueType::Path);

/// The keys of every corpus; its format adds more.
pub(super) const KEYS: &[Key] = &[
    Key::required("name", ValueType::Text, "name in the recipe"),
    Key::required("format", ValueType::Text, "file format"),
    Key::required(
        "train",
        ValueType::Either(&[ValueType::Path, FILES]),
        "training file, or files by class: \"{label}/*.txt\"; of some formats several, as \"parallel\"",
    ),
    Key::optional(
        "dev",
        ValueType::Either(&[ValueType::Path, FILES, ValueType::Table(HELD_OUT)]),
        "dev file, or examples held out of train",
    ),
    Key::optional(
        "test",
        ValueType::Either(&[ValueType::Path, FILES, ValueType::Table(HELD_OUT)]),
        "test file, or examples held out of train before those of dev",
    ),
    Key::with_default(
        "faults",
        ValueType::Either(&[ON_FAULT, ValueType::Table(FAULTS)]),
        "\"refuse\"",
        "what to do with faulty examples; skip: leave out those of train, and list them; of other splits only by \
         a table such as { train = \"skip\", dev = \"skip\" }",
    ),
    Key::optional(
        "batch_size",
        ValueType::Count(1),
        "batch size in examples; default: that of [train]",
    ),
    Key::optional(
        MAX_TRAIN_EXAMPLES,
        ValueType::Count(1),
        "train on the first examples only, at most so many, once dev is held out; default: all",
    ),
    Key::optional("domain", ValueType::Text, "domain, for domain discriminators"),
    Key::optional("language", ValueType::Text, "language code"),
    Key::optional(
        NAMES,
        ValueType::Map(&ValueType::List(&ValueType::Text)),
        "names of integer labels from 0 on, by field: { label = [\"negative\", \"positive\"] }",
    ),
    Key::optional(
        SENTENCE_ENDS,
        ValueType::List(&ValueType::Text),
        "tokens that end a sentence; adds a field \"sentence\" with the sentence number of each token",
    ),
    derived::PRONOUNCED_KEY,
    derived::DICTIONARY_KEY,
    derived::SPELLED_KEY,
];

/// Bounds the number of training examples.
pub(super) const MAX_TRAIN_EXAMPLES: &str = "max_train_examples";

const NAMES: &str = "names";

const SENTENCE_ENDS: &str = "sentence_ends";

/// All keys of a corpus with this format.
pub(super) fn keys(format: &dyn Format) -> Vec<Key> {
    KEYS.iter().chain(format.keys()).copied().collect()
}

/// A corpus; `None` if it has a fault or its format is not implemented.
pub(super) fn check(
    table: &Named<'_>,
    cx: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<CorpusSpec> {
    let format = FORMATS.of(table, "format", diagnostics)?;
    let keys = keys(format);
    let entries = cx.table(&table.label(), table.place, table.entries, &keys, diagnostics)?;
    let values = Values::new(entries);
    let wrong = format.check(&values);
    for (key, what) in &wrong {
        let place = match values.place(key) {
            Place::Default => table.place.clone(),
            place => place,
        };
        diagnostics.fault(&place, what.as_str());
    }
    let aligned = format.aligned(&values);
    let mut files = |key: &'static str| -> Option<Vec<Location>> {
        if values.table(key).is_some() {
            return Some(Vec::new());
        }
        let files: Vec<Location> = values.texts(key).into_iter().map(location).collect();
        if files.is_empty() || files.len() == aligned.len().max(1) {
            return Some(files);
        }
        let (n, s) = (files.len(), if files.len() == 1 { "" } else { "s" });
        let what = match aligned.as_slice() {
            [] => format!("`corpus.{}.{key}`: expected one file, found {n}", table.name),
            fields => format!(
                "`corpus.{}.{key}`: expected an array of {} files ({}), found {n} file{s}",
                table.name,
                fields.len(),
                fields.join(", ")
            ),
        };
        diagnostics.fault(&values.place(key), what);
        None
    };
    let [train, dev, test] = ["train", "dev", "test"].map(|key| (key, files(key)));
    let mut source = |(key, files): (&'static str, Option<Vec<Location>>)| match (
        values.get(key),
        values.table(key),
    ) {
        (None, _) => Some(None),
        (Some(said), Some(table)) => held_out(key, &table, &said.place, diagnostics).map(Some),
        (Some(_), None) => files.map(|files| Some(SplitSource::Files(files))),
    };
    let (dev, test) = (source(dev), source(test));
    let (train, dev, test) = (train.1?, dev?, test?);
    let mut schema = format.schema(&values);
    let path_field = path_field(table.name, &values, &schema, diagnostics).ok()?;
    schema.fields.extend(path_field.as_deref().map(Field::of_examples));
    let pronounced = derived::pronounced(table.name, &values, &schema, diagnostics).ok()?;
    if pronounced.is_some() {
        schema.add_text(Pronunciations::FIELD);
    }
    let spelled = derived::spelled(table.name, &values, &schema, diagnostics).ok()?;
    if spelled.is_some() {
        schema.add_text(SpelledField::FIELD);
    }
    let sentences = match values.get(SENTENCE_ENDS) {
        None => None,
        Some(_) if schema.fields.iter().any(|field| field.name == Sentences::FIELD) => {
            let what = "the corpus has a field \"sentence\" already; remove `sentence_ends` or rename the field";
            diagnostics.fault(&values.place(SENTENCE_ENDS), what);
            return None;
        }
        Some(_) => {
            let mut fields = schema.fields.iter();
            let Some(field) = fields.find(|field| fits(field, Refers::Field)) else {
                let what = "the corpus has no field of tokens, so nothing can end a sentence";
                diagnostics.fault(&values.place(SENTENCE_ENDS), what);
                return None;
            };
            let ends = values.texts(SENTENCE_ENDS).into_iter().map(str::to_owned).collect();
            let (axis, field) = (field.axis, field.name.clone());
            schema.fields.push(Sentences::field(axis));
            Some(Sentences { ends, field })
        }
    };
    let faults = fault_policies(&values, [dev.as_ref(), test.as_ref()]);
    let names = names(table.name, &values, &schema, diagnostics)?;
    wrong.is_empty().then(|| CorpusSpec {
        name: table.name.to_owned(),
        format,
        train,
        dev,
        test,
        faults,
        batch_size: values.count_if_set("batch_size"),
        schema,
        path_field,
        names,
        sentences,
        pronounced,
        spelled,
        place: table.place.clone(),
        values,
    })
}

/// A split that is held out is of the training file.
fn fault_policies(values: &Values, [dev, test]: [Option<&SplitSource>; 2]) -> FaultPolicies {
    let of = |said: &str| if said == "skip" { FaultPolicy::Skip } else { FaultPolicy::Refuse };
    let mut policies = match values.table("faults") {
        Some(table) => FaultPolicies {
            train: of(table.text("train")),
            dev: of(table.text("dev")),
            test: of(table.text("test")),
        },
        None => FaultPolicies {
            train: of(values.text("faults")),
            dev: FaultPolicy::Refuse,
            test: FaultPolicy::Refuse,
        },
    };
    let is_held_out =
        |source: Option<&SplitSource>| !matches!(source, None | Some(SplitSource::Files(_)));
    if is_held_out(dev) {
        policies.dev = policies.train;
    }
    if is_held_out(test) {
        policies.test = policies.train;
    }
    policies
}

/// A fault has been reported.
struct Reported;

/// The field that the paths of all splits name in braces, if there is one.
fn path_field(
    table: &str,
    values: &Values,
    schema: &Schema,
    diagnostics: &mut Diagnostics,
) -> Result<Option<String>, Reported> {
    // Of several files that belong together, the first.
    let path = |key: &str| {
        let files = if values.table(key).is_some() { Vec::new() } else { values.texts(key) };
        files.first().copied()
    };
    // The name of a folder may have braces.
    let of = |key: &str| {
        let pattern = path(key).filter(|path| path_pattern::is_pattern(Path::new(path)))?;
        path_pattern::field_of(pattern)
    };
    let Some(field) = of("train") else { return Ok(None) };
    let after = path("train").and_then(|path| path.split_once(&format!("{{{field}}}")));
    if let Some(other) = after.and_then(|(_, rest)| path_pattern::field_of(rest)) {
        let what = format!(
            "`corpus.{table}.train`: expected one name in braces, found {field:?} and {other:?}; use * for the \
             other"
        );
        diagnostics.fault(&values.place("train"), what);
        return Err(Reported);
    }
    if schema.fields.iter().any(|other| other.name == field) {
        let what = format!(
            "`corpus.{table}.train`: the corpus has a field {field:?} already; use another name in braces"
        );
        diagnostics.fault(&values.place("train"), what);
        return Err(Reported);
    }
    for key in ["dev", "test"] {
        if path(key).is_some() && of(key) != Some(field) {
            let what =
                format!("`corpus.{table}.{key}`: expected {{{field}}} in the path, as in `train`");
            diagnostics.fault(&values.place(key), what);
            return Err(Reported);
        }
    }
    Ok(Some(field.to_owned()))
}

/// The names of integer labels; each field must have labels.
fn names(
    table: &str,
    values: &Values,
    schema: &Schema,
    diagnostics: &mut Diagnostics,
) -> Option<LabelNames> {
    let Some(entries) = values.table(NAMES) else { return Some(LabelNames::default()) };
    let is_text = |field: &Field| schema.sequences.iter().any(|text| text.name == field.name);
    let has_labels = |field: &&Field| {
        let form = field.form;
        matches!(form, FieldForm::Symbols | FieldForm::Label | FieldForm::Labels) && !is_text(field)
    };
    let known: Vec<&str> =
        schema.fields.iter().filter(has_labels).map(|field| field.name.as_str()).collect();
    let mut names = BTreeMap::new();
    for (field, _) in entries.iter() {
        if !known.contains(&field) {
            let hint = hint(field, known.iter().copied());
            let what = format!(
                "`corpus.{table}.{NAMES}.{field}`: no field of labels named {field:?}{hint}"
            );
            diagnostics.fault(&entries.place(field), what);
            return None;
        }
        let of_field = entries.texts(field);
        let again = (1..of_field.len()).find(|&at| of_field[..at].contains(&of_field[at]));
        if let Some(again) = again {
            let what = format!(
                "`corpus.{table}.{NAMES}.{field}`: expected a name of its own for each label, found {:?} twice",
                of_field[again]
            );
            diagnostics.fault(&entries.place(field), what);
            return None;
        }
        names.insert(field.to_owned(), of_field.into_iter().map(str::to_owned).collect());
    }
    Some(LabelNames::new(names))
}

fn held_out(
    key: &str,
    table: &Values,
    place: &Place,
    diagnostics: &mut Diagnostics,
) -> Option<SplitSource> {
    let seed = table.count_if_set("seed");
    match (table.count_if_set("every"), table.get("fraction"), seed) {
        (Some(every), None, None) => Some(SplitSource::Every(every as u64)),
        (None, Some(_), seed) => Some(SplitSource::Fraction {
            fraction: table.number("fraction"),
            seed: seed.unwrap_or(1) as u64,
        }),
        (Some(_), None, Some(_)) => {
            diagnostics.fault(&table.place("seed"), "`seed` applies only to `fraction`; remove it");
            None
        }
        _ => {
            diagnostics.fault(
                place,
                format!(
                    "`{key}` takes either `every` or `fraction`: {{ from = \"train\", every = 10 }}"
                ),
            );
            None
        }
    }
}
