//! The reference MueJam API: the system under test, with switchable flaws.
