/* What the options say: where the container is, and by what right its blobs are written. */
#ifndef FHX__AZURE_SETTINGS_H
#define FHX__AZURE_SETTINGS_H

#include <fhirexport/azure.h>
#include <stdbool.h>

#include "azure/address.h"
#include "core/buffer.h"

typedef struct fhx__azure_settings {
  bool is_https;
  /* "https://account.blob.core.windows.net", "http://127.0.0.1:10000/devstoreaccount1"; and the
     path in it, "" or "/devstoreaccount1". */
  char *endpoint;
  char *path;
  /* "" where nothing is signed and it is not known. */
  char *account;
  /* One of the three: the account's key, decoded; a shared access signature without a question
     mark; tokens. */
  fhx__buffer key;
  fhx__buffer sas;
  bool has_token;
  char *container;
  /* What stands before a part's name: "" or with a slash at its end. */
  char *prefix;
} fhx__azure_settings;

/* Reads the texts of options that have come in. FHX_ERR_ARGUMENT says what is missing or wrong, and
   repeats none of it. Whatever the answer, the settings are to be freed. */
int32_t fhx__azure_settings_read(fhx__azure_settings *settings, const fhx_azure_options *options,
                                 fhx_error **error);
/* Wipes the secrets; harmless on zeroed ones. */
void fhx__azure_settings_free(fhx__azure_settings *settings);

/* Whether Azure keeps a part's name as it is: no segment of it ends with a dot. */
bool fhx__azure_is_blob_name(const char *name);

#endif
