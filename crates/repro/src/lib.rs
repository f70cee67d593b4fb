//! Reproductions of the paper's sections: what each needs, what it draws, which claims it checks.
