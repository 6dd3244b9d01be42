//! `[[objective]]`: one loss, with its head, its taps and its gain.

use std::sync::Arc;

use super::{
    check::{Context, Entries},
    corpus::CorpusSpec,
    early_stopping::{self, EarlyStopping},
    encoder::Encoders,
    fault::Diagnostics,
    guard::{GUARD, Guard},
    input,
    kind::Kinds,
    names::Named,
    tap::{Signatures, Tap, no_outputs, resolve, strings},
    word_lists,
};
use crate::{
    data::Vocabulary,
    keys::{Key, Located, Place, Refers, Value, ValueType, Values, describe::quoted},
    live,
    model::{
        head::{self, HeadConfig, HeadKind},
        tap::{LayerSpec, RowKind},
    },
    objective::{
        self, ConfigFault, Declared, HeadRead, HeadSource, ObjectiveConfig, ObjectiveKind,
    },
    protocol::{ObjectiveId, event::Role},
    schedule::Schedule,
};

/// An objective of the recipe.
#[derive(Clone)]
pub struct ObjectiveSpec {
    /// Its name.
    pub name: ObjectiveId,
    /// Main or auxiliary.
    pub role: Role,
    /// Its kind.
    pub kind: &'static dyn ObjectiveKind,
    /// Its options, parsed.
    pub config: Arc<dyn ObjectiveConfig>,
    /// The head that maps taps to scores, if its table names one.
    pub head: Option<&'static dyn HeadKind>,
    /// The options of the head, parsed.
    pub head_config: Option<Arc<HeadConfig>>,
    /// The indices of the corpora it reads.
    pub corpora: Vec<usize>,
    /// Its sampling group; `None` if it reads several corpora.
    pub group: Option<String>,
    /// The taps of each of its tap keys, concatenated, in the order of [`ObjectiveKind::taps`], then that of each
    /// objective that it reads.
    pub taps: Vec<Vec<Tap>>,
    /// The layer that each of these reads.
    pub layers: Vec<LayerSpec>,
    /// The objectives whose heads it reads.
    pub reads: Vec<HeadRead>,
    /// The fader's initial gain.
    pub gain: Schedule,
    /// Whether it is initially muted.
    pub muted: bool,
    /// Whether the weighting rule initially sets its share.
    pub by_rule: bool,
    /// The initial factor of the learning rate of its own parameters.
    pub learning_rate_factor: f64,
    /// The initial number of its steps whose gradients are accumulated for an update; 1 for none.
    pub accumulation_steps: u64,
    /// When it is finished, and what that means.
    pub early_stopping: EarlyStopping,
    /// When it is muted because something is wrong with it.
    pub guard: Guard,
    /// What happens to its gradient at the taps.
    pub gradient: GradientFlow,
    /// The objective whose parameters and labels it uses, if not its own.
    pub share: Option<ObjectiveId>,
    /// The word lists that its keys name.
    pub(super) lists: Vec<(&'static str, Vocabulary)>,
    /// Every key of the table, including those of kind and head.
    pub values: Values,
    /// The position of the table in the file.
    pub place: Place,
}

impl ObjectiveSpec {
    /// Whether it shares everything with another objective of its kind, over other examples, and
    /// has no parameters of its own.
    pub fn is_another(&self) -> bool {
        self.share.is_some() && !matches!(self.kind.head(), HeadSource::Donor { .. })
    }

    /// Whether the strings of its label are classes, unlike the words of a text and numbers.
    pub fn has_class_labels(&self) -> bool {
        self.config.has_class_labels()
    }

    /// Whether it has parameters of its own, beside those that it shares.
    pub fn has_parameters(&self) -> bool {
        match self.kind.head() {
            HeadSource::None => false,
            HeadSource::Own | HeadSource::OneOf(_) => {
                self.share.is_none() && self.head.is_none_or(HeadKind::has_parameters)
            }
            HeadSource::Donor { .. } => true,
        }
    }

    /// Whether it is active at the start, or becomes so by its schedule.
    pub fn is_active(&self) -> bool {
        self.is_active_after(0) || self.is_active_after(u64::MAX)
    }

