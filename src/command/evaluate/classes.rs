//! Scores per class, for `auxdesk evaluate --classes`: a table and a confusion matrix as text, and
//! the same values as JSON.

use std::fmt::Write;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::{metric::ByClass, printable::printable, protocol::event::ClassCounts};

/// The row of predictions where gold has no item, and the column of items that were missed.
const NONE: &str = "none";

/// The classes of one objective on one split.
#[derive(Serialize)]
pub(super) struct Classes {
    classes: Vec<Class>,
    /// Counts by gold class (row) and predicted class (column); where items are found or not, a last row and column
    /// for no item.
    #[serde(skip_serializing_if = "Option::is_none")]
    confusion: Option<Vec<Vec<u64>>>,
}

#[derive(Serialize)]
struct Class {
    #[serde(flatten)]
    counts: ClassCounts,
    precision: f32,
    recall: f32,
    f1: f32,
}

impl From<ByClass> for Classes {
    fn from(by_class: ByClass) -> Self {
        let class = |counts: ClassCounts| {
            let of = counts.counts();
            let (precision, recall, f1) = (of.precision(), of.recall(), of.f1());
            Class { counts, precision: precision as f32, recall: recall as f32, f1: f1 as f32 }
        };
        let classes = by_class.classes.into_iter().map(class).collect();
        Self { classes, confusion: by_class.confusion }
    }
}

impl Classes {
    /// Writes one line per class, the most frequent in gold first; then the matrix, whose columns
    /// have the numbers in front of the lines.
    pub(super) fn write(&self, out: &mut String) {
        let names: Vec<String> = self.classes.iter().map(name).collect();
        let width = names.iter().map(|name| name.width()).max().unwrap_or(0).max(5);
        let pad = |text: &str| " ".repeat(width - text.width());
        let heads =
            ["precision", "recall", "f1", "gold"].map(|head| format!("{head:>11}")).concat();
        let _ = writeln!(out, "        class{}{heads}", pad("class"));
        for (at, (class, name)) in self.classes.iter().zip(&names).enumerate() {
            let Class { counts, precision, recall, f1 } = class;
            let _ = write!(out, "    {:>3} {name}{}", at + 1, pad(name));
            let _ = writeln!(out, "{precision:>11.2}{recall:>11.2}{f1:>11.2}{:>11}", counts.gold);
        }
        let Some(confusion) = &self.confusion else { return };
        let has_none = confusion.len() > names.len();
        let largest = confusion.iter().flatten().max().copied().unwrap_or(0);
        let cell = largest.to_string().len().max(if has_none { NONE.len() } else { 2 }) + 1;
        let _ = write!(out, "        gold{}", pad("gold"));
        for at in 1..=names.len() {
            let _ = write!(out, "{at:>cell$}");
        }
        if has_none {
            let _ = write!(out, "{NONE:>cell$}");
        }
        out.push_str("  predicted\n");
        for (at, row) in confusion.iter().enumerate() {
            let _ = match names.get(at) {
                Some(name) => write!(out, "    {:>3} {name}{}", at + 1, pad(name)),
                None => write!(out, "        {NONE}{}", pad(NONE)),
            };
            for n in row {
                let _ = write!(out, "{n:>cell$}");
            }
            out.push('\n');
        }
    }
}

fn name(class: &Class) -> String {
    printable(&class.counts.display_name()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{FScore, SpanF1};

    fn text(pairs: &[(&str, &str)]) -> String {
        let mut scorer = FScore::default();
        for (gold, predicted) in pairs {
            scorer.add(gold, predicted);
        }
        let mut out = String::new();
        Classes::from(scorer.by_class().unwrap()).write(&mut out);
        out
    }

    #[test]
    fn a_table_and_a_matrix_have_the_same_lines() {
        let pairs =
            [("positive", "positive"), ("positive", "\u{1b}[2J"), ("no", "positive"), ("no", "no")];
        let wanted = "        class      precision     recall         f1       gold
      1 no            100.00      50.00      66.67          2
      2 positive       50.00      50.00      50.00          2
      3 \\u{1b}[2J       0.00       0.00       0.00          0
        gold       1  2  3  predicted
      1 no         1  1  0
      2 positive   0  1  1
      3 \\u{1b}[2J  0  0  0
";
        assert_eq!(text(&pairs), wanted);
    }

    #[test]
    fn items_that_are_found_or_not_have_a_row_and_a_column_for_none() {
        let mut scorer = SpanF1::default();
        scorer.add(&["B-NP", "O", "B-VP", "B-NP"], &["B-NP", "B-PP", "B-NP", "O"]);
        let mut out = String::new();
        Classes::from(scorer.by_class().unwrap()).write(&mut out);
        let matrix = "        gold     1    2    3 none  predicted
      1 NP       1    0    0    1
      2 VP       1    0    0    0
      3 PP       0    0    0    0
        none     0    0    1    0
";
        assert!(out.ends_with(matrix), "{out}");
    }
}
