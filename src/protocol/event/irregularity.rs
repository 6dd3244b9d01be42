//! Lines of a corpus that were not used as they stand: examples that were skipped, tags that the scheme forbids,
//! bytes that were replaced, sentences that are not trained. Counted, and the first ones listed.

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize};

use super::values::Split;

/// What was done with the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// Faulty examples were skipped; they are counted.
    SkippedExamples,
    /// Tags that the scheme forbids were read as conlleval reads them; the tags are counted.
    RepairedTags,
    /// U+FFFD was read in place of bytes that are not UTF-8; the lines are counted.
    ReplacedBytes,
    /// Sentences without a label at every token, which are not trained; they are counted.
    UntrainedSentences,
    /// There is no training on examples without a relevant candidate or an answer.
    WithoutTarget,
    /// There is no training on examples with fewer rows than their transcript needs.
    TooFewRows,
}

/// Lines of one split that were treated in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Irregularity {
    /// The split.
    pub split: Split,
    /// What was done.
    pub treatment: Treatment,
    /// How often.
    pub count: u64,
    /// The first lines, at most [`Irregularity::MAX_LISTED`].
    pub lines: Vec<IrregularLine>,
}

/// A line of a corpus file, and what is irregular.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IrregularLine {
    /// The name of the file in messages.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// What was found and what was expected.
    pub what: String,
}

impl Irregularity {
    /// The number of lines that are listed.
    pub const MAX_LISTED: usize = 20;

    /// The number of further lines; several faults of one example are one skipped example.
    pub fn unlisted(&self) -> u64 {
        if self.lines.len() < Self::MAX_LISTED {
            return 0;
        }
        self.count.saturating_sub(self.lines.len() as u64)
    }
}

impl IrregularLine {
    /// The same line with the file's name alone, so that a journal does not depend on the folders of a machine.
    #[must_use]
    pub fn without_folder(self) -> Self {
        let name = Path::new(&self.file).file_name();
        let file = name.map_or_else(|| self.file.clone(), |name| name.to_string_lossy().into());
        let what = self.what.replace(&self.file, &file);
        Self { file, what, ..self }
    }
}

impl fmt::Display for Irregularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, split) = (self.count, self.split.name());
        let s = if n == 1 { "" } else { "s" };
        match self.treatment {
            Treatment::SkippedExamples => write!(f, "skipped {n} faulty example{s} of {split}"),
            Treatment::RepairedTags => write!(
                f,
                "read {n} tag{s} of {split} that the scheme forbids as conlleval reads them"
            ),
            Treatment::ReplacedBytes => {
                write!(f, "replaced bytes that are not UTF-8 in {n} line{s} of {split}")
            }
            Treatment::UntrainedSentences => {
                write!(
                    f,
                    "no training on {n} sentence{s} of {split} without a label at every token"
                )
            }
            Treatment::WithoutTarget => write!(
                f,
                "no training on {n} example{s} of {split} without a relevant candidate or an answer"
            ),
            Treatment::TooFewRows => {
                let needs = if n == 1 { "its transcript needs" } else { "their transcripts need" };
                write!(f, "no training on {n} example{s} of {split} with fewer rows than {needs}")
            }
        }
    }
}

impl fmt::Display for IrregularLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_irregularity_has_its_count_and_split() {
        let one = |treatment, count| Irregularity {
            split: Split::Dev,
            treatment,
            count,
            lines: Vec::new(),
        };
        let said = one(Treatment::SkippedExamples, 1).to_string();
        assert_eq!(said, "skipped 1 faulty example of dev");
        let said = one(Treatment::RepairedTags, 2).to_string();
        assert_eq!(said, "read 2 tags of dev that the scheme forbids as conlleval reads them");
        let said = one(Treatment::ReplacedBytes, 1).to_string();
        assert_eq!(said, "replaced bytes that are not UTF-8 in 1 line of dev");
        let said = one(Treatment::UntrainedSentences, 3).to_string();
        assert_eq!(said, "no training on 3 sentences of dev without a label at every token");
        let said = one(Treatment::WithoutTarget, 1).to_string();
        let wanted = "no training on 1 example of dev without a relevant candidate or an answer";
        assert_eq!(said, wanted);
        let said = one(Treatment::TooFewRows, 2).to_string();
        let wanted = "no training on 2 examples of dev with fewer rows than their transcripts need";
        assert_eq!(said, wanted);
    }

    #[test]
    fn a_line_of_a_journal_has_the_name_of_its_file_alone() {
        let line = |file: &str| IrregularLine { file: file.into(), line: 1, what: "wrong".into() };
        assert_eq!(line("/data/one/train.tsv").without_folder(), line("train.tsv"));
        assert_eq!(line("sample:pos/train.tsv").without_folder(), line("train.tsv"));
        assert_eq!(line("train.tsv").without_folder(), line("train.tsv"));
    }

    #[test]
    fn lines_beyond_those_listed_are_counted() {
        let line = IrregularLine { file: "f".into(), line: 1, what: "wrong".into() };
        let of = |n_lines, count| {
            let lines = vec![line.clone(); n_lines];
            Irregularity { split: Split::Test, treatment: Treatment::RepairedTags, count, lines }
        };
        assert_eq!(of(20, 23).unlisted(), 3);
        assert_eq!(of(2, 2).unlisted(), 0);
        assert_eq!(line.to_string(), "f:1: wrong");
    }
}
