//! Records of a table: lines, or several lines where a quoted cell of CSV holds line breaks (RFC 4180).

use super::cells::Separator;
use crate::data::read::lines::{Line, lines};

/// The records of a file, each with the number of its first line. A quoted cell that is not closed reaches to the
/// end of the file.
pub(super) fn records(bytes: &[u8], separator: Separator) -> impl Iterator<Item = Line<'_>> {
    let mut lines = lines(bytes);
    std::iter::from_fn(move || {
        let first = lines.next()?;
        let mut end = first.end();
        if separator == Separator::Comma {
            let mut quotes = Quotes::default();
            quotes.read(first.bytes);
            while quotes.is_open() {
                let Some(line) = lines.next() else { break };
                quotes.read(&bytes[end..line.end()]);
                end = line.end();
            }
        }
        Some(Line { bytes: &bytes[first.start..end], ..first })
    })
}

/// Where a reader of CSV is within a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Quotes {
    /// At the start of a cell.
    #[default]
    Start,
    /// In a cell without quotes, or after the closing quote.
    Outside,
    /// In a quoted cell.
    Inside,
    /// After a quote in a quoted cell, which closes it unless another one follows.
    Closing,
}

impl Quotes {
    fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            *self = match (*self, byte) {
                (Self::Inside, b'"') => Self::Closing,
                (Self::Inside, _) | (Self::Start | Self::Closing, b'"') => Self::Inside,
                (_, b',') => Self::Start,
                _ => Self::Outside,
            };
        }
    }

    fn is_open(self) -> bool {
        self == Self::Inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(u32, &str)> {
        let records = records(text.as_bytes(), Separator::Comma);
        records.map(|line| (line.number, std::str::from_utf8(line.bytes).unwrap())).collect()
    }

    #[test]
    fn a_quoted_cell_may_hold_line_breaks() {
        assert_eq!(
            found("a,\"two\r\nlines, \"\"fine\"\"\n\n\"\r\nb,c\r\n"),
            [(1, "a,\"two\r\nlines, \"\"fine\"\"\n\n\""), (5, "b,c")]
        );
        assert_eq!(found("\"\n\",x\ny,\"\"\n"), [(1, "\"\n\",x"), (3, "y,\"\"")]);
    }

    #[test]
    fn a_quote_within_an_unquoted_cell_opens_nothing() {
        assert_eq!(found("5\" nail,x\ny,z\n"), [(1, "5\" nail,x"), (2, "y,z")]);
    }

    #[test]
    fn a_quote_that_is_not_closed_takes_the_rest_of_the_file() {
        assert_eq!(found("a,b\nc,\"d\ne,f\n"), [(1, "a,b"), (2, "c,\"d\ne,f")]);
    }

    #[test]
    fn only_commas_have_records_of_several_lines() {
        let lines: Vec<_> = records(b"a\t\"b\nc\"\n", Separator::Tab).collect();
        assert_eq!(lines.len(), 2);
    }
}
