//! Plain tables for terminals.
//!
//! Owns the widths and the alignment: names (the first two columns) to the left, numbers to the right. Never knows what
//! it prints. A row with fewer cells than the header may run over the rest of its line.

use std::fmt;

const GAP: &str = "  ";

/// Rows under a header.
#[derive(Debug)]
pub(super) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    left: usize,
}

impl Table {
    pub(super) fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new(), left: 2 }
    }

    /// Nothing but names.
    pub(super) fn left_aligned(mut self) -> Self {
        self.left = self.header.len();
        self
    }

    /// Nothing but numbers.
    pub(super) fn right_aligned(mut self) -> Self {
        self.left = 0;
        self
    }

    pub(super) fn push(&mut self, cells: Vec<String>) {
        assert!(cells.len() <= self.header.len(), "a row has no more cells than the header");
        self.rows.push(cells);
    }

    /// The last cell of a short row is a remark: it takes no part in the widths.
    fn width(&self, column: usize) -> usize {
        let counts = |row: &&Vec<String>| row.len() == self.header.len() || column + 1 < row.len();
        let cells = self.rows.iter().filter(counts).filter_map(|row| row.get(column));
        cells.chain([&self.header[column]]).map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.header.len()).map(|column| self.width(column)).collect();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            let mut line = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                let gap = if column == 0 { "" } else { GAP };
                let cell =
                    if column < self.left { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
                line.push_str(gap);
                line.push_str(&cell);
            }
            writeln!(formatter, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_left_and_numbers_right_and_remarks_run_over() {
        let mut table = Table::new(&["VENUE", "STATE", "BID", "ASK"]);
        table.push(vec!["binance".into(), "live".into(), "61837.63".into(), "1".into()]);
        table.push(vec!["okx".into(), "expired: no value within its TTL".into()]);
        let expected = "\
VENUE    STATE       BID  ASK
binance  live   61837.63    1
okx      expired: no value within its TTL
";
        assert_eq!(table.to_string(), expected);
    }
}
