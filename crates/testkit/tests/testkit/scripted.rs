use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use squall_testkit::{ScriptedServer, Step};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

fn connect(server: &ScriptedServer) -> TcpStream {
    let stream = TcpStream::connect(server.addr()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn answers_again_and_again_and_counts() {
    let server = ScriptedServer::start(vec![Step::ReadRequest, Step::ok("hi"), Step::Again]);
    let mut stream = connect(&server);
    let post = b"POST /p HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
    for request in [GET, post, GET] {
        stream.write_all(request).unwrap();
        let mut answer = [0; 40];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    }
    assert_eq!((server.connections(), server.requests()), (1, 3));
    assert_eq!(server.received()[1], post);
}

#[test]
fn each_connection_has_its_script_and_further_ones_the_last() {
    let server =
        ScriptedServer::start_each(vec![vec![Step::send("one")], vec![Step::send("two"), Step::Close]]);
    let answers: Vec<_> = (0..3).map(|_| read_to_end(&mut connect(&server))).collect();
    assert_eq!(answers, ["one", "two", "two"]);
    assert_eq!((server.connections(), server.requests()), (3, 0));
}

#[test]
fn resets_instead_of_closing() {
    let server = ScriptedServer::start(vec![Step::ReadRequest, Step::Reset]);
    let mut stream = connect(&server);
    stream.write_all(GET).unwrap();
    let error = stream.read(&mut [0; 10]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn trickles_the_whole_text() {
    let step = Step::Trickle { bytes: b"abcdefg".to_vec(), chunk: 2, pause: Duration::from_millis(1) };
    let server = ScriptedServer::start(vec![step]);
    assert_eq!(read_to_end(&mut connect(&server)), "abcdefg");
}

#[test]
fn sends_without_end_until_the_client_leaves_and_stops_when_dropped() {
    let server = ScriptedServer::start(vec![Step::Endless(b"X-Filler: yes\r\n".to_vec())]);
    let mut stream = connect(&server);
    let mut buffer = vec![0; 1_000_000];
    stream.read_exact(&mut buffer).unwrap();
    assert!(buffer.starts_with(b"X-Filler: yes\r\nX-Filler"));
    // The client stays connected and stops reading: the drop must not wait for it.
    drop(server);
}

#[test]
fn a_stall_does_not_outlive_the_server() {
    let server =
        ScriptedServer::start(vec![Step::send("x"), Step::Stall(Duration::from_hours(1)), Step::send("y")]);
    let mut stream = connect(&server);
    stream.read_exact(&mut [0]).unwrap();
    drop(server);
    assert_eq!(read_to_end(&mut stream), "");
}

#[test]
fn hangs_until_the_client_closes() {
    let server = ScriptedServer::start(vec![Step::ReadRequest, Step::Hang]);
    let mut stream = connect(&server);
    stream.write_all(GET).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn garbage_is_not_text() {
    let Step::Send(bytes) = Step::garbage(300) else { unreachable!("garbage is sent") };
    assert_eq!(bytes.len(), 300);
    assert!(std::str::from_utf8(&bytes).is_err());
}
