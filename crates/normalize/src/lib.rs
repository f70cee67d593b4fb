//! Named normalisers: training curves to scores between 0 and 1.
