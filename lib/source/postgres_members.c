/*
 * Patient sets, page by page in the order of their ids. A resource that belongs to several patients
 * of the set comes with the first of them: within a page PostgreSQL sees to it, and for what also
 * belongs to patients before the page, it tells some of these. The text of such a resource, which
 * may be a Group of all the members, is read only when none of them is in the set.
 */
#include "source/postgres_members.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "source/text_array.h"

#define PAGE 512
/* How many earlier patients a row tells at once. */
#define EARLIER "16"
#define SHARD_MAX 64

static const char not_ours[] = "the shard or token is not one of a PostgreSQL table's patients";

bool fhx__members_fit(const fhx__postgres_table *table, const fhx_query *query) {
  return table->patients != NULL && fhx_query_scope(query) == FHX_SCOPE_PATIENT_SET;
}

/* --- shards and tokens --- */

/* Digits, and what stands behind them; false: there are none, or too many. */
static bool read_place(const char **at, uint64_t *place) {
  char *behind = NULL;
  const size_t digits = strspn(*at, "0123456789");
  if (digits == 0 || digits > 18) return false;
  *place = strtoull(*at, &behind, 10);
  *at = behind;
  return true;
}

static bool read_shard(const fhx_query *query, uint64_t *first, uint64_t *end) {
  char copy[SHARD_MAX];
  size_t len = 0;
  const char *shard = fhx_query_shard(query, &len);
  *first = 0;
  *end = UINT64_MAX;
  if (shard == NULL) return true;
  if (len >= sizeof copy || *shard != '@') return false;
  memcpy(copy, shard, len);
  copy[len] = '\0';
  const char *at = copy + 1;
  if (!read_place(&at, first) || *at++ != '-') return false;
  return *at == '\0' || (read_place(&at, end) && *at == '\0');
}

/* A place that no page of this shard begins at would leave patients out. */
static bool read_token(fhx__members *members, uint64_t first) {
  char copy[SHARD_MAX + FHX__ID_MAX];
  size_t len = 0;
  const char *token = fhx_query_token(members->query, &len);
  if (token == NULL) return true;
  if (len >= sizeof copy || *token != 'm') return false;
  memcpy(copy, token, len);
  copy[len] = '\0';
  const char *at = copy + 1;
  uint64_t place = 0;
  if (strlen(copy) != len || !read_place(&at, &place) || *at++ != '/') return false;
  if (place < first || place >= members->end || (place - first) % PAGE != 0) return false;
  members->next_place = place;
  return *at != '\0' && fhx__is_utf8(at, strlen(at)) &&
         fhx__buffer_append_text(&members->from_id, at) == FHX_OK;
}

int32_t fhx__members_begin(fhx__members *members, fhx__postgres_table *table,
                           const fhx_query *query, fhx_error **error) {
  uint64_t first = 0;
  memset(members, 0, sizeof *members);
  members->table = table;
  members->query = query;
  if (!read_shard(query, &first, &members->end)) {
    return fhx__fail(error, FHX_ERR_SOURCE, not_ours);
  }
  members->next_place = first;
  if (!read_token(members, first)) return fhx__fail(error, FHX_ERR_SOURCE, not_ours);
  return FHX_OK;
}

void fhx__members_free(fhx__members *members) {
  fhx__buffer_free(&members->page);
  fhx__buffer_free(&members->from_id);
  fhx__buffer_free(&members->token);
}

