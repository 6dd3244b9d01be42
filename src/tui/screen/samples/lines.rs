//! A sample as lines of text, by the form of its rows.

use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::{Line, difference};
use crate::{
    printable::printable,
    protocol::event::{Sample, SampleForm, SampleRow},
    tui::Theme,
};

/// The maximum number of lines of an input text.
const MOST_LINES: usize = 3;

/// What stands for a label that is missing.
const NONE: &str = "_";

/// The lines of a sample, each at most `width` columns wide, except for single words that are wider.
pub(super) fn of(sample: &Sample, width: usize, theme: &Theme) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for text in &sample.texts {
        let words = text.split_whitespace().map(|word| (word.to_owned(), theme.dim));
        let mut of_text = wrapped("text ", words, width, theme);
        of_text.truncate(MOST_LINES);
        lines.extend(of_text);
    }
    lines.extend(match sample.form {
        SampleForm::Tokens => tokens(sample, width, theme),
        SampleForm::Items => sample.rows.iter().map(|row| item(row, theme)).collect(),
        SampleForm::Numbers => sample.rows.iter().map(|row| numbers(row, theme)).collect(),
        SampleForm::Texts => sample.rows.iter().flat_map(|row| texts(row, width, theme)).collect(),
    });
    lines
}

/// Words with their predicted labels below them, and gold below that where it differs.
fn tokens(sample: &Sample, width: usize, theme: &Theme) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut block: [Line; 3] = Default::default();
    let (mut filled, mut has_errors) = (0, false);
    let mut close = |block: &mut [Line; 3], has_errors: bool| {
        let [words, predicted, gold] = std::mem::take(block);
        lines.push(words);
        lines.push(predicted);
        lines.extend(has_errors.then_some(gold));
    };
    for row in &sample.rows {
        let is_wrong = sample.is_wrong(row);
        let label = |label: &Option<String>| label.clone().unwrap_or_else(|| NONE.to_owned());
        let predicted = format!("{}{}", if is_wrong { "!" } else { "" }, label(&row.predicted));
        let gold = if is_wrong { label(&row.gold) } else { String::new() };
        let style = if is_wrong { theme.bad } else { theme.dim };
        let cells = [(row.of.clone(), theme.text), (predicted, style), (gold, theme.good)];
        let cells = cells.map(|(text, style)| (printable(&text).into_owned(), style));
        let column = cells.iter().map(|(text, _)| text.width()).max().unwrap_or(0) + 1;
        if filled > 0 && filled + column > width + 1 {
            close(&mut block, std::mem::take(&mut has_errors));
            filled = 0;
        }
        filled += column;
        has_errors |= is_wrong;
        for (line, (text, style)) in block.iter_mut().zip(cells) {
            let padding = " ".repeat(column - text.width());
            line.push((text, style));
            line.push((padding, theme.text));
        }
    }
    if filled > 0 {
        close(&mut block, has_errors);
    }
    lines
}

/// An item with its mark: `!` has another label than in gold, `-` is missing, `+` is not in gold.
fn item(row: &SampleRow, theme: &Theme) -> Line {
    let of = |label: &str| {
        if row.of.is_empty() { label.to_owned() } else { format!("{label}  {}", row.of) }
    };
    match (&row.gold, &row.predicted) {
        (Some(gold), Some(predicted)) if gold == predicted => {
            vec![("  ".to_owned(), theme.text), (of(gold), theme.text)]
        }
        (Some(gold), Some(predicted)) => vec![
            ("! ".to_owned(), theme.bad),
            (of(predicted), theme.bad),
            (format!("  gold {gold}"), theme.good),
        ],
        (Some(gold), None) => vec![("- ".to_owned(), theme.bad), (of(gold), theme.good)],
        (None, predicted) => {
            let predicted = predicted.as_deref().unwrap_or(NONE);
            vec![("+ ".to_owned(), theme.bad), (of(predicted), theme.bad)]
        }
    }
}

fn numbers(row: &SampleRow, theme: &Theme) -> Line {
    let of = if row.of.is_empty() { String::new() } else { format!("{}  ", row.of) };
    let part = |part: &Option<String>| part.clone().unwrap_or_else(|| NONE.to_owned());
    vec![
        ("  ".to_owned(), theme.text),
        (part(&row.predicted), theme.text),
        (format!("  gold {}  ", part(&row.gold)), theme.dim),
        (of, theme.dim),
    ]
}

