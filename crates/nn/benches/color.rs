//! Changes of colour, a pixel counted as an item: `cargo bench -p taskset-nn --bench color`.

use divan::Bencher;
use divan::counter::ItemsCount;
use taskset_nn::kernels::ColorChange;
use taskset_nn::{Backend, Scalar};
use taskset_rng::StreamId;

fn main() {
    divan::main();
}

/// An image of 32 × 32.
#[divan::bench(args = Backend::available())]
fn recolored(bencher: Bencher<'_, '_>, backend: Backend) {
    recolor::<f32>(bencher, backend);
}

fn recolor<T: Scalar>(bencher: Bencher<'_, '_>, backend: Backend) {
    let mut stream = StreamId::root("bench").stream();
    let bytes: Vec<u8> = (0..32 * 32 * 3).map(|_| stream.below(256) as u8).collect();
    let mut out = vec![T::zero(); bytes.len()];
    let change = ColorChange { brightness: 0.1, saturation: 1.3, hue: 0.2, contrast: 0.7 };
    bencher.counter(ItemsCount::new(bytes.len() / 3)).bench_local(|| {
        T::from_recolored(backend, &bytes, &change, true, &mut out);
    });
}
