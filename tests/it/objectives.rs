//! Properties of every objective of every recipe that is trained on sample data, including new ones. None is named here.

use std::collections::BTreeSet;

use auxdesk::{
    data::{normalize::Normalize, vocabulary::Lookup},
    kernel::Gradient,
    keys::{Key, Refers, ValueType},
    mixer::WEIGHTINGS,
    model::{
        RowKind,
        encoder::{ENCODERS, FirstValues, RowSource},
        head::HEADS,
        parameters::Parameter,
    },
    objective::{HeadSource, OBJECTIVES},
    protocol::{
        Counts, ObjectiveId,
        event::{ClassCounts, Split},
    },
    recipe::{EncoderSpec, ObjectiveSpec, Recipe, System, Tap},
    train::{Gradients, Optimizer, score},
};
use candle_core::{Device, Tensor};

use crate::tiny::{
    Size, Tiny, bits, gradients, numbers, shipped_tiny, text_tiny, trainable, variants,
};

const SMALL: Size = Size { width: 4, examples: 8 };

#[test]
fn names_are_unique_in_every_table_and_every_kind_is_in_a_recipe() {
    let tables: [(&str, Vec<&str>); 4] = [
        ("objectives", OBJECTIVES.iter().map(|kind| kind.name()).collect()),
        ("encoders", ENCODERS.iter().map(|kind| kind.name()).collect()),
        ("heads", HEADS.iter().map(|kind| kind.name()).collect()),
        ("weightings", WEIGHTINGS.iter().map(|kind| kind.name()).collect()),
    ];
    for (table, names) in tables {
        let distinct: BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{table}: {names:?}");
    }
    assert!(recipes().count() > trainable().count(), "some encoder has a choice");
    // Objectives outside these recipes are not covered by the tests below.
    let recipes: Vec<Recipe> =
        trainable().map(|name| shipped_tiny(name, SMALL, &[]).recipe).collect();
    let objectives = || recipes.iter().flat_map(|recipe| &recipe.objectives);
    for kind in OBJECTIVES {
        assert!(objectives().any(|spec| spec.kind.name() == kind.name()), "{}", kind.name());
    }
    for head in HEADS {
        let has = |found: &&dyn auxdesk::model::HeadKind| found.name() == head.name();
        assert!(objectives().any(|spec| spec.head.as_ref().is_some_and(has)), "{}", head.name());
    }
}

#[test]
fn bin_edges_are_numbers_in_a_checkpoint_and_load_bit_for_bit() {
    for (statistic, rising) in [("length", 4.0), ("distinct", 0.0), ("frequency", 0.0)] {
        let sets = ["length.muted=false".to_owned(), format!("length.statistic={statistic}")];
        let sets = sets.map(|set| format!("objective.{set}"));
        let tiny = shipped_tiny(
            "sentiment",
            SMALL,
            &[sets.as_slice(), &["train.steps=1".into()]].concat(),
        );
        let run = tiny.train(&[]);
        let saved = run.checkpoint("last").fitted;
        let edges = &saved["objective.length"].numbers["bin_edges"];
        assert!(!edges.is_empty() && edges.is_sorted(), "{statistic}: {edges:?}");
        assert!(edges.iter().all(|edge| *edge >= rising), "{statistic}: {edges:?}");
        assert_eq!(saved, tiny.fitted());
        let system =
            System::new(&tiny.recipe, &saved, &tiny.vectors, FirstValues::Checkpoint, &Device::Cpu);
        let at = |spec: &ObjectiveSpec| spec.name.as_str() == "length";
        let at = tiny.recipe.objectives.iter().position(at).unwrap();
        let classes = system.unwrap().objective(at).class_names();
        assert_eq!(classes.len(), edges.len() + 1, "{statistic}");
    }
}

/// Calls with every objective of every variant of every recipe, but those that have no sets.
fn every(
    sets: impl Fn(&ObjectiveSpec) -> Option<Vec<String>>,
    mut check: impl FnMut(&Tiny, usize, &str),
) {
    for (name, variant) in recipes() {
        let plain = shipped_tiny(name, SMALL, &variant);
        for at in of_their_own(&plain.recipe) {
            let spec = &plain.recipe.objectives[at];
            let Some(sets) = sets(spec) else { continue };
            let tiny = shipped_tiny(name, SMALL, &[variant.clone(), sets].concat());
            check(&tiny, at, &format!("{name} {variant:?}: {}", spec.name));
        }
    }
}

