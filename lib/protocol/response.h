/* An HTTP answer while it is made. */
#ifndef FHX__PROTOCOL_RESPONSE_H
#define FHX__PROTOCOL_RESPONSE_H

#include <fhirexport/engine.h>
#include <fhirexport/manifest.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/names.h"
#include "gzip/reader.h"
#include "observe/event.h"
#include "request/request.h"

#define FHX__RESPONSE_HEADERS_MAX 12

typedef struct fhx__response_header {
  /* A static string. */
  const char *name;
  char *value;
} fhx__response_header;

struct fhx_response {
  uint32_t status;
  uint32_t header_count;
  fhx__response_header headers[FHX__RESPONSE_HEADERS_MAX];
  /* One of four bodies: text, a manifest, a stretch of a file (descriptor -1: none), or a stretch
     of what that file holds, unpacked. */
  fhx__buffer text;
  size_t read;
  fhx_manifest *manifest;
  int descriptor;
  fhx__gzip_reader *unpacked;
  /* Of the last two: where the stretch begins, and how much of it is left. */
  uint64_t offset;
  uint64_t length;
  /* The fault that is the reason for the answer, as a status, or FHX_OK. */
  int32_t fault;
  /* Of a file, until the end of the answer is told; NULL: nothing is. What was sent is counted. */
  fhx__watch *watch;
  uint64_t announced;
  uint64_t sent;
  char job_id[FHX__JOB_ID_LEN + 1];
  char file[FHX__PART_NAME_MAX + 1];
};

/* An answer without a body. FHX_OK or FHX_ERR_NO_MEMORY, as all that follow. */
int32_t fhx__response_new(uint32_t status, fhx_response **response, fhx_error **error);

/* Adds a header; its value is printed. */
int32_t fhx__response_add(fhx_response *response, fhx_error **error, const char *name,
                          const char *format, ...) FHX__PRINTF(4);

/* An answer whose body is an OperationOutcome. */
int32_t fhx__response_outcome(uint32_t status, const char *severity, const char *code,
                              const char *text, fhx_response **response, fhx_error **error);

/* The same, severity error, with a Retry-After: the client may come again in so many seconds. */
int32_t fhx__response_later(uint32_t status, const char *code, const char *text, uint32_t seconds,
                            fhx_response **response, fhx_error **error);

/* Adds a header to an answer that is made; when it cannot, the answer is freed and NULL. */
int32_t fhx__response_extend(fhx_response **response, fhx_error **error, const char *name,
                             const char *value);

/* The answer to a request that is refused. */
int32_t fhx__response_problem(const fhx__problem *problem, fhx_response **response,
                              fhx_error **error);

/* 404, the same whatever the reason (STAT-15). */
int32_t fhx__response_no_job(fhx_response **response, fhx_error **error);

/* 405 with the methods that are allowed. */
int32_t fhx__response_method(const char *allowed, fhx_response **response, fhx_error **error);

/* 503 for a fault that may pass, else 500, for an error of the server's own. Its message is not
   shown. Lack of memory is no answer but FHX_ERR_NO_MEMORY again. */
int32_t fhx__response_fault(const fhx_error *fault, fhx_response **response, fhx_error **error);

#endif
