/*
 * fhirexport/source.h: where resources come from.
 *
 * A source is a table of callbacks: open a cursor over the resources of a query, give the next
 * rows, close it. Three callbacks make a correct source; the others make it fast or let it do
 * more. The built-in sources, a folder of NDJSON, an SQLite table and a PostgreSQL table, are
 * written on the same table.
 *
 * Unless a callback says otherwise: it is called on a thread inside fhx_job_run or
 * fhx_job_run_task (list_types and read_clock also inside fhx_job_start, list_types where an
 * engine answers `/metadata`); several threads may be
 * inside the same source at once, each with a cursor of its own, and a cursor is used by one
 * thread; it may call fhx_job_cancel and fhx_job_progress_new, but not fhx_job_run or
 * fhx_job_run_task of the job that is calling it, which answer FHX_ERR_REENTRANT. No lock of the
 * library is held. After a failure that is retryable the task is tried again from its last
 * checkpoint, a bounded number of times; after any other the job fails with the message.
 *
 * Of all functions here: Threads: a query is read by the thread of the callback that got it, or of
 * its cursor; all else is for any. Memory: what a query gives lives as long as the query. Since
 * 0.9.0.
 */
#ifndef FHIREXPORT_SOURCE_H
#define FHIREXPORT_SOURCE_H

#include <fhirexport/error.h>
#include <fhirexport/reply.h>

FHX_BEGIN_DECLS

/* Where resources come from. Jobs and engines take one. */
typedef struct fhx_source fhx_source;

/*
 * What is asked of a source. Read through the functions below, valid during open_cursor and until
 * the cursor is closed.
 */
typedef struct fhx_query fhx_query;

/* The FHIR type wanted. Always given, but for open_patient. */
FHX_API const char *fhx_query_resource_type(const fhx_query *query);

/* 1 if the export has resources of this type, else 0: for open_patient. */
FHX_API uint32_t fhx_query_wants_type(const fhx_query *query, const char *resource_type);

/* The shard: a descriptor that list_shards gave, unchanged; NULL and 0: the whole type. */
FHX_API const void *fhx_query_shard(const fhx_query *query, size_t *len);

/* Resources as they were at this time (the job's transactionTime), in microseconds. */
FHX_API int64_t fhx_query_as_of_us(const fhx_query *query);

/*
 * Only resources changed after this time, in microseconds; FHX_TIME_NONE: no bound. It is floored,
 * so a source that applies it takes `updated_us > since_us` for stamps of microseconds or coarser.
 * When fhx_query_window_exact is 0, the bound has finer digits than a microsecond: a source with
 * finer stamps applies neither bound, or takes `>=`.
 */
FHX_API int64_t fhx_query_since_us(const fhx_query *query);

/* Only resources changed before this time, rounded up to a microsecond; FHX_TIME_NONE: no bound. */
FHX_API int64_t fhx_query_until_us(const fhx_query *query);

/* 1 when both bounds are whole microseconds. */
FHX_API uint32_t fhx_query_window_exact(const fhx_query *query);

/* No time: a bound that there is not. */
#define FHX_TIME_NONE INT64_MIN

/* Whose resources are wanted: everybody's and nobody's; those in some patient's compartment; those
   in the compartments of the patient set. */
#define FHX_SCOPE_ALL 0
#define FHX_SCOPE_PATIENTS 1
#define FHX_SCOPE_PATIENT_SET 2
FHX_API uint32_t fhx_query_scope(const fhx_query *query);

/*
 * The patient set of FHX_SCOPE_PATIENT_SET, of any size: the number of patients; their ids in
 * ascending order of bytes, by position; and a membership test for one id. A set that does not fit
 * into memory is on disk. The number is 0 while a Group is still being resolved (read_resource,
 * group_members), since its set is not known.
 */
