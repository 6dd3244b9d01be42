//! The faults of a sampling rule's notation.

/// The lowest temperature, also in recipes.
pub const MIN_TEMPERATURE: f64 = 0.01;

/// The fault of a rule's notation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Its first word is not the name of a rule.
    #[error("no sampling named {0:?}{1}")]
    Unknown(String, String),
    /// There is more text after a name without options.
    #[error("expected nothing after {0}, found `{1}`")]
    More(String, String),
    /// The temperature is missing or invalid.
    #[error(
        "expected a temperature of at least {MIN_TEMPERATURE}, as in `temperature 2`, found `temperature {0}`"
    )]
    Temperature(String),
    /// A group's number is missing or invalid.
    #[error("expected GROUP=NUMBER of at least 0, as in `news=0.8`, found `{0}`")]
    Draw(String),
    /// The name of a stage's group is not a JSON string.
    #[error("expected the name of a group, as in `stages news web`, found `{0}`")]
    Stage(String),
    /// There is no such option.
    #[error("{0} has no option {1:?}{2}")]
    Option(String, String, String),
    /// The value of an option is missing or invalid.
    #[error("`{0}`: expected {1}, found `{2}`")]
    OptionValue(String, String, String),
    /// An option is given twice.
    #[error("option {0:?} is given twice")]
    OptionTwice(String),
    /// A group is given twice.
    #[error("group {0:?} is given twice")]
    Twice(String),
    /// No group would be drawn.
    #[error("every weight is 0, so no group is drawn")]
    NoneDrawn,
    /// The group does not exist.
    #[error("no group named {0:?}{1}")]
    NoGroup(String, String),
}
