//! Probes of the target and of the generator itself, sampled beside the load.
