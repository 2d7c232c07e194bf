/* Blocks, their list, and what is true when an answer is missing. */
#include "azure/upload.h"

#include <stdio.h>
#include <string.h>

#include "azure/blob.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/encode.h"
#include "core/error.h"
#include "transport/pieces.h"

/* What the service takes: blocks in a blob, and how many of them have one length here. */
#define BLOCKS_MAX 50000
#define BLOCKS_EQUAL 10000
#define BLOCK_BYTES_MAX (UINT64_C(4000) << 20)
/* A block's id is the beginning of the upload's mark and the block's number: all of one length, as
   the service wants it, and none of another upload of the same name. In base64 with a NUL. */
#define BLOCK_MARK_LEN 12
#define BLOCK_ID_BYTES (BLOCK_MARK_LEN + 6)
#define BLOCK_ID_MAX 32
/* How long one waits for the end of what is given up, and for the store's word on what is in
   doubt. */
#define ABORT_US INT64_C(10000000)
#define PATIENCE_US INT64_C(2000000)
#define LOOK_PAUSE_US INT64_C(2000)
#define LOOK_US INT64_C(60000000)

static const char block_failed[] = "a block of the part could not be written";
static const char commit_failed[] = "the part could not be made a blob";

struct fhx__azure_upload {
  fhx__azure *azure;
  fhx__retries *retries;
  fhx__pieces *pieces;
  char *blob;
  bool is_gzip;
  /* Until when blocks under way may end by themselves once the part is given up. */
  int64_t patience_us;
  char mark[FHX__AZURE_MARK_LEN + 1];
};

/* A block under way. */
typedef struct block {
  fhx__azure_request request;
  char id[BLOCK_ID_MAX];
} block;

static int64_t until(int64_t duration_us) {
  return fhx__clock_monotonic_us() + duration_us;
}

/* --- blocks --- */

static int32_t write_block_id(const fhx__azure_upload *upload, uint64_t number,
                              char id[BLOCK_ID_MAX]) {
  char plain[BLOCK_ID_BYTES + 1];
  fhx__buffer text = {NULL, 0, 0};
  snprintf(plain, sizeof plain, "%.*s%06u", BLOCK_MARK_LEN, upload->mark, (unsigned)number);
  int32_t status = fhx__append_base64(&text, plain, BLOCK_ID_BYTES);
  if (status == FHX_OK) snprintf(id, BLOCK_ID_MAX, "%.*s", (int)text.len, text.data);
  fhx__buffer_free(&text);
  return status;
}

static int32_t start_block(void *context, void *work, const fhx__piece *piece, bool may_call_host,
                           fhx_error **error) {
  (void)may_call_host;
  fhx__azure_upload *upload = context;
  block *one = work;
  if (write_block_id(upload, piece->number, one->id) != FHX_OK) return fhx__no_memory(error);
  fhx__azure_request_init(&one->request, upload->azure, "PUT", upload->blob, block_failed);
  fhx__azure_request_ask(&one->request, "blockid", one->id);
  fhx__azure_request_ask(&one->request, "comp", "block");
  one->request.transfer.retries = upload->retries;
  int32_t status = fhx__azure_request_body(&one->request, piece->data, piece->len,
                                           "application/octet-stream", error);
  if (status == FHX_OK) status = fhx__azure_request_start(&one->request, error);
  if (status != FHX_OK) fhx__azure_request_end(&one->request);
  return status;
}

static bool block_is_over(void *context, void *work) {
  const fhx__azure_upload *upload = context;
  block *one = work;
  return fhx__transfer_is_over(upload->azure->transport, &one->request.transfer);
}

static int32_t finish_block(void *context, void *work, const fhx__piece *piece, bool may_call_host,
                            fhx_error **error) {
  block *one = work;
  (void)context;
  (void)piece;
  int32_t status = fhx__azure_request_wait(&one->request, may_call_host, error);
  if (status == FHX_OK && !fhx__azure_request_is_done(&one->request)) {
    status = fhx__azure_request_fail(&one->request, error);
  }
  fhx__azure_request_end(&one->request);
  return status;
}

/* A block that is cut off may arrive all the same, and behind the request that drops them all: it
   is better to let it end. */
static void cancel_block(void *context, void *work) {
  const fhx__azure_upload *upload = context;
  block *one = work;
  while (!block_is_over(context, work) && fhx__clock_monotonic_us() < upload->patience_us) {
    fhx__clock_sleep_us(LOOK_PAUSE_US);
  }
  fhx__azure_request_cancel(&one->request);
}

/* --- beginning and ending --- */

static void forget(fhx__azure_upload *upload) {
  fhx__pieces_free(upload->pieces);
  if (upload->retries != NULL) fhx__retries_put(upload->azure->transport, upload->retries);
  fhx__free(upload->blob);
  fhx__free(upload);
}

