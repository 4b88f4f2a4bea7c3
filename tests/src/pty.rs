//! A person at a terminal.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use nix::{
    fcntl::OFlag,
    pty::{grantpt, posix_openpt, ptsname_r, unlockpt},
    sys::termios::{LocalFlags, tcgetattr},
};

use crate::run::wait;

/// Both ends of a terminal, neither of which a program inherits by accident: it would stay open.
#[derive(Debug)]
pub(crate) struct Pty {
    pub(crate) master: File,
    /// The end that programs use.
    pub(crate) user: File,
    pub(crate) name: PathBuf,
}

/// A program with a terminal of its own, and what has appeared on it.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    name: PathBuf,
    keyboard: File,
    screen: Arc<(Mutex<Vec<u8>>, Condvar)>,
}

// === impl Pty ===

impl Pty {
    pub(crate) fn open() -> Self {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC);
        let master = master.expect("a terminal");
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = PathBuf::from(ptsname_r(&master).unwrap());
        let user = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits())
            .open(&name)
            .unwrap();
        Self {
            master: File::from(OwnedFd::from(master)),
            user,
            name,
        }
    }
}

// === impl Terminal ===

impl Terminal {
    /// Starts `command` on a new terminal, as the leader of a session that the terminal controls.
    pub fn start(command: &Command) -> Self {
        let pty = Pty::open();
        stty(&pty.name, &["rows", "24", "columns", "120"]);
        let side = || -> Stdio { pty.user.try_clone().expect("a descriptor").into() };
        // setsid(1) makes the terminal the controlling one, which takes unsafe code otherwise, and env(1)
        // lets signals through that whoever started the tests ignores.
        let mut leader = Command::new("setsid");
        leader
            .args(["--ctty", "--wait", "env", "--default-signal"])
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
        drop((leader, pty.user));
        let keyboard = pty.master.try_clone().expect("a descriptor");
        Self {
            child,
            name: pty.name,
            keyboard,
            screen: watch(pty.master),
        }
    }

    /// Types `text`.
    pub fn types(&mut self, text: &str) -> &mut Self {
        self.keyboard.write_all(text.as_bytes()).unwrap();
        self
    }

    /// Makes its window another size, as a mouse does.
    pub fn resize(&mut self, rows: u16, columns: u16) -> &mut Self {
        let [rows, columns] = [rows, columns].map(|count| count.to_string());
        stty(&self.name, &["rows", &rows, "columns", &columns]);
        self
    }

    /// Makes it echo and edit lines, as a shell does when it has the terminal again.
    pub fn cooked(&mut self) -> &mut Self {
        stty(&self.name, &["sane"]);
        self
    }

    /// Waits until keys go to the program as they are.
    #[track_caller]
    pub fn becomes_raw(&mut self, patience: Duration) -> &mut Self {
        let until = Instant::now() + patience;
        let interpreted = LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG;
        let settings = || tcgetattr(&self.keyboard).expect("a terminal has settings");
        while settings().local_flags.intersects(interpreted) {
            assert!(Instant::now() < until, "not raw:\n{:?}", self.screen());
            thread::sleep(Duration::from_millis(2));
        }
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

/// Changes the settings of a terminal by its name.
fn stty(name: &Path, args: &[&str]) {
    let mut stty = Command::new("stty");
    let done = stty.arg("-F").arg(name).args(args).status();
    assert!(done.expect("stty starts").success());
}

/// Collects what appears, until the last program has let go of the terminal.
fn watch(mut master: File) -> Arc<(Mutex<Vec<u8>>, Condvar)> {
    let screen = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
    let shared = Arc::clone(&screen);
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = master.read(&mut bytes) {
            shared.0.lock().unwrap().extend_from_slice(&bytes[..read]);
            shared.1.notify_all();
        }
    });
    screen
}
