//! How a port is set up.

use jumpstarter_driver::Code;
use nix::sys::termios::ControlFlags;
use serde_json::json;
use serialport::SerialPort;

use super::board::Board;
use super::{connect, open};

#[test]
fn a_terminal_without_lines_opens_and_says_so_when_asked() {
    let board = Board::new();
    for level in ["assert", "clear", "keep"] {
        let (_host, serial) = open(json!({"url": board.path, "dtr": level, "rts": level}));
        let alone = serial.call::<()>("set_dtr", (true,)).unwrap_err();
        let stream = connect(&serial);
        let beside = serial.call::<()>("set_rts", (false,)).unwrap_err();
        for error in [alone, beside] {
            assert_eq!(error.code(), Code::Internal);
            assert_eq!(error.message(), "[Errno 25] Inappropriate ioctl for device");
        }
        drop(stream);
    }
}

#[test]
fn any_rate_can_be_set() {
    let board = Board::new();
    // A second handle, since pseudo-terminals forget their settings with the last one.
    let mut port = serialport::TTYPort::open(
        &serialport::new(board.path.to_str().unwrap(), 9600).exclusive(false),
    )
    .unwrap();
    for rate in [300, 115_200, 250_000, 1_234_567] {
        for disable_hupcl in [false, true] {
            let config =
                json!({"url": board.path, "baudrate": rate, "disable_hupcl": disable_hupcl});
            let (_host, serial) = open(config);
            let stream = connect(&serial);
            assert_eq!(port.baud_rate().unwrap(), rate);
            drop(stream);
        }
    }
    port.set_baud_rate(9600).unwrap();
}

#[test]
fn hupcl_is_cleared_only_if_that_is_wanted() {
    for disable_hupcl in [false, true] {
        let board = Board::new();
        let mut settings = board.settings();
        settings.control_flags.insert(ControlFlags::HUPCL);
        board.set(&settings);
        let (host, serial) = open(json!({"url": board.path, "disable_hupcl": disable_hupcl}));
        let stream = connect(&serial);
        let hupcl = board.settings().control_flags.contains(ControlFlags::HUPCL);
        assert_eq!(hupcl, !disable_hupcl);
        let line = format!("Disabled HUPCL on {}", board.path.display());
        assert_eq!(host.messages().contains(&line), disable_hupcl);
        drop(stream);
    }
}

#[test]
fn what_came_before_anybody_listened_is_thrown_away() {
    let board = Board::new();
    let (_host, serial) = open(json!({"url": board.path}));
    board.say(b"old");
    let one = connect(&serial);
    board.say(b"new\n");
    assert_eq!(super::expect(&one, b"new\n"), b"new\n");
    drop(one);
}
