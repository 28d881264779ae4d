use super::*;
use proptest::prelude::*;

/// Everything a reader told.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Told {
    heads: Vec<String>,
    cookies: Vec<String>,
    locations: Vec<String>,
    body: Vec<u8>,
}

impl Sink for Told {
    fn head(&mut self, info: &HeadInfo, raw: &[u8]) {
        self.heads.push(format!("{} {}", info.status, String::from_utf8_lossy(raw)));
    }
    fn set_cookie(&mut self, value: &[u8]) {
        self.cookies.push(String::from_utf8_lossy(value).into_owned());
    }
    fn location(&mut self, value: &[u8]) {
        self.locations.push(String::from_utf8_lossy(value).into_owned());
    }
    fn data(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reading {
    result: Result<(), FrameError>,
    told: Told,
    /// Bytes of the input that belong to the response.
    used: usize,
    keep_alive: bool,
}

const LIMIT: u64 = 100;

/// Reads the pieces, then the end of the connection.
fn read(pieces: &[&[u8]], answers_head: bool) -> Reading {
    let mut reader = ResponseReader::new(LIMIT);
    reader.restart(answers_head, LIMIT);
    let mut told = Told::default();
    let mut used = 0;
    let mut end = None;
    for piece in pieces {
        match reader.feed(piece, &mut told) {
            Ok(Progress::More) => used += piece.len(),
            Ok(Progress::Done(of_piece)) => {
                used += of_piece;
                end = Some(Ok(()));
                break;
            }
            Err(error) => {
                end = Some(Err(error));
                break;
            }
        }
    }
    let result = end.unwrap_or_else(|| reader.eof(&mut told));
    Reading { result, told, used, keep_alive: reader.keep_alive() }
}

/// Input, whether it answers HEAD, and: body, bytes that belong to the response, keep-alive; or the error.
type Case = (&'static str, bool, Result<(&'static str, usize, bool), FrameError>);

const CASES: &[Case] = &[
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, Ok(("hello", 43, true))),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200", false, Ok(("hello", 43, true))),
    ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nx", false, Ok(("", 38, true))),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello",
        false,
        Ok(("hello", 65, true)),
    ),
    ("HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", false, Ok(("hi", 37, true))),
    ("\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, Ok(("hi", 44, true))),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", false, Ok(("hi", 59, false))),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: foo, Close\r\n\r\nhi",
        false,
        Ok(("hi", 64, false)),
    ),
    ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, Ok(("hi", 40, false))),
    ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi", false, Ok(("hi", 64, true))),
    ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, Ok(("", 35, true))),
    // Without a length, the body ends with the connection.
    ("HTTP/1.1 200 OK\r\n\r\nall of it", false, Ok(("all of it", 28, false))),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", false, Ok(("abc", 47, false))),
    // No body, whatever the headers say.
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, Ok(("", 38, true))),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, Ok(("", 47, true))),
    ("HTTP/1.1 200 OK\r\n\r\n", true, Ok(("", 19, true))),
    ("HTTP/1.1 204 No Content\r\n\r\n", false, Ok(("", 27, true))),
    ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, Ok(("", 48, true))),
    // Interim responses are passed over.
    (
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        false,
        Ok(("hi", 65, true)),
    ),
    ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", false, Ok(("", 64, true))),
    ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", false, Err(FrameError::Upgrade)),
    // Chunks.
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nrest",
        false,
        Ok(("hello", 62, true)),
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;name=\"v\"\r\nabc\r\n00A \r\n0123456789\r\n0\r\nX: y\r\nZ: \r\n\r\n",
        false,
        Ok(("abc0123456789", 98, true)),
    ),
    // Both framings: chunked wins, the connection is not used again.
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        false,
        Ok(("hi", 78, false)),
    ),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", false, Err(FrameError::Chunk)),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", false, Err(FrameError::Chunk)),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", false, Err(FrameError::Chunk)),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhixx", false, Err(FrameError::Chunk)),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1ffffffffffffffff\r\n",
        false,
        Err(FrameError::Chunk),
    ),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX", false, Err(FrameError::ClosedEarly)),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", false, Err(FrameError::ClosedEarly)),
    // Ends too soon.
    ("", false, Err(FrameError::ClosedEarly)),
    ("HTT", false, Err(FrameError::ClosedEarly)),
    ("HTTP/1.1 200 OK\r\nContent-Le", false, Err(FrameError::ClosedEarly)),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", false, Err(FrameError::ClosedEarly)),
    // Not HTTP, or not as it should be.
    ("SSH-2.0-OpenSSH_9.6\r\n", false, Err(FrameError::StatusLine)),
    ("HTTP/2.0 200 OK\r\n\r\n", false, Err(FrameError::StatusLine)),
    ("HTTP/1.1 099 Low\r\n\r\n", false, Err(FrameError::StatusLine)),
    ("HTTP/1.1 abc\r\n\r\n", false, Err(FrameError::StatusLine)),
    ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", false, Err(FrameError::Header)),
    ("HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n", false, Err(FrameError::ContentLength)),
    ("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n", false, Err(FrameError::ContentLength)),
    ("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", false, Err(FrameError::ContentLength)),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        false,
        Err(FrameError::ContentLength),
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        false,
        Err(FrameError::ContentLength),
    ),
    // One byte over the limit of 100.
    ("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", false, Err(FrameError::BodyTooLarge)),
];

#[test]
fn frames_responses() {
    for (input, answers_head, expected) in CASES {
        let reading = read(&[input.as_bytes()], *answers_head);
        let got = reading.result.map(|()| {
            (String::from_utf8(reading.told.body.clone()).unwrap(), reading.used, reading.keep_alive)
        });
        assert_eq!(got, expected.map(|(body, used, keep)| (body.to_owned(), used, keep)), "{input:?}");
    }
}

