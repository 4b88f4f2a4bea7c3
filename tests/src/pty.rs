//! A person at a terminal.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use nix::pty::{Winsize, openpty};

use crate::run::wait;

/// A program with a terminal of its own, and what has appeared on it.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<(Mutex<Vec<u8>>, Condvar)>,
}

// === impl Terminal ===

impl Terminal {
    /// Starts `command` on a new terminal, as the leader of a session that the terminal controls.
    pub fn start(command: &Command) -> Self {
        let size = Winsize {
            ws_row: 24,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).expect("a terminal");
        let side = || -> Stdio { pty.slave.try_clone().expect("a descriptor").into() };
        // setsid(1) makes the terminal the controlling one, which takes unsafe code otherwise.
        let mut leader = Command::new("setsid");
        leader
            .args(["--ctty", "--wait"])
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdin(side())
            .stdout(side())
            .stderr(side());
        if let Some(folder) = command.get_current_dir() {
            leader.current_dir(folder);
        }
        let child = leader.spawn().expect("setsid starts");
        drop((leader, pty.slave));
        let keyboard = File::from(pty.master.try_clone().expect("a descriptor"));
        Self {
            child,
            keyboard,
            screen: watch(pty.master),
        }
    }

    /// Types `text`.
    pub fn types(&mut self, text: &str) -> &mut Self {
        self.keyboard.write_all(text.as_bytes()).unwrap();
        self
    }

    /// Waits until `text` is on the screen.
    #[track_caller]
    pub fn shows(&mut self, text: &str, patience: Duration) -> &mut Self {
        let until = Instant::now() + patience;
        let mut screen = self.screen.0.lock().unwrap();
        while !String::from_utf8_lossy(&screen).contains(text) {
            let left = until.saturating_duration_since(Instant::now());
            let shown = String::from_utf8_lossy(&screen);
            assert!(!left.is_zero(), "`{text}` did not appear:\n{shown:?}");
            screen = self.screen.1.wait_timeout(screen, left).unwrap().0;
        }
        drop(screen);
        self
    }

    /// Everything that has appeared, control sequences included.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.0.lock().unwrap()).into_owned()
    }

    /// Waits for the program to end; its exit code.
    #[track_caller]
    pub fn ends(mut self, patience: Duration) -> i32 {
        let status = wait(&mut self.child, patience);
        let status = status.unwrap_or_else(|| panic!("still at it:\n{:?}", self.screen()));
        crate::run::exit_code(status)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Collects what appears, until the last program has let go of the terminal.
fn watch(master: OwnedFd) -> Arc<(Mutex<Vec<u8>>, Condvar)> {
    let screen = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
    let shared = Arc::clone(&screen);
    thread::spawn(move || {
        let mut master = File::from(master);
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = master.read(&mut bytes) {
            shared.0.lock().unwrap().extend_from_slice(&bytes[..read]);
            shared.1.notify_all();
        }
    });
    screen
}
