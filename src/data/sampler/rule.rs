//! The rule by which a step chooses among the groups, and its notation, in which it is typed at the
//! desk, reported in events, and undone.
//!
//! `proportional`, `uniform`, `round-robin`, `all`, `temperature 2`, `fixed news=0.8 web=0.2`,
//! `stages news web`, `stop-and-go gap=8`, `bandit`, `interference`. A group whose name has other characters than letters,
//! digits, `-`, `_` and `.` is written as a JSON string.

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Bandit, Interference, Options, RuleError, StopAndGo, error::MIN_TEMPERATURE};
use crate::{
    keys::{Key, MAX_NUMBER},
    nearest::hint,
};

/// How a step chooses among the groups. It is serialized in its notation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Rule {
    /// One group, with probability proportional to the number of its corpus's examples.
    Proportional,
    /// One group, all with equal probability.
    Uniform,
    /// One group after the other, in the order of the recipe.
    RoundRobin,
    /// Every group at every step.
    All,
    /// One group, with probability proportional to size^(1/temperature) (Devlin 2018).
    Temperature(f64),
    /// One group, with probabilities in these proportions, by group; others have 0.
    Fixed(BTreeMap<String, f64>),
    /// One group for as many steps as an epoch of its corpora has, then the next one, and so on again and again
    /// (Hashimoto et al. 2017): first these groups in their order, then the others in that of the recipe. The place
    /// in the cycle is a function of the step and of the active groups: muting one in mid-run moves it.
    Stages(Vec<String>),
    /// One group after the other, those that no longer improve less often.
    StopAndGo(StopAndGo),
    /// The main objective's group, and one chosen by its improvement.
    Bandit(Bandit),
    /// Sets of groups whose gradients agree, one after the other.
    Interference(Interference),
}

impl Rule {
    /// The first words of all rules.
    pub const NAMES: &[&str] = &[
        "proportional",
        "uniform",
        "round-robin",
        "all",
        "temperature",
        "fixed",
        "stages",
        StopAndGo::NAME,
        Bandit::NAME,
        Interference::NAME,
    ];

    /// The options of a rule that follows progress, by its name.
    pub fn options(name: &str) -> Option<&'static [Key]> {
        match name {
            StopAndGo::NAME => Some(StopAndGo::KEYS),
            Bandit::NAME => Some(Bandit::KEYS),
            Interference::NAME => Some(Interference::KEYS),
            _ => None,
        }
    }

    /// The rule that follows progress with this name, with the options that are given and defaults for the others.
    pub fn following(name: &str, given: impl Fn(&str) -> Option<f64>) -> Option<Self> {
        match name {
            StopAndGo::NAME => Some(Self::StopAndGo(StopAndGo::with(given))),
            Bandit::NAME => Some(Self::Bandit(Bandit::with(given))),
            Interference::NAME => Some(Self::Interference(Interference::with(given))),
            _ => None,
        }
    }

    /// Whether what it draws changes with the progress of training.
    pub fn follows_progress(&self) -> bool {
        matches!(self, Self::StopAndGo(_) | Self::Bandit(_) | Self::Interference(_))
    }

    /// The same rule, if every group that it names is one of these.
    pub fn among<'a>(
        self,
        groups: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Self, RuleError> {
        let named: Vec<&String> = match &self {
            Self::Fixed(draws) => draws.keys().collect(),
            Self::Stages(order) => order.iter().collect(),
            _ => Vec::new(),
        };
        if let Some(&name) = named.iter().find(|name| !groups.clone().any(|group| group == **name))
        {
            return Err(RuleError::NoGroup(name.clone(), hint(name, groups)));
        }
        Ok(self)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proportional => f.write_str("proportional"),
            Self::Uniform => f.write_str("uniform"),
            Self::RoundRobin => f.write_str("round-robin"),
            Self::All => f.write_str("all"),
            Self::Temperature(temperature) => write!(f, "temperature {temperature}"),
            Self::Fixed(draws) => {
                f.write_str("fixed")?;
                draws.iter().try_for_each(|(group, draw)| write!(f, " {}={draw}", quoted(group)))
            }
            Self::Stages(order) => {
                f.write_str("stages")?;
                order.iter().try_for_each(|group| write!(f, " {}", quoted(group)))
            }
            Self::StopAndGo(rule) => rule.write(f),
            Self::Bandit(rule) => rule.write(f),
            Self::Interference(rule) => rule.write(f),
        }
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for Rule {
    type Error = RuleError;

    fn try_from(text: String) -> Result<Self, RuleError> {
        text.parse()
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let text = text.trim();
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim_start();
        let rule = match name {
            "proportional" => Self::Proportional,
            "uniform" => Self::Uniform,
            "round-robin" => Self::RoundRobin,
            "all" => Self::All,
            "temperature" => {
                return number(rest, MIN_TEMPERATURE)
                    .map(Self::Temperature)
                    .ok_or_else(|| RuleError::Temperature(rest.to_owned()));
            }
            "fixed" => return fixed(rest).map(Self::Fixed),
            "stages" => return stages(rest).map(Self::Stages),
            StopAndGo::NAME => return Options::parse(rest).map(Self::StopAndGo),
            Bandit::NAME => return Options::parse(rest).map(Self::Bandit),
            Interference::NAME => return Options::parse(rest).map(Self::Interference),
            _ => {
                let names = hint(name, Self::NAMES.iter().copied());
                return Err(RuleError::Unknown(name.to_owned(), names));
            }
        };
        if rest.is_empty() {
            Ok(rule)
        } else {
            Err(RuleError::More(name.to_owned(), rest.to_owned()))
        }
    }
}

