//! CRMs described by a text file.
mod near;
mod pointer;
mod template;