/// Objectives that do not share another's parameters over other examples, which may have no labels.
fn of_their_own(recipe: &Recipe) -> impl Iterator<Item = usize> {
    (0..recipe.objectives.len()).filter(|&at| !recipe.objectives[at].is_another())
}

/// Whether it reads rows of encoders, not only their parameters.
fn is_tapped(spec: &ObjectiveSpec) -> bool {
    !spec.taps.is_empty()
}

/// Whether its loss is of examples that it samples: its gradient is an estimate of that of an expectation.
fn is_sampled(spec: &ObjectiveSpec) -> bool {
    spec.kind.makes_examples()
}

/// A system in which an objective has a loss.
fn system_for(tiny: &Tiny, at: usize) -> System {
    let system = tiny.system();
    if is_tapped(&tiny.recipe.objectives[at]) { system } else { moved(system, 0.005) }
}

/// A system whose parameters have no equal values, in two encoders or at the end of the previous stage: the n-th
/// differs by n steps.
pub(crate) fn moved(mut system: System, step: f64) -> System {
    system.begin_stage().unwrap();
    for (nth, parameter) in system.parameters().all().iter().enumerate() {
        let by = step * (nth + 1) as f64;
        parameter.var.set(&(parameter.var.as_tensor() + by).unwrap()).unwrap();
    }
    system
}

/// Whether it has taps of its own, at which its gradient can be stopped or reversed.
fn has_taps(spec: &ObjectiveSpec) -> bool {
    !spec.kind.taps().is_empty()
}

/// Its taps that have a gradient: its own, and those of objectives that it reads with one.
fn taps_with_gradient(spec: &ObjectiveSpec) -> impl Iterator<Item = &Vec<Tap>> {
    let own = spec.kind.taps().iter().map(|_| true);
    let reads = spec.reads.iter().map(|read| read.requires_grad);
    spec.taps.iter().zip(own.chain(reads)).filter(|(_, is_reached)| *is_reached).map(|(tap, _)| tap)
}

fn is_reversed(spec: &ObjectiveSpec) -> bool {
    matches!(spec.gradient, auxdesk::recipe::GradientFlow::Reverse(_))
}

/// Settings without adversaries: no gradient is reversed.
fn unopposed(name: &'static str) -> Vec<String> {
    let recipe = shipped_tiny(name, SMALL, &[]).recipe;
    let reversed = recipe.objectives.iter().filter(|spec| is_reversed(spec));
    reversed.map(|spec| format!("objective.{}.strength=0", spec.name)).collect()
}

/// Every recipe with the settings of each of its variants.
fn recipes() -> impl Iterator<Item = (&'static str, Vec<String>)> {
    trainable().flat_map(|name| variants(name).into_iter().map(move |variant| (name, variant)))
}

#[test]
fn every_loss_is_finite_and_the_mean_over_its_examples() {
    every(
        |_| Some(Vec::new()),
        |tiny, at, what| {
            let term = tiny.term(&system_for(tiny, at), at, 8);
            let each = numbers(&term.per_example);
            assert_eq!(each.len(), 8, "{what}");
            let mean = numbers(&term.mean().unwrap())[0];
            assert!(mean.is_finite() && mean > 0.0, "{what}: {mean}");
            let wanted = each.iter().sum::<f32>() / term.count as f32;
            assert!((mean - wanted).abs() < 1e-5 * wanted, "{what}: {mean}, expected {wanted}");
        },
    );
}

