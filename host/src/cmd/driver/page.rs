//! Text in columns.

const GAP: &str = "  ";

/// A table, each column as wide as its widest cell.
pub(super) fn table<const N: usize>(
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let mut all = vec![head.map(str::to_owned)];
    all.extend(rows);
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<_> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String; N]| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join(GAP);
        format!("{}\n", line.trim_end())
    };
    all.iter().map(line).collect()
}

/// Each line moved to the right.
pub(super) fn indent(text: &str, by: usize) -> String {
    let line = |line: &str| match line {
        "" => "\n".to_owned(),
        line => format!("{:by$}{line}\n", ""),
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_end_without_blanks() {
        let rows = [
            ["on".to_owned(), String::new()],
            ["set_outlet".to_owned(), "x".to_owned()],
        ];
        assert_eq!(
            table(["NAME", "DOC"], rows.into_iter()),
            "NAME        DOC\non\nset_outlet  x\n"
        );
    }

    #[test]
    fn empty_lines_stay_empty() {
        assert_eq!(indent("a\n\nb", 2), "  a\n\n  b\n");
    }
}
