//! The predicted frames of each row, the views that are refused, and forecasts.

use candle_core::{Device, Tensor};

use super::*;
use crate::{
    data::{Axis, Field, FieldForm, Positions, Schema, SplitData},
    kernel::to_vec,
    keys::{Located, Value, Values},
    model::{
        Parameters,
        tap::{Context, LayerSpec, RowKind},
    },
    objective::declared,
};

/// Recordings with frames of two values.
fn corpus(recordings: &[&[[f32; 2]]]) -> Corpus {
    let field = Field::new("audio", Axis::Sequence(0), FieldForm::Frames);
    let mut corpus = Corpus::of_schema(Schema::of_tokens(vec![field]));
    let example = |frames: &&[[f32; 2]]| Example {
        line: 1,
        file: None,
        sequences: vec![Some(Positions::on_line(1, frames.len()))],
        fields: vec![Some(FieldValues::Frames {
            width: 2,
            picture: None,
            numbers: frames.concat().into(),
        })],
    };
    let examples = recordings.iter().map(example).collect();
    corpus.train = SplitData { examples, file: "train".into(), ..SplitData::default() };
    corpus
}

fn values(ahead: i64, distance: &str) -> Values {
    let entries = [
        ("field", Value::Text("audio".to_owned())),
        ("ahead", Value::Integer(ahead)),
        ("hidden", Value::Integer(0)),
        ("activation", Value::Text("none".to_owned())),
        ("distance", Value::Text(distance.to_owned())),
        ("margin", Value::Number(0.1)),
    ];
    let entries = entries.map(|(key, value)| (key.to_owned(), Located::by_default(value)));
    Values::new(entries.into_iter().collect())
}

fn layer(context: Context) -> [LayerSpec; 1] {
    let (on, pooled) = (RowKind::Token, RowKind::Example);
    [LayerSpec { width: 2, on, pooled, context, directions: None }]
}

fn configured(
    values: &Values,
    context: Context,
) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
    NextVector.configure(&declared(values, &layer(context), "vector"))
}

/// With the identity as its head.
fn built(ahead: i64, corpus: &Corpus) -> Result<Box<dyn Objective>> {
    let values = values(ahead, "squared");
    let (config, layers) = (configured(&values, Context::LEFT).ok().unwrap(), layer(Context::LEFT));
    let mut parameters = Parameters::new(7, &Device::Cpu)?;
    let head = head::find("vector").map(|head| head.configure(&values));
    let mut objective = config.build(ObjectiveSetup {
        name: "next",
        head: head.as_ref(),
        taps: &layers,
        fitted: &config.fit(&[corpus]),
        reads: &[],
        decoders: &[],
        scope: parameters.scope("objective.next"),
    })?;
    objective.attach(0, corpus);
    let weight = &parameters.all()[0].var;
    weight.set(&Tensor::new(&[[1.0f32, 0.0], [0.0, 1.0]], &Device::Cpu)?)?;
    Ok(objective)
}

const LONG: [[f32; 2]; 3] = [[0.0, 10.0], [2.0, 10.0], [4.0, 10.0]];
const SHORT: [[f32; 2]; 1] = [[2.0, 10.0]];

/// The mean of the first dimension is 2 and its variance 2; the second is constant, 0 when standardized.
#[test]
fn each_row_predicts_the_frame_after_it_and_none_the_first() -> Result<()> {
    let corpus = corpus(&[&LONG, &SHORT]);
    let objective = built(1, &corpus)?;
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
    // Rows by position: the first of both sequences, then those of the long one.
    let x = Tensor::new(&[[0.5f32, 1.0], [9.0, 9.0], [1.0, 0.0], [3.0, -1.0]], &Device::Cpu)?;
    let taps = [Rows::new(x, batch.sequence(0))];
    let loss = objective.loss(&taps, &batch)?.expect("two frames are predicted");
    let scale = 2f32.sqrt();
    let wanted = [f32::midpoint(0.25 + 1.0, (1.0 - 2.0 / scale).powi(2)), 0.0];
    for (found, wanted) in to_vec(&loss.per_example)?.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-5, "{found}, {wanted}");
    }
    assert_eq!(loss.count, 2);

    let evaluation = objective.evaluate(&taps, &batch)?;
    assert_eq!(to_vec(&evaluation.loss.as_ref().unwrap().per_example)?, to_vec(&loss.per_example)?);
    assert_eq!(evaluation.scored_only.len(), 2);
    // The frame after the last one, in the units of the corpus.
    let Prediction::Vector(forecast) = &evaluation.predictions[0] else { panic!("a frame") };
    for (found, wanted) in forecast.iter().zip([2.0 + 3.0 * scale, 9.0]) {
        assert!((found - wanted).abs() < 1e-5, "{found}, {wanted}");
    }
    let mut scorer = objective.scorer();
    evaluation.score(scorer.as_mut());
    let mut scores = crate::metric::Scores::default();
    scorer.finish(&mut scores);
    let by_name = |name: &str| scores.metrics.iter().find(|(it, _)| *it == name).unwrap().1;
    assert!((by_name("mse") - f64::from(wanted[0]) / 2.0).abs() < 1e-6);
    // Each frame differs by 2 / √2 from the one before, in one of two dimensions.
    assert!((by_name("persistence_mse") - 1.0).abs() < 1e-6);
    Ok(())
}

#[test]
fn frames_further_ahead_are_fewer() -> Result<()> {
    let corpus = corpus(&[&LONG, &SHORT]);
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
    let taps = [Rows::new(
        Tensor::zeros((4, 2), candle_core::DType::F32, &Device::Cpu)?,
        batch.sequence(0),
    )];
    let loss = built(2, &corpus)?.loss(&taps, &batch)?.expect("one frame is predicted");
    assert_eq!(loss.count, 1);
    assert!((to_vec(&loss.per_example)?[0] - 1.0).abs() < 1e-6);
    assert!(built(3, &corpus)?.loss(&taps, &batch)?.is_none());
    Ok(())
}

#[test]
fn a_view_that_has_read_the_frames_and_a_margin_are_refused() {
    let squared = values(1, "squared");
    for context in [Context::BOTH, Context::RIGHT] {
        let Err(ConfigFault::Tap(what)) = configured(&squared, context) else {
            panic!("expected a fault")
        };
        assert!(what.contains("tap the forward half of layer 1"), "{what}");
    }
    for context in [Context::LEFT, Context::SELF_ONLY] {
        assert!(configured(&squared, context).is_ok());
    }
    let Err(ConfigFault::Key("distance", what)) = configured(&values(1, "margin"), Context::LEFT)
    else {
        panic!("expected a fault")
    };
    assert!(what.contains("found \"margin\""), "{what}");
}
