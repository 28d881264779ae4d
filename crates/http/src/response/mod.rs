//! Reading a response: bytes in, events out. Pure: no IO, no clock.
//!
//! [`ResponseReader`] is a few words of state. Bytes may arrive in any pieces; the only ones it keeps are those of an
//! unfinished head. Interim responses (1xx) are skipped; 101 is refused, because nobody asked for an upgrade.

mod chunked;
mod head;

pub use head::HeadInfo;

use chunked::{Chunked, Step};
use head::{Body, find_head_end};

/// Bound of a response head (status line and headers), and of the trailers of a chunked body.
pub const MAX_HEAD_BYTES: usize = 64 << 10;
/// Bound of the number of headers. Servers send 10 to 30.
pub const MAX_HEADERS: usize = 128;
/// Interim responses skipped before one final response.
const MAX_INTERIM: u8 = 32;

/// How a response breaks the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The status line is none.
    #[error("not an HTTP/1.x status line")]
    StatusLine,
    /// A header line is malformed.
    #[error("malformed header")]
    Header,
    /// A `Content-Length` that is no number, or several that differ.
    #[error("invalid content-length")]
    ContentLength,
    /// A chunk size, extension or chunk end is malformed.
    #[error("malformed chunk")]
    Chunk,
    /// `101 Switching Protocols`, unasked.
    #[error("unexpected 101 switching protocols")]
    Upgrade,
    /// Too many interim responses.
    #[error("more than 32 interim responses")]
    Interim,
    /// The head, the number of headers, or the trailers exceed their bound.
    #[error("head larger than 64 KiB or 128 headers")]
    HeadTooLarge,
    /// The body exceeds its bound.
    #[error("body larger than the limit")]
    BodyTooLarge,
    /// The connection ended before the response did.
    #[error("connection closed before the response was complete")]
    ClosedEarly,
}

/// Receives the parts of a response.
pub trait Sink {
    /// The head of the final response: `raw` is all of it, the empty line included.
    fn head(&mut self, info: &HeadInfo, raw: &[u8]);
    /// A `Set-Cookie` value of the final response; before `head`.
    fn set_cookie(&mut self, value: &[u8]);
    /// The `Location` value of a final response with a status of 3xx; before `head`.
    fn location(&mut self, value: &[u8]);
    /// A piece of the body, as sent (still content-encoded, no longer chunked).
    fn data(&mut self, bytes: &[u8]);
}

/// What became of the bytes given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All were used; more are needed.
    More,
    /// The response is complete after this many of them. More than that were not asked for.
    Done(usize),
}

/// The state of one response.
#[derive(Debug)]
pub struct ResponseReader {
    state: State,
    max_body: u64,
    body_bytes: u64,
    /// Bytes of the unfinished head; empty outside of one.
    partial: Vec<u8>,
    /// Of the final response; zeros before.
    info: HeadInfo,
    answers_head: bool,
    interim: u8,
}

#[derive(Debug)]
enum State {
    Head,
    Length(u64),
    Chunked(Chunked),
    ToEof,
    Done,
}

impl ResponseReader {
    /// A reader that waits for a response; `max_body` bounds its body as sent.
    pub fn new(max_body: u64) -> Self {
        Self {
            state: State::Head,
            max_body,
            body_bytes: 0,
            partial: Vec::new(),
            info: HeadInfo::default(),
            answers_head: false,
            interim: 0,
        }
    }

    /// Prepares for the next response; `answers_head`: it answers a `HEAD` request and has no body.
    /// A buffer for unfinished heads is kept or dropped with [`ResponseReader::take_buffer`].
    pub fn restart(&mut self, answers_head: bool, max_body: u64) {
        self.state = State::Head;
        self.max_body = max_body;
        self.body_bytes = 0;
        self.partial.clear();
        self.info = HeadInfo::default();
        self.answers_head = answers_head;
        self.interim = 0;
    }

