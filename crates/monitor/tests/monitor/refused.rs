//! What cannot be watched is said before there is load.

use std::net::{TcpListener, TcpStream};

use squall_monitor::{Error, Monitors};
use squall_plan::ProcessTarget;

use crate::helpers::{Guard, plan, process};

fn refusal(target: ProcessTarget) -> Error {
    Monitors::prepare(&plan(vec![process("process.api", target, 1_000)])).unwrap_err()
}

#[test]
fn a_process_that_is_not_there_is_refused() {
    let mut child = Guard::sh("exit 0");
    let pid = child.pid();
    child.child.wait().unwrap();
    let error = refusal(ProcessTarget::Pid(pid));
    assert_eq!(error.to_string(), format!("process.api: there is no process {pid}"));
    assert!(matches!(refusal(ProcessTarget::Pid(u32::MAX)), Error::NoProcess { .. }));
}

#[test]
fn a_port_without_a_listener_is_refused_even_when_it_is_in_use() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    // The client's own port is open, but nobody listens on it.
    let port = client.local_addr().unwrap().port();
    let error = refusal(ProcessTarget::Port(port));
    assert_eq!(
        error.to_string(),
        format!("process.api: no process listens on TCP port {port} of this machine")
    );
}
