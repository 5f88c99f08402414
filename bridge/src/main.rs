//! See `docs/code-structure.md`.

fn main() {}
