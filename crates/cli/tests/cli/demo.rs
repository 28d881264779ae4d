//! The demo, interrupted: it leaves its files and no process behind.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::Place;

#[test]
fn an_interrupted_demo_reports_and_takes_its_api_with_it() {
    let place = Place::new();
    let mut child = place.command("demo").stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let (mut address, mut line) = (String::new(), String::new());
    while !line.contains("All users spawned") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "the demo ended early");
        if let Some((_, found)) = line.split_once("listens on http://") {
            address = found.trim().to_owned();
        }
    }
    assert!(TcpStream::connect(&address).is_ok(), "the API is there while the demo runs: {address}");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("squall-demo.html") && said.contains("Aggregated"), "{said}");
    assert!(place.read("squall-demo.html").starts_with("<!"));
    place.squall("report squall-demo.squall").assert(0, &[]);
    assert!(TcpStream::connect(&address).is_err(), "the API is gone with the demo");
}

#[test]
fn a_demo_overwrites_no_file_of_somebody_else() {
    let place = Place::new();
    place.write("squall-demo.squall", "precious");
    place.squall("demo").assert(2, &["squall-demo.squall cannot be overwritten", "--output"]);
    assert_eq!(place.read("squall-demo.squall"), "precious");
}
