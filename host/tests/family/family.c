/* Drivers with relatives, for the tests of the tree.
 *
 * What a driver does is written in its configuration: "fail" refuses to open, "brings" brings the
 * children a and b, b with a child c, "asks" calls that child while opening, "hang" never closes,
 * "journal" names a file that gets a line when the driver opens and one when it closes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jumpstarter_driver.h"
#include "jumpstarter_value.h"

#define EXPORT __attribute__((visibility("default")))

static jmp_host host;
static const jmp_tree_ext *tree;
static const jmp_session_ext *session;
static const jmp_log_ext *host_log;

typedef struct driver {
  uint64_t node;
  char name[128];
  char journal[256];
  char asks[128];
  int hang;
  int brings;
  jmp_completion opening;
} driver;

static jmp_slice text(const char *string) {
  jmp_slice slice = {(const uint8_t *)string, strlen(string)};
  return slice;
}

static void copy(char *out, size_t size, jmp_slice from) {
  snprintf(out, size, "%.*s", (int)from.len, (const char *)from.ptr);
}

/* The text behind "key":" in a JSON object, without escapes. */
static void setting(char *out, size_t size, const char *config, const char *key) {
  char start[64];
  snprintf(start, sizeof start, "\"%s\":\"", key);
  const char *from = strstr(config, start);
  if (!from) return;
  from += strlen(start);
  snprintf(out, size, "%.*s", (int)strcspn(from, "\""), from);
}

static void write_journal(const driver *self, const char *event) {
  FILE *file = self->journal[0] ? fopen(self->journal, "a") : NULL;
  if (!file) return;
  fprintf(file, "%s %s\n", event, self->name);
  fclose(file);
}

static void log_line(const driver *self, int level, const char *message) {
  jmp_buf fields = {0};
  jmp_field_string(&fields, "who", self->name);
  jmp_log_record record = {.level = level,
                           .node = self->node,
                           .target = text("family"),
                           .message = text(message),
                           .fields = jmp_body(&fields)};
  host_log->log(host.ctx, &record);
  jmp_free(&fields);
}

static void refuse(jmp_completion done, jmp_code code, const char *message) {
  jmp_reply reply = {.code = code, .fd = -1, .message = text(message)};
  done.done(done.ctx, &reply);
}

static void answer_text(jmp_completion done, const char *string) {
  jmp_buf value = {0};
  jmp_put_string(&value, string);
  jmp_reply reply = {.fd = -1, .body = jmp_body(&value)};
  done.done(done.ctx, &reply);
  jmp_free(&value);
}

static driver *new_driver(const char *name) {
  driver *self = calloc(1, sizeof *self);
  if (!self) abort();
  snprintf(self->name, sizeof self->name, "%s", name);
  return self;
}

static void put_child(jmp_buf *children, const char *parent, const char *name, const char *type,
                      jmp_buf *below) {
  char path[200];
  jmp_buf fields = {0}, child = {0};
  snprintf(path, sizeof path, "%s.%s", parent, name);
  jmp_field_string(&fields, "type", type);
  jmp_field_number(&fields, "handle", (double)(uintptr_t)new_driver(path));
  if (below) {
    jmp_buf value = {0};
    jmp_put_struct(&value, below);
    jmp_field(&fields, "children", &value);
  }
  jmp_put_struct(&child, &fields);
  jmp_field(children, name, &child);
}

static void opened(driver *self, jmp_completion done, const char *description) {
  jmp_buf fields = {0}, body = {0};
  write_journal(self, "open");
  if (description) jmp_field_string(&fields, "description", description);
  if (self->brings) {
    char b[200];
    jmp_buf labels = {0}, label = {0}, children = {0}, below = {0}, value = {0};
    jmp_buf texts = {0}, help = {0};
    jmp_field_string(&labels, "made", "here");
    jmp_put_struct(&label, &labels);
    jmp_field(&fields, "labels", &label);
    jmp_field_string(&texts, "who", "Tells its name");
    jmp_field_string(&texts, "hi", "Greets");
    jmp_put_struct(&help, &texts);
    jmp_field(&fields, "methods_description", &help);
    snprintf(b, sizeof b, "%s.b", self->name);
    put_child(&below, b, "c", "family.driver.Child", NULL);
    put_child(&children, self->name, "a", "family.driver.Child", NULL);
    put_child(&children, self->name, "b", "elsewhere.driver.Box", &below);
    jmp_put_struct(&value, &children);
    jmp_field(&fields, "children", &value);
  }
  jmp_put_struct(&body, &fields);
  jmp_reply reply = {.fd = -1, .handle = (uintptr_t)self, .body = jmp_body(&body)};
  done.done(done.ctx, &reply);
  jmp_free(&body);
}

/* The answer of the child that was asked while opening becomes the description. */
static void asked(uint64_t ctx, const jmp_reply *reply) {
  driver *self = (driver *)(uintptr_t)ctx;
  char answer[512] = "";
  jmp_value value;
  if (reply->code != 0) {
    snprintf(answer, sizeof answer, "%d: %.*s", reply->code, (int)reply->message.len,
             (const char *)reply->message.ptr);
  } else if (jmp_read_value(reply->body, &value) && value.kind == JMP_STRING) {
    copy(answer, sizeof answer, value.bytes);
  }
  opened(self, self->opening, answer);
}

/* === entry points === */

