//! The command line: the same station without a window.
