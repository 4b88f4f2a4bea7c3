//! A plugin that hands out descriptors, right and wrong ones.

use std::path::Path;

use super::build::{TINY, Tiny};

pub const SOCKET: &str = "socket.driver.Socket";

const META: &str = r#"{"jmp_abi":"1.0","name":"socket","version":"1.0","nonblocking":true,
    "drivers":[{"type":["socket.driver.Socket"]}]}"#;

/// `hello` says so and hangs up; `blocking` forgets to make its socket non-blocking.
const CODE: &str = r#"
#include <sys/socket.h>
#include <unistd.h>
#include "jumpstarter_value.h"
static void give(jmp_completion d, int fd) {
  jmp_reply reply = {.fd = fd};
  d.done(d.ctx, &reply);
}
static void connect_bytes(uint64_t h, const jmp_call *c, jmp_completion d) {
  int pair[2];
  (void)h;
  if (jmp_is(c->method, "nothing")) give(d, 1234567);
  else if (jmp_is(c->method, "pipe") && pipe(pair) == 0) { close(pair[1]); give(d, pair[0]); }
  else if (jmp_is(c->method, "datagram")) give(d, socket(AF_UNIX, SOCK_DGRAM, 0));
  else {
    int type = jmp_is(c->method, "packets") ? SOCK_SEQPACKET : SOCK_STREAM;
    socketpair(AF_UNIX, type, 0, pair);
    (void)!write(pair[1], "hello", 5);
    close(pair[1]);
    give(d, pair[0]);
  }
}
const jmp_plugin *jmp_driver_entry_v1(void) {
  static jmp_plugin p;
  p = plugin;
  p.functions.connect = connect_bytes;
  return &p;
}
"#;

pub fn build(path: &Path) {
    Tiny {
        metadata: META,
        code: CODE,
        door: "",
        ..TINY
    }
    .build(path);
}
