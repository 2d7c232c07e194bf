/* Parameters and columns of the PostgreSQL store's statements. All are binary: a number has eight
   bytes, the highest first, and no text can be taken for anything else. */
#include <string.h>

#include "store/postgres_store.h"

#define INTEGER_LEN 8

/* --- parameters --- */

static void put_number(unsigned char *to, uint64_t value, size_t len) {
  for (size_t i = 0; i < len; i++) to[i] = (unsigned char)(value >> (8 * (len - 1 - i)));
}

static void own(fhx__pg_step *step, const void *data, size_t len) {
  if (step->fault != FHX__PG_FAULT_NONE) return;
  if (len > INT32_MAX || step->own.len > INT32_MAX - len) {
    fhx__pg_note(step, FHX__PG_FAULT_RANGE);
  } else if (fhx__buffer_append(&step->own, data, len) != FHX_OK) {
    fhx__pg_note(step, FHX__PG_FAULT_MEMORY);
  }
}

static void own_number(fhx__pg_step *step, uint64_t value, size_t len) {
  unsigned char bytes[INTEGER_LEN];
  put_number(bytes, value, len);
  own(step, bytes, len);
}

static fhx__pg_parameter *next_parameter(fhx__pg_step *step) {
  if (step->fault != FHX__PG_FAULT_NONE) return NULL;
  fhx__pg_parameter *next = &step->parameters[step->parameter_count++];
  memset(next, 0, sizeof *next);
  return next;
}

void fhx__pg_statement(fhx__pg_step *step, fhx__pg_sql id) {
  step->statement = id;
  step->parameter_count = 0;
  step->own.len = 0;
}

void fhx__pg_bind_integer(fhx__pg_step *step, int64_t value) {
  fhx__pg_parameter *next = next_parameter(step);
  if (next == NULL) return;
  next->is_own = true;
  next->offset = step->own.len;
  next->len = INTEGER_LEN;
  own_number(step, (uint64_t)value, INTEGER_LEN);
}

void fhx__pg_bind_count(fhx__pg_step *step, uint64_t value) {
  if (value > INT64_MAX) fhx__pg_note(step, FHX__PG_FAULT_RANGE);
  fhx__pg_bind_integer(step, (int64_t)value);
}

void fhx__pg_bind_bytes(fhx__pg_step *step, const void *data, size_t len) {
  if (len > INT32_MAX) fhx__pg_note(step, FHX__PG_FAULT_RANGE);
  fhx__pg_parameter *next = next_parameter(step);
  if (next == NULL) return;
  next->is_null = data == NULL;
  next->data = data;
  next->len = len;
}

void fhx__pg_bind_text(fhx__pg_step *step, const char *text) {
  if (text == NULL) text = "";
  fhx__pg_bind_bytes(step, text, strlen(text));
}

/* An array has its number of dimensions, whether there may be NULL, the type of its elements, how
   many there are, the first one's number, and each element behind its length. */
void fhx__pg_bind_array(fhx__pg_step *step, fhx__pg_type type, uint32_t count) {
  fhx__pg_parameter *next = next_parameter(step);
  if (next == NULL) return;
  next->is_own = true;
  next->offset = step->own.len;
  own_number(step, count == 0 ? 0 : 1, 4);
  own_number(step, 1, 4);
  own_number(step, (uint64_t)type, 4);
  if (count != 0) {
    own_number(step, count, 4);
    own_number(step, 1, 4);
  }
  next->len = step->own.len - next->offset;
}

static void end_element(fhx__pg_step *step) {
  if (step->fault != FHX__PG_FAULT_NONE) return;
  fhx__pg_parameter *array = &step->parameters[step->parameter_count - 1];
  array->len = step->own.len - array->offset;
}

void fhx__pg_add_count(fhx__pg_step *step, uint64_t value) {
  if (value > INT64_MAX) fhx__pg_note(step, FHX__PG_FAULT_RANGE);
  own_number(step, INTEGER_LEN, 4);
  own_number(step, value, INTEGER_LEN);
  end_element(step);
}

void fhx__pg_add_bytes(fhx__pg_step *step, const void *data, size_t len) {
  if (data == NULL) {
    own_number(step, UINT32_MAX, 4);
  } else {
    own_number(step, len, 4);
    own(step, data, len);
  }
  end_element(step);
}

void fhx__pg_add_text(fhx__pg_step *step, const char *text) {
  if (text == NULL) text = "";
  fhx__pg_add_bytes(step, text, strlen(text));
}

int32_t fhx__pg_run(fhx__pg_step *step) {
  fhx__pg_run_statement(step);
  return fhx__pg_status(step);
}

bool fhx__pg_row(fhx__pg_step *step) {
  return fhx__pg_run_statement(step) && PQntuples(step->result) > 0;
}

/* --- columns --- */

int fhx__pg_row_count(const fhx__pg_step *step) {
  return step->result == NULL ? 0 : PQntuples(step->result);
}

uint64_t fhx__pg_changed_count(const fhx__pg_step *step) {
  uint64_t count = 0;
  if (step->result == NULL) return 0;
  const char *digits = PQcmdTuples(step->result);
  for (; *digits >= '0' && *digits <= '9'; digits++) count = 10 * count + (uint64_t)(*digits - '0');
  return count;
}

bool fhx__pg_is_null(const fhx__pg_step *step, int row, int column) {
  return PQgetisnull(step->result, row, column) != 0;
}

uint64_t fhx__pg_count(fhx__pg_step *step, int row, int column) {
  const unsigned char *bytes = (const unsigned char *)PQgetvalue(step->result, row, column);
  uint64_t value = 0;
  if (bytes == NULL || PQgetlength(step->result, row, column) != INTEGER_LEN) {
    fhx__pg_note(step, FHX__PG_FAULT_RESULT);
    return 0;
  }
  for (int i = 0; i < INTEGER_LEN; i++) value = value << 8 | bytes[i];
  return value;
}

int64_t fhx__pg_integer(fhx__pg_step *step, int row, int column) {
  return (int64_t)fhx__pg_count(step, row, column);
}

uint32_t fhx__pg_small(fhx__pg_step *step, int row, int column) {
  return (uint32_t)fhx__pg_count(step, row, column);
}

const char *fhx__pg_text(fhx__pg_step *step, int row, int column) {
  const char *text = PQgetvalue(step->result, row, column);
  if (text == NULL || fhx__pg_is_null(step, row, column)) fhx__pg_note(step, FHX__PG_FAULT_RESULT);
  return text == NULL ? "" : text;
}

const void *fhx__pg_bytes(fhx__pg_step *step, int row, int column, size_t *len) {
  *len = 0;
  if (fhx__pg_is_null(step, row, column)) return NULL;
  *len = (size_t)PQgetlength(step->result, row, column);
  return PQgetvalue(step->result, row, column);
}