static bool ends_with(const char *text, const char *end) {
  size_t len = strlen(text), end_len = strlen(end);
  return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Requests that fail are counted for the job, which is the folder of the name. */
static int32_t fill(fhx__azure_upload *upload, const char *name, fhx_error **error) {
  static const fhx__piece_calls calls = {start_block, block_is_over, finish_block, cancel_block};
  const fhx__azure *azure = upload->azure;
  const fhx__piece_plan plan = {.bytes = azure->piece_bytes,
                                .doubles_after = BLOCKS_EQUAL,
                                .bytes_max = BLOCK_BYTES_MAX,
                                .count_max = BLOCKS_MAX,
                                .in_flight = azure->pieces_in_flight,
                                .work_bytes = sizeof(block)};
  const char *slash = strrchr(name, '/');
  size_t folder_len = slash == NULL ? 0 : (size_t)(slash - name);
  upload->is_gzip = ends_with(name, ".gz");
  upload->blob = fhx__azure_blob_name(azure, name);
  upload->retries = fhx__retries_get(azure->transport, name, folder_len);
  upload->pieces = fhx__pieces_new(&plan, &calls, upload);
  if (upload->blob == NULL || upload->retries == NULL || upload->pieces == NULL) {
    return fhx__no_memory(error);
  }
  return fhx__random_job_id(upload->mark, error);
}

int32_t fhx__azure_upload_begin(fhx__azure *azure, const char *name, fhx__azure_upload **upload,
                                fhx_error **error) {
  if (!fhx__azure_is_blob_name(name)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "a segment of the part's name ends with a dot, which the store does not keep");
  }
  fhx__azure_upload *begun = fhx__alloc_zeroed(1, sizeof *begun);
  if (begun == NULL) return fhx__no_memory(error);
  begun->azure = azure;
  int32_t status = fill(begun, name, error);
  if (status == FHX_OK) status = fhx__azure_tokens_renew(&azure->tokens, 0, error);
  if (status != FHX_OK) {
    forget(begun);
    return status;
  }
  *upload = begun;
  return FHX_OK;
}

int32_t fhx__azure_upload_write(fhx__azure_upload *upload, const void *data, size_t len,
                                fhx_error **error) {
  return fhx__pieces_write(upload->pieces, data, len, error);
}

/* Blocks that stay are nobody's, and go by themselves after a week. */
static void give_up(fhx__azure_upload *upload) {
  bool has_blocks = fhx__pieces_count(upload->pieces) > 0;
  upload->patience_us = until(PATIENCE_US);
  fhx__pieces_free(upload->pieces);
  upload->pieces = NULL;
  if (has_blocks) fhx__azure_blob_discard(upload->azure, upload->blob, until(ABORT_US), NULL);
}

void fhx__azure_upload_abort(fhx__azure_upload *upload) {
  give_up(upload);
  forget(upload);
}

/* --- the blob --- */

