//! Tests of matrix products: every shape, start and backend against the definition.

use super::*;
use crate::Backend;
use proptest::prelude::*;
use taskset_rng::StreamId;

fn random(n: usize, label: &str) -> Vec<f64> {
    let mut stream = StreamId::root("gemm-tests").child(label).stream();
    (0..n).map(|_| stream.normal()).collect()
}

/// One product on every backend, in both precisions, against the definition.
fn check(m: usize, k: usize, n: usize, transpose_a: bool, transpose_b: bool, start: u8, relu: bool) {
    let (a, b, bias, c0) = (random(m * k, "a"), random(k * n, "b"), random(n, "bias"), random(m * n, "c"));
    let at = |i: usize, p: usize| if transpose_a { a[p * m + i] } else { a[i * k + p] };
    let bt = |p: usize, j: usize| if transpose_b { b[j * k + p] } else { b[p * n + j] };
    let mut expected = vec![0.0; m * n];
    let mut magnitude = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            let first = [0.0, c0[i * n + j], bias[j]][start as usize];
            let terms = (0..k).map(|p| at(i, p) * bt(p, j));
            let sum = first + terms.clone().sum::<f64>();
            expected[i * n + j] = if relu { sum.max(0.0) } else { sum };
            magnitude[i * n + j] = first.abs() + terms.map(f64::abs).sum::<f64>();
        }
    }
    fn run<T: Scalar>(
        backend: Backend,
        [a, b, bias, c0]: [&[f64]; 4],
        [m, k, n]: [usize; 3],
        [transpose_a, transpose_b, relu]: [bool; 3],
        start: u8,
    ) -> Vec<T> {
        let cast = |x: &[f64]| x.iter().map(|&x| T::of(x)).collect::<Vec<_>>();
        let (a, b, bias, mut c) = (cast(a), cast(b), cast(bias), cast(c0));
        let a = if transpose_a { MatrixRef::new(&a, k, m).transposed() } else { MatrixRef::new(&a, m, k) };
        let b = if transpose_b { MatrixRef::new(&b, n, k).transposed() } else { MatrixRef::new(&b, k, n) };
        let start = [Start::Zero, Start::Accumulate, Start::Bias(&bias)][start as usize];
        let (mut packed, mut scratch, mut again) = (Packed::default(), Scratch::default(), c.clone());
        T::gemm(backend, a, b, start, relu, &mut c, &mut scratch);
        T::pack(backend, b, &mut packed);
        T::gemm_packed(backend, a, &packed, start, relu, &mut again, &mut scratch);
        assert!(c.iter().zip(&again).all(|(x, y)| x.wide().to_bits() == y.wide().to_bits()));
        c
    }
    let data = [&a[..], &b, &bias, &c0];
    let flags = [transpose_a, transpose_b, relu];
    let mut vector: Option<Vec<f32>> = None;
    for backend in Backend::available() {
        let c = run::<f32>(backend, data, [m, k, n], flags, start);
        for i in 0..m * n {
            // Rounding of the inputs and of k additions, each at most 2⁻²⁴ of the terms' magnitude.
            let bound = (k + 4) as f64 * 6e-8 * magnitude[i];
            let error = (f64::from(c[i]) - expected[i]).abs();
            assert!(error <= bound, "{} {m}×{k}×{n} at {i}: {error:e} > {bound:e}", backend.name());
        }
        if backend != Backend::portable() {
            let first = vector.get_or_insert_with(|| c.clone());
            assert!(first.iter().zip(&c).all(|(x, y)| x.to_bits() == y.to_bits()));
        }
        let c = run::<f64>(backend, data, [m, k, n], flags, start);
        for i in 0..m * n {
            assert!((c[i] - expected[i]).abs() <= (k + 4) as f64 * 2e-16 * magnitude[i]);
        }
    }
}

#[test]
fn shapes_of_the_models() {
    check(16, 784, 32, false, false, 2, true);
    check(784, 16, 32, true, false, 0, false);
    check(128, 10, 128, false, true, 0, false);
    check(128, 300, 71, false, false, 2, false);
    check(1030, 40, 40, true, true, 1, false);
    check(1030, 13, 70, true, false, 0, false);
    check(3, 0, 5, false, false, 2, true);
    // Of one or two rows, in wide tiles or packed panels.
    check(1, 100, 100, false, false, 0, false);
    check(2, 300, 129, false, false, 1, true);
    check(1, 4, 300, false, false, 2, false);
    check(2, 4, 65, false, true, 0, false);
}

/// Matrices that are read or written ahead, with narrow last tiles and panels.
#[test]
fn large_matrices() {
    for transpose_b in [false, true] {
        assert!(size_of::<f32>() * 521 * 530 > FAR);
        check(37, 521, 530, false, transpose_b, 2, true);
    }
    for (m, n) in [(530, 521), (4000, 70), (3, 90_001)] {
        assert!(size_of::<f32>() * m * n > FAR);
        check(m, 5, n, true, false, 1, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn every_shape(
        m in 1usize..40, k in 0usize..300, n in 1usize..75, ta: bool, tb: bool, start in 0u8..3, relu: bool,
    ) {
        check(m, k, n, ta, tb, start, relu);
    }

    #[test]
    fn a_row_does_not_depend_on_its_company(rows in 2usize..60, k in 1usize..300, n in 1usize..70) {
        let a: Vec<f32> = random(rows * k, "a").iter().map(|&x| x as f32).collect();
        let b: Vec<f32> = random(k * n, "b").iter().map(|&x| x as f32).collect();
        for backend in Backend::available() {
            let product = |first: usize, count: usize| {
                let mut c = vec![0.0; count * n];
                let a = MatrixRef::new(&a[first * k..], count, k);
                f32::gemm(backend, a, MatrixRef::new(&b, k, n), Start::Zero, false, &mut c, &mut Scratch::default());
                c
            };
            let all = product(0, rows);
            prop_assert_eq!(&all[n * (rows - 1)..], &product(rows - 1, 1)[..]);
        }
    }
}

#[test]
fn nan_and_infinity_reach_the_result() {
    for backend in Backend::available() {
        for (x, relu) in [(f32::NAN, true), (f32::NAN, false), (f32::INFINITY, true)] {
            let mut c = vec![0.0; 2 * 40];
            let mut a = vec![1.0; 2 * 3];
            a[4] = x;
            let b = vec![1.0f32; 3 * 40];
            let (a, b) = (MatrixRef::new(&a, 2, 3), MatrixRef::new(&b, 3, 40));
            f32::gemm(backend, a, b, Start::Zero, relu, &mut c, &mut Scratch::default());
            assert!(c[..40].iter().all(|c| (c - 3.0).abs() < 1e-6));
            assert!(c[40..].iter().all(|c| c.is_nan() == x.is_nan() && !c.is_finite()), "{c:?}");
        }
    }
}
