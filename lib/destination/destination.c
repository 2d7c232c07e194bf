/* A destination's handle and its callbacks. What the parts are made of is the writer's business,
   how they are kept is the host's: here every answer is turned into a status, and nothing else. */
#include "destination/destination.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/names.h"
#include "core/structs.h"

#define FLAGS_KNOWN (FHX_DESTINATION_REQUIRES_TOKEN | FHX_DESTINATION_ANY_THREAD)

struct fhx_destination {
  atomic_size_t reference_count;
  fhx_destination_callbacks callbacks;
  void *user_data;
};

FHX__DEFINE_INIT(fhx_destination_callbacks)

static int32_t check_callbacks(const fhx_destination_callbacks *callbacks, fhx_error **error) {
  const char *missing = NULL;
  if (callbacks->part_open == NULL) missing = "part_open";
  if (callbacks->part_write == NULL) missing = "part_write";
  if (callbacks->part_commit == NULL) missing = "part_commit";
  if (callbacks->part_abort == NULL) missing = "part_abort";
  if (callbacks->part_url == NULL) missing = "part_url";
  if (callbacks->part_remove == NULL) missing = "part_remove";
  if (missing != NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a destination needs %s", missing);
  }
  if ((callbacks->document_put == NULL) != (callbacks->document_get == NULL)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "a destination has both document_put and document_get, or neither");
  }
  if ((callbacks->flags & ~FLAGS_KNOWN) != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the destination has a flag that this version of the library does not know");
  }
  return FHX_OK;
}

static int32_t make(const fhx_destination_callbacks *callbacks, void *user_data,
                    fhx_destination **destination, fhx_error **error) {
  if (destination == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no place to store the destination in");
  }
  int32_t status = check_callbacks(callbacks, error);
  if (status != FHX_OK) return status;
  fhx_destination *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return fhx__no_memory(error);
  atomic_init(&made->reference_count, 1);
  made->callbacks = *callbacks;
  made->user_data = user_data;
  *destination = made;
  return FHX_OK;
}

int32_t fhx_destination_new(const fhx_destination_callbacks *callbacks, void *user_data,
                            fhx_destination **destination, fhx_error **error) {
  fhx_destination_callbacks copy;
  int32_t status =
      fhx__struct_in(&copy, sizeof copy, callbacks, "fhx_destination_callbacks", error);
  if (status != FHX_OK) return status;
  status = make(&copy, user_data, destination, error);
  if (status != FHX_OK && copy.destroy != NULL) copy.destroy(user_data);
  return status;
}

fhx_destination *fhx__destination_ref(fhx_destination *destination) {
  atomic_fetch_add_explicit(&destination->reference_count, 1, memory_order_relaxed);
  return destination;
}

void fhx_destination_free(fhx_destination *destination) {
  if (destination == NULL) return;
  /* Release: what this thread did with the destination comes before destroy on another thread. */
  if (atomic_fetch_sub_explicit(&destination->reference_count, 1, memory_order_acq_rel) != 1) {
    return;
  }
  if (destination->callbacks.destroy != NULL) {
    destination->callbacks.destroy(destination->user_data);
  }
  fhx__free(destination);
}

uint32_t fhx__destination_flags(const fhx_destination *destination) {
  return destination->callbacks.flags;
}

static int32_t check_name(const char *name, fhx_error **error) {
  if (fhx__is_part_name(name)) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT,
                   "the part's name is not made of segments of letters, digits, '.', '_' and '-' "
                   "without a dot first, or is longer than %d bytes",
                   FHX__PART_NAME_MAX);
}

/* Silence stays a failure that may be tried again; every answer of the host overrides that. */
static void begin_reply(fhx_reply *reply, uint32_t accepts) {
  fhx__reply_begin(reply, accepts, "it");
  reply->retryable = 1;
}

/* Only a commit has an outcome that its caller would look for. */
static void judge_before_commit(fhx_reply *reply) {
  if (reply->status == FHX_ERR_UNKNOWN_OUTCOME) reply->status = FHX_ERR_DESTINATION;
}

