//! CRMs described by a text file.
mod format;
mod near;
mod pointer;
mod template;

pub use format::{File, FileError};
