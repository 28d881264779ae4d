//! Text with slots: `"/v1/stories/{pick(slugs)}"`, parsed once when the suite is checked.

use serde::{Deserialize, Serialize};

use crate::{Secret, VarId};

/// Literal text and slots, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// The parts; adjacent texts are joined.
    pub parts: Vec<Part>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Copied as it is.
    Text(String),
    /// Filled in anew for every request.
    Slot {
        /// Where the value comes from.
        slot: Slot,
        /// How it is escaped for its surroundings.
        escape: Escape,
    },
}

/// Where the value of a slot comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// `{name}`: a captured variable; of a captured list its first value.
    Var(VarId),
    /// `{pick(list)}`: a random element.
    Pick(PickFrom),
    /// `{accounts.email}`: a column of the user's row of a feed.
    Field {
        /// Index into `Plan::feeds`.
        feed: usize,
        /// Column of the feed.
        column: usize,
    },
    /// `{user.id}`: `<class>-<index>`, unique over the whole cluster and the same in every run.
    UserId,
    /// `{user.index}`: the number of the user within its class, from 0.
    UserIndex,
    /// `{now()}`: the time as ISO 8601 in UTC, with milliseconds.
    Now,
    /// `{uuid()}`: a random version 4 UUID.
    Uuid,
    /// `{int(a, b)}`: a uniform integer, both ends included.
    Int(i64, i64),
    /// `{word()}`: a random English word.
    Word,
    /// `{env:NAME}`: the value the environment had when the suite was read.
    Env(Secret),
}

/// What `pick()` picks from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PickFrom {
    /// A captured variable.
    Var(VarId),
    /// Any row of a feed, first column: index into `Plan::feeds`.
    Feed(usize),
}

/// How a slot's value is made safe for where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Escape {
    /// Copied; control bytes are dropped (header values).
    Header,
    /// Percent-encoded, everything but unreserved characters (path segments, query values).
    Percent,
    /// Escaped as the inside of a JSON string.
    JsonString,
    /// Copied without change (raw bodies; numbers in JSON).
    Raw,
}

impl Template {
    /// A template without slots.
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { parts: if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] } }
    }

    /// The text, when there is no slot in it.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}
