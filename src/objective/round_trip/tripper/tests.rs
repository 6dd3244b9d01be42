//! The policy gradient against the exact one, rewards by hand, and what is refused. Whole systems are in
//! `tests/it/objectives.rs`.

use candle_core::{DType, Device, Var};

use super::*;
use crate::{
    data::{
        Axis, Example, Field, FieldForm, FieldValues, Fitted, Packing, Positions, Schema,
        SequenceSpec, SplitData, Vocabulary,
    },
    model::{
        Parameters,
        decoder::{Copied, Decoding, FIRST, SourceWords},
    },
    objective::{ObjectiveConfig, ObjectiveSetup},
};

const A: u32 = FIRST;
const B: u32 = FIRST + 1;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Translates each text by `a` with the probability σ(θ), else by `b`; θ is the value of each row.
struct Left {
    vocabulary: Vocabulary,
    theta: Var,
}

impl Decoder for Left {
    fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    fn cross_entropy(
        &self,
        outputs: &Rows,
        targets: Vec<u32>,
        _copied: Option<Copied<'_>>,
    ) -> Result<Tensor> {
        let outputs = &outputs.tensor;
        // −ln σ(θ) is ln(1 + e^−θ), and −ln(1 − σ(θ)) is ln(1 + e^θ).
        let signs = targets.iter().map(|&class| if class == A { -1f32 } else { 1.0 }).collect();
        let is_word = targets.iter().map(|&class| if class == EDGE { 0f32 } else { 1.0 }).collect();
        let of = |values: Vec<f32>| Tensor::from_vec(values, targets.len(), outputs.device());
        ((outputs.flatten_all()? * of(signs)?)?.exp()? + 1.0)?.log()? * of(is_word)?
    }

    fn start<'a>(
        &'a self,
        _inputs: &[Rows],
        _words: Option<&'a SourceWords>,
    ) -> Result<Box<dyn Decoding + 'a>> {
        let p = sigmoid(f64::from(kernel::to_vec(&self.theta)?[0])) as f32;
        Ok(Box::new(OneWord { p }))
    }
}

struct OneWord {
    p: f32,
}

impl Decoding for OneWord {
    fn n_classes(&self) -> usize {
        4
    }

    fn begin(&mut self, _examples: &[u32]) -> Result<()> {
        Ok(())
    }

    fn step(&mut self, _from: &[u32], classes: &[u32]) -> Result<Vec<f32>> {
        let after = |&class: &u32| match class {
            EDGE => [0.0, 0.0, self.p, 1.0 - self.p],
            _ => [0.0, 1.0, 0.0, 0.0],
        };
        Ok(classes.iter().flat_map(after).map(f32::ln).collect())
    }
}

/// Whose outputs are the losses.
struct Right(Vocabulary);

impl Decoder for Right {
    fn vocabulary(&self) -> &Vocabulary {
        &self.0
    }

    fn cross_entropy(
        &self,
        outputs: &Rows,
        _targets: Vec<u32>,
        _copied: Option<Copied<'_>>,
    ) -> Result<Tensor> {
        let outputs = &outputs.tensor;
        outputs.flatten_all()
    }

    fn start<'a>(
        &'a self,
        _inputs: &[Rows],
        _words: Option<&'a SourceWords>,
    ) -> Result<Box<dyn Decoding + 'a>> {
        bail!("nothing is translated back")
    }
}

/// Rows of θ for the left decoder, and for the right one a loss of 1 for each word of a text translated by `a`, and of 3
/// for one translated by `b`.
struct Fixed<'a> {
    theta: &'a Var,
    back: &'a Var,
}

