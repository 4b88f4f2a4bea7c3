//! log (to be written)
