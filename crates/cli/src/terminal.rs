//! What stderr is: a terminal or not, how wide, and whether colours are wanted there.

use std::io::IsTerminal as _;

use squall_report::console::Screen;

/// Where talk goes, and how.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    /// Everything for stderr passes through it, so that lines and the progress bar do not mix.
    pub(crate) screen: Screen,
    /// stderr is a terminal.
    pub(crate) tty: bool,
    /// Its width.
    pub(crate) columns: Option<u16>,
    /// Colours are wanted: a terminal, and `NO_COLOR` is not set.
    pub(crate) colour: bool,
}

impl Terminal {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        let stderr = std::io::stderr();
        let tty = stderr.is_terminal();
        let columns =
            rustix::termios::tcgetwinsize(&stderr).ok().map(|size| size.ws_col).filter(|width| *width > 0);
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            screen: Screen::new(std::io::stderr()),
            tty,
            columns: columns.filter(|_| tty),
            colour: tty && !no_colour,
        }
    }

    /// Say something; a stderr that is closed leaves nobody to say it to.
    pub(crate) fn say(&self, text: &str) {
        let _ = self.screen.print(text);
    }
}