FHX_API uint64_t fhx_query_patient_count(const fhx_query *query);
/*
 * Stores at most `capacity` ids from position `first` in `ids`, and how many in `*count`: fewer
 * than there are, if they are many; 0 behind the last.
 * Memory: the ids live until the next call for this query.
 * Returns: FHX_OK; FHX_ERR_MISUSE while a Group is still being resolved, since its set is not known;
 * FHX_ERR_IO when it cannot be read; FHX_ERR_ARGUMENT for NULL; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_query_patients(const fhx_query *query, uint64_t first, uint64_t capacity,
                                   const char **ids, uint64_t *count, fhx_error **error);
/*
 * Stores 1 in `*is_patient` if the id is in the set, else 0.
 * Returns: FHX_OK; FHX_ERR_MISUSE while a Group is still being resolved, since its set is not known;
 * FHX_ERR_IO when it cannot be read; FHX_ERR_ARGUMENT for NULL; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_query_is_patient(const fhx_query *query, const char *patient_id,
                                     uint32_t *is_patient, fhx_error **error);

/*
 * `_typeFilter`: the queries on content that resources of the query's type have to meet, at least
 * one of them, as fhx_filter_add_query took them: "Observation?status=final&date=ge2024". 0: its
 * resources are not filtered so, or are not to be by the source. Names and values are encoded as in
 * a URL. The texts may hold what is confidential. NULL behind the last.
 */
FHX_API uint64_t fhx_query_search_count(const fhx_query *query);
FHX_API const char *fhx_query_search(const fhx_query *query, uint64_t position);

/* Where to go on: the token of a reply of this source; NULL and 0: from the beginning. */
FHX_API const void *fhx_query_token(const fhx_query *query, size_t *len);

/* The job's tenant, "" for none, and its host context, as given at the start. */
FHX_API const char *fhx_query_tenant(const fhx_query *query);
FHX_API const void *fhx_query_host_context(const fhx_query *query, size_t *len);

/*
 * What a source says about a cursor: each bit is a part of the query that its rows already obey.
 * The library applies the rest. A source that sets none is correct, only slower.
 */
/* Only the wanted type is delivered; then a row of another type is a bad row. */
#define FHX_APPLIED_TYPE 1u
#define FHX_APPLIED_SINCE 2u
#define FHX_APPLIED_UNTIL 4u
/* Only what the query's scope holds is delivered, each resource once. */
#define FHX_APPLIED_PATIENTS 8u
/* Rows are the versions that were current at as_of. */
#define FHX_APPLIED_AS_OF 16u
/* Rows come in strictly ascending byte order of id; a row out of order fails the job. */
#define FHX_PROMISE_ASCENDING_IDS 32u
/* Only what meets one of the query's searches is delivered, if it has any: exactly as FHIR says,
   for the library does not look again. */
#define FHX_APPLIED_SEARCH 64u

/*
 * Open a cursor. A query with a shard or a token must be obeyed in these; a source that cannot
 * fails. Rows run in the order of a key that never changes, so that a token keeps its place.
 * Answers: fhx_reply_handle(cursor, applied); fhx_reply_fail.
 */
typedef void (*fhx_open_cursor_callback)(void *user_data, const fhx_query *query, fhx_reply *reply);

/*
 * The next rows: about `want_bytes` of them; more or fewer do no harm.
 * Answers: fhx_reply_rows; fhx_reply_end; fhx_reply_wait; fhx_reply_fail.
 */
typedef void (*fhx_next_rows_callback)(void *user_data, void *cursor, uint64_t want_bytes,
                                       fhx_reply *reply);

/* The cursor is no longer needed. Called once for each opened cursor. */
typedef void (*fhx_close_cursor_callback)(void *user_data, void *cursor);

/*
 * Optional. Divide the query's type into at most `count_max` disjoint shards that together hold
 * all of it, now and later: the first and the last are open-ended. Called while planning.
 * Answers: fhx_reply_item for each descriptor (1 to FHX_OPAQUE_MAX bytes), then fhx_reply_done; no
 * item: one shard, the whole type; fhx_reply_fail.
 */
