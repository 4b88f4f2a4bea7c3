//! `jmp-controller`.

fn main() {}
