//! `[train]`: length, optimizer, sampling, evaluation and the choice of the best checkpoint.

use super::{
    check::{Context, Entries},
    fault::{Diagnostics, found},
    optimizer::{self, OptimizerConfig},
    parse, weighting,
};
use crate::{
    data::sampler::{Bandit, Interference, MIN_TEMPERATURE, Options, Rule, Sampling, StopAndGo},
    keys::{DefaultValue, Key, Located, MAX_NUMBER, Place, Value, ValueType, Values},
    live,
    mixer::WeightingSpec,
    protocol::{MetricId, ObjectiveId, event::Direction},
    schedule::Schedule,
};

/// Settings of a run as a whole.
#[derive(Clone)]
pub struct Train {
    /// The random seed.
    pub seed: u64,
    /// When the run ends.
    pub length: Length,
    /// Batch size, in examples, unless a corpus sets its own.
    pub batch_size: usize,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// The learning rate.
    pub learning_rate: Schedule,
    /// Gradient clipping: the maximum global norm over all parameters with a gradient.
    pub clip_norm: Option<f64>,
    /// When dev is evaluated.
    pub evaluate_every: Evaluate,
    /// The metric that selects the best checkpoint.
    pub best: Best,
    /// Early stopping: evaluations without improvement before the run ends.
    pub patience: Option<u64>,
    /// The sampling rule for groups.
    pub sampling: Sampling,
    /// The rule that sets shares.
    pub weighting: WeightingSpec,
    /// The rules whose shares are measured with the gradients and not applied.
    pub shadow_weightings: Vec<WeightingSpec>,
    /// Interval in steps of per-objective gradient measurements; 0 for never.
    pub measure_gradients_every: u64,
    /// The cost of affinities, as a part of that of the training steps.
    pub affinity_budget: f64,
    /// The number of samples of each objective at each evaluation on dev.
    pub samples: u64,
    /// Whether samples are initially those with the largest losses.
    pub worst_samples: bool,
    /// Every key of the table.
    pub values: Values,
}

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// After this number of epochs of the main objective's corpus.
    Epochs(u64),
    /// After this number of updates.
    Steps(u64),
}

/// When dev is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluate {
    /// After every epoch of the main objective's corpus.
    Epoch,
    /// After every N updates.
    Every(u64),
}

/// The metric that selects the best checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Best {
    /// The objective that reports it.
    pub objective: ObjectiveId,
    /// The metric.
    pub metric: MetricId,
    /// Whether higher or lower is better.
    pub direction: Direction,
}

const SAMPLING: &[Key] = &[
    Key::required("kind", ValueType::Choice(Sampling::TABLES), "the sampling rule"),
    Key::optional(
        "temperature",
        ValueType::Schedule(MIN_TEMPERATURE, MAX_NUMBER),
        "for temperature and annealed: 1 is proportional, higher is more uniform",
    ),
    Key::optional(
        "draws",
        ValueType::Map(&ValueType::Number(0.0, MAX_NUMBER)),
        "for fixed: the weight of each group",
    ),
    Key::optional(
        "order",
        ValueType::List(&ValueType::Text),
        "for stages: the groups in the order in which they are drawn; others follow",
    ),
    option(StopAndGo::KEYS[0]),
    option(StopAndGo::KEYS[1]),
    option(StopAndGo::KEYS[2]),
    option(StopAndGo::KEYS[3]),
    option(Bandit::KEYS[0]),
    option(Interference::KEYS[0]),
];

/// An option of one kind of sampling: its default is that of the kind, not of the table.
const fn option(key: Key) -> Key {
    Key { default: DefaultValue::Absent, ..key }
}

/// The keys of a kind of sampling besides `kind`.
fn options_of(kind: &str) -> Vec<&'static str> {
    let names = |keys: &'static [Key]| keys.iter().map(|key| key.name).collect();
    match kind {
        "temperature" | "annealed" => vec!["temperature"],
        "stages" => vec!["order"],
        kind => Rule::options(kind).map_or_else(|| vec!["draws"], names),
    }
}

