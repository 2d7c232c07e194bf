/*
 * A sorted set of ids in blocks. A block is some ids, each with a NUL behind it. Blocks are kept in
 * memory until that is full; those that follow go to a temporary file. Of every block its first id
 * is in memory, so that a look-up reads at most one of them.
 */
#include "select/roster.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"

#define BLOCK_IDS 256
#define BLOCK_BYTES_MAX (BLOCK_IDS * (FHX__ID_MAX + 1))

typedef struct block {
  /* NULL: in the file, at `offset`. */
  char *text;
  uint64_t offset;
  uint32_t len;
  char first_id[FHX__ID_MAX + 1];
} block;

struct fhx__roster {
  uint64_t memory_max;
  uint64_t memory_used;
  uint64_t count;
  /* All but the last have BLOCK_IDS ids. */
  block *blocks;
  size_t block_count;
  size_t block_capacity;
  /* NULL until something is too much for memory. */
  FILE *file;
  uint64_t file_len;
  /* The block being filled, of BLOCK_BYTES_MAX bytes; NULL once sealed. The last id begins at
     `last`. */
  char *filling;
  uint32_t filled;
  uint32_t last;
};

int32_t fhx__roster_new(uint64_t memory_max, fhx__roster **roster, fhx_error **error) {
  *roster = NULL;
  fhx__roster *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made != NULL) made->filling = fhx__alloc(BLOCK_BYTES_MAX);
  if (made == NULL || made->filling == NULL) {
    fhx__free(made);
    return fhx__no_memory(error);
  }
  made->memory_max = memory_max;
  *roster = made;
  return FHX_OK;
}

void fhx__roster_free(fhx__roster *roster) {
  if (roster == NULL) return;
  for (size_t i = 0; i < roster->block_count; i++) fhx__free(roster->blocks[i].text);
  fhx__free(roster->blocks);
  fhx__free(roster->filling);
  if (roster->file != NULL) fclose(roster->file);
  fhx__free(roster);
}

uint64_t fhx__roster_count(const fhx__roster *roster) {
  return roster->count;
}

/* --- the file --- */

/* Another attempt, perhaps elsewhere, may find a disk that works. */
static int32_t fail_file(const char *what, int code, fhx_error **error) {
  char text[128];
  return fhx__fail_with(error, FHX_ERR_IO, 1, "the temporary file of patients cannot be %s: %s",
                        what, fhx__errno_text(code, text, sizeof text));
}

static int32_t make_file(fhx__roster *roster, fhx_error **error) {
  if (roster->file != NULL) return FHX_OK;
  roster->file = tmpfile();
  if (roster->file == NULL) return fail_file("made", errno, error);
  /* Programs that the host starts have no business with it. */
  if (fcntl(fileno(roster->file), F_SETFD, FD_CLOEXEC) != 0) {
    return fail_file("made", errno, error);
  }
  return FHX_OK;
}

