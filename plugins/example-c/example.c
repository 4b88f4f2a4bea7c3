/* Two drivers in C: a power switch and a four-outlet PDU, both simulated.
 *
 * Shows everything a driver needs: metadata, open and close, calls with checked arguments, errors,
 * a stream of values, log lines. No entry point blocks, so the metadata says "nonblocking".
 */
#include <stdatomic.h>
#include <stdio.h>

#include "jumpstarter_driver.h"
#include "jumpstarter_value.h"

#define EXPORT __attribute__((visibility("default")))
#define OUTLETS 4

static jmp_host host;
static const jmp_log_ext *host_log;

/* === drivers and streams === */

typedef enum kind { POWER, PDU } kind;

typedef struct driver {
  kind kind;
  uint64_t node;
  atomic_uint outlets; /* one bit each */
} driver;

typedef struct stream {
  int next;
  int count;
  double (*reading)(int index);
} stream;

/* Handles are addresses here, which stay below 2^53; the host passes back what it was given. */
static uint64_t to_handle(void *object) { return (uint64_t)(uintptr_t)object; }
static void *from_handle(uint64_t handle) { return (void *)(uintptr_t)handle; }

static jmp_slice text(const char *string) {
  jmp_slice slice = {(const uint8_t *)string, strlen(string)};
  return slice;
}

static void log_info(const driver *self, const char *message) {
  if (host_log) {
    jmp_log_record record = {.level = JMP_LOG_LEVEL_INFO,
                             .node = self->node,
                             .target = text("example_c"),
                             .message = text(message)};
    host_log->log(host.ctx, &record);
  } else {
    host.log(host.ctx, JMP_LOG_LEVEL_INFO, text("example_c"), text(message));
  }
}

/* === answers === */

static void answer(jmp_completion done, jmp_buf *value) {
  jmp_reply reply = {.fd = -1, .body = jmp_body(value)};
  if (value->failed) {
    reply.code = JMP_CODE_INTERNAL;
    reply.message = text("out of memory");
  }
  done.done(done.ctx, &reply);
  jmp_free(value);
}

static void answer_null(jmp_completion done) {
  jmp_buf value = {0};
  jmp_put_null(&value);
  answer(done, &value);
}

static void answer_handle(jmp_completion done, void *object) {
  jmp_reply reply = {.fd = -1, .handle = to_handle(object)};
  if (!object) {
    reply.code = JMP_CODE_INTERNAL;
    reply.message = text("out of memory");
  }
  done.done(done.ctx, &reply);
}

static void refuse(jmp_completion done, jmp_code code, const char *message) {
  jmp_reply reply = {.code = code, .fd = -1, .message = text(message)};
  done.done(done.ctx, &reply);
}

/* The kinds of call, by the names that error texts use. */
#define CALL "drivercall"
#define STREAM "streamingdrivercall"
#define BYTES "streamcall"

static const struct method {
  kind kind;
  const char *name;
  const char *called_by;
} methods[] = {
    {POWER, "on", CALL},        {POWER, "off", CALL},   {POWER, "read", STREAM},
    {PDU, "set_outlet", CALL},  {PDU, "outlets", CALL}, {PDU, "temperatures", STREAM},
};

/* Whether the driver has this method for this kind of call; if not, answers as every driver does. */
static int has_method(const driver *self, const char *kind_of_call, jmp_slice name,
                      jmp_completion done) {
  char message[256];
  int length = name.len < 128 ? (int)name.len : 128;
  for (size_t at = 0; at < sizeof methods / sizeof *methods; at++) {
    if (methods[at].kind != self->kind || !jmp_is(name, methods[at].name)) continue;
    if (strcmp(methods[at].called_by, kind_of_call) == 0) return 1;
    snprintf(message, sizeof message, "method %.*s missing marker marker_%s", length,
             (const char *)name.ptr, kind_of_call);
    refuse(done, JMP_CODE_NOT_FOUND, message);
    return 0;
  }
  snprintf(message, sizeof message, "method %.*s not found on driver", length,
           (const char *)name.ptr);
  refuse(done, JMP_CODE_NOT_FOUND, message);
  return 0;
}

/* === the PDU's methods === */

/* Argument 0 as outlet number; answers the call and returns -1 if it is none. */
static int outlet_argument(const jmp_call *call, jmp_completion done) {
  char message[128];
  jmp_value number;
  if (!jmp_arg(call->args, 0, &number)) {
    snprintf(message, sizeof message, "%.*s(): argument 1 (number): missing",
             (int)call->method.len, (const char *)call->method.ptr);
    refuse(done, JMP_CODE_UNKNOWN, message);
    return -1;
  }
  int outlet = number.kind == JMP_NUMBER && number.number >= 1 && number.number <= OUTLETS
                   ? (int)number.number
                   : 0;
  if (outlet == 0 || outlet != number.number) {
    snprintf(message, sizeof message,
             "%.*s(): argument 1 (number): expected a whole number from 1 to %d",
             (int)call->method.len, (const char *)call->method.ptr, OUTLETS);
    refuse(done, JMP_CODE_INVALID_ARGUMENT, message);
    return -1;
  }
  return outlet;
}

