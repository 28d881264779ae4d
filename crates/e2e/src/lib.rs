//! Tests of the real binary; the library is empty on purpose.
