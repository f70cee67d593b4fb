//! Score matrices, greedy hyperparameter lists, random search, split experiments.
