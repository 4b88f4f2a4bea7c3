//! listen (to be written)