int32_t fhx__members_write_token(fhx__members *members, const char *id, size_t len,
                                 fhx_error **error) {
  char place[SHARD_MAX];
  snprintf(place, sizeof place, "m%" PRIu64 "/", members->place);
  members->token.len = 0;
  int32_t status = fhx__buffer_append_text(&members->token, place);
  if (status == FHX_OK) status = fhx__buffer_append(&members->token, id, len);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

void fhx__members_list_shards(const fhx_query *query, uint32_t count_max, fhx_reply *reply) {
  const uint64_t pages = (fhx_query_patient_count(query) + PAGE - 1) / PAGE;
  const uint64_t count = pages < count_max ? pages : count_max;
  for (uint64_t i = 0; count > 1 && i < count; i++) {
    char shard[SHARD_MAX];
    const uint64_t first = pages * i / count * PAGE, end = pages * (i + 1) / count * PAGE;
    int len = i + 1 == count ? snprintf(shard, sizeof shard, "@%" PRIu64 "-", first)
                             : snprintf(shard, sizeof shard, "@%" PRIu64 "-%" PRIu64, first, end);
    fhx_reply_item(reply, shard, (size_t)len);
  }
  fhx_reply_done(reply);
}

/* --- pages --- */

/* The patients from `place` on, at most `count_max`, as an array; FHX_END: there are none. */
static int32_t read_page(const fhx_query *query, uint64_t place, uint64_t count_max,
                         fhx__buffer *page, char first[FHX__ID_MAX + 1], fhx_error **error) {
  const char *ids[PAGE];
  uint64_t total = 0;
  page->len = 0;
  int32_t status = fhx__text_array_begin(page) == FHX_OK ? FHX_OK : fhx__no_memory(error);
  while (status == FHX_OK && total < count_max) {
    uint64_t count = 0;
    status = fhx_query_patients(query, place + total, count_max - total, ids, &count, error);
    if (status != FHX_OK || count == 0) break;
    if (total == 0) snprintf(first, FHX__ID_MAX + 1, "%s", ids[0]);
    for (uint64_t i = 0; status == FHX_OK && i < count; i++) {
      if (fhx__text_array_add(page, ids[i], strlen(ids[i])) != FHX_OK) {
        status = fhx__no_memory(error);
      }
    }
    total += count;
  }
  if (status != FHX_OK) return status;
  return total == 0 ? FHX_END : FHX_OK;
}

/* The ids of the type that the index has for the page's patients; a Patient is its own, whether the
   index says so or not. */
static void write_ids(fhx__postgres_request *request, const fhx__members *members,
                      const char *type) {
  const fhx__postgres_table *table = members->table;
  const char *id = table->id.name;
  fhx__request_sql(request, "(SELECT p.", id, " AS id FROM ", table->patients, " AS p WHERE p.",
                   table->type.name, " = ", NULL);
  fhx__request_text(request, type, strlen(type));
  fhx__request_sql(request, " AND p.", table->patient.name, " = ANY(", NULL);
  fhx__request_texts(request, &members->page);
  fhx__request_sql(request, ") AND p.", id, " IS NOT NULL", NULL);
  if (strcmp(type, "Patient") == 0) {
    fhx__request_sql(request, " UNION SELECT unnest(", NULL);
    fhx__request_texts(request, &members->page);
    fhx__request_sql(request, ")) AS q", NULL);
  } else {
    fhx__request_sql(request, " GROUP BY p.", id, ") AS q", NULL);
  }
}

/* Those patients before the page whose resource it is too; "" in `limit`: all of them. */
static void write_earlier(fhx__postgres_request *request, const fhx__members *members,
                          const char *limit) {
  const fhx__postgres_table *table = members->table;
  const char *who = table->patient.name;
  fhx__request_sql(request, "(SELECT string_agg(s.w, E'\\n') AS w FROM (SELECT e.", who,
                   " AS w FROM ", table->patients, " AS e WHERE e.", table->type.name, " = r.",
                   table->type.name, " AND e.", table->id.name, " = r.", table->id.name, " AND e.",
                   who, " COLLATE \"C\" < ", NULL);
  fhx__request_text(request, members->first, strlen(members->first));
  fhx__request_sql(request, " ORDER BY e.", who, " COLLATE \"C\"", limit, ") AS s)", NULL);
}

static fhx__postgres_rows rows_of(const fhx_query *query) {
  return (fhx__postgres_rows){.resource_type = fhx_query_resource_type(query),
                              .as_of_us = fhx_query_as_of_us(query),
                              .since_us = fhx_query_since_us(query),
                              .until_us = fhx_query_until_us(query)};
}

/* Before the first page there are no patients of the set: nothing of it can have come earlier. */
static void write_page(fhx__postgres_request *request, const fhx__members *members,
                       const char *from_id) {
  const fhx__postgres_table *table = members->table;
  const fhx__postgres_rows rows = rows_of(members->query);
  const char *id = table->id.name;
  const bool is_first = members->place == 0;
  fhx__request_sql(request, "SELECT r.", id, ", r.", table->updated.name, NULL);
  if (is_first) {
    fhx__request_sql(request, ", NULL::text, r.", table->json.name, " FROM ", NULL);
  } else {
    fhx__request_sql(request, ", e.w, CASE WHEN e.w IS NULL THEN r.", table->json.name,
                     " END FROM ", NULL);
  }
  write_ids(request, members, rows.resource_type);
  fhx__request_sql(request, " JOIN ", table->resources, " AS r ON r.", id, " = q.id AND r.",
                   table->type.name, " = ", NULL);
  fhx__request_text(request, rows.resource_type, strlen(rows.resource_type));
  if (!is_first) {
    fhx__request_sql(request, " LEFT JOIN LATERAL ", NULL);
    write_earlier(request, members, " LIMIT " EARLIER);
    fhx__request_sql(request, " AS e ON true", NULL);
  }
  fhx__request_sql(request, " WHERE true", NULL);
  if (*from_id != '\0') {
    fhx__request_sql(request, " AND r.", id, " COLLATE \"C\" > ", NULL);
    fhx__request_text(request, from_id, strlen(from_id));
  }
  fhx__request_conditions(request, table, &rows);
  fhx__request_sql(request, " ORDER BY r.", id, " COLLATE \"C\"", NULL);
}

int32_t fhx__members_next_page(fhx__members *members, fhx__postgres_stream *stream,
                               fhx_error **error) {
  fhx__postgres_request request = {.failed = false};
  members->place = members->next_place;
  if (members->place >= members->end) return FHX_END;
  const uint64_t left = members->end - members->place;
  int32_t status = read_page(members->query, members->place, left < PAGE ? left : PAGE,
                             &members->page, members->first, error);
  if (status != FHX_OK) return status;
  if (fhx__buffer_terminate(&members->from_id) != FHX_OK) return fhx__no_memory(error);
  write_page(&request, members, members->from_id.data);
  status = fhx__postgres_stream_begin(stream, members->table, &request, FHX__PLAN_BY_INDEX, error);
  fhx__request_free(&request);
  members->from_id.len = 0;
  members->next_place = members->place + PAGE;
  return status;
}

/* --- resources of several patients --- */

/* Whether one of these ids, each in a line of its own, is in the set; how many there are. */
static int32_t look_up(const fhx_query *query, const char *lines, uint32_t *count, bool *is_among,
                       fhx_error **error) {
  int32_t status = FHX_OK;
  *count = 0;
  *is_among = false;
  while (status == FHX_OK && !*is_among && *lines != '\0') {
    char id[FHX__ID_MAX + 1];
    uint32_t is_patient = 0;
    const size_t len = strcspn(lines, "\n");
    if (len <= FHX__ID_MAX) {
      memcpy(id, lines, len);
      id[len] = '\0';
      status = fhx_query_is_patient(query, id, &is_patient, error);
    }
    *is_among = is_patient != 0;
    lines += len + (lines[len] == '\n' ? 1 : 0);
    ++*count;
  }
  return status;
}

/* All the earlier patients, and the text, of one resource. */
static int32_t ask_whole(const fhx__members *members, const char *id, size_t len, PGresult **whole,
                         fhx_error **error) {
  fhx__postgres_request request = {.failed = false};
  fhx__postgres_rows rows = rows_of(members->query);
  rows.ids.from_bound = FHX__BOUND_ONLY;
  rows.ids.from = id;
  rows.ids.from_len = len;
  fhx__request_sql(&request, "SELECT ", NULL);
  write_earlier(&request, members, "");
  fhx__request_sql(&request, ", r.", members->table->json.name, NULL);
  fhx__request_rows(&request, members->table, &rows);
  int32_t status = fhx__postgres_ask(members->table, &request, whole, error);
  fhx__request_free(&request);
  return status;
}

/* A Patient of the set comes with his own page, wherever else he is mentioned. */
static int32_t is_own_page_earlier(const fhx__members *members, const char *id, bool *is_earlier,
                                   fhx_error **error) {
  uint32_t is_patient = 0;
  *is_earlier = false;
  if (strcmp(fhx_query_resource_type(members->query), "Patient") != 0) return FHX_OK;
  if (strcmp(id, members->first) >= 0) return FHX_OK;
  int32_t status = fhx_query_is_patient(members->query, id, &is_patient, error);
  *is_earlier = is_patient != 0;
  return status;
}

int32_t fhx__members_comes_earlier(const fhx__members *members, const PGresult *row,
                                   bool *is_earlier, PGresult **json, fhx_error **error) {
  uint32_t count = 0;
  const char *id = PQgetvalue(row, 0, 0);
  *json = NULL;
  int32_t status = is_own_page_earlier(members, id, is_earlier, error);
  if (status != FHX_OK || *is_earlier || PQgetisnull(row, 0, 2) != 0) return status;
  status = look_up(members->query, PQgetvalue(row, 0, 2), &count, is_earlier, error);
  if (status != FHX_OK || *is_earlier) return status;
  status = ask_whole(members, id, (size_t)PQgetlength(row, 0, 0), json, error);
  if (status != FHX_OK) return status;
  /* With one row for each resource, it may have gone meanwhile. */
  *is_earlier = PQntuples(*json) == 0;
  if (*is_earlier || PQgetisnull(*json, 0, 0) != 0) return FHX_OK;
  return look_up(members->query, PQgetvalue(*json, 0, 0), &count, is_earlier, error);
}

/* --- estimates --- */

/* Of all, what the first page has of them. */
int32_t fhx__members_count(fhx__postgres_table *table, const fhx_query *query, uint64_t *count,
                           fhx_error **error) {
  fhx__members members = {.table = table, .query = query};
  fhx__postgres_request request = {.failed = false};
  PGresult *result = NULL;
  int64_t found = 0;
  const uint64_t patients = fhx_query_patient_count(query);
  *count = 0;
  int32_t status = read_page(query, 0, PAGE, &members.page, members.first, error);
  if (status == FHX_OK) {
    fhx__request_sql(&request, "SELECT count(*) FROM ", NULL);
    write_ids(&request, &members, fhx_query_resource_type(query));
    status = fhx__postgres_ask(table, &request, &result, error);
  }
  if (status == FHX_OK && fhx__postgres_read_time(result, 0, 0, FHX__OID_INT8, &found)) {
    *count = patients <= PAGE ? (uint64_t)found : (uint64_t)found * patients / PAGE;
  }
  PQclear(result);
  fhx__request_free(&request);
  fhx__members_free(&members);
  return status == FHX_END ? FHX_OK : status;
}
