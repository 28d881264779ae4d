//! From suite.toml to a checked plan: syntax, diagnostics, feasibility.
