/* Reads arguments and writes results: encoded google.protobuf.Value, in C11 or C++17, header only.
 *
 *   jmp_value volts;
 *   if (!jmp_arg(call->args, 1, &volts) || volts.kind != JMP_NUMBER) ...
 *
 *   jmp_buf fields = {0}, out = {0};
 *   jmp_field_number(&fields, "voltage", 5.0);
 *   jmp_put_struct(&out, &fields);            // frees fields
 *   reply.body = jmp_body(&out);
 *   ...complete...
 *   jmp_free(&out);
 *
 * A buffer that could not grow is `failed` and stays empty.
 */
#ifndef JUMPSTARTER_VALUE_H
#define JUMPSTARTER_VALUE_H

#include <stdlib.h>
#include <string.h>

#include "jumpstarter_driver.h"

typedef enum jmp_kind {
  JMP_NULL = 1,
  JMP_NUMBER = 2,
  JMP_STRING = 3,
  JMP_BOOL = 4,
  JMP_STRUCT = 5,
  JMP_LIST = 6
} jmp_kind;

/* A value that was read. `bytes` is the text of a string, or the content of a struct or list. */
typedef struct jmp_value {
  jmp_kind kind;
  double number;
  int boolean;
  jmp_slice bytes;
} jmp_value;

/* Bytes that grow. Start with {0}. */
typedef struct jmp_buf {
  uint8_t *data;
  size_t len;
  size_t capacity;
  int failed;
} jmp_buf;

/* === reading === */

static inline int jmp_read_varint(jmp_slice *in, uint64_t *number) {
  *number = 0;
  for (unsigned shift = 0; shift < 64 && in->len > 0; shift += 7) {
    uint8_t byte = *in->ptr;
    in->ptr += 1;
    in->len -= 1;
    *number |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return 1;
  }
  return 0;
}

/* Takes one field off `in`: its tag number, and its payload (a varint: in *number). */
static inline int jmp_read_field(jmp_slice *in, unsigned *tag, jmp_slice *payload,
                                 uint64_t *number) {
  uint64_t key, size = 0;
  *number = 0;
  if (!jmp_read_varint(in, &key)) return 0;
  *tag = (unsigned)(key >> 3);
  switch (key & 7) {
    case 0: payload->ptr = in->ptr; payload->len = 0; return jmp_read_varint(in, number);
    case 1: size = 8; break;
    case 2: if (!jmp_read_varint(in, &size)) return 0; break;
    case 5: size = 4; break;
    default: return 0;
  }
  if (size > in->len) return 0;
  payload->ptr = in->ptr;
  payload->len = (size_t)size;
  in->ptr += size;
  in->len -= (size_t)size;
  return 1;
}

/* Reads an encoded Value. 0: it is not well formed. No bytes at all are null. */
static inline int jmp_read_value(jmp_slice in, jmp_value *value) {
  memset(value, 0, sizeof *value);
  value->kind = JMP_NULL;
  while (in.len > 0) {
    unsigned tag;
    jmp_slice payload;
    uint64_t number;
    if (!jmp_read_field(&in, &tag, &payload, &number)) return 0;
    if (tag < JMP_NULL || tag > JMP_LIST) continue;
    if (tag == JMP_NUMBER) {
      if (payload.len != 8) return 0;
      uint64_t bits = 0;
      for (int at = 7; at >= 0; at--) bits = bits << 8 | payload.ptr[at];
      memcpy(&value->number, &bits, sizeof bits);
    }
    value->kind = (jmp_kind)tag;
    value->boolean = tag == JMP_BOOL && number != 0;
    value->bytes = payload;
  }
  return 1;
}

/* Takes the next value off a list (call->args is one). 0: there is none, or it is not well formed. */
static inline int jmp_next(jmp_slice *list, jmp_value *value) {
  unsigned tag;
  jmp_slice payload;
  uint64_t number;
  while (list->len > 0) {
    if (!jmp_read_field(list, &tag, &payload, &number)) return 0;
    if (tag == 1) return jmp_read_value(payload, value);
  }
  return 0;
}

/* Argument number `index`, from 0. 0: the caller did not pass it. */
static inline int jmp_arg(jmp_slice args, unsigned index, jmp_value *value) {
  for (unsigned at = 0; jmp_next(&args, value); at++) {
    if (at == index) return 1;
  }
  return 0;
}

static inline int jmp_is(jmp_slice text, const char *name) {
  return text.len == strlen(name) && (text.len == 0 || memcmp(text.ptr, name, text.len) == 0);
}

