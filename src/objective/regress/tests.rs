//! Losses of numbers and of their steps worked by hand, gradients, and what is refused.

use candle_core::{Device, Tensor, Var};

use super::*;
use crate::{
    data::{Batch, Example, Field, FieldValues, Prediction, Schema, SplitData},
    kernel::{Gradient, to_vec},
    keys::{Located, Value, Values},
    metric::{Gold, Scores},
    model::{
        Parameters, Rows,
        tap::{Context, LayerSpec, RowKind},
    },
    objective::declared,
};

/// Phrases of tokens with a pitch and a voicing each, on consecutive lines.
fn corpus(phrases: &[&[(&str, &str)]]) -> Corpus {
    let mut corpus = Corpus::of_schema(Schema::of_tokens(
        ["phoneme", "pitch", "voicing"].map(Field::of_tokens).into(),
    ));
    let mut line = 0;
    let mut example = |phrase: &&[(&str, &str)]| {
        let lines = phrase.iter().map(|_| {
            line += 1;
            line
        });
        let lines = lines.collect();
        let symbols = |field: usize, corpus: &mut Corpus| {
            let text = |token: &(&str, &str)| [token.0, token.0, token.1][field].to_owned();
            let symbols = phrase.iter().map(|token| corpus.lexicons[field].intern(&text(token)));
            Some(FieldValues::Symbols(symbols.collect()))
        };
        let fields = (0..3).map(|field| symbols(field, &mut corpus)).collect();
        Example::of_tokens(lines, fields)
    };
    let examples = phrases.iter().map(&mut example).collect();
    corpus.train = SplitData { examples, file: "train".into(), ..SplitData::default() };
    corpus
}

/// Pitch where a token is voiced: 1, 3, 5 of the first phrase, 3 of the second, whose mean is 3 and variance 2.
const PHRASES: [&[(&str, &str)]; 2] =
    [&[("1", "yes"), ("3", "yes"), ("9", "no"), ("5", "yes")], &[("3", "yes"), ("none", "no")]];

fn values(target: &str, distance: &str, others: &[(&str, &str)]) -> Values {
    let entries = [
        ("label", Value::Text("pitch".to_owned())),
        ("target", Value::Text(target.to_owned())),
        ("hidden", Value::Integer(0)),
        ("activation", Value::Text("none".to_owned())),
        ("distance", Value::Text(distance.to_owned())),
        ("margin", Value::Number(0.1)),
    ];
    let others = others.iter().map(|(key, text)| (*key, Value::Text((*text).to_owned())));
    let entries = entries.into_iter().chain(others);
    let entries = entries.map(|(key, value)| (key.to_owned(), Located::by_default(value)));
    Values::new(entries.collect())
}

const VOICED: &[(&str, &str)] = &[("where", "voicing"), ("equals", "yes")];

fn layer() -> [LayerSpec; 1] {
    let (on, pooled, context) = (RowKind::Token, RowKind::Example, Context::BOTH);
    [LayerSpec { width: 1, on, pooled, context, directions: None }]
}

fn configured(values: &Values) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
    Regress.configure(&declared(values, &layer(), "vector"))
}

/// With the identity as its head.
fn built(values: &Values, corpus: &Corpus) -> Result<(Box<dyn Objective>, Parameters)> {
    let config = configured(values).ok().unwrap();
    let mut parameters = Parameters::new(7, &Device::Cpu)?;
    let head = head::find("vector").map(|head| head.configure(values));
    let mut objective = config.build(ObjectiveSetup {
        name: "pitch",
        head: head.as_ref(),
        taps: &layer(),
        fitted: &config.fit(&[corpus]),
        reads: &[],
        decoders: &[],
        scope: parameters.scope("objective.pitch"),
    })?;
    objective.attach(0, corpus);
    parameters.all()[0].var.set(&Tensor::new(&[[1f32]], &Device::Cpu)?)?;
    Ok((objective, parameters))
}

/// The standardized prediction of each token of [`PHRASES`], phrase by phrase: by position in a batch.
fn rows(batch: &Batch, predicted: [f32; 6]) -> Result<Rows> {
    let [a, b, c, d, e, f] = predicted;
    let x = Tensor::new(&[[a], [e], [b], [f], [c], [d]], &Device::Cpu)?;
    Ok(Rows::new(x, batch.sequence(0)))
}

const PREDICTED: [f32; 6] = [0.0, 1.0, 7.0, 1.5, -0.5, 4.0];