static int32_t append_block_list(const fhx__azure_upload *upload, fhx__buffer *list) {
  char id[BLOCK_ID_MAX];
  uint64_t count = fhx__pieces_count(upload->pieces);
  int32_t status =
      fhx__buffer_append_text(list, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
  for (uint64_t i = 0; status == FHX_OK && i < count; i++) {
    status = write_block_id(upload, i, id);
    if (status == FHX_OK) status = fhx__buffer_append_text(list, "<Uncommitted>");
    if (status == FHX_OK) status = fhx__buffer_append_text(list, id);
    if (status == FHX_OK) status = fhx__buffer_append_text(list, "</Uncommitted>");
  }
  return status == FHX_OK ? fhx__buffer_append_text(list, "</BlockList>") : status;
}

/* What the blob is to be like, and that nothing is replaced. */
static int32_t add_headers(const fhx__azure_upload *upload, fhx__azure_request *request) {
  int32_t status = fhx__azure_request_header(request, "if-none-match", "*");
  if (status == FHX_OK) {
    status =
        fhx__azure_request_header(request, "x-ms-blob-content-type", "application/fhir+ndjson");
  }
  if (status == FHX_OK && upload->is_gzip) {
    status = fhx__azure_request_header(request, "x-ms-blob-content-encoding", "gzip");
  }
  const char *cache_control = upload->azure->cache_control;
  if (status == FHX_OK && cache_control != NULL) {
    status = fhx__azure_request_header(request, "x-ms-blob-cache-control", cache_control);
  }
  if (status == FHX_OK) {
    status = fhx__azure_request_header(request, FHX__AZURE_MARK, upload->mark);
  }
  return status;
}

static int32_t fill_single(fhx__azure_request *request, const fhx__piece *piece,
                           fhx_error **error) {
  if (fhx__azure_request_header(request, "x-ms-blob-type", "BlockBlob") != FHX_OK) {
    return fhx__no_memory(error);
  }
  return fhx__azure_request_body(request, piece->data, piece->len, "application/octet-stream",
                                 error);
}

static int32_t fill_list(const fhx__azure_upload *upload, fhx__azure_request *request,
                         fhx__buffer *list, fhx_error **error) {
  int32_t status = fhx__pieces_flush(upload->pieces, true, error);
  if (status != FHX_OK) return status;
  if (append_block_list(upload, list) != FHX_OK) return fhx__no_memory(error);
  fhx__azure_request_ask(request, "comp", "blocklist");
  return fhx__azure_request_body(request, list->data, list->len, "application/xml", error);
}

/* Makes the request that the blob comes into being by. */
static int32_t fill_commit(const fhx__azure_upload *upload, fhx__azure_request *request,
                           fhx__buffer *list, uint64_t byte_count, fhx_error **error) {
  fhx__piece piece = {0, NULL, 0};
  fhx__azure_request_init(request, upload->azure, "PUT", upload->blob, commit_failed);
  request->transfer.retries = upload->retries;
  if (fhx__pieces_bytes(upload->pieces) != byte_count) {
    return fhx__fail(error, FHX_ERR_INTERNAL, "%s: it has another length than what was written",
                     commit_failed);
  }
  if (add_headers(upload, request) != FHX_OK) return fhx__no_memory(error);
  return fhx__pieces_are_one(upload->pieces, &piece) ? fill_single(request, &piece, error)
                                                     : fill_list(upload, request, list, error);
}

/* What is there is ours, but not what was sent. */
static int32_t remove_wrong(const fhx__azure_upload *upload, fhx_error **error) {
  int32_t status = fhx__azure_blob_remove(upload->azure, upload->blob, until(LOOK_US), NULL);
  return fhx__fail_with(error, status == FHX_OK ? FHX_ERR_DESTINATION : FHX_ERR_UNKNOWN_OUTCOME, 1,
                        "%s: the blob has another length than the part", commit_failed);
}

static int32_t unknown(fhx_error **error) {
  return fhx__fail_with(error, FHX_ERR_UNKNOWN_OUTCOME, 1,
                        "%s, or its answer was lost: it is not known whether it is there",
                        commit_failed);
}

/* The store has said yes, has said that there is a blob already, or has said nothing that can be
   relied on. What is there decides. */
static int32_t judge_sight(const fhx__azure_upload *upload, const fhx__azure_sight *sight,
                           uint64_t byte_count, bool may_come, fhx_error **error) {
  if (sight->is_there && strcmp(sight->mark, upload->mark) == 0) {
    return sight->byte_count == byte_count ? FHX_OK : remove_wrong(upload, error);
  }
  /* It can no longer come where somebody else's is. */
  if (sight->is_there) {
    return fhx__fail(error, FHX_ERR_EXISTS, "%s: a blob of this name exists", commit_failed);
  }
  return may_come ? unknown(error)
                  : fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                                   "%s: the store says that there is one, and shows none",
                                   commit_failed);
}

static int32_t settle(const fhx__azure_upload *upload, const fhx__azure_request *request,
                      int32_t status, uint64_t byte_count, fhx_error **error) {
  fhx__azure_sight sight;
  fhx_error *fault = NULL;
  bool is_done = status == FHX_OK && fhx__azure_request_is_done(request);
  bool is_taken = status == FHX_OK &&
                  (request->transfer.http_status == 409 || request->transfer.http_status == 412);
  bool may_come = is_done || request->in_doubt;
  if (status == FHX_OK && !is_done) {
    status = fhx__azure_request_fail(request, &fault);
  }
  /* A definite no; the error is the caller's, who has it already where there was no answer. */
  if (!may_come && !is_taken) return fhx__azure_hand_over(status, fault, error);
  int32_t looked = fhx__azure_blob_look(upload->azure, upload->blob, until(LOOK_US), &sight, NULL);
  if (looked == FHX_OK && (sight.is_there || may_come)) {
    fhx_error_free(fault);
    return judge_sight(upload, &sight, byte_count, may_come, error);
  }
  if (!may_come) return fhx__azure_hand_over(status, fault, error);
  fhx_error_free(fault);
  return unknown(error);
}

int32_t fhx__azure_upload_commit(fhx__azure_upload *upload, uint64_t byte_count,
                                 fhx_error **error) {
  fhx__azure_request request;
  fhx__buffer list = {NULL, 0, 0};
  fhx_error *fault = NULL;
  int32_t status = fill_commit(upload, &request, &list, byte_count, &fault);
  if (status == FHX_OK) {
    status = fhx__azure_request_run(&request, 0, &fault);
    if (status == FHX_OK || request.in_doubt) {
      fhx__clear_error(&fault);
      status = settle(upload, &request, status, byte_count, &fault);
    }
  }
  fhx__azure_request_end(&request);
  fhx__buffer_free(&list);
  if (status != FHX_OK && status != FHX_ERR_UNKNOWN_OUTCOME) give_up(upload);
  forget(upload);
  return fhx__azure_hand_over(status, fault, error);
}