typedef void (*fhx_list_shards_callback)(void *user_data, const fhx_query *query,
                                         uint32_t count_max, fhx_reply *reply);

/*
 * Optional. One resource as of the query's as_of. `reference` is `Type/id`. Also called at the
 * start of a job, for the Group and the patients that the export names; without it, what it would
 * tell is found out by reading whole types, after the start.
 * Answers: fhx_reply_item, then fhx_reply_done; fhx_reply_fail with FHX_ERR_NOT_FOUND; with
 * FHX_ERR_DENIED: not for this client; fhx_reply_fail.
 */
typedef void (*fhx_read_resource_callback)(void *user_data, const fhx_query *query,
                                           const char *reference, fhx_reply *reply);

/*
 * Optional. The members of a Group as of the query's as_of, if the host can list them better than
 * the library, which reads the Group's resource: page by page, or by criteria (`member-filter`), or
 * by identifiers. Only active members, Groups among them, which the library follows. `after` is ""
 * at first, then the last member that was given.
 * Also called at the start of a job, with an `after` of "", to see whether there is such a Group.
 * Answers: fhx_reply_item (`Type/id`) for the next members behind `after`, a few thousand at most,
 * in ascending order of bytes, then fhx_reply_done; without an item: there are no more.
 * fhx_reply_fail with FHX_ERR_NOT_FOUND; with FHX_ERR_DENIED: not for this client; with
 * FHX_ERR_UNSUPPORTED: the library is to read this one's resource; fhx_reply_fail.
 */
typedef void (*fhx_group_members_callback)(void *user_data, const fhx_query *query,
                                           const char *group_id, const char *after,
                                           fhx_reply *reply);

/*
 * Optional. The types this source has; needed for an export that names none. Called at the start
 * of a job, where a type that is not listed is refused. Answers: fhx_reply_item for each, then
 * fhx_reply_done; fhx_reply_fail.
 */
typedef void (*fhx_list_types_callback)(void *user_data, fhx_reply *reply);

/* Optional. About how much a query will deliver. Answers: fhx_reply_estimate; fhx_reply_fail. */
typedef void (*fhx_count_estimate_callback)(void *user_data, const fhx_query *query,
                                            fhx_reply *reply);

/*
 * Optional. Are all writes stamped at or before `as_of_us` visible to a cursor opened now? Without
 * it the library waits `settle_us`. Answers: fhx_reply_done; fhx_reply_wait; fhx_reply_fail.
 */
typedef void (*fhx_snapshot_ready_callback)(void *user_data, int64_t as_of_us, fhx_reply *reply);

/*
 * Optional. The clock that stamps resources. Without it: the system's clock, and stamps of
 * milliseconds. Answers: fhx_reply_time; fhx_reply_fail.
 */
typedef void (*fhx_read_clock_callback)(void *user_data, fhx_reply *reply);

/*
 * Optional: an export with `_since` then tells what was deleted (Bulk Data IG, the manifest's
 * `deleted`). Open a cursor over resources of the query's type that were deleted after since_us and
 * at or before as_of_us, and are deleted as of as_of_us: one that was created again is none. Each
 * row is a resource's last version before its deletion, by which the library knows in whose
 * compartment it was, or only `{"resourceType":...,"id":...}` where no more is kept: that one is
 * told only in exports of everything, if the cursor has applied FHX_APPLIED_PATIENTS, or if it is
 * an exported Patient. A row's row_updated_us is when it was deleted; without it, the cursor has to
 * apply FHX_APPLIED_SINCE, or the row is a bad one. The query has no shard. With read_resource the
 * library looks whether what it is to tell is there again. A type of which nothing is left is only
 * asked for if list_types has it.
 * The cursor is read by next_rows and closed by close_cursor. Answers: as open_cursor.
 */
typedef void (*fhx_open_deleted_callback)(void *user_data, const fhx_query *query,
                                          fhx_reply *reply);