/// Where items have one class each, the matrix contains all of them, and its diagonal gives the
/// accuracy.
#[test]
fn scores_per_class_add_up_to_the_total_scores() {
    let mut kinds = BTreeSet::new();
    for name in trainable() {
        let tiny = shipped_tiny(name, SMALL, &[]);
        let (recipe, system) = (&tiny.recipe, tiny.system());
        let scored = score(recipe, &system, &tiny.corpora, Split::Train, |_| true).unwrap();
        for (at, scores) in scored.unwrap() {
            let spec = &recipe.objectives[at];
            let Some(by_class) = scores.classes else { continue };
            kinds.insert(spec.kind.name());
            let what = format!("{name}: {}", spec.name);
            let Some(rows) = by_class.confusion else { continue };
            // Items that are found or not have a row and a column for no item.
            let n_none = rows.len() - by_class.classes.len();
            assert!(n_none < 2, "{what}");
            for (at, class) in by_class.classes.iter().enumerate() {
                assert_eq!(rows[at].iter().sum::<u64>(), class.gold, "{what}");
                let predicted: u64 = rows.iter().map(|row| row[at]).sum();
                assert_eq!(predicted, class.predicted, "{what}");
                assert!(class.summed.is_some() || rows[at][at] == class.correct, "{what}");
            }
            let n_items: u64 = rows.iter().flatten().sum();
            let correct: u64 = by_class.classes.iter().map(|class| class.correct).sum();
            let (metric, value) = if n_none == 0 {
                ("accuracy", 100.0 * correct as f64 / n_items as f64)
            } else if scores.metrics.iter().any(|(name, _)| *name == "las") {
                let n_tokens: u64 = by_class.classes.iter().map(|class| class.gold).sum();
                ("las", 100.0 * correct as f64 / n_tokens as f64)
            } else {
                let all = by_class.classes.iter().map(ClassCounts::counts);
                ("f1", all.fold(Counts::default(), Counts::plus).f1())
            };
            let is_it = |(name, _): &&(&str, f64)| *name == metric;
            let (_, reported) = scores.metrics.iter().find(is_it).unwrap();
            assert!((value - reported).abs() < 1e-9, "{what}: {value}, expected {reported}");
        }
    }
    assert!(kinds.len() >= 8, "some kind has lost its classes: {kinds:?}");
}

#[test]
fn every_objective_fits_eight_sentences() {
    let size = Size { width: 16, examples: 8 };
    for (name, variant) in recipes() {
        let tiny = shipped_tiny(name, size, &[variant.clone(), unopposed(name)].concat());
        for at in of_their_own(&tiny.recipe) {
            if is_sampled(&tiny.recipe.objectives[at]) {
                continue;
            }
            let system = system_for(&tiny, at);
            let parameters = system.parameters();
            let kind = auxdesk::recipe::OptimizerConfig::Adam(MOMENTS);
            let mut optimizer = Optimizer::new(kind, parameters);
            let mut losses = Vec::new();
            for _ in 0..120 {
                let loss = tiny.term(&system, at, 8).mean().unwrap();
                losses.push(numbers(&loss)[0]);
                let gradients = Gradients::of(&loss, parameters).unwrap();
                optimizer.step(parameters, &gradients, 1.0, |_| 0.02).unwrap();
            }
            let least = least_loss(&tiny, at, 8);
            let (first, last) = (losses[0] - least, losses[losses.len() - 1] - least);
            let objective = &tiny.recipe.objectives[at].name;
            let what = format!("{name} {variant:?}: {objective}");
            assert!(last < 0.2 * first, "{what}: from {first} to {last} above {least}");
        }
    }
}

/// The least possible loss of an objective on its first examples: of a bag of words its entropy, as no probabilities fit
/// several words better than their shares of the bag.
fn least_loss(tiny: &Tiny, at: usize, n: usize) -> f32 {
    let spec = &tiny.recipe.objectives[at];
    if spec.head.is_none_or(|head| head.name() != "bag") {
        return 0.0;
    }
    let corpus = &tiny.corpora[spec.corpora[0]];
    let field = corpus.field(spec.values.text("label")).unwrap();
    let of_steps = spec.layers[0].on == RowKind::Step;
    let texts = corpus.train.examples[..n].iter().map(|example| example.symbols(field).unwrap());
    let bags: Vec<_> = texts
        .flat_map(|text| (0..if of_steps { text.len() } else { 1 }).map(|from| &text[from..]))
        .collect();
    let entropy = |bag: &&[u32]| {
        let share = |word: &u32| {
            bag.iter().filter(|other| *other == word).count() as f32 / bag.len() as f32
        };
        bag.iter().map(|word| -share(word).ln()).sum::<f32>() / bag.len() as f32
    };
    bags.iter().map(entropy).sum::<f32>() / bags.len() as f32
}

const MOMENTS: auxdesk::recipe::optimizer::Moments = auxdesk::recipe::optimizer::Moments {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weight_decay: 0.0,
};