/// The keys of `[train]`, except those of its optimizer.
pub(super) const KEYS: &[Key] = &[
    Key::with_default("seed", ValueType::Seed, "1", "random seed"),
    Key::with_default(
        "epochs",
        ValueType::Count(1),
        "20",
        "epochs of the main objective's corpus; exclusive with steps",
    ),
    Key::optional("steps", ValueType::Count(1), "updates; exclusive with epochs"),
    Key::with_default(
        "batch_size",
        ValueType::Count(1),
        "32",
        "batch size in examples; a corpus may set its own",
    ),
    Key::with_default("optimizer", ValueType::Choice(optimizer::NAMES), "\"adam\"", "optimizer"),
    live::LEARNING_RATE,
    live::CLIP_NORM,
    Key::with_default(
        "evaluate_every",
        ValueType::Either(&[ValueType::Choice(&["epoch"]), ValueType::Count(1)]),
        "\"epoch\"",
        "when to evaluate on dev: after every epoch, or every N steps",
    ),
    Key::optional(
        "best",
        ValueType::Text,
        "OBJECTIVE.METRIC that selects the best checkpoint; default: the main objective's first metric",
    ),
    Key::optional(
        "patience",
        ValueType::Count(1),
        "early stopping: evaluations without improvement before the run ends",
    ),
    Key {
        takes: ValueType::Either(&[ValueType::Choice(Sampling::NAMES), ValueType::Table(SAMPLING)]),
        ..live::SAMPLING
    },
    Key { takes: weighting::TAKES, ..live::WEIGHTING },
    Key { takes: weighting::SHADOWS, ..live::SHADOW_WEIGHTINGS },
    live::MEASURE_GRADIENTS_EVERY,
    live::AFFINITY_BUDGET,
    live::SAMPLES,
    live::WORST_SAMPLES,
];

/// Every key of the table with this optimizer.
pub(super) fn keys(optimizer: &str) -> Vec<Key> {
    // An unknown optimizer has been reported; its keys cannot be checked.
    let of_optimizer: Vec<Key> = if optimizer::NAMES.contains(&optimizer) {
        optimizer::keys(optimizer).to_vec()
    } else {
        optimizer::NAMES.iter().flat_map(|name| optimizer::keys(name)).copied().collect()
    };
    KEYS.iter().chain(&of_optimizer).copied().collect()
}

/// The checked values of `[train]`; `best` and the names of groups are checked by [`finish`].
pub(super) fn check(
    train: &Located,
    cx: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Entries> {
    let Located { value: Value::Table(entries), place } = train else {
        if !parse::is_refused(&train.value) {
            diagnostics.fault(
                &train.place,
                format!("`train`: expected [train], found {}", found(&train.value)),
            );
        }
        return None;
    };
    let said = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, said)| said);
    let optimizer = said("optimizer").and_then(|said| said.value.as_text()).unwrap_or("adam");
    let mut rest: Vec<_> = entries.clone();
    // A weighting table has the keys of its kind.
    rest.retain(|(key, _)| key != "weighting");
    let keys = keys(optimizer);
    let mut checked = cx.table("train", place, &rest, &keys, diagnostics);
    if let Some(said) = said("weighting") {
        match (weighting::check(said, cx, diagnostics), &mut checked) {
            (Some(weighting), Some(checked)) => {
                checked.insert("weighting".to_owned(), weighting);
            }
            (_, checked) => *checked = None,
        }
    }
    if let (Some(shadows), Some(_)) = (said("shadow_weightings"), &checked)
        && weighting::check_shadows(shadows, diagnostics).is_none()
    {
        checked = None;
    }
    if let (Some(steps), Some(_)) = (said("steps"), said("epochs")) {
        diagnostics.fault(
            &steps.place,
            "`train.steps` and `train.epochs` are mutually exclusive; keep one",
        );
        checked = None;
    }
    let mut checked = checked?;
    if checked.contains_key("steps") {
        checked.remove("epochs");
    }
    sampling_fits(&checked["sampling"], diagnostics)?;
    Some(checked)
}

/// The typed settings, once everything they refer to is known.
pub(super) fn finish(entries: Entries, best: Best) -> Train {
    let weighting = weighting::of_checked(&entries["weighting"]);
    let values = Values::new(entries);
    let count = |key| values.count_if_set(key).map(|count| count as u64);
    Train {
        seed: values.count("seed") as u64,
        length: match count("steps") {
            Some(steps) => Length::Steps(steps),
            None => Length::Epochs(values.count("epochs") as u64),
        },
        batch_size: values.count("batch_size"),
        optimizer: OptimizerConfig::from_values(&values),
        learning_rate: values.schedule("learning_rate"),
        clip_norm: values.get("clip_norm").and_then(|said| said.value.as_number()),
        evaluate_every: match values.get("evaluate_every").map(|said| &said.value) {
            Some(Value::Integer(_)) => Evaluate::Every(values.count("evaluate_every") as u64),
            _ => Evaluate::Epoch,
        },
        best,
        patience: count("patience"),
        sampling: sampling(&values),
        weighting,
        shadow_weightings: weighting::shadows_of_checked(&values),
        measure_gradients_every: values.count("measure_gradients_every") as u64,
        affinity_budget: values.number("affinity_budget"),
        samples: values.count("samples") as u64,
        worst_samples: values.switch("worst_samples"),
        values,
    }
}