/*
 * Optional: an export can then be organised by patients (Bulk Data IG, `organizeOutputBy`). Open a
 * cursor over the resources in the compartment of one patient, of all types that
 * fhx_query_wants_type wants, each once, in any order; others do no harm, since the library leaves
 * out what it does not want. `patient_id` is the bare id. The query's patient set is this patient
 * alone. It has no type (""), shard or token: the cursor always begins at the beginning. The
 * Patient itself may be among the rows or not: the library takes it from the cursor over Patients,
 * which it asks for without a window, and reads on only when it is through with this one.
 * FHX_APPLIED_TYPE, FHX_APPLIED_SEARCH and FHX_PROMISE_ASCENDING_IDS mean nothing here.
 * The cursor is read by next_rows and closed by close_cursor. Answers: as open_cursor.
 */
typedef void (*fhx_open_patient_callback)(void *user_data, const fhx_query *query,
                                          const char *patient_id, fhx_reply *reply);

/*
 * The last reference to the source is gone. Called once, on the thread that dropped it, also when
 * fhx_source_new itself fails, unless it could not read the structure (NULL, or
 * FHX_ERR_STRUCT_SIZE).
 */
typedef void (*fhx_source_destroy_callback)(void *user_data);

/* A source of a host's own, for fhx_source_new. */
typedef struct fhx_source_callbacks {
  uint32_t size;
  uint32_t reserved;
  fhx_open_cursor_callback open_cursor;
  fhx_next_rows_callback next_rows;
  fhx_close_cursor_callback close_cursor;
  fhx_list_shards_callback list_shards; /* optional, as all that follow */
  fhx_read_resource_callback read_resource;
  fhx_group_members_callback group_members;
  fhx_list_types_callback list_types;
  fhx_count_estimate_callback count_estimate;
  fhx_snapshot_ready_callback snapshot_ready;
  fhx_read_clock_callback read_clock;
  fhx_open_deleted_callback open_deleted;
  fhx_open_patient_callback open_patient;
  fhx_source_destroy_callback destroy;
} fhx_source_callbacks;

/* fhx_init for this structure. */
FHX_API void fhx_source_callbacks_init(fhx_source_callbacks *callbacks, uint32_t size);

/*
 * Makes a source of a host's callbacks; `user_data` goes to every one of them.
 * Memory: `*source` is the caller's; the structure is copied, `user_data` is lent until destroy.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT when a needed callback is missing; FHX_ERR_STRUCT_SIZE;
 * FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_source_new(const fhx_source_callbacks *callbacks, void *user_data,
                               fhx_source **source, fhx_error **error);

/* Drops the caller's reference; jobs and engines that use it keep theirs. NULL is harmless. */
FHX_API void fhx_source_free(fhx_source *source);

/* What fhx_folder_source_new is told. */
typedef struct fhx_folder_options {
  uint32_t size;
  uint32_t reserved;
  /* The folder. Copied. */
  const char *path;
} fhx_folder_options;

/* fhx_init for this structure. */
FHX_API void fhx_folder_options_init(fhx_folder_options *options, uint32_t size);

