//! Questions to whoever sits at the keyboard, or to a script's stdin.
//!
//! The answer is nothing when stdin ended or Ctrl-C was pressed: what that means is the command's
//! affair.

use std::io::{self, IsTerminal, Write};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use super::{Failure, tell};

/// Asks until there is an answer; an empty one means `default`, if there is one.
pub(crate) async fn ask(question: &str, default: Option<&str>) -> Result<Option<String>, Failure> {
    let shown = match default {
        Some(default) => format!("{question} [{default}]: "),
        None => format!("{question}: "),
    };
    loop {
        say(&shown)?;
        match (line().await?, default) {
            (None, _) => return Ok(None),
            (Some(answer), _) if !answer.is_empty() => return Ok(Some(answer)),
            (Some(_), Some(default)) => return Ok(Some(default.to_owned())),
            (Some(_), None) => {}
        }
    }
}

/// Asks for something that nobody should see.
pub(crate) async fn ask_secretly(question: &str) -> Result<Option<String>, Failure> {
    loop {
        say(&format!("{question}: "))?;
        let hidden = Hidden::enter()?;
        let answer = line().await?;
        drop(hidden);
        match answer {
            Some(answer) if answer.is_empty() => {}
            answer => return Ok(answer),
        }
    }
}

/// Asks for yes or no; nothing means no.
pub(crate) async fn confirm(question: &str) -> Result<Option<bool>, Failure> {
    loop {
        say(&format!("{question} [y/N]: "))?;
        let Some(answer) = line().await? else {
            return Ok(None);
        };
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(Some(true)),
            "" | "n" | "no" => return Ok(Some(false)),
            _ => tell("Error: invalid input"),
        }
    }
}

/// Questions belong to stdout, as in the reference.
fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let said = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    said.map_err(|error| Failure::Error(format!("cannot write to stdout: {error}")))
}

/// The next line of stdin, without its end; none if there is none, or Ctrl-C was pressed.
async fn line() -> Result<Option<String>, Failure> {
    let read = tokio::task::spawn_blocking(|| {
        let mut text = String::new();
        let count = io::stdin().read_line(&mut text)?;
        Ok::<_, io::Error>((count > 0).then_some(text))
    });
    tokio::select! {
        biased;
        Ok(()) = tokio::signal::ctrl_c() => Ok(None),
        read = read => {
            let text = read.unwrap_or_else(|error| Err(io::Error::other(error)));
            let text = text.map_err(|error| Failure::Error(format!("cannot read stdin: {error}")))?;
            Ok(text.map(|text| text.trim_end_matches(['\n', '\r']).to_owned()))
        }
    }
}

/// A terminal that does not show what is typed; as it was before when dropped.
struct Hidden(Option<Termios>);

// === impl Hidden ===

impl Hidden {
    fn enter() -> Result<Self, Failure> {
        if !io::stdin().is_terminal() {
            return Ok(Self(None));
        }
        let set = || {
            let before = tcgetattr(io::stdin())?;
            let mut quiet = before.clone();
            quiet.local_flags.remove(LocalFlags::ECHO);
            tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &quiet)?;
            Ok(before)
        };
        let before = set().map_err(|error: nix::Error| {
            Failure::Error(format!("cannot hide what is typed: {error}"))
        })?;
        Ok(Self(Some(before)))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let Some(before) = &self.0 else { return };
        // A terminal that went away needs nothing any more.
        tcsetattr(io::stdin(), SetArg::TCSANOW, before).ok();
        tell("");
    }
}