    /// Whether it is active after `done` updates, without any change at the desk. Weights are
    /// `f32`: a gain that rounds to 0 is inactive.
    pub fn is_active_after(&self, done: u64) -> bool {
        !self.muted
            && !self.early_stopping.training.is_finished()
            && self.gain.at(done) as f32 > 0.0
    }
}

/// What happens to an objective's gradient on its way into the encoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GradientFlow {
    /// It is passed on.
    Pass,
    /// It is stopped at the tap: only the head is trained.
    Stop,
    /// It is reversed and multiplied by this strength; the head's own gradient is unchanged.
    Reverse(Schedule),
}

pub(super) const OBJECTIVES: Kinds<&'static dyn ObjectiveKind> = Kinds {
    noun: "objective kind",
    built: objective::OBJECTIVES,
    name: |kind| kind.name(),
    planned: objective::PLANNED,
};

pub(super) const HEADS: Kinds<&'static dyn HeadKind> =
    Kinds { noun: "head", built: head::HEADS, name: |head| head.name(), planned: head::PLANNED };

const ONE_OR_MORE: ValueType = ValueType::Either(&[
    ValueType::Name(Refers::Corpus),
    ValueType::List(&ValueType::Name(Refers::Corpus)),
]);

const COMMON: &[Key] = &[
    Key::required("name", ValueType::Text, "name in recipe, desk and journal"),
    Key::with_default(
        "role",
        ValueType::Choice(&["main", "auxiliary"]),
        "\"auxiliary\"",
        "main or auxiliary; exactly one objective is main",
    ),
    Key::required("kind", ValueType::Text, "kind"),
    Key::required(
        "corpus",
        ONE_OR_MORE,
        "corpus it is trained on; an array: whichever of them is drawn",
    ),
    Key::optional("group", ValueType::Text, "sampling group; default: the corpus's name"),
    Key::optional(
        SHARE,
        ValueType::Name(Refers::Objective),
        "objective whose parameters and labels it shares",
    ),
];

pub(super) const SHARE: &str = "share";
const GRADIENT: &str = "gradient";
const STRENGTH: &str = live::STRENGTH.name;

const FADER: &[Key] = &[
    live::GAIN,
    live::MUTED,
    live::BY_RULE,
    live::LEARNING_RATE_FACTOR,
    live::ACCUMULATION_STEPS,
    Key::with_default(
        GRADIENT,
        ValueType::Choice(&["pass", "stop", "reverse"]),
        "\"pass\"",
        "its gradient into the encoder: pass, stop or reverse",
    ),
    live::STRENGTH,
];

const HEAD: Key = Key::optional("head", ValueType::Text, "output head");

/// Every key of an objective of this kind with this head.
pub(super) fn keys(kind: &dyn ObjectiveKind, head: Option<&dyn HeadKind>) -> Vec<Key> {
    let taps = kind.taps().iter().map(|tap| {
        if tap.selects {
            let about =
                "\"probability:OBJECTIVE\": probability with which the objective selects each row";
            return Key::optional(tap.name, ValueType::Tap, about);
        }
        let about = match tap.on {
            Some(RowKind::Token) => "encoder output it reads: one row per token",
            Some(RowKind::Item) => {
                "encoder output it reads: one row per segment or item of an example"
            }
            Some(RowKind::Example) => "encoder output it reads: one row per example",
            Some(RowKind::Step) => "decoder whose outputs it reads",
            None => "encoder output it reads: one row per token or per example",
        };
        Key::required(tap.name, ValueType::Tap, about)
    });
    // A kind may describe a common key in more detail.
    let is_own = |key: &Key| kind.keys().iter().any(|own| own.name == key.name);
    let common = COMMON.iter().copied().filter(|key| !is_own(key));
    let mut keys: Vec<Key> = common.chain(taps).collect();
    let has_head = !kind.head().choices().is_empty();
    if has_head {
        keys.push(HEAD);
    }
    keys.extend(kind.keys());
    let of_head = head.filter(|_| has_head).map_or(&[] as &[Key], HeadKind::keys);
    let is_tapped =
        |key: &&Key| !kind.taps().is_empty() || ![GRADIENT, STRENGTH].contains(&key.name);
    let of_fader = FADER.iter().filter(is_tapped).chain(early_stopping::KEYS).chain([&GUARD]);
    for key in of_head.iter().chain(of_fader) {
        if !keys.iter().any(|other| other.name == key.name) {
            keys.push(*key);
        }
    }
    keys
}

