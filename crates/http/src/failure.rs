//! What went wrong, and whose class it belongs to.

use std::fmt;
use std::io::{self, ErrorKind};

use squall_core::ErrorClass;

use crate::exchange::Exchange;
use crate::response::FrameError;

/// A request that got no usable response. A status is never a failure here: judging it is the caller's business.
#[derive(Debug)]
pub struct Failure {
    /// What it counts as.
    pub class: ErrorClass,
    /// The particulars; rendered by `Display` only when somebody looks.
    pub detail: FailureDetail,
    /// As far as it came; `done` is the moment of the failure.
    pub exchange: Exchange,
    /// The last wire request had been handed to the kernel in full.
    pub fully_written: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.detail)
    }
}

impl std::error::Error for Failure {}

/// The particulars of a failure.
#[derive(Debug)]
#[non_exhaustive]
pub enum FailureDetail {
    /// What the operating system said.
    Io(io::Error),
    /// Which rule of HTTP was broken.
    Frame(FrameError),
    /// Words for a rare case.
    Text(Box<str>),
    /// Fixed words.
    Fixed(&'static str),
}

impl fmt::Display for FailureDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Frame(error) => error.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Fixed(text) => f.write_str(text),
        }
    }
}

/// A failure on its way up, before the exchange joins it.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) class: ErrorClass,
    pub(crate) detail: FailureDetail,
}

impl Error {
    pub(crate) fn fixed(class: ErrorClass, text: &'static str) -> Self {
        Self { class, detail: FailureDetail::Fixed(text) }
    }

    pub(crate) fn text(class: ErrorClass, text: &dyn fmt::Display) -> Self {
        Self { class, detail: FailureDetail::Text(text.to_string().into()) }
    }

    /// A failure to establish a connection.
    pub(crate) fn connecting(error: io::Error) -> Self {
        let class = match error.kind() {
            _ if is_ours(&error) => ErrorClass::Generator,
            ErrorKind::ConnectionRefused => ErrorClass::ConnectRefused,
            ErrorKind::TimedOut => ErrorClass::ConnectTimeout,
            _ => ErrorClass::ConnectFailed,
        };
        Self { class, detail: FailureDetail::Io(error) }
    }

    /// A failure of an established connection.
    pub(crate) fn transport(error: io::Error) -> Self {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Self::text(ErrorClass::Tls, tls);
        }
        let class = match error.kind() {
            _ if is_ours(&error) => ErrorClass::Generator,
            ErrorKind::UnexpectedEof => ErrorClass::ClosedEarly,
            // Reset and broken pipe, and what a network that vanished looks like from here.
            _ => ErrorClass::Reset,
        };
        Self { class, detail: FailureDetail::Io(error) }
    }
}

impl From<FrameError> for Error {
    fn from(error: FrameError) -> Self {
        let class = match error {
            FrameError::HeadTooLarge => ErrorClass::HeadTooLarge,
            FrameError::BodyTooLarge => ErrorClass::BodyTooLarge,
            FrameError::ClosedEarly => ErrorClass::ClosedEarly,
            FrameError::StatusLine
            | FrameError::Header
            | FrameError::ContentLength
            | FrameError::Chunk
            | FrameError::Upgrade
            | FrameError::Interim => ErrorClass::Protocol,
        };
        Self { class, detail: FailureDetail::Frame(error) }
    }
}

/// This machine ran out of descriptors, ports or buffers.
fn is_ours(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::AddrInUse | ErrorKind::OutOfMemory)
        || matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_find_their_class() {
        for (code, connecting, established) in [
            (libc::EMFILE, ErrorClass::Generator, ErrorClass::Generator),
            (libc::ENFILE, ErrorClass::Generator, ErrorClass::Generator),
            (libc::EADDRNOTAVAIL, ErrorClass::Generator, ErrorClass::Generator),
            (libc::EADDRINUSE, ErrorClass::Generator, ErrorClass::Generator),
            (libc::ENOBUFS, ErrorClass::Generator, ErrorClass::Generator),
            (libc::ECONNREFUSED, ErrorClass::ConnectRefused, ErrorClass::Reset),
            (libc::ETIMEDOUT, ErrorClass::ConnectTimeout, ErrorClass::Reset),
            (libc::ENETUNREACH, ErrorClass::ConnectFailed, ErrorClass::Reset),
            (libc::ECONNRESET, ErrorClass::ConnectFailed, ErrorClass::Reset),
            (libc::EPIPE, ErrorClass::ConnectFailed, ErrorClass::Reset),
        ] {
            let error = || io::Error::from_raw_os_error(code);
            assert_eq!(Error::connecting(error()).class, connecting, "{}", error());
            assert_eq!(Error::transport(error()).class, established, "{}", error());
        }
    }
}
