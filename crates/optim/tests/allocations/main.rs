//! An update allocates no memory: counted by the allocator of this test program.

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::cell::Cell;
use std::sync::Arc;

use taskset_optim::{Clipped, Mode, Optimizer, Step, families};
use taskset_params::{Kind, Layout, Position, Role};
use taskset_rng::StreamId;

thread_local! {
    /// Blocks that this thread has asked for.
    static BLOCKS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, block: Block) -> *mut u8 {
        BLOCKS.with(|blocks| blocks.set(blocks.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(block) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, block: Block) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, block) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, block: Block, size: usize) -> *mut u8 {
        BLOCKS.with(|blocks| blocks.set(blocks.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, block, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Blocks that `work` asks for.
fn blocks(work: impl FnOnce()) -> u64 {
    let before = BLOCKS.with(Cell::get);
    work();
    BLOCKS.with(Cell::get) - before
}

fn check(optimizer: &dyn Optimizer) {
    let mut layout = Layout::default();
    layout.push_as("kernel", &[3, 3, 4, 8], Role::new(Kind::Kernel, Position::Hidden));
    layout.push_oriented("w", &[24, 40], Role::new(Kind::Dense, Position::Hidden), 0);
    layout.push_oriented("middle", &[3, 5, 4], Role::new(Kind::Kernel, Position::Hidden), 1);
    layout.push("b", &[40]);
    layout.push("table", &[64, 16]);
    let (layout, n) = (Arc::new(layout.clone()), layout.len());
    let mut stream = StreamId::root("optim").child("allocations").stream();
    let mut params: Vec<f32> = (0..n).map(|_| stream.normal() as f32).collect();
    let gradients: Vec<f32> = (0..n).map(|_| stream.normal() as f32).collect();
    let mut evaluated = params.clone();
    let mut run =
        optimizer.start(&layout, &params, &StreamId::root("noise")).expect("every family takes any layout");
    // Buffers of products grow to their size in the first update.
    run.update(Step::new(&gradients), &mut params);
    let counted = blocks(|| {
        for _ in 0..5 {
            run.update(Step::new(&gradients), &mut params);
            run.evaluation_params(&params, &mut evaluated);
        }
    });
    assert_eq!(counted, 0, "{}", optimizer.identity().name);
}

#[test]
fn updates_allocate_nothing() {
    assert_eq!(blocks(|| drop(vec![1u8])), 1, "the allocator counts");
    for info in families() {
        let default = info.default_config().map(|(_, config)| config);
        for config in [info.config(0), info.config(3), default].into_iter().flatten() {
            let optimizer = config.configured(Mode::Upstream, 100).expect("members are possible");
            check(&optimizer);
            check(&Clipped::new(optimizer, 0.1));
        }
    }
}
