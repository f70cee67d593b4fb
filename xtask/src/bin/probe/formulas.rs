//! The numbers of a file of cases: all of them follow from one hash, so that the file need not contain them.

/// The hash of a stream and an index, in 32-bit unsigned arithmetic with wrap-around.
pub(crate) const fn mix(stream: u32, index: u32) -> u32 {
    let mut x = index
        .wrapping_mul(0x9E37_79B1)
        .wrapping_add(stream.wrapping_mul(0x85EB_CA77))
        .wrapping_add(0x1656_67B1);
    x ^= x >> 16;
    x = x.wrapping_mul(0x7FEB_352D);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846C_A68B);
    x ^ (x >> 16)
}

/// A number in `(0, 1)`, exact in double precision.
pub(crate) fn unit(stream: u32, index: usize) -> f64 {
    // No case has 2^32 numbers of one kind: networks are smaller.
    (f64::from(mix(stream, index as u32)) + 0.5) / 4_294_967_296.0
}

/// A number in `(-1, 1)`, exact in double precision.
pub(crate) fn centred(stream: u32, index: usize) -> f64 {
    2.0 * unit(stream, index) - 1.0
}

/// The positions `0..n` in ascending order of their hashes. A stream has no equal hashes.
pub(crate) fn shuffled(stream: u32, first: usize, n: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n as u32).collect();
    order.sort_by_key(|&position| mix(stream, (first as u32).wrapping_add(position)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::probe_values;

    #[test]
    fn numbers_are_those_of_the_file() {
        let hashes = |stream| (0..4).map(|i| f64::from(mix(stream, i))).collect::<Vec<_>>();
        assert_eq!(hashes(1), probe_values("mix(1,0..3)"));
        assert_eq!(hashes(1001), probe_values("mix(1001,0..3)"));
        assert_eq!((0..4).map(|i| centred(1, i)).collect::<Vec<_>>(), probe_values("c(1,0..3)"));
    }

    #[test]
    fn orders_are_those_of_the_file() {
        for (i, name) in ["MAF perm_0, D=784, first 10", "MAF perm_1, D=784, first 10"].iter().enumerate() {
            let order = shuffled(2100 + i as u32, 0, 784);
            assert_eq!(order[..10].iter().map(|&x| f64::from(x)).collect::<Vec<_>>(), probe_values(name));
        }
    }
}
