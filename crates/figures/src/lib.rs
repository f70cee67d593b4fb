//! Tables to SVG, PNG and HTML; computes nothing.