int32_t fhx__destination_open(fhx_destination *destination, const char *name, void **upload,
                              fhx_error **error) {
  int32_t status = check_name(name, error);
  if (status != FHX_OK) return status;
  fhx_reply reply;
  begin_reply(&reply, FHX__ACCEPT_HANDLE);
  destination->callbacks.part_open(destination->user_data, name, &reply);
  judge_before_commit(&reply);
  status = fhx__reply_status(&reply, "the destination's part_open", error);
  if (status == FHX_OK) *upload = reply.handle;
  fhx__reply_end(&reply);
  return status;
}

int32_t fhx__destination_write(fhx_destination *destination, void *upload, const void *data,
                               size_t len, fhx_error **error) {
  if (len == 0) return FHX_OK;
  fhx_reply reply;
  begin_reply(&reply, FHX__ACCEPT_DONE);
  destination->callbacks.part_write(destination->user_data, upload, data, len, &reply);
  judge_before_commit(&reply);
  int32_t status = fhx__reply_status(&reply, "the destination's part_write", error);
  fhx__reply_end(&reply);
  return status;
}

int32_t fhx__destination_commit(fhx_destination *destination, void *upload, const fhx_part *part,
                                fhx_error **error) {
  int32_t status = check_name(part->name, error);
  if (status != FHX_OK) {
    fhx__destination_abort(destination, upload);
    return status;
  }
  fhx_reply reply;
  begin_reply(&reply, FHX__ACCEPT_DONE);
  destination->callbacks.part_commit(destination->user_data, upload, part, &reply);
  /* Only a failure that the host put into words is a "no": a callback that raised, or that answered
     with something else, may have published the part before. */
  if (reply.broken || reply.status == FHX_ERR_NO_ANSWER) reply.status = FHX_ERR_UNKNOWN_OUTCOME;
  status = fhx__reply_status(&reply, "the destination's part_commit", error);
  fhx__reply_end(&reply);
  return status;
}

void fhx__destination_abort(fhx_destination *destination, void *upload) {
  destination->callbacks.part_abort(destination->user_data, upload);
}

static int32_t compare_object(const fhx_reply *reply, const fhx_part *part, fhx_error **error) {
  if (reply->byte_count != fhx_part_stored_byte_count(part)) {
    return fhx__fail(error, FHX_ERR_DESTINATION,
                     "the destination's part_stat: the object has another size than the part");
  }
  if (reply->has_sha256 && part->has_sha256 &&
      memcmp(reply->sha256, part->sha256, sizeof part->sha256) != 0) {
    return fhx__fail(error, FHX_ERR_DESTINATION,
                     "the destination's part_stat: the object has another SHA-256 than the part");
  }
  return FHX_OK;
}

/* FHX_OK: `reply` has what part_stat answered, and is to be ended. */
static int32_t ask_stat(fhx_destination *destination, const char *name, fhx_reply *reply,
                        fhx_error **error) {
  if (destination->callbacks.part_stat == NULL) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the destination has no part_stat");
  }
  int32_t status = check_name(name, error);
  if (status != FHX_OK) return status;
  begin_reply(reply, FHX__ACCEPT_OBJECT);
  destination->callbacks.part_stat(destination->user_data, name, reply);
  status = fhx__reply_status(reply, "the destination's part_stat", error);
  if (status != FHX_OK) fhx__reply_end(reply);
  return status;
}

int32_t fhx__destination_stat(fhx_destination *destination, const fhx_part *part,
                              fhx_error **error) {
  fhx_reply reply;
  int32_t status = ask_stat(destination, part->name, &reply, error);
  if (status != FHX_OK) return status;
  status = compare_object(&reply, part, error);
  fhx__reply_end(&reply);
  return status;
}

