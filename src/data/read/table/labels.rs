//! Whether the input to `predict` has labels.
//!
//! A tab is evidence: texts hardly ever have one. A comma or a space is not, as texts are full of them.
//! There the labels of the run are evidence: with commas, a file is labelled if each label of it is
//! one that the run knows. With spaces, a file is unlabelled if no line starts with one; if a line
//! does, its first word may be either, and only a flag decides.

use super::{
    super::{
        FoundLabels, KnownLabels, Labels, ReadError, Source,
        evidence::{FLAGS, LineCounts},
        lines::Line,
    },
    cells::{Cells, Separator},
    layout::Layout,
    records::records,
};

/// What the lines of an input say.
#[derive(Default)]
struct Tally {
    /// Lines that have any content.
    n_lines: usize,
    counts: LineCounts,
    /// The first line with all columns.
    first_full: u32,
    /// The first line whose labels are known to the run, one of them, and the number of such lines.
    known: Option<(u32, String)>,
    n_known: usize,
    /// The first line with a label that the run does not know, its column and the label.
    unknown: Option<(u32, usize, String)>,
    /// Lines whose labels are all empty.
    n_empty: usize,
}

/// Decides on an input; `layout` is that of a file with labels.
pub(super) fn find(
    layout: &Layout<'_>,
    source: &Source,
    known: &KnownLabels,
    skips_faults: bool,
) -> Result<FoundLabels, ReadError> {
    let n_columns = layout.columns.len();
    if n_columns == layout.texts.len() {
        return Ok(FoundLabels::sure(Labels::Required));
    }
    let tally = Tally::of(layout, source, known);
    let fault = |line, what: String| ReadError { file: source.name.clone(), line, what };
    if layout.separator == Separator::Space {
        let nothing_known = layout.columns.iter().all(|name| known.has(name, "").is_none());
        return tally.of_spaces(nothing_known).map_err(|(line, what)| fault(line, what));
    }
    // Where columns are separated by commas, a text with one is not a faulty line.
    let is_sure = |labels| labels == Labels::Required || layout.separator != Separator::Comma;
    let labels = tally.counts.labels(source, |labels| skips_faults && is_sure(labels))?;
    if labels == Labels::Absent {
        return Ok(FoundLabels::sure(labels));
    }
    match tally.unknown {
        Some((line, column, label)) if layout.separator == Separator::Comma => {
            let name = layout.columns[column];
            let what = format!(
                "expected a label of the run in column {} ({name}), found {label:?}, which may be \
                 part of a text with a comma; {FLAGS}",
                column + 1
            );
            Err(fault(line, what))
        }
        Some((line, column, label)) if tally.n_known == 0 => {
            let name = layout.columns[column];
            let what = format!(
                "{}:{line}: no label of the input is one of the run, for example {label:?} in column \
                 {} ({name}); pass --unlabelled if the lines are texts with a tab",
                source.name,
                column + 1
            );
            Ok(FoundLabels::noted(Labels::Required, what))
        }
        _ => Ok(FoundLabels::sure(Labels::Required)),
    }
}

/// A note of a header that names no column of the corpus: it may be the first example of a file that has
/// no header.
pub(super) fn strange_header(layout: &Layout<'_>, source: &Source) -> Option<String> {
    let number = layout.header?;
    let line = records(&source.bytes, layout.separator).find(|line| line.number == number)?;
    let text = layout.decoder.decode_lossily(&line);
    let cells = layout.separator.cells(&text, layout.columns.len()).ok()?;
    let is_column = |cell: &str| layout.columns.iter().any(|name| cell.eq_ignore_ascii_case(name));
    if cells.iter().any(|cell| is_column(cell.trim_ascii())) {
        return None;
    }
    let what = "line skipped as a header, though it names no column; set header = \"none\" if it is an example";
    Some(format!("{}:{number}: {what}", source.name))
}

impl Tally {
    fn of(layout: &Layout<'_>, source: &Source, known: &KnownLabels) -> Self {
        let mut tally = Self::default();
        let records = records(&source.bytes, layout.separator);
        for line in records.filter(|line| layout.has_example(line)) {
            let text = layout.decoder.decode_lossily(&line);
            tally.n_lines += 1;
            let Ok(cells) = layout.separator.cells(&text, layout.columns.len()) else { continue };
            if cells.len() == layout.columns.len() {
                if tally.counts.n_full == 0 {
                    tally.first_full = line.number;
                }
                tally.counts.add(line.number, cells.len(), true);
                tally.add_labels(layout, &line, &cells, known);
            } else if layout.fits_unlabelled(cells.len()) {
                tally.counts.add(line.number, cells.len(), false);
            }
        }
        tally
    }

    fn add_labels(
        &mut self,
        layout: &Layout<'_>,
        line: &Line<'_>,
        cells: &Cells<'_>,
        known: &KnownLabels,
    ) {
        let mut first_known = None;
        for (column, (name, cell)) in layout.columns.iter().zip(cells).enumerate() {
            let cell = cell.trim_ascii();
            let is_set = layout.sets.contains(name);
            let labels = cell.split(|char| is_set && char == '|').map(str::trim_ascii);
            for label in labels.filter(|label| !label.is_empty()) {
                match known.has(name, label) {
                    None => {}
                    Some(true) => {
                        first_known.get_or_insert(label);
                    }
                    Some(false) => {
                        self.unknown.get_or_insert((line.number, column, label.to_owned()));
                        return;
                    }
                }
            }
        }
        if let Some(label) = first_known {
            self.n_known += 1;
            self.known.get_or_insert((line.number, label.to_owned()));
        }
        let is_label = |name: &str| name != "_" && !layout.texts.contains(&name);
        let mut labels = layout.columns.iter().zip(cells).filter(|(name, _)| is_label(name));
        self.n_empty += usize::from(labels.all(|(_, cell)| cell.trim_ascii().is_empty()));
    }

    /// The decision on lines that are separated by spaces, or a line that can be either and what it
    /// says.
    fn of_spaces(&self, nothing_known: bool) -> Result<FoundLabels, (u32, String)> {
        if self.counts.n_full == 0 {
            return Ok(FoundLabels::sure(Labels::Absent));
        }
        // A label that is missing in every line leaves the same text.
        if self.n_empty == self.n_lines {
            return Ok(FoundLabels::sure(Labels::Required));
        }
        if nothing_known {
            let what = "the first word may be a label or part of the text";
            return Err((self.first_full, format!("{what}; {FLAGS}")));
        }
        match &self.known {
            Some((line, label)) => Err((
                *line,
                format!(
                    "starts with {label:?}, as do {} of {} lines with a label of the run: it may be a \
                     label or the first word of a text; {FLAGS}",
                    self.n_known, self.n_lines
                ),
            )),
            None => Ok(FoundLabels::noted(
                Labels::Absent,
                "no line starts with a label of the run, so every line is read as a text; pass \
                 --labelled if the lines start with other labels"
                    .to_owned(),
            )),
        }
    }
}
