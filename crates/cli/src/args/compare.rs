//! `squall compare`.

use std::path::PathBuf;

use clap::Args;

use super::Format;

const AFTER_HELP: &str = "\
A difference counts when it is beyond chance and beyond the margin. The measured parts of both runs are compared, phase by \
phase of the same name.

Exit codes: 0 no regression, 1 regression, 2 usage error or not a record, 3 a run is not valid.";

/// `squall compare`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct CompareArgs {
    /// The saved run to compare with
    #[arg(value_name = "A")]
    pub(crate) a: PathBuf,
    /// The saved run to judge
    #[arg(value_name = "B")]
    pub(crate) b: PathBuf,
    /// How far B may be from A before it counts
    #[arg(long, value_name = "PERCENT", default_value = "5%")]
    pub(crate) margin: String,
    /// Write the comparison as an HTML page, with curves of both runs
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// How the comparison is printed: text or json
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) format: Format,
}
