//! cmd (to be written)
