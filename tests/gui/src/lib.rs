//! Tests of the real windows under a virtual display.
