/*
 * fhirexport/reply.h: how a host's callback answers.
 *
 * A callback that can fail gets a `fhx_reply *`. The library has set it to "failed" beforehand:
 * a callback that returns without answering has failed. (A return value would be read from a
 * stale register when a callback of another language raises; see docs/abi.md.)
 *
 * A reply lives until the callback returns. The last answer counts. An answer that does not fit the
 * callback (rows from `part_url`) turns the reply into a failure that says so, for good: so a
 * callback may ignore what these functions return.
 *
 * Which answers a callback may give stands with the callback.
 *
 * Of all functions here: Threads: that of the callback. Memory: what is given is copied, unless a
 * function says otherwise. Returns: FHX_OK; FHX_ERR_MISUSE for an answer that this callback cannot
 * give; FHX_ERR_ARGUMENT for one that is malformed, or no reply; once the reply is a failure for
 * good, that failure. Since 0.9.0.
 */
#ifndef FHIREXPORT_REPLY_H
#define FHIREXPORT_REPLY_H

#include <fhirexport/status.h>

FHX_BEGIN_DECLS

/* What a callback answers by. */
typedef struct fhx_reply fhx_reply;

/*
 * How long the answer is still waited for, in microseconds: 0 when the time is over, INT64_MAX as
 * long as it takes. It has an end where a client waits for the answer to its request
 * (fhx_engine_handle): a callback that must wait for a lock, say, fails with retryable 1 by then.
 */
FHX_API int64_t fhx_reply_patience_us(const fhx_reply *reply);

/* Done; where items were given before, these are all of them. */
FHX_API int32_t fhx_reply_done(fhx_reply *reply);

/* There is no more. */
FHX_API int32_t fhx_reply_end(fhx_reply *reply);

/* Nothing yet: ask again in `retry_after_us` microseconds (at least 0). */
FHX_API int32_t fhx_reply_wait(fhx_reply *reply, int64_t retry_after_us);

/*
 * Failed. `status` is negative; another value counts as FHX_ERR_INTERNAL, and so do
 * FHX_ERR_RESOURCE, FHX_ERR_CANCELLED and FHX_ERR_JOB_FAILED, by which the library's functions say
 * something of their own. `retryable` is 1 when trying again may help. `message` is a sentence that
 * may be shown in logs and status answers, so it must hold no patient data and no secrets; at most
 * 500 bytes are kept; NULL is allowed.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for no reply; once the reply is a failure for good, that
 * failure.
 */
FHX_API int32_t fhx_reply_fail(fhx_reply *reply, int32_t status, uint32_t retryable,
                               const char *message);

/*
 * A cursor or an upload was opened: `handle` (any value, NULL included) comes back with every
 * later call on it. `applied` is a sum of FHX_APPLIED_... (source.h), 0 for an upload.
 */
FHX_API int32_t fhx_reply_handle(fhx_reply *reply, void *handle, uint32_t applied);

/*
 * Rows. `data` holds `row_count` resources; row i ends before byte `row_ends[i]` and begins where
 * row i-1 ended, the first at 0; the last one ends at `len`. Nothing else divides rows: not line
 * feeds, not the JSON. A line feed or other white space around a resource does no harm. `row_ends`
 * is NULL for exactly one resource that fills `data`, pretty-printed or not; then `row_count` is 1.
 * `row_count` 0 is allowed: nothing this time, though `token` may have moved.
 *
 * `row_updated_us` has each row's time of last change in microseconds since 1970 UTC, floored;
 * NULL: the library reads `meta.lastUpdated` from the text.
 *
 * `token` (1 to FHX_TOKEN_MAX bytes) means "after the last of these rows": a cursor opened
 * with it goes on behind them. NULL and 0: this source cannot resume.
 *
 * Memory: nothing is copied; everything stays valid and unchanged until the next call on this
 * cursor.
 */
FHX_API int32_t fhx_reply_rows(fhx_reply *reply, const void *data, size_t len, uint64_t row_count,
                               const uint64_t *row_ends, const int64_t *row_updated_us,
                               const void *token, size_t token_len);

/* The most bytes a token may have. */
#define FHX_TOKEN_MAX 4096
/* The most bytes a shard descriptor or a host context may have. */
#define FHX_OPAQUE_MAX 4096

/*
 * One item of a list (a type, a shard, a member), or a single text (a URL, a resource). After the
 * last one call fhx_reply_done: a list that was not finished is a failure.
 * Returns: FHX_OK; FHX_ERR_MISUSE and FHX_ERR_ARGUMENT as above; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_reply_item(fhx_reply *reply, const void *data, size_t len);

/*
 * The time in microseconds since 1970 UTC, and the resolution of the time stamps that the host
 * gives to resources, in microseconds (1,000 for milliseconds, 1,000,000 for seconds; at most a
 * day).
 */
FHX_API int32_t fhx_reply_time(fhx_reply *reply, int64_t now_us, int64_t resolution_us);

/* About how many resources, and about how many bytes of JSON; 0 for unknown. */
FHX_API int32_t fhx_reply_estimate(fhx_reply *reply, uint64_t resource_count, uint64_t byte_count);

/*
 * A stored object: its size in bytes, and its SHA-256 (32 bytes) where the destination knows it,
 * else NULL.
 */
FHX_API int32_t fhx_reply_object(fhx_reply *reply, uint64_t byte_count, const void *sha256);

/*
 * An open file descriptor, for reading.
 * Memory: it is the library's from here on, which closes it; also when the answer does not fit, and
 * when another descriptor takes its place.
 */
FHX_API int32_t fhx_reply_file(fhx_reply *reply, int32_t fd);

FHX_END_DECLS

#endif
