//! What the pages carry with them. Versions and licences: `assets/vendor/README.md`.

/// Nothing may be fetched, from anywhere.
pub(crate) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
/// Ours.
pub(crate) const STYLE: &str = include_str!("../../assets/report.css");
/// What our scripts share; goes in front of them.
pub(crate) const COMMON: &str = include_str!("../../assets/common.js");
/// Ours.
pub(crate) const SCRIPT: &str = include_str!("../../assets/report.js");
/// uPlot, unchanged.
pub(crate) const UPLOT_STYLE: &str = include_str!("../../assets/vendor/uplot-1.6.32.min.css");
/// uPlot, unchanged.
pub(crate) const UPLOT_SCRIPT: &str = include_str!("../../assets/vendor/uplot-1.6.32.iife.min.js");
/// Goes wherever uPlot goes.
pub(crate) const UPLOT_LICENCE: &str = include_str!("../../assets/vendor/uplot-LICENSE");
