//! Losses and predictions against the formula of the module documentation, computed from the scores in f64.

use candle_core::Device;

use super::*;
use crate::{
    data::{Axis, Example, Field, FieldForm, Schema, SplitData},
    kernel::to_vec,
    keys::{Located, Value, Values},
    model::{
        HeadConfig, Parameters, head,
        tap::{Context, LayerSpec, RowKind},
    },
    objective::{
        ObjectiveConfig, ObjectiveKind, ReadSetup, declare::declared, relation::Relation, tag::Tag,
    },
};

const TAGS: [&str; 4] = ["O", "B-person", "B-firm", "B-town"];

/// An example with these tags, and relations between tokens that are entities.
fn example(corpus: &mut Corpus, tags: &[usize], relations: &[(u32, &str, u32)]) -> Example {
    let word = corpus.lexicons[0].intern("x");
    let tag_symbols = tags.iter().map(|&tag| corpus.lexicons[1].intern(TAGS[tag])).collect();
    let bare = |at: u32| TokenSpan { start: at, end: at + 1, label: None };
    let entities = (0..).zip(tags).filter(|(_, tag)| **tag > 0).map(|(at, &tag)| {
        let label = Some(corpus.lexicons[2].intern(&TAGS[tag][2..]));
        TokenSpan { label, ..bare(at) }
    });
    let entities = FieldValues::Spans(entities.collect());
    let relations = relations.iter().map(|&(from, label, to)| SpanRelation {
        from: bare(from),
        to: bare(to),
        label: corpus.lexicons[3].intern(label),
    });
    let relations = FieldValues::Relations(relations.collect());
    let symbols = [vec![word; tags.len()], tag_symbols].map(FieldValues::Symbols);
    let fields = symbols.into_iter().chain([entities, relations]).map(Some).collect();
    Example::of_tokens((1..=tags.len() as u32).collect(), fields)
}

/// Two sentences with relations, one with a single entity, and one without labels.
fn corpus() -> Corpus {
    let field = |name, form| Field::new(name, Axis::Sequence(0), form);
    let fields = vec![
        Field::of_tokens("form"),
        Field::of_tokens("entity"),
        field("entities", FieldForm::Spans),
        field("relations", FieldForm::Relations),
    ];
    let mut corpus = Corpus::of_schema(Schema::of_tokens(fields));
    let first = example(&mut corpus, &[1, 0, 2, 0, 3], &[(0, "works-for", 2), (4, "home-of", 0)]);
    let second = example(&mut corpus, &[3, 1], &[(1, "unseen", 0)]);
    let third = example(&mut corpus, &[0, 1, 0], &[]);
    let mut bare = example(&mut corpus, &[0, 0], &[]);
    bare.fields[1..].fill(None);
    let examples = vec![first, second, third, bare];
    corpus.train = SplitData { examples, file: "t".into(), ..SplitData::default() };
    corpus
}

