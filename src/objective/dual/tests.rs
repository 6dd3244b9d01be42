//! The gap worked by hand, its gradients, and what is refused. Gradients through whole decoders are in
//! `tests/it/objectives.rs`.

use candle_core::{Device, Tensor, Var};

use super::*;
use crate::{
    data::{
        Axis, Example, Field, FieldForm, FieldValues, Positions, Schema, SequenceSpec, SplitData,
        Vocabulary,
    },
    kernel,
    model::{
        Parameters,
        decoder::{Copied, Decoding, SourceWords, TargetIds, TargetRows},
    },
};

/// Whose outputs (rows, 1) are the losses themselves.
struct Fixed(Vocabulary);

impl Decoder for Fixed {
    fn vocabulary(&self) -> &Vocabulary {
        &self.0
    }

    fn cross_entropy(
        &self,
        outputs: &Rows,
        targets: Vec<u32>,
        _copied: Option<Copied<'_>>,
    ) -> Result<Tensor> {
        let outputs = &outputs.tensor;
        assert_eq!(outputs.dims(), [targets.len(), 1]);
        outputs.flatten_all()
    }

    fn start<'a>(
        &'a self,
        _inputs: &[Rows],
        _words: Option<&'a SourceWords>,
    ) -> Result<Box<dyn Decoding + 'a>> {
        bail!("nothing is searched")
    }
}

/// Pairs of texts `x` and `y`, where `-` is none.
fn corpus(pairs: &[[&str; 2]]) -> Corpus {
    let sequences = ["x", "y"].map(|name| SequenceSpec { name: name.to_owned(), is_list: false });
    let field = |at, name| Field::new(name, Axis::Sequence(at), FieldForm::Symbols);
    let fields = vec![field(0, "x"), field(1, "y")];
    let mut corpus = Corpus::of_schema(Schema { sequences: sequences.into(), fields });
    let mut examples = Vec::new();
    for (line, pair) in (1..).zip(pairs) {
        let symbols = [0, 1].map(|side| {
            let words = (pair[side] != "-").then(|| pair[side].split(' '));
            let lexicon = &mut corpus.lexicons[side];
            words.map(|words| words.map(|word| lexicon.intern(word)).collect::<Vec<_>>())
        });
        let positions = |symbols: &Vec<u32>| Positions::on_line(line, symbols.len());
        examples.push(Example {
            line,
            file: None,
            sequences: symbols.iter().map(|text| text.as_ref().map(positions)).collect(),
            fields: symbols.into_iter().map(|text| text.map(FieldValues::Symbols)).collect(),
        });
    }
    corpus.train = SplitData { examples, file: "train".into(), ..SplitData::default() };
    corpus
}

fn objective(corpus: &Corpus, has_marginals: bool) -> (Box<dyn Objective>, Fitted) {
    let config = Config { fields: ["y".to_owned(), "x".to_owned()], has_marginals };
    let fitted = config.fit(&[corpus]);
    let decoder = |field: usize| -> Arc<dyn Decoder> {
        Arc::new(Fixed(Vocabulary::of_train([(corpus, field)], str::to_owned, None)))
    };
    let mut parameters = Parameters::new(1, &Device::Cpu).unwrap();
    let objective = config.build(ObjectiveSetup {
        name: "dual",
        head: None,
        taps: &[],
        fitted: &fitted,
        reads: &[],
        decoders: &[decoder(1), decoder(0)],
        scope: parameters.scope("objective.dual"),
    });
    let mut objective = objective.unwrap();
    objective.attach(0, corpus);
    (objective, fitted)
}

/// Losses of the rows of each side, with their packing.
fn taps(batch: &Batch) -> ([Var; 2], [Rows; 2]) {
    let side = |field: usize, first: f32| {
        let packing = TargetRows::packing(
            batch,
            field,
            &TargetIds::Words(crate::data::vocabulary::Lookup::default()),
        );
        let n = packing.n_rows();
        let losses = (0..n).map(|row| first + row as f32 / 4.0).collect();
        let var = Var::from_vec(losses, (n, 1), &Device::Cpu).unwrap();
        let rows = Rows::new(var.as_tensor().clone(), &packing);
        (var, rows)
    };
    let ((y, y_rows), (x, x_rows)) = (side(1, 0.5), side(0, 1.0));
    ([y, x], [y_rows, x_rows])
}

