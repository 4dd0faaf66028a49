//! The counting.

use std::alloc::System;
use std::hint::black_box;

use serde::Serialize;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What one request took from the allocator, in all threads. What SQLite and the cryptography take is not in it:
/// they have allocators of their own.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Count {
    /// New blocks, and blocks that were made larger or smaller.
    pub(crate) allocations: usize,
    /// Bytes of new blocks, and by which blocks were made larger.
    pub(crate) bytes: usize,
}

/// Does something, and counts what it takes.
pub(crate) async fn counted<T>(act: impl Future<Output = T>) -> (T, Count) {
    edge();
    let region = Region::new(ALLOCATOR);
    let done = act.await;
    let change = region.change();
    edge();
    let count = Count {
        allocations: change.allocations + change.reallocations,
        bytes: change.bytes_allocated,
    };
    (done, count)
}

/// Where a request begins or ends. Callgrind is told to write down what it counted whenever this is called; so it
/// must stay a function with this name.
#[inline(never)]
fn edge() {
    black_box(());
}
