/* A kick-off's parameters while they are read: what the files that read them share. */
#ifndef FHX__REQUEST_READING_H
#define FHX__REQUEST_READING_H

#include "request/request.h"
#include "request/span.h"

typedef struct fhx__reading {
  const fhx__export_rules *rules;
  const fhx__kick_off *kick_off;
  fhx__export_request *request;
  fhx__problem *problem;
  size_t skipped_count;
  /* Of _elements, what is skipped among them. */
  size_t element_count;
  /* Whether _type had a name, whether one is in the filter, and whether one of these is of
     something that this export can have. */
  bool names_types;
  bool has_type;
  bool has_reach;
  /* includeAssociatedData had a value that counts. */
  bool includes_data;
  /* Of _typeFilter. */
  size_t query_count;
} fhx__reading;

/* Notes a sentence for the error file. FHX_OK or FHX_ERR_NO_MEMORY. */
int32_t fhx__reading_skip(fhx__reading *of, const char *sentence);

/* "<what>: <why>" of something that this server does not do: 400, or noted when the client is
   lenient (KICK-12, PARAM-02). Both texts are short. */
int32_t fhx__reading_unsupported(fhx__reading *of, const char *what, const char *why);

/* Whether the client may read this type. */
bool fhx__reading_permits(const fhx__reading *of, const char *type);

/*
 * The next of several values that one parameter has, with commas between; by the ballot it has one
 * (PARAM-08, PARAM-09). As fhx__span_next.
 */
bool fhx__reading_next(const fhx__reading *of, fhx__span *rest, fhx__span *entry);

/* --- how long files are to be; in file_size_request.c --- */

int32_t fhx__reading_minimum_file_size(fhx__reading *of, const fhx__parameter *parameter);
int32_t fhx__reading_maximum_file_size(fhx__reading *of, const fhx__parameter *parameter);
/* The one is less than the other. */
int32_t fhx__reading_settle_file_size(fhx__reading *of);

/* --- what else is exported, and how it is arranged; in output_request.c --- */

int32_t fhx__reading_organize(fhx__reading *of, const fhx__parameter *parameter);
int32_t fhx__reading_partial_manifests(fhx__reading *of, const fhx__parameter *parameter);
int32_t fhx__reading_associated_data(fhx__reading *of, const fhx__parameter *parameter);

/* --- where files go; in destination_request.c --- */

int32_t fhx__reading_destination_type(fhx__reading *of, const fhx__parameter *parameter);
int32_t fhx__reading_destination_settings(fhx__reading *of, const fhx__parameter *parameter);
int32_t fhx__reading_container(fhx__reading *of, const fhx__parameter *parameter);
/* All of them are there, or none. */
int32_t fhx__reading_settle_destination(fhx__reading *of);

/* The associated types of the server, before any parameter. */
int32_t fhx__reading_begin_output(fhx__reading *of);
/* What does not go together, when all of these are read. */
int32_t fhx__reading_settle_output(fhx__reading *of);

/* --- in type_filter.c, when the types are known --- */

int32_t fhx__reading_type_filter(fhx__reading *of, const fhx__parameter *parameter);

#endif