/// The names of the parameters that a loss on these taps should reach in the encoders: those of the
/// tapped layer, of the layers below it, and of their inputs. A parameter of layer N is named
/// ENCODER.N and so on; one without a number belongs to every layer.
pub(crate) fn below(
    recipe: &Recipe,
    corpus_idx: usize,
    taps: &[Tap],
    system: &System,
) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    for tap in taps {
        let spec = &recipe.encoders[tap.encoder];
        if tap.layer == 0 && is_decoder(spec) {
            let initial = format!("{}.initial", spec.name);
            let names = system.parameters().all().iter().map(|parameter| &parameter.name);
            reached.extend(names.filter(|name| name.starts_with(&initial)).cloned());
            let summary = spec.inputs.iter().skip(1).flat_map(|input| input.of(corpus_idx));
            let summary: Vec<Tap> = summary.cloned().collect();
            reached.extend(below(recipe, corpus_idx, &summary, system));
            continue;
        }
        if tap.layer > 0 {
            let mut owners = vec![spec.name.as_str()];
            owners.extend(spec.named());
            let read = spec.objective().map(auxdesk::objective::owner);
            owners.extend(read.as_deref());
            for parameter in system.parameters().all() {
                // The output layer of a decoder is above its rows.
                let is_above = is_decoder(spec)
                    && parameter.name.starts_with(&format!("{}.scores.", spec.name));
                if is_above {
                    continue;
                }
                let is_below = |owner: &&str| {
                    let rest = parameter.name.strip_prefix(*owner);
                    let rest = rest.and_then(|rest| rest.strip_prefix('.'));
                    rest.is_some_and(|rest| {
                        let layer = rest.split('.').next().and_then(|part| part.parse().ok());
                        layer.is_none_or(|layer: usize| layer <= tap.layer)
                    })
                };
                if owners.iter().any(is_below) {
                    reached.insert(parameter.name.clone());
                }
            }
        }
        let inputs: Vec<Tap> = spec.taps(corpus_idx).cloned().collect();
        reached.extend(below(recipe, corpus_idx, &inputs, system));
        // Label vectors and probabilities are computed by the head of their objective.
        reached.extend(spec.objective().into_iter().flat_map(|objective| own(system, objective)));
    }
    reached
}

/// The names of the parameters that an objective reads directly, those of heads and those of encoders: with embedding tables where it compares
/// encoders with themselves, without where it compares one with another, whose rows stand for other words.
fn named(spec: &ObjectiveSpec, system: &System) -> BTreeSet<String> {
    let with_tables = |key: &Key| match key.takes {
        ValueType::Name(Refers::Encoder) => Some(false),
        ValueType::List(ValueType::Name(Refers::Encoder)) => Some(true),
        _ => None,
    };
    let keys = spec.kind.keys().iter().filter_map(|key| Some((key, with_tables(key)?)));
    let parameters = |(encoder, with_tables): (&str, bool)| {
        let prefix = format!("{encoder}.");
        let all = system.parameters().all().iter();
        let of = all.filter(move |parameter| {
            parameter.name.starts_with(&prefix) && (with_tables || !parameter.by_id)
        });
        of.map(|parameter| parameter.name.clone()).collect::<Vec<_>>()
    };
    let encoders = keys.flat_map(|(key, with_tables)| {
        spec.values.texts(key.name).into_iter().map(move |encoder| (encoder, with_tables))
    });
    let is_heads =
        |key: &&Key| matches!(key.takes, ValueType::List(ValueType::Name(Refers::Objective)));
    let heads = spec.kind.keys().iter().filter(is_heads);
    let heads = heads.flat_map(|key| spec.values.texts(key.name));
    encoders.flat_map(parameters).chain(heads.flat_map(|name| own(system, name))).collect()
}

#[test]
fn an_objective_has_parameters_where_its_system_has_them() {
    for (name, variant) in recipes() {
        let tiny = shipped_tiny(name, SMALL, &variant);
        let system = tiny.system();
        for spec in &tiny.recipe.objectives {
            let has_own = !own(&system, spec.name.as_str()).is_empty();
            assert_eq!(spec.has_parameters(), has_own, "{name} {variant:?}: {}", spec.name);
        }
    }
}