/// Prediction and gold, with the words that only one of them has marked.
fn texts(row: &SampleRow, width: usize, theme: &Theme) -> Vec<Line> {
    let (gold, predicted) = (row.gold.as_deref(), row.predicted.as_deref());
    let words = |text: Option<&str>| -> Vec<String> {
        text.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let (gold, predicted) = (words(gold), words(predicted));
    let [in_gold, in_predicted] = difference::common(&gold, &predicted);
    let marked = |words: Vec<String>, common: Vec<bool>, style: Style| {
        let word = move |(word, is_common)| {
            if is_common { (word, theme.text) } else { (format!("[{word}]"), style) }
        };
        words.into_iter().zip(common).map(word).collect::<Vec<_>>()
    };
    let mut lines = wrapped("pred ", marked(predicted, in_predicted, theme.bad), width, theme);
    lines.extend(wrapped("gold ", marked(gold, in_gold, theme.good), width, theme));
    lines
}

/// Words in lines, with a name in front of the first one.
fn wrapped(
    name: &str,
    words: impl IntoIterator<Item = (String, Style)>,
    width: usize,
    theme: &Theme,
) -> Vec<Line> {
    let indent = " ".repeat(name.len());
    let mut lines = vec![vec![(name.to_owned(), theme.title)]];
    let mut filled = name.len();
    for (word, style) in words {
        let columns = printable(&word).width() + 1;
        if filled + columns > width + 1 && filled > name.len() {
            lines.push(vec![(indent.clone(), theme.text)]);
            filled = name.len();
        }
        filled += columns;
        let line = lines.last_mut().expect("there is a first line");
        line.push((word, style));
        line.push((" ".to_owned(), theme.text));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(of: &str, gold: &str, predicted: &str) -> SampleRow {
        let part = |part: &str| (!part.is_empty()).then(|| part.to_owned());
        SampleRow { of: of.to_owned(), gold: part(gold), predicted: part(predicted) }
    }

    fn shown(form: SampleForm, texts: &[&str], rows: Vec<SampleRow>, width: usize) -> Vec<String> {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let corpus = "news".to_owned();
        let sample = Sample { corpus, example: 1, loss: None, texts, form, rows, left_out: None };
        let lines = of(&sample, width, &Theme::default()).into_iter();
        let text = |line: Line| line.into_iter().map(|(text, _)| text).collect::<String>();
        lines.map(|line| text(line).trim_end().to_owned()).collect()
    }

    #[test]
    fn tags_are_below_their_words_and_gold_below_wrong_ones() {
        let rows = || {
            vec![
                row("The", "DT", "DT"),
                row("old", "JJ", "NN"),
                row("man", "NN", "VB"),
                row("\u{1f600}", "", "NN"),
            ]
        };
        let lines = shown(SampleForm::Tokens, &[], rows(), 40);
        assert_eq!(lines, ["The old man 😀", "DT  !NN !VB NN", "    JJ  NN"]);
        let narrow = shown(SampleForm::Tokens, &[], rows(), 8);
        assert_eq!(narrow, ["The old", "DT  !NN", "    JJ", "man 😀", "!VB NN", "NN"]);
    }

    #[test]
    fn wide_characters_take_two_columns_and_control_characters_are_escaped() {
        let rows = vec![row("漢字", "A", "A"), row("a\u{7}", "B", "B"), row("e\u{301}", "C", "C")];
        let lines = shown(SampleForm::Tokens, &[], rows, 40);
        assert_eq!(lines, ["漢字 a\\u{7} e\u{301}", "A    B      C"]);
    }

    #[test]
    fn items_have_marks() {
        let rows = vec![
            row("Oslo", "LOC", "LOC"),
            row("Ann", "PER", "LOC"),
            row("Acme", "ORG", ""),
            row("in", "", "LOC"),
            row("", "pos", "neg"),
        ];
        let lines = shown(SampleForm::Items, &["Ann of Acme in Oslo"], rows, 14);
        let expected = [
            "text Ann of",
            "     Acme in",
            "     Oslo",
            "  LOC  Oslo",
            "! LOC  Ann  gold PER",
            "- ORG  Acme",
            "+ LOC  in",
            "! neg  gold pos",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn words_that_only_one_text_has_are_in_brackets() {
        let rows = vec![row("", "a b c d", "a x c")];
        let lines = shown(SampleForm::Texts, &[], rows, 40);
        assert_eq!(lines, ["pred a [x] c", "gold a [b] c [d]"]);
    }
}
