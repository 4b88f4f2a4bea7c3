/* A driver that takes data of clients, for the tests of resources.
 *
 * It is called from threads that may wait, so it does: for the socket, for the data, and for the
 * exporter's word on how it went. It brings along a child `lid` that does the same.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "jumpstarter_driver.h"
#include "jumpstarter_value.h"

static jmp_host host;
static const jmp_resource_ext *resource;
static const jmp_transfer_ext *transfer;

/* An answer of the host, and those who wait for it. */
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t came;
  int here, code, fd;
  uint64_t handle;
  char text[512];
} answer;

static void answered(uint64_t ctx, const jmp_reply *reply) {
  answer *to = (answer *)(uintptr_t)ctx;
  pthread_mutex_lock(&to->lock);
  to->here = 1;
  to->code = reply->code;
  to->fd = reply->fd;
  to->handle = reply->handle;
  snprintf(to->text, sizeof to->text, "%.*s", (int)reply->message.len,
           (const char *)reply->message.ptr);
  pthread_cond_signal(&to->came);
  pthread_mutex_unlock(&to->lock);
}

static jmp_completion expect(answer *to) {
  memset(to, 0, sizeof *to);
  pthread_mutex_init(&to->lock, NULL);
  pthread_cond_init(&to->came, NULL);
  jmp_completion done = {(uintptr_t)to, answered};
  return done;
}

static void await(answer *to) {
  pthread_mutex_lock(&to->lock);
  while (!to->here) pthread_cond_wait(&to->came, &to->lock);
  pthread_mutex_unlock(&to->lock);
}

static void wait_for(int fd, short events) {
  struct pollfd one = {fd, events, 0};
  poll(&one, 1, -1);
}

static double sum(double total, const uint8_t *bytes, ssize_t size) {
  for (ssize_t at = 0; at < size; at++) total += bytes[at];
  return total;
}

/* Reads to the end, or `most` bytes. */
static double take_all(int fd, size_t most, size_t *size) {
  static _Thread_local uint8_t bytes[65536];
  double total = 0;
  while (*size < most) {
    size_t room = most - *size < sizeof bytes ? most - *size : sizeof bytes;
    ssize_t got = read(fd, bytes, room);
    if (got > 0) { total = sum(total, bytes, got); *size += got; }
    else if (got < 0 && errno == EAGAIN) wait_for(fd, POLLIN);
    else break;
  }
  return total;
}

/* Writes `size` times the letter x. */
static void give_all(int fd, size_t size) {
  uint8_t bytes[4096];
  memset(bytes, 'x', sizeof bytes);
  while (size > 0) {
    size_t part = size < sizeof bytes ? size : sizeof bytes;
    ssize_t put = send(fd, bytes, part, MSG_NOSIGNAL);
    if (put > 0) size -= put;
    else if (put < 0 && errno == EAGAIN) wait_for(fd, POLLOUT);
    else break;
  }
}

static void fail(jmp_completion done, const answer *why) {
  jmp_slice text = {(const uint8_t *)why->text, strlen(why->text)};
  jmp_reply reply = {.code = why->code, .fd = -1, .message = text};
  done.done(done.ctx, &reply);
}

static void tell(jmp_completion done, double number) {
  jmp_buf value = {0};
  jmp_put_number(&value, number);
  jmp_reply reply = {.fd = -1, .body = jmp_body(&value)};
  done.done(done.ctx, &reply);
  jmp_free(&value);
}

