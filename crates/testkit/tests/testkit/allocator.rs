use std::hint::black_box;

use squall_testkit::alloc::{self, CountingAllocator};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn counts_each_allocation_and_its_bytes() {
    alloc::assert_installed();
    let (kept, counts) = alloc::counted(|| (black_box(vec![1_u8; 1000]), black_box(Box::new(7_u64))));
    assert_eq!((counts.allocations, counts.bytes, counts.live_bytes()), (2, 1008, 1008));
    let ((), counts) = alloc::counted(|| drop(kept));
    assert_eq!((counts.allocations, counts.releases, counts.live_bytes()), (0, 2, -1008));
}

#[test]
fn counts_a_reallocation_as_one_allocation_and_one_release() {
    let mut bytes = black_box(Vec::<u8>::with_capacity(10));
    let ((), counts) = alloc::counted(|| bytes.reserve_exact(5000));
    assert_eq!((counts.allocations, counts.releases), (1, 1));
    assert_eq!(counts.live_bytes(), bytes.capacity() as i64 - 10);
}

#[test]
fn counts_nothing_where_nothing_is_allocated() {
    let mut sum = 0_u64;
    let ((), counts) = alloc::counted(|| (0..black_box(10_000_u64)).for_each(|i| sum = sum.wrapping_add(i)));
    assert_eq!((counts, sum), (alloc::Counts::default(), 49_995_000));
}

#[test]
fn keeps_threads_apart_and_sees_all_of_them_together() {
    let before = alloc::whole_process();
    let ((), mine) = alloc::counted(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| drop(black_box(vec![0_u8; 3_000_000])));
        });
    });
    assert!(mine.bytes < 3_000_000, "another thread's bytes were charged to this one: {mine:?}");
    assert!((alloc::whole_process() - before).bytes >= 3_000_000);
}
