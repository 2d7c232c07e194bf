/* The root elements of FHIR's resource types. Written by lib/facts/tables.py from
   lib/facts/elements.tsv; change it there. */
#include "select/element_table.h"

const fhx__element_row fhx__element_table[] = {
    {"Account", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "coverage description guarantor identifier name owner partOf servicePeriod status! subject "
     "type "},
    {"Account", FHX__ELEMENTS_R5,
     "balance billingStatus calculatedAt coverage currency description diagnosis guarantor "
     "identifier name owner procedure relatedAccount servicePeriod status! subject type "},
    {"ActivityDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "approvalDate author bodySite code contact copyright date description doNotPerform dosage "
     "dynamicValue editor effectivePeriod endorser experimental identifier intent jurisdiction "
     "kind lastReviewDate library location name observationRequirement "
     "observationResultRequirement participant priority product* profile publisher purpose "
     "quantity relatedArtifact reviewer specimenRequirement status! subject* subtitle timing* "
     "title topic transform url usage useContext version "},
    {"ActivityDefinition", FHX__ELEMENTS_R5,
     "approvalDate asNeeded* author bodySite code contact copyright copyrightLabel date "
     "description doNotPerform dosage dynamicValue editor effectivePeriod endorser experimental "
     "identifier intent jurisdiction kind lastReviewDate library location name "
     "observationRequirement observationResultRequirement participant priority product* profile "
     "publisher purpose quantity relatedArtifact reviewer specimenRequirement status! subject* "
     "subtitle timing* title topic transform url usage useContext version versionAlgorithm* "},
    {"ActorDefinition", FHX__ELEMENTS_R5,
     "capabilities contact copyright copyrightLabel date derivedFrom description documentation "
     "experimental identifier jurisdiction name publisher purpose reference status! title type! "
     "url useContext version versionAlgorithm* "},
    {"AdministrableProductDefinition", FHX__ELEMENTS_R4B,
     "administrableDoseForm device formOf identifier ingredient producedFrom property "
     "routeOfAdministration! status! unitOfPresentation "},
    {"AdministrableProductDefinition", FHX__ELEMENTS_R5,
     "administrableDoseForm description device formOf identifier ingredient producedFrom "
     "property routeOfAdministration! status! unitOfPresentation "},
    {"AdverseEvent", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "actuality! category contributor date detected encounter event identifier location outcome "
     "recordedDate recorder referenceDocument resultingCondition seriousness severity study "
     "subject! subjectMedicalHistory suspectEntity "},
    {"AdverseEvent", FHX__ELEMENTS_R5,
     "actuality! category code contributingFactor detected encounter expectedInResearchStudy "
     "identifier location mitigatingAction note occurrence* outcome participant "
     "preventiveAction recordedDate recorder resultingEffect seriousness status! study subject! "
     "supportingInfo suspectEntity "},
    {"AllergyIntolerance", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "asserter category clinicalStatus code criticality encounter identifier lastOccurrence "
     "note onset* patient! reaction recordedDate recorder type verificationStatus "},
    {"AllergyIntolerance", FHX__ELEMENTS_R5,
     "category clinicalStatus code criticality encounter identifier lastOccurrence note onset* "
     "participant patient! reaction recordedDate type verificationStatus "},
    {"Appointment", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "appointmentType basedOn cancelationReason comment created description end identifier "
     "minutesDuration participant! patientInstruction priority reasonCode reasonReference "
     "requestedPeriod serviceCategory serviceType slot specialty start status! "
     "supportingInformation "},
    {"Appointment", FHX__ELEMENTS_R5,
     "account appointmentType basedOn cancellationDate cancellationReason class created "
     "description end identifier minutesDuration note occurrenceChanged originatingAppointment "
     "participant! patientInstruction previousAppointment priority reason recurrenceId "
     "recurrenceTemplate replaces requestedPeriod serviceCategory serviceType slot specialty "
     "start status! subject supportingInformation virtualService "},
    {"AppointmentResponse", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "actor appointment! comment end identifier participantStatus! participantType start "},
    {"AppointmentResponse", FHX__ELEMENTS_R5,
     "actor appointment! comment end identifier occurrenceDate participantStatus! "
     "participantType proposedNewTime recurrenceId recurring start "},
    {"ArtifactAssessment", FHX__ELEMENTS_R5,
     "approvalDate artifact!* citeAs* content copyright date disposition identifier "
     "lastReviewDate title workflowStatus "},
    {"AuditEvent", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "action agent! entity outcome outcomeDesc period purposeOfEvent recorded! source! subtype "
     "type! "},
    {"AuditEvent", FHX__ELEMENTS_R5,
     "action agent! authorization basedOn category code! encounter entity occurred* outcome "
     "patient recorded! severity source! "},
    {"Basic", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "author code! created identifier subject "},
    {"Binary", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "contentType! data securityContext "},
    {"BiologicallyDerivedProduct", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "collection identifier manipulation parent processing productCategory productCode quantity "
     "request status storage "},
    {"BiologicallyDerivedProduct", FHX__ELEMENTS_R5,
     "biologicalSourceEvent collection division expirationDate identifier parent "
     "processingFacility productCategory productCode productStatus property request "
     "storageTempRequirements "},
    {"BiologicallyDerivedProductDispense", FHX__ELEMENTS_R5,
     "basedOn destination identifier location matchStatus note originRelationshipType partOf "
     "patient! performer preparedDate product! quantity status! usageInstruction whenHandedOver "},
    {"BodyStructure", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "active description identifier image location locationQualifier morphology patient! "},
    {"BodyStructure", FHX__ELEMENTS_R5,
     "active description excludedStructure identifier image includedStructure! morphology "
     "patient! "},
    {"Bundle", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "entry identifier link signature timestamp total type! "},
    {"Bundle", FHX__ELEMENTS_R5,
     "entry identifier issues link signature timestamp total type! "},
    {"CapabilityStatement", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "contact copyright date! description document experimental fhirVersion! format! "
     "implementation implementationGuide imports instantiates jurisdiction kind! messaging name "
     "patchFormat publisher purpose rest software status! title url useContext version "},
    {"CapabilityStatement", FHX__ELEMENTS_R5,
     "acceptLanguage contact copyright copyrightLabel date! description document experimental "
     "fhirVersion! format! identifier implementation implementationGuide imports instantiates "
     "jurisdiction kind! messaging name patchFormat publisher purpose rest software status! "
     "title url useContext version versionAlgorithm* "},
    {"CarePlan", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "activity addresses author basedOn careTeam category contributor created description "
     "encounter goal identifier instantiatesCanonical instantiatesUri intent! note partOf "
     "period replaces status! subject! supportingInfo title "},
    {"CarePlan", FHX__ELEMENTS_R5,
     "activity addresses basedOn careTeam category contributor created custodian description "
     "encounter goal identifier instantiatesCanonical instantiatesUri intent! note partOf "
     "period replaces status! subject! supportingInfo title "},
    {"CareTeam", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "category encounter identifier managingOrganization name note participant period "
     "reasonCode reasonReference status subject telecom "},
    {"CareTeam", FHX__ELEMENTS_R5,
     "category identifier managingOrganization name note participant period reason status "
     "subject telecom "},
    {"CatalogEntry", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "additionalCharacteristic additionalClassification additionalIdentifier classification "
     "identifier lastUpdated orderable! referencedItem! relatedEntry status type validTo "
     "validityPeriod "},
    {"ChargeItem", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "account bodysite code! context costCenter definitionCanonical definitionUri enteredDate "
     "enterer factorOverride identifier note occurrence* overrideReason partOf performer "
     "performingOrganization priceOverride product* quantity reason requestingOrganization "
     "service status! subject! supportingInformation "},
    {"ChargeItem", FHX__ELEMENTS_R5,
     "account bodysite code! costCenter definitionCanonical definitionUri encounter enteredDate "
     "enterer identifier note occurrence* overrideReason partOf performer "
     "performingOrganization product quantity reason requestingOrganization service status! "
     "subject! supportingInformation totalPriceComponent unitPriceComponent "},
    {"ChargeItemDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "applicability approvalDate code contact copyright date derivedFromUri description "
     "effectivePeriod experimental identifier instance jurisdiction lastReviewDate partOf "
     "propertyGroup publisher replaces status! title url! useContext version "},
    {"ChargeItemDefinition", FHX__ELEMENTS_R5,
     "applicability approvalDate code contact copyright copyrightLabel date derivedFromUri "
     "description experimental identifier instance jurisdiction lastReviewDate name partOf "
     "propertyGroup publisher purpose replaces status! title url useContext version "
     "versionAlgorithm* "},
    {"Citation", FHX__ELEMENTS_R4B,
     "approvalDate author citedArtifact classification contact copyright currentState date "
     "description editor effectivePeriod endorser experimental identifier jurisdiction "
     "lastReviewDate name note publisher purpose relatesTo reviewer status! statusDate summary "
     "title url useContext version "},
    {"Citation", FHX__ELEMENTS_R5,
     "approvalDate author citedArtifact classification contact copyright copyrightLabel "
     "currentState date description editor effectivePeriod endorser experimental identifier "
     "jurisdiction lastReviewDate name note publisher purpose relatedArtifact reviewer status! "
     "statusDate summary title url useContext version versionAlgorithm* "},
    {"Claim", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "accident billablePeriod careTeam created! diagnosis enterer facility fundsReserve "
     "identifier insurance! insurer item originalPrescription patient! payee prescription "
     "priority! procedure provider! referral related status! subType supportingInfo total type! "
     "use! "},
    {"Claim", FHX__ELEMENTS_R5,
     "accident billablePeriod careTeam created! diagnosis diagnosisRelatedGroup encounter "
     "enterer event facility fundsReserve identifier insurance insurer item "
     "originalPrescription patient! patientPaid payee prescription priority procedure provider "
     "referral related status! subType supportingInfo total traceNumber type! use! "},
    {"ClaimResponse", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "addItem adjudication communicationRequest created! disposition error form formCode "
     "fundsReserve identifier insurance insurer! item outcome! patient! payeeType payment "
     "preAuthPeriod preAuthRef processNote request requestor status! subType total type! use! "},
    {"ClaimResponse", FHX__ELEMENTS_R5,
     "addItem adjudication communicationRequest created! decision diagnosisRelatedGroup "
     "disposition encounter error event form formCode fundsReserve identifier insurance insurer "
     "item outcome! patient! payeeType payment preAuthPeriod preAuthRef processNote request "
     "requestor status! subType total traceNumber type! use! "},
    {"ClinicalImpression", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "assessor code date description effective* encounter finding identifier investigation note "
     "previous problem prognosisCodeableConcept prognosisReference protocol status! "
     "statusReason subject! summary supportingInfo "},
    {"ClinicalImpression", FHX__ELEMENTS_R5,
     "changePattern date description effective* encounter finding identifier note performer "
     "previous problem prognosisCodeableConcept prognosisReference protocol status! "
     "statusReason subject! summary supportingInfo "},
    {"ClinicalUseDefinition", FHX__ELEMENTS_R4B,
     "category contraindication identifier indication interaction population status subject "
     "type! undesirableEffect warning "},
    {"ClinicalUseDefinition", FHX__ELEMENTS_R5,
     "category contraindication identifier indication interaction library population status "
     "subject type! undesirableEffect warning "},
    {"CodeSystem", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "caseSensitive compositional concept contact content! copyright count date description "
     "experimental filter hierarchyMeaning identifier jurisdiction name property publisher "
     "purpose status! supplements title url useContext valueSet version versionNeeded "},
    {"CodeSystem", FHX__ELEMENTS_R5,
     "approvalDate author caseSensitive compositional concept contact content! copyright "
     "copyrightLabel count date description editor effectivePeriod endorser experimental filter "
     "hierarchyMeaning identifier jurisdiction lastReviewDate name property publisher purpose "
     "relatedArtifact reviewer status! supplements title topic url useContext valueSet version "
     "versionAlgorithm* versionNeeded "},
    {"Communication", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "about basedOn category encounter identifier inResponseTo instantiatesCanonical "
     "instantiatesUri medium note partOf payload priority reasonCode reasonReference received "
     "recipient sender sent status! statusReason subject topic "},
    {"Communication", FHX__ELEMENTS_R5,
     "about basedOn category encounter identifier inResponseTo instantiatesCanonical "
     "instantiatesUri medium note partOf payload priority reason received recipient sender sent "
     "status! statusReason subject topic "},
    {"CommunicationRequest", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "about authoredOn basedOn category doNotPerform encounter groupIdentifier identifier "
     "medium note occurrence* payload priority reasonCode reasonReference recipient replaces "
     "requester sender status! statusReason subject "},
    {"CommunicationRequest", FHX__ELEMENTS_R5,
     "about authoredOn basedOn category doNotPerform encounter groupIdentifier identifier "
     "informationProvider intent! medium note occurrence* payload priority reason recipient "
     "replaces requester status! statusReason subject "},
    {"CompartmentDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "code! contact date description experimental name! publisher purpose resource search! "
     "status! url! useContext version "},
    {"CompartmentDefinition", FHX__ELEMENTS_R5,
     "code! contact date description experimental name! publisher purpose resource search! "
     "status! title url! useContext version versionAlgorithm* "},
    {"Composition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "attester author! category confidentiality custodian date! encounter event identifier "
     "relatesTo section status! subject title! type! "},
    {"Composition", FHX__ELEMENTS_R5,
     "attester author! category custodian date! encounter event identifier name note relatesTo "
     "section status! subject title! type! url useContext version "},
    {"ConceptMap", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "contact copyright date description experimental group identifier jurisdiction name "
     "publisher purpose source* status! target* title url useContext version "},
    {"ConceptMap", FHX__ELEMENTS_R5,
     "additionalAttribute approvalDate author contact copyright copyrightLabel date description "
     "editor effectivePeriod endorser experimental group identifier jurisdiction lastReviewDate "
     "name property publisher purpose relatedArtifact reviewer sourceScope* status! "
     "targetScope* title topic url useContext version versionAlgorithm* "},
    {"Condition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "abatement* asserter bodySite category clinicalStatus code encounter evidence identifier "
     "note onset* recordedDate recorder severity stage subject! verificationStatus "},
    {"Condition", FHX__ELEMENTS_R5,
     "abatement* bodySite category clinicalStatus! code encounter evidence identifier note "
     "onset* participant recordedDate severity stage subject! verificationStatus "},
    {"ConditionDefinition", FHX__ELEMENTS_R5,
     "bodySite code! contact date definition description experimental hasBodySite hasSeverity "
     "hasStage identifier jurisdiction medication name observation plan precondition publisher "
     "questionnaire severity stage status! subtitle team title url useContext version "
     "versionAlgorithm* "},
    {"Consent", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "category! dateTime identifier organization patient performer policy policyRule provision "
     "scope! source* status! verification "},
    {"Consent", FHX__ELEMENTS_R5,
     "category controller date decision grantee grantor identifier manager period policyBasis "
     "policyText provision regulatoryBasis sourceAttachment sourceReference status! subject "
     "verification "},
    {"Contract", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "alias applies author authority contentDefinition contentDerivative domain expirationType "
     "friendly identifier instantiatesCanonical instantiatesUri issued legal legalState "
     "legallyBinding* name relevantHistory rule scope signer site status subType subject "
     "subtitle supportingInfo term title topic* type url version "},
    {"Coverage", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "beneficiary! class contract costToBeneficiary dependent identifier network order payor! "
     "period policyHolder relationship status! subrogation subscriber subscriberId type "},
    {"Coverage", FHX__ELEMENTS_R5,
     "beneficiary! class contract costToBeneficiary dependent identifier insurancePlan insurer "
     "kind! network order paymentBy period policyHolder relationship status! subrogation "
     "subscriber subscriberId type "},
    {"CoverageEligibilityRequest", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "created! enterer facility identifier insurance insurer! item patient! priority provider "
     "purpose! serviced* status! supportingInfo "},
    {"CoverageEligibilityRequest", FHX__ELEMENTS_R5,
     "created! enterer event facility identifier insurance insurer! item patient! priority "
     "provider purpose! serviced* status! supportingInfo "},
    {"CoverageEligibilityResponse", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "created! disposition error form identifier insurance insurer! outcome! patient! "
     "preAuthRef purpose! request! requestor serviced* status! "},
    {"CoverageEligibilityResponse", FHX__ELEMENTS_R5,
     "created! disposition error event form identifier insurance insurer! outcome! patient! "
     "preAuthRef purpose! request! requestor serviced* status! "},
    {"DetectedIssue", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "author code detail evidence identified* identifier implicated mitigation patient "
     "reference severity status! "},
    {"DetectedIssue", FHX__ELEMENTS_R5,
     "author category code detail encounter evidence identified* identifier implicated "
     "mitigation reference severity status! subject "},
    {"Device", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "contact definition deviceName distinctIdentifier expirationDate identifier location "
     "lotNumber manufactureDate manufacturer modelNumber note owner parent partNumber patient "
     "property safety serialNumber specialization status statusReason type udiCarrier url "
     "version "},
    {"Device", FHX__ELEMENTS_R5,
     "availabilityStatus biologicalSourceEvent category conformsTo contact cycle definition "
     "displayName duration endpoint expirationDate gateway identifier location lotNumber "
     "manufactureDate manufacturer mode modelNumber name note owner parent partNumber property "
     "safety serialNumber status type udiCarrier url version "},
    {"DeviceAssociation", FHX__ELEMENTS_R5,
     "bodyStructure category device! identifier operation period status! statusReason subject "},
    {"DeviceDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "capability contact deviceName identifier languageCode manufacturer* material modelNumber "
     "note onlineInformation owner parentDevice physicalCharacteristics property quantity "
     "safety shelfLifeStorage specialization type udiDeviceIdentifier url version "},
    {"DeviceDefinition", FHX__ELEMENTS_R5,
     "chargeItem classification conformsTo contact correctiveAction description deviceName "
     "guideline hasPart identifier languageCode link manufacturer material modelNumber note "
     "owner packaging partNumber productionIdentifierInUDI property regulatoryIdentifier safety "
     "shelfLifeStorage udiDeviceIdentifier version "},
    {"DeviceDispense", FHX__ELEMENTS_R5,
     "basedOn category destination device! encounter eventHistory identifier location note "
     "partOf performer preparedDate quantity receiver status! statusReason subject! "
     "supportingInformation type usageInstruction whenHandedOver "},
    {"DeviceMetric", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "calibration category! color identifier measurementPeriod operationalStatus parent source "
     "type! unit "},
    {"DeviceMetric", FHX__ELEMENTS_R5,
     "calibration category! color device! identifier measurementFrequency operationalStatus "
     "type! unit "},
    {"DeviceRequest", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "authoredOn basedOn code!* encounter groupIdentifier identifier instantiatesCanonical "
     "instantiatesUri insurance intent! note occurrence* parameter performer performerType "
     "priorRequest priority reasonCode reasonReference relevantHistory requester status "
     "subject! supportingInfo "},
    {"DeviceRequest", FHX__ELEMENTS_R5,
     "asNeeded asNeededFor authoredOn basedOn code! doNotPerform encounter groupIdentifier "
     "identifier instantiatesCanonical instantiatesUri insurance intent! note occurrence* "
     "parameter performer priority quantity reason relevantHistory replaces requester status "
     "subject! supportingInfo "},
    {"DeviceUsage", FHX__ELEMENTS_R5,
     "adherence basedOn bodySite category context dateAsserted derivedFrom device! identifier "
     "informationSource note patient! reason status! timing* usageReason usageStatus "},
    {"DeviceUseStatement", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "basedOn bodySite derivedFrom device! identifier note reasonCode reasonReference "
     "recordedOn source status! subject! timing* "},
    {"DiagnosticReport", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "basedOn category code! conclusion conclusionCode effective* encounter identifier "
     "imagingStudy issued media performer presentedForm result resultsInterpreter specimen "
     "status! subject "},
    {"DiagnosticReport", FHX__ELEMENTS_R5,
     "basedOn category code! composition conclusion conclusionCode effective* encounter "
     "identifier issued media note performer presentedForm result resultsInterpreter specimen "
     "status! study subject supportingInfo "},
    {"DocumentManifest", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "author content! created description identifier masterIdentifier recipient related source "
     "status! subject type "},
    {"DocumentReference", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "authenticator author category content! context custodian date description docStatus "
     "identifier masterIdentifier relatesTo securityLabel status! subject type "},
    {"DocumentReference", FHX__ELEMENTS_R5,
     "attester author basedOn bodySite category content! context custodian date description "
     "docStatus event facilityType identifier modality period practiceSetting relatesTo "
     "securityLabel status! subject type version "},
    {"EffectEvidenceSynthesis", FHX__ELEMENTS_R4,
     "approvalDate author certainty contact copyright date description editor effectEstimate "
     "effectivePeriod endorser exposure! exposureAlternative! identifier jurisdiction "
     "lastReviewDate name note outcome! population! publisher relatedArtifact resultsByExposure "
     "reviewer sampleSize status! studyType synthesisType title topic url useContext version "},
    {"Encounter", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "account appointment basedOn class! classHistory diagnosis episodeOfCare hospitalization "
     "identifier length location partOf participant period priority reasonCode reasonReference "
     "serviceProvider serviceType status! statusHistory subject type "},
    {"Encounter", FHX__ELEMENTS_R5,
     "account actualPeriod admission appointment basedOn careTeam class diagnosis "
     "dietPreference episodeOfCare identifier length location partOf participant plannedEndDate "
     "plannedStartDate priority reason serviceProvider serviceType specialArrangement "
     "specialCourtesy status! subject subjectStatus type virtualService "},
    {"EncounterHistory", FHX__ELEMENTS_R5,
     "actualPeriod class! encounter identifier length location plannedEndDate plannedStartDate "
     "serviceType status! subject subjectStatus type "},
    {"Endpoint", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "address! connectionType! contact header identifier managingOrganization name "
     "payloadMimeType payloadType! period status! "},
    {"Endpoint", FHX__ELEMENTS_R5,
     "address! connectionType! contact description environmentType header identifier "
     "managingOrganization name payload period status! "},
    {"EnrollmentRequest", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "candidate coverage created identifier insurer provider status "},
    {"EnrollmentResponse", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "created disposition identifier organization outcome request requestProvider status "},
    {"EpisodeOfCare", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "account careManager diagnosis identifier managingOrganization patient! period "
     "referralRequest status! statusHistory team type "},
    {"EpisodeOfCare", FHX__ELEMENTS_R5,
     "account careManager careTeam diagnosis identifier managingOrganization patient! period "
     "reason referralRequest status! statusHistory type "},
    {"EventDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "approvalDate author contact copyright date description editor effectivePeriod endorser "
     "experimental identifier jurisdiction lastReviewDate name publisher purpose "
     "relatedArtifact reviewer status! subject* subtitle title topic trigger! url usage "
     "useContext version "},
    {"EventDefinition", FHX__ELEMENTS_R5,
     "approvalDate author contact copyright copyrightLabel date description editor "
     "effectivePeriod endorser experimental identifier jurisdiction lastReviewDate name "
     "publisher purpose relatedArtifact reviewer status! subject* subtitle title topic trigger! "
     "url usage useContext version versionAlgorithm* "},
    {"Evidence", FHX__ELEMENTS_R4,
     "approvalDate author contact copyright date description editor effectivePeriod endorser "
     "exposureBackground! exposureVariant identifier jurisdiction lastReviewDate name note "
     "outcome publisher relatedArtifact reviewer shortTitle status! subtitle title topic url "
     "useContext version "},
    {"Evidence", FHX__ELEMENTS_R4B,
     "approvalDate assertion author certainty citeAs* contact date description editor endorser "
     "identifier lastReviewDate note publisher relatedArtifact reviewer statistic status! "
     "studyType synthesisType title url useContext variableDefinition! version "},
    {"Evidence", FHX__ELEMENTS_R5,
     "approvalDate assertion author certainty citeAs* contact copyright copyrightLabel date "
     "description editor endorser experimental identifier lastReviewDate name note publisher "
     "purpose relatedArtifact reviewer statistic status! studyDesign synthesisType title url "
     "useContext variableDefinition! version versionAlgorithm* "},
    {"EvidenceReport", FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "author citeAs* contact editor endorser identifier note publisher relatedArtifact "
     "relatedIdentifier relatesTo reviewer section status! subject! type url useContext "},
    {"EvidenceVariable", FHX__ELEMENTS_R4,
     "approvalDate author characteristic! contact copyright date description editor "
     "effectivePeriod endorser identifier jurisdiction lastReviewDate name note publisher "
     "relatedArtifact reviewer shortTitle status! subtitle title topic type url useContext "
     "version "},
    {"EvidenceVariable", FHX__ELEMENTS_R4B,
     "actual author category characteristic characteristicCombination contact date description "
     "editor endorser handling identifier name note publisher relatedArtifact reviewer "
     "shortTitle status! subtitle title url useContext version "},
    {"EvidenceVariable", FHX__ELEMENTS_R5,
     "actual approvalDate author category characteristic contact copyright copyrightLabel date "
     "description editor effectivePeriod endorser experimental handling identifier "
     "lastReviewDate name note publisher purpose relatedArtifact reviewer shortTitle status! "
     "title url useContext version versionAlgorithm* "},
    {"ExampleScenario", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "actor contact copyright date experimental identifier instance jurisdiction name process "
     "publisher purpose status! url useContext version workflow "},
    {"ExampleScenario", FHX__ELEMENTS_R5,
     "actor contact copyright copyrightLabel date description experimental identifier instance "
     "jurisdiction name process publisher purpose status! title url useContext version "
     "versionAlgorithm* "},
    {"ExplanationOfBenefit", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "accident addItem adjudication benefitBalance benefitPeriod billablePeriod careTeam claim "
     "claimResponse created! diagnosis disposition enterer facility form formCode fundsReserve "
     "fundsReserveRequested identifier insurance! insurer! item originalPrescription outcome! "
     "patient! payee payment preAuthRef preAuthRefPeriod precedence prescription priority "
     "procedure processNote provider! referral related status! subType supportingInfo total "
     "type! use! "},
    {"ExplanationOfBenefit", FHX__ELEMENTS_R5,
     "accident addItem adjudication benefitBalance benefitPeriod billablePeriod careTeam claim "
     "claimResponse created! decision diagnosis diagnosisRelatedGroup disposition encounter "
     "enterer event facility form formCode fundsReserve fundsReserveRequested identifier "
     "insurance insurer item originalPrescription outcome! patient! patientPaid payee payment "
     "preAuthRef preAuthRefPeriod precedence prescription priority procedure processNote "
     "provider referral related status! subType supportingInfo total traceNumber type! use! "},
    {"FamilyMemberHistory", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "age* born* condition dataAbsentReason date deceased* estimatedAge identifier "
     "instantiatesCanonical instantiatesUri name note patient! reasonCode reasonReference "
     "relationship! sex status! "},
    {"FamilyMemberHistory", FHX__ELEMENTS_R5,
     "age* born* condition dataAbsentReason date deceased* estimatedAge identifier "
     "instantiatesCanonical instantiatesUri name note participant patient! procedure reason "
     "relationship! sex status! "},
    {"Flag", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "author category code! encounter identifier period status! subject! "},
    {"FormularyItem", FHX__ELEMENTS_R5,
     "code identifier status "},
    {"GenomicStudy", FHX__ELEMENTS_R5,
     "analysis basedOn description encounter identifier instantiatesCanonical instantiatesUri "
     "interpreter note reason referrer startDate status! subject! type "},
    {"Goal", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "achievementStatus addresses category description! expressedBy identifier lifecycleStatus! "
     "note outcomeCode outcomeReference priority start* statusDate statusReason subject! target "},
    {"Goal", FHX__ELEMENTS_R5,
     "achievementStatus addresses category continuous description! identifier lifecycleStatus! "
     "note outcome priority source start* statusDate statusReason subject! target "},
    {"GraphDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "contact date description experimental jurisdiction link name! profile publisher purpose "
     "start! status! url useContext version "},
    {"GraphDefinition", FHX__ELEMENTS_R5,
     "contact copyright copyrightLabel date description experimental identifier jurisdiction "
     "link name! node publisher purpose start status! title url useContext version "
     "versionAlgorithm* "},
    {"Group", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "active actual! characteristic code identifier managingEntity member name quantity type! "},
    {"Group", FHX__ELEMENTS_R5,
     "active characteristic code description identifier managingEntity member membership! name "
     "quantity type! "},
    {"GuidanceResponse", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "dataRequirement encounter evaluationMessage identifier module!* note occurrenceDateTime "
     "outputParameters performer reasonCode reasonReference requestIdentifier result status! "
     "subject "},
    {"GuidanceResponse", FHX__ELEMENTS_R5,
     "dataRequirement encounter evaluationMessage identifier module!* note occurrenceDateTime "
     "outputParameters performer reason requestIdentifier result status! subject "},
    {"HealthcareService", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "active appointmentRequired availabilityExceptions availableTime category characteristic "
     "comment communication coverageArea eligibility endpoint extraDetails identifier location "
     "name notAvailable photo program providedBy referralMethod serviceProvisionCode specialty "
     "telecom type "},
    {"HealthcareService", FHX__ELEMENTS_R5,
     "active appointmentRequired availability category characteristic comment communication "
     "contact coverageArea eligibility endpoint extraDetails identifier location name offeredIn "
     "photo program providedBy referralMethod serviceProvisionCode specialty type "},
    {"ImagingSelection", FHX__ELEMENTS_R5,
     "basedOn bodySite category code! derivedFrom endpoint focus frameOfReferenceUid identifier "
     "instance issued performer seriesNumber seriesUid status! studyUid subject "},
    {"ImagingStudy", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "basedOn description encounter endpoint identifier interpreter location modality note "
     "numberOfInstances numberOfSeries procedureCode procedureReference reasonCode "
     "reasonReference referrer series started status! subject! "},
    {"ImagingStudy", FHX__ELEMENTS_R5,
     "basedOn description encounter endpoint identifier location modality note "
     "numberOfInstances numberOfSeries partOf procedure reason referrer series started status! "
     "subject! "},
    {"Immunization", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "doseQuantity education encounter expirationDate fundingSource identifier isSubpotent "
     "location lotNumber manufacturer note occurrence!* patient! performer primarySource "
     "programEligibility protocolApplied reaction reasonCode reasonReference recorded "
     "reportOrigin route site status! statusReason subpotentReason vaccineCode! "},
    {"Immunization", FHX__ELEMENTS_R5,
     "administeredProduct basedOn doseQuantity encounter expirationDate fundingSource "
     "identifier informationSource isSubpotent location lotNumber manufacturer note "
     "occurrence!* patient! performer primarySource programEligibility protocolApplied reaction "
     "reason route site status! statusReason subpotentReason supportingInformation vaccineCode! "},
    {"ImmunizationEvaluation", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "authority date description doseNumber* doseStatus! doseStatusReason identifier "
     "immunizationEvent! patient! series seriesDoses* status! targetDisease! "},
    {"ImmunizationEvaluation", FHX__ELEMENTS_R5,
     "authority date description doseNumber doseStatus! doseStatusReason identifier "
     "immunizationEvent! patient! series seriesDoses status! targetDisease! "},
    {"ImmunizationRecommendation", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "authority date! identifier patient! recommendation! "},
    {"ImplementationGuide", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "contact copyright date definition dependsOn description experimental fhirVersion! global "
     "jurisdiction license manifest name! packageId! publisher status! title url! useContext "
     "version "},
    {"ImplementationGuide", FHX__ELEMENTS_R5,
     "contact copyright copyrightLabel date definition dependsOn description experimental "
     "fhirVersion! global identifier jurisdiction license manifest name! packageId! publisher "
     "purpose status! title url! useContext version versionAlgorithm* "},
    {"Ingredient", FHX__ELEMENTS_R4B,
     "allergenicIndicator for function identifier manufacturer role! status! substance! "},
    {"Ingredient", FHX__ELEMENTS_R5,
     "allergenicIndicator comment for function group identifier manufacturer role! status! "
     "substance! "},
    {"InsurancePlan", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "administeredBy alias contact coverage coverageArea endpoint identifier name network "
     "ownedBy period plan status type "},
    {"InventoryItem", FHX__ELEMENTS_R5,
     "association baseUnit category characteristic code description identifier instance "
     "inventoryStatus name netContent productReference responsibleOrganization status! "},
    {"InventoryReport", FHX__ELEMENTS_R5,
     "countType! identifier inventoryListing note operationType operationTypeReason "
     "reportedDateTime! reporter reportingPeriod status! "},
    {"Invoice", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "account cancelledReason date identifier issuer lineItem note participant paymentTerms "
     "recipient status! subject totalGross totalNet totalPriceComponent type "},
    {"Invoice", FHX__ELEMENTS_R5,
     "account cancelledReason creation date identifier issuer lineItem note participant "
     "paymentTerms period* recipient status! subject totalGross totalNet totalPriceComponent "
     "type "},
    {"Library", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "approvalDate author contact content copyright dataRequirement date description editor "
     "effectivePeriod endorser experimental identifier jurisdiction lastReviewDate name "
     "parameter publisher purpose relatedArtifact reviewer status! subject* subtitle title "
     "topic type! url usage useContext version "},
    {"Library", FHX__ELEMENTS_R5,
     "approvalDate author contact content copyright copyrightLabel dataRequirement date "
     "description editor effectivePeriod endorser experimental identifier jurisdiction "
     "lastReviewDate name parameter publisher purpose relatedArtifact reviewer status! subject* "
     "subtitle title topic type! url usage useContext version versionAlgorithm* "},
    {"Linkage", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "active author item! "},
    {"List", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "code date emptyReason encounter entry identifier mode! note orderedBy source status! "
     "subject title "},
    {"Location", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "address alias availabilityExceptions description endpoint hoursOfOperation identifier "
     "managingOrganization mode name operationalStatus partOf physicalType position status "
     "telecom type "},
    {"Location", FHX__ELEMENTS_R5,
     "address alias characteristic contact description endpoint form hoursOfOperation "
     "identifier managingOrganization mode name operationalStatus partOf position status type "
     "virtualService "},
    {"ManufacturedItemDefinition", FHX__ELEMENTS_R4B,
     "identifier ingredient manufacturedDoseForm! manufacturer property status! "
     "unitOfPresentation "},
    {"ManufacturedItemDefinition", FHX__ELEMENTS_R5,
     "component identifier ingredient manufacturedDoseForm! manufacturer marketingStatus name "
     "property status! unitOfPresentation "},
    {"Measure", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "approvalDate author clinicalRecommendationStatement compositeScoring contact copyright "
     "date definition description disclaimer editor effectivePeriod endorser experimental group "
     "guidance identifier improvementNotation jurisdiction lastReviewDate library name "
     "publisher purpose rateAggregation rationale relatedArtifact reviewer riskAdjustment "
     "scoring status! subject* subtitle supplementalData title topic type url usage useContext "
     "version "},
    {"Measure", FHX__ELEMENTS_R5,
     "approvalDate author basis clinicalRecommendationStatement compositeScoring contact "
     "copyright copyrightLabel date description disclaimer editor effectivePeriod endorser "
     "experimental group guidance identifier improvementNotation jurisdiction lastReviewDate "
     "library name publisher purpose rateAggregation rationale relatedArtifact reviewer "
     "riskAdjustment scoring scoringUnit status! subject* subtitle supplementalData term title "
     "topic type url usage useContext version versionAlgorithm* "},
    {"MeasureReport", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "date evaluatedResource group identifier improvementNotation measure! period! reporter "
     "status! subject type! "},
    {"MeasureReport", FHX__ELEMENTS_R5,
     "dataUpdateType date evaluatedResource group identifier improvementNotation "
     "inputParameters location measure period! reporter reportingVendor scoring status! subject "
     "supplementalData type! "},
    {"Media", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "basedOn bodySite content! created* device deviceName duration encounter frames height "
     "identifier issued modality note operator partOf reasonCode status! subject type view "
     "width "},
    {"Medication", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "amount batch code form identifier ingredient manufacturer status "},
    {"Medication", FHX__ELEMENTS_R5,
     "batch code definition doseForm identifier ingredient marketingAuthorizationHolder status "
     "totalVolume "},
    {"MedicationAdministration", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "category context device dosage effective!* eventHistory identifier instantiates "
     "medication!* note partOf performer reasonCode reasonReference request status! "
     "statusReason subject! supportingInformation "},
    {"MedicationAdministration", FHX__ELEMENTS_R5,
     "basedOn category device dosage encounter eventHistory identifier isSubPotent medication! "
     "note occurence!* partOf performer reason recorded request status! statusReason "
     "subPotentReason subject! supportingInformation "},
    {"MedicationDispense", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "authorizingPrescription category context daysSupply destination detectedIssue "
     "dosageInstruction eventHistory identifier location medication!* note partOf performer "
     "quantity receiver status! statusReason* subject substitution supportingInformation type "
     "whenHandedOver whenPrepared "},
    {"MedicationDispense", FHX__ELEMENTS_R5,
     "authorizingPrescription basedOn category daysSupply destination dosageInstruction "
     "encounter eventHistory identifier location medication! notPerformedReason note partOf "
     "performer quantity receiver recorded renderedDosageInstruction status! statusChanged "
     "subject! substitution supportingInformation type whenHandedOver whenPrepared "},
    {"MedicationKnowledge", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "administrationGuidelines amount associatedMedication code contraindication cost doseForm "
     "drugCharacteristic ingredient intendedRoute kinetics manufacturer medicineClassification "
     "monitoringProgram monograph packaging preparationInstruction productType regulatory "
     "relatedMedicationKnowledge status synonym "},
    {"MedicationKnowledge", FHX__ELEMENTS_R5,
     "associatedMedication author clinicalUseIssue code cost definitional identifier "
     "indicationGuideline intendedJurisdiction medicineClassification monitoringProgram "
     "monograph name packaging preparationInstruction productType regulatory "
     "relatedMedicationKnowledge status storageGuideline "},
    {"MedicationRequest", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "authoredOn basedOn category courseOfTherapyType detectedIssue dispenseRequest "
     "doNotPerform dosageInstruction encounter eventHistory groupIdentifier identifier "
     "instantiatesCanonical instantiatesUri insurance intent! medication!* note performer "
     "performerType priorPrescription priority reasonCode reasonReference recorder reported* "
     "requester status! statusReason subject! substitution supportingInformation "},
    {"MedicationRequest", FHX__ELEMENTS_R5,
     "authoredOn basedOn category courseOfTherapyType device dispenseRequest doNotPerform "
     "dosageInstruction effectiveDosePeriod encounter eventHistory groupIdentifier identifier "
     "informationSource insurance intent! medication! note performer performerType "
     "priorPrescription priority reason recorder renderedDosageInstruction reported requester "
     "status! statusChanged statusReason subject! substitution supportingInformation "},
    {"MedicationStatement", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "basedOn category context dateAsserted derivedFrom dosage effective* identifier "
     "informationSource medication!* note partOf reasonCode reasonReference status! "
     "statusReason subject! "},
    {"MedicationStatement", FHX__ELEMENTS_R5,
     "adherence category dateAsserted derivedFrom dosage effective* encounter identifier "
     "informationSource medication! note partOf reason relatedClinicalInformation "
     "renderedDosageInstruction status! subject! "},
    {"MedicinalProduct", FHX__ELEMENTS_R4,
     "additionalMonitoringIndicator attachedDocument clinicalTrial "
     "combinedPharmaceuticalDoseForm contact crossReference domain identifier "
     "legalStatusOfSupply manufacturingBusinessOperation marketingStatus masterFile name! "
     "packagedMedicinalProduct paediatricUseIndicator pharmaceuticalProduct "
     "productClassification specialDesignation specialMeasures type "},
    {"MedicinalProductAuthorization", FHX__ELEMENTS_R4,
     "country dataExclusivityPeriod dateOfFirstAuthorization holder identifier "
     "internationalBirthDate jurisdiction jurisdictionalAuthorization legalBasis procedure "
     "regulator restoreDate status statusDate subject validityPeriod "},
    {"MedicinalProductContraindication", FHX__ELEMENTS_R4,
     "comorbidity disease diseaseStatus otherTherapy population subject therapeuticIndication "},
    {"MedicinalProductDefinition", FHX__ELEMENTS_R4B,
     "additionalMonitoringIndicator attachedDocument characteristic classification "
     "clinicalTrial code combinedPharmaceuticalDoseForm contact crossReference description "
     "domain identifier impurity indication ingredient legalStatusOfSupply marketingStatus "
     "masterFile name! operation packagedMedicinalProduct pediatricUseIndicator route "
     "specialMeasures status statusDate type version "},
    {"MedicinalProductDefinition", FHX__ELEMENTS_R5,
     "additionalMonitoringIndicator attachedDocument characteristic classification "
     "clinicalTrial code combinedPharmaceuticalDoseForm comprisedOf contact crossReference "
     "description domain identifier impurity indication ingredient legalStatusOfSupply "
     "marketingStatus masterFile name! operation packagedMedicinalProduct pediatricUseIndicator "
     "route specialMeasures status statusDate type version "},
    {"MedicinalProductIndication", FHX__ELEMENTS_R4,
     "comorbidity diseaseStatus diseaseSymptomProcedure duration intendedEffect otherTherapy "
     "population subject undesirableEffect "},
    {"MedicinalProductIngredient", FHX__ELEMENTS_R4,
     "allergenicIndicator identifier manufacturer role! specifiedSubstance substance "},
    {"MedicinalProductInteraction", FHX__ELEMENTS_R4,
     "description effect incidence interactant management subject type "},
    {"MedicinalProductManufactured", FHX__ELEMENTS_R4,
     "ingredient manufacturedDoseForm! manufacturer otherCharacteristics "
     "physicalCharacteristics quantity! unitOfPresentation "},
    {"MedicinalProductPackaged", FHX__ELEMENTS_R4,
     "batchIdentifier description identifier legalStatusOfSupply manufacturer "
     "marketingAuthorization marketingStatus packageItem! subject "},
    {"MedicinalProductPharmaceutical", FHX__ELEMENTS_R4,
     "administrableDoseForm! characteristics device identifier ingredient "
     "routeOfAdministration! unitOfPresentation "},
    {"MedicinalProductUndesirableEffect", FHX__ELEMENTS_R4,
     "classification frequencyOfOccurrence population subject symptomConditionEffect "},
    {"MessageDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "allowedResponse base category contact copyright date! description event!* experimental "
     "focus graph identifier jurisdiction name parent publisher purpose replaces "
     "responseRequired status! title url useContext version "},
    {"MessageDefinition", FHX__ELEMENTS_R5,
     "allowedResponse base category contact copyright copyrightLabel date! description event!* "
     "experimental focus graph identifier jurisdiction name parent publisher purpose replaces "
     "responseRequired status! title url useContext version versionAlgorithm* "},
    {"MessageHeader", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "author definition destination enterer event!* focus reason response responsible sender "
     "source! "},
    {"MessageHeader", FHX__ELEMENTS_R5,
     "author definition destination event!* focus reason response responsible sender source! "},
    {"MolecularSequence", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "coordinateSystem! device identifier observedSeq patient performer pointer quality "
     "quantity readCoverage referenceSeq repository specimen structureVariant type variant "},
    {"MolecularSequence", FHX__ELEMENTS_R5,
     "device focus formatted identifier literal performer relative specimen subject type "},
    {"NamingSystem", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "contact date! description jurisdiction kind! name! publisher responsible status! type "
     "uniqueId! usage useContext "},
    {"NamingSystem", FHX__ELEMENTS_R5,
     "approvalDate author contact copyright copyrightLabel date! description editor "
     "effectivePeriod endorser experimental identifier jurisdiction kind! lastReviewDate name! "
     "publisher purpose relatedArtifact responsible reviewer status! title topic type uniqueId! "
     "url usage useContext version versionAlgorithm* "},
    {"NutritionIntake", FHX__ELEMENTS_R5,
     "basedOn code consumedItem! derivedFrom encounter identifier ingredientLabel "
     "instantiatesCanonical instantiatesUri location note occurrence* partOf performer reason "
     "recorded reported* status! statusReason subject! "},
    {"NutritionOrder", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "allergyIntolerance dateTime! encounter enteralFormula excludeFoodModifier "
     "foodPreferenceModifier identifier instantiates instantiatesCanonical instantiatesUri "
     "intent! note oralDiet orderer patient! status! supplement "},
    {"NutritionOrder", FHX__ELEMENTS_R5,
     "allergyIntolerance basedOn dateTime! encounter enteralFormula excludeFoodModifier "
     "foodPreferenceModifier groupIdentifier identifier instantiates instantiatesCanonical "
     "instantiatesUri intent! note oralDiet orderer outsideFoodAllowed performer priority "
     "status! subject! supplement supportingInformation "},
    {"NutritionProduct", FHX__ELEMENTS_R4B,
     "category code ingredient instance knownAllergen manufacturer note nutrient "
     "productCharacteristic status! "},
    {"NutritionProduct", FHX__ELEMENTS_R5,
     "category characteristic code ingredient instance knownAllergen manufacturer note nutrient "
     "status! "},
    {"Observation", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "basedOn bodySite category code! component dataAbsentReason derivedFrom device effective* "
     "encounter focus hasMember identifier interpretation issued method note partOf performer "
     "referenceRange specimen status! subject value* "},
    {"Observation", FHX__ELEMENTS_R5,
     "basedOn bodySite bodyStructure category code! component dataAbsentReason derivedFrom "
     "device effective* encounter focus hasMember identifier instantiates* interpretation "
     "issued method note partOf performer referenceRange specimen status! subject triggeredBy "
     "value* "},
    {"ObservationDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "abnormalCodedValueSet category code! criticalCodedValueSet identifier method "
     "multipleResultsAllowed normalCodedValueSet permittedDataType preferredReportName "
     "qualifiedInterval quantitativeDetails validCodedValueSet "},
    {"ObservationDefinition", FHX__ELEMENTS_R5,
     "approvalDate bodySite category code! component contact copyright copyrightLabel date "
     "derivedFromCanonical derivedFromUri description device effectivePeriod experimental "
     "hasMember identifier jurisdiction lastReviewDate method multipleResultsAllowed name "
     "performerType permittedDataType permittedUnit preferredReportName publisher purpose "
     "qualifiedValue specimen status! subject title url useContext version versionAlgorithm* "},
    {"OperationDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "affectsState base code! comment contact date description experimental inputProfile "
     "instance! jurisdiction kind! name! outputProfile overload parameter publisher purpose "
     "resource status! system! title type! url useContext version "},
    {"OperationDefinition", FHX__ELEMENTS_R5,
     "affectsState base code! comment contact copyright copyrightLabel date description "
     "experimental identifier inputProfile instance! jurisdiction kind! name! outputProfile "
     "overload parameter publisher purpose resource status! system! title type! url useContext "
     "version versionAlgorithm* "},
    {"OperationOutcome", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "issue! "},
    {"Organization", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "active address alias contact endpoint identifier name partOf telecom type "},
    {"Organization", FHX__ELEMENTS_R5,
     "active alias contact description endpoint identifier name partOf qualification type "},
    {"OrganizationAffiliation", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "active code endpoint healthcareService identifier location network organization "
     "participatingOrganization period specialty telecom "},
    {"OrganizationAffiliation", FHX__ELEMENTS_R5,
     "active code contact endpoint healthcareService identifier location network organization "
     "participatingOrganization period specialty "},
    {"PackagedProductDefinition", FHX__ELEMENTS_R4B,
     "characteristic containedItemQuantity copackagedIndicator description identifier "
     "legalStatusOfSupply manufacturer marketingStatus name package packageFor status "
     "statusDate type "},
    {"PackagedProductDefinition", FHX__ELEMENTS_R5,
     "attachedDocument characteristic containedItemQuantity copackagedIndicator description "
     "identifier legalStatusOfSupply manufacturer marketingStatus name packageFor packaging "
     "status statusDate type "},
    {"Parameters", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "parameter "},
    {"Patient", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "active address birthDate communication contact deceased* gender generalPractitioner "
     "identifier link managingOrganization maritalStatus multipleBirth* name photo telecom "},
    {"PaymentNotice", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "amount! created! identifier payee payment! paymentDate paymentStatus provider recipient! "
     "request response status! "},
    {"PaymentNotice", FHX__ELEMENTS_R5,
     "amount! created! identifier payee payment paymentDate paymentStatus recipient! reporter "
     "request response status! "},
    {"PaymentReconciliation", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "created! detail disposition formCode identifier outcome paymentAmount! paymentDate! "
     "paymentIdentifier paymentIssuer period processNote request requestor status! "},
    {"PaymentReconciliation", FHX__ELEMENTS_R5,
     "accountNumber allocation amount! authorization cardBrand created! date! disposition "
     "enterer expirationDate formCode identifier issuerType kind location method outcome "
     "paymentIdentifier paymentIssuer period processNote processor referenceNumber request "
     "requestor returnedAmount status! tenderedAmount type! "},
    {"Permission", FHX__ELEMENTS_R5,
     "asserter combining! date justification rule status! validity "},
    {"Person", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "active address birthDate gender identifier link managingOrganization name photo telecom "},
    {"Person", FHX__ELEMENTS_R5,
     "active address birthDate communication deceased* gender identifier link "
     "managingOrganization maritalStatus name photo telecom "},
    {"PlanDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "action approvalDate author contact copyright date description editor effectivePeriod "
     "endorser experimental goal identifier jurisdiction lastReviewDate library name publisher "
     "purpose relatedArtifact reviewer status! subject* subtitle title topic type url usage "
     "useContext version "},
    {"PlanDefinition", FHX__ELEMENTS_R5,
     "action actor approvalDate asNeeded* author contact copyright copyrightLabel date "
     "description editor effectivePeriod endorser experimental goal identifier jurisdiction "
     "lastReviewDate library name publisher purpose relatedArtifact reviewer status! subject* "
     "subtitle title topic type url usage useContext version versionAlgorithm* "},
    {"Practitioner", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "active address birthDate communication gender identifier name photo qualification telecom "},
    {"Practitioner", FHX__ELEMENTS_R5,
     "active address birthDate communication deceased* gender identifier name photo "
     "qualification telecom "},
    {"PractitionerRole", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "active availabilityExceptions availableTime code endpoint healthcareService identifier "
     "location notAvailable organization period practitioner specialty telecom "},
    {"PractitionerRole", FHX__ELEMENTS_R5,
     "active availability characteristic code communication contact endpoint healthcareService "
     "identifier location organization period practitioner specialty "},
    {"Procedure", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "asserter basedOn bodySite category code complication complicationDetail encounter "
     "focalDevice followUp identifier instantiatesCanonical instantiatesUri location note "
     "outcome partOf performed* performer reasonCode reasonReference recorder report status! "
     "statusReason subject! usedCode usedReference "},
    {"Procedure", FHX__ELEMENTS_R5,
     "basedOn bodySite category code complication encounter focalDevice focus followUp "
     "identifier instantiatesCanonical instantiatesUri location note occurrence* outcome partOf "
     "performer reason recorded recorder report reported* status! statusReason subject! "
     "supportingInfo used "},
    {"Provenance", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "activity agent! entity location occurred* policy reason recorded! signature target! "},
    {"Provenance", FHX__ELEMENTS_R5,
     "activity agent! authorization basedOn encounter entity location occurred* patient policy "
     "recorded signature target! "},
    {"Questionnaire", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "approvalDate code contact copyright date derivedFrom description effectivePeriod "
     "experimental identifier item jurisdiction lastReviewDate name publisher purpose status! "
     "subjectType title url useContext version "},
    {"Questionnaire", FHX__ELEMENTS_R5,
     "approvalDate code contact copyright copyrightLabel date derivedFrom description "
     "effectivePeriod experimental identifier item jurisdiction lastReviewDate name publisher "
     "purpose status! subjectType title url useContext version versionAlgorithm* "},
    {"QuestionnaireResponse", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "author authored basedOn encounter identifier item partOf questionnaire source status! "
     "subject "},
    {"QuestionnaireResponse", FHX__ELEMENTS_R5,
     "author authored basedOn encounter identifier item partOf questionnaire! source status! "
     "subject "},
    {"RegulatedAuthorization", FHX__ELEMENTS_R4B,
     "basis case description holder identifier indication intendedUse region regulator status "
     "statusDate subject type validityPeriod "},
    {"RegulatedAuthorization", FHX__ELEMENTS_R5,
     "attachedDocument basis case description holder identifier indication intendedUse region "
     "regulator status statusDate subject type validityPeriod "},
    {"RelatedPerson", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "active address birthDate communication gender identifier name patient! period photo "
     "relationship telecom "},
    {"RequestGroup", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "action author authoredOn basedOn code encounter groupIdentifier identifier "
     "instantiatesCanonical instantiatesUri intent! note priority reasonCode reasonReference "
     "replaces status! subject "},
    {"RequestOrchestration", FHX__ELEMENTS_R5,
     "action author authoredOn basedOn code encounter goal groupIdentifier identifier "
     "instantiatesCanonical instantiatesUri intent! note priority reason replaces status! "
     "subject "},
    {"Requirements", FHX__ELEMENTS_R5,
     "actor contact copyright copyrightLabel date derivedFrom description experimental "
     "identifier jurisdiction name publisher purpose reference statement status! title url "
     "useContext version versionAlgorithm* "},
    {"ResearchDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "approvalDate author comment contact copyright date description editor effectivePeriod "
     "endorser experimental exposure exposureAlternative identifier jurisdiction lastReviewDate "
     "library name outcome population! publisher purpose relatedArtifact reviewer shortTitle "
     "status! subject* subtitle title topic url usage useContext version "},
    {"ResearchElementDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "approvalDate author characteristic! comment contact copyright date description editor "
     "effectivePeriod endorser experimental identifier jurisdiction lastReviewDate library name "
     "publisher purpose relatedArtifact reviewer shortTitle status! subject* subtitle title "
     "topic type! url usage useContext variableType version "},
    {"ResearchStudy", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "arm category condition contact description enrollment focus identifier keyword location "
     "note objective partOf period phase primaryPurposeType principalInvestigator protocol "
     "reasonStopped relatedArtifact site sponsor status! title "},
    {"ResearchStudy", FHX__ELEMENTS_R5,
     "associatedParty classifier comparisonGroup condition date description descriptionSummary "
     "focus identifier keyword label name note objective outcomeMeasure partOf period phase "
     "primaryPurposeType progressStatus protocol recruitment region relatedArtifact result site "
     "status! studyDesign title url version whyStopped "},
    {"ResearchSubject", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "actualArm assignedArm consent identifier individual! period status! study! "},
    {"ResearchSubject", FHX__ELEMENTS_R5,
     "actualComparisonGroup assignedComparisonGroup consent identifier period progress status! "
     "study! subject! "},
    {"RiskAssessment", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "basedOn basis code condition encounter identifier method mitigation note occurrence* "
     "parent performer prediction reasonCode reasonReference status! subject! "},
    {"RiskAssessment", FHX__ELEMENTS_R5,
     "basedOn basis code condition encounter identifier method mitigation note occurrence* "
     "parent performer prediction reason status! subject! "},
    {"RiskEvidenceSynthesis", FHX__ELEMENTS_R4,
     "approvalDate author certainty contact copyright date description editor effectivePeriod "
     "endorser exposure identifier jurisdiction lastReviewDate name note outcome! population! "
     "publisher relatedArtifact reviewer riskEstimate sampleSize status! studyType "
     "synthesisType title topic url useContext version "},
    {"Schedule", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "active actor! comment identifier planningHorizon serviceCategory serviceType specialty "},
    {"Schedule", FHX__ELEMENTS_R5,
     "active actor! comment identifier name planningHorizon serviceCategory serviceType "
     "specialty "},
    {"SearchParameter", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "base! chain code! comparator component contact date derivedFrom description! experimental "
     "expression jurisdiction modifier multipleAnd multipleOr name! publisher purpose status! "
     "target type! url! useContext version xpath xpathUsage "},
    {"SearchParameter", FHX__ELEMENTS_R5,
     "base! chain code! comparator component constraint contact copyright copyrightLabel date "
     "derivedFrom description! experimental expression identifier jurisdiction modifier "
     "multipleAnd multipleOr name! processingMode publisher purpose status! target title type! "
     "url! useContext version versionAlgorithm* "},
    {"ServiceRequest", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "asNeeded* authoredOn basedOn bodySite category code doNotPerform encounter identifier "
     "instantiatesCanonical instantiatesUri insurance intent! locationCode locationReference "
     "note occurrence* orderDetail patientInstruction performer performerType priority "
     "quantity* reasonCode reasonReference relevantHistory replaces requester requisition "
     "specimen status! subject! supportingInfo "},
    {"ServiceRequest", FHX__ELEMENTS_R5,
     "asNeeded* authoredOn basedOn bodySite bodyStructure category code doNotPerform encounter "
     "focus identifier instantiatesCanonical instantiatesUri insurance intent! location note "
     "occurrence* orderDetail patientInstruction performer performerType priority quantity* "
     "reason relevantHistory replaces requester requisition specimen status! subject! "
     "supportingInfo "},
    {"Slot", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "appointmentType comment end! identifier overbooked schedule! serviceCategory serviceType "
     "specialty start! status! "},
    {"Specimen", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "accessionIdentifier collection condition container identifier note parent processing "
     "receivedTime request status subject type "},
    {"Specimen", FHX__ELEMENTS_R5,
     "accessionIdentifier collection combined condition container feature identifier note "
     "parent processing receivedTime request role status subject type "},
    {"SpecimenDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "collection identifier patientPreparation timeAspect typeCollected typeTested "},
    {"SpecimenDefinition", FHX__ELEMENTS_R5,
     "approvalDate collection contact copyright copyrightLabel date derivedFromCanonical "
     "derivedFromUri description effectivePeriod experimental identifier jurisdiction "
     "lastReviewDate name patientPreparation publisher purpose status! subject* timeAspect "
     "title typeCollected typeTested url useContext version versionAlgorithm* "},
    {"StructureDefinition", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "abstract! baseDefinition contact context contextInvariant copyright date derivation "
     "description differential experimental fhirVersion identifier jurisdiction keyword kind! "
     "mapping name! publisher purpose snapshot status! title type! url! useContext version "},
    {"StructureDefinition", FHX__ELEMENTS_R5,
     "abstract! baseDefinition contact context contextInvariant copyright copyrightLabel date "
     "derivation description differential experimental fhirVersion identifier jurisdiction "
     "keyword kind! mapping name! publisher purpose snapshot status! title type! url! "
     "useContext version versionAlgorithm* "},
    {"StructureMap", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "contact copyright date description experimental group! identifier import jurisdiction "
     "name! publisher purpose status! structure title url! useContext version "},
    {"StructureMap", FHX__ELEMENTS_R5,
     "const contact copyright copyrightLabel date description experimental group! identifier "
     "import jurisdiction name! publisher purpose status! structure title url! useContext "
     "version versionAlgorithm* "},
    {"Subscription", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "channel! contact criteria! end error reason! status! "},
    {"Subscription", FHX__ELEMENTS_R5,
     "channelType! contact content contentType end endpoint filterBy heartbeatPeriod identifier "
     "managingEntity maxCount name parameter reason status! timeout topic! "},
    {"SubscriptionStatus", FHX__ELEMENTS_R4B,
     "error eventsInNotification eventsSinceSubscriptionStart notificationEvent status "
     "subscription! topic type! "},
    {"SubscriptionStatus", FHX__ELEMENTS_R5,
     "error eventsSinceSubscriptionStart notificationEvent status subscription! topic type! "},
    {"SubscriptionTopic", FHX__ELEMENTS_R4B,
     "approvalDate canFilterBy contact copyright date derivedFrom description effectivePeriod "
     "eventTrigger experimental identifier jurisdiction lastReviewDate notificationShape "
     "publisher purpose resourceTrigger status! title url! useContext version "},
    {"SubscriptionTopic", FHX__ELEMENTS_R5,
     "approvalDate canFilterBy contact copyright copyrightLabel date derivedFrom description "
     "effectivePeriod eventTrigger experimental identifier jurisdiction lastReviewDate name "
     "notificationShape publisher purpose resourceTrigger status! title url! useContext version "
     "versionAlgorithm* "},
    {"Substance", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "category code! description identifier ingredient instance status "},
    {"Substance", FHX__ELEMENTS_R5,
     "category code! description expiry identifier ingredient instance! quantity status "},
    {"SubstanceDefinition", FHX__ELEMENTS_R4B,
     "classification code description domain grade identifier informationSource manufacturer "
     "moiety molecularWeight name note property relationship sourceMaterial status structure "
     "supplier version "},
    {"SubstanceDefinition", FHX__ELEMENTS_R5,
     "characterization classification code description domain grade identifier "
     "informationSource manufacturer moiety molecularWeight name note nucleicAcid polymer "
     "property protein referenceInformation relationship sourceMaterial status structure "
     "supplier version "},
    {"SubstanceNucleicAcid", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R5,
     "areaOfHybridisation numberOfSubunits oligoNucleotideType sequenceType subunit "},
    {"SubstancePolymer", FHX__ELEMENTS_R4,
     "class copolymerConnectivity geometry modification monomerSet repeat "},
    {"SubstancePolymer", FHX__ELEMENTS_R5,
     "class copolymerConnectivity geometry identifier modification monomerSet repeat "},
    {"SubstanceProtein", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R5,
     "disulfideLinkage numberOfSubunits sequenceType subunit "},
    {"SubstanceReferenceInformation", FHX__ELEMENTS_R4,
     "classification comment gene geneElement target "},
    {"SubstanceReferenceInformation", FHX__ELEMENTS_R5,
     "comment gene geneElement target "},
    {"SubstanceSourceMaterial", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R5,
     "countryOfOrigin developmentStage fractionDescription geographicalLocation organism "
     "organismId organismName parentSubstanceId parentSubstanceName partDescription "
     "sourceMaterialClass sourceMaterialState sourceMaterialType "},
    {"SubstanceSpecification", FHX__ELEMENTS_R4,
     "code comment description domain identifier moiety molecularWeight name nucleicAcid "
     "polymer property protein referenceInformation relationship source sourceMaterial status "
     "structure type "},
    {"SupplyDelivery", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "basedOn destination identifier occurrence* partOf patient receiver status suppliedItem "
     "supplier type "},
    {"SupplyRequest", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "authoredOn category deliverFrom deliverTo identifier item!* occurrence* parameter "
     "priority quantity! reasonCode reasonReference requester status supplier "},
    {"SupplyRequest", FHX__ELEMENTS_R5,
     "authoredOn basedOn category deliverFor deliverFrom deliverTo identifier item! occurrence* "
     "parameter priority quantity! reason requester status supplier "},
    {"Task", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "authoredOn basedOn businessStatus code description encounter executionPeriod focus for "
     "groupIdentifier identifier input instantiatesCanonical instantiatesUri insurance intent! "
     "lastModified location note output owner partOf performerType priority reasonCode "
     "reasonReference relevantHistory requester restriction status! statusReason "},
    {"Task", FHX__ELEMENTS_R5,
     "authoredOn basedOn businessStatus code description doNotPerform encounter executionPeriod "
     "focus for groupIdentifier identifier input instantiatesCanonical instantiatesUri "
     "insurance intent! lastModified location note output owner partOf performer priority "
     "reason relevantHistory requestedPerformer requestedPeriod requester restriction status! "
     "statusReason "},
    {"TerminologyCapabilities", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "closure codeSearch codeSystem contact copyright date! description expansion experimental "
     "implementation jurisdiction kind! lockedDate name publisher purpose software status! "
     "title translation url useContext validateCode version "},
    {"TerminologyCapabilities", FHX__ELEMENTS_R5,
     "closure codeSearch codeSystem contact copyright copyrightLabel date! description "
     "expansion experimental identifier implementation jurisdiction kind! lockedDate name "
     "publisher purpose software status! title translation url useContext validateCode version "
     "versionAlgorithm* "},
    {"TestPlan", FHX__ELEMENTS_R5,
     "category contact copyright copyrightLabel date dependency description exitCriteria "
     "experimental identifier jurisdiction name publisher purpose scope status! testCase "
     "testTools title url useContext version versionAlgorithm* "},
    {"TestReport", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "identifier issued name participant result! score setup status! teardown test testScript! "
     "tester "},
    {"TestScript", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "contact copyright date description destination experimental fixture identifier "
     "jurisdiction metadata name! origin profile publisher purpose setup status! teardown test "
     "title url! useContext variable version "},
    {"TestScript", FHX__ELEMENTS_R5,
     "contact copyright copyrightLabel date description destination experimental fixture "
     "identifier jurisdiction metadata name! origin profile publisher purpose scope setup "
     "status! teardown test title url useContext variable version versionAlgorithm* "},
    {"Transport", FHX__ELEMENTS_R5,
     "authoredOn basedOn code completionTime currentLocation! description encounter focus for "
     "groupIdentifier history identifier input instantiatesCanonical instantiatesUri insurance "
     "intent! lastModified location note output owner partOf performerType priority reason "
     "relevantHistory requestedLocation! requester restriction status statusReason "},
    {"ValueSet", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B,
     "compose contact copyright date description expansion experimental identifier immutable "
     "jurisdiction name publisher purpose status! title url useContext version "},
    {"ValueSet", FHX__ELEMENTS_R5,
     "approvalDate author compose contact copyright copyrightLabel date description editor "
     "effectivePeriod endorser expansion experimental identifier immutable jurisdiction "
     "lastReviewDate name publisher purpose relatedArtifact reviewer scope status! title topic "
     "url useContext version versionAlgorithm* "},
    {"VerificationResult", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "attestation failureAction frequency lastPerformed need nextScheduled primarySource "
     "status! statusDate target targetLocation validationProcess validationType validator "},
    {"VisionPrescription", FHX__ELEMENTS_R4 | FHX__ELEMENTS_R4B | FHX__ELEMENTS_R5,
     "created! dateWritten! encounter identifier lensSpecification! patient! prescriber! "
     "status! "},
};

const size_t fhx__element_count = sizeof fhx__element_table / sizeof fhx__element_table[0];
