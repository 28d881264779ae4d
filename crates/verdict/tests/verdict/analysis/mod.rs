//! Phase analyses of runs made by hand or simulated, where the truth is known.

mod drift;
mod faults;
mod parts;
mod recovery;
mod simulated;