static int32_t init(const jmp_host *given) {
  host = *given;
  tree = host.extension(host.ctx, text(JMP_EXT_TREE));
  session = host.extension(host.ctx, text(JMP_EXT_SESSION));
  host_log = host.extension(host.ctx, text(JMP_EXT_LOG));
  return tree && session && host_log ? 0 : 1;
}

static void open_driver(const jmp_open_request *request, jmp_completion done) {
  char name[128], config[1024];
  copy(name, sizeof name, request->name);
  copy(config, sizeof config, request->config);
  if (strstr(config, "\"fail\"")) {
    refuse(done, JMP_CODE_INVALID_ARGUMENT, "told to fail");
    return;
  }
  driver *self = new_driver(name);
  self->node = request->node;
  self->hang = strstr(config, "\"hang\"") != NULL;
  self->brings = strstr(config, "\"brings\"") != NULL;
  self->opening = done;
  setting(self->journal, sizeof self->journal, config, "journal");
  setting(self->asks, sizeof self->asks, config, "asks");
  if (self->asks[0]) {
    jmp_call call = {.id = request->node, .method = text("who")};
    jmp_completion answer = {(uintptr_t)self, asked};
    tree->call(host.ctx, self->node, text(self->asks), &call, answer);
    return;
  }
  opened(self, done, NULL);
}

static void close_driver(uint64_t handle, jmp_completion done) {
  driver *self = (driver *)(uintptr_t)handle;
  write_journal(self, "close");
  if (self->hang) return;
  jmp_reply reply = {.fd = -1};
  if (strstr(self->name, "sore")) {
    reply.code = JMP_CODE_UNKNOWN;
    reply.message = text("it hurts");
  }
  free(self);
  done.done(done.ctx, &reply);
}

static void call_method(uint64_t handle, const jmp_call *call, jmp_completion done) {
  driver *self = (driver *)(uintptr_t)handle;
  jmp_value path;
  if (jmp_is(call->method, "who")) {
    answer_text(done, self->name);
  } else if (jmp_is(call->method, "ask") && jmp_arg(call->args, 0, &path)) {
    jmp_call who = {.id = call->id, .method = text("who")};
    tree->call(host.ctx, self->node, path.bytes, &who, done);
  } else if (jmp_is(call->method, "kin")) {
    tree->children(host.ctx, self->node, done);
  } else if (jmp_is(call->method, "folder")) {
    session->folder(host.ctx, self->node, done);
  } else if (jmp_is(call->method, "say")) {
    log_line(self, JMP_LOG_LEVEL_INFO, "a word");
    log_line(self, JMP_LOG_LEVEL_WARN, "a warning");
    answer_text(done, "");
  } else {
    refuse(done, JMP_CODE_NOT_FOUND, "no such thing");
  }
}

static void no_stream(uint64_t handle, const jmp_call *call, jmp_completion done) {
  (void)handle;
  (void)call;
  refuse(done, JMP_CODE_NOT_FOUND, "no such thing");
}

static void stream_next(uint64_t handle, uint32_t max, jmp_completion done) {
  (void)handle;
  (void)max;
  refuse(done, JMP_CODE_NOT_FOUND, "no such thing");
}

static void stream_close(uint64_t handle) { (void)handle; }

static void cancel(uint64_t handle, uint64_t id) {
  (void)handle;
  (void)id;
}

static const void *extension(jmp_slice id) {
  (void)id;
  return NULL;
}

EXPORT const jmp_plugin *jmp_driver_entry_v1(void) {
  static const jmp_plugin plugin = {
      sizeof plugin,
      JMP_ABI_MAJOR,
      JMP_ABI_MINOR,
      {init, open_driver, close_driver, call_method, no_stream, stream_next, stream_close,
       no_stream, cancel, extension},
  };
  return &plugin;
}

#define METHODS                                                                       \
  "\"methods\":["                                                                     \
  "{\"name\":\"who\",\"kind\":\"call\",\"doc\":\"Say the name\\n\\nAnd no more.\"},"  \
  "{\"name\":\"ask\",\"kind\":\"call\",\"doc\":\"Ask a child for its name\","         \
  "\"params\":[{\"name\":\"path\",\"schema\":{\"type\":\"string\"}}]},"               \
  "{\"name\":\"kin\",\"kind\":\"call\"},"                                             \
  "{\"name\":\"folder\",\"kind\":\"call\"},"                                          \
  "{\"name\":\"say\",\"kind\":\"call\"},"                                             \
  "{\"name\":\"watch\",\"kind\":\"stream\"},"                                         \
  "{\"name\":\"connect\",\"kind\":\"bytes\"}]"

EXPORT const char jmp_plugin_meta[] =
    "{\"jmp_abi\":\"1.0\",\"kind\":\"c\",\"name\":\"family\",\"version\":\"1.0.0\","
    "\"nonblocking\":true,\"drivers\":["
    "{\"type\":[\"family.driver.Parent\"],\"client\":\"family.client.Client\","
    "\"category\":\"console\",\"config\":{\"type\":\"object\",\"properties\":{"
    "\"fail\":{\"type\":\"boolean\"},\"hang\":{\"type\":\"boolean\"},"
    "\"brings\":{\"type\":\"boolean\"},\"asks\":{\"type\":\"string\"},"
    "\"journal\":{\"type\":\"string\"}},\"additionalProperties\":false}," METHODS "},"
    "{\"type\":[\"family.driver.Child\"]," METHODS "},"
    "{\"type\":[\"family.driver.Silent\"]}]}";
