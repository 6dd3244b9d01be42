//! Splits a line of a table into cells.

use std::borrow::Cow;

/// The cells of a line, in its order.
pub(super) type Cells<'a> = Vec<Cow<'a, str>>;

/// The separator of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// Every tab.
    Tab,
    /// Commas outside quotes, according to RFC 4180.
    Comma,
    /// The first spaces of a line, as many as separate the columns; all others belong to the last
    /// one.
    Space,
    /// None: the line is a single cell.
    None,
}

impl Separator {
    /// The separator in the recipe. For `auto` it depends on the first line: tab if it has one;
    /// comma if that gives the right number of columns and no cell starts with a space, as it would
    /// after a comma within a text. The first record of CSV may be longer than the first line.
    pub(super) fn of(said: &str, n_columns: usize, line: &str, record: &str) -> Self {
        match said {
            "tab" => Self::Tab,
            "comma" => Self::Comma,
            "space" => Self::Space,
            _ if n_columns == 1 => Self::None,
            _ if line.contains('\t') => Self::Tab,
            _ if Self::Comma.fits(record, n_columns) => Self::Comma,
            _ => Self::Tab,
        }
    }

    /// The separator of a file without labels. For `auto` a single text is the whole line, unless it
    /// has a tab or is quoted.
    pub(super) fn of_texts(said: &str, n_texts: usize, line: &str, record: &str) -> Self {
        let is_quoted = || record.starts_with('"') && Self::Comma.fits(record, n_texts);
        match said {
            "auto" if line.contains('\t') => Self::Tab,
            "auto" if is_quoted() => Self::Comma,
            _ => Self::of(said, n_texts, line, record),
        }
    }

    /// The cells of a line; the error says what is wrong with its quotes.
    pub(super) fn cells(self, text: &str, n_columns: usize) -> Result<Cells<'_>, String> {
        match self {
            Self::Tab => Ok(text.split('\t').map(Cow::Borrowed).collect()),
            Self::Space => Ok(text.splitn(n_columns, ' ').map(Cow::Borrowed).collect()),
            Self::None => Ok(vec![Cow::Borrowed(text)]),
            Self::Comma => commas(text),
        }
    }

    /// Another separator that gives that number of columns, by its name in recipes.
    pub(super) fn other(self, text: &str, n_columns: usize) -> Option<&'static str> {
        let others = [(Self::Tab, "tab"), (Self::Comma, "comma"), (Self::Space, "space")];
        let mut others = others.into_iter().filter(|(other, _)| *other != self);
        others.find(|(other, _)| other.fits(text, n_columns)).map(|(_, name)| name)
    }

    /// Whether it gives that number of columns. A comma within a text is followed by a space, one
    /// that separates columns is not.
    fn fits(self, text: &str, n_columns: usize) -> bool {
        self.cells(text, n_columns).is_ok_and(|cells| {
            let is_of_text = self == Self::Comma && cells.iter().any(|cell| cell.starts_with(' '));
            cells.len() == n_columns && !is_of_text
        })
    }

    /// The text that an additional cell adds to a line.
    pub(super) fn appended(self, cell: &str) -> String {
        // Only a label of another file can contain a separator or line break of this one.
        let cell = cell.replace(['\t', '\r', '\n'], " ");
        match self {
            Self::Tab | Self::None => format!("\t{cell}"),
            Self::Space => format!(" {cell}"),
            Self::Comma if cell.contains([',', '"']) => {
                format!(",\"{}\"", cell.replace('"', "\"\""))
            }
            Self::Comma => format!(",{cell}"),
        }
    }
}

/// The cells of a line of CSV. Within a quoted cell a comma is a character, and two quotes are one.
/// A quote within an unquoted cell is a character: inches and unmatched quotes are common.
fn commas(text: &str) -> Result<Cells<'_>, String> {
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let Some((cell, after)) = rest.split_once(',') else {
                cells.push(Cow::Borrowed(rest));
                return Ok(cells);
            };
            cells.push(Cow::Borrowed(cell));
            rest = after;
            continue;
        };
        let column = cells.len() + 1;
        let (cell, after) = unquote(quoted).ok_or_else(|| {
            format!("the quote that opens column {column} is not closed before the end of the file")
        })?;
        cells.push(cell);
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None if after.is_empty() => return Ok(cells),
            None => {
                let found = after.chars().next().unwrap_or_default();
                return Err(format!(
                    "{found:?} after the closing quote of column {column}, expected a comma; a quote \
                     within quotes is written twice"
                ));
            }
        }
    }
}

/// A cell up to its closing quote, and the rest; `None` if there is no closing quote.
fn unquote(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut from = 0;
    let mut has_quotes = false;
    loop {
        let at = from + text[from..].find('"')?;
        let after = &text[at + 1..];
        if after.starts_with('"') {
            has_quotes = true;
            from = at + 2;
            continue;
        }
        let cell = &text[..at];
        let cell = if has_quotes { cell.replace("\"\"", "\"").into() } else { cell.into() };
        return Some((cell, after));
    }
}