static void put_outlet(jmp_buf *value, int outlet, unsigned outlets) {
  jmp_buf fields = {0};
  jmp_field_number(&fields, "number", outlet);
  jmp_field_bool(&fields, "on", outlets >> (outlet - 1) & 1);
  jmp_put_struct(value, &fields);
}

static void set_outlet(driver *self, const jmp_call *call, jmp_completion done) {
  int outlet = outlet_argument(call, done);
  if (outlet < 0) return;
  jmp_value on;
  if (!jmp_arg(call->args, 1, &on)) {
    refuse(done, JMP_CODE_UNKNOWN, "set_outlet(): argument 2 (on): missing");
    return;
  }
  if (on.kind != JMP_BOOL) {
    refuse(done, JMP_CODE_INVALID_ARGUMENT, "set_outlet(): argument 2 (on): expected true or false");
    return;
  }
  unsigned bit = 1u << (outlet - 1);
  unsigned now = on.boolean ? atomic_fetch_or(&self->outlets, bit) | bit
                            : atomic_fetch_and(&self->outlets, ~bit) & ~bit;
  char line[64];
  snprintf(line, sizeof line, "outlet %d %s", outlet, on.boolean ? "on" : "off");
  log_info(self, line);
  jmp_buf value = {0};
  put_outlet(&value, outlet, now);
  answer(done, &value);
}

static void outlets(driver *self, jmp_completion done) {
  unsigned now = atomic_load(&self->outlets);
  jmp_buf items = {0}, value = {0};
  for (int outlet = 1; outlet <= OUTLETS; outlet++) {
    jmp_buf item = {0};
    put_outlet(&item, outlet, now);
    jmp_item(&items, &item);
  }
  jmp_put_list(&value, &items);
  answer(done, &value);
}

/* === entry points === */

static int32_t init(const jmp_host *given) {
  host = *given;
  host_log = (const jmp_log_ext *)host.extension(host.ctx, text(JMP_EXT_LOG));
  return 0;
}

static void open_driver(const jmp_open_request *request, jmp_completion done) {
  int is_power = jmp_is(request->class_, "jumpstarter_driver_example_c.driver.Power");
  if (!is_power && !jmp_is(request->class_, "jumpstarter_driver_example_c.driver.Pdu")) {
    refuse(done, JMP_CODE_NOT_FOUND, "no such driver in this plugin");
    return;
  }
  driver *self = calloc(1, sizeof *self);
  if (self) {
    self->kind = is_power ? POWER : PDU;
    self->node = request->node;
  }
  answer_handle(done, self);
}

static void close_driver(uint64_t handle, jmp_completion done) {
  free(from_handle(handle));
  answer_null(done);
}

static void call(uint64_t handle, const jmp_call *call, jmp_completion done) {
  driver *self = from_handle(handle);
  if (!has_method(self, CALL, call->method, done)) return;
  if (jmp_is(call->method, "on")) {
    log_info(self, "power on");
    answer_null(done);
  } else if (jmp_is(call->method, "off")) {
    log_info(self, "power off");
    answer_null(done);
  } else if (jmp_is(call->method, "set_outlet")) {
    set_outlet(self, call, done);
  } else {
    outlets(self, done);
  }
}

static double volts(int index) { return index == 0 ? 0.0 : 5.0; }
static double amperes(int index) { return index == 0 ? 0.0 : 2.0; }
static double celsius(int index) { return 21.0 + index * 0.5; }

static void stream_open(uint64_t handle, const jmp_call *call, jmp_completion done) {
  driver *self = from_handle(handle);
  if (!has_method(self, STREAM, call->method, done)) return;
  int count = self->kind == POWER ? 2 : 3;
  jmp_value wanted;
  if (self->kind == PDU && jmp_arg(call->args, 0, &wanted) && wanted.kind == JMP_NUMBER) {
    if (!(wanted.number >= 0 && wanted.number <= 1e6)) {
      refuse(done, JMP_CODE_INVALID_ARGUMENT,
             "temperatures(): argument 1 (count): expected 0 to 1000000");
      return;
    }
    count = (int)wanted.number;
  }
  stream *opened = calloc(1, sizeof *opened);
  if (opened) {
    opened->count = count;
    opened->reading = self->kind == POWER ? volts : celsius;
  }
  answer_handle(done, opened);
}

