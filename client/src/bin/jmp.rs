//! `jmp`, see [`jumpstarter_client::jmp`].

fn main() -> std::process::ExitCode {
    jumpstarter_client::jmp::main()
}
