//! What the page carries with it. Versions and licences: `assets/vendor/README.md`.

/// Ours.
pub(crate) const STYLE: &str = include_str!("../../assets/report.css");
/// Ours.
pub(crate) const SCRIPT: &str = include_str!("../../assets/report.js");
/// uPlot, unchanged.
pub(crate) const UPLOT_STYLE: &str = include_str!("../../assets/vendor/uplot-1.6.32.min.css");
/// uPlot, unchanged.
pub(crate) const UPLOT_SCRIPT: &str = include_str!("../../assets/vendor/uplot-1.6.32.iife.min.js");
/// Goes wherever uPlot goes.
pub(crate) const UPLOT_LICENCE: &str = include_str!("../../assets/vendor/uplot-LICENSE");
