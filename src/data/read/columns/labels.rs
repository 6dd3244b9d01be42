//! Whether the input to `predict` has labels: its lines have all columns, or fewer.
//!
//! Separated by spaces, a token that holds a space looks like two columns. There a file is labelled if
//! the run knows one of its labels at least.

use super::{
    super::{
        FoundLabels, KnownLabels, Labels, ReadError, Source,
        evidence::{FLAGS, LineCounts},
        lines::lines,
    },
    Layout, Separator, without_labels,
};

/// Decides on an input; `layout` is that of a file with labels.
pub(super) fn find(
    layout: &Layout<'_>,
    source: &Source,
    known: &KnownLabels,
    skips_faults: bool,
) -> Result<FoundLabels, ReadError> {
    let n_columns = layout.columns.len();
    let fewer = without_labels(&layout.columns, 0);
    if *fewer.end() == n_columns {
        return Ok(FoundLabels::sure(Labels::Required));
    }
    let fault = |line, what: String| ReadError { file: source.name.clone(), line, what };
    let mut counts = LineCounts::default();
    // Those of lines without labels, and of lines with them.
    let mut strange = [Strange::default(), Strange::default()];
    for line in lines(&source.bytes).filter(|line| layout.is_token(line)) {
        let text = layout.decoder.decode_lossily(&line);
        let cells = layout.separator.cells(&text);
        let n_cells = cells.len();
        if n_cells != n_columns && !fewer.contains(&n_cells) {
            continue;
        }
        counts.add(line.number, n_cells, n_cells == n_columns);
        strange[usize::from(n_cells == n_columns)].add(layout, line.number, &cells, known);
    }
    let labels = counts.labels(source, |_| skips_faults)?;
    let [without, full] = strange;
    let strange = if labels == Labels::Required { full } else { without };
    let Some((line, column, label)) = strange.example() else {
        return Ok(FoundLabels::sure(labels));
    };
    let name = layout.columns[column];
    let what = format!(
        "no value of column {} ({name}) is a label of the run, for example {label:?}",
        column + 1
    );
    if layout.separator == Separator::Space {
        return Err(fault(
            line,
            format!("{what}; set separator = \"tab\" if tokens hold a space, or {FLAGS}"),
        ));
    }
    Ok(FoundLabels::noted(labels, format!("{}:{line}: {what}", source.name)))
}

/// Columns of labels of which none is known to the run.
#[derive(Default)]
struct Strange {
    /// The first unknown label of each column, with its line.
    first: Vec<Option<(u32, String)>>,
    /// Whether the run knows a label of the column.
    is_known: Vec<bool>,
}

impl Strange {
    fn add(&mut self, layout: &Layout<'_>, line: u32, cells: &[&str], known: &KnownLabels) {
        self.first.resize(layout.columns.len(), None);
        self.is_known.resize(layout.columns.len(), false);
        for (at, (name, cell)) in layout.columns.iter().zip(cells).enumerate().skip(1) {
            match known.has(name, cell) {
                None => {}
                Some(true) => self.is_known[at] = true,
                Some(false) => {
                    self.first[at].get_or_insert_with(|| (line, (*cell).to_owned()));
                }
            }
        }
    }

    /// The line, column and label of an unknown label in a column without a known one.
    fn example(self) -> Option<(u32, usize, String)> {
        let columns = self.first.into_iter().zip(self.is_known).enumerate();
        let mut strange = columns.filter(|(_, (_, is_known))| !is_known);
        strange.find_map(|(at, (first, _))| first.map(|(line, label)| (line, at, label)))
    }
}
