//! `jmp completion`: the script that makes a shell complete `jmp` and `j`.

use clap::ValueEnum;

use crate::complete::{Shell, script};
use crate::ui::{Outcome, print};

/// Print the script that completes commands in your shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Now, in this shell
  source <(jmp completion bash)
  # Always
  jmp completion bash > ~/.local/share/bash-completion/completions/jmp
  jmp completion zsh > ~/.zfunc/_jmp
  jmp completion fish > ~/.config/fish/completions/jmp.fish")]
pub(super) struct Cmd {
    /// Which shell it is for
    #[arg(value_name = "{bash|zsh|fish}")]
    shell: Name,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    Bash,
    Zsh,
    Fish,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, program: &str) -> Outcome {
        let shell = match self.shell {
            Name::Bash => Shell::Bash,
            Name::Zsh => Shell::Zsh,
            Name::Fish => Shell::Fish,
        };
        print(script(shell, &[program, "j"]).trim_end())?;
        Ok(0)
    }
}