/// Whether the table's role is main, whatever other faults it has.
pub(super) fn is_main(table: &Named<'_>) -> bool {
    table.get("role").is_some_and(|role| role.value.as_text() == Some("main"))
}

/// Checks an objective; `None` if it has a fault or something in it is not implemented.
pub(super) fn check(
    table: &Named<'_>,
    cx: &Context<'_>,
    corpora: &[Option<CorpusSpec>],
    encoders: &Encoders,
    diagnostics: &mut Diagnostics,
) -> Option<ObjectiveSpec> {
    let kind = OBJECTIVES.of(table, "kind", diagnostics)?;
    let default = kind.head().choices().first().and_then(|name| head::find(name));
    let head = match (default, table.get("head")) {
        (None, _) | (_, None) => Ok(default),
        (_, Some(said)) => match declared_head(kind, said, diagnostics) {
            Some(head) => Ok(Some(head)),
            // The keys of a head that is not implemented yet are unknown.
            None if said.value.as_text().is_some_and(|head| HEADS.planned.contains(&head)) => {
                return None;
            }
            None => Err(default),
        },
    };
    let keys = keys(kind, head.unwrap_or_else(|instead| instead));
    let entries = cx.table(&table.label(), table.place, table.entries, &keys, diagnostics);
    let taps = taps(table, kind, cx, &encoders.signatures, diagnostics);
    let mut entries = entries?;
    let read = corpora_of(&entries, cx, diagnostics);
    let row = match taps.as_ref().and_then(|(_, layers)| layers.first()) {
        Some(LayerSpec { on: RowKind::Example, .. }) => Refers::Label,
        _ => Refers::Field,
    };
    let named = keys.iter().filter_map(|key| Some((key, entries.get(key.name)?)));
    let known: Vec<&CorpusSpec> = read.iter().filter_map(|at| corpora[*at].as_ref()).collect();
    let fields_fit = fields_fit(&named.collect::<Vec<_>>(), row, table.place, &known, diagnostics);
    let gradient = gradient(&mut entries, diagnostics);
    group(table, &mut entries, cx, &read, diagnostics)?;
    let head = head.ok()?;
    if let Some(head) = head {
        let name = Value::Text(head.name().to_owned());
        entries.entry("head".to_owned()).or_insert_with(|| Located::by_default(name));
    }
    let values = Values::new(entries);
    let (taps, layers) = taps?;
    let encoder = |name: &str| encoders.view(name);
    let declared = Declared {
        values: &values,
        taps: &layers,
        head,
        n_corpora: read.len(),
        shares: values.get(SHARE).is_some(),
        encoder: &encoder,
    };
    let config = configure(table, kind, &declared, diagnostics)?;
    fields_fit?;
    Some(ObjectiveSpec {
        name: table.name.into(),
        role: if is_main(table) { Role::Main } else { Role::Auxiliary },
        kind,
        head,
        head_config: head.map(|head| Arc::new(head.configure(&values))),
        corpora: read,
        group: values.text_if_set("group").map(str::to_owned),
        taps,
        layers,
        reads: config.reads(),
        config: config.into(),
        gain: values.schedule("gain"),
        muted: values.switch("muted"),
        by_rule: values.switch("by_rule"),
        learning_rate_factor: values.number(live::LEARNING_RATE_FACTOR.name),
        accumulation_steps: values.count(live::ACCUMULATION_STEPS.name) as u64,
        early_stopping: EarlyStopping::of(&values),
        guard: Guard::of(&values),
        gradient: gradient?,
        share: values.text_if_set(SHARE).map(ObjectiveId::from),
        lists: word_lists::lists(kind.keys(), &values),
        values,
        place: table.place.clone(),
    })
}