impl TapRunner for Fixed<'_> {
    fn run(&self, corpus: &Corpus, examples: Vec<Example>) -> Result<(Vec<Rows>, Batch)> {
        let all: Vec<usize> = (0..examples.len()).collect();
        let split = SplitData { examples, ..SplitData::default() };
        let batch = Batch::new(7, corpus, &split, &all);
        let rows = |field: usize| -> (usize, std::sync::Arc<Packing>) {
            let packing = TargetRows::packing(
                &batch,
                field,
                &TargetIds::Words(crate::data::vocabulary::Lookup::default()),
            );
            (packing.n_rows(), packing)
        };
        let (n_left, left) = rows(1);
        let theta = self.theta.broadcast_as((n_left, 1))?;
        let (_, right) = rows(0);
        let translation = |example: u32| batch.symbols(1)[batch.rows_of(1, example as usize)[0]];
        let by_a = corpus.lexicons[1].iter().position(|word| word == "a");
        let losses = right
            .examples_of_rows()
            .into_iter()
            .map(|example| u32::from(translation(example).map(|symbol| symbol as usize) != by_a));
        let back = kernel::gather(self.back, losses.collect())?;
        Ok((vec![Rows::new(theta, &left), Rows::new(back, &right)], batch))
    }

    fn mode(&self) -> Mode {
        Mode::Train { seed: 1, step: 5 }
    }
}

fn vocabulary(words: &[&str]) -> Vocabulary {
    // In this order, by their counts.
    let counts = words.iter().zip((1..=words.len() as u64).rev());
    Vocabulary::from_counts(counts.map(|(word, n)| (*word, n)).collect(), 1, None)
}

/// `n` texts of one word, without a translation.
fn corpus(n: usize) -> Corpus {
    let sequences = ["x", "y"].map(|name| SequenceSpec { name: name.to_owned(), is_list: false });
    let field = |at, name| Field::new(name, Axis::Sequence(at), FieldForm::Symbols);
    let fields = vec![field(0, "x"), field(1, "y")];
    let mut corpus = Corpus::of_schema(Schema { sequences: sequences.into(), fields });
    let word = corpus.lexicons[0].intern("w");
    let example = Example {
        line: 1,
        file: None,
        sequences: vec![Some(Positions::on_line(1, 1)), None],
        fields: vec![Some(FieldValues::Symbols(vec![word])), None],
    };
    corpus.train =
        SplitData { examples: vec![example; n], file: "train".into(), ..SplitData::default() };
    corpus
}

fn config(n_samples: usize, of_language_model: f64) -> Config {
    Config { fields: ["y".to_owned(), "x".to_owned()], n_samples, of_language_model, max_length: 5 }
}

/// dE[r]/dθ = σ(θ)·(1 − σ(θ))·(r_a − r_b), and of each text the mean reward over words counts.
#[test]
fn the_policy_gradient_is_that_of_the_expected_reward() -> Result<()> {
    const TEXTS: usize = 40;
    let corpus = corpus(TEXTS);
    let theta = Var::from_vec(vec![0.3f32], (1, 1), &Device::Cpu)?;
    let back = Var::from_vec(vec![1f32, 3.0], (2, 1), &Device::Cpu)?;
    let left = Left { vocabulary: vocabulary(&["a", "b"]), theta: theta.clone() };
    let right: Arc<dyn Decoder> = Arc::new(Right(vocabulary(&["w"])));
    let mut parameters = Parameters::new(1, &Device::Cpu)?;
    let config = config(100, 0.0);
    let mut objective = config.build(ObjectiveSetup {
        name: "trip",
        head: None,
        taps: &[],
        fitted: &Fitted::default(),
        reads: &[],
        decoders: &[Arc::new(left), right],
        scope: parameters.scope("objective.trip"),
    })?;
    objective.attach(0, &corpus);
    let all: Vec<usize> = (0..TEXTS).collect();
    let batch = Batch::new(0, &corpus, &corpus.train, &all);
    let memory = Rows::new(Tensor::zeros((TEXTS, 1), DType::F32, &Device::Cpu)?, batch.sequence(0));
    let taps = [memory];
    let runner = Fixed { theta: &theta, back: &back };
    let loss = objective.loss_with(&taps, &batch, &runner)?.expect("every text has trips");
    assert_eq!(loss.count, 2 * TEXTS);

    // The value is the mean loss of the way back: of the share of `a`, with 2 words of each text.
    let mean = f64::from(kernel::to_vec(&loss.mean()?.reshape(1)?)?[0]);
    let p = sigmoid(0.3);
    assert!((mean - (p + 3.0 * (1.0 - p))).abs() < 0.05, "{mean}");
    let share = (3.0 - mean) / 2.0;

    let store = loss.mean()?.backward()?;
    let of_theta = f64::from(kernel::to_vec(store.get(&theta).expect("it is the policy"))?[0]);
    let wanted = -p * (1.0 - p) * 2.0 / 2.0;
    assert!((of_theta - wanted).abs() < 0.05 * wanted.abs(), "{of_theta}, {wanted}");
    let of_back = kernel::to_vec(store.get(&back).expect("the way back has an ordinary gradient"))?;
    for (found, wanted) in of_back.iter().zip([share, 1.0 - share]) {
        assert!((f64::from(*found) - wanted).abs() < 1e-4, "{of_back:?}, {share}");
    }
    let again = objective.loss_with(&taps, &batch, &runner)?.unwrap();
    assert_eq!(kernel::to_vec(&again.per_example)?, kernel::to_vec(&loss.per_example)?);
    Ok(())
}

