//! The rules of the house that a compiler does not know; they are in `tests/house.rs`.