/*
 * A source over the files of a folder, not of its subfolders: `<Type>.ndjson`,
 * `<Type>.ndjson.gz`, and any name `<Type>.<more>.ndjson[.gz]` or `<Type>-<more>.ndjson[.gz]`; one
 * resource a line. The files must not change while a job runs. It selects types, resumes, and
 * offers runs of files as shards; the rest of a query is left to the library. To read a single
 * resource, such as the Group of an export, it reads the files of that type up to there, which for
 * a patient of millions takes seconds. Of a type that is asked for so again and again it makes an
 * index: 16 bytes a resource, 64 MiB in all at most, and what is packed in gzip is unpacked into a
 * temporary file.
 * Memory: `*source` is the caller's; the options are copied.
 * Returns: FHX_OK; FHX_ERR_NOT_FOUND, FHX_ERR_DENIED or FHX_ERR_IO when the folder cannot be read;
 * FHX_ERR_ARGUMENT for options that are wrong; FHX_ERR_STRUCT_SIZE; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_folder_source_new(const fhx_folder_options *options, fhx_source **source,
                                      fhx_error **error);

/* What fhx_sqlite_source_new is told. */
typedef struct fhx_sqlite_source_options {
  uint32_t size;
  uint32_t reserved;
  /* The database file, opened for reading. Copied, as all that follows. */
  const char *path;
  /* The table or view, and its columns; NULL: "resource", "type", "id", "last_updated", "json". */
  const char *table;
  const char *type_column;
  const char *id_column;
  /* Microseconds since 1970 UTC as an integer, or a FHIR instant as text; NULL in a row: unknown.
   */
  const char *updated_column;
  const char *json_column;
  /* Of the stamps in updated_column, in microseconds; 0: 1,000. */
  int64_t stamp_resolution_us;
  /* A table or view of deletions, one row for each resource that is deleted now, with the columns
     of `table`: the time in updated_column is that of the deletion, and the JSON, which may be
     NULL, is the last version. Its types are types of the source. NULL: the source tells none. */
  const char *deleted_table;
  /* A table or view with one row for each resource in each patient's compartment: its type and id
     in columns of the names that `table` uses, and the patient's bare id in patient_column (NULL:
     "patient"). fhx_filter_list_patients fills it. An index over (patient, type, id) makes it fast.
     NULL: exports cannot be organised by patients. */
  const char *patient_table;
  const char *patient_column;
} fhx_sqlite_source_options;

/* fhx_init for this structure. */
FHX_API void fhx_sqlite_source_options_init(fhx_sqlite_source_options *options, uint32_t size);

/*
 * A source over an SQLite table with one row for the newest version of each resource. The id column
 * holds the resource's id as text. Cursors run by id; an index over (type, id) makes them fast:
 * without it, every batch sorts the table. No read transaction outlives a call. It selects types,
 * resumes, offers ranges of ids as shards, reads single resources by that index, and applies the
 * time window where stamps are integers.
 * Memory: `*source` is the caller's; the options are copied.
 * Returns: FHX_OK; FHX_ERR_NOT_FOUND, FHX_ERR_DENIED or FHX_ERR_SOURCE when the database or table
 * cannot be read; FHX_ERR_UNSUPPORTED where the library was built without SQLite; FHX_ERR_ARGUMENT
 * for options that are wrong; FHX_ERR_STRUCT_SIZE; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_sqlite_source_new(const fhx_sqlite_source_options *options, fhx_source **source,
                                      fhx_error **error);

/* What fhx_postgres_source_new is told. */
typedef struct fhx_postgres_source_options {
  uint32_t size;
  /* How many connections it has at most: one for each open cursor and for each call under way, so
     that two or three for each worker are in use. Who comes when all are taken waits, and fails,
     retryable, after patience_us. At most 1,000; 0: 1,000. */
  uint32_t connections_max;
  /* What libpq connects with: `keyword=value` pairs or a URL, with several hosts, TLS
     (`sslmode=verify-full`) and a password where wanted. Copied, as all that follows; wiped at the
     end, and never in an error. Every connection is a session of its own: a pooler may be between
     if it keeps a session, not if it hands sessions around. */
  const char *conninfo;
  /* The schema of the tables; NULL: they are found by the connection's search_path. */
  const char *schema;
  /* The table or view, and its columns; NULL: "resource", "type", "id", "last_updated", "json".
     Names are taken as they are, also as to capital letters. Type and id are text or varchar. */
  const char *table;
  const char *type_column;
  const char *id_column;
  /* Microseconds since 1970 UTC as bigint, a timestamptz, or a FHIR instant as text; NULL in a row:
     unknown. */
  const char *updated_column;
  /* text, varchar or json, or bytea with UTF-8. jsonb is refused: it does not keep a resource as it
     was written, and takes several times as long to read. */
  const char *json_column;
  /* Of a table with several versions of a resource: from when, and before when, a row was the
     current one; microseconds as bigint, or timestamptz. NULL in valid_to: it still is. NULL both:
     the table has one row for each resource. */
  const char *valid_from_column;
  const char *valid_to_column;
  /* Only with versions: a boolean column, true in a version that says that the resource is deleted,
     whose JSON is not read. Then deletions are told, each with the last version before it, at the
     time in updated_column. NULL: there are no such versions. */
  const char *deleted_column;
  /* A table or view of deletions, one row for each resource that is deleted now, with the columns
     of `table` but for those of versions: the time in updated_column is that of the deletion, and
     the JSON, which may be NULL, is the last version. Its types are types of the source. NULL:
     deletions are told by deleted_column, or not at all. */
  const char *deleted_table;
  /* A table or view with one row for each resource in each patient's compartment: its type and id
     in columns of the names that `table` uses, and the patient's bare id in patient_column (NULL:
     "patient"). fhx_filter_list_patients fills it. An index over (patient, type, id) makes it fast.
     With versions it has every resource that was in the compartment at any time. Exports of a Group
     or of named patients read by it too, so that they cost what these patients have; for that it
     needs one over (type, id, patient) as well, and has to be complete but for the Patients
     themselves. NULL: exports cannot be organised by patients, and read whole types. */
  const char *patient_table;
  const char *patient_column;
  /* A statement that answers with the time now, microseconds since 1970 UTC as one bigint, such
     that all that is stamped at or before it can be read by then, and nothing will be stamped so
     later. It runs as a transaction of its own. NULL: the database's clock, behind which the
     library leaves settle_us for transactions that have stamped and not committed yet. */
  const char *clock_sql;
  /* Of the stamps, in microseconds; 0: 1,000. */
  int64_t stamp_resolution_us;
  /* How long the database may take to connect, for a short answer, and for the next rows, in
     microseconds; then the call fails, retryable. Below 1,000,000 counts as that; 0: 5 minutes. */
  int64_t patience_us;
  /* How many resources a reply has at the most; 0: as many as fit. A file closes between replies:
     with the part_count of the job or engine here, files have no more, however few that are. */
  uint64_t rows_max;
} fhx_postgres_source_options;

