//! What a meter shows: which labels with which data, in each mode. It only reads the meter; the bytes are written by `line::frame`.

mod historic;
mod standard;
