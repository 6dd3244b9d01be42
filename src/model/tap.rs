//! Taps: a layer of an encoder, a view of it, and the context of that view.
//!
//! In a recipe: `[FIELD:]ENCODER[.LAYER][.VIEW]`. LAYER counts from 1; 0 is the encoder's input, or a decoder's initial
//! state, and the default is the top layer. Every view declares its context, so that an objective can
//! reject one that contains the label to predict.

use std::{borrow::Cow, fmt, str::FromStr};

/// What a row of a layer represents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// A token of a sequence.
    Token,
    /// An item of an example's list: a sentence of a document, a candidate.
    Item,
    /// A whole example.
    Example,
    /// A time step of a decoder.
    Step,
}

impl RowKind {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Item => "segment or item",
            Self::Example => "example",
            Self::Step => "time step of a decoder",
        }
    }
}

/// The context of a row: the part of its sequence that it depends on, besides its own token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Tokens before it.
    pub left: bool,
    /// Tokens after it.
    pub right: bool,
}

impl Context {
    /// Its own token only.
    pub const SELF_ONLY: Self = Self { left: false, right: false };
    /// All tokens before it.
    pub const LEFT: Self = Self { left: true, right: false };
    /// All tokens after it.
    pub const RIGHT: Self = Self { left: false, right: true };
    /// The whole sequence.
    pub const BOTH: Self = Self { left: true, right: true };

    /// The context of a row computed from two others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { left: self.left || other.left, right: self.right || other.right }
    }
}

/// One layer of an encoder, or one view of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerSpec {
    /// Dimension of a row.
    pub width: usize,
    /// What a row represents.
    pub on: RowKind,
    /// What a sequence of such rows is pooled to: an item if the rows are the tokens of one, an
    /// example otherwise.
    pub pooled: RowKind,
    /// The context of a row.
    pub context: Context,
    /// The contexts of its forward and backward halves, if it is bidirectional.
    pub directions: Option<[Context; 2]>,
}

impl LayerSpec {
    /// The signature of a view of the layer; `None` if the layer has no such view.
    pub fn view(self, view: TapView) -> Option<Self> {
        let half = |idx: usize| {
            let directions = self.directions?;
            Some(Self { width: self.width / 2, context: directions[idx], directions: None, ..self })
        };
        match view {
            TapView::Whole => Some(self),
            TapView::Forward => half(0),
            TapView::Backward => half(1),
            TapView::Last | TapView::Mean | TapView::Max => {
                (self.on != RowKind::Example).then(|| self.pooled())
            }
        }
    }

    /// The signature after pooling each sequence; the dimension stays.
    #[must_use]
    pub fn pooled(self) -> Self {
        Self {
            on: self.pooled,
            pooled: RowKind::Example,
            context: Context::BOTH,
            directions: None,
            ..self
        }
    }

    /// The signature if the encoder runs over each item of a list instead of one sequence of the
    /// example.
    #[must_use]
    pub fn in_items(self) -> Self {
        match self.on {
            RowKind::Token => Self { pooled: RowKind::Item, ..self },
            RowKind::Item | RowKind::Example | RowKind::Step => Self { on: RowKind::Item, ..self },
        }
    }

    /// Two layers concatenated; `None` if their rows represent different things.
    pub fn concat(self, other: Self) -> Option<Self> {
        (self.on == other.on).then_some(Self {
            width: self.width + other.width,
            context: self.context.and(other.context),
            directions: None,
            ..self
        })
    }

    /// A layer that is one or the other, depending on the corpus; `None` if they differ in
    /// dimension or in what their rows represent.
    pub fn alternative(self, other: Self) -> Option<Self> {
        let directions = self.directions.zip(other.directions);
        (self.width == other.width && self.on == other.on).then_some(Self {
            context: self.context.and(other.context),
            directions: directions.map(|([a, b], [c, d])| [a.and(c), b.and(d)]),
            ..self
        })
    }
}

/// The state of a decoder before its first step: its layer 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialState {
    /// 0 for every example.
    Zero,
    /// One row per example.
    Rows(LayerSpec),
}

/// The layers of an encoder, known before any tensor is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncoderSignature {
    /// The input of each input key, in the order of the keys; empty if it reads no encoder. The
    /// first is layer 0, except of a decoder.
    pub inputs: Vec<LayerSpec>,
    /// The initial state, of a decoder.
    pub initial: Option<InitialState>,
    /// Its layers, from the first; never empty.
    pub layers: Vec<LayerSpec>,
}

impl EncoderSignature {
    /// The layer with that number: 0 is the input, or of a decoder its initial state if it is not 0, `None` the top.
    pub fn layer(&self, number: Option<usize>) -> Option<LayerSpec> {
        match number {
            None => self.layers.last().copied(),
            Some(0) => match self.initial {
                None => self.inputs.first().copied(),
                Some(InitialState::Zero) => None,
                Some(InitialState::Rows(layer)) => Some(layer),
            },
            Some(number) => self.layers.get(number - 1).copied(),
        }
    }
}

/// A parameter-free view of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapView {
    /// The layer as it is.
    Whole,
    /// The half that depends on the preceding tokens.
    Forward,
    /// The half that depends on the following tokens.
    Backward,
    /// The last token's row; of a bidirectional layer, the final state of each half.
    Last,
    /// The mean over the tokens.
    Mean,
    /// The element-wise maximum over the tokens.
    Max,
}