static void call(uint64_t node, const jmp_call *c, jmp_completion done) {
  jmp_slice args = c->args, handle = {0}, rest = {0};
  unsigned tag;
  uint64_t ignored;
  jmp_value second = {0};
  if (jmp_read_field(&args, &tag, &handle, &ignored)) rest = args;
  size_t size = jmp_next(&rest, &second) && second.kind == JMP_NUMBER ? second.number : 0;

  answer got;
  if (jmp_is(c->method, "finished")) {
    jmp_value number = {0};
    jmp_arg(c->args, 0, &number);
    transfer->finished(host.ctx, node, (uint64_t)number.number, expect(&got));
    await(&got);
    if (got.code) fail(done, &got); else tell(done, 0);
    return;
  }
  int simply = jmp_is(c->method, "read_simply") || jmp_is(c->method, "write_simply");
  int writes = jmp_is(c->method, "write") || jmp_is(c->method, "write_simply");
  uint32_t direction = jmp_is(c->method, "sideways") ? 7 : writes ? 2 : 1;
  if (simply) resource->take(host.ctx, node, handle, expect(&got));
  else transfer->take(host.ctx, node, handle, direction, expect(&got));
  await(&got);
  if (got.code) { fail(done, &got); return; }
  int fd = got.fd;
  uint64_t number = got.handle;
  if (jmp_is(c->method, "hold")) {
    /* Nobody asks about this one, and nobody closes it. */
    tell(done, number);
    return;
  }
  if (jmp_is(c->method, "drop")) {
    size_t some = 0;
    take_all(fd, size, &some);
    close(fd);
    tell(done, number);
    return;
  }
  double result = 0;
  size_t length = 0;
  if (writes) { give_all(fd, size); shutdown(fd, SHUT_WR); result = size; }
  else result = take_all(fd, -1, &length);
  if (!simply) {
    transfer->finished(host.ctx, node, number, expect(&got));
    await(&got);
  }
  close(fd);
  if (got.code) fail(done, &got); else tell(done, result);
}

static int32_t init(const jmp_host *given) {
  jmp_slice r = {(const uint8_t *)JMP_EXT_RESOURCE, strlen(JMP_EXT_RESOURCE)};
  jmp_slice t = {(const uint8_t *)JMP_EXT_TRANSFER, strlen(JMP_EXT_TRANSFER)};
  host = *given;
  resource = host.extension(host.ctx, r);
  transfer = host.extension(host.ctx, t);
  return !(resource && transfer);
}

static void open_driver(const jmp_open_request *request, jmp_completion done) {
  jmp_buf lid = {0}, child = {0}, children = {0}, value = {0}, fields = {0}, body = {0};
  jmp_field_string(&lid, "type", "porter.driver.Porter");
  jmp_field_number(&lid, "handle", (double)request->node);
  jmp_put_struct(&child, &lid);
  jmp_field(&children, "lid", &child);
  jmp_put_struct(&value, &children);
  jmp_field(&fields, "children", &value);
  jmp_put_struct(&body, &fields);
  jmp_reply reply = {.fd = -1, .handle = request->node, .body = jmp_body(&body)};
  done.done(done.ctx, &reply);
  jmp_free(&body);
}

static void nothing(jmp_completion done) {
  jmp_reply reply = {.fd = -1};
  done.done(done.ctx, &reply);
}
static void close_driver(uint64_t h, jmp_completion d) { (void)h; nothing(d); }
static void no_stream(uint64_t h, const jmp_call *c, jmp_completion d) { (void)h; (void)c; nothing(d); }
static void no_next(uint64_t s, uint32_t max, jmp_completion d) { (void)s; (void)max; nothing(d); }
static void no_close(uint64_t s) { (void)s; }
static void no_cancel(uint64_t h, uint64_t id) { (void)h; (void)id; }
static const void *no_extension(jmp_slice id) { (void)id; return NULL; }

const char jmp_plugin_meta[] =
    "{\"jmp_abi\":\"1.0\",\"kind\":\"c\",\"name\":\"porter\",\"version\":\"1.0\","
    "\"drivers\":[{\"type\":[\"porter.driver.Porter\"]}]}";

const jmp_plugin *jmp_driver_entry_v1(void) {
  static const jmp_plugin plugin = {sizeof plugin, JMP_ABI_MAJOR, JMP_ABI_MINOR,
    {init, open_driver, close_driver, call, no_stream, no_next, no_close, no_stream, no_cancel,
     no_extension}};
  return &plugin;
}
