//! The reading as a whole.