int32_t fhx_destination_stat(fhx_destination *destination, const char *name, uint64_t *byte_count,
                             fhx_error **error) {
  fhx_reply reply;
  if (destination == NULL || name == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a part is looked for by a destination and a name");
  }
  int32_t status = ask_stat(destination, name, &reply, error);
  if (status != FHX_OK) return status;
  if (byte_count != NULL) *byte_count = reply.byte_count;
  fhx__reply_end(&reply);
  return FHX_OK;
}

/* A URL goes into the manifest as it is, so it must be one: visible ASCII (RFC 3986). */
static int32_t take_url(const fhx_reply *reply, fhx__buffer *url, fhx_error **error) {
  size_t len = 0;
  const char *text = NULL;
  if (fhx__reply_item_count(reply) == 1) text = fhx__reply_item_at(reply, 0, &len);
  if (len == 0) {
    return fhx__fail(error, FHX_ERR_DESTINATION,
                     "the destination's part_url: it did not give exactly one URL");
  }
  for (size_t i = 0; i < len; i++) {
    if (text[i] <= ' ' || text[i] > '~') {
      return fhx__fail(error, FHX_ERR_DESTINATION,
                       "the destination's part_url: the URL is not made of visible ASCII");
    }
  }
  if (fhx__buffer_append(url, text, len) != FHX_OK) return fhx__no_memory(error);
  return FHX_OK;
}

int32_t fhx__destination_url(fhx_destination *destination, const fhx_part *part, int64_t expires_us,
                             fhx__buffer *url, fhx_error **error) {
  int32_t status = check_name(part->name, error);
  if (status != FHX_OK) return status;
  fhx_reply reply;
  begin_reply(&reply, FHX__ACCEPT_ITEMS | FHX__ACCEPT_DONE);
  destination->callbacks.part_url(destination->user_data, part, expires_us, &reply);
  status = fhx__reply_status(&reply, "the destination's part_url", error);
  if (status == FHX_OK) status = take_url(&reply, url, error);
  fhx__reply_end(&reply);
  return status;
}

int32_t fhx__destination_check(fhx_destination *destination, int64_t until_us, fhx_error **error) {
  fhx_reply reply;
  if (destination->callbacks.check_writable == NULL) return FHX_OK;
  begin_reply(&reply, FHX__ACCEPT_DONE);
  reply.until_us = until_us;
  destination->callbacks.check_writable(destination->user_data, &reply);
  int32_t status = fhx__reply_status(&reply, "the destination's check_writable", error);
  fhx__reply_end(&reply);
  return status;
}

int32_t fhx__destination_urls_until(fhx_destination *destination, int64_t expires_us,
                                    int64_t until_us, int64_t *good_until_us, fhx_error **error) {
  fhx_reply reply;
  *good_until_us = expires_us;
  if (destination->callbacks.urls_until == NULL) return FHX_OK;
  begin_reply(&reply, FHX__ACCEPT_TIME);
  reply.until_us = until_us;
  destination->callbacks.urls_until(destination->user_data, expires_us, &reply);
  int32_t status = fhx__reply_status(&reply, "the destination's urls_until", error);
  /* More than was asked for is no promise for what part_url will be asked for. */
  if (status == FHX_OK && reply.now_us < expires_us) *good_until_us = reply.now_us;
  fhx__reply_end(&reply);
  return status;
}

bool fhx__destination_serves_files(const fhx_destination *destination) {
  return destination->callbacks.part_file != NULL;
}

/* What is served has a length that stays: of a pipe or a device nobody knows it. */
static int32_t measure(int file, uint64_t *byte_count, fhx_error **error) {
  struct stat found;
  if (fstat(file, &found) != 0) {
    char reason[128];
    return fhx__fail(error, FHX_ERR_DESTINATION,
                     "the destination's part_file: what it gave cannot be looked at (%s)",
                     fhx__errno_text(errno, reason, sizeof reason));
  }
  if (!S_ISREG(found.st_mode)) {
    return fhx__fail(error, FHX_ERR_DESTINATION,
                     "the destination's part_file: what it gave is not a regular file");
  }
  *byte_count = (uint64_t)found.st_size;
  return FHX_OK;
}

