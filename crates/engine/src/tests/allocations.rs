//! The hot path allocates nothing: counted, over real sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;

use squall_core::{Nanos, PhaseId, UserClassId};
use squall_http::{TcpConnector, Tls};
use squall_plan::{
    Auth, AuthKind, Escape, FeedOrder, JwtAlgorithm, Part, PickFrom, Plan, RateSegment, Secret, Slot,
    Spacing, Template, Wait,
};
use squall_testkit::alloc;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::unbounded_channel;

use super::support::{feed, get, plan_of, user_class};
use crate::alarm::Alarm;
use crate::clock::RunClock;
use crate::command::{ArrivalSchedule, ArrivalShare, Change, Command, Share};
use crate::program::{Program, Targets};
use crate::thread::{Channels, ThreadConfig, run_thread};

const WARM_UP: u64 = 1_500;
const MEASURED: u64 = 10_000;
/// Fewer, because they come at a rate: all of them between two windows.
const ARRIVALS: u64 = 500;
const ROUNDS: u32 = 8;

/// A server on a thread of its own that answers everything with the same bytes.
fn serve() -> (SocketAddr, Arc<AtomicU64>) {
    let served = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&served);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let mut buffer = [0u8; 4096];
        let response =
            b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nContent-Type: text/plain\r\n\r\nhello world";
        while stream.read(&mut buffer).is_ok_and(|n| n > 0) {
            count.fetch_add(1, Ordering::Relaxed);
            if stream.write_all(response).is_err() {
                return;
            }
        }
    });
    (address, served)
}

#[test]
fn a_request_in_steady_state_allocates_nothing() {
    let plan = plan_of(vec![user_class("A", Wait::Constant(Nanos::ZERO), vec![get("/x")])]);
    assert_eq!(allocations(plan, MEASURED, None), 0, "allocations in {MEASURED} requests");
}

#[test]
fn an_arrival_in_steady_state_allocates_nothing() {
    // Too many for the user at times, so that both lines are in use.
    let schedule = ArrivalSchedule {
        segments: vec![RateSegment { from: 3000.0, to: 3000.0, span: None }],
        spacing: Spacing::Poisson,
        seed: 1,
        weights: vec![1.0],
        users: vec![1],
        end: None,
    };
    let share = ArrivalShare { schedule: Arc::new(schedule), owners: Arc::new(vec![vec![0]]) };
    let plan = plan_of(vec![user_class("A", Wait::Constant(Nanos::ZERO), vec![get("/x")])]);
    assert_eq!(allocations(plan, ARRIVALS, Some(share)), 0, "allocations in {ARRIVALS} arrivals");
}

#[test]
fn slots_headers_and_tokens_allocate_nothing_either() {
    let slot = |slot, escape| Part::Slot { slot, escape };
    let mut task = get("/x");
    let request = super::support::request_of(&mut task);
    request.url = Template {
        parts: vec![
            Part::Text("/x/".into()),
            slot(Slot::Word, Escape::Percent),
            Part::Text("?n=".into()),
            slot(Slot::Int(1, 1_000_000), Escape::Percent),
        ],
    };
    request.headers = [Slot::Uuid, Slot::Now, Slot::UserId, Slot::Pick(PickFrom::Feed(0))]
        .into_iter()
        .enumerate()
        .map(|(n, value)| (format!("X-{n}"), Template { parts: vec![slot(value, Escape::Header)] }))
        .collect();
    let mut class = user_class("A", Wait::Constant(Nanos::ZERO), vec![task]);
    class.auth = Some(0);
    let mut plan = plan_of(vec![class]);
    plan.auths.push(Auth {
        name: "reader".into(),
        kind: AuthKind::Jwt {
            algorithm: JwtAlgorithm::HS256,
            secret: Secret::new("secret"),
            claims: Vec::new(),
            ttl: Nanos::from_secs(600),
        },
    });
    plan.feeds.push(feed("terms", FeedOrder::Random, &["fantasy", "romance"]));
    assert_eq!(allocations(plan, MEASURED, None), 0, "allocations in {MEASURED} requests");
}

/// The least that the thread allocates while `measured` requests go by, several times.
fn allocations(mut plan: Plan, measured: u64, arrivals: Option<ArrivalShare>) -> u64 {
    alloc::assert_installed();
    let (address, served) = serve();
    plan.host = format!("http://{address}");
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
    runtime.block_on(async {
        let targets = Targets::fixed(&plan.host, address);
        let program = Program::compile(Arc::new(plan), &targets).unwrap();
        let (commands, receiver) = unbounded_channel();
        let (reports, windows) = unbounded_channel();
        let (_recycle, recycled) = channel();
        let clock = RunClock::start();
        let config = ThreadConfig {
            index: 0,
            clock,
            tls: Tls::disabled(),
            alarm: Alarm::timerfd().unwrap(),
            loopback: true,
        };
        let change = Change {
            due: Nanos::ZERO,
            slot: squall_core::Slot { class: UserClassId(0), index: 0 },
            start: true,
        };
        let share = Share { at: Nanos::ZERO, phase: PhaseId(0), changes: vec![change], arrivals };
        commands.send(Command::Assign(share)).unwrap();
        let channels = Channels { commands: receiver, reports, recycled };
        tokio::task::spawn_local(async move {
            run_thread(program, config, TcpConnector, channels).await;
        });
        // A window that is cut in between allocates, once a second: measure again then. So does the first time of an
        // unusual length, whose page of the histogram does not exist yet: what each request allocates is the least.
        let mut least = u64::MAX;
        let mut rounds = 0;
        while rounds < ROUNDS && least > 0 {
            wait_for(&served, WARM_UP).await;
            let (cuts, before) = (windows.len(), alloc::this_thread().allocations);
            wait_for(&served, measured).await;
            let counted = alloc::this_thread().allocations - before;
            if windows.len() == cuts {
                least = least.min(counted);
                rounds += 1;
            }
        }
        least
    })
}

async fn wait_for(served: &AtomicU64, more: u64) {
    let target = served.load(Ordering::Relaxed) + more;
    while served.load(Ordering::Relaxed) < target {
        tokio::task::yield_now().await;
    }
}