fn declared_head(
    kind: &dyn ObjectiveKind,
    said: &Located,
    diagnostics: &mut Diagnostics,
) -> Option<&'static dyn HeadKind> {
    let head = HEADS.find(said, "head", diagnostics)?;
    let choices = kind.head().choices();
    if !choices.contains(&head.name()) {
        let (kind_name, wanted) = (kind.name(), quoted(choices.iter().copied()));
        let what = format!(
            "{kind_name:?} does not support head {:?}; expected one of {wanted}",
            head.name()
        );
        diagnostics.fault(&said.place, what);
        return None;
    }
    Some(head)
}

/// Its taps and their layers; `None` if one of them has a fault.
fn taps(
    table: &Named<'_>,
    kind: &dyn ObjectiveKind,
    cx: &Context<'_>,
    signatures: &Signatures,
    diagnostics: &mut Diagnostics,
) -> Option<(Vec<Vec<Tap>>, Vec<LayerSpec>)> {
    let mut found = Vec::new();
    for key in kind.taps() {
        let Some(said) = table.get(key.name) else {
            if !key.selects {
                found.push(None);
            }
            continue;
        };
        let mut known = true;
        if key.selects {
            known &= input::is_known(said, cx, diagnostics)
                && input::are_weights(key.name, said, diagnostics);
        } else {
            for (text, place) in strings(said) {
                let Ok(tap) = text.parse::<crate::model::TapName>() else { continue };
                known &= cx.names.know(Refers::Encoder, &tap.encoder, place, diagnostics);
                known &= key.on == Some(RowKind::Step)
                    || no_outputs(&table.path(key.name), (text, place), signatures, diagnostics);
            }
        }
        let resolved = if known { resolve(said, signatures, diagnostics) } else { None };
        let right = resolved.filter(|(_, layer)| {
            let is_wanted = match key.on {
                Some(on) => layer.on == on,
                None => layer.on != RowKind::Item,
            };
            if !is_wanted {
                let what = match (layer.on, key.on) {
                    (found, Some(RowKind::Step)) => {
                        let (found, decoder) = (found.name(), decoder_of(said, signatures));
                        let instead = decoder.map(|name| format!(": tap {name:?}"));
                        let instead = instead.unwrap_or_default();
                        format!(
                            "has one row per {found}; expected the outputs of a decoder{instead}"
                        )
                    }
                    (RowKind::Example, _) => {
                        "has one row per example; expected one row per token: remove the view"
                            .to_owned()
                    }
                    (found, Some(RowKind::Example)) => format!(
                        "has one row per {}; expected one per example: add .mean, .max or .last",
                        found.name()
                    ),
                    (found, wanted) => format!(
                        "has one row per {}; expected one per {}",
                        found.name(),
                        wanted.map_or("token or each example", RowKind::name)
                    ),
                };
                let said_texts = quoted(strings(said).into_iter().map(|(text, _)| text));
                diagnostics.fault(&said.place, format!("{said_texts} {what}"));
            }
            is_wanted
        });
        found.push(right);
    }
    Some(found.into_iter().collect::<Option<Vec<_>>>()?.into_iter().unzip())
}

/// The first decoder that a tap key names, whatever its layer and view.
fn decoder_of(said: &Located, signatures: &Signatures) -> Option<String> {
    let taps = strings(said).into_iter();
    let mut names = taps.filter_map(|(tap, _)| tap.parse::<crate::model::TapName>().ok());
    names.find(|tap| signatures.is_decoder(&tap.encoder)).map(|tap| tap.encoder)
}

