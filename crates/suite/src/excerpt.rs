//! The text of a suite as mistakes quote it: never more of a line than can be read.
//!
//! A suite may be 16 MiB in one line. What is shown of it is what stands around the mistake; the numbers of
//! lines and columns stay those of the file.

use std::ops::Range;
use std::sync::Arc;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::diagnostic::is_hidden;

/// Most bytes shown on either side of what a mistake is about.
const AROUND: usize = 600;
/// Most bytes of the suite that one mistake marks.
const MARKED: usize = 400;

/// A suite's text and what it is called.
pub(crate) type Source = Arc<Excerpts>;

/// Shows parts of a text.
pub(crate) struct Excerpts {
    name: String,
    text: String,
}

/// The source of a suite called `name`.
pub(crate) fn source(name: &str, text: &str) -> Source {
    Arc::new(Excerpts { name: name.to_owned(), text: text.chars().map(seen).collect() })
}

/// `c`, or one of as many bytes for what cannot be seen: spans stay right, and a terminal is not told what to do.
fn seen(c: char) -> char {
    match c.len_utf8() {
        _ if !is_hidden(c) || matches!(c, '\t' | '\r') => c,
        1 => '?',
        2 => '¿',
        _ => '\u{fffd}',
    }
}

impl Excerpts {
    /// What the suite is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// `span`, cut to what may be marked, at a boundary of characters.
    pub(crate) fn marked(&self, span: Range<usize>) -> Range<usize> {
        if span.len() <= MARKED { span } else { span.start..self.boundary(span.start + MARKED) }
    }

    /// The last boundary of characters at or before `at`.
    fn boundary(&self, at: usize) -> usize {
        let at = at.min(self.text.len());
        (0..=at).rev().find(|i| self.text.is_char_boundary(*i)).unwrap_or(0)
    }
}

impl SourceCode for Excerpts {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.text.as_str();
        let (start, end) = (span.offset(), span.offset().saturating_add(span.len()));
        if end > text.len() {
            return Err(MietteError::OutOfBounds);
        }
        // A window that holds the whole lines asked for, unless they are longer than can be shown.
        let from = self.boundary(start.saturating_sub(AROUND));
        let to = self.boundary(end.saturating_add(AROUND));
        let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let column = from - line_start(from);
        let lines = text.as_bytes()[..from].iter().filter(|byte| **byte == b'\n').count();
        let window = (start - from, span.len()).into();
        let inner = text.as_bytes()[from..to].read_span(&window, lines_before, lines_after)?;
        let (inner_line, inner_from) = (inner.line(), inner.span().offset());
        // Only the first line of the window can begin before it.
        let column = inner.column() + if inner_line == 0 && inner_from > 0 { column } else { 0 };
        let shown = (from + inner_from, inner.span().len()).into();
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            shown,
            lines + inner_line,
            column,
            inner.line_count(),
        )))
    }
}
