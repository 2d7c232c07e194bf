/* The forms of names, and the resource types of FHIR R4. */
#include "types.h"

#include <stdlib.h>
#include <string.h>

/* In ascending order. */
static const char *const resource_types[] = {"Account",
                                             "ActivityDefinition",
                                             "AdverseEvent",
                                             "AllergyIntolerance",
                                             "Appointment",
                                             "AppointmentResponse",
                                             "AuditEvent",
                                             "Basic",
                                             "Binary",
                                             "BiologicallyDerivedProduct",
                                             "BodyStructure",
                                             "Bundle",
                                             "CapabilityStatement",
                                             "CarePlan",
                                             "CareTeam",
                                             "CatalogEntry",
                                             "ChargeItem",
                                             "ChargeItemDefinition",
                                             "Claim",
                                             "ClaimResponse",
                                             "ClinicalImpression",
                                             "CodeSystem",
                                             "Communication",
                                             "CommunicationRequest",
                                             "CompartmentDefinition",
                                             "Composition",
                                             "ConceptMap",
                                             "Condition",
                                             "Consent",
                                             "Contract",
                                             "Coverage",
                                             "CoverageEligibilityRequest",
                                             "CoverageEligibilityResponse",
                                             "DetectedIssue",
                                             "Device",
                                             "DeviceDefinition",
                                             "DeviceMetric",
                                             "DeviceRequest",
                                             "DeviceUseStatement",
                                             "DiagnosticReport",
                                             "DocumentManifest",
                                             "DocumentReference",
                                             "EffectEvidenceSynthesis",
                                             "Encounter",
                                             "Endpoint",
                                             "EnrollmentRequest",
                                             "EnrollmentResponse",
                                             "EpisodeOfCare",
                                             "EventDefinition",
                                             "Evidence",
                                             "EvidenceVariable",
                                             "ExampleScenario",
                                             "ExplanationOfBenefit",
                                             "FamilyMemberHistory",
                                             "Flag",
                                             "Goal",
                                             "GraphDefinition",
                                             "Group",
                                             "GuidanceResponse",
                                             "HealthcareService",
                                             "ImagingStudy",
                                             "Immunization",
                                             "ImmunizationEvaluation",
                                             "ImmunizationRecommendation",
                                             "ImplementationGuide",
                                             "InsurancePlan",
                                             "Invoice",
                                             "Library",
                                             "Linkage",
                                             "List",
                                             "Location",
                                             "Measure",
                                             "MeasureReport",
                                             "Media",
                                             "Medication",
                                             "MedicationAdministration",
                                             "MedicationDispense",
                                             "MedicationKnowledge",
                                             "MedicationRequest",
                                             "MedicationStatement",
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
                                             "MolecularSequence",
                                             "NamingSystem",
                                             "NutritionOrder",
                                             "Observation",
                                             "ObservationDefinition",
                                             "OperationDefinition",
                                             "OperationOutcome",
                                             "Organization",
                                             "OrganizationAffiliation",
                                             "Parameters",
                                             "Patient",
                                             "PaymentNotice",
                                             "PaymentReconciliation",
                                             "Person",
                                             "PlanDefinition",
                                             "Practitioner",
                                             "PractitionerRole",
                                             "Procedure",
                                             "Provenance",
                                             "Questionnaire",
                                             "QuestionnaireResponse",
                                             "RelatedPerson",
                                             "RequestGroup",
                                             "ResearchDefinition",
                                             "ResearchElementDefinition",
                                             "ResearchStudy",
                                             "ResearchSubject",
                                             "RiskAssessment",
                                             "RiskEvidenceSynthesis",
                                             "Schedule",
                                             "SearchParameter",
                                             "ServiceRequest",
                                             "Slot",
                                             "Specimen",
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
                                             "SupplyDelivery",
                                             "SupplyRequest",
                                             "Task",
                                             "TerminologyCapabilities",
                                             "TestReport",
                                             "TestScript",
                                             "ValueSet",
                                             "VerificationResult",
                                             "VisionPrescription"};

static int compare(const void *name, const void *entry) {
  return strcmp(name, *(const char *const *)entry);
}

bool is_resource_type(const char *name) {
  return bsearch(name, resource_types, sizeof resource_types / sizeof *resource_types,
                 sizeof *resource_types, compare) != NULL;
}

bool is_id(const char *text) {
  size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.");
  return len >= 1 && len <= ID_MAX && text[len] == '\0';
}

/* How many bytes the character has that begins with this one; 0 if none does. */
static size_t utf8_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

bool is_utf8(const char *text, size_t len) {
  const unsigned char *bytes = (const unsigned char *)text;
  for (size_t at = 0; at < len;) {
    size_t count = utf8_length(bytes[at]);
    if (count == 0 || count > len - at) return false;
    for (size_t i = 1; i < count; i++) {
      if ((bytes[at + i] & 0xc0) != 0x80) return false;
    }
    /* Overlong forms, surrogates, and what is behind U+10FFFF. */
    if (bytes[at] == 0xe0 && bytes[at + 1] < 0xa0) return false;
    if (bytes[at] == 0xed && bytes[at + 1] > 0x9f) return false;
    if (bytes[at] == 0xf0 && bytes[at + 1] < 0x90) return false;
    if (bytes[at] == 0xf4 && bytes[at + 1] > 0x8f) return false;
    at += count;
  }
  return true;
}
