//! Compiled programs, virtual users and worker threads: what turns a plan into load.