static int32_t append_file(fhx__roster *roster, const char *text, size_t len, fhx_error **error) {
  int32_t status = make_file(roster, error);
  if (status != FHX_OK) return status;
  for (size_t done = 0; done < len;) {
    ssize_t put =
        pwrite(fileno(roster->file), text + done, len - done, (off_t)(roster->file_len + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_file("written", errno, error);
    done += (size_t)put;
  }
  roster->file_len += len;
  return FHX_OK;
}

/* Reads a block of the file to `text`, which has room for it. */
static int32_t read_file(const fhx__roster *roster, const block *of, char *text,
                         fhx_error **error) {
  for (size_t done = 0; done < of->len;) {
    ssize_t got =
        pread(fileno(roster->file), text + done, of->len - done, (off_t)(of->offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_file("read", errno, error);
    if (got == 0) return fail_file("read", EIO, error);
    done += (size_t)got;
  }
  /* Whoever walks through the block relies on it. */
  return text[of->len - 1] == '\0' ? FHX_OK : fail_file("read", EIO, error);
}

/* --- filling --- */

static int32_t reserve_block(fhx__roster *roster, fhx_error **error) {
  if (roster->block_count < roster->block_capacity) return FHX_OK;
  size_t wanted = roster->block_capacity + roster->block_capacity / 2 + 16;
  if (wanted > SIZE_MAX / sizeof *roster->blocks) return fhx__no_memory(error);
  block *grown = fhx__realloc(roster->blocks, wanted * sizeof *grown);
  if (grown == NULL) return fhx__no_memory(error);
  roster->blocks = grown;
  roster->block_capacity = wanted;
  return FHX_OK;
}

/* Puts the filled block behind the others. */
static int32_t close_block(fhx__roster *roster, fhx_error **error) {
  uint32_t len = roster->filled;
  block made = {NULL, roster->file_len, len, ""};
  if (len == 0) return FHX_OK;
  int32_t status = reserve_block(roster, error);
  if (status != FHX_OK) return status;
  memcpy(made.first_id, roster->filling, strlen(roster->filling) + 1);
  if (roster->memory_used + len <= roster->memory_max) {
    made.text = fhx__alloc(len);
    if (made.text == NULL) return fhx__no_memory(error);
    memcpy(made.text, roster->filling, len);
    roster->memory_used += len;
  } else {
    status = append_file(roster, roster->filling, len, error);
    if (status != FHX_OK) return status;
  }
  roster->blocks[roster->block_count++] = made;
  roster->filled = 0;
  return FHX_OK;
}

/* Below 0, 0, above 0, by bytes. */
static int compare_ids(const char *a, size_t a_len, const char *b, size_t b_len) {
  int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
  return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_with_last(const fhx__roster *roster, const char *id, size_t len) {
  if (roster->count == 0) return 1;
  const char *last = roster->filling + roster->last;
  return compare_ids(id, len, last, strlen(last));
}

int32_t fhx__roster_add(fhx__roster *roster, const char *id, size_t len, fhx_error **error) {
  if (len == 0 || len > FHX__ID_MAX || memchr(id, '\0', len) != NULL) {
    return fhx__fail(error, FHX_ERR_STORE, "what the store lists as a patient is no id");
  }
  int order = compare_with_last(roster, id, len);
  if (order == 0) return FHX_OK;
  if (order < 0) {
    return fhx__fail(error, FHX_ERR_STORE, "the store does not list the patients in order");
  }
  if (roster->count != 0 && roster->count % BLOCK_IDS == 0) {
    int32_t status = close_block(roster, error);
    if (status != FHX_OK) return status;
  }
  memcpy(roster->filling + roster->filled, id, len);
  roster->filling[roster->filled + len] = '\0';
  roster->last = roster->filled;
  roster->filled += (uint32_t)len + 1;
  roster->count++;
  return FHX_OK;
}

int32_t fhx__roster_seal(fhx__roster *roster, fhx_error **error) {
  int32_t status = close_block(roster, error);
  if (status != FHX_OK) return status;
  fhx__free(roster->filling);
  roster->filling = NULL;
  return FHX_OK;
}

/* --- reading --- */

/* The number of blocks that begin at or before the id. */
static size_t blocks_up_to(const fhx__roster *roster, const char *id, size_t len) {
  size_t low = 0, high = roster->block_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const char *first = roster->blocks[middle].first_id;
    if (compare_ids(first, strlen(first), id, len) <= 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static uint64_t count_ids(const char *text, size_t len) {
  uint64_t count = 0;
  for (size_t i = 0; i < len; i++) count += text[i] == '\0';
  return count;
}

/* Halves the block by bytes, each time going back to where an id begins. */
static bool find_in_block(const char *text, size_t text_len, const char *id, size_t len,
                          uint64_t *place) {
  size_t low = 0, high = text_len;
  while (low < high) {
    size_t begin = low + (high - low) / 2;
    while (begin > low && text[begin - 1] != '\0') begin--;
    size_t here_len = strlen(text + begin);
    int order = compare_ids(text + begin, here_len, id, len);
    if (order == 0) {
      *place = count_ids(text, begin);
      return true;
    }
    if (order < 0) {
      low = begin + here_len + 1;
    } else {
      high = begin;
    }
  }
  return false;
}

int32_t fhx__roster_find(const fhx__roster *roster, const char *id, size_t len, uint64_t *position,
                         fhx_error **error) {
  char page[BLOCK_BYTES_MAX];
  uint64_t place = 0;
  size_t up_to = len == 0 || len > FHX__ID_MAX ? 0 : blocks_up_to(roster, id, len);
  if (up_to == 0) return FHX_END;
  const block *of = &roster->blocks[up_to - 1];
  const char *text = of->text;
  if (text == NULL) {
    int32_t status = read_file(roster, of, page, error);
    if (status != FHX_OK) return status;
    text = page;
  }
  if (!find_in_block(text, of->len, id, len, &place)) return FHX_END;
  *position = (uint64_t)(up_to - 1) * BLOCK_IDS + place;
  return FHX_OK;
}

void fhx__roster_page_free(fhx__roster_page *page) {
  fhx__buffer_free(&page->text);
}

/* The text of a block, in memory or brought into the page. */
static int32_t bring_block(const fhx__roster *roster, const block *of, fhx__roster_page *page,
                           const char **text, fhx_error **error) {
  *text = of->text;
  if (of->text != NULL) return FHX_OK;
  page->text.len = 0;
  if (fhx__buffer_reserve(&page->text, of->len) != FHX_OK) return fhx__no_memory(error);
  *text = page->text.data;
  return read_file(roster, of, page->text.data, error);
}

int32_t fhx__roster_read(const fhx__roster *roster, uint64_t first, uint64_t capacity,
                         fhx__roster_page *page, const char **ids, uint64_t *count,
                         fhx_error **error) {
  const char *text = NULL;
  *count = 0;
  if (first >= roster->count || capacity == 0) return FHX_OK;
  const block *of = &roster->blocks[first / BLOCK_IDS];
  int32_t status = bring_block(roster, of, page, &text, error);
  if (status != FHX_OK) return status;
  const char *end = text + of->len;
  uint64_t skipped = 0;
  for (; text < end && *count < capacity; text += strlen(text) + 1) {
    if (skipped < first % BLOCK_IDS) {
      skipped++;
    } else {
      ids[(*count)++] = text;
    }
  }
  return FHX_OK;
}
