//! Corpora of each format: read with labels and without, recognized as one or the other, and written
//! with predictions of each kind.

use std::fs;

use auxdesk::{
    data::{
        Corpus, Example, Lexicon, Prediction,
        load::{load_input, open},
        prediction::{FieldPredictions, ScoredText},
        read::{FORMATS, KnownLabels, Labels, Read, Source, SourceFolder},
        structure::{GraphArc, SpanRelation, TokenSpan},
    },
    recipe::{CorpusSpec, Overrides, RecipeSource, load, load_without_files, shipped},
};

use super::fuzz;

/// Corpora in layouts that no shipped recipe has.
const LAYOUTS: &str = r##"name = "layouts"
[train]
steps = 1
[[corpus]]
name = "entities"
format = "columns"
columns = ["form", "_", "tag"]
comment = "#"
unlabelled = "_"
strip_prefix = "en:"
train = "x"
[[corpus]]
name = "latin"
format = "columns"
columns = ["form", "tag"]
separator = "space"
encoding = "cp1252"
train = "x"
[[corpus]]
name = "spaced"
format = "table"
columns = ["label", "text"]
separator = "space"
invalid_bytes = "replace"
names = { label = ["negative", "positive"] }
train = "x"
[[corpus]]
name = "quoted"
format = "table"
columns = ["text", "_", "label", "topics"]
sets = ["topics"]
separator = "comma"
header = "skip"
comment = ";"
tokens = "words"
train = "x"
[[corpus]]
name = "aligned"
format = "parallel"
fields = ["label", "words", "tags", "other"]
tags = ["tags"]
labels = ["label"]
train = ["x", "x", "x", "x"]
[[corpus]]
name = "articles"
format = "document"
train = "x/{label}/*.txt"
sentence_ends = ["."]
[[corpus]]
name = "summarized"
format = "document"
sentences = true
summaries = true
tokens = "words"
train = ["x/{label}/*.txt", "y/{label}/*.txt"]
[[corpus]]
name = "objects"
format = "jsonl"
text = ["text", "title"]
tags = ["pos"]
labels = ["label"]
sets = ["topics"]
numbers = ["score"]
arcs = ["arcs"]
spans = ["spans"]
relations = ["relations"]
raw = ["raw"]
tokens = "words"
train = "x"
[[corpus]]
name = "graphs"
format = "sdp"
graphs = ["dm", "psd"]
train = ["x", "x"]
[[corpus]]
name = "marked"
format = "semeval"
max_distance = 2
train = "x"
[[corpus]]
name = "related"
format = "relations"
train = "x"
[[corpus]]
name = "stories"
format = "babi"
max_sentences = 2
train = "x"
[[corpus]]
name = "passages"
format = "squad"
sentence_ends = ["."]
train = "x"
[[corpus]]
name = "annotated"
format = "brat"
train = ["x", "x"]
[[corpus]]
name = "tale"
format = "book"
make = "connective"
train = "x"
[[corpus]]
name = "tales"
format = "book"
make = "next"
train = "x"
[[corpus]]
name = "searched"
format = "smart"
query_numbers = "ordinal"
relevance = { "1" = 2, "-1" = 0 }
train = ["x", "x", "x"]
[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 2
[[objective]]
name = "tag"
role = "main"
kind = "tag"
corpus = "entities"
label = "tag"
tap = "words"
"##;

/// A file for each of them; the files of several fields are separated by a byte 1e.
const FILES: [&str; 17] = [
    "#\thttp://example.org [2009-10-17]\n-DOCSTART- -X- O O\n\nen:EU NNP B-ORG\nen:rejects VBZ _\n\n\
     # a comment\nen:Peter NNP I-PER\nen:. . O\n",
    "Caf\u{e9} B-LOC\nof O\n\nThe O\nnew O\none O\n",
    "1 a good film\n0 a bad film\n1 good\n",
    "text,id,label,topics\n\"a \"\"good\"\"\nfilm\",1,pos,a|b\n; a comment\nbad,2,neg,\n",
    "pos\nneg\n\x1egood film .\nbad film\n\x1eJ N .\nJ N\n\x1ebon film\nmauvais film .\n",
    "A title\n\nOne text . And another .\n",
    "A title\n\nMr. Low rose 3.5 %.\r\nTwo fell! Three\nheld.\n\x1eThree held.Mr. Low rose 3.5 %.\n",
    "{\"text\": \"a b\", \"title\": [\"c\"], \"pos\": [\"N\", \"V\"], \"label\": 1, \"topics\": [\"x\"], \
     \"score\": [0.5, 1], \"arcs\": [[0, 1, \"root\"], [1, 2]], \"spans\": [[0, 2, \"NP\"]], \
     \"relations\": [[[0, 1], [1, 2], \"r\"]], \"raw\": \"SELECT 1\"}\n{\"text\": \"d\", \"title\": \"e\"}\n",
    "#SDP 2015\n#s1\n1\tCats\tcat\tN\t-\t-\tn\tARG1\t_\n2\tsleep\tsleep\tV\t+\t+\tv\t_\tX\n\
     3\twell\twell\tR\t-\t+\t_\tloc\t_\n\n#s2\n1\tGo\t_\tV\t-\t-\t_\n\n\x1e\
     #s2\n1\tGo\tgo\tV\t+\t-\tev\n\n#s1\n1\tCats\tcat\tN\t-\t-\t_\tACT\n2\tsleep\tsleep\tV\t+\t+\tev\t_\n\
     3\twell\twell\tR\t-\t-\t_\tMANN\n",
    "1\t\"The <e1>storm</e1> damaged the <e2>old bridge</e2>.\"\r\nCause-Effect(e1,e2)\r\nComment: a\r\n\r\n\
     2\t\"A <e2>tree</e2> in the <e1>park</e1>.\"\r\nOther\r\n",
    "#doc 1\n0\tAda\tB-Peop\t['Live_In', 'Work_For']\t[4, 2]\n1\tleft\tO\t['N']\t[1]\n\
     2\tKew\tB-Org\t['OrgBased_In']\t[4]\n3\tin\tO\t['N']\t[3]\n4\tOslo\tI-Loc\t['N']\t[4]\n\
     #doc 2\n0\tGo\tO\t['N']\t[0]\n",
    "1 Ada sat.\n2 Ben ran home.\n3 Who sat? \tAda\t1\n4 Cy sang.\n5 Who ran?\tBen\t2\n1 Di ran.\n2 Did Di run?\tyes\t1\n",
    "{\"data\": [{\"paragraphs\": [{\"context\": \"It opened in 1912. It is caf\\u00e9 9.\", \"qas\": [\n\
     {\"id\": \"a\", \"question\": \"When?\", \"answers\": [{\"text\": \"1912\", \"answer_start\": 13}]},\n\
     {\"id\": \"b\", \"question\": \"Which?\", \"answers\": [{\"text\": \"9\", \"answer_start\": 30}]},\n\
     {\"id\": \"c\", \"question\": \"Why?\", \"answers\": []}]}]}]}\n",
    "Ada bakes rye bread.\nIt is bread.\n\x1eT1\tPerson 0 3\tAda\nT2\tFood 10 19\trye bread\n\
     T3\tFood 14 19\tbread\nR1\tMakes Arg1:T1 Arg2:T2\t\n*\tEquiv T3 T4\nT4\tFood 27 32\tbread\n",
    "CHAPTER I\n\nAda sat by the\nriver. However, Cy slept! \"Why?\" said Mr. Low. Then it rained.\n",
    "One is. Two is. Three is. Four is.\nFive is. Six is. Seven is. Eight is.\n\nCHAPTER II\n\nNine is.\n",
    ".I 001\r\n.W\r\nwhere do kites fly\r\n.I 007\r\n.W\r\nwhen do harbours freeze\r\n\x1e\
     .I 1\n.T\nthe kite\n.A\nthe editor\n.W\nthe kite climbs\n.I 2\n.W\nice\n\x1e1 1 1 \n1 2 -1\n2 2 1",
];

/// A corpus with the start of its training file.
struct Input {
    spec: CorpusSpec,
    bytes: Vec<u8>,
    /// Its folder.
    folder: SourceFolder,
    /// The labels in that file.
    known: KnownLabels,
}

impl Input {
    fn new(spec: CorpusSpec, bytes: Vec<u8>, folder: SourceFolder) -> Self {
        let mut input = Self { spec, bytes, folder, known: KnownLabels::default() };
        let (corpus, read) = input.read(&input.bytes, Labels::Required);
        assert_eq!((&read.faults, read.is_unusable), (&Vec::new(), false), "{}", input.spec.name);
        for (field, lexicon) in corpus.fields.iter().zip(&corpus.lexicons).skip(1) {
            input.known.add(&field.name, lexicon.iter());
        }
        input
    }

    /// The files with labels, or those of the texts only.
    fn sources(&self, bytes: &[u8], labels: Labels) -> Vec<Source> {
        let n_files = self.spec.format.aligned(&self.spec.values).len().max(1);
        let folder = || self.folder.clone();
        let source = |bytes: &[u8]| Source { folder: folder(), ..Source::new("fuzz", bytes) };
        if n_files == 1 {
            return vec![source(bytes)];
        }
        let mut files: Vec<Source> = bytes.split(|&byte| byte == 0x1e).map(source).collect();
        files.resize(n_files, source(b""));
        if labels == Labels::Absent {
            files.truncate(self.spec.schema.sequences.len());
        }
        files
    }

    fn read(&self, bytes: &[u8], labels: Labels) -> (Corpus, Read) {
        load_input(&self.spec.load(), &self.sources(bytes, labels), labels)
    }
}

fn inputs() -> Vec<Input> {
    let mut inputs = Vec::new();
    for (name, _) in shipped::RECIPES {
        let recipe = load(&RecipeSource::Shipped(name), &Overrides::default()).unwrap();
        for spec in recipe.corpora {
            let train = spec.load().train;
            let source = open(&train[0], spec.format, &shipped::samples()).unwrap();
            if spec.format.name() == "parallel" {
                // The first lines of each file.
                let files = train.iter().map(|file| {
                    let source = open(file, spec.format, &shipped::samples()).unwrap();
                    let text = String::from_utf8_lossy(&source.bytes).into_owned();
                    text.split_inclusive('\n').take(20).collect::<String>()
                });
                let text = files.collect::<Vec<_>>().join("\x1e");
                inputs.push(Input::new(spec, text.into(), source.folder));
                continue;
            }
            // Whole sentences.
            let text = String::from_utf8_lossy(&source.bytes[..source.bytes.len().min(1500)]);
            let end = text.rfind("\n\n").or(text.rfind("\n#doc")).or(text.rfind('\n')).unwrap();
            inputs.push(Input::new(spec, text[..=end].into(), source.folder));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    fs::write(&path, LAYOUTS).unwrap();
    let recipe = load_without_files(&RecipeSource::File(path), &Overrides::default());
    let recipe = recipe.unwrap_or_else(|faults| panic!("{faults}"));
    let layouts = recipe.corpora.into_iter().zip(FILES);
    inputs.extend(layouts.map(|(spec, file)| {
        let bytes = if spec.name == "latin" {
            file.chars().map(|char| char as u8).collect()
        } else {
            file.into()
        };
        Input::new(spec, bytes, SourceFolder::Unknown)
    }));
    for format in FORMATS {
        let is_there = inputs.iter().any(|input| input.spec.format.name() == format.name());
        assert!(is_there, "no corpus of format {}", format.name());
    }
    inputs
}

#[test]
fn readers_of_corpora_do_not_panic() {
    let inputs = inputs();
    let files: Vec<Vec<u8>> = inputs.iter().map(|input| input.bytes.clone()).collect();
    let mut n_decided = [0, 0];
    fuzz("corpora", 8000, &files, |file, bytes| {
        let input = &inputs[file];
        let spec = &input.spec;
        for known in [&input.known, &KnownLabels::default()] {
            for skips_faults in [false, true] {
                for files in [Labels::Required, Labels::Absent] {
                    let sources = input.sources(bytes, files);
                    let found =
                        spec.format.find_labels(&sources, &spec.values, known, skips_faults);
                    n_decided[usize::from(found.is_ok())] += 1;
                }
            }
        }
        for labels in [Labels::Required, Labels::Absent] {
            let _ = input.read(bytes, labels);
        }
    });
    assert!(n_decided.iter().all(|&n| n > 1000), "refused and decided: {n_decided:?}");
}

/// Predictions for an example, one of each kind.
fn predictions(example: &Example) -> Vec<Prediction> {
    let n = example.len() as u32;
    let span = |start, end| TokenSpan { start, end, label: Some(end % 3) };
    let arc = |dependent: u32| GraphArc {
        head: dependent.checked_sub(1),
        dependent,
        label: dependent.is_multiple_of(2).then_some(1),
    };
    let relation = SpanRelation { from: span(0, 1), to: span(0, n), label: 2 };
    let first_tokens = example.lines().count() as u32;
    vec![
        Prediction::Classes((0..n).map(|at| at % 3).collect()),
        Prediction::Classes(vec![1]),
        Prediction::LabelSet(vec![0, 2]),
        Prediction::LabelSet(Vec::new()),
        Prediction::Numbers((0..n).map(|at| at as f32 / 3.0).collect()),
        Prediction::Arcs((0..first_tokens).map(arc).collect()),
        Prediction::Spans((0..n).map(|at| span(at / 2, at + 1)).collect()),
        Prediction::Relations(vec![relation]),
        Prediction::Texts(vec![ScoredText { text: "a\t\"b\"\n".to_owned(), score: -0.5 }]),
        Prediction::Ranking(vec![0.5, -1.0]),
        Prediction::Vector(vec![1.5, -2.0]),
        Prediction::None,
    ]
}

#[test]
fn predictions_are_written_into_any_input_that_is_read() {
    let inputs = inputs();
    let files: Vec<Vec<u8>> = inputs.iter().map(|input| input.bytes.clone()).collect();
    let names: Lexicon = ["B-\u{e9}", "a,\"b\"", "I-PER"].into_iter().collect();
    let (mut n_written, mut n_refused) = (0, 0);
    fuzz("predictions", 4000, &files, |file, bytes| {
        let spec = &inputs[file].spec;
        for labels in [Labels::Required, Labels::Absent] {
            let (corpus, mut read) = inputs[file].read(bytes, labels);
            // As where an example lacks an input.
            if read.split.examples.len() > 2 {
                read.split.examples.remove(1);
            }
            let all: Vec<_> = read.split.examples.iter().map(predictions).collect();
            let n_kinds = all.first().map_or(0, Vec::len);
            let fields = corpus.fields.iter().map(|field| field.name.as_str());
            for (at, field) in fields.chain(["", "new"]).enumerate() {
                // Each kind in its turn, and none for some examples.
                for kind in (0..n_kinds).filter(|kind| (kind + at + bytes.len()) % 3 == 0) {
                    let of = |(example, all): (usize, &Vec<Prediction>)| {
                        if example % 5 == 4 { Prediction::None } else { all[kind].clone() }
                    };
                    let predictions: Vec<_> = all.iter().enumerate().map(of).collect();
                    let predicted = FieldPredictions {
                        field,
                        names: &names,
                        predictions: &predictions,
                        labels,
                    };
                    let source = &inputs[file].sources(bytes, labels)[0];
                    match spec.format.write(source, &spec.values, &read.split.examples, &predicted)
                    {
                        Ok(_) => n_written += 1,
                        Err(error) => {
                            n_refused += 1;
                            assert!(error.to_string().contains("has no place for"));
                        }
                    }
                }
            }
        }
    });
    assert!(n_written > 10_000 && n_refused > 10_000, "{n_written} written, {n_refused} refused");
}
