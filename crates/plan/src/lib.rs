//! The checked, serialisable run: what a suite emits, a record stores and the engine compiles.