int32_t fhx__destination_file(fhx_destination *destination, const char *name, int *fd,
                              uint64_t *byte_count, fhx_error **error) {
  *fd = -1;
  *byte_count = 0;
  if (!fhx__destination_serves_files(destination)) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the destination has no part_file");
  }
  int32_t status = check_name(name, error);
  if (status != FHX_OK) return status;
  fhx_reply reply;
  begin_reply(&reply, FHX__ACCEPT_FILE);
  destination->callbacks.part_file(destination->user_data, name, &reply);
  status = fhx__reply_status(&reply, "the destination's part_file", error);
  if (status == FHX_OK) status = measure(reply.file, byte_count, error);
  if (status == FHX_OK) *fd = fhx__reply_take_file(&reply);
  fhx__reply_end(&reply);
  return status;
}

int32_t fhx__destination_remove(fhx_destination *destination, const char *name, fhx_error **error) {
  int32_t status = check_name(name, error);
  if (status != FHX_OK) return status;
  fhx_reply reply;
  begin_reply(&reply, FHX__ACCEPT_DONE);
  destination->callbacks.part_remove(destination->user_data, name, &reply);
  /* Nothing there is success, whichever way the host says so. */
  if (reply.status == FHX_ERR_NOT_FOUND) reply.status = FHX_OK;
  status = fhx__reply_status(&reply, "the destination's part_remove", error);
  fhx__reply_end(&reply);
  return status;
}

int32_t fhx_destination_remove(fhx_destination *destination, const char *name, fhx_error **error) {
  if (destination == NULL || name == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a part is removed by a destination and a name");
  }
  return fhx__destination_remove(destination, name, error);
}

/* --- documents --- */

bool fhx__destination_has_documents(const fhx_destination *destination) {
  return destination->callbacks.document_put != NULL;
}

static int32_t check_document(const fhx_destination *destination, const char *name,
                              fhx_error **error) {
  if (!fhx__destination_has_documents(destination)) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the destination has no documents");
  }
  if (fhx__is_document_name(name)) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT, "that is no name of a document");
}

int32_t fhx__document_put(fhx_destination *destination, const char *name, const void *data,
                          size_t len, const char *media_type, const char *cache_control,
                          fhx_error **error) {
  int32_t status = check_document(destination, name, error);
  if (status != FHX_OK) return status;
  fhx_reply reply;
  begin_reply(&reply, FHX__ACCEPT_DONE);
  destination->callbacks.document_put(destination->user_data, name, data, len, media_type,
                                      cache_control, &reply);
  status = fhx__reply_status(&reply, "the destination's document_put", error);
  fhx__reply_end(&reply);
  return status;
}

static int32_t take_document(const fhx_reply *reply, fhx__buffer *text, fhx_error **error) {
  size_t len = 0;
  if (fhx__reply_item_count(reply) != 1) {
    return fhx__fail(error, FHX_ERR_DESTINATION,
                     "the destination's document_get: it did not give exactly one document");
  }
  const char *data = fhx__reply_item_at(reply, 0, &len);
  if (fhx__buffer_append(text, data, len) != FHX_OK) return fhx__no_memory(error);
  return FHX_OK;
}

int32_t fhx__document_get(fhx_destination *destination, const char *name, fhx__buffer *text,
                          fhx_error **error) {
  int32_t status = check_document(destination, name, error);
  if (status != FHX_OK) return status;
  fhx_reply reply;
  begin_reply(&reply, FHX__ACCEPT_ITEMS | FHX__ACCEPT_DONE);
  destination->callbacks.document_get(destination->user_data, name, &reply);
  status = fhx__reply_status(&reply, "the destination's document_get", error);
  if (status == FHX_OK) status = take_document(&reply, text, error);
  fhx__reply_end(&reply);
  return status;
}