#[track_caller]
fn assert_near(found: &[f32], wanted: &[f32]) {
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-5, "{found}, expected {wanted}");
    }
}

fn metrics(objective: &dyn Objective, evaluation: &super::super::Evaluation) -> Scores {
    let mut scorer = objective.scorer();
    evaluation.score(scorer.as_mut());
    let mut scores = Scores::default();
    scorer.finish(&mut scores);
    scores
}

#[test]
fn a_loss_of_numbers_by_hand_and_predictions_in_their_unit() -> Result<()> {
    let corpus = corpus(&PHRASES);
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
    let taps = [rows(&batch, PREDICTED)?];
    // Standardized: (1 − 3) / √2, 0, √2 and 0.
    let s = 2f32.sqrt();
    for (distance, d) in
        [("absolute", (|by: f32| by.abs()) as fn(f32) -> f32), ("squared", |by| by * by)]
    {
        let (objective, _parameters) = built(&values("value", distance, VOICED), &corpus)?;
        let loss = objective.loss(&taps, &batch)?.expect("four tokens are voiced");
        assert_eq!(loss.count, 4);
        assert_near(&to_vec(&loss.per_example)?, &[d(s) + d(1.0) + d(1.5 - s), d(0.5)]);
        let evaluation = objective.evaluate(&taps, &batch)?;
        let evaluated = evaluation.loss.as_ref().expect("four tokens are voiced");
        assert_eq!(to_vec(&evaluated.per_example)?, to_vec(&loss.per_example)?);
        let Prediction::Numbers(predicted) = &evaluation.predictions[0] else { panic!("numbers") };
        assert_near(predicted, &[3.0, 3.0 + s, 3.0 + 7.0 * s, 3.0 + 1.5 * s]);
        let gold = Gold::Numbers(vec![Some(1.0), Some(3.0), None, Some(5.0)]);
        assert_eq!(evaluation.gold, [gold, Gold::Numbers(vec![Some(3.0), None])]);
        let scores = metrics(objective.as_ref(), &evaluation);
        let wanted = f64::from(2.0 + s + (1.5 * s - 2.0) + 0.5 * s) / 4.0;
        assert!((scores.metrics[0].1 - wanted).abs() < 1e-6, "{scores:?}");
        assert_eq!(scores.metrics[0].0, "mae");
        assert_eq!(scores.metrics[1].0, "pearson");
    }
    Ok(())
}

/// Only the first two tokens are neighbours with a number each: a step of 2, predicted as √2.
#[test]
fn a_loss_of_steps_by_hand() -> Result<()> {
    let corpus = corpus(&PHRASES);
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
    let taps = [rows(&batch, PREDICTED)?];
    let (objective, _parameters) = built(&values("step", "absolute", VOICED), &corpus)?;
    let loss = objective.loss(&taps, &batch)?.expect("two voiced tokens are neighbours");
    let s = 2f32.sqrt();
    assert_eq!(loss.count, 1);
    assert_near(&to_vec(&loss.per_example)?, &[s - 1.0, 0.0]);
    let evaluation = objective.evaluate(&taps, &batch)?;
    assert_eq!(evaluation.gold, [Gold::Numbers(vec![Some(2.0), None, None]), Gold::None]);
    let Prediction::Numbers(predicted) = &evaluation.predictions[0] else { panic!("steps") };
    assert_near(predicted, &[s, 6.0 * s, -5.5 * s]);
    let scores = metrics(objective.as_ref(), &evaluation);
    // The correlation of one pair is undefined.
    let [("mae", error)] = scores.metrics[..] else { panic!("{scores:?}") };
    assert!((error - f64::from(2.0 - s)).abs() < 1e-6);

    let alone = Batch::new(0, &corpus, &corpus.train, &[1]);
    let x = Tensor::new(&[[1f32], [2.0]], &Device::Cpu)?;
    let taps = [Rows::new(x, alone.sequence(0))];
    assert!(objective.loss(&taps, &alone)?.is_none());
    Ok(())
}

