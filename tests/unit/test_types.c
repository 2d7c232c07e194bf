/* The resource types of FHIR's versions (PARAM-08, PARAM-10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/names.h"
#include "request/type_table.h"
#include "request/types.h"
#include "select/compartment_table.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void table_has_its_form(void **state) {
  (void)state;
  for (size_t i = 0; i < fhx__type_count; i++) {
    const fhx__type_row *row = &fhx__type_table[i];
    assert_true(fhx__is_type_name(row->name, strlen(row->name)));
    assert_in_range(row->versions, 1, FHX__IN_R4 | FHX__IN_R4B | FHX__IN_R5);
    if (i > 0) assert_true(strcmp(row[-1].name, row->name) < 0);
  }
}

static void counts(void **state) {
  static const struct {
    uint32_t version;
    size_t count;
    const char *name;
  } versions[] = {{FHX_FHIR_R4, 146, "R4"}, {FHX_FHIR_R4B, 141, "R4B"}, {FHX_FHIR_R5, 158, "R5"}};
  (void)state;
  for (size_t i = 0; i < COUNT(versions); i++) {
    size_t count = 0;
    for (size_t k = 0; k < fhx__type_count; k++) {
      count += fhx__is_resource_type(versions[i].version, fhx__type_table[k].name);
    }
    assert_int_equal(count, versions[i].count);
    assert_string_equal(fhx__fhir_name(versions[i].version), versions[i].name);
  }
}

/* Written by hand: the types of R4 that are in no Patient compartment, its Patient apart. */
static const char *const r4_others[] = {
    "ActivityDefinition",
    "Binary",
    "BiologicallyDerivedProduct",
    "Bundle",
    "CapabilityStatement",
    "CatalogEntry",
    "ChargeItemDefinition",
    "CodeSystem",
    "CompartmentDefinition",
    "ConceptMap",
    "Contract",
    "Device",
    "DeviceDefinition",
    "DeviceMetric",
    "EffectEvidenceSynthesis",
    "Endpoint",
    "EnrollmentResponse",
    "EventDefinition",
    "Evidence",
    "EvidenceVariable",
    "ExampleScenario",
    "GraphDefinition",
    "GuidanceResponse",
    "HealthcareService",
    "ImplementationGuide",
    "InsurancePlan",
    "Library",
    "Linkage",
    "Location",
    "Measure",
    "Medication",
    "MedicationKnowledge",
    "MedicinalProduct",
    "MedicinalProductAuthorization",
    "MedicinalProductContraindication",
    "MedicinalProductIndication",
    "MedicinalProductIngredient",
    "MedicinalProductInteraction",
    "MedicinalProductManufactured",
    "MedicinalProductPackaged",
    "MedicinalProductPharmaceutical",
    "MedicinalProductUndesirableEffect",
    "MessageDefinition",
    "MessageHeader",
    "NamingSystem",
    "ObservationDefinition",
    "OperationDefinition",
    "OperationOutcome",
    "Organization",
    "OrganizationAffiliation",
    "Parameters",
    "PaymentNotice",
    "PaymentReconciliation",
    "PlanDefinition",
    "Practitioner",
    "PractitionerRole",
    "Questionnaire",
    "ResearchDefinition",
    "ResearchElementDefinition",
    "ResearchStudy",
    "RiskEvidenceSynthesis",
    "SearchParameter",
    "Slot",
    "SpecimenDefinition",
    "StructureDefinition",
    "StructureMap",
    "Subscription",
    "Substance",
    "SubstanceNucleicAcid",
    "SubstancePolymer",
    "SubstanceProtein",
    "SubstanceReferenceInformation",
    "SubstanceSourceMaterial",
    "SubstanceSpecification",
    "Task",
    "TerminologyCapabilities",
    "TestReport",
    "TestScript",
    "ValueSet",
    "VerificationResult",
};

/* The types of the Patient compartment, those above, and no other. */
static void types_of_r4(void **state) {
  size_t count = 1;
  (void)state;
  assert_true(fhx__is_resource_type(FHX_FHIR_R4, "Patient"));
  for (size_t i = 0; i < fhx__compartment_r4.count; i++) {
    const fhx__compartment_path *path = &fhx__compartment_r4.paths[i];
    assert_true(fhx__is_resource_type(FHX_FHIR_R4, path->resource_type));
    if (i == 0 || strcmp(path[-1].resource_type, path->resource_type) != 0) count++;
  }
  for (size_t i = 0; i < COUNT(r4_others); i++) {
    assert_true(fhx__is_resource_type(FHX_FHIR_R4, r4_others[i]));
  }
  assert_int_equal(count + COUNT(r4_others), 146);
}

/* Types that came and went. */
static void differences(void **state) {
  static const struct {
    const char *name;
    bool in_r4, in_r4b, in_r5;
  } types[] = {
      {"Patient", true, true, true},
      {"Parameters", true, true, true},
      {"CatalogEntry", true, true, false},
      {"DeviceUseStatement", true, true, false},
      {"DocumentManifest", true, true, false},
      {"Media", true, true, false},
      {"RequestGroup", true, true, false},
      {"EffectEvidenceSynthesis", true, false, false},
      {"MedicinalProduct", true, false, false},
      {"SubstanceSpecification", true, false, false},
      {"SubstanceProtein", true, false, true},
      {"Citation", false, true, true},
      {"Ingredient", false, true, true},
      {"NutritionProduct", false, true, true},
      {"SubscriptionStatus", false, true, true},
      {"SubscriptionTopic", false, true, true},
      {"ActorDefinition", false, false, true},
      {"DeviceUsage", false, false, true},
      {"NutritionIntake", false, false, true},
      {"RequestOrchestration", false, false, true},
      {"Transport", false, false, true},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(types); i++) {
    const char *name = types[i].name;
    if (fhx__is_resource_type(FHX_FHIR_R4, name) != types[i].in_r4 ||
        fhx__is_resource_type(FHX_FHIR_R4B, name) != types[i].in_r4b ||
        fhx__is_resource_type(FHX_FHIR_R5, name) != types[i].in_r5) {
      fail_msg("%s", name);
    }
  }
}

static void strange_names_and_versions(void **state) {
  static const char *const names[] = {"",
                                      "A",
                                      "Aaa",
                                      "Patien",
                                      "Patients",
                                      "patient",
                                      "Zzz",
                                      "Resource",
                                      "DomainResource",
                                      "Element",
                                      "CanonicalResource",
                                      "MetadataResource"};
  static const uint32_t versions[] = {FHX_FHIR_R4, FHX_FHIR_R4B, FHX_FHIR_R5};
  static const uint32_t strange[] = {0, 4, 41, 60, UINT32_MAX};
  (void)state;
  for (size_t i = 0; i < COUNT(versions); i++) {
    for (size_t k = 0; k < COUNT(names); k++) {
      assert_false(fhx__is_resource_type(versions[i], names[k]));
    }
  }
  for (size_t i = 0; i < COUNT(strange); i++) {
    assert_false(fhx__is_resource_type(strange[i], "Patient"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(table_has_its_form),
      cmocka_unit_test(counts),
      cmocka_unit_test(types_of_r4),
      cmocka_unit_test(differences),
      cmocka_unit_test(strange_names_and_versions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