fn fixed(text: &str) -> Result<BTreeMap<String, f64>, RuleError> {
    let mut draws = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (item, after) = item(rest);
        let wrong = || RuleError::Draw(item.to_owned());
        let (name, draw) = item.rsplit_once('=').ok_or_else(wrong)?;
        let name = unquoted(name).ok_or_else(wrong)?;
        let draw = number(draw, 0.0).filter(|_| !name.is_empty() || item.starts_with('"'));
        if draws.insert(name.clone(), draw.ok_or_else(wrong)?).is_some() {
            return Err(RuleError::Twice(name));
        }
        rest = after;
    }
    if draws.values().any(|draw| *draw > 0.0) { Ok(draws) } else { Err(RuleError::NoneDrawn) }
}

fn stages(text: &str) -> Result<Vec<String>, RuleError> {
    let mut order = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (item, after) = item(rest);
        let name = unquoted(item).ok_or_else(|| RuleError::Stage(item.to_owned()))?;
        if order.contains(&name) {
            return Err(RuleError::Twice(name));
        }
        order.push(name);
        rest = after;
    }
    Ok(order)
}

/// A group's name as it is written in a rule.
fn quoted(group: &str) -> Cow<'_, str> {
    if !group.is_empty() && group.chars().all(is_plain) {
        Cow::Borrowed(group)
    } else {
        Cow::Owned(serde_json::Value::from(group).to_string())
    }
}

/// The name that is written so; `None` if its quotes are not those of a JSON string.
fn unquoted(text: &str) -> Option<String> {
    if text.starts_with('"') { serde_json::from_str(text).ok() } else { Some(text.to_owned()) }
}

/// One item, such as GROUP=NUMBER, and the rest. Spaces within quotes do not separate.
fn item(text: &str) -> (&str, &str) {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let end = text.find(|c: char| {
        is_quoted ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        c.is_whitespace() && !is_quoted
    });
    let (item, after) = text.split_at(end.unwrap_or(text.len()));
    (item, after.trim_start())
}

