//! A plugin whose driver passes everything on to its child `child`, through the host.

use std::path::Path;

use super::build::{TINY, Tiny};

pub const RELAY: &str = "relay.driver.Relay";

const META: &str = r#"{"jmp_abi":"1.0","name":"relay","version":"1.0","nonblocking":true,
    "drivers":[{"type":["relay.driver.Relay"]}]}"#;

/// A driver's handle is its node. The host's own completions are passed back to the host.
const CODE: &str = r#"
#include "jumpstarter_value.h"
static jmp_host host;
static const jmp_tree_ext *tree;
static const jmp_session_ext *session;
static const jmp_log_ext *logger;
static const jmp_slice child = {(const uint8_t *)"child", 5};
static jmp_slice id(const char *name) {
  jmp_slice slice = {(const uint8_t *)name, strlen(name)};
  return slice;
}
static int32_t relay_init(const jmp_host *given) {
  host = *given;
  tree = host.extension(host.ctx, id(JMP_EXT_TREE));
  session = host.extension(host.ctx, id(JMP_EXT_SESSION));
  logger = host.extension(host.ctx, id(JMP_EXT_LOG));
  return !(tree && session && logger && !host.extension(host.ctx, id("jmp.nothing/1")));
}
static void relay_open(const jmp_open_request *r, jmp_completion d) {
  jmp_reply reply = {.handle = r->node, .fd = -1};
  d.done(d.ctx, &reply);
}
static void relay_call(uint64_t node, const jmp_call *c, jmp_completion d) {
  if (jmp_is(c->method, "children")) tree->children(host.ctx, node, d);
  else if (jmp_is(c->method, "folder")) session->folder(host.ctx, node, d);
  else if (jmp_is(c->method, "stray")) tree->call(host.ctx, node + 1000000, child, c, d);
  else if (jmp_is(c->method, "null")) tree->call(host.ctx, node, child, NULL, d);
  else if (jmp_is(c->method, "log")) {
    jmp_buf fields = {0};
    jmp_field_string(&fields, "who", "relay");
    jmp_field_number(&fields, "count", 3);
    jmp_log_record record = {.level = 2, .node = node, .target = id("here"),
                             .message = id("watch out"), .fields = jmp_body(&fields)};
    logger->log(host.ctx, &record);
    logger->log(host.ctx, NULL);
    host.log(host.ctx, 99, id("\xff"), id("\xfe"));
    jmp_free(&fields);
    tree->children(host.ctx, node, d);
  }
  else tree->call(host.ctx, node, child, c, d);
}
static void relay_stream(uint64_t node, const jmp_call *c, jmp_completion d) {
  tree->stream_open(host.ctx, node, child, c, d);
}
static void relay_next(uint64_t s, uint32_t max, jmp_completion d) {
  tree->stream_next(host.ctx, s, max, d);
}
static void relay_close_stream(uint64_t s) { tree->stream_close(host.ctx, s); }
static void relay_connect(uint64_t node, const jmp_call *c, jmp_completion d) {
  tree->connect(host.ctx, node, child, c, d);
}
static void relay_cancel(uint64_t node, uint64_t call) { tree->cancel(host.ctx, node, call); }
const jmp_plugin *jmp_driver_entry_v1(void) {
  static const jmp_plugin p = {sizeof p, 1, 0, {relay_init, relay_open, close_driver, relay_call,
    relay_stream, relay_next, relay_close_stream, relay_connect, relay_cancel, extension}};
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
