//! Text prompts and the validation of their input.

use super::Extension;
use crate::{
    live,
    protocol::{Assignment, Command, ObjectiveId, Step},
    tui::line::Line,
};

/// A prompt with its input.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// What it asks for.
    pub kind: PromptKind,
    /// The input so far.
    pub line: Line,
    /// The fault found at the last Enter.
    pub fault: Option<String>,
}

/// What a prompt asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptKind {
    /// A gain, set at once or faded over a number of steps.
    Gain(ObjectiveId),
    /// A note.
    Note,
    /// A live setting, by its path.
    Setting(String),
    /// How long to train a run on that has ended.
    TrainOn,
    /// A step of a replay.
    Step,
    /// A part of an event's text.
    Filter,
}

/// The parsed input of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub enum Entered {
    /// A command to the trainer.
    Command(Command),
    /// So many epochs or steps more.
    TrainOn(Extension),
    /// A step to seek to.
    Step(Step),
    /// A text to filter by.
    Filter(String),
}

impl Prompt {
    /// A prompt with an initial text, which may be empty. A value to start from is replaced by typing.
    pub fn new(kind: PromptKind, text: &str) -> Self {
        let line = match kind {
            PromptKind::Setting(_) | PromptKind::TrainOn => Line::suggested(text),
            _ => Line::new(text),
        };
        Self { kind, line, fault: None }
    }

    /// The label in front of the input.
    pub fn label(&self) -> String {
        match &self.kind {
            PromptKind::Gain(objective) => format!("gain of {objective}"),
            PromptKind::Note => "note".to_owned(),
            PromptKind::Setting(path) => path.clone(),
            PromptKind::TrainOn => "train on for how long".to_owned(),
            PromptKind::Step => "go to step".to_owned(),
            PromptKind::Filter => "filter events".to_owned(),
        }
    }

    /// A hint on the input.
    pub fn hint(&self) -> &'static str {
        match &self.kind {
            PromptKind::Gain(_) => "0.8, or 0.8 over 500 to fade over 500 steps",
            PromptKind::Note => "Enter adds it at this step",
            PromptKind::Setting(path) => live::find(path).map_or("", |(row, _)| row.hint),
            PromptKind::TrainOn => "5 epochs, or 2000 steps",
            PromptKind::Step => "a step, or a percentage such as 40%",
            PromptKind::Filter => "Enter applies it; an empty filter shows all",
        }
    }

    /// Parses the input; the error says what was expected and found. `n_steps` is the length of the
    /// run.
    pub fn entry(&self, n_steps: u64) -> Result<Entered, String> {
        let text = self.line.text();
        let text = text.trim();
        let number = |text: &str| {
            text.parse::<f32>().ok().filter(|number| number.is_finite() && *number >= 0.0)
        };
        Ok(match &self.kind {
            PromptKind::Gain(objective) => {
                let (gain, over) = match text.split_once("over") {
                    Some((gain, over)) => (gain.trim(), Some(over.trim())),
                    None => (text, None),
                };
                let gain = number(gain)
                    .ok_or_else(|| format!("expected a gain of at least 0, found `{gain}`"))?;
                let objective = objective.clone();
                Entered::Command(match over {
                    None => Assignment::gain(objective, gain).into(),
                    Some(steps) => {
                        let over = steps.trim_end_matches("steps").trim().parse().ok();
                        let over = over.filter(|over| *over > 0).ok_or_else(|| {
                            format!(
                                "expected a number of steps of at least 1, found `over {steps}`"
                            )
                        })?;
                        Assignment::fade(objective, gain, over).into()
                    }
                })
            }
            PromptKind::Note if text.is_empty() => {
                return Err("expected a text, found nothing; Esc cancels".to_owned());
            }
            PromptKind::Note => Entered::Command(Command::Note { text: text.to_owned() }),
            PromptKind::Setting(path) => {
                // The trainer validates sampling and weighting rules.
                let (row, _) = live::find(path).ok_or_else(|| live::refusal(path))?;
                Entered::Command(Assignment::setting(path, row.read(path, text)?).into())
            }
            PromptKind::TrainOn => Entered::TrainOn(extension(text)?),
            PromptKind::Step => Entered::Step(step(text, n_steps)?),
            PromptKind::Filter => Entered::Filter(text.to_owned()),
        })
    }
}

