//! The saved run: one SQLite file, written as the run goes.
