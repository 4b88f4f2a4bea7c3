/* The boundary between the Jumpstarter exporter and a driver plugin.
 *
 * Generated from the crate jumpstarter-driver-abi; do not edit. A plugin exports
 *
 *   const char jmp_plugin_meta[]                    a JSON document, see driver-abi/README.md
 *   const jmp_plugin *jmp_driver_entry_v1(void)     its functions
 *
 * and hides everything else (-fvisibility=hidden). Every pointer passed is borrowed for the length of
 * the call it is passed to. Values are encoded google.protobuf.Value; jumpstarter_value.h reads and
 * writes them.
 */

#ifndef JUMPSTARTER_DRIVER_H
#define JUMPSTARTER_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#define JMP_ABI_MAJOR 1
#define JMP_ABI_MINOR 0
#define JMP_ABI_HASH "37712ed35043f474"
#define JMP_FLAG_END_OF_STREAM 1u
#define JMP_STREAM_BATCH 64u
#define JMP_EXT_LOG "jmp.log/1"
#define JMP_EXT_TREE "jmp.tree/1"
#define JMP_EXT_SESSION "jmp.session/1"
#define JMP_EXT_RESOURCE "jmp.resource/1"
#define JMP_EXT_TRANSFER "jmp.transfer/1"
#define JMP_EXT_BYTES "jmp.bytes/1"


/**
 * Direction of a transfer: the driver reads what the client sends.
 */
#define JMP_TRANSFER_READ 1

/**
 * Direction of a transfer: the driver writes what the client receives.
 */
#define JMP_TRANSFER_WRITE 2

/**
 * Outcome of a call, numbered as gRPC numbers its status codes.
 *
 * The host passes code and message to the client unchanged; the comments name what the Python
 * client raises for each.
 */
enum jmp_code
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It worked.
   */
  JMP_CODE_OK = 0,
  /**
   * The call was given up, by the caller or because the driver is closing.
   */
  JMP_CODE_CANCELLED = 1,
  /**
   * Any error of the driver without a better code (`DriverError`).
   */
  JMP_CODE_UNKNOWN = 2,
  /**
   * An argument or a configuration value is wrong (`DriverInvalidArgument`).
   */
  JMP_CODE_INVALID_ARGUMENT = 3,
  /**
   * The device or the driver took too long (`DriverError`).
   */
  JMP_CODE_DEADLINE_EXCEEDED = 4,
  /**
   * The driver has no such method, or not of this kind (`DriverMethodNotImplemented`).
   */
  JMP_CODE_NOT_FOUND = 5,
  /**
   * The operating system refused something (`DriverError`).
   */
  JMP_CODE_PERMISSION_DENIED = 7,
  /**
   * The driver is not in the state that the call needs (`ExporterNotReady`).
   */
  JMP_CODE_FAILED_PRECONDITION = 9,
  /**
   * The method exists and does nothing in this driver (`DriverMethodNotImplemented`).
   */
  JMP_CODE_UNIMPLEMENTED = 12,
  /**
   * The operating system or the driver itself failed; also a driver that panicked
   * (`DriverError`).
   */
  JMP_CODE_INTERNAL = 13,
  /**
   * The device cannot be reached (`DriverError`).
   */
  JMP_CODE_UNAVAILABLE = 14,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum jmp_code jmp_code;
#else
typedef int32_t jmp_code;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How much a log line matters. Numbered as `tracing` orders its levels.
 */
enum jmp_log_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Something failed that a person must look at.
   */
  JMP_LOG_LEVEL_ERROR = 1,
  /**
   * Something went wrong and was dealt with.
   */
  JMP_LOG_LEVEL_WARN = 2,
  /**
   * What the driver does, a line per action.
   */
  JMP_LOG_LEVEL_INFO = 3,
  /**
   * For finding faults in the driver.
   */
  JMP_LOG_LEVEL_DEBUG = 4,
  /**
   * Every step.
   */
  JMP_LOG_LEVEL_TRACE = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum jmp_log_level jmp_log_level;
#else
typedef int32_t jmp_log_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Borrowed bytes: valid for the length of the call they are passed to, no longer.
 *
 * An empty slice may have any pointer, also null.
 */