    /// Takes the buffer of unfinished heads out, empty or not; for callers that pool buffers.
    pub fn take_buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.partial)
    }

    /// Gives the buffer for unfinished heads; without, one is allocated when it is needed.
    pub fn give_buffer(&mut self, buffer: Vec<u8>) {
        self.partial = buffer;
        self.partial.clear();
    }

    /// True while bytes of an unfinished head are kept.
    pub fn holds_bytes(&self) -> bool {
        !self.partial.is_empty()
    }

    /// True while no byte of a response has been seen.
    pub fn is_untouched(&self) -> bool {
        matches!(self.state, State::Head) && self.partial.is_empty() && self.interim == 0
    }

    /// Bytes of the body so far, without framing.
    pub fn body_bytes(&self) -> u64 {
        self.body_bytes
    }

    /// The head of the final response, once there was one.
    pub fn info(&self) -> &HeadInfo {
        &self.info
    }

    /// May the connection serve another request once this response is done?
    pub fn keep_alive(&self) -> bool {
        self.info.keep_alive
    }

    /// Takes bytes. After [`Progress::Done`] or an error, [`ResponseReader::restart`] must come first.
    pub fn feed<S: Sink>(&mut self, input: &[u8], sink: &mut S) -> Result<Progress, FrameError> {
        let mut at = 0;
        loop {
            let rest = &input[at..];
            match &mut self.state {
                State::Head => match self.feed_head(rest, sink)? {
                    Some(used) => at += used,
                    None => return Ok(Progress::More),
                },
                State::Length(left) => {
                    let take = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= take as u64;
                    let complete = *left == 0;
                    sink.data(&rest[..take]);
                    self.body_bytes += take as u64;
                    at += take;
                    if !complete {
                        return Ok(Progress::More);
                    }
                    self.state = State::Done;
                }
                State::Chunked(chunked) => match chunked.feed(rest)? {
                    (used, Step::Data(len)) => {
                        let end = at + used;
                        at = end + len;
                        self.body_bytes += len as u64;
                        if self.body_bytes > self.max_body {
                            return Err(FrameError::BodyTooLarge);
                        }
                        sink.data(&input[end..at]);
                    }
                    (_, Step::More) => return Ok(Progress::More),
                    (used, Step::Done) => {
                        at += used;
                        self.state = State::Done;
                    }
                },
                State::ToEof => {
                    self.body_bytes += rest.len() as u64;
                    if self.body_bytes > self.max_body {
                        return Err(FrameError::BodyTooLarge);
                    }
                    sink.data(rest);
                    return Ok(Progress::More);
                }
                State::Done => return Ok(Progress::Done(at)),
            }
        }
    }

    /// The connection ended. `Ok` when that is how this response ends.
    pub fn eof<S: Sink>(&mut self, sink: &mut S) -> Result<(), FrameError> {
        match self.state {
            State::ToEof | State::Done => {
                self.state = State::Done;
                Ok(())
            }
            State::Head if !self.partial.is_empty() => {
                // Garbage that never ended in an empty line is garbage, not an early close.
                let partial = std::mem::take(&mut self.partial);
                let parsed = head::parse(&partial, self.answers_head, sink);
                self.partial = partial;
                parsed.and(Err(FrameError::ClosedEarly))
            }
            _ => Err(FrameError::ClosedEarly),
        }
    }

    /// `Some(used)` when a head was complete, interim or final.
    fn feed_head<S: Sink>(&mut self, input: &[u8], sink: &mut S) -> Result<Option<usize>, FrameError> {
        if input.is_empty() {
            return Ok(None);
        }
        if self.partial.is_empty() {
            // The usual case: the head is complete in the thread's buffer.
            if let Some((info, used)) = head::parse(input, self.answers_head, sink)? {
                if used > MAX_HEAD_BYTES {
                    return Err(FrameError::HeadTooLarge);
                }
                self.begin_body(info, &input[..used], sink)?;
                return Ok(Some(used));
            }
            self.keep(input)?;
            return Ok(None);
        }
        // Only a piece that completes the head is worth another parse: a head in drops costs linear time.
        let before = self.partial.len();
        match find_head_end(&self.partial, input) {
            None => {
                self.keep(input)?;
                Ok(None)
            }
            Some(used) => {
                self.keep(&input[..used])?;
                let mut partial = std::mem::take(&mut self.partial);
                let parsed = head::parse(&partial, self.answers_head, sink);
                let result = match parsed {
                    Ok(Some((info, all))) => {
                        debug_assert_eq!(all, before + used);
                        self.begin_body(info, &partial, sink).map(|()| Some(used))
                    }
                    // An empty line where the parser sees none, as among leading line ends: keep collecting.
                    Ok(None) => {
                        self.partial = partial;
                        return Ok(Some(used));
                    }
                    Err(error) => Err(error),
                };
                partial.clear();
                self.partial = partial;
                result
            }
        }
    }

    fn keep(&mut self, input: &[u8]) -> Result<(), FrameError> {
        if self.partial.len() + input.len() > MAX_HEAD_BYTES {
            return Err(FrameError::HeadTooLarge);
        }
        self.partial.extend_from_slice(input);
        Ok(())
    }

    fn begin_body<S: Sink>(&mut self, info: HeadInfo, raw: &[u8], sink: &mut S) -> Result<(), FrameError> {
        if info.status == 101 {
            return Err(FrameError::Upgrade);
        }
        if info.status < 200 {
            self.interim += 1;
            return if self.interim > MAX_INTERIM { Err(FrameError::Interim) } else { Ok(()) };
        }
        self.info = info;
        sink.head(&info, raw);
        self.state = match info.body {
            Body::Empty | Body::Length(0) => State::Done,
            Body::Length(length) if length > self.max_body => return Err(FrameError::BodyTooLarge),
            Body::Length(length) => State::Length(length),
            Body::Chunked => State::Chunked(Chunked::default()),
            Body::ToEof => State::ToEof,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests;
