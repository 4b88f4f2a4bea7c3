//! Tables: plain columns, two blanks between them, as wide as the terminal at most.
//!
//! ```text
//! NAME     LABELS
//! rack-1   board=imx8,site=north
//! ```
//!
//! Widths are shared out as the reference does it, so that scripts which cut columns see the same:
//! the widest columns give way first, texts wrap at blanks, and what has none is cut with `…`.

use std::io;
use std::os::fd::AsFd;

use terminal_size::{Width, terminal_size_of};

use crate::cli::printable_line;

/// Rows below a header.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug)]
struct Column {
    header: &'static str,
    wraps: bool,
}

const USUAL_WIDTH: usize = 80;

// === impl Table ===

impl Table {
    pub(crate) fn new(headers: impl IntoIterator<Item = &'static str>) -> Self {
        let column = |header| Column {
            header,
            wraps: true,
        };
        Self {
            columns: headers.into_iter().map(column).collect(),
            rows: Vec::new(),
        }
    }

    /// The texts of this column are never wrapped or made shorter, unless nothing else helps.
    pub(crate) fn keep_whole(mut self, header: &str) -> Self {
        for column in &mut self.columns {
            column.wraps &= column.header != header;
        }
        self
    }

    /// Adds a row; others may have chosen the texts in it.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        let cells = cells.iter().map(|cell| printable_line(cell));
        self.rows.push(cells.collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines of the table, `width` characters wide at most.
    pub(crate) fn lines(&self, width: usize) -> Vec<String> {
        let widths = self.widths(width);
        let header: Vec<String> = self.columns.iter().map(|it| it.header.to_owned()).collect();
        let mut lines = self.row_lines(&header, &widths, true);
        for row in &self.rows {
            lines.extend(self.row_lines(row, &widths, false));
        }
        lines
    }

    /// The lines of one row; texts with fewer than the others stand at the top, or the bottom.
    fn row_lines(&self, row: &[String], widths: &[usize], bottom: bool) -> Vec<String> {
        let cells = row.iter().zip(widths).zip(&self.columns).enumerate();
        let cells: Vec<Vec<String>> = cells
            .map(|(at, ((text, width), column))| {
                let (left, right) = self.padding(at);
                let inner = width.saturating_sub(left + right);
                let lines = fit(text, inner, column.wraps).into_iter();
                let padded = lines.map(|text| format!("{:left$}{text:<inner$}{:right$}", "", ""));
                padded
                    .map(|text| text.chars().take(*width).collect())
                    .collect()
            })
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        let line = |at: usize| {
            let texts = cells.iter().zip(widths).map(|(cell, width)| {
                let above = if bottom { height - cell.len() } else { 0 };
                let text = at.checked_sub(above).and_then(|at| cell.get(at));
                format!("{:<width$}", text.map_or("", String::as_str))
            });
            texts.collect()
        };
        (0..height).map(line).collect()
    }

    /// How wide each column may be, with its side of the blanks between it and its neighbours.
    fn widths(&self, most: usize) -> Vec<usize> {
        let natural = self.columns.iter().enumerate().map(|(at, column)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            let longest = cells.map(|cell| length(cell)).max().unwrap_or_default();
            let (left, right) = self.padding(at);
            longest.max(length(column.header)) + left + right
        });
        let wraps: Vec<bool> = self.columns.iter().map(|column| column.wraps).collect();
        share(natural.collect(), &wraps, most)
    }

    /// The blanks on the left and on the right of a column; none at the edges.
    fn padding(&self, at: usize) -> (usize, usize) {
        (
            usize::from(at > 0),
            usize::from(at + 1 < self.columns.len()),
        )
    }
}

/// The width of the terminal, wherever it is attached, unless COLUMNS says another.
pub(crate) fn terminal_width() -> usize {
    let said = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    said.filter(|width| *width > 0)
        .or_else(|| attached(&io::stdin()))
        .or_else(|| attached(&io::stdout()))
        .or_else(|| attached(&io::stderr()))
        .unwrap_or(USUAL_WIDTH)
}

