//! Helpers of the formats' tests: reads a corpus from a few bytes and shows it as text.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use super::{
    Corpus, Example, FieldForm, FieldValues, Format, FoundLabels, KnownLabels, Labels, Location,
    Read, Samples, Source,
};
use crate::{
    data::{
        LabelNames, Lexicon, Prediction, Symbol,
        load::{CorpusFile, FaultPolicies, FaultPolicy, Load, load},
        path_pattern,
        prediction::FieldPredictions,
        structure::{GraphArc, SpanRelation, TokenSpan},
        write::UnwritableError,
    },
    keys::{DefaultValue, Located, Value, Values},
};

/// A format, its keys and one file.
#[derive(Clone)]
pub(super) struct Setting {
    format: &'static dyn Format,
    values: Values,
}

/// The result of reading a file.
pub(super) struct Reading {
    pub(super) corpus: Corpus,
    pub(super) read: Read,
    source: Source,
    labels: Labels,
}

impl Setting {
    pub(super) fn new(format: &str) -> Self {
        let format = super::find(format).expect("a format of the table");
        let setting = Self { format, values: Values::default() };
        format.keys().iter().fold(setting, |setting, key| match key.default {
            DefaultValue::Toml(text) => match text.parse() {
                Ok(count) => setting.count(key.name, count),
                Err(_) if ["true", "false"].contains(&text) => {
                    setting.switch(key.name, text == "true")
                }
                Err(_) if text.starts_with('[') => {
                    let items = text.trim_matches(['[', ']']).split(", ");
                    let items: Vec<&str> = items.map(|item| item.trim_matches('"')).collect();
                    setting.list(key.name, &items)
                }
                Err(_) => setting.say(key.name, text.trim_matches('"')),
            },
            DefaultValue::Required | DefaultValue::Absent => setting,
        })
    }

    pub(super) fn columns(names: &[&str]) -> Self {
        Self::new("columns").list("columns", names)
    }

    pub(super) fn table(names: &[&str]) -> Self {
        Self::new("table").list("columns", names)
    }

    pub(super) fn list(self, key: &str, texts: &[&str]) -> Self {
        let texts = texts.iter().map(|text| Located::by_default(Value::Text((*text).into())));
        self.with(key, Value::List(texts.collect()))
    }

    pub(super) fn say(self, key: &str, text: &str) -> Self {
        self.with(key, Value::Text(text.into()))
    }

    pub(super) fn count(self, key: &str, count: i64) -> Self {
        self.with(key, Value::Integer(count))
    }

    pub(super) fn switch(self, key: &str, is_on: bool) -> Self {
        self.with(key, Value::Switch(is_on))
    }

    pub(super) fn map(self, key: &str, numbers: &[(&str, i64)]) -> Self {
        let entry = |&(name, number): &(&str, i64)| {
            (name.to_owned(), Located::by_default(Value::Integer(number)))
        };
        self.with(key, Value::Table(numbers.iter().map(entry).collect()))
    }

    fn with(self, key: &str, value: Value) -> Self {
        let mut entries: BTreeMap<_, _> =
            self.values.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
        entries.insert(key.into(), Located::by_default(value));
        Self { values: Values::new(entries), ..self }
    }

    /// The examples of the files that patterns match, as a training split.
    pub(super) fn load(&self, patterns: &[PathBuf]) -> Corpus {
        let input = |pattern: &PathBuf| CorpusFile {
            location: Location::File(pattern.clone()),
            name: pattern.to_string_lossy().into(),
        };
        let train: Vec<CorpusFile> = patterns.iter().map(input).collect();
        let spec = Load {
            name: "corpus",
            domain: None,
            language: None,
            format: self.format,
            values: &self.values,
            path_field: path_pattern::field_of(&train[0].name),
            names: &LabelNames::default(),
            sentences: None,
            pronounced: None,
            spelled: None,
            train: train.clone(),
            dev: None,
            test: None,
            faults: FaultPolicies {
                train: FaultPolicy::Refuse,
                dev: FaultPolicy::Refuse,
                test: FaultPolicy::Refuse,
            },
            max_train_examples: None,
        };
        let (corpus, faults) = load(&spec, &Samples::new());
        assert!(faults.is_empty(), "{faults:?}");
        corpus
    }

    pub(super) fn is_columns(&self) -> bool {
        self.format.name() == "columns"
    }

    /// The last line of each record of a table, by its first one.
    pub(super) fn record_ends(&self, bytes: &[u8], labels: Labels) -> BTreeMap<u32, u32> {
        super::table::record_ends(&self.values, bytes, labels)
    }

