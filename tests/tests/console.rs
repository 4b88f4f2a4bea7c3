//! A person at a serial console: a board with a login shell, an exporter that has its port, and
//! `j serial start-console` on a terminal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use jumpstarter_tests::{Board, Exporter, Lab, PATIENCE, Terminal, run};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

fn serial<'lab>(lab: &'lab Lab, board: &Board) -> Exporter<'lab> {
    lab.exporter(&format!(
        "serial:\n  type: jumpstarter_driver_pyserial.driver.PySerial\n  config:\n    url: {}\n",
        board.port().display()
    ))
    .start()
}

/// `script`, in an environment where `j` finds the exporter.
fn script(lab: &Lab, exporter: &Exporter<'_>, script: &str) -> Command {
    let j = exporter.j_command();
    let mut shell = lab.foreign(Path::new("sh"));
    shell.args(["-c", script]);
    for (name, value) in j.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell
}

/// The same, on a terminal.
fn terminal(lab: &Lab, exporter: &Exporter<'_>, text: &str) -> Terminal {
    Terminal::start(&script(lab, exporter, text))
}

/// Shows the terminal's settings before and after, so that a difference can be seen.
const CONSOLE: &str = "\
    echo \"before $(stty -g)\"; \
    sh -c 'echo $$ > j.pid; exec j serial start-console'; code=$?; \
    printf '\nafter %s\n' \"$(stty -g)\"; echo \"code $code\"; cat";

/// Waits until the console is over, and checks that the terminal is what it was.
#[track_caller]
fn restored(terminal: &mut Terminal, code: i32) {
    terminal.shows(&format!("code {code}\r\n"), PATIENCE);
    let screen = terminal.screen();
    let settings = |when: &str| {
        let line = screen.lines().find_map(|line| line.strip_prefix(when));
        line.unwrap_or_else(|| panic!("no `{when}` in {screen:?}"))
            .to_owned()
    };
    assert_eq!(settings("before "), settings("after "), "{screen:?}");
    // And it works: what is typed is echoed once by the terminal, and once by `cat`.
    terminal
        .types("anybody?\r")
        .shows("anybody?\r\nanybody?\r\n", PATIENCE);
}

/// Opens the console and waits for the board's prompt.
fn at_the_prompt(lab: &Lab, exporter: &Exporter<'_>) -> Terminal {
    let mut terminal = terminal(lab, exporter, CONSOLE);
    terminal
        .shows(
            "\r\nStarting serial port console ... exit with CTRL+B x 3 times\r\n\r\n",
            PATIENCE,
        )
        .becomes_raw(PATIENCE)
        .types("\r")
        .shows("board$ ", PATIENCE);
    terminal
}

#[test]
fn commands_are_typed_and_answered_until_one_leaves() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    let mut terminal = at_the_prompt(&lab, &exporter);
    terminal
        .types("echo sum-$((40+2)); pwd\r")
        .shows("sum-42\r\n", PATIENCE)
        .shows(board.home().to_str().unwrap(), PATIENCE);
    // Two are not enough; the board's line editor takes them as steps to the left.
    terminal
        .types("echo ab\x02\x02X\r")
        .shows("Xab\r\n", PATIENCE);
    terminal.types("\x02\x02\x02");
    restored(&mut terminal, 0);
    // The next one finds the board where it was.
    let mut again = at_the_prompt(&lab, &exporter);
    again.types("\x02\x02\x02");
    restored(&mut again, 0);
}

#[test]
fn ctrl_c_is_for_the_board() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    let mut terminal = at_the_prompt(&lab, &exporter);
    terminal
        .types("echo go-$((1+1)); sleep 600\r")
        .shows("go-2\r\n", PATIENCE)
        .types("\x03")
        .shows("^C\r\nboard$ ", PATIENCE)
        .types("echo status=$?\r")
        .shows("status=130", PATIENCE)
        .types("\x02\x02\x02");
    restored(&mut terminal, 0);
}

#[test]
fn a_window_may_change_its_size() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    let mut terminal = at_the_prompt(&lab, &exporter);
    for (rows, columns) in [(50, 200), (1, 1), (24, 80)] {
        terminal.resize(rows, columns);
    }
    terminal
        .types("echo still-$((40+2))\r")
        .shows("still-42", PATIENCE)
        .types("\x02\x02\x02");
    restored(&mut terminal, 0);
}

