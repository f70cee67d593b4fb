//! The settings of t-SNE and their defaults.

/// Settings of t-SNE. The paper does not give its own; the defaults are those of scikit-learn 1.9 with `method="exact"`
/// and `init="random"`, except that all iterations are always run.
#[derive(Clone, Debug, PartialEq)]
pub struct Tsne {
    /// How many neighbours a point has, about. With n points, (n - 1) / 3 is the most; a higher value is lowered to it.
    pub perplexity: f64,
    /// By how much attraction is multiplied at first.
    pub exaggeration: f64,
    /// Number of iterations with exaggerated attraction. The momentum is 0.5 during these, and 0.8 after them.
    pub exaggerated_iterations: usize,
    /// Number of all iterations.
    pub iterations: usize,
    /// Step size. None takes n / `exaggeration` / 4, but at least 50 (Belkina et al. 2019, with the factor 4 of the
    /// gradient in it).
    pub learning_rate: Option<f64>,
}

impl Default for Tsne {
    fn default() -> Self {
        Self {
            perplexity: 30.0,
            exaggeration: 12.0,
            exaggerated_iterations: 250,
            iterations: 1000,
            learning_rate: None,
        }
    }
}