typedef struct jmp_slice {
  /**
   * First byte.
   */
  const uint8_t *ptr;
  /**
   * Number of bytes.
   */
  size_t len;
} jmp_slice;

/**
 * The answer of one piece of work. Which fields mean something depends on the function; the
 * others are zero (`fd`: -1).
 */
typedef struct jmp_reply {
  /**
   * A `Code`; 0 is success.
   */
  int32_t code;
  /**
   * `FLAG_END_OF_STREAM` or 0.
   */
  uint32_t flags;
  /**
   * Encoded `google.protobuf.Value`; for streams an encoded `ListValue` of the items.
   */
  struct jmp_slice body;
  /**
   * For people, UTF-8; for a failed call the text that the client shows.
   */
  struct jmp_slice message;
  /**
   * The new driver or stream, from 1 to 2^53.
   */
  uint64_t handle;
  /**
   * An open file descriptor that now belongs to the receiver, or -1.
   */
  int32_t fd;
  /**
   * Zero.
   */
  uint32_t reserved0;
  /**
   * Zero.
   */
  uint64_t reserved[3];
} jmp_reply;

/**
 * Where to send the answer of one piece of work.
 *
 * `done` is called exactly once, from any thread, also before the function that received the
 * completion has returned. A second call is counted by the receiver and has no other effect.
 */
typedef struct jmp_completion {
  /**
   * Names the work to its receiver. Opaque to whoever completes it.
   */
  uint64_t ctx;
  /**
   * Takes `ctx` and the reply, which is borrowed for the call.
   */
  void (*done)(uint64_t ctx, const struct jmp_reply *reply);
} jmp_completion;

/**
 * One call of a method.
 */
typedef struct jmp_call {
  /**
   * Names the call for `cancel`; unique among the open calls of the process.
   */
  uint64_t id;
  /**
   * Name of the method, UTF-8.
   */
  struct jmp_slice method;
  /**
   * The arguments: an encoded `google.protobuf.ListValue`.
   */
  struct jmp_slice args;
  /**
   * Milliseconds until the caller gives up; 0 means never.
   */
  uint64_t timeout_ms;
  /**
   * Zero.
   */
  uint64_t reserved[4];
} jmp_call;

/**
 * One driver to open.
 */
typedef struct jmp_open_request {
  /**
   * The host's number for this place in the tree. The plugin passes it back when it asks the
   * host for services (logs, children, session folder).
   */
  uint64_t node;
  /**
   * The `type` from the configuration, for example `jumpstarter_driver_power.driver.MockPower`.
   */
  struct jmp_slice class_;
  /**
   * The driver's name in the tree, UTF-8.
   */
  struct jmp_slice name;
  /**
   * The `config` block as a JSON object, UTF-8.
   */
  struct jmp_slice config;
  /**
   * Zero.
   */
  uint64_t reserved[4];
} jmp_open_request;

/**
 * The host, as given to `init`. Lives as long as the process; copy it.
 */
typedef struct jmp_host {
  /**
   * `ABI_MAJOR` of the host.
   */
  uint32_t abi_major;
  /**
   * `ABI_MINOR` of the host.
   */
  uint32_t abi_minor;
  /**
   * How many worker threads a plugin with its own runtime should start; at least 1.
   */
  uint32_t worker_threads;
  /**
   * Zero.
   */
  uint32_t reserved0;
  /**
   * Passed to every function of the host and of its extensions.
   */
  uint64_t ctx;
  /**
   * Writes a line to the host's log: a `LogLevel` as number, where it comes from, the text.
   * `jmp.log/1` can do more. Any thread.
   */
  void (*log)(uint64_t ctx, int32_t level, struct jmp_slice target, struct jmp_slice message);
  /**
   * The table of an extension such as `jmp.tree/1`, valid for ever, or null if the host does not
   * have it. Any thread.
   */
  const void *(*extension)(uint64_t ctx, struct jmp_slice id);
  /**
   * Zero.
   */
  uint64_t reserved[4];
} jmp_host;

/**
 * The functions of a plugin.
 *
 * Any function may be called from any thread, several at once, except that `close` is the last
 * call on a driver, and `stream_next` and `stream_close` of one stream are not concurrent. No
 * function but `init` may block, unless the metadata says otherwise: a C plugin without
 * `"nonblocking": true` is called on a thread that may wait.
 */