pub(crate) fn is_decoder(spec: &EncoderSpec) -> bool {
    matches!(spec.kind.source(), RowSource::Decoder(_))
}

/// The names of the parameters of the output layers of the decoders that an objective taps, which are its heads if it has
/// no other.
fn output_layer(recipe: &Recipe, spec: &ObjectiveSpec, system: &System) -> BTreeSet<String> {
    let has_none = spec.kind.head() == HeadSource::None;
    let taps = spec.taps.iter().filter(|_| has_none).filter_map(|taps| taps.first());
    let decoders = taps.map(|tap| &recipe.encoders[tap.encoder]);
    let of_decoder = |decoder: &EncoderSpec| {
        let scores = format!("{}.scores.", decoder.name);
        let embedding = format!("{}.embedding", decoder.name);
        let is_tied = decoder.values.switch("tied");
        let is_it = |name: &str| name.starts_with(&scores) || (is_tied && name == embedding);
        let names = system.parameters().all().iter().map(|parameter| parameter.name.clone());
        names.filter(|name| is_it(name)).collect::<Vec<_>>()
    };
    decoders.filter(|spec| is_decoder(spec)).flat_map(of_decoder).collect()
}

/// The names of the parameters that an objective owns or shares, or reads with a gradient.
fn learnt(system: &System, spec: &ObjectiveSpec) -> BTreeSet<String> {
    let names = [Some(&spec.name), spec.share.as_ref()].into_iter().flatten();
    let names = names.map(ObjectiveId::as_str);
    let reads = spec.reads.iter().filter(|read| read.requires_grad);
    let names = names.chain(reads.map(|read| read.objective.as_str()));
    names.flat_map(|name| own(system, name)).collect()
}

pub(crate) fn own(system: &System, objective: &str) -> BTreeSet<String> {
    let prefix = format!("objective.{objective}.");
    let names = system.parameters().all().iter().map(|parameter| parameter.name.clone());
    names.filter(|name| name.starts_with(&prefix)).collect()
}

/// The names of the parameters with a gradient, which must not be all zeros.
pub(crate) fn reached(system: &System, gradients: &[Option<Vec<f32>>]) -> BTreeSet<String> {
    let pairs = system.parameters().all().iter().zip(gradients);
    let reached = pairs.filter_map(|(parameter, gradient)| {
        let gradient = gradient.as_ref()?;
        assert!(gradient.iter().any(|g| *g != 0.0), "{}: only zeros", parameter.name);
        Some(parameter.name.clone())
    });
    reached.collect()
}

#[test]
fn a_gradient_reaches_only_its_own_parameters_and_those_below_its_tap() {
    every(
        |_| Some(Vec::new()),
        |tiny, at, what| {
            let (system, spec) = (system_for(tiny, at), &tiny.recipe.objectives[at]);
            let loss = tiny.term(&system, at, 8).mean().unwrap();
            let found = reached(&system, &gradients(&loss, system.parameters()));
            let mut wanted = learnt(&system, spec);
            for taps in taps_with_gradient(spec) {
                wanted.extend(below(&tiny.recipe, spec.corpora[0], taps, &system));
            }
            wanted.extend(named(spec, &system));
            wanted.extend(output_layer(&tiny.recipe, spec, &system));
            assert!(!wanted.is_empty(), "{what}");
            assert_eq!(found, wanted, "{what}");
        },
    );
}

