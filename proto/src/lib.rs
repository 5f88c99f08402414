#![no_std]
//! See `docs/code-structure.md`.
