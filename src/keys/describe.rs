//! Descriptions of the values that a key takes, for messages and `auxdesk list`.

use super::{MAX_NUMBER, Refers, ValueType};

impl ValueType {
    /// A description of the values: `a whole number of at least 1`.
    pub fn describe(&self) -> String {
        match self {
            Self::Switch => "true or false".to_owned(),
            Self::Count(0) => "a whole number".to_owned(),
            Self::Count(least) => format!("a whole number of at least {least}"),
            Self::Within(least, most) => format!("a whole number between {least} and {most}"),
            Self::Seed => "a whole number of at least 0".to_owned(),
            Self::Number(least, most) => format!("a number{}", bounds(*least, *most)),
            Self::Text => "a string".to_owned(),
            Self::Path => "the path of a file, or sample:PATH".to_owned(),
            Self::Run => "the folder of a run".to_owned(),
            Self::Words => "the path of a list with one word per line, or sample:PATH".to_owned(),
            Self::Choice(choices) => match choices {
                [only] => format!("{only:?}"),
                choices => format!("one of {}", quoted(choices.iter().copied())),
            },
            Self::Name(refers) => format!("the name of {}", refers.with_article()),
            Self::Tap => "[FIELD:]ENCODER[.LAYER][.VIEW], or an array of these".to_owned(),
            Self::Input => {
                "ENCODER, an array of these, { CORPUS = ENCODER } or \"labels:OBJECTIVE\""
                    .to_owned()
            }
            Self::Schedule(least, most) => {
                format!("a number{}, or {{ shape, from, to, steps }}", bounds(*least, *most))
            }
            Self::List(item) => format!("an array of items, each {}", item.describe()),
            Self::Table(keys) => {
                let keys: Vec<&str> = keys.iter().map(|key| key.name).collect();
                format!("a table of {}", keys.join(", "))
            }
            Self::Map(item) => format!("a table of names, each {}", item.describe()),
            Self::Either(choices) => describe_choices(choices),
        }
    }
}

impl Refers {
    /// The kind of table or field: `corpus`.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Corpus => "corpus",
            Self::Encoder => "encoder",
            Self::Objective => "objective",
            Self::Field
            | Self::Label
            | Self::Labels
            | Self::Arcs
            | Self::Spans
            | Self::Relations
            | Self::Items
            | Self::Numbers
            | Self::Answers
            | Self::Segments
            | Self::Row
            | Self::OtherText
            | Self::Frames
            | Self::Text
            | Self::Transcript => "field",
        }
    }

    /// Whether it is a field of a corpus.
    pub fn is_field(self) -> bool {
        !matches!(self, Self::Corpus | Self::Encoder | Self::Objective)
    }

    fn with_article(self) -> &'static str {
        match self {
            Self::Corpus => "a corpus",
            Self::Encoder => "an encoder",
            Self::Objective => "an objective",
            Self::Field | Self::Segments => "a field",
            Self::OtherText => "a field of another text",
            Self::Frames => "a field with a frame for each position",
            Self::Label => "a field with one string per example",
            Self::Labels => "a field with a set of strings per example",
            Self::Arcs => "a field with arcs between tokens",
            Self::Spans => "a field with spans of tokens",
            Self::Relations => "a field with relations between spans",
            Self::Items => "a field with one string per item of a list",
            Self::Numbers => "a field with numbers for each example",
            Self::Answers => "a field with alternative spans of tokens",
            Self::Row => "a field with one string per row of the tap",
            Self::Text => "a field with a raw text per example",
            Self::Transcript => {
                "a field with a raw text or a string per example, or one string per token"
            }
        }
    }
}

/// The description of several alternatives.
pub(crate) fn describe_choices(choices: &[ValueType]) -> String {
    let choices: Vec<String> = choices.iter().map(ValueType::describe).collect();
    choices.join(", or ")
}

fn bounds(least: f64, most: f64) -> String {
    match (least > -MAX_NUMBER, most < MAX_NUMBER) {
        (true, true) => format!(" between {least} and {most}"),
        (true, false) => format!(" of at least {least}"),
        (false, true) => format!(" of at most {most}"),
        (false, false) => String::new(),
    }
}

/// Strings in quotes, separated by commas.
pub(crate) fn quoted<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let items: Vec<String> = items.map(|item| format!("{item:?}")).collect();
    items.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_named_where_there_are_any() {
        assert_eq!(ValueType::Count(2).describe(), "a whole number of at least 2");
        assert_eq!(ValueType::Within(1, 8).describe(), "a whole number between 1 and 8");
        assert_eq!(ValueType::Number(0.0, 0.95).describe(), "a number between 0 and 0.95");
        assert_eq!(ValueType::Number(0.0, MAX_NUMBER).describe(), "a number of at least 0");
        assert_eq!(ValueType::Choice(&["a", "b"]).describe(), "one of \"a\", \"b\"");
    }
}