#[test]
fn a_pasted_file_arrives_whole() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    let mut terminal = at_the_prompt(&lab, &exporter);
    let line = |number| format!("{number:06} the quick brown fox jumps over the lazy dog\r");
    let file: String = (0..600).map(line).collect();
    terminal
        .types("stty -echo; echo go-$((1+1)); cat > pasted; stty echo; wc -c < pasted\r")
        .shows("go-2\r\n", PATIENCE)
        .types(&file)
        .types("\x04")
        .shows(&format!("{}\r\n", file.len()), PATIENCE)
        .types("\x02\x02\x02");
    restored(&mut terminal, 0);
    let pasted = fs::read_to_string(board.home().join("pasted")).unwrap();
    assert!(pasted == file.replace('\r', "\n"), "it was spoiled");
}

#[test]
fn an_exporter_that_dies_leaves_the_terminal_in_order() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    let mut terminal = at_the_prompt(&lab, &exporter);
    exporter.signal(Signal::SIGKILL);
    terminal.shows("Serial connection lost: ", PATIENCE);
    restored(&mut terminal, 1);
}

#[test]
fn a_board_that_is_unplugged_ends_the_console() {
    let lab = Lab::new();
    let mut board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    let mut terminal = at_the_prompt(&lab, &exporter);
    board.unplug();
    terminal.shows(
        "\r\nSerial connection closed normally (end of stream).\r\n",
        PATIENCE,
    );
    restored(&mut terminal, 0);
    // The port is gone now, and the driver says so.
    let outcome = exporter.j(["serial", "pipe", "--no-input"]);
    outcome
        .fails(1)
        .complains("Error: ")
        .complains(board.port().to_str().unwrap());
}

#[test]
fn signals_leave_the_terminal_in_order() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    for (signal, text, code) in [
        (Signal::SIGTERM, "SIGTERM received, terminating\r\n", 2),
        (Signal::SIGINT, "SIGINT pressed, terminating\r\n", 2),
        (Signal::SIGHUP, "SIGHUP received, terminating\r\n", 129),
    ] {
        let mut terminal = at_the_prompt(&lab, &exporter);
        let id = fs::read_to_string(lab.folder("j.pid")).unwrap();
        kill(Pid::from_raw(id.trim().parse().unwrap()), signal).unwrap();
        terminal.shows(text, PATIENCE);
        restored(&mut terminal, code);
    }
}

#[test]
fn stopped_and_continued_it_is_raw_again() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    let mut terminal = at_the_prompt(&lab, &exporter);
    let id = fs::read_to_string(lab.folder("j.pid")).unwrap();
    let id = Pid::from_raw(id.trim().parse().unwrap());
    kill(id, Signal::SIGSTOP).unwrap();
    // As a shell does when a job stops.
    terminal.cooked();
    kill(id, Signal::SIGCONT).unwrap();
    terminal
        .becomes_raw(PATIENCE)
        .types("echo back-$((1+1))\r")
        .shows("back-2", PATIENCE)
        .types("\x02\x02\x02");
    restored(&mut terminal, 0);
}

#[test]
fn a_copy_is_kept_and_another_key_leaves() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    lab.file("copy.log", "from yesterday\n");
    let console = "j serial start-console --log copy.log --escape ]; echo \"code $?\"";
    let mut terminal = terminal(&lab, &exporter, console);
    terminal
        .shows("exit with CTRL+] x 3 times", PATIENCE)
        .types("echo kept-$((1+1))\r")
        .shows("kept-2", PATIENCE)
        // Not the key any more.
        .types("\x02\x02\x02")
        .types("echo here-$((1+1))\r")
        .shows("here-2", PATIENCE)
        .types("\x1d\x1d\x1d")
        .shows("code 0", PATIENCE);
    let copy = fs::read_to_string(lab.folder("copy.log")).unwrap();
    assert!(copy.starts_with("from yesterday\n"), "{copy:?}");
    assert!(copy.contains("kept-2\r\n"), "{copy:?}");
    assert!(!copy.contains("Starting serial"), "{copy:?}");
}

#[test]
fn without_a_terminal_it_says_what_to_use() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    exporter
        .j(["serial", "start-console"])
        .fails(1)
        .complains("needs a terminal")
        .complains("`pipe`");
}

