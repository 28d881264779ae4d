//! Comparison of two runs: rates of error over many simulated pairs, and what single pairs must say.

mod pairs;
mod rates;
mod simulation;
