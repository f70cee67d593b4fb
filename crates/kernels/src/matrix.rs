//! Matrices with strides: parts and transposes of others, without a copy.

/// A borrowed matrix with arbitrary strides.
#[derive(Clone, Copy, Debug)]
pub struct MatrixRef<'a, T> {
    pub(super) data: &'a [T],
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) row_stride: usize,
    pub(super) col_stride: usize,
}

impl<'a, T> MatrixRef<'a, T> {
    /// A row-major `rows × cols` matrix over the first elements of `data`.
    ///
    /// # Panics
    /// If `data` has fewer than `rows · cols` elements.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Self {
        assert!(data.len() >= rows * cols, "{} elements cannot hold {rows} × {cols}", data.len());
        Self { data, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// A `rows × cols` matrix of the elements `data[i · row_stride + j · col_stride]`: a part of a larger one, say.
    ///
    /// # Panics
    /// If `data` ends before the last element.
    pub fn strided(data: &'a [T], [rows, cols]: [usize; 2], [row_stride, col_stride]: [usize; 2]) -> Self {
        let inside = rows == 0 || cols == 0 || data.len() > (rows - 1) * row_stride + (cols - 1) * col_stride;
        assert!(inside, "{} elements cannot hold {rows} × {cols} with these strides", data.len());
        Self { data, rows, cols, row_stride, col_stride }
    }

    /// The transposed view of the same elements.
    #[must_use]
    pub const fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }

    /// Number of rows.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub const fn cols(&self) -> usize {
        self.cols
    }
}