    pub(super) fn is_table(&self) -> bool {
        self.format.name() == "table"
    }

    pub(super) fn values(&self) -> &Values {
        &self.values
    }

    pub(super) fn check(&self) -> Vec<String> {
        self.format.check(&self.values).into_iter().map(|(_, what)| what).collect()
    }

    pub(super) fn read(&self, bytes: impl AsRef<[u8]>) -> Reading {
        self.read_as(bytes, Labels::Required)
    }

    pub(super) fn read_as(&self, bytes: impl AsRef<[u8]>, labels: Labels) -> Reading {
        self.read_files(&[("f", bytes.as_ref())], labels)
    }

    /// Reads a file in its folder.
    pub(super) fn read_source(&self, source: Source) -> Reading {
        let (labels, sources) = (Labels::Required, [source]);
        let mut corpus = Corpus::of_schema(self.format.schema(&self.values));
        let read = self.format.read(&sources, &self.values, labels, &mut corpus);
        let [source] = sources;
        Reading { corpus, read, source, labels }
    }

    /// Reads line-aligned files, each with its name.
    pub(super) fn read_files(&self, files: &[(&str, &[u8])], labels: Labels) -> Reading {
        let source = |(name, bytes): &(&str, &[u8])| Source::new(*name, *bytes);
        let sources: Vec<Source> = files.iter().map(source).collect();
        let mut corpus = Corpus::of_schema(self.format.schema(&self.values));
        let read = self.format.read(&sources, &self.values, labels, &mut corpus);
        Reading { corpus, read, source: sources[0].clone(), labels }
    }

    /// The decision on an input to `predict` with its note, or the fault; the run knows these
    /// labels, by field.
    pub(super) fn find_labels(&self, text: &str, labels: &[(&str, &str)]) -> String {
        self.labels_found(text, labels, false)
    }

    /// The same for a run that skips faulty examples.
    pub(super) fn find_labels_skipping(&self, text: &str, labels: &[(&str, &str)]) -> String {
        self.labels_found(text, labels, true)
    }

    fn labels_found(&self, text: &str, labels: &[(&str, &str)], skips_faults: bool) -> String {
        let mut known = KnownLabels::default();
        for (field, label) in labels {
            known.add(field, [*label]);
        }
        let source = Source::new("f", text.as_bytes());
        match self.format.find_labels(&[source], &self.values, &known, skips_faults) {
            Err(fault) => fault.to_string(),
            Ok(FoundLabels { labels, note }) => {
                let said = if labels == Labels::Required { "labelled" } else { "unlabelled" };
                note.map_or(said.to_owned(), |note| format!("{said}; {note}"))
            }
        }
    }

    /// The file with this label predicted for every token.
    pub(super) fn write(&self, reading: &Reading, field: &str, label: &str) -> Vec<u8> {
        let labels = |example: &Example| vec![label.to_owned(); example.len()];
        self.write_each(reading, field, labels)
    }

    /// The file with its own labels as predictions.
    pub(super) fn write_gold(&self, reading: &Reading, field: &str) -> Vec<u8> {
        let at = reading.corpus.field(field).expect("a field of the format");
        let labels = |example: &Example| -> Vec<String> {
            let symbols = example.symbols(at).expect("a field that is there");
            symbols.iter().map(|&symbol| reading.corpus.lexicons[at].get(symbol).into()).collect()
        };
        self.write_each(reading, field, labels)
    }

    pub(super) fn write_each(
        &self,
        reading: &Reading,
        field: &str,
        labels: impl Fn(&Example) -> Vec<String>,
    ) -> Vec<u8> {
        let is_set =
            reading.corpus.fields.iter().any(|of| of.name == field && of.form == FieldForm::Labels);
        let mut names = Lexicon::default();
        let examples = &reading.read.split.examples;
        let predict = |example: &Example| {
            let ids = labels(example).iter().map(|label| names.intern(label)).collect();
            if is_set { Prediction::LabelSet(ids) } else { Prediction::Classes(ids) }
        };
        let predictions: Vec<Prediction> = examples.iter().map(predict).collect();
        self.write_predictions(reading, field, &names, &predictions).unwrap()
    }

