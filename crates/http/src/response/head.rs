//! The response head: status, and the few headers the client itself obeys.

use std::mem::MaybeUninit;

use super::{FrameError, MAX_HEADERS, Sink};
use crate::decode::Encoding;

/// What the client needs of a head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadInfo {
    /// The status, 100–999.
    pub status: u16,
    /// The connection stays open after this response.
    pub keep_alive: bool,
    /// How the body is encoded; `None` when it is not, or in a way nobody here can undo.
    pub(crate) encoding: Option<Encoding>,
    pub(crate) body: Body,
}

/// How the end of the body is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Body {
    #[default]
    Empty,
    Length(u64),
    Chunked,
    ToEof,
}

/// Parses a head at the start of `input`: its meaning and its length, or `None` when it is not complete.
/// Cookies and location of a final response go to the sink.
pub(super) fn parse<S: Sink>(
    input: &[u8],
    answers_head: bool,
    sink: &mut S,
) -> Result<Option<(HeadInfo, usize)>, FrameError> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        input,
        &mut headers,
    );
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(FrameError::HeadTooLarge),
        Err(httparse::Error::HeaderName | httparse::Error::HeaderValue) => return Err(FrameError::Header),
        Err(httparse::Error::NewLine) if response.code.is_some() => return Err(FrameError::Header),
        Err(_) => return Err(FrameError::StatusLine),
    };
    let status = response.code.ok_or(FrameError::StatusLine)?;
    if status < 100 {
        return Err(FrameError::StatusLine);
    }
    let http_1_1 = response.version == Some(1);
    let fields = Fields::read(response.headers, status, sink)?;
    Ok(Some((fields.meaning(status, http_1_1, answers_head), length)))
}

/// What the headers say, before it is put together.
#[derive(Default)]
struct Fields {
    length: Option<u64>,
    transfer_encoding: bool,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    encoding: Option<Encoding>,
}

impl Fields {
    fn read<S: Sink>(
        headers: &[httparse::Header<'_>],
        status: u16,
        sink: &mut S,
    ) -> Result<Self, FrameError> {
        let mut fields = Self::default();
        let last = status >= 200;
        for header in headers {
            let (name, value) = (header.name, header.value);
            // The length decides first: most headers are passed over without looking at their text.
            match name.len() {
                8 if status / 100 == 3 && name.eq_ignore_ascii_case("location") => sink.location(value),
                10 if name.eq_ignore_ascii_case("connection") => {
                    for token in tokens(value) {
                        fields.close |= token.eq_ignore_ascii_case(b"close");
                        fields.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                    }
                }
                10 if last && name.eq_ignore_ascii_case("set-cookie") => sink.set_cookie(value),
                14 if name.eq_ignore_ascii_case("content-length") => fields.add_length(value)?,
                16 if name.eq_ignore_ascii_case("content-encoding") => {
                    fields.encoding = Encoding::of(value.trim_ascii());
                }
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    fields.transfer_encoding = true;
                    if let Some(token) = tokens(value).last() {
                        fields.chunked = token.eq_ignore_ascii_case(b"chunked");
                    }
                }
                _ => {}
            }
        }
        Ok(fields)
    }

    /// The same length several times is tolerated (RFC 9110 §8.6), different ones are an attack or a bug.
    fn add_length(&mut self, value: &[u8]) -> Result<(), FrameError> {
        for token in value.split(|&byte| byte == b',') {
            let length = decimal(token.trim_ascii()).ok_or(FrameError::ContentLength)?;
            if self.length.replace(length).is_some_and(|before| before != length) {
                return Err(FrameError::ContentLength);
            }
        }
        Ok(())
    }

    /// RFC 9112 §6.3.
    fn meaning(&self, status: u16, http_1_1: bool, answers_head: bool) -> HeadInfo {
        let body = if answers_head || status < 200 || status == 204 || status == 304 {
            Body::Empty
        } else if self.transfer_encoding {
            if self.chunked { Body::Chunked } else { Body::ToEof }
        } else {
            self.length.map_or(Body::ToEof, Body::Length)
        };
        let persistent = if http_1_1 { !self.close } else { self.keep_alive && !self.close };
        // Both framings at once: the encoding wins, and the connection is not to be trusted afterwards.
        let ambiguous = self.transfer_encoding && (self.length.is_some() || !http_1_1);
        HeadInfo {
            status,
            keep_alive: persistent && !ambiguous && body != Body::ToEof,
            encoding: self.encoding,
            body,
        }
    }
}

/// Where the head ends in `input`, when `before` came first: the index after its empty line.
pub(super) fn find_head_end(before: &[u8], input: &[u8]) -> Option<usize> {
    // An empty line is "\n\n" or "\n\r\n"; its start may be among the last two bytes before.
    let byte = |at: usize, back: usize| {
        at.checked_sub(back).map_or_else(
            || before.len().checked_sub(back - at).map(|index| before[index]),
            |index| Some(input[index]),
        )
    };
    input
        .iter()
        .enumerate()
        .filter(|&(_, &found)| found == b'\n')
        .find(|&(at, _)| match byte(at, 1) {
            Some(b'\n') => true,
            Some(b'\r') => byte(at, 2) == Some(b'\n'),
            _ => false,
        })
        .map(|(at, _)| at + 1)
}

/// The elements of a comma-separated list, without empty ones.
fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

/// Digits only, as RFC 9110 has it: no sign, no blank, no overflow.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}
