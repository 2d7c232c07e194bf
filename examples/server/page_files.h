/* The files of page/, which are in the program. */
#ifndef SERVER_PAGE_FILES_H
#define SERVER_PAGE_FILES_H

#include <stddef.h>

struct page_file {
  const char *name;
  const unsigned char *data;
  size_t len;
};

extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