    /// The file with its own values of a field as predictions.
    pub(super) fn write_structures(&self, reading: &Reading, field: &str) -> Vec<u8> {
        let at = reading.corpus.field(field).expect("a field of the format");
        let predict = |example: &Example| match &example.fields[at] {
            Some(FieldValues::Arcs(arcs)) => Prediction::Arcs(arcs.to_vec()),
            Some(FieldValues::Spans(spans) | FieldValues::Answers(spans)) => {
                Prediction::Spans(spans.to_vec())
            }
            Some(FieldValues::Relations(relations)) => Prediction::Relations(relations.to_vec()),
            Some(FieldValues::Label(label)) => Prediction::Classes(vec![*label]),
            Some(FieldValues::Symbols(symbols)) => Prediction::Classes(symbols.clone()),
            _ => Prediction::None,
        };
        let predictions: Vec<Prediction> =
            reading.read.split.examples.iter().map(predict).collect();
        let names = &reading.corpus.lexicons[at];
        self.write_predictions(reading, field, names, &predictions).unwrap()
    }

    pub(super) fn write_predictions(
        &self,
        reading: &Reading,
        field: &str,
        names: &Lexicon,
        predictions: &[Prediction],
    ) -> Result<Vec<u8>, UnwritableError> {
        let (source, examples) = (&reading.source, &reading.read.split.examples);
        let field = FieldPredictions { field, names, predictions, labels: reading.labels };
        self.format.write(source, &self.values, examples, &field)
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.format.name(), self.values)
    }
}

impl Reading {
    /// The names of the fields.
    pub(super) fn fields(&self) -> Vec<&str> {
        self.corpus.fields.iter().map(|field| field.name.as_str()).collect()
    }

    /// Tokens as `form/pos`, joined by a vertical bar, then ` – label`; one string per example.
    pub(super) fn shown(&self) -> Vec<String> {
        self.read.split.examples.iter().map(|example| self.show(example)).collect()
    }

    /// The values of a field as text, whatever their form; one string per example.
    pub(super) fn structures(&self, field: &str) -> Vec<String> {
        let at = self.corpus.field(field).expect("a field of the format");
        let label = |label: &Option<Symbol>| {
            label.map_or(String::new(), |label| format!(":{}", self.string(at, label)))
        };
        let span = |span: &TokenSpan| format!("{}-{}{}", span.start, span.end, label(&span.label));
        let show = |example: &Example| -> Vec<String> {
            match &example.fields[at] {
                Some(FieldValues::Arcs(arcs)) => {
                    let head =
                        |arc: &GraphArc| arc.head.map_or("root".into(), |head| head.to_string());
                    let arc = |arc| format!("{}>{}{}", head(arc), arc.dependent, label(&arc.label));
                    arcs.iter().map(arc).collect()
                }
                Some(FieldValues::Spans(spans) | FieldValues::Answers(spans)) => {
                    spans.iter().map(span).collect()
                }
                Some(FieldValues::Relations(relations)) => {
                    let relation = |relation: &SpanRelation| {
                        let (from, to) = (span(&relation.from), span(&relation.to));
                        format!("{from}>{to}:{}", self.string(at, relation.label))
                    };
                    relations.iter().map(relation).collect()
                }
                Some(FieldValues::Segments(segments)) => {
                    segments.iter().map(ToString::to_string).collect()
                }
                Some(FieldValues::Label(label)) => vec![self.string(at, *label).to_owned()],
                Some(FieldValues::Symbols(symbols)) => {
                    symbols.iter().map(|&symbol| self.string(at, symbol).to_owned()).collect()
                }
                _ => vec!["–".to_owned()],
            }
        };
        self.read.split.examples.iter().map(|example| show(example).join(" ")).collect()
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.read.faults.iter().map(ToString::to_string).collect()
    }

    fn show(&self, example: &Example) -> String {
        let fields: Vec<_> = (0..self.corpus.lexicons.len()).collect();
        let (others, tokens): (Vec<_>, Vec<_>) =
            fields.into_iter().partition(|field| self.has_one(*field));
        let token = |token: usize| -> String {
            let cells = tokens.iter().map(|&field| {
                example.symbol_at(field, token).map_or("–", |symbol| self.string(field, symbol))
            });
            cells.collect::<Vec<_>>().join("/")
        };
        let tokens = (0..example.len()).map(token).collect::<Vec<_>>().join("|");
        let others = others.into_iter().map(|field| match &example.fields[field] {
            Some(FieldValues::Labels(symbols)) => {
                let strings = symbols.iter().map(|&symbol| self.string(field, symbol));
                format!(" – {{{}}}", strings.collect::<Vec<_>>().join(","))
            }
            Some(FieldValues::Label(symbol)) => format!(" – {}", self.string(field, *symbol)),
            _ => " – –".into(),
        });
        tokens + &others.collect::<String>()
    }

    fn has_one(&self, field: usize) -> bool {
        matches!(self.corpus.fields[field].form, FieldForm::Label | FieldForm::Labels)
    }

    fn string(&self, field: usize, symbol: Symbol) -> &str {
        self.corpus.lexicons[field].get(symbol)
    }
}
