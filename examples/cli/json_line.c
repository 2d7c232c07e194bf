/* See json_line.h. */
#include "json_line.h"

#include <stdint.h>
#include <string.h>

/* How long the character of UTF-8 is that begins here; 0: none does. */
static size_t character(const unsigned char *text) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t len = text[0] < 0x80 ? 1 : text[0] >> 5 == 6 ? 2 : text[0] >> 4 == 14 ? 3 : 4;
  if (len == 1) return 1;
  if (len == 4 && text[0] >> 3 != 30) return 0;
  uint32_t code = text[0] & (0x7Fu >> len);
  for (size_t i = 1; i < len; i++) {
    if (text[i] >> 6 != 2) return 0; /* the end of the text is one of these */
    code = code << 6 | (text[i] & 0x3Fu);
  }
  bool valid = code >= least[len] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  return valid ? len : 0;
}

void json_string(FILE *file, const char *text) {
  fputc('"', file);
  for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
    size_t len = character(at);
    if (len == 0) {
      fputc('?', file);
    } else if (*at == '"' || *at == '\\') {
      fprintf(file, "\\%c", *at);
    } else if (*at < ' ' || *at == 0x7f) {
      fprintf(file, "\\u%04x", *at);
    } else {
      fwrite(at, 1, len, file);
    }
    at += len == 0 ? 1 : len;
  }
  fputc('"', file);
}

bool json_manifest(FILE *file, fhx_job *job, bool one_line, fhx_error **error) {
  fhx_manifest *manifest = NULL;
  char text[16 * 1024];
  int32_t status = fhx_manifest_new(job, &manifest, error);
  while (status == FHX_OK) {
    size_t len = 0;
    status = fhx_manifest_read(manifest, text, sizeof text, &len, error);
    for (char *at = text; one_line && (at = memchr(at, '\n', len - (size_t)(at - text))) != NULL;) {
      *at = ' '; /* between values: within a string it would stand as \n */
    }
    if (len > 0 && fwrite(text, 1, len, file) != len) break;
  }
  fhx_manifest_free(manifest);
  return status == FHX_END;
}