typedef struct jmp_functions {
  /**
   * Called once per process, before anything else; short. 0 means ready, anything else that the
   * plugin cannot be used.
   */
  int32_t (*init)(const struct jmp_host *host);
  /**
   * Opens a driver. Completes with `handle`, and with a `body` that is null or a struct of what
   * the driver adds to its metadata: `client`, `category`, `description`, `labels`, `methods`,
   * `methods_description`, and `children` (name to `{type, handle, ...the same keys}`) for a
   * driver that brings a subtree along.
   */
  void (*open)(const struct jmp_open_request *request, struct jmp_completion done);
  /**
   * Closes a driver, its children and its streams; calls still open are answered first.
   */
  void (*close)(uint64_t driver, struct jmp_completion done);
  /**
   * Calls a method. Completes with `body`.
   */
  void (*call)(uint64_t driver, const struct jmp_call *call, struct jmp_completion done);
  /**
   * Calls a streaming method. Completes with the stream as `handle`, and, to save a short stream
   * a round trip, with a `ListValue` of the items that are there already, up to
   * `STREAM_BATCH`. With `FLAG_END_OF_STREAM` these are all, and there
   * is no stream to ask or to close.
   *
   */
  void (*stream_open)(uint64_t driver, const struct jmp_call *call, struct jmp_completion done);
  /**
   * Asks for up to `max` items, waiting for the first. Completes with a `ListValue` of 0 to
   * `max` items and, with the last of them or alone, `FLAG_END_OF_STREAM`. An error ends the
   * stream; items before it come first, in a reply of their own.
   *
   */
  void (*stream_next)(uint64_t stream, uint32_t max, struct jmp_completion done);
  /**
   * Lets go of a stream, finished or not.
   */
  void (*stream_close)(uint64_t stream);
  /**
   * Opens a byte stream. Completes with `fd`: a connected, non-blocking, close-on-exec socket,
   * SOCK_STREAM or, where message boundaries matter, SOCK_SEQPACKET, or the SOCK_DGRAM socket of
   * the device itself, which has no end; and with a `handle` for `BytesExt`, or 0.
   *
   */
  void (*connect)(uint64_t driver, const struct jmp_call *call, struct jmp_completion done);
  /**
   * The caller of this call is gone. A hint: the call still completes.
   */
  void (*cancel)(uint64_t driver, uint64_t id);
  /**
   * The table of an extension of the plugin, valid for ever, or null.
   */
  const void *(*extension)(struct jmp_slice id);
} jmp_functions;

/**
 * What the C door answers with; lives as long as the process.
 */
typedef struct jmp_plugin {
  /**
   * `sizeof(jmp_plugin)`, so that a host can tell what was compiled in.
   */
  size_t size;
  /**
   * `ABI_MAJOR` the plugin was built against.
   */
  uint32_t abi_major;
  /**
   * `ABI_MINOR` the plugin was built against.
   */
  uint32_t abi_minor;
  /**
   * The functions.
   */
  struct jmp_functions functions;
} jmp_plugin;

/**
 * One line of a driver's log.
 */
typedef struct jmp_log_record {
  /**
   * A `LogLevel` as number.
   */
  int32_t level;
  /**
   * Zero.
   */
  uint32_t reserved0;
  /**
   * The driver that speaks, or 0 for the plugin as a whole.
   */
  uint64_t node;
  /**
   * Where in the plugin the line comes from, for example a module path.
   */
  struct jmp_slice target;
  /**
   * The text, UTF-8.
   */
  struct jmp_slice message;
  /**
   * Further fields: an encoded `google.protobuf.Struct`, or empty.
   */
  struct jmp_slice fields;
  /**
   * Zero.
   */
  uint64_t reserved[2];
} jmp_log_record;

/**
 * `jmp.log/1`, offered by the host: structured log lines.
 */
typedef struct jmp_log_ext {
  /**
   * Writes a line.
   */
  void (*log)(uint64_t ctx, const struct jmp_log_record *record);
  /**
   * The least important `LogLevel` that the host keeps, as number, so that a
   * plugin can save the work for the others.
   */
  int32_t (*max_level)(uint64_t ctx);
} jmp_log_ext;