#[test]
fn only_rows_of_the_batch_have_a_gradient_in_an_embedding_table() {
    every(
        // Words that occur only in a muted objective's corpus are in no vocabulary.
        |spec| {
            let is_read = is_tapped(spec) && !is_sampled(spec);
            is_read.then(|| vec![format!("objective.{}.muted=false", spec.name)])
        },
        |tiny, at, what| {
            let system = tiny.system();
            tiny.term(&system, at, 3).mean().unwrap().backward().unwrap();
            let left = system.parameters().param_grads().take();
            let fitted = tiny.fitted();
            let objective = &tiny.recipe.objectives[at];
            let read = taps_with_gradient(objective)
                .flat_map(|taps| below(&tiny.recipe, objective.corpora[0], taps, &system));
            let read: BTreeSet<String> = read.collect();
            // Another objective of the same corpus may read an encoder that this one does not.
            let table = |spec: &EncoderSpec| format!("{}.table", spec.name);
            let is_read = |spec: &&EncoderSpec| read.contains(&table(spec));
            let (mut n_tables, mut n_partial, mut n_with_words) = (0, 0, 0);
            for spec in tiny.recipe.encoders.iter().filter(is_read) {
                // A source of kind field with words: row 0 is that of the unknown word.
                let of = fitted.get(&format!("encoder.{}", spec.name));
                let words = of.and_then(|fitted| fitted.vocabularies.get("words"));
                let (RowSource::Field, Some(words)) = (spec.kind.source(), words) else { continue };
                n_with_words += 1;
                let corpus_idx = objective.corpora[0];
                let own = spec.corpora.iter().map(|&at| (at, spec.values.text("field")));
                let prefixed = spec.prefixed.iter().map(|(at, field)| (*at, field.as_str()));
                let fields = own.chain(prefixed).filter(|(at, _)| *at == corpus_idx);
                let fields: Vec<&str> = fields.map(|(_, field)| field).collect();
                if fields.is_empty() {
                    continue;
                }
                let corpus = &tiny.corpora[corpus_idx];
                let normalize = Normalize {
                    lowercase: spec.values.switch("lowercase"),
                    zero_digits: spec.values.switch("zero_digits"),
                };
                let batch = tiny.batch(corpus_idx, 3);
                let mut wanted = BTreeSet::new();
                for field in fields.iter().map(|name| corpus.field(name).unwrap()) {
                    let lookup = Lookup::new(words, &corpus.lexicons[field], normalize);
                    let ids = batch.symbols(field).iter().map(|symbol| lookup.id(symbol.unwrap()));
                    wanted.extend(ids.map(|id| id.map_or(0, |id| id + 1)));
                }
                let mut all = system.parameters().all().iter();
                let name = table(spec);
                let number = all.position(|parameter| parameter.name == name).unwrap();
                let Gradient::Rows(rows) = &left[&number] else { panic!("{what}: by rows") };
                let found = rows.ids.clone();
                assert_eq!(found.len(), wanted.len(), "{what}: each row once");
                assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted, "{what}");
                n_partial += usize::from(wanted.len() < words.len());
                n_tables += 1;
            }
            assert!(n_tables > 0 || n_with_words == 0, "{what}");
            assert!(n_partial > 0 || n_tables == 0, "{what}: some rows are not in the batch");
        },
    );
}

#[test]
fn a_stopped_gradient_reaches_only_the_objectives_own_parameters() {
    every(
        |spec| {
            let can_stop = has_taps(spec) && !is_reversed(spec);
            can_stop.then(|| vec![format!("objective.{}.gradient=stop", spec.name)])
        },
        |tiny, at, what| {
            let system = tiny.system();
            let loss = tiny.term(&system, at, 8).mean().unwrap();
            let found = reached(&system, &gradients(&loss, system.parameters()));
            let spec = &tiny.recipe.objectives[at];
            let mut wanted = learnt(&system, spec);
            wanted.extend(output_layer(&tiny.recipe, spec, &system));
            assert_eq!(found, wanted, "{what}");
        },
    );
}