fn number(text: &str, least: f64) -> Option<f64> {
    text.parse().ok().filter(|number| (least..=MAX_NUMBER).contains(number))
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<Rule>().unwrap_err().to_string()
    }

    fn rules() -> impl Strategy<Value = Rule> {
        let name =
            prop_oneof![any::<String>(), "[a-z ]{0,3}[=\"\\\\]{0,2}[a-z]{0,2}", "[a-z]{1,6}"];
        let draw = prop_oneof![Just(0.0), 0.0..=MAX_NUMBER, 0.0..1.0];
        let draws = proptest::collection::btree_map(name, draw, 1..4)
            .prop_filter("something is drawn", |draws| draws.values().any(|draw| *draw > 0.0));
        prop_oneof![
            Just(Rule::Proportional),
            Just(Rule::Uniform),
            Just(Rule::RoundRobin),
            Just(Rule::All),
            prop_oneof![MIN_TEMPERATURE..=MAX_NUMBER, MIN_TEMPERATURE..100.0]
                .prop_map(Rule::Temperature),
            draws.prop_map(Rule::Fixed),
            proptest::collection::btree_set("[a-z ]{0,3}[=\"\\\\]{0,2}[a-z]{0,2}", 0..4)
                .prop_map(|order| Rule::Stages(order.into_iter().rev().collect())),
            (1..1_000_000u64, 0.0..1.0, 0.0..=MAX_NUMBER, 1..1_000u64).prop_map(
                |(gap, improvement, degradation, evaluations)| {
                    Rule::StopAndGo(StopAndGo { gap, improvement, degradation, evaluations })
                }
            ),
            prop_oneof![Just(0.1), 0.0..=1.0].prop_map(|decay| Rule::Bandit(Bandit { decay })),
            (-1.0..=1.0).prop_map(|min_cosine| Rule::Interference(Interference { min_cosine })),
        ]
    }

    proptest! {
        #[test]
        fn sampling_rules_round_trip_through_their_notation(rule in rules()) {
            let text = rule.to_string();
            prop_assert!(!text.contains('\n'), "{}", text);
            prop_assert_eq!(text.parse(), Ok(rule), "{}", text);
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "(fixed|temperature|all|bandit|stop-and-go gap=)?[ -~\u{e9}]{0,12}") {
            if let Ok(rule) = text.parse::<Rule>() {
                prop_assert_eq!(rule.to_string().parse(), Ok(rule));
            }
        }
    }

    #[test]
    fn every_name_starts_a_rule() {
        for name in Rule::NAMES {
            let text = match *name {
                "temperature" => "temperature 2".to_owned(),
                "fixed" => "fixed news=0.8 web=0.2".to_owned(),
                name => name.to_owned(),
            };
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        let blanks = "  fixed   web=0.2\tnews=.80 ".parse::<Rule>().unwrap();
        assert_eq!(blanks.to_string(), "fixed news=0.8 web=0.2");
        let quoted = "fixed \"a =b\"=1 c=0".parse::<Rule>().unwrap();
        assert_eq!(quoted, Rule::Fixed([("a =b".into(), 1.0), ("c".into(), 0.0)].into()));
    }

    #[test]
    fn invalid_rules_are_refused_with_what_was_expected() {
        let names = "\"proportional\", \"uniform\", \"round-robin\", \"all\", \"temperature\", \"fixed\", \"stages\", \"stop-and-go\", \"bandit\", \"interference\"";
        let temperature = |found: &str| {
            format!(
                "expected a temperature of at least 0.01, as in `temperature 2`, found `temperature {found}`"
            )
        };
        let draw = |found: &str| {
            format!("expected GROUP=NUMBER of at least 0, as in `news=0.8`, found `{found}`")
        };
        let cases = [
            ("unifrom", "no sampling named \"unifrom\"; did you mean \"uniform\"?".to_owned()),
            ("", format!("no sampling named \"\"; expected one of {names}")),
            ("all of it", "expected nothing after all, found `of it`".to_owned()),
            ("temperature", temperature("")),
            ("temperature 0", temperature("0")),
            ("temperature inf", temperature("inf")),
            ("temperature 2 3", temperature("2 3")),
            ("fixed", "every weight is 0, so no group is drawn".to_owned()),
            ("fixed news=0", "every weight is 0, so no group is drawn".to_owned()),
            ("fixed news", draw("news")),
            ("fixed news=", draw("news=")),
            ("fixed =1", draw("=1")),
            ("fixed news=-1", draw("news=-1")),
            ("fixed news=NaN", draw("news=NaN")),
            ("fixed \"a b=1", draw("\"a b=1")),
            ("fixed news=1 news=2", "group \"news\" is given twice".to_owned()),
            ("stages web news web", "group \"web\" is given twice".to_owned()),
            (
                "stop-and-go gap",
                "`gap`: expected a whole number between 1 and 1000000, found ``".to_owned(),
            ),
            ("bandit decay=2", "`decay`: expected a number between 0 and 1, found `2`".to_owned()),
            ("bandit decay=0 decay=1", "option \"decay\" is given twice".to_owned()),
            (
                "interference min_cosin=0",
                "interference has no option \"min_cosin\"; did you mean \"min_cosine\"?".to_owned(),
            ),
            (
                "stages \"web",
                "expected the name of a group, as in `stages news web`, found `\"web`".to_owned(),
            ),
        ];
        for (text, wanted) in cases {
            assert_eq!(refused(text), wanted, "{text}");
        }
    }

    #[test]
    fn an_unknown_group_is_refused_with_the_nearest_name() {
        let groups = ["news", "web"];
        let among = |text: &str| text.parse::<Rule>().unwrap().among(groups.into_iter());
        assert_eq!(among("fixed web=1").unwrap().to_string(), "fixed web=1");
        assert_eq!(among("uniform"), Ok(Rule::Uniform));
        let refused = among("fixed newes=1 web=1").unwrap_err().to_string();
        assert_eq!(refused, "no group named \"newes\"; did you mean \"news\"?");
        assert_eq!(among("stages web news").unwrap().to_string(), "stages web news");
        assert!(among("stages web newes").is_err());
    }
}
