//! Storage: file systems, memory and HTTP behind one interface, and mock flashers.
