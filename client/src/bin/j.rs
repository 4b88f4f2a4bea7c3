//! `j`, see [`jumpstarter_client::j`].

fn main() -> std::process::ExitCode {
    jumpstarter_client::j::main()
}