fn extension(text: &str) -> Result<Extension, String> {
    let wanted =
        || format!("expected a number of epochs or steps, such as `5 epochs`, found `{text}`");
    let unit = text.find(|c: char| c.is_alphabetic()).ok_or_else(wanted)?;
    let (number, unit) = text.split_at(unit);
    let number = number.trim().replace(',', "").parse().ok().filter(|number| *number > 0);
    let number = number.ok_or_else(wanted)?;
    match unit {
        "epochs" | "epoch" => Ok(Extension::Epochs(number)),
        "steps" | "step" => Ok(Extension::Steps(number)),
        _ => Err(wanted()),
    }
}

fn step(text: &str, n_steps: u64) -> Result<Step, String> {
    let wanted = || format!("expected a step or a percentage such as 40%, found `{text}`");
    if let Some(percent) = text.strip_suffix('%') {
        let percent: f64 = percent.trim().parse().map_err(|_| wanted())?;
        return Ok(Step((percent.clamp(0.0, 100.0) / 100.0 * n_steps as f64) as u64));
    }
    text.replace(',', "").parse().map(Step).map_err(|_| wanted())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::Setting;

    fn entered(kind: PromptKind, text: &str) -> Result<Entered, String> {
        Prompt::new(kind, text).entry(2_000)
    }

    fn gain(text: &str) -> Result<Entered, String> {
        entered(PromptKind::Gain("pos".into()), text)
    }

    #[test]
    fn a_gain_is_set_at_once_or_faded() {
        let objective = ObjectiveId::from("pos");
        let set = Assignment::gain(objective.clone(), 0.8).into();
        assert_eq!(gain(" 0.8 "), Ok(Entered::Command(set)));
        let fade = Command::from(Assignment::fade(objective, 0.8, 500));
        assert_eq!(gain("0.8 over 500"), Ok(Entered::Command(fade.clone())));
        assert_eq!(gain("0.8 over 500 steps"), Ok(Entered::Command(fade)));
        assert_eq!(gain("-1"), Err("expected a gain of at least 0, found `-1`".into()));
        assert_eq!(gain("nan"), Err("expected a gain of at least 0, found `nan`".into()));
        let fault = "expected a number of steps of at least 1, found `over 0`";
        assert_eq!(gain("1 over 0"), Err(fault.into()));
    }

    #[test]
    fn a_step_can_be_given_in_percent() {
        assert_eq!(entered(PromptKind::Step, "1,200"), Ok(Entered::Step(Step(1_200))));
        assert_eq!(entered(PromptKind::Step, "40%"), Ok(Entered::Step(Step(800))));
        assert!(entered(PromptKind::Step, "soon").is_err());
    }

    #[test]
    fn the_length_of_more_training_has_a_unit() {
        let more = |text| entered(PromptKind::TrainOn, text);
        assert_eq!(more("5 epochs"), Ok(Entered::TrainOn(Extension::Epochs(5))));
        assert_eq!(more(" 1epoch "), Ok(Entered::TrainOn(Extension::Epochs(1))));
        assert_eq!(more("2,000 steps"), Ok(Entered::TrainOn(Extension::Steps(2_000))));
        for wrong in ["", "5", "0 epochs", "-1 steps", "5 minutes", "epochs"] {
            let fault = more(wrong).unwrap_err();
            assert!(fault.contains("such as `5 epochs`"), "{wrong}: {fault}");
        }
    }

    #[test]
    fn a_setting_is_parsed_as_the_table_declares() {
        let clip_norm = || PromptKind::Setting("train.clip_norm".to_owned());
        let none = Setting::Text("none".to_owned());
        let set = Assignment::setting("train.clip_norm", none).into();
        assert_eq!(entered(clip_norm(), "none"), Ok(Entered::Command(set)));
        assert_eq!(
            entered(clip_norm(), "-1"),
            Err("`train.clip_norm`: expected a number of at least 0.000001, or \"none\", found `-1`".into())
        );
        assert_eq!(Prompt::new(clip_norm(), "").label(), "train.clip_norm");
        assert!(Prompt::new(clip_norm(), "").hint().contains("none"));
    }

    #[test]
    fn an_empty_note_is_refused() {
        assert!(entered(PromptKind::Note, "  ").is_err());
    }
}
