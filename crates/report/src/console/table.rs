//! Plain text tables: columns as wide as their content, numbers to the right.

use crate::show::plain;

/// Where the text of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table that knows its rows before it is written.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
}

/// Text and, on a terminal, its colour.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    paint: Paint,
}

/// Colours by meaning. No meaning is carried by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Good,
    Warning,
    Bad,
    Dim,
}

impl Paint {
    /// `text` in this colour; `text` itself when `colour` is off.
    pub(crate) fn apply(self, text: &str, colour: bool) -> String {
        let code = match self {
            Self::Plain => return text.to_owned(),
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "31",
            Self::Dim => "2",
        };
        if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        let text: String = text.into();
        Self { text: plain(&text).into_owned(), paint: Paint::Plain }
    }
}

impl Cell {
    pub(crate) fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self { paint, ..Self::from(text) }
    }
}

impl Table {
    pub(crate) fn new(head: &[(&'static str, Align)]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table, two spaces between columns, with a rule below its head.
    pub(crate) fn render(&self, colour: bool) -> String {
        let widths: Vec<usize> = self
            .head
            .iter()
            .enumerate()
            .map(|(column, (title, _))| {
                let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(&cell.text));
                cells.chain([width(title)]).max().unwrap_or(0)
            })
            .collect();
        let head: Vec<Cell> = self.head.iter().map(|&(title, _)| Cell::painted(title, Paint::Dim)).collect();
        let rule: Vec<Cell> = widths.iter().map(|&w| Cell::painted("─".repeat(w), Paint::Dim)).collect();
        let mut text = String::new();
        for row in [&head, &rule].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for ((cell, &w), &(_, align)) in row.iter().zip(&widths).zip(&self.head) {
                let pad = " ".repeat(w - width(&cell.text));
                let painted = cell.paint.apply(&cell.text, colour);
                line += &match align {
                    Align::Left => painted + &pad,
                    Align::Right => pad + &painted,
                };
                line += "  ";
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_control_characters_do_not_reach_the_terminal() {
        let mut table = Table::new(&[("name", Align::Left), ("n", Align::Right)]);
        table.row(vec!["a\x1b[2J".into(), "1".into()]);
        table.row(vec!["é".into(), Cell::painted("1000", Paint::Bad)]);
        assert_eq!(
            table.render(false),
            "name           n\n──────────  ────\na\\u{1b}[2J     1\né           1000\n"
        );
        assert!(table.render(true).contains("\x1b[31m1000\x1b[0m"));
    }
}
