/* What is sent of a file: its bytes as they are stored, or what they hold. */
#ifndef FHX__PROTOCOL_CONTENT_H
#define FHX__PROTOCOL_CONTENT_H

#include "protocol/response.h"

typedef struct fhx__content {
  /* Set by who opens it. The part is in gzip: what is sent depends on Accept-Encoding. */
  bool is_negotiated;
  fhx__coding coding;
  char etag[FHX__PART_NAME_MAX + sizeof "\"\".gz"];
  const char *cache_control;
  /* Set by opening. */
  uint64_t byte_count;
  int descriptor;
  /* What the file holds is sent, not its bytes. */
  fhx__gzip_reader *unpacked;
} fhx__content;

/* Opens the part of that name; descriptor has to be -1. FHX_ERR_NOT_FOUND: there is none. */
int32_t fhx__content_open(fhx_destination *destination, const char *name, fhx__content *of,
                          fhx_error **error);
/* Answers a GET or HEAD: 200, 206 or 416. A response of this content has taken it over; a refusal
   has not. */
int32_t fhx__content_answer(const fhx_request *request, fhx__content *of, fhx_response **response,
                            fhx_error **error);
/* 406: none of the codings is one that the client takes. */
int32_t fhx__content_not_acceptable(fhx_response **response, fhx_error **error);
/* Closes what is left of it. */
void fhx__content_close(fhx__content *of);

#endif