static void stream_next(uint64_t handle, uint32_t max, jmp_completion done) {
  stream *self = from_handle(handle);
  jmp_buf items = {0};
  for (uint32_t sent = 0; sent < max && self->next < self->count; sent++, self->next++) {
    jmp_buf item = {0};
    if (self->reading == volts) {
      jmp_buf fields = {0};
      jmp_field_number(&fields, "voltage", volts(self->next));
      jmp_field_number(&fields, "current", amperes(self->next));
      jmp_put_struct(&item, &fields);
    } else {
      jmp_put_number(&item, self->reading(self->next));
    }
    jmp_item(&items, &item);
  }
  jmp_reply reply = {.fd = -1, .body = jmp_body(&items)};
  if (self->next >= self->count) reply.flags = JMP_FLAG_END_OF_STREAM;
  if (items.failed) {
    reply.code = JMP_CODE_INTERNAL;
    reply.message = text("out of memory");
  }
  done.done(done.ctx, &reply);
  jmp_free(&items);
}

static void stream_close(uint64_t handle) { free(from_handle(handle)); }

static void connect_bytes(uint64_t handle, const jmp_call *call, jmp_completion done) {
  has_method(from_handle(handle), BYTES, call->method, done); /* it has none */
}

static void cancel(uint64_t handle, uint64_t id) {
  (void)handle; /* every call is answered before it returns */
  (void)id;
}

static const void *extension(jmp_slice id) {
  (void)id;
  return NULL;
}

/* === doors === */

EXPORT const jmp_plugin *jmp_driver_entry_v1(void) {
  static const jmp_plugin plugin = {
      sizeof plugin,
      JMP_ABI_MAJOR,
      JMP_ABI_MINOR,
      {init, open_driver, close_driver, call, stream_open, stream_next, stream_close,
       connect_bytes, cancel, extension},
  };
  return &plugin;
}

#define READING                                                                        \
  "{\"type\":\"object\",\"properties\":{\"voltage\":{\"type\":\"number\"},"            \
  "\"current\":{\"type\":\"number\"}},\"required\":[\"voltage\",\"current\"]}"
#define OUTLET                                                                         \
  "{\"type\":\"object\",\"properties\":{\"number\":{\"type\":\"integer\"},"            \
  "\"on\":{\"type\":\"boolean\"}},\"required\":[\"number\",\"on\"]}"

EXPORT const char jmp_plugin_meta[] =
    "{\"jmp_abi\":\"1.0\",\"abi_hash\":\"" JMP_ABI_HASH "\",\"kind\":\"c\","
    "\"name\":\"jumpstarter_driver_example_c\",\"version\":\"0.1.0\",\"license\":\"Apache-2.0\","
    "\"description\":\"A power switch and a PDU, simulated, in C\",\"nonblocking\":true,"
    "\"drivers\":["
    "{\"type\":[\"jumpstarter_driver_example_c.driver.Power\"],"
    "\"client\":\"jumpstarter_driver_power.client.PowerClient\",\"category\":\"power\","
    "\"doc\":\"A power switch that only logs.\","
    "\"methods\":["
    "{\"name\":\"on\",\"kind\":\"call\",\"doc\":\"Power on\"},"
    "{\"name\":\"off\",\"kind\":\"call\",\"doc\":\"Power off\"},"
    "{\"name\":\"read\",\"kind\":\"stream\",\"doc\":\"Read voltage (V) and current (A)\","
    "\"result\":" READING "}]},"
    "{\"type\":[\"jumpstarter_driver_example_c.driver.Pdu\"],"
    "\"client\":\"jumpstarter_driver_example_c.client.PduClient\",\"category\":\"power\","
    "\"doc\":\"A power distribution unit with four outlets.\","
    "\"methods\":["
    "{\"name\":\"set_outlet\",\"kind\":\"call\",\"doc\":\"Switch one outlet\","
    "\"params\":["
    "{\"name\":\"number\",\"schema\":{\"type\":\"integer\",\"description\":\"outlet, 1 to 4\"}},"
    "{\"name\":\"on\",\"schema\":{\"type\":\"boolean\"}}],"
    "\"result\":" OUTLET "},"
    "{\"name\":\"outlets\",\"kind\":\"call\",\"doc\":\"List the outlets\","
    "\"result\":{\"type\":\"array\",\"items\":" OUTLET "}},"
    "{\"name\":\"temperatures\",\"kind\":\"stream\","
    "\"doc\":\"Measure the temperature (degrees Celsius)\","
    "\"params\":[{\"name\":\"count\",\"schema\":{\"type\":\"integer\"},\"optional\":true}],"
    "\"result\":{\"type\":\"number\"}}]}"
    "]}";
