//! The loss of examples with a vector, the checks of a corpus, and predictions.

use candle_core::{Device, Tensor};

use super::*;
use crate::{
    data::{Axis, Field, FieldForm, Packing, Schema, SplitData},
    kernel::to_vec,
    keys::{Located, Value, Values},
    model::{
        Parameters, head,
        tap::{Context, LayerSpec, RowKind},
    },
    objective::declared,
};

/// Texts with these vectors.
fn corpus(vectors: &[Option<&[f32]>]) -> Corpus {
    let fields =
        vec![Field::of_tokens("text"), Field::new("picture", Axis::Example, FieldForm::Numbers)];
    let mut corpus = Corpus::of_schema(Schema::of_tokens(fields));
    let word = corpus.lexicons[0].intern("x");
    let example = |(line, vector): (u32, Option<&[f32]>)| {
        let vector = vector.map(|vector| FieldValues::Numbers(vector.into()));
        Example::of_tokens(vec![line], vec![Some(FieldValues::Symbols(vec![word])), vector])
    };
    let examples = (1..).zip(vectors.iter().copied()).map(example).collect();
    corpus.train = SplitData { examples, file: "train".into(), ..SplitData::default() };
    corpus
}

fn values(distance: &str) -> Values {
    let entries = [
        ("label", Value::Text("picture".to_owned())),
        ("hidden", Value::Integer(0)),
        ("activation", Value::Text("tanh".to_owned())),
        ("distance", Value::Text(distance.to_owned())),
        ("margin", Value::Number(0.1)),
    ];
    let entries = entries.map(|(key, value)| (key.to_owned(), Located::by_default(value)));
    Values::new(entries.into_iter().collect())
}

const LAYER: [LayerSpec; 1] = [LayerSpec {
    width: 3,
    on: RowKind::Example,
    pooled: RowKind::Example,
    context: Context::BOTH,
    directions: None,
}];

fn config(values: &Values) -> Box<dyn ObjectiveConfig> {
    AlignedVector.configure(&declared(values, &LAYER, "vector")).ok().unwrap()
}

fn built(distance: &str, corpus: &Corpus) -> Result<(Parameters, Box<dyn Objective>)> {
    let values = values(distance);
    let config = config(&values);
    let mut parameters = Parameters::new(7, &Device::Cpu)?;
    let head = head::find("vector").map(|head| head.configure(&values));
    let mut objective = config.build(ObjectiveSetup {
        name: "picture",
        head: head.as_ref(),
        taps: &LAYER,
        fitted: &config.fit(&[corpus]),
        reads: &[],
        decoders: &[],
        scope: parameters.scope("objective.picture"),
    })?;
    objective.attach(0, corpus);
    Ok((parameters, objective))
}

fn taps() -> Result<[Rows; 1]> {
    let x = Tensor::new(
        &[[0.5f32, -1.0, 0.2], [0.25, 0.75, -0.4], [2.0, 1.0, 0.0], [-0.3, 0.1, 0.9]],
        &Device::Cpu,
    )?;
    Ok([Rows::new(x, &Packing::of_examples(4).into())])
}

#[test]
fn the_loss_is_that_of_the_examples_with_a_vector() -> Result<()> {
    let corpus = corpus(&[Some(&[0.5, -0.5]), None, Some(&[1.0, 0.25]), Some(&[0.0, 1.0])]);
    let (parameters, objective) = built("squared", &corpus)?;
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1, 2, 3]);
    let (taps, evaluated) = (taps()?, objective.evaluate(&taps()?, &batch)?);
    let loss = objective.loss(&taps, &batch)?.expect("three examples have a vector");
    let weight = to_vec(&parameters.all()[0].var)?;
    assert_eq!(parameters.all()[0].name, "objective.picture.output.weight");
    let (x, found) = (to_vec(&taps[0].tensor)?, to_vec(&loss.per_example)?);
    let gold = [Some([0.5, -0.5]), None, Some([1.0, 0.25]), Some([0.0, 1.0])];
    for (example, gold) in gold.iter().enumerate() {
        let predicted: Vec<f32> = (0..2)
            .map(|d| (0..3).map(|at| x[example * 3 + at] * weight[at * 2 + d]).sum::<f32>().tanh())
            .collect();
        let squares = |gold: &[f32; 2]| {
            gold.iter().zip(&predicted).map(|(y, p)| (p - y).powi(2)).sum::<f32>()
        };
        let wanted = gold.as_ref().map_or(0.0, |gold| squares(gold) / 2.0);
        assert!((found[example] - wanted).abs() < 1e-5, "{found:?}, {wanted}");
        let Prediction::Vector(vector) = &evaluated.predictions[example] else {
            panic!("a vector")
        };
        assert!(vector.iter().zip(&predicted).all(|(a, b)| (a - b).abs() < 1e-5));
        let wanted = gold.map_or(Gold::None, |gold| Gold::Vector(gold.into()));
        assert_eq!(evaluated.gold[example], wanted);
    }
    assert_eq!(loss.count, 3);
    assert_eq!(found, to_vec(&evaluated.loss.unwrap().per_example)?);
    Ok(())
}

/// An example without a vector is no negative.
#[test]
fn a_margin_is_over_the_examples_with_a_vector() -> Result<()> {
    let all = corpus(&[Some(&[0.5, -0.5]), None, Some(&[1.0, 0.25]), None]);
    let (_, objective) = built("margin", &all)?;
    let batch = Batch::new(0, &all, &all.train, &[0, 1, 2, 3]);
    let with = to_vec(&objective.loss(&taps()?, &batch)?.unwrap().per_example)?;
    let x = taps()?[0].tensor.index_select(&Tensor::new(&[0u32, 2], &Device::Cpu)?, 0)?;
    let batch = Batch::new(0, &all, &all.train, &[0, 2]);
    let two = [Rows::new(x, &Packing::of_examples(2).into())];
    let without = to_vec(&objective.loss(&two, &batch)?.unwrap().per_example)?;
    assert_eq!([with[0], with[2]], without[..]);
    assert_eq!([with[1], with[3]], [0.0; 2]);
    let none = corpus(&[None; 4]);
    let batch = Batch::new(0, &none, &none.train, &[0, 1, 2, 3]);
    assert!(objective.loss(&taps()?, &batch)?.is_none());
    Ok(())
}

#[test]
fn vectors_of_another_dimension_and_a_corpus_without_any_are_faults() {
    let what = |vectors: &[Option<&[f32]>]| -> Vec<String> {
        let check = config(&values("squared")).check_corpus(&corpus(vectors));
        let examples = check.of_examples.into_iter().map(|(_, fault)| fault);
        examples.chain(check.of_corpus).map(|fault| fault.to_string()).collect()
    };
    let other =
        "train:3: expected a vector of dimension 2 in \"picture\", as in train:2, found one of 1";
    assert_eq!(what(&[None, Some(&[1.0, 2.0]), Some(&[1.0])]), [other]);
    let none =
        "train:1: from here on no example of train has a \"picture\"; expected one vector at least";
    assert_eq!(what(&[None, None]), [none]);
}