/// With a strength of 1/2 the multiplication is exact, so bits can be compared.
#[test]
fn a_reversed_gradient_is_multiplied_by_minus_strength_below_the_tap_only() {
    let mut passed = Vec::new();
    every(
        |spec| has_taps(spec).then(Vec::new),
        |tiny, at, _| {
            let system = tiny.system();
            let loss = tiny.term(&system, at, 8).mean().unwrap();
            let was_reversed = is_reversed(&tiny.recipe.objectives[at]);
            passed.push((bits(&loss), gradients(&loss, system.parameters()), was_reversed));
        },
    );
    // Embeddings that are also the weights of the output layer have the sum of a gradient above the tap and one below it;
    // the first alone is what they have where the gradient is stopped.
    let mut stopped = Vec::new();
    every(
        |spec| {
            let stop = format!("objective.{}.gradient=stop", spec.name);
            // One that is reversed has a strength, which no stopped one may have; it reads no decoder.
            has_taps(spec).then(|| if is_reversed(spec) { Vec::new() } else { vec![stop] })
        },
        |tiny, at, _| {
            let system = tiny.system();
            let loss = tiny.term(&system, at, 8).mean().unwrap();
            stopped.push(gradients(&loss, system.parameters()));
        },
    );
    let mut passed = passed.into_iter().zip(stopped);
    every(
        |spec| {
            let objective = format!("objective.{}", spec.name);
            let sets = ["gradient=reverse", "strength=0.5"];
            has_taps(spec).then(|| sets.map(|set| format!("{objective}.{set}")).into())
        },
        |tiny, at, what| {
            let system = tiny.system();
            let loss = tiny.term(&system, at, 8).mean().unwrap();
            let ((passed_loss, passed, was_reversed), stopped) = passed.next().unwrap();
            assert_eq!(bits(&loss), passed_loss, "{what}: the loss itself is the same");
            let reversed = gradients(&loss, system.parameters());
            let spec = &tiny.recipe.objectives[at];
            let mut learnt = learnt(&system, spec);
            learnt.extend(output_layer(&tiny.recipe, spec, &system));
            for (number, (passed, reversed)) in passed.iter().zip(&reversed).enumerate() {
                let name = &system.parameters().all()[number].name;
                if name.ends_with(".embedding") && learnt.contains(name) {
                    let [passed, reversed, above] =
                        [passed, reversed, &stopped[number]].map(|all| all.as_ref().unwrap());
                    let mut n_below = 0;
                    for ((passed, reversed), above) in passed.iter().zip(reversed).zip(above) {
                        let below = passed - above;
                        n_below += usize::from(below != 0.0);
                        let wanted = above - 0.5 * below;
                        let close = 1e-4 * (above.abs() + below.abs()) + 1e-7;
                        assert!((reversed - wanted).abs() < close, "{what}: {name}");
                    }
                    assert!(n_below > 0, "{what}: {name}");
                    continue;
                }
                let turned = if was_reversed { 0.5 } else { -0.5 };
                let factor = if learnt.contains(name) { 1.0 } else { turned };
                let wanted = passed.as_ref().map(|all| all.iter().map(|g| g * factor).collect());
                assert_eq!(*reversed, wanted, "{what}: {name}");
            }
        },
    );
}

/// The recipe's total loss Σ gain × sum / count over one batch of each corpus: as a tensor, and
/// computed from the sums of the examples' losses in f64, for finite differences.
fn total(tiny: &Tiny, system: &System) -> (Tensor, f64) {
    let mut total: Option<Tensor> = None;
    let mut exact = 0.0;
    for at in of_their_own(&tiny.recipe) {
        let spec = &tiny.recipe.objectives[at];
        if is_reversed(spec) || is_sampled(spec) {
            // The total loss does not include an adversary's own descent direction.
            continue;
        }
        let term = tiny.term(system, at, 3);
        let gain = spec.gain.at(0);
        let each: f64 = numbers(&term.per_example).into_iter().map(f64::from).sum();
        exact += gain * each / term.count as f64;
        let part = term.mean().unwrap().affine(gain, 0.0).unwrap();
        total = Some(match total {
            None => part,
            Some(sum) => (sum + part).unwrap(),
        });
    }
    (total.unwrap(), exact)
}

/// d(total loss) / d(parameter) against (L(x + h) − L(x − h)) / 2h. Losses are f32 of about 5, so a
/// difference divided by 2h = 0.02 has an error of about 1e-4, which is the absolute tolerance; the
/// error of order h² is within 2 %. Where the argmax of a maximum or the sign of a margin changes within the
/// interval, a fifth or a twentieth of h is used.
#[test]
fn gradients_of_whole_systems_match_finite_differences() {
    for (name, variant) in recipes() {
        let tiny = shipped_tiny(name, Size { width: 3, examples: 8 }, &variant);
        let mut system = tiny.system();
        system.begin_stage().unwrap();
        let system = if system.memory().is_empty() { system } else { moved(system, 0.001) };
        let by_parameter = gradients(&total(&tiny, &system).0, system.parameters());
        for (parameter, gradient) in system.parameters().all().iter().zip(by_parameter) {
            let what = format!("{name} {variant:?}: {}", parameter.name);
            let reversed = tiny.recipe.objectives.iter().filter(|spec| is_reversed(spec));
            let mut owned = reversed.map(|spec| own(&system, spec.name.as_str()));
            if owned.any(|own| own.contains(&parameter.name)) {
                continue;
            }
            let gradient = gradient.unwrap_or_else(|| panic!("{what}: not reached"));
            assert_differences(parameter, &gradient, &[0.01, 0.002, 0.0005], &what, || {
                total(&tiny, &system).1
            });
        }
    }
}