/**
 * `jmp.tree/1`, offered by the host: a driver uses its children, also those in other plugins and
 * those that are references to another place in the tree.
 *
 * `child` is the name of a child of `node`, or a dotted path below it. The other parameters are
 * those of the plugin function of the same name, the direction is reversed.
 */
typedef struct jmp_tree_ext {
  /**
   * Completes with a list of `{name, type}` for the children of `node`.
   */
  void (*children)(uint64_t ctx, uint64_t node, struct jmp_completion done);
  /**
   * Calls a method of a child.
   */
  void (*call)(uint64_t ctx,
               uint64_t node,
               struct jmp_slice child,
               const struct jmp_call *call,
               struct jmp_completion done);
  /**
   * Opens a stream of values of a child.
   */
  void (*stream_open)(uint64_t ctx,
                      uint64_t node,
                      struct jmp_slice child,
                      const struct jmp_call *call,
                      struct jmp_completion done);
  /**
   * Asks for up to `max` items of such a stream.
   */
  void (*stream_next)(uint64_t ctx, uint64_t stream, uint32_t max, struct jmp_completion done);
  /**
   * Lets go of such a stream.
   */
  void (*stream_close)(uint64_t ctx, uint64_t stream);
  /**
   * Opens a byte stream of a child.
   */
  void (*connect)(uint64_t ctx,
                  uint64_t node,
                  struct jmp_slice child,
                  const struct jmp_call *call,
                  struct jmp_completion done);
  /**
   * Gives up the call that `node` started with this `Call::id`.
   */
  void (*cancel)(uint64_t ctx, uint64_t node, uint64_t id);
} jmp_tree_ext;

/**
 * `jmp.session/1`, offered by the host.
 */
typedef struct jmp_session_ext {
  /**
   * Completes with the path of a folder, mode 0700, that lives as long as the session and is
   * removed with everything in it.
   */
  void (*folder)(uint64_t ctx, uint64_t node, struct jmp_completion done);
} jmp_session_ext;

/**
 * `jmp.resource/1`, offered by the host: data that the client provides or takes.
 *
 * The simple form, for a driver that need not know whether all of the data went through; see
 * `TransferExt`.
 */
typedef struct jmp_resource_ext {
  /**
   * Takes the resource that `handle`, an encoded `google.protobuf.Value` from an argument,
   * stands for. Completes with `fd`, a stream socket of the plain data: encodings are dealt with
   * by the host.
   */
  void (*take)(uint64_t ctx, uint64_t node, struct jmp_slice handle, struct jmp_completion done);
} jmp_resource_ext;

/**
 * `jmp.transfer/1`, offered by the host: as `ResourceExt`, with a direction and an end that can be
 * asked about.
 */
typedef struct jmp_transfer_ext {
  /**
   * Takes the resource that `resource`, an encoded `google.protobuf.Value` from an argument,
   * stands for, in one `direction`: `TRANSFER_READ` or `TRANSFER_WRITE`. Completes with
   * `fd`, a stream socket of the plain data, and with `handle`, the number of the transfer.
   */
  void (*take)(uint64_t ctx,
               uint64_t node,
               struct jmp_slice resource,
               uint32_t direction,
               struct jmp_completion done);
  /**
   * Completes when the transfer is over, with an error if it is not whole: the client went away,
   * the data is corrupt, the web server refused it. Asked for once, after a reader has met the
   * end of file, or after a writer has shut its side of the socket down.
   */
  void (*finished)(uint64_t ctx, uint64_t node, uint64_t transfer, struct jmp_completion done);
} jmp_transfer_ext;

/**
 * `jmp.bytes/1`, offered by a plugin: how its byte streams end.
 *
 * `stream` is the `handle` of the answer to `connect`. A plugin answers 0 there for a stream about
 * which there is nothing to ask, and the end of its socket is all there is to know.
 */
typedef struct jmp_bytes_ext {
  /**
   * Completes when the driver is through with the stream, with an error if it failed. Asked for
   * once per stream, and then the number is gone.
   */
  void (*outcome)(uint64_t stream, struct jmp_completion done);
  /**
   * The client is gone, and the driver has been given time to notice: the stream is ended now.
   */
  void (*close)(uint64_t stream);
} jmp_bytes_ext;

#endif  /* JUMPSTARTER_DRIVER_H */
