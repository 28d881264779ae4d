//! What a suite means and what is said about a wrong one, from outside.

mod muejam;