fn values(entries: &[(&str, Value)]) -> Values {
    let located = |value: &Value| Located::by_default(value.clone());
    Values::new(entries.iter().map(|(key, value)| ((*key).to_owned(), located(value))).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// The values of both tables: of the relations, and of the entities that they read.
fn tables(scorer: &str) -> [Values; 2] {
    let relation = values(&[
        ("label", text("relations")),
        ("spans", text("entities")),
        ("entities", text("entity")),
        ("hidden", Value::Integer(4)),
        ("scorer", text(scorer)),
    ]);
    let entity = values(&[
        ("label", text("entity")),
        ("scheme", text("iob2")),
        ("types", Value::Switch(true)),
        ("invalid_tags", text("repair")),
        ("hidden", Value::Integer(0)),
        ("label_smoothing", Value::Integer(0)),
    ]);
    [relation, entity]
}

const LAYER: LayerSpec = LayerSpec {
    width: 4,
    on: RowKind::Token,
    pooled: RowKind::Example,
    context: Context::BOTH,
    directions: None,
};

/// An extractor for two types of relations, and its parameters.
fn extractor(scorer: &str) -> (Parameters, Extractor) {
    let [relation, entity] = tables(scorer);
    let (taps, read_taps) = ([LAYER, LAYER], [LAYER]);
    let config = Config::of(&declared(&relation, &taps, "pair"));
    let tag = Tag.configure(&declared(&entity, &read_taps, "softmax")).ok().unwrap();
    let [pair, softmax]: [Option<HeadConfig>; 2] = [("pair", &relation), ("softmax", &entity)]
        .map(|(name, values)| head::find(name).map(|head| head.configure(values)));
    let corpus = corpus();
    let mut seen = corpus.clone();
    // The unseen type is not in train.
    seen.train.examples.remove(1);
    let (fitted, of_tag) = (config.fit(&[&seen]), tag.fit(&[&corpus]));
    let read = ReadSetup {
        name: "entity",
        owner: "objective.entity".to_owned(),
        config: tag.as_ref(),
        head: softmax.as_ref(),
        taps: &read_taps,
        fitted: &of_tag,
    };
    let mut parameters = Parameters::new(3, &Device::Cpu).unwrap();
    let setup = ObjectiveSetup {
        name: "relation",
        head: pair.as_ref(),
        taps: &taps,
        fitted: &fitted,
        reads: &[read],
        decoders: &[],
        scope: parameters.scope("objective.relation"),
    };
    let mut extractor = Extractor::new(&config, setup).unwrap();
    extractor.attach(0, &corpus);
    (parameters, extractor)
}

fn batch() -> Batch {
    let corpus = corpus();
    Batch::new(0, &corpus, &corpus.train, &[0, 1, 2, 3])
}

/// Rows of a tap for the batch, different for each token.
fn tap(batch: &Batch) -> Rows {
    let packing = batch.sequence(0);
    let n = packing.n_rows();
    let values: Vec<f32> = (0..4 * n).map(|at| ((at * 7) % 11) as f32 / 5.0 - 1.0).collect();
    Rows::new(Tensor::from_vec(values, (n, 4), &Device::Cpu).unwrap(), packing)
}

/// The classes are none, home-of forwards and back, works-for forwards and back.
#[test]
fn the_loss_is_a_softmax_over_no_relation_and_each_type_in_both_directions() {
    for scorer in ["biaffine", "mlp"] {
        let (_, extractor) = extractor(scorer);
        let (batch, names) = (batch(), extractor.class_names());
        assert_eq!(names.iter().take(2).collect::<Vec<_>>(), ["home-of", "works-for"]);
        let tap = tap(&batch);
        let rows = extractor.pairs.rows(&tap.tensor, &[&tap.tensor]).unwrap();
        let of = |example: usize, earlier: usize, later: usize, class: usize| -> f64 {
            let at = batch.sequence(0).rows_of_example(example);
            let pair = (vec![at[earlier] as u32], vec![at[later] as u32]);
            let scores = to_vec(&extractor.pairs.some(&rows, pair.0, pair.1).unwrap()).unwrap();
            assert_eq!(scores.len(), 5);
            let sum: f64 = scores.iter().map(|&s| f64::from(s).exp()).sum();
            sum.ln() - f64::from(scores[class])
        };
        let wanted = of(0, 0, 2, 3) + of(0, 0, 4, 2) + of(0, 2, 4, 0);
        let taps = [tap.clone(), tap];
        let loss = extractor.loss(&taps, &batch).unwrap().unwrap();
        assert_eq!(loss.count, 7, "tokens of the sentences with two entities");
        let found = to_vec(&loss.per_example).unwrap();
        assert!((f64::from(found[0]) - wanted).abs() < 1e-5, "{scorer}: {found:?}, {wanted}");
        assert!(found[1..].iter().all(|loss| loss.abs() < f32::EPSILON), "nothing to learn");
        let evaluated = extractor.evaluate(&taps, &batch).unwrap().loss.unwrap();
        assert_eq!(to_vec(&evaluated.per_example).unwrap(), found);
    }
}

fn set(parameters: &Parameters, name: &str, values: &[f32]) {
    let parameter = parameters.all().iter().find(|it| it.name == name).unwrap();
    let values = Tensor::from_slice(values, parameter.var.shape(), &Device::Cpu).unwrap();
    parameter.var.set(&values).unwrap();
}

#[test]
fn predicted_entities_are_paired_and_gold_relations_have_the_types_of_their_entities() {
    let (parameters, extractor) = extractor("mlp");
    // The largest element of a row is the class of its tag, and every pair is of the class 2: home-of, back.
    let identity: Vec<f32> = (0..16).map(|at| f32::from(u8::from(at % 5 == 0))).collect();
    set(&parameters, "objective.entity.output.weight", &identity);
    set(&parameters, "objective.relation.pair.output.bias", &[0.0, 0.0, 99.0, 0.0, 0.0]);
    let batch = batch();
    let tags = extractor.entities.class_names();
    // In batch order, by length. Of the first sentence a person and a town are found, of the third only a person.
    let predicted: [&[&str]; 4] =
        [&["B-person", "O", "O", "O", "B-town"], &["O", "O", "O"], &["O", "B-person"], &["O", "O"]];
    let packing = batch.sequence(0);
    let mut rows = vec![0f32; 4 * packing.n_rows()];
    for (example, of_example) in predicted.iter().enumerate() {
        for (row, tag) in packing.rows_of_example(example).into_iter().zip(*of_example) {
            rows[4 * row + tags.symbol(tag).unwrap() as usize] = 1.0;
        }
    }
    let rows = Tensor::from_vec(rows, (packing.n_rows(), 4), &Device::Cpu).unwrap();
    let taps = [tap(&batch), Rows::new(rows, packing)];
    let evaluation = extractor.evaluate(&taps, &batch).unwrap();
    let names = extractor.class_names();
    let span =
        |at: u32, kind: &str| TokenSpan { start: at, end: at + 1, label: names.symbol(kind) };
    let relation =
        |from, label: &str, to| SpanRelation { from, to, label: names.symbol(label).unwrap() };
    let (person, firm, town) = (span(0, "person"), span(2, "firm"), span(4, "town"));
    let none = || Prediction::Relations(Vec::new());
    let found = Prediction::Relations(vec![relation(town, "home-of", person)]);
    assert_eq!(evaluation.predictions, [found, none(), none(), none()]);
    let first = [relation(person, "works-for", firm), relation(town, "home-of", person)];
    let third = [relation(span(1, "person"), "unseen", span(0, "town"))];
    let gold = |relations: &[SpanRelation]| Gold::Relations(relations.to_vec());
    assert_eq!(evaluation.gold, [gold(&first), gold(&[]), gold(&third), Gold::None]);
    // Pairs of gold entities: three of the first sentence, and one whose type is never predicted.
    let (Gold::Classes { classes, .. }, Prediction::Classes(predicted)) =
        &evaluation.scored_only[0]
    else {
        panic!("classes")
    };
    assert_eq!(*classes, [3, 2, 0, 5].map(Some));
    assert_eq!(*predicted, [2; 4]);
}

#[test]
fn a_relation_of_spans_that_are_no_entities_is_a_fault() {
    let [relation, _] = tables("mlp");
    let config = Relation.configure(&declared(&relation, &[LAYER], "pair")).ok().unwrap();
    let mut corpus = corpus();
    assert!(config.check_corpus(&corpus).of_examples.is_empty());
    let wrong = example(&mut corpus, &[1, 0, 3], &[(0, "home-of", 1)]);
    corpus.train.examples = vec![wrong];
    let check = config.check_corpus(&corpus);
    let (_, fault) = &check.of_examples[0];
    assert_eq!((check.of_examples.len(), fault.line), (1, 2));
    assert_eq!(
        fault.what,
        "the relation \"home-of\" of \"relations\" has the tokens from 1 to 2, expected an entity of \"entities\""
    );
    let bare = example(&mut corpus, &[1, 0, 3], &[]);
    corpus.train.examples = vec![bare];
    assert_eq!(config.check_corpus(&corpus).of_corpus.len(), 1, "no relation in train");
}
