/* How search queries are read, refused and split (PARAM-18, PARAM-19, PARAM-20, PARAM-21,
   PARAM-22). */
#include "search_check.h"
#include "select/search_table.h"
#include "support/memory.h"

typedef struct refused_query {
  const char *query;
  int32_t status;
  const char *text;
} refused_query;

static void check_refused(uint32_t version, const refused_query *refused) {
  fhx__search *search = (fhx__search *)1;
  fhx__search_refusal refusal;
  int32_t status = fhx__search_parse(refused->query, version, &search, &refusal);
  if (status != refused->status) fail_msg("%s: %d", refused->query, (int)status);
  assert_null(search);
  assert_string_equal(refusal.text, refused->text);
}

#define ARGUMENT FHX_ERR_ARGUMENT
#define UNSUPPORTED FHX_ERR_UNSUPPORTED
#define ON_OBSERVATION(name) "the search parameter " name " of Observation "

static void queries_are_refused(void **state) {
  static const refused_query refused[] = {
      /* PARAM-21 */
      {"", ARGUMENT, "a query must begin with a resource type"},
      {"?status=final", ARGUMENT, "a query must begin with a resource type"},
      {"status=final", ARGUMENT, "a query must begin with a resource type"},
      {"observation?status=final", ARGUMENT, "a query must begin with a resource type"},
      {"Observation%3Fstatus=final", ARGUMENT, "a query must begin with a resource type"},
      {"Patient/1/Observation?status=final", ARGUMENT,
       "a query must begin with a resource type, not with a path"},
      {"Patient/1", ARGUMENT, "a query must begin with a resource type, not with a path"},
      {"/Observation?x=1", ARGUMENT, "a query must begin with a resource type, not with a path"},
      {"Observation/$lastn?x=1", ARGUMENT,
       "a query must begin with a resource type, not with a path"},
      /* PARAM-20 */
      {"Observation?_sort=date", ARGUMENT,
       ON_OBSERVATION("_sort") "is one of results and cannot be in a query"},
      {"Observation?_count=1", ARGUMENT,
       ON_OBSERVATION("_count") "is one of results and cannot be in a query"},
      {"Observation?_include=Observation:subject", ARGUMENT,
       ON_OBSERVATION("_include") "is one of results and cannot be in a query"},
      {"Observation?_include:iterate=a", ARGUMENT,
       ON_OBSERVATION("_include") "is one of results and cannot be in a query"},
      {"Observation?_revinclude=a", ARGUMENT,
       ON_OBSERVATION("_revinclude") "is one of results and cannot be in a query"},
      {"Observation?_summary=a", ARGUMENT,
       ON_OBSERVATION("_summary") "is one of results and cannot be in a query"},
      {"Observation?_total=a", ARGUMENT,
       ON_OBSERVATION("_total") "is one of results and cannot be in a query"},
      {"Observation?_elements=a", ARGUMENT,
       ON_OBSERVATION("_elements") "is one of results and cannot be in a query"},
      {"Observation?_contained=a", ARGUMENT,
       ON_OBSERVATION("_contained") "is one of results and cannot be in a query"},
      {"Observation?_containedType=a", ARGUMENT,
       ON_OBSERVATION("_containedType") "is one of results and cannot be in a query"},
      {"Observation?status=final&_score=a", ARGUMENT,
       ON_OBSERVATION("_score") "is one of results and cannot be in a query"},
      /* PARAM-22 */
      {"Nothing", UNSUPPORTED, "the resource type Nothing is not known"},
      {"DeviceUsage?x=1", UNSUPPORTED, "the resource type DeviceUsage is not known"},
      {"Observation?colour=red", UNSUPPORTED, ON_OBSERVATION("colour") "is not known"},
      {"Observation?Status=final", UNSUPPORTED, ON_OBSERVATION("Status") "is not known"},
      {"Observation?statu=final", UNSUPPORTED, ON_OBSERVATION("statu") "is not known"},
      {"Observation?=final", UNSUPPORTED, ON_OBSERVATION("of no known form") "is not known"},
      {"Observation?a%20b=1", UNSUPPORTED, ON_OBSERVATION("of no known form") "is not known"},
      {"Observation?_text=a", UNSUPPORTED, ON_OBSERVATION("_text") "is not known"},
      {"Observation?_filter=a", UNSUPPORTED, ON_OBSERVATION("_filter") "is not known"},
      {"Observation?_list=a", UNSUPPORTED, ON_OBSERVATION("_list") "is not known"},
      {"Observation?_type=a", UNSUPPORTED, ON_OBSERVATION("_type") "is not known"},
      {"Observation?subject.name=a", UNSUPPORTED,
       ON_OBSERVATION("subject.name") "leads to other resources, which is not supported"},
      {"Observation?subject:Patient.name=a", UNSUPPORTED,
       ON_OBSERVATION("subject") "leads to other resources, which is not supported"},
      {"Observation?_has:Patient:x:y=a", UNSUPPORTED,
       ON_OBSERVATION("_has") "leads to other resources, which is not supported"},
      {"Observation?code-value-quantity=a$1", UNSUPPORTED,
       ON_OBSERVATION("code-value-quantity") "is not supported"},
      {"Location?near=1|2", UNSUPPORTED, "the search parameter near of Location is not supported"},
      {"Patient?phonetic=a", UNSUPPORTED,
       "the search parameter phonetic of Patient is not supported"},
      {"Observation?code:text=a", UNSUPPORTED,
       "the modifier text of the search parameter code of Observation is not supported"},
      {"Observation?code:in=a", UNSUPPORTED,
       "the modifier in of the search parameter code of Observation is not supported"},
      {"Observation?code:not-in=a", UNSUPPORTED,
       "the modifier not-in of the search parameter code of Observation is not supported"},
      {"Observation?code:below=a", UNSUPPORTED,
       "the modifier below of the search parameter code of Observation is not supported"},
      {"Observation?code:exact=a", UNSUPPORTED,
       "the modifier exact of the search parameter code of Observation is not supported"},
      {"Observation?identifier:of-type=a|b|c", UNSUPPORTED,
       "the modifier of-type of the search parameter identifier of Observation is not supported"},
      {"Observation?subject:above=a", UNSUPPORTED,
       "the modifier above of the search parameter subject of Observation is not supported"},
      {"Observation?subject:Nothing=a", UNSUPPORTED,
       "the modifier Nothing of the search parameter subject of Observation is not supported"},
      {"Observation?date:not=2020", UNSUPPORTED,
       "the modifier not of the search parameter date of Observation is not supported"},
      {"Observation?date:=2020", UNSUPPORTED,
       "the modifier of no known form of the search parameter date of Observation is not "
       "supported"},
      {"Observation?_profile:below=a", UNSUPPORTED,
       "the modifier below of the search parameter _profile of Observation is not supported"},
      {"Patient?family:not=a", UNSUPPORTED,
       "the modifier not of the search parameter family of Patient is not supported"},
      {"Patient?deceased:missing=true", UNSUPPORTED,
       "the modifier missing of the search parameter deceased of Patient is not supported"},
      {"Patient?deceased:not=true", UNSUPPORTED,
       "the modifier not of the search parameter deceased of Patient is not supported"},
      {"Patient?gender:Patient=a", UNSUPPORTED,
       "the modifier Patient of the search parameter gender of Patient is not supported"},
      /* Values are never repeated. */
      {"Observation?status", ARGUMENT, ON_OBSERVATION("status") "has no value"},
      {"Observation?status=", ARGUMENT, ON_OBSERVATION("status") "has a value that is empty"},
      {"Observation?status=a,", ARGUMENT, ON_OBSERVATION("status") "has a value that is empty"},
      {"Observation?status=,a", ARGUMENT, ON_OBSERVATION("status") "has a value that is empty"},
      {"Observation?status=a,,b", ARGUMENT, ON_OBSERVATION("status") "has a value that is empty"},
      {"Observation?code=|", ARGUMENT, ON_OBSERVATION("code") "has a value that is empty"},
      {"Observation?code=a|b|c", ARGUMENT,
       ON_OBSERVATION("code") "has a value with more than one bar"},
      {"Observation?code=a\\b", ARGUMENT,
       ON_OBSERVATION("code") "has a backslash that escapes nothing"},
      {"Observation?code=a\\", ARGUMENT,
       ON_OBSERVATION("code") "has a backslash that escapes nothing"},
      {"Observation?code=a%", ARGUMENT,
       ON_OBSERVATION("code") "has a value that is not encoded well"},
      {"Observation?code=a%2", ARGUMENT,
       ON_OBSERVATION("code") "has a value that is not encoded well"},
      {"Observation?code=a%zz", ARGUMENT,
       ON_OBSERVATION("code") "has a value that is not encoded well"},
      {"Observation?code=a%00", ARGUMENT,
       ON_OBSERVATION("code") "has a value that is not encoded well"},
      {"Observation?code=%ff", ARGUMENT,
       ON_OBSERVATION("code") "has a value that is not encoded well"},
      {"Observation?co%de=a", ARGUMENT, "a query has a parameter whose name is not encoded well"},
      {"Observation?status:missing=yes", ARGUMENT,
       ON_OBSERVATION("status") "has a value that is neither true nor false"},
      {"Observation?status:missing=true,false", ARGUMENT,
       ON_OBSERVATION("status") "has a value that is neither true nor false"},
      {"Observation?date=yesterday", ARGUMENT,
       ON_OBSERVATION("date") "has a value that is no date"},
      {"Observation?date=2020-13", ARGUMENT, ON_OBSERVATION("date") "has a value that is no date"},
      {"Observation?date=2020-02-30", ARGUMENT,
       ON_OBSERVATION("date") "has a value that is no date"},
      {"Observation?date=20200101", ARGUMENT, ON_OBSERVATION("date") "has a value that is no date"},
      {"Observation?date=2020-01-01T10", ARGUMENT,
       ON_OBSERVATION("date") "has a value that is no date"},
      {"Observation?date=2020-01-01T10:00:00%2B1", ARGUMENT,
       ON_OBSERVATION("date") "has a value that is no date"},
      {"Observation?date=po2020", ARGUMENT, ON_OBSERVATION("date") "has a value that is no date"},
      {"Observation?date=0000", ARGUMENT, ON_OBSERVATION("date") "has a value that is no date"},
      {"Observation?_lastUpdated=gt", ARGUMENT,
       ON_OBSERVATION("_lastUpdated") "has a value that is no date"},
      {"Observation?_id=a/b", ARGUMENT, ON_OBSERVATION("_id") "has a value that is no id"},
      {"Observation?value-quantity=x", ARGUMENT,
       ON_OBSERVATION("value-quantity") "has a value that is no number"},
      {"Observation?value-quantity=1x", ARGUMENT,
       ON_OBSERVATION("value-quantity") "has a value that is no number"},
      {"Observation?value-quantity=1.", ARGUMENT,
       ON_OBSERVATION("value-quantity") "has a value that is no number"},
      {"Observation?value-quantity=.5", ARGUMENT,
       ON_OBSERVATION("value-quantity") "has a value that is no number"},
      {"Observation?value-quantity=1e", ARGUMENT,
       ON_OBSERVATION("value-quantity") "has a value that is no number"},
      {"Observation?value-quantity=ge", ARGUMENT,
       ON_OBSERVATION("value-quantity") "has a value that is no number"},
      {"Observation?value-quantity=1|mg", ARGUMENT,
       ON_OBSERVATION(
           "value-quantity") "has a quantity that is not of the form number|system|code"},
      {"Observation?value-quantity=1|a|b|c", ARGUMENT,
       ON_OBSERVATION("value-quantity") "has a value with more than one bar"},
      {"Observation?value-quantity=1||", ARGUMENT,
       ON_OBSERVATION("value-quantity") "has a value that is empty"},
      {"ChargeItem?factor-override=1|a|b", ARGUMENT,
       "the search parameter factor-override of ChargeItem has a value that is no number"},
      {"Observation?subject:Patient=Group/1", ARGUMENT,
       ON_OBSERVATION("subject") "has a value that is no id of that type"},
      {"Observation?subject:Patient=urn:uuid:1", ARGUMENT,
       ON_OBSERVATION("subject") "has a value that is no id of that type"},
      {"Patient?family=%CC%81", ARGUMENT,
       "the search parameter family of Patient has a value without a letter"},
      {"Patient?deceased=yes", ARGUMENT,
       "the search parameter deceased of Patient has a value that is neither true nor false"},
      {"CarePlan?instantiates-uri:below=urn:a", ARGUMENT,
       "the search parameter instantiates-uri of CarePlan has a URN, which has nothing below or "
       "above it"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
    check_refused(FHX_FHIR_R4, &refused[i]);
}

static void long_names_and_many_conditions_are_refused(void **state) {
  char query[4096] = "Observation?";
  (void)state;
  memset(query + 12, 'a', 2000);
  memcpy(query + 2012, "=1", 3);
  check_refused(FHX_FHIR_R4, &(refused_query){query, UNSUPPORTED,
                                              ON_OBSERVATION("of no known form") "is not known"});
  snprintf(query, sizeof query, "Observation?value-quantity=%0101d", 1);
  check_refused(
      FHX_FHIR_R4,
      &(refused_query){query, ARGUMENT,
                       ON_OBSERVATION("value-quantity") "has a number with too many digits"});
  size_t len = (size_t)snprintf(query, sizeof query, "Observation?");
  for (int i = 0; i < 64; i++)
    len += (size_t)snprintf(query + len, sizeof query - len, "status=a&");
  fhx__search_free(read_search_in(query, FHX_FHIR_R4));
  snprintf(query + len, sizeof query - len, "status=a");
  check_refused(FHX_FHIR_R4, &(refused_query){query, ARGUMENT, "a query has too many parameters"});
}

static void versions_have_their_own(void **state) {
  static const refused_query in_r5[] = {
      {"DeviceUseStatement", UNSUPPORTED, "the resource type DeviceUseStatement is not known"},
      {"Condition?asserter=1", UNSUPPORTED,
       "the search parameter asserter of Condition is not known"},
      {"Appointment?date=2020", UNSUPPORTED,
       "the search parameter date of Appointment is not supported"},
  };
  static const refused_query nowhere[] = {
      {"Patient", ARGUMENT, "the FHIR version is not known"},
  };
  (void)state;
  for (size_t i = 0; i < 3; i++) check_refused(FHX_FHIR_R5, &in_r5[i]);
  check_refused(0, &nowhere[0]);
  check_refused(41, &nowhere[0]);
  fhx__search_free(read_search_in("DeviceUsage?patient=1", FHX_FHIR_R5));
  fhx__search_free(read_search_in("Condition?asserter=1", FHX_FHIR_R4B));
  fhx__search_free(NULL);
}

/* A query with each parameter that the table has. */
static void check_entry(const char *type, const char *entry, size_t len, uint32_t version,
                        uint32_t bit) {
  char query[256];
  fhx__search *search = NULL;
  fhx__search_refusal refusal;
  size_t name_len = strcspn(entry, "=");
  assert_in_range(name_len, 1, len - 3);
  char kind = entry[name_len + 1];
  assert_non_null(strchr("tdrsunqx", kind));
  if (((uint32_t)(entry[name_len + 2] - '0') & bit) == 0) return;
  snprintf(query, sizeof query, "%s?%.*s=%s", type, (int)name_len, entry,
           entry[len - 1] == '!' ? "true"
           : kind == 'd'         ? "2020"
                                 : "1");
  int32_t status = fhx__search_parse(query, version, &search, &refusal);
  if (status != (kind == 'x' ? UNSUPPORTED : FHX_OK)) fail_msg("%s: %s", query, refusal.text);
  fhx__search_free(search);
}

static void the_table_has_its_form(void **state) {
  static const uint32_t versions[] = {FHX_FHIR_R4, FHX_FHIR_R4B, FHX_FHIR_R5};
  size_t entries = 0;
  (void)state;
  for (size_t i = 0; i < fhx__search_table_count; i++) {
    const fhx__search_row *row = &fhx__search_table[i];
    assert_true(i == 0 || strcmp(row[-1].resource_type, row->resource_type) < 0);
    for (size_t v = 0; v < 3; v++) {
      if ((row->versions >> v & 1) == 0) continue;
      for (const char *at = row->parameters; *at != '\0'; entries++) {
        size_t len = strcspn(at, " ");
        check_entry(row->resource_type, at, len, versions[v], 1u << v);
        at += len + 1;
      }
    }
  }
  assert_in_range(entries, 2000, 5000);
}

/* `+` stays what it is, and the query's own encoding is undone. */
static void values_are_decoded_once_more(void **state) {
  static const char *const same[] = {
      "Observation?date=2020-01-01T00:00:00+01:00",
      "Observation?date=2020-01-01T00:00:00%2B01:00",
      "Observation?d%61te=%32020-01-01T00%3A00%3a00%2B01:00",
  };
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    check_search(FHX_FHIR_R4, same[i], "\"effectiveDateTime\":\"2019-12-31T23:00:00Z\"", true);
    check_search(FHX_FHIR_R4, same[i], "\"effectiveDateTime\":\"2020-01-01T00:00:00Z\"", false);
  }
  check_search(FHX_FHIR_R4, "Patient?family=a+b", "\"name\":[{\"family\":\"a+b\"}]", true);
  check_search(FHX_FHIR_R4, "Patient?family=a+b", "\"name\":[{\"family\":\"a b\"}]", false);
  /* A comma that is encoded is a comma of the list all the same; only the backslash takes it out.
   */
  check_search(FHX_FHIR_R4, "Patient?family=x%2Cab", "\"name\":[{\"family\":\"ab\"}]", true);
  check_search(FHX_FHIR_R4, "Patient?family=a%5C,b", "\"name\":[{\"family\":\"a,b\"}]", true);
  check_search(FHX_FHIR_R4, "Patient?family=a\\,b", "\"name\":[{\"family\":\"ab\"}]", false);
  check_search(FHX_FHIR_R4, "Patient?identifier=a\\|b|c\\\\d",
               "\"identifier\":[{\"system\":\"a|b\",\"value\":\"c\\\\d\"}]", true);
  check_search(FHX_FHIR_R4, "Patient?gender=a%26b%3Dc", "\"gender\":\"a&b=c\"", true);
  check_search(FHX_FHIR_R4, "Patient?gender=a=b", "\"gender\":\"a=b\"", true);
}

/* --- lists --- */

typedef struct pieces {
  char text[512];
  int left;
} pieces;

static int32_t take_piece(void *context, const char *text, size_t len) {
  pieces *taken = context;
  size_t used = strlen(taken->text);
  snprintf(taken->text + used, sizeof taken->text - used, "[%.*s]", (int)len, text);
  return --taken->left == 0 ? FHX_ERR_CANCELLED : FHX_OK;
}

static void lists_are_split_where_a_query_begins(void **state) {
  static const char *const cases[][2] = {
      {"", "[]"},
      {"Patient", "[Patient]"},
      {"Patient?a=1", "[Patient?a=1]"},
      {"Patient?a=1,Observation?b=2", "[Patient?a=1][Observation?b=2]"},
      {"Patient?a=1,2,Observation?b=Patient/1,Patient/2&c=3,X?",
       "[Patient?a=1,2][Observation?b=Patient/1,Patient/2&c=3][X?]"},
      {"Patient?a=1,Observation", "[Patient?a=1,Observation]"},
      {"Patient,Observation?a=1", "[Patient][Observation?a=1]"},
      {"Patient?a=1,Patient/1/Observation?b=2", "[Patient?a=1][Patient/1/Observation?b=2]"},
      {"Patient?a=1\\,Observation?b=2", "[Patient?a=1\\,Observation?b=2]"},
      {"Patient?a=1\\\\,Observation?b=2", "[Patient?a=1\\\\][Observation?b=2]"},
      {"Patient?a=1,observation?b=2", "[Patient?a=1,observation?b=2]"},
      {"Patient?a=1, Observation?b=2", "[Patient?a=1, Observation?b=2]"},
      {"Patient?a=http://x/Y?b,Z?", "[Patient?a=http://x/Y?b][Z?]"},
      {"Patient?a=1\\", "[Patient?a=1\\]"},
      {",Patient?a=1", "[][Patient?a=1]"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    pieces taken = {"", 0};
    assert_int_equal(fhx__search_split(cases[i][0], take_piece, &taken), FHX_OK);
    assert_string_equal(taken.text, cases[i][1]);
  }
  pieces one = {"", 1};
  assert_int_equal(fhx__search_split("A?,B?,C?", take_piece, &one), FHX_ERR_CANCELLED);
  assert_string_equal(one.text, "[A?]");
}

/* Every allocation fails once. */
static void no_memory_is_said_and_nothing_leaks(void **state) {
  static const char query[] =
      "Observation?code=s|a,b&subject:Patient=1,2&date=ge2020&value-quantity=5.4||mg&value-string="
      "x";
  (void)state;
  for (uint64_t n = 1;; n++) {
    fhx__search *search = NULL;
    fhx__search_refusal refusal;
    test_memory_begin(n);
    int32_t status = fhx__search_parse(query, FHX_FHIR_R4, &search, &refusal);
    fhx__search_free(search);
    if (!test_memory_end()) {
      assert_int_equal(status, FHX_OK);
      assert_true(n > 10);
      return;
    }
    assert_int_equal(status, FHX_ERR_NO_MEMORY);
    assert_string_equal(refusal.text, "out of memory");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(queries_are_refused),
      cmocka_unit_test(long_names_and_many_conditions_are_refused),
      cmocka_unit_test(versions_have_their_own),
      cmocka_unit_test(the_table_has_its_form),
      cmocka_unit_test(values_are_decoded_once_more),
      cmocka_unit_test(lists_are_split_where_a_query_begins),
      cmocka_unit_test(no_memory_is_said_and_nothing_leaks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
