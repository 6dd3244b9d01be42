//! `[[objective]]`: one loss, the head and taps it reads through, its gain.

use std::sync::Arc;

use super::{
    check::{Context, Entries},
    corpus::CorpusSpec,
    encoder::Encoders,
    fault::Diagnostics,
    kind::Kinds,
    names::Named,
    tap::{Signatures, Tap, resolve, strings},
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
    objective::{self, ConfigFault, Declared, HeadSource, ObjectiveConfig, ObjectiveKind},
    protocol::{ObjectiveId, event::Role},
    schedule::Schedule,
};

/// An objective, as a recipe asks for it.
#[derive(Clone)]
pub struct ObjectiveSpec {
    /// Its name.
    pub name: ObjectiveId,
    /// Main or auxiliary.
    pub role: Role,
    /// What it is.
    pub kind: &'static dyn ObjectiveKind,
    /// What its table says of it, parsed.
    pub config: Arc<dyn ObjectiveConfig>,
    /// From tap to scores, if its table says one.
    pub head: Option<&'static dyn HeadKind>,
    /// What its table says of the head, parsed.
    pub head_config: Option<Arc<dyn HeadConfig>>,
    /// The corpora it reads, by place.
    pub corpora: Vec<usize>,
    /// The group it is drawn with; none if it reads several corpora.
    pub group: Option<String>,
    /// What each of its tap keys reads, side by side, in the order of [`ObjectiveKind::taps`].
    pub taps: Vec<Vec<Tap>>,
    /// What each of its tap keys gives.
    pub layers: Vec<LayerSpec>,
    /// The fader's gain at the start.
    pub gain: Schedule,
    /// Whether it is muted at the start.
    pub muted: bool,
    /// What becomes of its gradient at the taps.
    pub gradient: GradientFlow,
    /// The objective whose parameters and labels it uses, if not its own.
    pub share: Option<ObjectiveId>,
    /// The lists of words that its keys name.
    pub(super) lists: Vec<(&'static str, Vocabulary)>,
    /// Every key of the table, those of kind and head too.
    pub values: Values,
    /// Where the table begins.
    pub place: Place,
}

impl ObjectiveSpec {
    /// Whether it is another objective over other examples, with nothing of its own to learn.
    pub fn is_another(&self) -> bool {
        self.share.is_some() && !matches!(self.kind.head(), HeadSource::Donor { .. })
    }

    /// Whether it sounds at the start, or will by its schedule.
    pub fn is_active(&self) -> bool {
        self.is_active_after(0) || self.is_active_after(u64::MAX)
    }

    /// Whether it sounds after so many updates, if no hand moves it. Weights are `f32`: a gain that
    /// is 0 there is silent.
    pub fn is_active_after(&self, done: u64) -> bool {
        !self.muted && self.gain.at(done) as f32 > 0.0
    }
}

/// What becomes of a gradient on its way from an objective into the encoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GradientFlow {
    /// It passes.
    Pass,
    /// It ends at the tap: only the head learns.
    Stop,
    /// It is reversed, with this strength; the head itself learns with factor 1.
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
    Key::with_default(
        GRADIENT,
        ValueType::Choice(&["pass", "stop", "reverse"]),
        "\"pass\"",
        "its gradient into the encoder: pass, stop or reverse",
    ),
    live::STRENGTH,
];

const HEAD: Key = Key::optional("head", ValueType::Text, "output head");

/// Every key that an objective of this kind, with this head, may have.
pub(super) fn keys(kind: &dyn ObjectiveKind, head: Option<&dyn HeadKind>) -> Vec<Key> {
    let taps = kind.taps().iter().map(|tap| {
        let about = match tap.on {
            Some(RowKind::Token) => "encoder output it reads: one row per token",
            Some(RowKind::Item) => "what it reads: a row for each segment of an example",
            Some(RowKind::Example) => "encoder output it reads: one row per example",
            None => "encoder output it reads: one row per token or per example",
        };
        Key::required(tap.name, ValueType::Tap, about)
    });
    // A kind may have more to say of a common key.
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
    for key in of_head.iter().chain(FADER.iter().filter(is_tapped)) {
        if !keys.iter().any(|other| other.name == key.name) {
            keys.push(*key);
        }
    }
    keys
}

/// The role that a table says, right or wrong as it may be otherwise.
pub(super) fn is_main(table: &Named<'_>) -> bool {
    table.get("role").is_some_and(|role| role.value.as_text() == Some("main"))
}

/// An objective; `None` if there is a fault in it or something of it isn't built.
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
        (_, Some(said)) => match head_said(kind, said, diagnostics) {
            Some(head) => Ok(Some(head)),
            // The keys of a head to come are not known.
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
        config: config.into(),
        head,
        head_config: head.map(|head| head.configure(&values).into()),
        corpora: read,
        group: values.text_if_said("group").map(str::to_owned),
        taps,
        layers,
        gain: values.schedule("gain"),
        muted: values.switch("muted"),
        gradient: gradient?,
        share: values.text_if_said(SHARE).map(ObjectiveId::from),
        lists: word_lists::lists(kind.keys(), &values),
        values,
        place: table.place.clone(),
    })
}

fn head_said(
    kind: &dyn ObjectiveKind,
    said: &Located,
    diagnostics: &mut Diagnostics,
) -> Option<&'static dyn HeadKind> {
    let head = HEADS.find(said, "head", diagnostics)?;
    let choices = kind.head().choices();
    if !choices.contains(&head.name()) {
        let (kind_name, wanted) = (kind.name(), quoted(choices.iter().copied()));
        let what = format!("{kind_name:?} has no head {:?}; expected one of {wanted}", head.name());
        diagnostics.fault(&said.place, what);
        return None;
    }
    Some(head)
}

/// What its taps read and give; `None` if one of them can't be known.
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
            found.push(None);
            continue;
        };
        let mut known = true;
        for (text, place) in strings(said) {
            let Ok(tap) = text.parse::<crate::model::TapName>() else { continue };
            known &= cx.names.know(Refers::Encoder, &tap.encoder, place, diagnostics);
        }
        let resolved = if known { resolve(said, signatures, diagnostics) } else { None };
        let right = resolved.filter(|(_, layer)| {
            let is_wanted = match key.on {
                Some(on) => layer.on == on,
                None => layer.on != RowKind::Item,
            };
            if !is_wanted {
                let what = match (layer.on, key.on) {
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

/// The options of a table, if kind and head can work with them on what the taps give.
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
        let what = format!("{tap}: the head {:?} doesn't work on such rows", head.name());
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
            diagnostics.fault(place, format!("the corpus {name:?} is named twice"));
        } else {
            found.push(at);
        }
    }
    found
}

/// Whether every field that a key names is in every corpus that is known. `row` is what a field holds
/// that has a string for each row of the tap.
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
                diagnostics.fault(place, what);
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

/// Fills in the group: by default the name of its corpus, if it reads one only.
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
