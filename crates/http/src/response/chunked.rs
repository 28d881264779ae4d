//! The chunked transfer coding (RFC 9112 §7.1): sizes, extensions, data, trailers.

use super::{FrameError, MAX_HEAD_BYTES};

/// State between two bytes of a chunked body.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    at: At,
    /// Of the size being read, then bytes left in the chunk.
    left: u64,
    /// Bytes of extensions or trailers so far; bounded so that they cannot be endless.
    overhead: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Before the first digit of a size.
    #[default]
    SizeStart,
    Size,
    Extension,
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    /// At the start of a trailer line, which may be the empty one that ends the body.
    TrailerStart,
    Trailer,
    TrailerEnd,
    End,
}

/// What comes after the bytes used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This many bytes of data follow in the input.
    Data(usize),
    /// The input is used up.
    More,
    /// The body, trailers included, is complete.
    Done,
}

impl Chunked {
    /// Reads framing up to the next data. Data announced counts as taken.
    pub(super) fn feed(&mut self, input: &[u8]) -> Result<(usize, Step), FrameError> {
        for (index, &byte) in input.iter().enumerate() {
            if self.at == At::Data {
                let take = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len() - index);
                self.left -= take as u64;
                if self.left == 0 {
                    self.at = At::DataCr;
                }
                return Ok((index, Step::Data(take)));
            }
            if self.framing(byte)? {
                return Ok((index + 1, Step::Done));
            }
        }
        Ok((input.len(), Step::More))
    }

    /// One byte of framing; true when it was the last of the body.
    fn framing(&mut self, byte: u8) -> Result<bool, FrameError> {
        self.at = match (self.at, byte) {
            (At::SizeStart | At::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = u64::from(char::from(byte).to_digit(16).unwrap_or(0));
                if self.at == At::SizeStart {
                    self.left = 0;
                }
                // 2^60 bytes are more than any body; larger sizes would overflow.
                if self.left >= 1 << 56 {
                    return Err(FrameError::Chunk);
                }
                self.left = self.left * 16 + digit;
                At::Size
            }
            (At::Size | At::Extension, b'\r') => At::SizeEnd,
            (At::Size, b';' | b' ' | b'\t') => At::Extension,
            (At::Extension, byte) if byte != b'\n' => {
                self.count()?;
                At::Extension
            }
            (At::SizeEnd, b'\n') if self.left == 0 => At::TrailerStart,
            (At::SizeEnd, b'\n') => At::Data,
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::SizeStart,
            (At::TrailerStart, b'\r') => At::End,
            (At::End, b'\n') => return Ok(true),
            (At::Trailer, b'\r') => At::TrailerEnd,
            (At::TrailerEnd, b'\n') => At::TrailerStart,
            (At::TrailerStart | At::Trailer, byte) if byte != b'\n' => {
                self.count()?;
                At::Trailer
            }
            _ => return Err(FrameError::Chunk),
        };
        Ok(false)
    }

    fn count(&mut self) -> Result<(), FrameError> {
        self.overhead += 1;
        if self.overhead > MAX_HEAD_BYTES { Err(FrameError::HeadTooLarge) } else { Ok(()) }
    }
}
