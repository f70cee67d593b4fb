//! Columns of a matrix on the scale from 0 to 1 (Figure 13).

/// The matrix with each column rescaled linearly, so that its lowest value becomes 0 and its highest 1 (appendix A.5: "We
/// additionally normalize each column from 0-1 to account for different mean losses across tasks"). `matrix[row][column]`;
/// in Figure 13 a row is a group that lists are learned on and a column a group that they are tested on.
///
/// NaNs stay NaN, and the others of the column are rescaled as if there were none. In a column whose values are all equal
/// every value becomes 0, because none of them is worse than the best. Infinite values make the rest of their column 0 or
/// NaN.
///
/// # Panics
/// If the rows have different lengths.
pub fn rescale_columns(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let columns = matrix.first().map_or(0, Vec::len);
    assert!(matrix.iter().all(|row| row.len() == columns), "all rows of a matrix have the same length");
    let range = |column: usize| {
        // `f64::min` and `f64::max` pass over NaN.
        let values = matrix.iter().map(|row| row[column]);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)))
    };
    let ranges: Vec<(f64, f64)> = (0..columns).map(range).collect();
    let rescaled = |(&v, &(lo, hi)): (&f64, &(f64, f64))| match v {
        v if v.is_nan() => f64::NAN,
        _ if lo >= hi => 0.0,
        v => (v - lo) / (hi - lo),
    };
    matrix.iter().map(|row| row.iter().zip(&ranges).map(rescaled).collect()).collect()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "quarters and halves are exact")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_are_rescaled_one_by_one() {
        let nan = f64::NAN;
        let result = rescale_columns(&[
            vec![1.0, 5.0, 0.25, nan, nan],
            vec![3.0, 1.0, 0.25, nan, 2.0],
            vec![2.0, 4.0, 0.25, nan, 4.0],
        ]);
        let column = |c: usize| [result[0][c], result[1][c], result[2][c]];
        assert_eq!(column(0), [0.0, 1.0, 0.5]);
        assert_eq!(column(1), [1.0, 0.0, 0.75]);
        assert_eq!(column(2), [0.0; 3]);
        assert!(column(3).iter().all(|v| v.is_nan()));
        assert!(result[0][4].is_nan() && result[1][4] == 0.0 && result[2][4] == 1.0);
    }

    #[test]
    fn empty_matrices_and_single_rows() {
        assert!(rescale_columns(&[]).is_empty());
        assert_eq!(rescale_columns(&[vec![]]), [Vec::<f64>::new()]);
        assert_eq!(rescale_columns(&[vec![0.5, -1.0]]), [[0.0, 0.0]]);
    }

    proptest! {
        #[test]
        fn the_order_within_a_column_stays(values in proptest::collection::vec(-1e3f64..1e3, 1..20)) {
            let rows: Vec<Vec<f64>> = values.iter().map(|&v| vec![v]).collect();
            let scaled = rescale_columns(&rows);
            prop_assert!(scaled.iter().all(|row| (0.0..=1.0).contains(&row[0])));
            for (a, row_a) in values.iter().zip(&scaled) {
                for (b, row_b) in values.iter().zip(&scaled) {
                    prop_assert!(a >= b || row_a[0] <= row_b[0]);
                }
            }
        }
    }
}