/* fhx_init for this structure. */
FHX_API void fhx_postgres_source_options_init(fhx_postgres_source_options *options, uint32_t size);

/*
 * A source over a table in PostgreSQL (11 or newer, encoding UTF8). Cursors run by id, as bytes: an
 * index over (type, id COLLATE "C"), or over (type, id) where the column is so declared, makes them
 * fast, with versions one over (type, id COLLATE "C", valid_from). It selects types, resumes,
 * offers ranges of ids as shards, reads single resources by (type, id), and applies the time window
 * where stamps are bigint or timestamptz.
 *
 * With versions, rows are those that were current at the query's as_of: shards, repeats, and tasks
 * that another machine takes over read one state, as long as versions are kept. Without, each
 * cursor reads the state at which it was opened, later ones a later state; a resource changed
 * meanwhile is exported in its new version, and one that comes meanwhile may or may not be.
 * A cursor is one statement in a transaction that only reads, ends with the rows or the cursor, and
 * holds back vacuum as long; one that was ended is never gone on with: a task that is resumed asks
 * anew, behind its token.
 *
 * What fails later is retryable if it may pass: lost connections, time, locks, memory and space of
 * the server, conflicts with recovery on a standby.
 * Memory: `*source` is the caller's; the options are copied.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for options or a conninfo that cannot be read; FHX_ERR_SOURCE,
 * retryable or not, when the database cannot be reached, lets nobody in, or has not these tables
 * and columns; FHX_ERR_UNSUPPORTED for an older or differently encoded database, and where the
 * library was built without PostgreSQL; FHX_ERR_STRUCT_SIZE; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_postgres_source_new(const fhx_postgres_source_options *options,
                                        fhx_source **source, fhx_error **error);

FHX_END_DECLS

#endif
