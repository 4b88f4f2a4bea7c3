//! `jmp-controller completion`: the script that makes a shell complete our commands.

use clap::ValueEnum;
use jumpstarter_client::complete::{self, script};

use super::Outcome;
use super::output::line;

/// Print the script that completes commands in your shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Now, in this shell
  source <(jmp-controller completion bash)
  # Always
  jmp-controller completion bash > ~/.local/share/bash-completion/completions/jmp-controller
  jmp-controller completion zsh > ~/.zfunc/_jmp-controller
  jmp-controller completion fish > ~/.config/fish/completions/jmp-controller.fish")]
pub struct Cmd {
    /// Which shell it is for
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self) -> Outcome {
        let shell = match self.shell {
            Shell::Bash => complete::Shell::Bash,
            Shell::Zsh => complete::Shell::Zsh,
            Shell::Fish => complete::Shell::Fish,
        };
        line(script(shell, &["jmp-controller"]).trim_end())
    }
}