#[test]
fn a_sample_is_compared_with_the_others_of_its_text() {
    assert_eq!(advantages(&[1.0, 3.0, -1.0, -1.0], 2), [-2.0, 2.0, 0.0, 0.0]);
    assert_eq!(advantages(&[0.0, 3.0, 6.0], 3), [-4.5, 0.0, 4.5]);
    assert_eq!(advantages(&[], 2), [0f32; 0]);
}

#[test]
fn a_reward_weighs_the_language_model_and_the_way_back() {
    let model = Bigrams::new([((EDGE, A), 1), ((A, EDGE), 1)].into(), 4);
    let of_model = model.log_probability(EDGE, A) + model.log_probability(A, EDGE);
    let tripper = RoundTripper {
        name: "trip".to_owned(),
        config: config(2, 0.25),
        left: Arc::new(Right(vocabulary(&["a", "b"]))),
        right: Arc::new(Right(vocabulary(&["w"]))),
        language_model: Some(model),
        attached: BTreeMap::new(),
    };
    let trip = |translation: &[u32]| Trip {
        example: 0,
        text: vec![0; 3],
        translation: translation.to_vec(),
    };
    let found = tripper.rewards(&[trip(&[A])], &[6.0]);
    let wanted = 0.25 * of_model / 2.0 - 0.75 * 6.0 / 4.0;
    assert!((found[0] - wanted).abs() < 1e-9, "{found:?}, {wanted}");
    // `b` is not in train.
    assert!(tripper.rewards(&[trip(&[B])], &[6.0])[0] < found[0]);
}

#[test]
fn texts_to_translate_and_those_of_the_language_model_are_required() {
    let what = |corpus: &Corpus, of_language_model: f64| -> Vec<String> {
        let faults = config(2, of_language_model).check_corpus(corpus).of_corpus;
        faults.into_iter().map(|fault| fault.to_string()).collect()
    };
    let texts = corpus(1);
    assert_eq!(what(&texts, 0.0), [""; 0]);
    let model = "train:1: from here on no example of train has a \"y\", of which the language model is; add texts, or \
                 set `language_model = 0`";
    assert_eq!(what(&texts, 0.1), [model]);
    let mut empty = texts.clone();
    (empty.train.examples[0].fields[0], empty.train.examples[0].sequences[0]) = (None, None);
    let source = "train:1: from here on no example of train has a \"x\" to translate";
    assert_eq!(what(&empty, 0.0), [source]);
}
