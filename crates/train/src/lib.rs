//! Training one trial and many: protocol, evaluation, observers, parallel sweeps.
