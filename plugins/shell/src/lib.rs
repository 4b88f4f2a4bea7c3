//! Commands of the lab host as methods.
