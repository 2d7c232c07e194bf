/*
 * A page of a publication that something else has written over.
 *
 * ctest labels: onethread
 */
#include "unit/publish_place.h"

static void put(const place *self, const char *name, const char *text) {
  test_require_status(fhx__document_put(self->destination, name, text, strlen(text),
                                        "application/json", "no-store", NULL),
                      FHX_OK);
}

/* What was to be removed is not known, so nothing is, and who looks finds it. */
static void test_page(void **state) {
  static const char page[] = "pages/" SOME_JOB "-1.json";
  place self;
  fhx_publication_options options;
  fhx_publication *publication = NULL;
  fhx__buffer text = {NULL, 0, 0};
  (void)state;
  place_begin(&self);
  put(&self, "publication.json", LIST_OF_PAGES("1", "1"));
  put(&self, page, "damaged");
  FHX_INIT(&options);
  options.destination = self.destination;
  options.base_url = BASE_URL;
  test_require_status(fhx_publication_open(&options, &publication, NULL), FHX_OK);
  for (int i = 0; i < 2; i++) {
    uint64_t count = 7;
    fhx_error *error = NULL;
    test_require_status(fhx_publication_remove_old(publication, &count, &error),
                        FHX_ERR_DESTINATION);
    test_require(strstr(fhx_error_message(error), page) != NULL && count == 0);
    fhx_error_free(error);
  }
  test_require_status(fhx__document_get(self.destination, page, &text, NULL), FHX_OK);
  fhx__buffer_free(&text);
  fhx_publication_free(publication);
  place_end(&self);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_page)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