#[test]
fn inside_a_shell_for_people() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    let mut shell: Command = exporter.shell_command();
    shell.args(["--", "j", "serial", "start-console"]);
    let mut terminal = Terminal::start(&shell);
    terminal
        .shows("exit with CTRL+B x 3 times", PATIENCE)
        .types("\r")
        .shows("board$ ", PATIENCE)
        .types("echo go-$((1+1)); sleep 600\r")
        .shows("go-2\r\n", PATIENCE)
        .types("\x03")
        .shows("^C\r\nboard$ ", PATIENCE)
        .types("echo status=$?\r")
        .shows("status=130", PATIENCE)
        .types("\x02\x02\x02");
    assert_eq!(terminal.ends(PATIENCE), 0);
}

#[test]
fn a_script_asks_and_reads_the_answer() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    // The end of the question is not the end of the answer.
    let ask = "\
        mkfifo out; echo 'echo the-answer-is-$((6*7))' | j serial pipe > out & \
        while read -r line; do echo \"$line\"; case $line in *is-42*) break;; esac; done < out; \
        kill $!; wait";
    run(&mut script(&lab, &exporter, ask), PATIENCE)
        .succeeds()
        .prints("the-answer-is-42")
        .complains("Bidirectional mode (auto-detected piped stdin): stdin→serial, serial→stdout");
}

#[test]
fn a_log_grows_until_the_board_is_unplugged() {
    let lab = Lab::new();
    let mut board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    lab.file("boot.log", "from yesterday\n");
    let text =
        "printf 'echo logged-$((1+1))\\n' | j serial pipe -a -o boot.log 2> err; echo \"code $?\"";
    let keep = script(&lab, &exporter, text);
    let mut keep = Terminal::start(&keep);
    let until = Instant::now() + PATIENCE;
    let log = || fs::read_to_string(lab.folder("boot.log")).unwrap();
    while !log().contains("logged-2\r\n") {
        assert!(Instant::now() < until, "{:?}", log());
        thread::sleep(Duration::from_millis(5));
    }
    board.unplug();
    keep.shows("code 0", PATIENCE);
    assert!(log().starts_with("from yesterday\n"), "{:?}", log());
    let said = fs::read_to_string(lab.folder("err")).unwrap();
    assert_eq!(
        said,
        "Bidirectional mode (auto-detected piped stdin) with logging to boot.log... (Ctrl+C to \
         exit)\n\nSerial connection closed normally (end of stream).\n"
    );
}

#[test]
fn commands_are_sent_and_forgotten() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = serial(&lab, &board);
    let line = |number| format!("echo {number:04} >> sent\n");
    let commands: String = (0..300).map(line).collect();
    lab.file("commands", &commands);
    let fire = "j serial pipe --no-output < commands";
    run(&mut script(&lab, &exporter, fire), PATIENCE)
        .succeeds()
        .complains("Fire-and-forget mode");
    let until = Instant::now() + PATIENCE;
    let sent = || fs::read_to_string(board.home().join("sent")).unwrap_or_default();
    while sent().lines().count() < 300 {
        assert!(
            Instant::now() < until,
            "{:?} came last",
            sent().lines().last()
        );
        thread::sleep(Duration::from_millis(5));
    }
    let numbers: String = (0..300).map(|number| format!("{number:04}\n")).collect();
    assert!(sent() == numbers, "they came in another order");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let lab = Lab::new();
    let board = Board::boot(&lab.folder("board"));
    let exporter = lab
        .exporter(&format!(
            "serial:\n  type: jumpstarter_driver_pyserial.driver.PySerial\n  config:\n    \
             url: {}\n    exclusive: true\n",
            board.port().display()
        ))
        .start();
    let mut first = at_the_prompt(&lab, &exporter);
    exporter
        .j(["serial", "pipe", "--no-input"])
        .fails(1)
        .complains("Device or resource busy")
        .complains(board.port().to_str().unwrap());
    let mut second = terminal(&lab, &exporter, CONSOLE);
    second.shows("Device or resource busy", PATIENCE);
    restored(&mut second, 1);
    first
        .types("echo mine-$((1+1))\r")
        .shows("mine-2", PATIENCE)
        .types("\x02\x02\x02");
    restored(&mut first, 0);
    // Whoever has left has left the port, too.
    exporter
        .log()
        .wait_for("Disconnected from", PATIENCE)
        .expect("the port is closed");
    let mut third = at_the_prompt(&lab, &exporter);
    third.types("\x02\x02\x02");
    restored(&mut third, 0);
}