#[test]
fn where_the_bytes_are_split_makes_no_difference() {
    // How much of a piece was looked at before an error is nobody's business.
    let read = |pieces: &[&[u8]], answers_head| {
        let reading = read(pieces, answers_head);
        let used = if reading.result.is_ok() { reading.used } else { 0 };
        Reading { used, ..reading }
    };
    for (input, answers_head, _) in CASES {
        let input = input.as_bytes();
        let whole = read(&[input], *answers_head);
        let single: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(read(&single, *answers_head), whole, "byte by byte: {:?}", String::from_utf8_lossy(input));
        for at in 0..=input.len() {
            let halves = [&input[..at], &input[at..]];
            assert_eq!(read(&halves, *answers_head), whole, "at {at}: {:?}", String::from_utf8_lossy(input));
        }
    }
}

#[test]
fn tells_cookies_and_the_location_of_the_final_response_only() {
    let input = b"HTTP/1.1 103 Early\r\nSet-Cookie: a=1\r\nLocation: /early\r\n\r\n\
        HTTP/1.1 302 Found\r\nSet-Cookie: b=2\r\nset-cookie: c=3\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n";
    let told = read(&[input], false).told;
    assert_eq!(told.cookies, ["b=2", "c=3"]);
    assert_eq!(told.locations, ["/next"]);
    assert_eq!(told.heads.len(), 1);
    // 201 has a Location too, but it leads nowhere.
    let created = b"HTTP/1.1 201 Created\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(read(&[created], false).told.locations, [""; 0]);
}

#[test]
fn endless_heads_and_trailers_end() {
    let line = "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    let long = format!("HTTP/1.1 200 OK\r\n{}", line.replace("aa", &"a".repeat(100)).repeat(60));
    assert!(long.len() > MAX_HEAD_BYTES);
    for size in [1000, 16 << 10] {
        let pieces: Vec<&[u8]> = long.as_bytes().chunks(size).collect();
        assert_eq!(read(&pieces, false).result, Err(FrameError::HeadTooLarge));
    }
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(MAX_HEADERS + 1));
    assert_eq!(read(&[many.as_bytes()], false).result, Err(FrameError::HeadTooLarge));
    let enough = format!("HTTP/1.1 204 OK\r\n{}\r\n", "A: b\r\n".repeat(MAX_HEADERS));
    assert_eq!(read(&[enough.as_bytes()], false).result, Ok(()));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for endless in
        [format!("{chunked}0\r\n{}", line.repeat(2000)), format!("{chunked}1;{}", "e".repeat(70_000))]
    {
        assert_eq!(read(&[endless.as_bytes()], false).result, Err(FrameError::HeadTooLarge));
    }
}

#[test]
fn endless_bodies_end() {
    for head in ["", "Transfer-Encoding: chunked\r\n"] {
        let mut reader = ResponseReader::new(LIMIT);
        let mut told = Told::default();
        let mut result = reader.feed(format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes(), &mut told);
        for _ in 0..20 {
            if result.is_err() {
                break;
            }
            result = reader.feed(b"a\r\n0123456789\r\n", &mut told);
        }
        assert_eq!(result, Err(FrameError::BodyTooLarge));
        assert!(told.body.len() as u64 <= LIMIT);
    }
}

#[test]
fn endless_interim_responses_end() {
    let input = "HTTP/1.1 102 Processing\r\n\r\n".repeat(100);
    assert_eq!(read(&[input.as_bytes()], false).result, Err(FrameError::Interim));
}

#[test]
fn a_reader_is_reused() {
    let mut reader = ResponseReader::new(LIMIT);
    let mut told = Told::default();
    for _ in 0..3 {
        reader.restart(false, LIMIT);
        assert!(reader.is_untouched());
        assert_eq!(reader.feed(b"HTTP/1.1 200 OK\r\nContent-", &mut told), Ok(Progress::More));
        assert!(!reader.is_untouched() && reader.holds_bytes());
        assert_eq!(reader.feed(b"Length: 1\r\n\r\nx", &mut told), Ok(Progress::Done(14)));
        assert!(!reader.holds_bytes());
    }
    assert_eq!(told.body, b"xxx");
}

proptest! {
    #[test]
    fn never_panics(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12)) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let _ = read(&pieces, false);
    }

    #[test]
    fn never_panics_on_damaged_responses(
        case in 0..CASES.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut input = CASES[case].0.as_bytes().to_vec();
        prop_assume!(!input.is_empty());
        for (at, byte) in damage {
            let at = at.index(input.len());
            input[at] = byte;
        }
        let cut = cut.index(input.len());
        let whole = read(&[&input], CASES[case].1);
        let halves = read(&[&input[..cut], &input[cut..]], CASES[case].1);
        // Which error a broken head shows may depend on what had arrived; whether it is one may not.
        prop_assert_eq!(whole.result.is_ok(), halves.result.is_ok());
        if whole.result.is_ok() {
            prop_assert_eq!(whole, halves);
        }
    }

    #[test]
    fn chunked_bodies_come_out_whole(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..12), 0..8),
        size in 1usize..20,
    ) {
        let mut input = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in &chunks {
            input.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            input.extend_from_slice(chunk);
            input.extend_from_slice(b"\r\n");
        }
        input.extend_from_slice(b"0\r\n\r\n");
        let pieces: Vec<&[u8]> = input.chunks(size).collect();
        let reading = read(&pieces, false);
        prop_assert_eq!(reading.result, Ok(()));
        prop_assert_eq!(reading.told.body, chunks.concat());
        prop_assert_eq!(reading.used, input.len());
    }
}