/// With respect to the rows and to every parameter; the rows of tokens without a number have none.
#[test]
fn gradients_match_finite_differences() -> Result<()> {
    let corpus = corpus(&PHRASES);
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
    // The rows of the unvoiced tokens, and for steps of those without a voiced neighbour, by position.
    for (target, silent) in [("value", vec![3, 4]), ("step", vec![1, 3, 4, 5])] {
        for distance in ["absolute", "squared"] {
            let (objective, parameters) = built(&values(target, distance, VOICED), &corpus)?;
            let x = Var::from_tensor(&rows(&batch, PREDICTED)?.tensor)?;
            let sum = || -> Result<Tensor> {
                let taps = [Rows::new(x.as_tensor().clone(), batch.sequence(0))];
                objective.loss(&taps, &batch)?.expect("some rows have a target").sum.reshape(1)
            };
            let store = sum()?.backward()?;
            let own = parameters.param_grads().take();
            assert_eq!(own.len(), parameters.all().len(), "every parameter has a gradient");
            let of_rows = to_vec(store.get(&x).expect("the rows have a gradient"))?;
            for (row, gradient) in of_rows.iter().enumerate() {
                assert_eq!(*gradient == 0.0, silent.contains(&row), "{target} {of_rows:?}");
            }
            let vars = parameters.all().iter().map(|it| &it.var).chain([&x]);
            for (at, var) in vars.enumerate() {
                let gradient = match own.get(&at) {
                    Some(Gradient::Dense(gradient)) => gradient.to_vec(),
                    _ => of_rows.clone(),
                };
                let values = to_vec(var)?;
                for (element, gradient) in gradient.iter().enumerate() {
                    let value_at = |step: f32| -> Result<f32> {
                        let mut moved = values.clone();
                        moved[element] += step;
                        var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu)?)?;
                        Ok(to_vec(&sum()?)?[0])
                    };
                    let difference = (value_at(1e-2)? - value_at(-1e-2)?) / 2e-2;
                    value_at(0.0)?;
                    let what = format!("{target} {distance} {at}: {gradient}, {difference}");
                    assert!((gradient - difference).abs() < 2e-2, "{what}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn strings_that_are_no_numbers_are_faults_with_their_line() {
    let phrases: [&[(&str, &str)]; 2] =
        [&[("1", "yes"), ("3,5", "yes")], &[("low", "no"), ("inf", "yes"), ("2", "yes")]];
    let corpus = corpus(&phrases);
    let faults = |others: &[(&str, &str)]| -> Vec<String> {
        let check =
            configured(&values("value", "absolute", others)).ok().unwrap().check_corpus(&corpus);
        check.of_examples.into_iter().map(|(_, fault)| fault.to_string()).collect()
    };
    let fault = |line: u32, text: &str| {
        format!("train:{line}: expected a number in \"pitch\", found {text:?}")
    };
    assert_eq!(faults(&[]), [fault(2, "3,5"), fault(3, "low"), fault(4, "inf")]);
    assert_eq!(faults(VOICED), [fault(2, "3,5"), fault(4, "inf")]);
}

#[test]
fn train_needs_two_numbers() {
    let fault = |phrases: &[&[(&str, &str)]], others: &[(&str, &str)]| {
        let config = configured(&values("value", "absolute", others)).ok().unwrap();
        let check = config.check_corpus(&corpus(phrases));
        check.of_corpus.into_iter().map(|fault| fault.what).collect::<Vec<_>>()
    };
    let wanted = |what: &str| [format!("from here on {what}; expected two numbers at least")];
    let same: [&[(&str, &str)]; 1] = [&[("2", "yes"), ("2.0", "yes"), ("7", "no")]];
    assert_eq!(fault(&same, VOICED), wanted("every \"pitch\" of train is 2"));
    assert_eq!(fault(&same, &[]), [""; 0]);
    assert_eq!(
        fault(&same, &[("where", "voicing"), ("equals", "voiced")]),
        wanted(
            "no token of train with a \"pitch\" has the \"voicing\" \"voiced\", which `equals` names"
        )
    );
    assert_eq!(fault(&[], &[]), wanted("no token of train has a \"pitch\""));
}

#[test]
fn half_a_condition_and_distances_of_vectors_are_refused() {
    let what = |distance: &str, others: &[(&str, &str)]| {
        let Err(ConfigFault::Key(key, what)) = configured(&values("value", distance, others))
        else {
            panic!("expected a fault")
        };
        (key, what)
    };
    let (key, fault) = what("absolute", &[("where", "voicing")]);
    assert!(key == "where" && fault.contains("expected `equals` with it"), "{fault}");
    let (key, fault) = what("absolute", &[("equals", "yes")]);
    assert!(key == "equals" && fault.contains("expected `where` with it"), "{fault}");
    for distance in ["cosine", "margin"] {
        let (key, fault) = what(distance, &[]);
        assert!(key == "distance" && fault.ends_with(&format!("found {distance:?}")), "{fault}");
    }
}
