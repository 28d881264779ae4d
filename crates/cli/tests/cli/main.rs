//! The real binary, as a user sees it: exit codes, messages, data on stdout, files.

mod demo;
mod help;
mod refusals;
mod runs;
mod shows;
mod support;
