//! The brain of the desktop without a face.
