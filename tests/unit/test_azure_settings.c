/* Connection strings, URLs, containers and prefixes: what is taken, what is refused, and that no
   refusal repeats anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "azure/settings.h"
#include "core/error.h"
#include "support/memory.h"

/* Base64 of "0123456789abcdef". */
#define KEY "MDEyMzQ1Njc4OWFiY2RlZg=="
#define SAS "sv=2021-12-02&ss=b&srt=o&sp=rwdc&se=2030-01-01T00%3A00%3A00Z&sig=SECRET%2Bsecret%3D"

static void token(void *user_data, fhx_reply *reply) {
  (void)user_data;
  (void)reply;
}

static fhx_azure_options options_of(const char *connection_string) {
  fhx_azure_options options = {.size = sizeof options};
  options.connection_string = connection_string;
  options.container = "fhir";
  return options;
}

typedef struct good_case {
  const char *connection_string;
  const char *container_url;
  const char *account_url;
  const char *endpoint;
  const char *path;
  const char *account;
  /* NULL: it is the key; "": tokens. */
  const char *sas;
} good_case;

static const good_case good[] = {
    {"DefaultEndpointsProtocol=https;AccountName=fhxaccount;AccountKey=" KEY
     ";EndpointSuffix=core.windows.net",
     NULL, NULL, "https://fhxaccount.blob.core.windows.net", "", "fhxaccount", NULL},
    {"AccountName=fhxaccount;AccountKey=" KEY, NULL, NULL,
     "https://fhxaccount.blob.core.windows.net", "", "fhxaccount", NULL},
    {" ACCOUNTNAME = fhxaccount ; accountkey=" KEY ";;endpointSUFFIX=core.chinacloudapi.cn;", NULL,
     NULL, "https://fhxaccount.blob.core.chinacloudapi.cn", "", "fhxaccount", NULL},
    {"DefaultEndpointsProtocol=http;AccountName=fhxaccount;AccountKey=" KEY
     ";BlobEndpoint=http://127.0.0.1:10000/fhxaccount;QueueEndpoint=nonsense;Other=",
     NULL, NULL, "http://127.0.0.1:10000/fhxaccount", "/fhxaccount", "fhxaccount", NULL},
    {"BlobEndpoint=https://blobs.example.org/;AccountName=fhxaccount;AccountKey=" KEY, NULL, NULL,
     "https://blobs.example.org", "", "fhxaccount", NULL},
    {"BlobEndpoint=https://fhxaccount.blob.core.windows.net/;SharedAccessSignature=" SAS, NULL,
     NULL, "https://fhxaccount.blob.core.windows.net", "", "fhxaccount", SAS},
    {"BlobEndpoint=https://blobs.example.org:8443;SharedAccessSignature=?" SAS, NULL, NULL,
     "https://blobs.example.org:8443", "", "", SAS},
    {"BlobEndpoint=http://[::1]:10000/fhxaccount;SharedAccessSignature=" SAS, NULL, NULL,
     "http://[::1]:10000/fhxaccount", "/fhxaccount", "fhxaccount", SAS},
    {"UseDevelopmentStorage=true", NULL, NULL, "http://127.0.0.1:10000/devstoreaccount1",
     "/devstoreaccount1", "devstoreaccount1", NULL},
    {"usedevelopmentstorage=TRUE;", NULL, NULL, "http://127.0.0.1:10000/devstoreaccount1",
     "/devstoreaccount1", "devstoreaccount1", NULL},
    {NULL, "https://fhxaccount.blob.core.windows.net/fhir?" SAS, NULL,
     "https://fhxaccount.blob.core.windows.net", "", "fhxaccount", SAS},
    {NULL, "HTTPS://fhxaccount.z01.blob.storage.azure.net/fhir/?" SAS, NULL,
     "HTTPS://fhxaccount.z01.blob.storage.azure.net", "", "fhxaccount", SAS},
    {NULL, "http://127.0.0.1:10000/devstoreaccount1/fhir?" SAS, NULL,
     "http://127.0.0.1:10000/devstoreaccount1", "/devstoreaccount1", "devstoreaccount1", SAS},
    {NULL, "https://blobs.example.org/fhir?" SAS, NULL, "https://blobs.example.org", "", "", SAS},
    {NULL, NULL, "https://fhxaccount.blob.core.windows.net",
     "https://fhxaccount.blob.core.windows.net", "", "fhxaccount", ""},
    {NULL, NULL, "https://127.0.0.1:10000/fhxaccount/", "https://127.0.0.1:10000/fhxaccount",
     "/fhxaccount", "fhxaccount", ""},
};