/// The groups that `sampling` names, with their positions in the file.
pub(super) fn drawn_groups(entries: &Entries) -> Vec<(String, Place)> {
    let Some(Located { value: Value::Table(sampling), .. }) = entries.get("sampling") else {
        return Vec::new();
    };
    let named = sampling.iter().flat_map(|(key, said)| match (key.as_str(), &said.value) {
        ("draws", Value::Table(draws)) => {
            draws.iter().map(|(group, number)| (group.clone(), number.place.clone())).collect()
        }
        ("order", Value::List(order)) => {
            let group =
                |item: &Located| Some((item.value.as_text()?.to_owned(), item.place.clone()));
            order.iter().filter_map(group).collect()
        }
        _ => Vec::new(),
    });
    named.collect()
}

fn sampling_fits(said: &Located, diagnostics: &mut Diagnostics) -> Option<()> {
    let Value::Table(table) = &said.value else { return Some(()) };
    let get = |key: &str| table.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let kind = get("kind").and_then(|kind| kind.value.as_text())?;
    let options = options_of(kind);
    let is_other = |name: &str| name != "kind" && !options.contains(&name);
    if let Some((other, other_said)) = table.iter().find(|(name, _)| is_other(name)) {
        let options: Vec<String> = options.iter().map(|option| format!("{option:?}")).collect();
        let what = format!(
            "`train.sampling.{other}`: {kind:?} sampling has no such key; it has {}",
            options.join(", ")
        );
        diagnostics.fault(&other_said.place, what);
        return None;
    }
    if Rule::options(kind).is_some() {
        return Some(());
    }
    let wanted = options[0];
    let Some(wanted_said) = get(wanted) else {
        diagnostics.absent(
            &said.place,
            format!("`train.sampling.{wanted}`: missing key, which {kind:?} sampling needs"),
        );
        return None;
    };
    let moves = matches!(wanted_said.value, Value::Table(_));
    if wanted == "temperature" && moves != (kind == "annealed") {
        let what = match kind {
            "annealed" => {
                "`train.sampling.temperature`: annealed sampling needs a schedule { shape, from, to, steps }"
            }
            _ => "`train.sampling.temperature`: a schedule needs kind = \"annealed\"",
        };
        diagnostics.fault(&wanted_said.place, what);
        return None;
    }
    if let ("order", Value::List(order)) = (wanted, &wanted_said.value) {
        let name = |at: usize| order[at].value.as_text();
        let twice = (0..order.len()).find(|&at| (0..at).any(|before| name(before) == name(at)));
        if let Some(at) = twice {
            let what = format!(
                "`train.sampling.order`: expected each group once, found {:?} twice; remove one",
                name(at).unwrap_or_default()
            );
            diagnostics.fault(&order[at].place, what);
            return None;
        }
    }
    if let ("draws", Value::Table(draws)) = (wanted, &wanted_said.value) {
        let total: f64 = draws.iter().filter_map(|(_, number)| number.value.as_number()).sum();
        if total <= 0.0 {
            diagnostics.fault(&wanted_said.place, "`train.sampling.draws`: every weight is 0, so no group is drawn; expected at least one above 0");
            return None;
        }
    }
    Some(())
}

fn sampling(values: &Values) -> Sampling {
    let Some(table) = values.table("sampling") else {
        let rule = values.text("sampling").parse();
        return Sampling::Constant(rule.expect("every name is a rule's notation"));
    };
    let number = |key: &str| table.get(key).and_then(|said| said.value.as_number());
    if let Some(rule) = Rule::following(table.text("kind"), number) {
        return Sampling::Constant(rule);
    }
    if let Some(draws) = table.table("draws") {
        let draws = draws.iter().map(|(group, _)| (group.to_owned(), draws.number(group)));
        return Sampling::Constant(Rule::Fixed(draws.collect()));
    }
    if table.get("order").is_some() {
        let order = table.texts("order").into_iter().map(str::to_owned);
        return Sampling::Constant(Rule::Stages(order.collect()));
    }
    match table.schedule("temperature") {
        Schedule::Constant(temperature) => Sampling::Constant(Rule::Temperature(temperature)),
        schedule @ Schedule::Ramp { .. } => Sampling::Annealed(schedule),
    }
}