#[test]
fn the_gap_worked_by_hand_and_its_gradients() -> Result<()> {
    let corpus = corpus(&[["a b", "c"], ["a", "-"], ["b", "c d"]]);
    for has_marginals in [false, true] {
        let (objective, fitted) = objective(&corpus, has_marginals);
        let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1, 2]);
        // By length of x: pairs 0, 1 and 2 as in the file.
        assert_eq!(batch.examples, [0, 1, 2]);
        let (vars, taps) = taps(&batch);
        let loss = objective.loss(&taps, &batch)?.expect("two pairs have both texts");
        assert_eq!(loss.count, 2);
        let marginal = |side: &str, field: usize, text: &[&str]| -> f64 {
            if !has_marginals {
                return 0.0;
            }
            let words = Vocabulary::of_train([(&corpus, field)], str::to_owned, None);
            let model = text_bigrams::model(&fitted, side, &words).unwrap();
            let classes = text.iter().map(|word| words.id(word).unwrap() + 2);
            let classes: Vec<u32> = [1].into_iter().chain(classes).chain([1]).collect();
            classes.windows(2).map(|pair| model.log_probability(pair[0], pair[1])).sum()
        };
        // Rows of y by position: c of pair 2 and of pair 0, d and the end; of x: those of pair 0, 1 and 2.
        let of_y = [vec![0.75, 1.25], vec![0.5, 1.0, 1.5]];
        let of_x = [vec![1.0, 1.75, 2.5], vec![1.5, 2.25]];
        let texts: [(&[&str], &[&str]); 2] = [(&["a", "b"], &["c"]), (&["b"], &["c", "d"])];
        let found = kernel::to_vec(&loss.per_example)?;
        let mut gaps = Vec::new();
        for (at, (x, y)) in texts.into_iter().enumerate() {
            let left = marginal("right", 0, x) - of_y[at].iter().sum::<f64>();
            let right = marginal("left", 1, y) - of_x[at].iter().sum::<f64>();
            let gap = (left - right) / 5.0;
            let example = 2 * at;
            assert!((f64::from(found[example]) - gap * gap).abs() < 1e-6, "{found:?}, {gap}");
            gaps.push(gap);
        }
        assert_eq!(found[1], 0.0);

        let store = loss.mean()?.backward()?;
        // d mean / d row = 2·g / (2 pairs · 5 words), against the loss of y and with that of x.
        let of_pairs: [(&Var, Vec<usize>, f64); 2] =
            [(&vars[0], vec![1, 0, 1, 0, 1], -1.0), (&vars[1], vec![0, 2, 1, 0, 2, 1, 0], 1.0)];
        for (var, pairs, sign) in of_pairs {
            let gradient = kernel::to_vec(store.get(var).expect("both decoders have a gradient"))?;
            assert_eq!(gradient.len(), pairs.len());
            for (gradient, pair) in gradient.iter().zip(pairs) {
                let wanted = gaps.get(pair).map_or(0.0, |gap| sign * gap / 5.0);
                assert!((f64::from(*gradient) - wanted).abs() < 1e-6, "{gradient}, {wanted}");
            }
        }

        let evaluation = objective.evaluate(&taps, &batch)?;
        let mut scorer = objective.scorer();
        evaluation.score(scorer.as_mut());
        let mut scores = crate::metric::Scores::default();
        scorer.finish(&mut scores);
        let mean = gaps.iter().map(|gap| gap.abs()).sum::<f64>() / 2.0;
        assert!((scores.metrics[0].1 - mean).abs() < 1e-6);
        assert_eq!(kernel::to_vec(&evaluation.loss.unwrap().per_example)?, found);
    }
    Ok(())
}

#[test]
fn without_a_pair_there_is_no_loss() -> Result<()> {
    let all = corpus(&[["a", "c"], ["a", "-"]]);
    let (objective, _) = objective(&all, true);
    let batch = Batch::new(0, &all, &all.train, &[1]);
    let (_, taps) = taps(&batch);
    assert!(objective.loss(&taps, &batch)?.is_none());
    assert!(objective.evaluate(&taps, &batch)?.loss.is_none());
    Ok(())
}