/// The gradient with respect to a parameter against differences of `scalar` over ±h: along the
/// gradient, and for some elements. One of the step sizes h must pass: within a long one the argmax
/// of a maximum may change, and with a short one rounding dominates. Where two elements of a maximum
/// are nearly equal, the slope on one side is the gradient.
pub(crate) fn assert_differences(
    parameter: &Parameter,
    gradient: &[f32],
    steps: &[f32],
    what: &str,
    scalar: impl Fn() -> f64,
) {
    let before = numbers(&parameter.var);
    let put = |numbers: Vec<f32>| {
        let shape = parameter.var.shape();
        let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap();
        parameter.var.set(&tensor).unwrap();
    };
    let at = |direction: &[f32], h: f32| {
        put(before.iter().zip(direction).map(|(x, d)| x + h * d).collect());
        let value = scalar();
        put(before.clone());
        value
    };
    let close = |found: f64, direction: &[f32], what: &str| {
        let near = |wanted: &f64| (found - wanted).abs() <= 1e-4 + 0.02 * wanted.abs();
        let difference =
            |from: f32, to: f32| (at(direction, to) - at(direction, from)) / f64::from(to - from);
        let differences: Vec<f64> = steps.iter().map(|&h| difference(-h, h)).collect();
        let is_side = || {
            let mut sides = steps.iter().flat_map(|&h| [(-h, 0.0), (0.0, h)]);
            sides.any(|(from, to)| near(&difference(from, to)))
        };
        assert!(
            differences.iter().any(near) || is_side(),
            "{what}: {found}, differences {differences:?}"
        );
    };
    // Along the gradient, where the slope is its norm.
    let length = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
    let along: Vec<f32> = gradient.iter().map(|g| g / length as f32).collect();
    close(length, &along, &format!("{what}, along the gradient"));
    // The elements with the largest slopes, and some others.
    let mut places: Vec<usize> = (0..gradient.len()).collect();
    places.sort_by(|&a, &b| gradient[b].abs().total_cmp(&gradient[a].abs()));
    let others = places.iter().copied().skip(2).step_by(places.len() / 2 + 1);
    for at in others.chain(places.iter().copied().take(2)).collect::<Vec<_>>() {
        let mut one = vec![0.0; gradient.len()];
        one[at] = 1.0;
        close(f64::from(gradient[at]), &one, &format!("{what}[{at}]"));
    }
}

/// An objective that shares another's parameters has the same loss on the same rows, updates the
/// other's parameters, and has none of its own.
#[test]
fn an_objective_that_shares_parameters_equals_the_other_on_its_own_corpus() {
    let corpus = |name: &str| {
        format!(
            "[[corpus]]\nname = \"{name}\"\nformat = \"table\"\ncolumns = [\"label\", \"text\"]\n\
             train = \"sample:reviews/books/train.tsv\"\n"
        )
    };
    let objective = |name: &str, more: &str| {
        format!(
            "[[objective]]\nname = \"{name}\"\nkind = \"classify\"\ncorpus = \"{name}\"\n\
             label = \"label\"\ntap = \"words.mean\"\n{more}\n"
        )
    };
    let text = [
        "name = \"shares\"\n[train]\nsteps = 50\n".to_owned(),
        corpus("one"),
        corpus("other"),
        "[[encoder]]\nname = \"words\"\nkind = \"embed\"\nfield = \"text\"\nwidth = 4\n".to_owned(),
        objective("one", "role = \"main\""),
        objective("other", "share = \"one\""),
    ];
    let tiny = text_tiny(&text.concat(), SMALL, &[]);
    let system = tiny.system();
    assert!(own(&system, "other").is_empty());
    let losses = [0, 1].map(|at| tiny.term(&system, at, 8).mean().unwrap());
    assert_eq!(bits(&losses[0]), bits(&losses[1]));
    let found = reached(&system, &gradients(&losses[1], system.parameters()));
    let mut wanted = own(&system, "one");
    wanted.insert("words.table".to_owned());
    assert_eq!(found, wanted);
}
