//! One module per command.

use crate::args::Cli;
use crate::errors::{Exit, Outcome};
use crate::settings::{Environment, Layer, resolve};

/// Do what the command line says.
pub(crate) fn dispatch(cli: Cli) -> Outcome {
    let mut layer = Layer::command_line();
    cli.locust.load.fill(&mut layer);
    let r = resolve(layer, None, &Environment::of_process())?;
    crate::logging::init(&r.settings.log)?;
    let _ = r.listing();
    Ok(Exit::Passed)
}
