/*
 * Options of an Azure destination as a user might mistype them. The first byte picks which one is
 * given, the rest is its text. What is taken is whole and safe to put into a URL; no refusal
 * repeats anything.
 */
#include <stdlib.h>
#include <string.h>

#include "azure/settings.h"
#include "core/error.h"

#define TEXT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds) {
  if (!holds) abort();
}

static void token(void *user_data, fhx_reply *reply) {
  (void)user_data;
  (void)reply;
}

static bool is_visible(const char *text) {
  for (; *text != '\0'; text++) {
    if (*text <= ' ' || *text > '~') return false;
  }
  return true;
}

static void check_taken(const fhx__azure_settings *settings) {
  size_t len = strlen(settings->endpoint), path_len = strlen(settings->path);
  require(is_visible(settings->endpoint) && strpbrk(settings->endpoint, "?#@\\%") == NULL);
  require(len > path_len && strcmp(settings->endpoint + len - path_len, settings->path) == 0);
  require(settings->account[0] == '\0' ||
          fhx__azure_is_account(fhx__azure_span_of(settings->account)));
  require(fhx__azure_is_container(fhx__azure_span_of(settings->container)));
  require((settings->key.len > 0) + (settings->sas.len > 0) + settings->has_token == 1);
  require(settings->key.len == 0 || settings->account[0] != '\0');
  require(!settings->has_token || settings->is_https);
  if (settings->sas.len > 0) {
    require(is_visible(settings->sas.data) && strpbrk(settings->sas.data, "?#\"<>\\") == NULL);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  fhx__azure_settings settings;
  fhx_azure_options options = {.size = sizeof options};
  fhx_error *error = NULL;
  if (len == 0 || len > TEXT_MAX) return 0;
  char *text = malloc(len);
  require(text != NULL);
  memcpy(text, data + 1, len - 1);
  text[len - 1] = '\0';
  options.container = "fhir";
  switch (data[0] % 5) {
    case 0:
      options.connection_string = text;
      break;
    case 1:
      options.container_url = text;
      break;
    case 2:
      options.account_url = text;
      options.token = token;
      break;
    case 3:
      options.connection_string = "UseDevelopmentStorage=true";
      options.container = text;
      break;
    default:
      options.connection_string = "UseDevelopmentStorage=true";
      options.prefix = text;
  }
  int32_t status = fhx__azure_settings_read(&settings, &options, &error);
  require(status == FHX_OK || status == FHX_ERR_ARGUMENT);
  if (status == FHX_OK) check_taken(&settings);
  /* No sentence has a tilde, so one that does has it from the text. */
  require(strchr(fhx_error_message(error), '~') == NULL);
  fhx_error_free(error);
  fhx__azure_settings_free(&settings);
  free(text);
  return 0;
}