static void taken(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    const good_case *one = &good[i];
    fhx__azure_settings settings;
    fhx_azure_options options = options_of(one->connection_string);
    options.container_url = one->container_url;
    options.account_url = one->account_url;
    if (one->account_url != NULL) options.token = token;
    fhx_error *error = NULL;
    int32_t status = fhx__azure_settings_read(&settings, &options, &error);
    assert_string_equal(fhx_error_message(error), "");
    assert_int_equal(status, FHX_OK);
    assert_string_equal(settings.endpoint, one->endpoint);
    assert_string_equal(settings.path, one->path);
    assert_string_equal(settings.account, one->account);
    assert_string_equal(settings.container, "fhir");
    assert_string_equal(settings.prefix, "");
    assert_int_equal(settings.is_https, (one->endpoint[4] | 0x20) == 's');
    assert_int_equal(settings.key.len > 0, one->sas == NULL);
    assert_int_equal(settings.has_token, one->sas != NULL && *one->sas == '\0');
    if (one->sas != NULL && *one->sas != '\0') {
      assert_string_equal(settings.sas.data, one->sas);
    } else {
      assert_int_equal(settings.sas.len, 0);
    }
    fhx__azure_settings_free(&settings);
  }
}

static void key_is_decoded(void **state) {
  fhx__azure_settings settings;
  fhx_azure_options options = options_of("AccountName=fhxaccount;AccountKey=" KEY);
  (void)state;
  assert_int_equal(fhx__azure_settings_read(&settings, &options, NULL), FHX_OK);
  assert_int_equal(settings.key.len, 16);
  assert_memory_equal(settings.key.data, "0123456789abcdef", 16);
  fhx__azure_settings_free(&settings);
}

/* What is refused, and words of the sentence that says why. */
static const char *const bad_strings[][2] = {
    {"", "neither AccountKey nor SharedAccessSignature"},
    {"AccountName=fhxaccount", "neither AccountKey nor SharedAccessSignature"},
    {"AccountKey=" KEY, "AccountKey without AccountName"},
    {"SharedAccessSignature=" SAS, "neither BlobEndpoint nor AccountName"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";SharedAccessSignature=" SAS, "has both"},
    {"AccountName=fhxaccount;AccountName=fhxaccount;AccountKey=" KEY, "AccountName twice"},
    {"AccountName=fhxaccount;ACCOUNTKEY=" KEY ";AccountKey=" KEY, "AccountKey twice"},
    {"AccountName=fhxaccount;AccountKey=", "AccountKey without a value"},
    {"AccountName=fhxaccount;AccountKey=secret", "not base64"},
    {"AccountName=fhxaccount;AccountKey=MDEyMz!1Njc4OWFiY2RlZg==", "not base64"},
    {"AccountName=Secret;AccountKey=" KEY, "AccountName that is not"},
    {"AccountName=se;AccountKey=" KEY, "AccountName that is not"},
    {"AccountName=secret.example.org/;AccountKey=" KEY, "AccountName that is not"},
    {"secret", "not made of key=value"},
    {"=secret", "not made of key=value"},
    {"AccountName=fhxaccount;\nAccountKey=" KEY, "printable ASCII"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";DefaultEndpointsProtocol=secret",
     "DefaultEndpointsProtocol"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";EndpointSuffix=secret/x", "EndpointSuffix"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";EndpointSuffix=secret..x", "EndpointSuffix"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";BlobEndpoint=secret", "does not begin with"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";BlobEndpoint=ftp://secret", "does not begin with"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";BlobEndpoint=https://secret@host", "user name"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";BlobEndpoint=https://host:0", "no host and port"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";BlobEndpoint=https://host:65536", "no host and"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";BlobEndpoint=https://:80", "no host and port"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";BlobEndpoint=https://host?secret", "a query"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";BlobEndpoint=https://host#secret", "a fragment"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";BlobEndpoint=https://host/secret1/x", "a path"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";BlobEndpoint=https://host//x", "a path"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";BlobEndpoint=http://1.2.3.4/secret1",
     "another account's"},
    {"AccountName=fhxaccount;AccountKey=" KEY ";BlobEndpoint=https://secret1.blob.example.org",
     "another account's"},
    {"BlobEndpoint=https://host;SharedAccessSignature=secret", "no shared access signature"},
    {"BlobEndpoint=https://host;SharedAccessSignature=?", "no shared access signature"},
    {"BlobEndpoint=https://host;SharedAccessSignature=sv=1", "no shared access signature"},
    {"BlobEndpoint=https://host;SharedAccessSignature=sig=secret", "no shared access signature"},
    {"BlobEndpoint=https://host;SharedAccessSignature=sv=1&sig=", "no shared access signature"},
    {"BlobEndpoint=https://host;SharedAccessSignature=sv=1&sig=secret&", "no shared access"},
    {"BlobEndpoint=https://host;SharedAccessSignature=sv=1&sig=secret&sig=a", "no shared access"},
    {"BlobEndpoint=https://host;SharedAccessSignature=sv=1&sig=secret&comp=list", "no shared"},
    {"BlobEndpoint=https://host;SharedAccessSignature=sv=1&sig=sec ret", "no shared access"},
    {"BlobEndpoint=https://host;SharedAccessSignature=sv=1&sig=sec#ret", "no shared access"},
    {"UseDevelopmentStorage=false", "UseDevelopmentStorage that is not true"},
    {"UseDevelopmentStorage=true;AccountName=fhxaccount", "something else"},
    {"UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://secret", "something else"},
};

