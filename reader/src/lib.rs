//! See `docs/code-structure.md`.