/* === writing === */

static inline void jmp_free(jmp_buf *out) {
  free(out->data);
  memset(out, 0, sizeof *out);
}

static inline jmp_slice jmp_body(const jmp_buf *out) {
  jmp_slice body;
  body.ptr = out->data;
  body.len = out->failed ? 0 : out->len;
  return body;
}

static inline void jmp_put_bytes(jmp_buf *out, const void *bytes, size_t len) {
  if (out->failed || len == 0) return;
  if (len > out->capacity - out->len) {
    size_t capacity = (out->len + len) * 2;
    uint8_t *data = (uint8_t *)realloc(out->data, capacity);
    if (!data) {
      out->failed = 1;
      return;
    }
    out->data = data;
    out->capacity = capacity;
  }
  memcpy(out->data + out->len, bytes, len);
  out->len += len;
}

static inline void jmp_put_varint(jmp_buf *out, uint64_t number) {
  uint8_t bytes[10];
  size_t len = 0;
  do {
    bytes[len++] = (uint8_t)((number & 0x7f) | (number > 0x7f ? 0x80 : 0));
    number >>= 7;
  } while (number);
  jmp_put_bytes(out, bytes, len);
}

static inline void jmp_put_delimited(jmp_buf *out, unsigned tag, const void *bytes, size_t len) {
  jmp_put_varint(out, tag << 3 | 2);
  jmp_put_varint(out, len);
  jmp_put_bytes(out, bytes, len);
}

static inline void jmp_put_null(jmp_buf *out) {
  static const uint8_t null_value[2] = {JMP_NULL << 3, 0};
  jmp_put_bytes(out, null_value, sizeof null_value);
}

static inline void jmp_put_bool(jmp_buf *out, int boolean) {
  uint8_t bytes[2] = {JMP_BOOL << 3, 0};
  bytes[1] = boolean ? 1 : 0;
  jmp_put_bytes(out, bytes, sizeof bytes);
}

static inline void jmp_put_number(jmp_buf *out, double number) {
  uint8_t bytes[9] = {JMP_NUMBER << 3 | 1};
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  for (int at = 0; at < 8; at++) bytes[1 + at] = (uint8_t)(bits >> (8 * at));
  jmp_put_bytes(out, bytes, sizeof bytes);
}

static inline void jmp_put_string(jmp_buf *out, const char *text) {
  jmp_put_delimited(out, JMP_STRING, text, strlen(text));
}

/* Adds `value`, an encoded Value, to the fields of a struct, and frees it. */
static inline void jmp_field(jmp_buf *fields, const char *name, jmp_buf *value) {
  jmp_buf entry = {0, 0, 0, 0};
  jmp_put_delimited(&entry, 1, name, strlen(name));
  jmp_put_delimited(&entry, 2, value->data, value->len);
  jmp_put_delimited(fields, 1, entry.data, entry.len);
  fields->failed |= entry.failed | value->failed;
  jmp_free(&entry);
  jmp_free(value);
}

static inline void jmp_field_number(jmp_buf *fields, const char *name, double number) {
  jmp_buf value = {0, 0, 0, 0};
  jmp_put_number(&value, number);
  jmp_field(fields, name, &value);
}

static inline void jmp_field_bool(jmp_buf *fields, const char *name, int boolean) {
  jmp_buf value = {0, 0, 0, 0};
  jmp_put_bool(&value, boolean);
  jmp_field(fields, name, &value);
}

static inline void jmp_field_string(jmp_buf *fields, const char *name, const char *text) {
  jmp_buf value = {0, 0, 0, 0};
  jmp_put_string(&value, text);
  jmp_field(fields, name, &value);
}

/* Adds `value` to the items of a list, and frees it. What stream_next answers is such a list. */
static inline void jmp_item(jmp_buf *items, jmp_buf *value) {
  jmp_put_delimited(items, 1, value->data, value->len);
  items->failed |= value->failed;
  jmp_free(value);
}

/* The collected fields as one value; frees them. */
static inline void jmp_put_struct(jmp_buf *out, jmp_buf *fields) {
  jmp_put_delimited(out, JMP_STRUCT, fields->data, fields->len);
  out->failed |= fields->failed;
  jmp_free(fields);
}

/* The collected items as one value; frees them. */
static inline void jmp_put_list(jmp_buf *out, jmp_buf *items) {
  jmp_put_delimited(out, JMP_LIST, items->data, items->len);
  out->failed |= items->failed;
  jmp_free(items);
}

#endif /* JUMPSTARTER_VALUE_H */