fn attached(stream: &impl AsFd) -> Option<usize> {
    terminal_size_of(stream).map(|(Width(columns), _)| columns.into())
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Makes columns narrower until they fit: the widest of those that wrap first, to the width of the
/// second widest; if that is not enough, all of them alike.
fn share(mut widths: Vec<usize>, wraps: &[bool], most: usize) -> Vec<usize> {
    loop {
        let excess = widths.iter().sum::<usize>().saturating_sub(most);
        let widest = |below: usize| {
            let wrapping = widths.iter().zip(wraps).filter(|(_, wraps)| **wraps);
            wrapping
                .map(|(width, _)| *width)
                .filter(|width| *width < below)
                .max()
        };
        let Some(first) = widest(usize::MAX).filter(|_| excess > 0) else {
            break;
        };
        let second = widest(first).unwrap_or_default();
        let chosen = widths.iter().zip(wraps);
        let chosen: Vec<bool> = chosen
            .map(|(width, wraps)| *wraps && *width == first)
            .collect();
        reduce(&mut widths, &chosen, excess, excess.min(first - second));
        if first == 0 {
            break;
        }
    }
    let excess = widths.iter().sum::<usize>().saturating_sub(most);
    if excess > 0 {
        let all = vec![true; widths.len()];
        reduce(&mut widths, &all, excess, usize::MAX);
    }
    widths
}

/// Takes `total` from the chosen widths, evenly, but `each` at most and never more than is there.
fn reduce(widths: &mut [usize], chosen: &[bool], total: usize, each: usize) {
    let chosen: Vec<bool> = chosen
        .iter()
        .zip(widths.iter())
        .map(|(it, width)| *it && *width > 0)
        .collect();
    let mut sharers = chosen.iter().filter(|it| **it).count();
    let mut left = total;
    for (width, _) in widths.iter_mut().zip(chosen).filter(|(_, chosen)| *chosen) {
        let part = half_even(left, sharers).min(each).min(*width);
        *width -= part;
        left -= part.min(left);
        sharers -= 1;
    }
}

/// `total / parts`, a half rounded to the even neighbour.
fn half_even(total: usize, parts: usize) -> usize {
    let (whole, rest) = (total / parts, total % parts);
    match (rest * 2).cmp(&parts) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Greater => whole + 1,
        std::cmp::Ordering::Equal => whole + whole % 2,
    }
}

/// The lines of a cell.
fn fit(text: &str, width: usize, wraps: bool) -> Vec<String> {
    if length(text) <= width {
        return vec![text.to_owned()];
    }
    if !wraps || width == 0 {
        return vec![cut(text, width)];
    }
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        let fits = length(&line) + length(word.trim_end()) <= width;
        if !fits && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
        .iter()
        .map(|line| cut(line.trim_end(), width))
        .collect()
}

fn cut(text: &str, width: usize) -> String {
    if length(text) <= width {
        return text.to_owned();
    }
    match width.checked_sub(1) {
        Some(kept) => text.chars().take(kept).chain(['…']).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(rows: &[&[&str]]) -> Table {
        let mut table = Table::new(["NAME", "LABELS"]);
        for row in rows {
            table.row(row.iter().map(|cell| (*cell).to_owned()).collect());
        }
        table
    }

    #[test]
    fn columns_stand_two_blanks_apart_and_end_where_the_widest_text_ends() {
        let lines = table(&[&["a", "b=c"], &["longer", ""]]).lines(80);
        assert_eq!(
            lines,
            ["NAME    LABELS", "a       b=c   ", "longer        "]
        );
    }

    #[test]
    fn texts_wrap_at_blanks_and_are_cut_without() {
        let lines = table(&[&["a", "one two three"], &["b", "x=y,x=y,x=y"]]).lines(14);
        assert_eq!(
            lines,
            [
                "NAME  LABELS  ",
                "a     one two ",
                "      three   ",
                "b     x=y,x=y…"
            ]
        );
        let lines = table(&[&["a-long-name", "one two"]])
            .keep_whole("NAME")
            .lines(16);
        assert_eq!(
            lines,
            ["NAME         LA…", "a-long-name  one", "             two"]
        );
    }

    #[test]
    fn a_text_of_somebody_else_cannot_move_the_cursor() {
        let lines = table(&[&["a", "x\x1b[2J\ny"]]).lines(80);
        assert_eq!(lines, ["NAME  LABELS       ", "a     x\\u{1b}[2J\\ny"]);
    }

    #[test]
    fn headers_stand_at_the_bottom() {
        let mut table = Table::new(["NAME", "EXPIRES AT", "TAGS"]);
        table.row(vec!["new".to_owned(), String::new(), String::new()]);
        assert_eq!(
            table.lines(19),
            [
                "      EXPIRES      ",
                "NAME  AT       TAGS",
                "new                "
            ]
        );
        let lines = table.keep_whole("NAME").lines(6);
        assert!(lines.iter().all(|line| length(line) <= 6), "{lines:?}");
    }

    #[test]
    fn the_widest_column_gives_way_first() {
        assert_eq!(share(vec![10, 30, 40], &[true; 3], 60), [10, 25, 25]);
        assert_eq!(share(vec![10, 30, 40], &[true; 3], 79), [10, 30, 39]);
        assert_eq!(
            share(vec![10, 30, 40], &[true, true, false], 60),
            [10, 10, 40]
        );
        assert_eq!(share(vec![20, 20], &[false; 2], 30), [15, 15]);
        assert_eq!(share(vec![5, 5], &[true; 2], 20), [5, 5]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_long(
            cells in prop::collection::vec("[a-z ]{0,30}", 1..8),
            width in 4_usize..60,
        ) {
            let rows: Vec<Vec<&str>> = cells.chunks(2).map(|pair| {
                vec![pair[0].as_str(), pair.get(1).map_or("", |it| it)]
            }).collect();
            let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
            for line in table(&rows).lines(width) {
                prop_assert!(length(&line) <= width, "{line:?}");
            }
        }
    }
}
