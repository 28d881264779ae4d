//! The log, in Locust's format: `[2026-11-23 13:13:59,638] HOST/LEVEL/logger: message`.
//!
//! It goes to stderr or to a file; tables and data do not pass through it.

use std::borrow::Cow;
use std::fmt;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;

use jiff::ZonedDateTime;
use squall_report::console::Screen;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::errors::Problem;
use crate::settings::Log;

/// Send what is logged from now on where `log` says. Once per process: later calls change nothing.
pub(crate) fn init(log: &Log, screen: &Screen) -> Result<(), Problem> {
    let format = LocustFormat { host: host_name() };
    let builder = tracing_subscriber::fmt()
        // It would say on stderr that stderr cannot be written, and panic when that fails.
        .log_internal_errors(false)
        .with_max_level(log.level)
        .with_ansi(false)
        .event_format(format);
    // The only reason to fail is a subscriber that is already there, and then lines have a place to go.
    let _ = match &log.file {
        Some(path) => builder.with_writer(Mutex::new(open(path)?)).try_init(),
        None => {
            let screen = screen.clone();
            builder.with_writer(move || screen.clone()).try_init()
        }
    };
    Ok(())
}

fn open(path: &Path) -> Result<std::fs::File, Problem> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| OpenOptions::new().create(true).append(true).open(path))
        .map_err(|error| {
            Problem::new(format!("the log file {} cannot be written", path.display()))
                .help("give --logfile a path in a directory you may write to")
                .cause(error)
        })
}

/// Up to the first dot, as Locust shows it.
fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or_default().to_owned()
}

struct LocustFormat {
    host: String,
}

impl<S, N> FormatEvent<S, N> for LocustFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let time = ZonedDateTime::now().strftime("%Y-%m-%d %H:%M:%S,%3f").to_string();
        let logger = logger(metadata.target());
        write!(writer, "[{time}] {}/{}/{logger}: ", self.host, level(*metadata.level()))?;
        let mut said = String::new();
        context.field_format().format_fields(Writer::new(&mut said), event)?;
        writeln!(writer, "{}", in_one_line(&said))
    }
}

/// `text` as one line that moves no cursor: names, commands and answers of servers come from elsewhere, and a line of
/// their own could be a command to whoever reads the log (`::error::` to GitHub).
fn in_one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// Levels under the names Python gives them.
fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

/// `squall_http::tls` logs as `squall.http.tls`.
fn logger(target: &str) -> String {
    target.replace("squall_", "squall.").replace("::", ".")
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::LocustFormat;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What stands in the log after `log`.
    fn logged(log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .event_format(LocustFormat { host: "box".to_owned() })
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn an_event_is_one_line_whatever_it_quotes() {
        let text = logged(|| tracing::error!("fault {} failed", "a\x1b[2J\n::error::b\r\u{9b}"));
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.trim_end().contains(char::is_control), "{text:?}");
        assert!(text.contains(r"\n::error::b\r\u{9b} failed"), "{text}");
    }

    #[test]
    fn lines_look_like_locusts() {
        let text =
            logged(|| tracing::warn!(target: "squall_http::tls", "certificate of {} is not checked", "h"));
        let (time, rest) = text.split_once("] ").unwrap();
        assert_eq!(rest, "box/WARNING/squall.http.tls: certificate of h is not checked\n");
        // [2026-11-23 13:13:59,638
        let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "[0000-00-00 00:00:00,000");
    }
}
