//! Renders a record: console, HTML, CSV, JSON.
