//! CRMs described by a text file.