/// The options of a table, if kind and head accept them for the layers of the taps.
fn configure(
    table: &Named<'_>,
    kind: &dyn ObjectiveKind,
    declared: &Declared<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Box<dyn ObjectiveConfig>> {
    let first = kind.taps().first().and_then(|tap| table.get(tap.name));
    let (tap, place) = match first {
        Some(said) => (quoted(strings(said).into_iter().map(|(text, _)| text)), &said.place),
        None => (String::new(), table.place),
    };
    let values = declared.values;
    let config = match kind.configure(declared) {
        Ok(config) => config,
        Err(ConfigFault::Tap(what)) => {
            diagnostics.fault(place, format!("{tap}: {what}"));
            return None;
        }
        Err(ConfigFault::Key(key, what)) => {
            diagnostics.fault(&values.place(key), what);
            return None;
        }
    };
    let on = declared.taps.first().map(|layer| layer.on);
    if let (Some(head), Some(on)) = (declared.head, on)
        && !head.works_on(on)
    {
        let what = format!("{tap}: the head {:?} does not accept such rows", head.name());
        diagnostics.fault(&values.place("head"), what);
        return None;
    }
    Some(config)
}

fn corpora_of(entries: &Entries, cx: &Context<'_>, diagnostics: &mut Diagnostics) -> Vec<usize> {
    let mut found = Vec::new();
    for (name, place) in strings(&entries["corpus"]) {
        let Some(at) = cx.names.corpora.iter().position(|corpus| corpus == name) else { continue };
        if found.contains(&at) {
            diagnostics.fault(place, format!("the corpus {name:?} is listed twice"));
        } else {
            found.push(at);
        }
    }
    found
}

/// Whether every field that a key names is in every known corpus. `row` is the type of a field that
/// has one string for each row of the tap.
fn fields_fit(
    named: &[(&Key, &Located)],
    row: Refers,
    place: &Place,
    corpora: &[&CorpusSpec],
    diagnostics: &mut Diagnostics,
) -> Option<()> {
    let mut fit = Some(());
    for (key, said) in named {
        let ValueType::Name(refers) = key.takes else { continue };
        let Some(field) = said.value.as_text().filter(|_| refers.is_field()) else { continue };
        let wanted = if refers == Refers::Row { row } else { refers };
        for corpus in corpora {
            if let Some(what) = corpus.lacks(field, wanted) {
                let place = if said.place == Place::Default { place } else { &said.place };
                diagnostics.fault(place, format!("`{}`: {what}", key.name));
                fit = None;
            }
        }
    }
    fit
}

fn gradient(entries: &mut Entries, diagnostics: &mut Diagnostics) -> Option<GradientFlow> {
    let said = entries.get(GRADIENT).and_then(|said| said.value.as_text()).map(str::to_owned);
    let strength = entries.get(STRENGTH);
    if said.as_deref() != Some("reverse")
        && let Some(strength) = strength
    {
        let what = "`strength` applies only to gradient = \"reverse\"; remove it";
        diagnostics.fault(&strength.place, what);
        return None;
    }
    match said.as_deref() {
        Some("stop") => Some(GradientFlow::Stop),
        Some("reverse") => {
            let strength = entries
                .entry(STRENGTH.to_owned())
                .or_insert_with(|| Located::by_default(Value::Integer(1)));
            strength.value.as_schedule().map(GradientFlow::Reverse)
        }
        _ => Some(GradientFlow::Pass),
    }
}

/// Fills in the group: by default the name of its corpus, if it reads exactly one.
fn group(
    table: &Named<'_>,
    entries: &mut Entries,
    cx: &Context<'_>,
    read: &[usize],
    diagnostics: &mut Diagnostics,
) -> Option<()> {
    let several = matches!(entries["corpus"].value, Value::List(_)) && read.len() > 1;
    if several {
        if is_main(table) {
            diagnostics.fault(
                &entries["corpus"].place,
                "a main objective reads one corpus: an epoch is one pass over it",
            );
            return None;
        }
        if let Some(said) = entries.get("group") {
            let what = "an objective over several corpora belongs to no group; remove `group`";
            diagnostics.fault(&said.place, what);
            return None;
        }
        return Some(());
    }
    let corpus = read.first().map(|at| cx.names.corpora[*at].clone())?;
    entries.entry("group".to_owned()).or_insert_with(|| Located::by_default(Value::Text(corpus)));
    Some(())
}