static const char *const bad_container_urls[][2] = {
    {"https://fhxaccount.blob.core.windows.net?" SAS, "does not end with the container's name"},
    {"https://fhxaccount.blob.core.windows.net/fhir/secret?" SAS, "given as prefix"},
    {"https://1.2.3.4/fhxaccount/fhir/secret?" SAS, "a path"},
    {"https://fhxaccount.blob.core.windows.net/fhir", "no shared access signature"},
    {"https://fhxaccount.blob.core.windows.net/fhir?", "no shared access signature"},
    {"https://fhxaccount.blob.core.windows.net/other1?" SAS, "not the one that container_url"},
    {"https://1.2.3.4/Secret/fhir?" SAS, "account's name"},
    {"https://host/fhir?" SAS "#secret", "a fragment"},
    {"https://host/fh ir?" SAS, "visible ASCII"},
};

static const char *const bad_account_urls[][2] = {
    {"http://fhxaccount.blob.core.windows.net", "not https"},
    {"https://blobs.example.org", "does not name its account"},
    {"https://fhxaccount.blob.core.windows.net/secret", "a path"},
    {"https://fhxaccount.blob.core.windows.net?secret", "a query"},
    {"https://Secret.blob.core.windows.net", "account's name"},
};

static void assert_refused(const fhx_azure_options *options, const char *words) {
  fhx__azure_settings settings;
  fhx_error *error = NULL;
  int32_t status = fhx__azure_settings_read(&settings, options, &error);
  const char *message = fhx_error_message(error);
  if (status != FHX_ERR_ARGUMENT || strstr(message, words) == NULL) {
    print_message("expected \"%s\", got %d \"%s\"\n", words, (int)status, message);
    fail();
  }
  assert_null(strstr(message, "secret"));
  assert_null(strstr(message, "Secret"));
  assert_null(strstr(message, "SECRET"));
  assert_null(strstr(message, "fhxaccount"));
  assert_null(strstr(message, KEY));
  fhx_error_free(error);
  fhx__azure_settings_free(&settings);
}

static void refused(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad_strings / sizeof *bad_strings; i++) {
    fhx_azure_options options = options_of(bad_strings[i][0]);
    assert_refused(&options, bad_strings[i][1]);
  }
  for (size_t i = 0; i < sizeof bad_container_urls / sizeof *bad_container_urls; i++) {
    fhx_azure_options options = options_of(NULL);
    options.container_url = bad_container_urls[i][0];
    assert_refused(&options, bad_container_urls[i][1]);
  }
  for (size_t i = 0; i < sizeof bad_account_urls / sizeof *bad_account_urls; i++) {
    fhx_azure_options options = options_of(NULL);
    options.account_url = bad_account_urls[i][0];
    options.token = token;
    assert_refused(&options, bad_account_urls[i][1]);
  }
}

