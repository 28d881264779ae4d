//! What the standard streams are: terminals or not, how wide, and whether colours are wanted there.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use squall_report::console::{Screen, Style};

/// Where talk goes, and how.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    /// Everything for stderr passes through it, so that lines and the progress bar do not mix.
    pub(crate) screen: Screen,
    /// stderr is a terminal.
    pub(crate) tty: bool,
    /// How tables look there.
    pub(crate) style: Style,
}

impl Terminal {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        let stderr = std::io::stderr();
        Self { tty: stderr.is_terminal(), style: style(&stderr), screen: Screen::new(stderr) }
    }

    /// Say something; a stderr that is closed leaves nobody to say it to.
    pub(crate) fn say(&self, text: &str) {
        let _ = self.screen.print(text);
    }
}

/// How tables look on `stream`: as wide as the terminal, and in colour unless `NO_COLOR` is set.
pub(crate) fn style(stream: &(impl IsTerminal + AsFd)) -> Style {
    if !stream.is_terminal() {
        return Style { columns: None, colour: false };
    }
    let columns =
        rustix::termios::tcgetwinsize(stream).ok().map(|size| size.ws_col).filter(|width| *width > 0);
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Style { columns, colour: !no_colour }
}