impl TapView {
    /// The names in recipes.
    pub const NAMES: &[&str] = &["forward", "backward", "last", "mean", "max"];

    fn find(name: &str) -> Option<Self> {
        Some(match name {
            "forward" => Self::Forward,
            "backward" => Self::Backward,
            "last" => Self::Last,
            "mean" => Self::Mean,
            "max" => Self::Max,
            _ => return None,
        })
    }
}

/// A tap as written in a recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapName {
    /// The field that the encoder runs over, if examples have several sequences.
    pub field: Option<String>,
    /// The encoder's name.
    pub encoder: String,
    /// The layer's number; `None` for the top.
    pub layer: Option<usize>,
    /// The view.
    pub view: TapView,
}

impl TapName {
    /// What stands before the name of an objective whose labels are read: `labels:OBJECTIVE`.
    pub const LABELS: &str = "labels:";

    /// What stands before the name of an objective that gives each row a probability: `probability:OBJECTIVE`.
    pub const PROBABILITY: &str = "probability:";

    /// The name of the encoder that is read; that of labels is `labels:OBJECTIVE`.
    pub fn read(&self) -> Cow<'_, str> {
        match self.of_objective() {
            Some(prefix) => Cow::Owned(format!("{prefix}{}", self.encoder)),
            None => Cow::Borrowed(&self.encoder),
        }
    }

    /// The prefix by which the predictions of an objective are read, whose name stands for that of an encoder.
    pub fn of_objective(&self) -> Option<&'static str> {
        let field = self.field.as_deref()?;
        let mut prefixes = [Self::LABELS, Self::PROBABILITY].into_iter();
        prefixes.find(|prefix| prefix.strip_suffix(':') == Some(field))
    }
}

impl FromStr for TapName {
    type Err = String;

    fn from_str(tap: &str) -> Result<Self, String> {
        let (field, rest) = match tap.split_once(':') {
            Some((field, rest)) => (Some(field.to_owned()), rest),
            None => (None, tap),
        };
        let mut parts = rest.split('.');
        let encoder = parts.next().unwrap_or_default().to_owned();
        if encoder.is_empty() || field.as_deref() == Some("") {
            return Err(format!("{tap:?} is not a tap; expected [FIELD:]ENCODER[.LAYER][.VIEW]"));
        }
        let (mut layer, mut view) = (None, TapView::Whole);
        for (place, part) in parts.enumerate() {
            if let (0, Ok(number)) = (place, part.parse()) {
                layer = Some(number);
            } else if let (TapView::Whole, Some(found)) = (view, TapView::find(part)) {
                view = found;
            } else {
                return Err(format!(
                    "{part:?} in {tap:?} is neither a layer nor a view; expected a number or one of {}",
                    TapView::NAMES.join(", ")
                ));
            }
        }
        Ok(Self { field, encoder, layer, view })
    }
}

impl fmt::Display for TapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "{field}:")?;
        }
        f.write_str(&self.encoder)?;
        if let Some(layer) = self.layer {
            write!(f, ".{layer}")?;
        }
        match self.view {
            TapView::Whole => Ok(()),
            TapView::Forward => f.write_str(".forward"),
            TapView::Backward => f.write_str(".backward"),
            TapView::Last => f.write_str(".last"),
            TapView::Mean => f.write_str(".mean"),
            TapView::Max => f.write_str(".max"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displayed_tap_parses_to_itself() {
        for tap in ["trunk", "trunk.2", "trunk.0", "trunk.1.forward", "a:trunk.max", "trunk.last"] {
            assert_eq!(tap.parse::<TapName>().unwrap().to_string(), tap);
        }
        for tap in ["", ".1", ":trunk", "trunk.1.2", "trunk.top", "trunk.forward.1"] {
            assert!(tap.parse::<TapName>().is_err(), "{tap}");
        }
    }

    #[test]
    fn labels_of_an_objective_are_read_by_an_encoder_of_their_own() {
        let read = |tap: &str| tap.parse::<TapName>().unwrap().read().into_owned();
        assert_eq!(read("labels:pos.mean"), "labels:pos");
        assert_eq!(read("probability:extract"), "probability:extract");
        assert_eq!(read("a:trunk.2"), "trunk");
        assert_eq!(read("labels"), "labels");
    }

    #[test]
    fn the_context_of_alternative_layers_is_the_union() {
        let directions = Some([Context::LEFT, Context::RIGHT]);
        let (on, pooled) = (RowKind::Token, RowKind::Example);
        let both = LayerSpec { width: 4, on, pooled, context: Context::BOTH, directions };
        let here = LayerSpec { context: Context::SELF_ONLY, directions: None, ..both };
        assert_eq!(both.alternative(both), Some(both));
        assert_eq!(here.alternative(both), Some(LayerSpec { directions: None, ..both }));
        let deep = LayerSpec { directions: Some([Context::BOTH; 2]), ..both };
        assert_eq!(both.alternative(deep), Some(deep));
        assert_eq!(both.alternative(LayerSpec { width: 5, ..both }), None);
        assert_eq!(both.alternative(LayerSpec { on: RowKind::Example, ..both }), None);
    }
}