static void one_of_three(void **state) {
  fhx_azure_options options = options_of(NULL);
  (void)state;
  assert_refused(&options, "exactly one");
  options = options_of("UseDevelopmentStorage=true");
  options.account_url = "https://fhxaccount.blob.core.windows.net";
  assert_refused(&options, "exactly one");
  options.connection_string = NULL;
  assert_refused(&options, "needs the token callback");
  options = options_of("UseDevelopmentStorage=true");
  options.token = token;
  assert_refused(&options, "goes with account_url alone");
  options = options_of("UseDevelopmentStorage=true");
  options.container = NULL;
  assert_refused(&options, "no container");
}

/* Plain URLs need no account's name. */
static void plain_urls(void **state) {
  fhx__azure_settings settings;
  fhx_azure_options options = options_of(NULL);
  (void)state;
  options.account_url = "https://blobs.example.org";
  options.token = token;
  options.flags = FHX_AZURE_PLAIN_URLS;
  assert_int_equal(fhx__azure_settings_read(&settings, &options, NULL), FHX_OK);
  assert_string_equal(settings.account, "");
  fhx__azure_settings_free(&settings);
}

static void containers(void **state) {
  static const char *const bad[] = {"",     "ab",       "-abc",  "abc-", "a--b",   "Secret",
                                    "a.bc", "a/secret", "$root", "$web", "se cret"};
  static const char *const fine[] = {"abc", "a-b-c", "0123456789", "fhir-exports-2026"};
  char longest[65];
  (void)state;
  memset(longest, 'a', 64);
  longest[64] = '\0';
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fhx_azure_options options = options_of("UseDevelopmentStorage=true");
    options.container = bad[i];
    assert_refused(&options, "container's name is not");
  }
  assert_false(fhx__azure_is_container(fhx__azure_span_of(longest)));
  longest[63] = '\0';
  assert_true(fhx__azure_is_container(fhx__azure_span_of(longest)));
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
    assert_true(fhx__azure_is_container(fhx__azure_span_of(fine[i])));
  }
}

static void prefixes(void **state) {
  static const char *const bad[] = {"/secret", "secret/", "a//secret", ".secret", "a/../secret",
                                    "secret.", "a./b",    "se cret",   "s%20",    "secret?"};
  fhx__azure_settings settings;
  fhx_azure_options options = options_of("UseDevelopmentStorage=true");
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    options.prefix = bad[i];
    assert_refused(&options, "prefix is not");
  }
  options.prefix = "exports/of-2026.11";
  assert_int_equal(fhx__azure_settings_read(&settings, &options, NULL), FHX_OK);
  assert_string_equal(settings.prefix, "exports/of-2026.11/");
  fhx__azure_settings_free(&settings);
  options.prefix = "";
  assert_int_equal(fhx__azure_settings_read(&settings, &options, NULL), FHX_OK);
  assert_string_equal(settings.prefix, "");
  fhx__azure_settings_free(&settings);
}

static void too_long(void **state) {
  static char text[20000] = "AccountName=fhxaccount;AccountKey=";
  (void)state;
  memset(text + strlen(text), 'A', sizeof text - 1 - strlen(text));
  fhx_azure_options options = options_of(text);
  assert_refused(&options, "longer than");
}

static void out_of_memory(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    bool reached = true;
    for (uint64_t n = 1; reached; n++) {
      fhx__azure_settings settings;
      fhx_azure_options options = options_of(good[i].connection_string);
      options.container_url = good[i].container_url;
      options.account_url = good[i].account_url;
      if (good[i].account_url != NULL) options.token = token;
      test_memory_begin(n);
      int32_t status = fhx__azure_settings_read(&settings, &options, NULL);
      fhx__azure_settings_free(&settings);
      reached = test_memory_end();
      assert_int_equal(status, reached ? FHX_ERR_NO_MEMORY : FHX_OK);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(taken),         cmocka_unit_test(key_is_decoded),
      cmocka_unit_test(refused),       cmocka_unit_test(one_of_three),
      cmocka_unit_test(plain_urls),    cmocka_unit_test(containers),
      cmocka_unit_test(prefixes),      cmocka_unit_test(too_long),
      cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
