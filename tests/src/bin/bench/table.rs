//! Rows of medians, as a Markdown table.

use std::fmt;

/// Figures of one piece of work, a value per turn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(Vec<f64>);

/// What counts as better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Better {
    More,
    Less,
}

/// What we want of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// At least this part of the limit.
    OfLimit(f64),
    /// At most this figure.
    AtMost(f64),
    /// At least this figure.
    AtLeast(f64),
    /// Nothing in particular.
    None,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) ours: Series,
    pub(crate) limit: Series,
    pub(crate) python: Series,
    pub(crate) goal: Goal,
}

#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Row>);

// === impl Series ===

impl Series {
    pub(crate) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    pub(crate) fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Self {
        Self(figures.into_iter().collect())
    }
}

// === impl Row ===

impl Row {
    /// A row with only our own figures.
    pub(crate) fn ours(
        work: impl Into<String>,
        unit: &'static str,
        ours: Series,
        goal: Goal,
    ) -> Self {
        Self {
            work: work.into(),
            unit,
            better: Better::Less,
            ours,
            limit: Series::default(),
            python: Series::default(),
            goal,
        }
    }

    /// How many times better we are than `other`: turn by turn where both had as many, because
    /// what disturbed one turn of ours disturbed its neighbour too.
    fn against(&self, other: &Series) -> Option<f64> {
        let better = |ours: f64, other: f64| match self.better {
            Better::More => ours / other,
            Better::Less => other / ours,
        };
        if self.ours.0.len() == other.0.len() {
            let turns = self.ours.0.iter().zip(&other.0);
            let ratios: Series = turns.map(|(ours, other)| better(*ours, *other)).collect();
            return ratios.median();
        }
        Some(better(self.ours.median()?, other.median()?))
    }

    fn goal(&self) -> String {
        let met = match self.goal {
            Goal::None => return "–".to_owned(),
            Goal::OfLimit(part) => self.against(&self.limit).map(|is| is >= part),
            Goal::AtMost(most) => self.ours.median().map(|is| is <= most),
            Goal::AtLeast(least) => self.ours.median().map(|is| is >= least),
        };
        let wanted = match self.goal {
            Goal::OfLimit(part) => format!("{part:.2} of limit"),
            Goal::AtMost(most) => format!("≤ {}", figure(Some(most))),
            Goal::AtLeast(least) => format!("≥ {}", figure(Some(least))),
            Goal::None => String::new(),
        };
        match met {
            Some(true) => format!("{wanted} ✓"),
            Some(false) => format!("{wanted} ✗"),
            None => wanted,
        }
    }
}

// === impl Table ===

impl Table {
    pub(crate) fn add(&mut self, row: Row) {
        self.0.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| work | figure | Python | limit | ours | ours against limit | against Python | goal |"
        )?;
        writeln!(f, "|---|---|---:|---:|---:|---:|---:|---|")?;
        for row in &self.0 {
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                row.work,
                row.unit,
                figure(row.python.median()),
                figure(row.limit.median()),
                figure(row.ours.median()),
                times(row.against(&row.limit)),
                times(row.against(&row.python)),
                row.goal(),
            )?;
        }
        Ok(())
    }
}

/// Three digits that matter.
fn figure(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(v) if v >= 100.0 => format!("{v:.0}"),
        Some(v) if v >= 10.0 => format!("{v:.1}"),
        Some(v) => format!("{v:.2}"),
    }
}

fn times(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(v) if v >= 10.0 => format!("{v:.0}×"),
        Some(v) => format!("{v:.2}×"),
    }
}
