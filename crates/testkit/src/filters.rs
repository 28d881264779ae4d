//! The one list of `insta` filters: what differs from run to run and says nothing.

/// Regular expressions and their replacements, for `insta::Settings::set_filters` or `insta::with_settings!`.
///
/// They take out wall-clock times, loopback ports, temporary paths, UUIDs and the version; they leave durations, counts and
/// percentiles alone, because those are what a snapshot is for.
///
/// ```
/// insta::with_settings!({ filters => squall_testkit::snapshot_filters() }, {
///     insta::assert_snapshot!("listening on http://127.0.0.1:40123", @"listening on http://127.0.0.1:[port]");
/// });
/// ```
#[must_use]
pub fn snapshot_filters() -> Vec<(&'static str, &'static str)> {
    vec![
        (r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}([.,]\d+)?(Z|[+-]\d{2}:?\d{2}(\[[\w/+-]+\])?)?", "[time]"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[uuid]"),
        (r"\b(127\.0\.0\.1|localhost|\[::1\]):\d{2,5}\b", "$1:[port]"),
        (r"(/tmp|/var/folders|/private/var)(/[\w.+-]+)*/\.?tmp[\w.-]+", "[dir]"),
        (r"\bsquall \d+\.\d+\.\d+\b", "squall [version]"),
    ]
}
