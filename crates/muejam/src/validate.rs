//! Checks of a body's fields, collecting every problem by field in the words clients know.

use serde_json::{Map, Value};

use crate::reply::{ApiError, Problems};

/// A body under inspection.
pub(crate) struct Checker<'a> {
    fields: &'a Map<String, Value>,
    problems: Problems,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(fields: &'a Map<String, Value>) -> Self {
        Self { fields, problems: Problems::new() }
    }

    pub(crate) fn problem(&mut self, field: &'static str, text: impl Into<String>) {
        self.problems.entry(field).or_default().push(text.into());
    }

    /// A text that must be there and say something; empty when it does not.
    pub(crate) fn required(&mut self, field: &'static str, most: usize) -> String {
        if !self.fields.contains_key(field) {
            self.problem(field, "This field is required.");
            return String::new();
        }
        self.optional(field, most).unwrap_or_default()
    }

    /// A text that must say something if it is there.
    pub(crate) fn optional(&mut self, field: &'static str, most: usize) -> Option<String> {
        let value = self.fields.get(field)?;
        let Value::String(text) = value else {
            let null = value.is_null();
            self.problem(field, if null { "This field may not be null." } else { "Not a valid string." });
            return None;
        };
        let text = text.trim();
        if text.is_empty() {
            self.problem(field, "This field may not be blank.");
        } else if text.contains('\0') {
            self.problem(field, "Null characters are not allowed.");
        } else if text.chars().count() > most {
            self.problem(field, format!("Ensure this field has no more than {most} characters."));
        }
        Some(text.to_owned())
    }

    /// A text that may also be `null`, to take it away.
    pub(crate) fn nullable(&mut self, field: &'static str, most: usize) -> Option<Option<String>> {
        match self.fields.get(field)? {
            Value::Null => Some(None),
            _ => self.optional(field, most).map(Some),
        }
    }

    /// Ends the inspection.
    ///
    /// # Errors
    /// [`ApiError::Validation`] with all problems found.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.problems.is_empty() { Ok(()) } else { Err(ApiError::Validation(self.problems)) }
    }
}

/// The same for query parameters.
///
/// # Errors
/// [`ApiError::Query`] with all problems found.
pub(crate) fn query_problems(problems: Problems) -> Result<(), ApiError> {
    if problems.is_empty() { Ok(()) } else { Err(ApiError::Query(problems)) }
}
