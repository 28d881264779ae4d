//! The rows as clients see them: field names and types are the contract of the API.

use serde::{Serialize, Serializer};

use crate::clock;

/// An instant, milliseconds since the Unix epoch, shown as `2026-11-23T13:20:59.778000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) i64);

impl Time {
    pub(crate) fn now() -> Self {
        Self(clock::unix_ms())
    }

    pub(crate) fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&clock::iso(self.0))
    }
}

/// A story in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Story {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) blurb: String,
    pub(crate) cover_key: Option<String>,
    pub(crate) author_id: String,
    pub(crate) published: bool,
    pub(crate) published_at: Option<Time>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

/// A story on its own: a list's fields and when it was deleted, which is never for a story that can be read.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StoryDetail {
    #[serde(flatten)]
    pub(crate) story: Story,
    pub(crate) deleted_at: Option<Time>,
}

impl From<Story> for StoryDetail {
    fn from(story: Story) -> Self {
        Self { story, deleted_at: None }
    }
}

/// A user, as everybody sees them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Profile {
    pub(crate) id: String,
    #[serde(skip)]
    pub(crate) clerk_user_id: String,
    pub(crate) handle: String,
    pub(crate) display_name: String,
    pub(crate) bio: Option<String>,
    pub(crate) avatar_key: Option<String>,
    pub(crate) created_at: Time,
    #[serde(skip)]
    pub(crate) updated_at: Time,
    pub(crate) banner_key: Option<String>,
    pub(crate) theme_color: Option<String>,
    pub(crate) twitter_url: Option<String>,
    pub(crate) instagram_url: Option<String>,
    pub(crate) website_url: Option<String>,
    pub(crate) pinned_story_1: Option<String>,
    pub(crate) pinned_story_2: Option<String>,
    pub(crate) pinned_story_3: Option<String>,
}

/// A user, as they see themselves.
#[derive(Debug, Serialize)]
pub(crate) struct OwnProfile<'a> {
    pub(crate) clerk_user_id: &'a str,
    pub(crate) age_verified: bool,
    pub(crate) age_verified_at: Option<Time>,
    #[serde(flatten)]
    pub(crate) profile: &'a Profile,
}

/// A named collection of stories.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Shelf {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) name: String,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

/// A shelf with what stands on it.
#[derive(Debug, Serialize)]
pub(crate) struct FullShelf {
    #[serde(flatten)]
    pub(crate) shelf: Shelf,
    pub(crate) story_count: usize,
    pub(crate) stories: Vec<ShelvedStory>,
}

/// A story as it appears on a shelf.
#[derive(Debug, Serialize)]
pub(crate) struct ShelvedStory {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) blurb: String,
    pub(crate) cover_key: Option<String>,
    pub(crate) author_id: String,
    pub(crate) published: bool,
    pub(crate) added_at: Time,
}

/// A place of one story on one shelf.
#[derive(Debug, Serialize)]
pub(crate) struct ShelfItem {
    pub(crate) id: String,
    pub(crate) shelf_id: String,
    pub(crate) story_id: String,
    pub(crate) added_at: Time,
}

/// A short message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Whisper {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) content: String,
    pub(crate) media_key: Option<String>,
    pub(crate) scope: Scope,
    pub(crate) story_id: Option<String>,
    pub(crate) highlight_id: Option<String>,
    pub(crate) parent_id: Option<String>,
    pub(crate) deleted_at: Option<Time>,
    pub(crate) created_at: Time,
    pub(crate) reply_count: i64,
    pub(crate) like_count: i64,
}

/// What a whisper is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Scope {
    Global,
    Story,
    Highlight,
}

impl Scope {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Global => "GLOBAL",
            Self::Story => "STORY",
            Self::Highlight => "HIGHLIGHT",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Global, Self::Story, Self::Highlight].into_iter().find(|scope| scope.as_str() == text)
    }
}
