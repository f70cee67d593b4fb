//! Lines that say how far a long command is.

/// Lines of progress on stderr, now and then.
pub(super) struct Lines(std::time::Instant);

impl Lines {
    pub(super) fn new() -> Self {
        Self(std::time::Instant::now())
    }

    pub(super) fn show(&mut self, line: impl FnOnce() -> String) {
        if self.0.elapsed().as_secs_f64() >= 1.0 {
            say!("{}", line());
            self.0 = std::time::Instant::now();
        }
    }
}
