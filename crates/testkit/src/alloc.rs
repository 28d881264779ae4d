//! A global allocator that counts, so that "no allocation per request" is a test and not a hope.
//!
//! A test binary installs it once and counts around the code in question:
//!
//! ```
//! use squall_testkit::alloc::{self, CountingAllocator};
//!
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//!
//! let (text, counted) = alloc::counted(|| "x".repeat(100));
//! assert_eq!((counted.allocations, counted.bytes), (1, text.len() as u64));
//! ```
//!
//! Counters exist twice: per thread (other tests of the binary run at the same time and must not disturb) and for the whole
//! process (for code that starts threads of its own; such a test needs a binary to itself). A reallocation counts as one
//! allocation of the new size and one release of the old. Without the `#[global_allocator]` every count is zero, hence
//! [`assert_installed`].

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::Sub;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Forwards to the system's allocator and counts; install it with `#[global_allocator]`.
#[derive(Debug, Default, Clone, Copy)]
pub struct CountingAllocator;

/// What was allocated and released; differences of two readings say what happened in between.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Calls that returned memory, reallocations included.
    pub allocations: u64,
    /// Bytes those calls asked for.
    pub bytes: u64,
    /// Calls that gave memory back, reallocations included.
    pub releases: u64,
    /// Bytes given back.
    pub released_bytes: u64,
}

impl Counts {
    /// Bytes allocated and not given back; negative if more was released than allocated in between.
    #[must_use]
    pub fn live_bytes(&self) -> i64 {
        self.bytes as i64 - self.released_bytes as i64
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            allocations: self.allocations - earlier.allocations,
            bytes: self.bytes - earlier.bytes,
            releases: self.releases - earlier.releases,
            released_bytes: self.released_bytes - earlier.released_bytes,
        }
    }
}

/// Everything the calling thread has allocated and released so far.
#[must_use]
pub fn this_thread() -> Counts {
    THREAD.with(Cell::get)
}

/// Everything all threads of this process have allocated and released so far.
#[must_use]
pub fn whole_process() -> Counts {
    Counts {
        allocations: PROCESS.allocations.load(Relaxed),
        bytes: PROCESS.bytes.load(Relaxed),
        releases: PROCESS.releases.load(Relaxed),
        released_bytes: PROCESS.released_bytes.load(Relaxed),
    }
}

/// Runs `work` and says what the calling thread allocated meanwhile.
pub fn counted<R>(work: impl FnOnce() -> R) -> (R, Counts) {
    let before = this_thread();
    let result = work();
    (result, this_thread() - before)
}

/// Fails the test unless [`CountingAllocator`] is this binary's global allocator.
///
/// A gate of zero allocations calls this first: otherwise it would pass by not counting.
///
/// # Panics
/// If an allocation made here is not counted.
pub fn assert_installed() {
    let (boxed, counts) = counted(|| std::hint::black_box(Box::new([0_u8; 64])));
    drop(boxed);
    assert_eq!(counts.allocations, 1, "the counting allocator is not this binary's #[global_allocator]");
}

thread_local! {
    // Constant and without a destructor: reading it inside the allocator neither allocates nor registers anything.
    static THREAD: Cell<Counts> = const {
        Cell::new(Counts { allocations: 0, bytes: 0, releases: 0, released_bytes: 0 })
    };
}

struct ProcessCounts {
    allocations: AtomicU64,
    bytes: AtomicU64,
    releases: AtomicU64,
    released_bytes: AtomicU64,
}

// A global allocator is itself a static, so its totals are one too.
static PROCESS: ProcessCounts = ProcessCounts {
    allocations: AtomicU64::new(0),
    bytes: AtomicU64::new(0),
    releases: AtomicU64::new(0),
    released_bytes: AtomicU64::new(0),
};

fn note_allocation(bytes: usize) {
    PROCESS.allocations.fetch_add(1, Relaxed);
    PROCESS.bytes.fetch_add(bytes as u64, Relaxed);
    THREAD.with(|counts| {
        let mut now = counts.get();
        now.allocations += 1;
        now.bytes += bytes as u64;
        counts.set(now);
    });
}

fn note_release(bytes: usize) {
    PROCESS.releases.fetch_add(1, Relaxed);
    PROCESS.released_bytes.fetch_add(bytes as u64, Relaxed);
    THREAD.with(|counts| {
        let mut now = counts.get();
        now.releases += 1;
        now.released_bytes += bytes as u64;
        counts.set(now);
    });
}

#[expect(
    unsafe_code,
    reason = "GlobalAlloc is an unsafe trait; every call is forwarded to System with its own arguments"
)]
// SAFETY: each method passes its arguments unchanged to `System`, whose contract is the trait's; counting touches plain
// integers only and neither allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note_allocation(layout.size());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note_allocation(layout.size());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note_release(layout.size());
        // SAFETY: `pointer` came from `System` with this `layout`, as every method here forwards to it.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note_release(layout.size());
        note_allocation(new_size);
        // SAFETY: `pointer` came from `System` with this `layout`, and the caller's promise about `new_size` is passed on.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}
