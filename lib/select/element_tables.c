/* The root elements of FHIR's resource types. Written by lib/facts/tables.py from
   lib/facts/elements.tsv; change it there. */
#include "select/element_table.h"

const fhx__element_row fhx__element_table[] = {
    {"Account", "435",
     "balance/5 billingStatus/5 calculatedAt/5 coverage currency/5 description diagnosis/5 "
     "guarantor identifier name owner partOf/43 procedure/5 relatedAccount/5 servicePeriod "
     "status! subject type "},
    {"ActivityDefinition", "435",
     "approvalDate asNeeded*/5 author bodySite code contact copyright copyrightLabel/5 date "
     "description doNotPerform dosage dynamicValue editor effectivePeriod endorser experimental "
     "identifier intent jurisdiction kind lastReviewDate library location name "
     "observationRequirement observationResultRequirement participant priority product* profile "
     "publisher purpose quantity relatedArtifact reviewer specimenRequirement status! subject* "
     "subtitle timing* title topic transform url usage useContext version versionAlgorithm*/5 "},
    {"ActorDefinition", "5",
     "capabilities contact copyright copyrightLabel date derivedFrom description documentation "
     "experimental identifier jurisdiction name publisher purpose reference status! title type! "
     "url useContext version versionAlgorithm* "},
    {"AdministrableProductDefinition", "35",
     "administrableDoseForm description/5 device formOf identifier ingredient producedFrom "
     "property routeOfAdministration! status! unitOfPresentation "},
    {"AdverseEvent", "435",
     "actuality! category code/5 contributingFactor/5 contributor/43 date/43 detected encounter "
     "event/43 expectedInResearchStudy/5 identifier location mitigatingAction/5 note/5 "
     "occurrence*/5 outcome participant/5 preventiveAction/5 recordedDate recorder "
     "referenceDocument/43 resultingCondition/43 resultingEffect/5 seriousness severity/43 "
     "status!/5 study subject! subjectMedicalHistory/43 supportingInfo/5 suspectEntity "},
    {"AllergyIntolerance", "435",
     "asserter/43 category clinicalStatus code criticality encounter identifier lastOccurrence "
     "note onset* participant/5 patient! reaction recordedDate recorder/43 type "
     "verificationStatus "},
    {"Appointment", "435",
     "account/5 appointmentType basedOn cancelationReason/43 cancellationDate/5 "
     "cancellationReason/5 class/5 comment/43 created description end identifier "
     "minutesDuration note/5 occurrenceChanged/5 originatingAppointment/5 participant! "
     "patientInstruction previousAppointment/5 priority reason/5 reasonCode/43 "
     "reasonReference/43 recurrenceId/5 recurrenceTemplate/5 replaces/5 requestedPeriod "
     "serviceCategory serviceType slot specialty start status! subject/5 supportingInformation "
     "virtualService/5 "},
    {"AppointmentResponse", "435",
     "actor appointment! comment end identifier occurrenceDate/5 participantStatus! "
     "participantType proposedNewTime/5 recurrenceId/5 recurring/5 start "},
    {"ArtifactAssessment", "5",
     "approvalDate artifact!* citeAs* content copyright date disposition identifier "
     "lastReviewDate title workflowStatus "},
    {"AuditEvent", "435",
     "action agent! authorization/5 basedOn/5 category/5 code!/5 encounter/5 entity occurred*/5 "
     "outcome outcomeDesc/43 patient/5 period/43 purposeOfEvent/43 recorded! severity/5 source! "
     "subtype/43 type!/43 "},
    {"Basic", "435",
     "author code! created identifier subject "},
    {"Binary", "435",
     "contentType! data securityContext "},
    {"BiologicallyDerivedProduct", "435",
     "biologicalSourceEvent/5 collection division/5 expirationDate/5 identifier manipulation/43 "
     "parent processing/43 processingFacility/5 productCategory productCode productStatus/5 "
     "property/5 quantity/43 request status/43 storage/43 storageTempRequirements/5 "},
    {"BiologicallyDerivedProductDispense", "5",
     "basedOn destination identifier location matchStatus note originRelationshipType partOf "
     "patient! performer preparedDate product! quantity status! usageInstruction whenHandedOver "},
    {"BodyStructure", "435",
     "active description excludedStructure/5 identifier image includedStructure!/5 location/43 "
     "locationQualifier/43 morphology patient! "},
    {"Bundle", "435",
     "entry identifier issues/5 link signature timestamp total type! "},
    {"CapabilityStatement", "435",
     "acceptLanguage/5 contact copyright copyrightLabel/5 date! description document "
     "experimental fhirVersion! format! identifier/5 implementation implementationGuide imports "
     "instantiates jurisdiction kind! messaging name patchFormat publisher purpose rest "
     "software status! title url useContext version versionAlgorithm*/5 "},
    {"CarePlan", "435",
     "activity addresses author/43 basedOn careTeam category contributor created custodian/5 "
     "description encounter goal identifier instantiatesCanonical instantiatesUri intent! note "
     "partOf period replaces status! subject! supportingInfo title "},
    {"CareTeam", "435",
     "category encounter/43 identifier managingOrganization name note participant period "
     "reason/5 reasonCode/43 reasonReference/43 status subject telecom "},
    {"CatalogEntry", "43",
     "additionalCharacteristic additionalClassification additionalIdentifier classification "
     "identifier lastUpdated orderable! referencedItem! relatedEntry status type validTo "
     "validityPeriod "},
    {"ChargeItem", "435",
     "account bodysite code! context/43 costCenter definitionCanonical definitionUri "
     "encounter/5 enteredDate enterer factorOverride/43 identifier note occurrence* "
     "overrideReason partOf performer performingOrganization priceOverride/43 product/5 "
     "product*/43 quantity reason requestingOrganization service status! subject! "
     "supportingInformation totalPriceComponent/5 unitPriceComponent/5 "},
    {"ChargeItemDefinition", "435",
     "applicability approvalDate code contact copyright copyrightLabel/5 date derivedFromUri "
     "description effectivePeriod/43 experimental identifier instance jurisdiction "
     "lastReviewDate name/5 partOf propertyGroup publisher purpose/5 replaces status! title "
     "url/5 url!/43 useContext version versionAlgorithm*/5 "},
    {"Citation", "35",
     "approvalDate author citedArtifact classification contact copyright copyrightLabel/5 "
     "currentState date description editor effectivePeriod endorser experimental identifier "
     "jurisdiction lastReviewDate name note publisher purpose relatedArtifact/5 relatesTo/3 "
     "reviewer status! statusDate summary title url useContext version versionAlgorithm*/5 "},
    {"Claim", "435",
     "accident billablePeriod careTeam created! diagnosis diagnosisRelatedGroup/5 encounter/5 "
     "enterer event/5 facility fundsReserve identifier insurance/5 insurance!/43 insurer item "
     "originalPrescription patient! patientPaid/5 payee prescription priority/5 priority!/43 "
     "procedure provider/5 provider!/43 referral related status! subType supportingInfo total "
     "traceNumber/5 type! use! "},
    {"ClaimResponse", "435",
     "addItem adjudication communicationRequest created! decision/5 diagnosisRelatedGroup/5 "
     "disposition encounter/5 error event/5 form formCode fundsReserve identifier insurance "
     "insurer/5 insurer!/43 item outcome! patient! payeeType payment preAuthPeriod preAuthRef "
     "processNote request requestor status! subType total traceNumber/5 type! use! "},
    {"ClinicalImpression", "435",
     "assessor/43 changePattern/5 code/43 date description effective* encounter finding "
     "identifier investigation/43 note performer/5 previous problem prognosisCodeableConcept "
     "prognosisReference protocol status! statusReason subject! summary supportingInfo "},
    {"ClinicalUseDefinition", "35",
     "category contraindication identifier indication interaction library/5 population status "
     "subject type! undesirableEffect warning "},
    {"CodeSystem", "435",
     "approvalDate/5 author/5 caseSensitive compositional concept contact content! copyright "
     "copyrightLabel/5 count date description editor/5 effectivePeriod/5 endorser/5 "
     "experimental filter hierarchyMeaning identifier jurisdiction lastReviewDate/5 name "
     "property publisher purpose relatedArtifact/5 reviewer/5 status! supplements title topic/5 "
     "url useContext valueSet version versionAlgorithm*/5 versionNeeded "},
    {"Communication", "435",
     "about basedOn category encounter identifier inResponseTo instantiatesCanonical "
     "instantiatesUri medium note partOf payload priority reason/5 reasonCode/43 "
     "reasonReference/43 received recipient sender sent status! statusReason subject topic "},
    {"CommunicationRequest", "435",
     "about authoredOn basedOn category doNotPerform encounter groupIdentifier identifier "
     "informationProvider/5 intent!/5 medium note occurrence* payload priority reason/5 "
     "reasonCode/43 reasonReference/43 recipient replaces requester sender/43 status! "
     "statusReason subject "},
    {"CompartmentDefinition", "435",
     "code! contact date description experimental name! publisher purpose resource search! "
     "status! title/5 url! useContext version versionAlgorithm*/5 "},
    {"Composition", "435",
     "attester author! category confidentiality/43 custodian date! encounter event identifier "
     "name/5 note/5 relatesTo section status! subject title! type! url/5 useContext/5 version/5 "},
    {"ConceptMap", "435",
     "additionalAttribute/5 approvalDate/5 author/5 contact copyright copyrightLabel/5 date "
     "description editor/5 effectivePeriod/5 endorser/5 experimental group identifier "
     "jurisdiction lastReviewDate/5 name property/5 publisher purpose relatedArtifact/5 "
     "reviewer/5 source*/43 sourceScope*/5 status! target*/43 targetScope*/5 title topic/5 url "
     "useContext version versionAlgorithm*/5 "},
    {"Condition", "435",
     "abatement* asserter/43 bodySite category clinicalStatus/43 clinicalStatus!/5 code "
     "encounter evidence identifier note onset* participant/5 recordedDate recorder/43 severity "
     "stage subject! verificationStatus "},
    {"ConditionDefinition", "5",
     "bodySite code! contact date definition description experimental hasBodySite hasSeverity "
     "hasStage identifier jurisdiction medication name observation plan precondition publisher "
     "questionnaire severity stage status! subtitle team title url useContext version "
     "versionAlgorithm* "},
    {"Consent", "435",
     "category/5 category!/43 controller/5 date/5 dateTime/43 decision/5 grantee/5 grantor/5 "
     "identifier manager/5 organization/43 patient/43 performer/43 period/5 policy/43 "
     "policyBasis/5 policyRule/43 policyText/5 provision regulatoryBasis/5 scope!/43 source*/43 "
     "sourceAttachment/5 sourceReference/5 status! subject/5 verification "},
    {"Contract", "435",
     "alias applies author authority contentDefinition contentDerivative domain expirationType "
     "friendly identifier instantiatesCanonical instantiatesUri issued legal legalState "
     "legallyBinding* name relevantHistory rule scope signer site status subType subject "
     "subtitle supportingInfo term title topic* type url version "},
    {"Coverage", "435",
     "beneficiary! class contract costToBeneficiary dependent identifier insurancePlan/5 "
     "insurer/5 kind!/5 network order paymentBy/5 payor!/43 period policyHolder relationship "
     "status! subrogation subscriber subscriberId type "},
    {"CoverageEligibilityRequest", "435",
     "created! enterer event/5 facility identifier insurance insurer! item patient! priority "
     "provider purpose! serviced* status! supportingInfo "},
    {"CoverageEligibilityResponse", "435",
     "created! disposition error event/5 form identifier insurance insurer! outcome! patient! "
     "preAuthRef purpose! request! requestor serviced* status! "},
    {"DetectedIssue", "435",
     "author category/5 code detail encounter/5 evidence identified* identifier implicated "
     "mitigation patient/43 reference severity status! subject/5 "},
    {"Device", "435",
     "availabilityStatus/5 biologicalSourceEvent/5 category/5 conformsTo/5 contact cycle/5 "
     "definition deviceName/43 displayName/5 distinctIdentifier/43 duration/5 endpoint/5 "
     "expirationDate gateway/5 identifier location lotNumber manufactureDate manufacturer "
     "mode/5 modelNumber name/5 note owner parent partNumber patient/43 property safety "
     "serialNumber specialization/43 status statusReason/43 type udiCarrier url version "},
    {"DeviceAssociation", "5",
     "bodyStructure category device! identifier operation period status! statusReason subject "},
    {"DeviceDefinition", "435",
     "capability/43 chargeItem/5 classification/5 conformsTo/5 contact correctiveAction/5 "
     "description/5 deviceName guideline/5 hasPart/5 identifier languageCode link/5 "
     "manufacturer/5 manufacturer*/43 material modelNumber note onlineInformation/43 owner "
     "packaging/5 parentDevice/43 partNumber/5 physicalCharacteristics/43 "
     "productionIdentifierInUDI/5 property quantity/43 regulatoryIdentifier/5 safety "
     "shelfLifeStorage specialization/43 type/43 udiDeviceIdentifier url/43 version "},
    {"DeviceDispense", "5",
     "basedOn category destination device! encounter eventHistory identifier location note "
     "partOf performer preparedDate quantity receiver status! statusReason subject! "
     "supportingInformation type usageInstruction whenHandedOver "},
    {"DeviceMetric", "435",
     "calibration category! color device!/5 identifier measurementFrequency/5 "
     "measurementPeriod/43 operationalStatus parent/43 source/43 type! unit "},
    {"DeviceRequest", "435",
     "asNeeded/5 asNeededFor/5 authoredOn basedOn code!/5 code!*/43 doNotPerform/5 encounter "
     "groupIdentifier identifier instantiatesCanonical instantiatesUri insurance intent! note "
     "occurrence* parameter performer performerType/43 priorRequest/43 priority quantity/5 "
     "reason/5 reasonCode/43 reasonReference/43 relevantHistory replaces/5 requester status "
     "subject! supportingInfo "},
    {"DeviceUsage", "5",
     "adherence basedOn bodySite category context dateAsserted derivedFrom device! identifier "
     "informationSource note patient! reason status! timing* usageReason usageStatus "},
    {"DeviceUseStatement", "43",
     "basedOn bodySite derivedFrom device! identifier note reasonCode reasonReference "
     "recordedOn source status! subject! timing* "},
    {"DiagnosticReport", "435",
     "basedOn category code! composition/5 conclusion conclusionCode effective* encounter "
     "identifier imagingStudy/43 issued media note/5 performer presentedForm result "
     "resultsInterpreter specimen status! study/5 subject supportingInfo/5 "},
    {"DocumentManifest", "43",
     "author content! created description identifier masterIdentifier recipient related source "
     "status! subject type "},
    {"DocumentReference", "435",
     "attester/5 authenticator/43 author basedOn/5 bodySite/5 category content! context "
     "custodian date description docStatus event/5 facilityType/5 identifier "
     "masterIdentifier/43 modality/5 period/5 practiceSetting/5 relatesTo securityLabel status! "
     "subject type version/5 "},
    {"EffectEvidenceSynthesis", "4",
     "approvalDate author certainty contact copyright date description editor effectEstimate "
     "effectivePeriod endorser exposure! exposureAlternative! identifier jurisdiction "
     "lastReviewDate name note outcome! population! publisher relatedArtifact resultsByExposure "
     "reviewer sampleSize status! studyType synthesisType title topic url useContext version "},
    {"Encounter", "435",
     "account actualPeriod/5 admission/5 appointment basedOn careTeam/5 class/5 class!/43 "
     "classHistory/43 diagnosis dietPreference/5 episodeOfCare hospitalization/43 identifier "
     "length location partOf participant period/43 plannedEndDate/5 plannedStartDate/5 priority "
     "reason/5 reasonCode/43 reasonReference/43 serviceProvider serviceType "
     "specialArrangement/5 specialCourtesy/5 status! statusHistory/43 subject subjectStatus/5 "
     "type virtualService/5 "},
    {"EncounterHistory", "5",
     "actualPeriod class! encounter identifier length location plannedEndDate plannedStartDate "
     "serviceType status! subject subjectStatus type "},
    {"Endpoint", "435",
     "address! connectionType! contact description/5 environmentType/5 header identifier "
     "managingOrganization name payload/5 payloadMimeType/43 payloadType!/43 period status! "},
    {"EnrollmentRequest", "435",
     "candidate coverage created identifier insurer provider status "},
    {"EnrollmentResponse", "435",
     "created disposition identifier organization outcome request requestProvider status "},
    {"EpisodeOfCare", "435",
     "account careManager careTeam/5 diagnosis identifier managingOrganization patient! period "
     "reason/5 referralRequest status! statusHistory team/43 type "},
    {"EventDefinition", "435",
     "approvalDate author contact copyright copyrightLabel/5 date description editor "
     "effectivePeriod endorser experimental identifier jurisdiction lastReviewDate name "
     "publisher purpose relatedArtifact reviewer status! subject* subtitle title topic trigger! "
     "url usage useContext version versionAlgorithm*/5 "},
    {"Evidence", "435",
     "approvalDate assertion/35 author certainty/35 citeAs*/35 contact copyright/45 "
     "copyrightLabel/5 date description editor effectivePeriod/4 endorser experimental/5 "
     "exposureBackground!/4 exposureVariant/4 identifier jurisdiction/4 lastReviewDate name/45 "
     "note outcome/4 publisher purpose/5 relatedArtifact reviewer shortTitle/4 statistic/35 "
     "status! studyDesign/5 studyType/3 subtitle/4 synthesisType/35 title topic/4 url "
     "useContext variableDefinition!/35 version versionAlgorithm*/5 "},
    {"EvidenceReport", "35",
     "author citeAs* contact editor endorser identifier note publisher relatedArtifact "
     "relatedIdentifier relatesTo reviewer section status! subject! type url useContext "},
    {"EvidenceVariable", "435",
     "actual/35 approvalDate/45 author category/35 characteristic/35 characteristic!/4 "
     "characteristicCombination/3 contact copyright/45 copyrightLabel/5 date description editor "
     "effectivePeriod/45 endorser experimental/5 handling/35 identifier jurisdiction/4 "
     "lastReviewDate/45 name note publisher purpose/5 relatedArtifact reviewer shortTitle "
     "status! subtitle/43 title topic/4 type/4 url useContext version versionAlgorithm*/5 "},
    {"ExampleScenario", "435",
     "actor contact copyright copyrightLabel/5 date description/5 experimental identifier "
     "instance jurisdiction name process publisher purpose status! title/5 url useContext "
     "version versionAlgorithm*/5 workflow/43 "},
    {"ExplanationOfBenefit", "435",
     "accident addItem adjudication benefitBalance benefitPeriod billablePeriod careTeam claim "
     "claimResponse created! decision/5 diagnosis diagnosisRelatedGroup/5 disposition "
     "encounter/5 enterer event/5 facility form formCode fundsReserve fundsReserveRequested "
     "identifier insurance/5 insurance!/43 insurer/5 insurer!/43 item originalPrescription "
     "outcome! patient! patientPaid/5 payee payment preAuthRef preAuthRefPeriod precedence "
     "prescription priority procedure processNote provider/5 provider!/43 referral related "
     "status! subType supportingInfo total traceNumber/5 type! use! "},
    {"FamilyMemberHistory", "435",
     "age* born* condition dataAbsentReason date deceased* estimatedAge identifier "
     "instantiatesCanonical instantiatesUri name note participant/5 patient! procedure/5 "
     "reason/5 reasonCode/43 reasonReference/43 relationship! sex status! "},
    {"Flag", "435",
     "author category code! encounter identifier period status! subject! "},
    {"FormularyItem", "5",
     "code identifier status "},
    {"GenomicStudy", "5",
     "analysis basedOn description encounter identifier instantiatesCanonical instantiatesUri "
     "interpreter note reason referrer startDate status! subject! type "},
    {"Goal", "435",
     "achievementStatus addresses category continuous/5 description! expressedBy/43 identifier "
     "lifecycleStatus! note outcome/5 outcomeCode/43 outcomeReference/43 priority source/5 "
     "start* statusDate statusReason subject! target "},
    {"GraphDefinition", "435",
     "contact copyright/5 copyrightLabel/5 date description experimental identifier/5 "
     "jurisdiction link name! node/5 profile/43 publisher purpose start/5 start!/43 status! "
     "title/5 url useContext version versionAlgorithm*/5 "},
    {"Group", "435",
     "active actual!/43 characteristic code description/5 identifier managingEntity member "
     "membership!/5 name quantity type! "},
    {"GuidanceResponse", "435",
     "dataRequirement encounter evaluationMessage identifier module!* note occurrenceDateTime "
     "outputParameters performer reason/5 reasonCode/43 reasonReference/43 requestIdentifier "
     "result status! subject "},
    {"HealthcareService", "435",
     "active appointmentRequired availability/5 availabilityExceptions/43 availableTime/43 "
     "category characteristic comment communication contact/5 coverageArea eligibility endpoint "
     "extraDetails identifier location name notAvailable/43 offeredIn/5 photo program "
     "providedBy referralMethod serviceProvisionCode specialty telecom/43 type "},
    {"ImagingSelection", "5",
     "basedOn bodySite category code! derivedFrom endpoint focus frameOfReferenceUid identifier "
     "instance issued performer seriesNumber seriesUid status! studyUid subject "},
    {"ImagingStudy", "435",
     "basedOn description encounter endpoint identifier interpreter/43 location modality note "
     "numberOfInstances numberOfSeries partOf/5 procedure/5 procedureCode/43 "
     "procedureReference/43 reason/5 reasonCode/43 reasonReference/43 referrer series started "
     "status! subject! "},
    {"Immunization", "435",
     "administeredProduct/5 basedOn/5 doseQuantity education/43 encounter expirationDate "
     "fundingSource identifier informationSource/5 isSubpotent location lotNumber manufacturer "
     "note occurrence!* patient! performer primarySource programEligibility protocolApplied "
     "reaction reason/5 reasonCode/43 reasonReference/43 recorded/43 reportOrigin/43 route site "
     "status! statusReason subpotentReason supportingInformation/5 vaccineCode! "},
    {"ImmunizationEvaluation", "435",
     "authority date description doseNumber/5 doseNumber*/43 doseStatus! doseStatusReason "
     "identifier immunizationEvent! patient! series seriesDoses/5 seriesDoses*/43 status! "
     "targetDisease! "},
    {"ImmunizationRecommendation", "435",
     "authority date! identifier patient! recommendation! "},
    {"ImplementationGuide", "435",
     "contact copyright copyrightLabel/5 date definition dependsOn description experimental "
     "fhirVersion! global identifier/5 jurisdiction license manifest name! packageId! publisher "
     "purpose/5 status! title url! useContext version versionAlgorithm*/5 "},
    {"Ingredient", "35",
     "allergenicIndicator comment/5 for function group/5 identifier manufacturer role! status! "
     "substance! "},
    {"InsurancePlan", "435",
     "administeredBy alias contact coverage coverageArea endpoint identifier name network "
     "ownedBy period plan status type "},
    {"InventoryItem", "5",
     "association baseUnit category characteristic code description identifier instance "
     "inventoryStatus name netContent productReference responsibleOrganization status! "},
    {"InventoryReport", "5",
     "countType! identifier inventoryListing note operationType operationTypeReason "
     "reportedDateTime! reporter reportingPeriod status! "},
    {"Invoice", "435",
     "account cancelledReason creation/5 date identifier issuer lineItem note participant "
     "paymentTerms period*/5 recipient status! subject totalGross totalNet totalPriceComponent "
     "type "},
    {"Library", "435",
     "approvalDate author contact content copyright copyrightLabel/5 dataRequirement date "
     "description editor effectivePeriod endorser experimental identifier jurisdiction "
     "lastReviewDate name parameter publisher purpose relatedArtifact reviewer status! subject* "
     "subtitle title topic type! url usage useContext version versionAlgorithm*/5 "},
    {"Linkage", "435",
     "active author item! "},
    {"List", "435",
     "code date emptyReason encounter entry identifier mode! note orderedBy source status! "
     "subject title "},
    {"Location", "435",
     "address alias availabilityExceptions/43 characteristic/5 contact/5 description endpoint "
     "form/5 hoursOfOperation identifier managingOrganization mode name operationalStatus "
     "partOf physicalType/43 position status telecom/43 type virtualService/5 "},
    {"ManufacturedItemDefinition", "35",
     "component/5 identifier ingredient manufacturedDoseForm! manufacturer marketingStatus/5 "
     "name/5 property status! unitOfPresentation "},
    {"Measure", "435",
     "approvalDate author basis/5 clinicalRecommendationStatement compositeScoring contact "
     "copyright copyrightLabel/5 date definition/43 description disclaimer editor "
     "effectivePeriod endorser experimental group guidance identifier improvementNotation "
     "jurisdiction lastReviewDate library name publisher purpose rateAggregation rationale "
     "relatedArtifact reviewer riskAdjustment scoring scoringUnit/5 status! subject* subtitle "
     "supplementalData term/5 title topic type url usage useContext version versionAlgorithm*/5 "},
    {"MeasureReport", "435",
     "dataUpdateType/5 date evaluatedResource group identifier improvementNotation "
     "inputParameters/5 location/5 measure/5 measure!/43 period! reporter reportingVendor/5 "
     "scoring/5 status! subject supplementalData/5 type! "},
    {"Media", "43",
     "basedOn bodySite content! created* device deviceName duration encounter frames height "
     "identifier issued modality note operator partOf reasonCode status! subject type view "
     "width "},
    {"Medication", "435",
     "amount/43 batch code definition/5 doseForm/5 form/43 identifier ingredient "
     "manufacturer/43 marketingAuthorizationHolder/5 status totalVolume/5 "},
    {"MedicationAdministration", "435",
     "basedOn/5 category context/43 device dosage effective!*/43 encounter/5 eventHistory "
     "identifier instantiates/43 isSubPotent/5 medication!/5 medication!*/43 note occurence!*/5 "
     "partOf performer reason/5 reasonCode/43 reasonReference/43 recorded/5 request status! "
     "statusReason subPotentReason/5 subject! supportingInformation "},
    {"MedicationDispense", "435",
     "authorizingPrescription basedOn/5 category context/43 daysSupply destination "
     "detectedIssue/43 dosageInstruction encounter/5 eventHistory identifier location "
     "medication!/5 medication!*/43 notPerformedReason/5 note partOf performer quantity "
     "receiver recorded/5 renderedDosageInstruction/5 status! statusChanged/5 statusReason*/43 "
     "subject/43 subject!/5 substitution supportingInformation type whenHandedOver whenPrepared "},
    {"MedicationKnowledge", "435",
     "administrationGuidelines/43 amount/43 associatedMedication author/5 clinicalUseIssue/5 "
     "code contraindication/43 cost definitional/5 doseForm/43 drugCharacteristic/43 "
     "identifier/5 indicationGuideline/5 ingredient/43 intendedJurisdiction/5 intendedRoute/43 "
     "kinetics/43 manufacturer/43 medicineClassification monitoringProgram monograph name/5 "
     "packaging preparationInstruction productType regulatory relatedMedicationKnowledge status "
     "storageGuideline/5 synonym/43 "},
    {"MedicationRequest", "435",
     "authoredOn basedOn category courseOfTherapyType detectedIssue/43 device/5 dispenseRequest "
     "doNotPerform dosageInstruction effectiveDosePeriod/5 encounter eventHistory "
     "groupIdentifier identifier informationSource/5 instantiatesCanonical/43 "
     "instantiatesUri/43 insurance intent! medication!/5 medication!*/43 note performer "
     "performerType priorPrescription priority reason/5 reasonCode/43 reasonReference/43 "
     "recorder renderedDosageInstruction/5 reported/5 reported*/43 requester status! "
     "statusChanged/5 statusReason subject! substitution supportingInformation "},
    {"MedicationStatement", "435",
     "adherence/5 basedOn/43 category context/43 dateAsserted derivedFrom dosage effective* "
     "encounter/5 identifier informationSource medication!/5 medication!*/43 note partOf "
     "reason/5 reasonCode/43 reasonReference/43 relatedClinicalInformation/5 "
     "renderedDosageInstruction/5 status! statusReason/43 subject! "},
    {"MedicinalProduct", "4",
     "additionalMonitoringIndicator attachedDocument clinicalTrial "
     "combinedPharmaceuticalDoseForm contact crossReference domain identifier "
     "legalStatusOfSupply manufacturingBusinessOperation marketingStatus masterFile name! "
     "packagedMedicinalProduct paediatricUseIndicator pharmaceuticalProduct "
     "productClassification specialDesignation specialMeasures type "},
    {"MedicinalProductAuthorization", "4",
     "country dataExclusivityPeriod dateOfFirstAuthorization holder identifier "
     "internationalBirthDate jurisdiction jurisdictionalAuthorization legalBasis procedure "
     "regulator restoreDate status statusDate subject validityPeriod "},
    {"MedicinalProductContraindication", "4",
     "comorbidity disease diseaseStatus otherTherapy population subject therapeuticIndication "},
    {"MedicinalProductDefinition", "35",
     "additionalMonitoringIndicator attachedDocument characteristic classification "
     "clinicalTrial code combinedPharmaceuticalDoseForm comprisedOf/5 contact crossReference "
     "description domain identifier impurity indication ingredient legalStatusOfSupply "
     "marketingStatus masterFile name! operation packagedMedicinalProduct pediatricUseIndicator "
     "route specialMeasures status statusDate type version "},
    {"MedicinalProductIndication", "4",
     "comorbidity diseaseStatus diseaseSymptomProcedure duration intendedEffect otherTherapy "
     "population subject undesirableEffect "},
    {"MedicinalProductIngredient", "4",
     "allergenicIndicator identifier manufacturer role! specifiedSubstance substance "},
    {"MedicinalProductInteraction", "4",
     "description effect incidence interactant management subject type "},
    {"MedicinalProductManufactured", "4",
     "ingredient manufacturedDoseForm! manufacturer otherCharacteristics "
     "physicalCharacteristics quantity! unitOfPresentation "},
    {"MedicinalProductPackaged", "4",
     "batchIdentifier description identifier legalStatusOfSupply manufacturer "
     "marketingAuthorization marketingStatus packageItem! subject "},
    {"MedicinalProductPharmaceutical", "4",
     "administrableDoseForm! characteristics device identifier ingredient "
     "routeOfAdministration! unitOfPresentation "},
    {"MedicinalProductUndesirableEffect", "4",
     "classification frequencyOfOccurrence population subject symptomConditionEffect "},
    {"MessageDefinition", "435",
     "allowedResponse base category contact copyright copyrightLabel/5 date! description "
     "event!* experimental focus graph identifier jurisdiction name parent publisher purpose "
     "replaces responseRequired status! title url useContext version versionAlgorithm*/5 "},
    {"MessageHeader", "435",
     "author definition destination enterer/43 event!* focus reason response responsible sender "
     "source! "},
    {"MolecularSequence", "435",
     "coordinateSystem!/43 device focus/5 formatted/5 identifier literal/5 observedSeq/43 "
     "patient/43 performer pointer/43 quality/43 quantity/43 readCoverage/43 referenceSeq/43 "
     "relative/5 repository/43 specimen structureVariant/43 subject/5 type variant/43 "},
    {"NamingSystem", "435",
     "approvalDate/5 author/5 contact copyright/5 copyrightLabel/5 date! description editor/5 "
     "effectivePeriod/5 endorser/5 experimental/5 identifier/5 jurisdiction kind! "
     "lastReviewDate/5 name! publisher purpose/5 relatedArtifact/5 responsible reviewer/5 "
     "status! title/5 topic/5 type uniqueId! url/5 usage useContext version/5 "
     "versionAlgorithm*/5 "},
    {"NutritionIntake", "5",
     "basedOn code consumedItem! derivedFrom encounter identifier ingredientLabel "
     "instantiatesCanonical instantiatesUri location note occurrence* partOf performer reason "
     "recorded reported* status! statusReason subject! "},
    {"NutritionOrder", "435",
     "allergyIntolerance basedOn/5 dateTime! encounter enteralFormula excludeFoodModifier "
     "foodPreferenceModifier groupIdentifier/5 identifier instantiates instantiatesCanonical "
     "instantiatesUri intent! note oralDiet orderer outsideFoodAllowed/5 patient!/43 "
     "performer/5 priority/5 status! subject!/5 supplement supportingInformation/5 "},
    {"NutritionProduct", "35",
     "category characteristic/5 code ingredient instance knownAllergen manufacturer note "
     "nutrient productCharacteristic/3 status! "},
    {"Observation", "435",
     "basedOn bodySite bodyStructure/5 category code! component dataAbsentReason derivedFrom "
     "device effective* encounter focus hasMember identifier instantiates*/5 interpretation "
     "issued method note partOf performer referenceRange specimen status! subject triggeredBy/5 "
     "value* "},
    {"ObservationDefinition", "435",
     "abnormalCodedValueSet/43 approvalDate/5 bodySite/5 category code! component/5 contact/5 "
     "copyright/5 copyrightLabel/5 criticalCodedValueSet/43 date/5 derivedFromCanonical/5 "
     "derivedFromUri/5 description/5 device/5 effectivePeriod/5 experimental/5 hasMember/5 "
     "identifier jurisdiction/5 lastReviewDate/5 method multipleResultsAllowed name/5 "
     "normalCodedValueSet/43 performerType/5 permittedDataType permittedUnit/5 "
     "preferredReportName publisher/5 purpose/5 qualifiedInterval/43 qualifiedValue/5 "
     "quantitativeDetails/43 specimen/5 status!/5 subject/5 title/5 url/5 useContext/5 "
     "validCodedValueSet/43 version/5 versionAlgorithm*/5 "},
    {"OperationDefinition", "435",
     "affectsState base code! comment contact copyright/5 copyrightLabel/5 date description "
     "experimental identifier/5 inputProfile instance! jurisdiction kind! name! outputProfile "
     "overload parameter publisher purpose resource status! system! title type! url useContext "
     "version versionAlgorithm*/5 "},
    {"OperationOutcome", "435",
     "issue! "},
    {"Organization", "435",
     "active address/43 alias contact description/5 endpoint identifier name partOf "
     "qualification/5 telecom/43 type "},
    {"OrganizationAffiliation", "435",
     "active code contact/5 endpoint healthcareService identifier location network organization "
     "participatingOrganization period specialty telecom/43 "},
    {"PackagedProductDefinition", "35",
     "attachedDocument/5 characteristic containedItemQuantity copackagedIndicator description "
     "identifier legalStatusOfSupply manufacturer marketingStatus name package/3 packageFor "
     "packaging/5 status statusDate type "},
    {"Parameters", "435",
     "parameter "},
    {"Patient", "435",
     "active address birthDate communication contact deceased* gender generalPractitioner "
     "identifier link managingOrganization maritalStatus multipleBirth* name photo telecom "},
    {"PaymentNotice", "435",
     "amount! created! identifier payee payment/5 payment!/43 paymentDate paymentStatus "
     "provider/43 recipient! reporter/5 request response status! "},
    {"PaymentReconciliation", "435",
     "accountNumber/5 allocation/5 amount!/5 authorization/5 cardBrand/5 created! date!/5 "
     "detail/43 disposition enterer/5 expirationDate/5 formCode identifier issuerType/5 kind/5 "
     "location/5 method/5 outcome paymentAmount!/43 paymentDate!/43 paymentIdentifier "
     "paymentIssuer period processNote processor/5 referenceNumber/5 request requestor "
     "returnedAmount/5 status! tenderedAmount/5 type!/5 "},
    {"Permission", "5",
     "asserter combining! date justification rule status! validity "},
    {"Person", "435",
     "active address birthDate communication/5 deceased*/5 gender identifier link "
     "managingOrganization maritalStatus/5 name photo telecom "},
    {"PlanDefinition", "435",
     "action actor/5 approvalDate asNeeded*/5 author contact copyright copyrightLabel/5 date "
     "description editor effectivePeriod endorser experimental goal identifier jurisdiction "
     "lastReviewDate library name publisher purpose relatedArtifact reviewer status! subject* "
     "subtitle title topic type url usage useContext version versionAlgorithm*/5 "},
    {"Practitioner", "435",
     "active address birthDate communication deceased*/5 gender identifier name photo "
     "qualification telecom "},
    {"PractitionerRole", "435",
     "active availability/5 availabilityExceptions/43 availableTime/43 characteristic/5 code "
     "communication/5 contact/5 endpoint healthcareService identifier location notAvailable/43 "
     "organization period practitioner specialty telecom/43 "},
    {"Procedure", "435",
     "asserter/43 basedOn bodySite category code complication complicationDetail/43 encounter "
     "focalDevice focus/5 followUp identifier instantiatesCanonical instantiatesUri location "
     "note occurrence*/5 outcome partOf performed*/43 performer reason/5 reasonCode/43 "
     "reasonReference/43 recorded/5 recorder report reported*/5 status! statusReason subject! "
     "supportingInfo/5 used/5 usedCode/43 usedReference/43 "},
    {"Provenance", "435",
     "activity agent! authorization/5 basedOn/5 encounter/5 entity location occurred* patient/5 "
     "policy reason/43 recorded/5 recorded!/43 signature target! "},
    {"Questionnaire", "435",
     "approvalDate code contact copyright copyrightLabel/5 date derivedFrom description "
     "effectivePeriod experimental identifier item jurisdiction lastReviewDate name publisher "
     "purpose status! subjectType title url useContext version versionAlgorithm*/5 "},
    {"QuestionnaireResponse", "435",
     "author authored basedOn encounter identifier item partOf questionnaire/43 "
     "questionnaire!/5 source status! subject "},
    {"RegulatedAuthorization", "35",
     "attachedDocument/5 basis case description holder identifier indication intendedUse region "
     "regulator status statusDate subject type validityPeriod "},
    {"RelatedPerson", "435",
     "active address birthDate communication gender identifier name patient! period photo "
     "relationship telecom "},
    {"RequestGroup", "43",
     "action author authoredOn basedOn code encounter groupIdentifier identifier "
     "instantiatesCanonical instantiatesUri intent! note priority reasonCode reasonReference "
     "replaces status! subject "},
    {"RequestOrchestration", "5",
     "action author authoredOn basedOn code encounter goal groupIdentifier identifier "
     "instantiatesCanonical instantiatesUri intent! note priority reason replaces status! "
     "subject "},
    {"Requirements", "5",
     "actor contact copyright copyrightLabel date derivedFrom description experimental "
     "identifier jurisdiction name publisher purpose reference statement status! title url "
     "useContext version versionAlgorithm* "},
    {"ResearchDefinition", "43",
     "approvalDate author comment contact copyright date description editor effectivePeriod "
     "endorser experimental exposure exposureAlternative identifier jurisdiction lastReviewDate "
     "library name outcome population! publisher purpose relatedArtifact reviewer shortTitle "
     "status! subject* subtitle title topic url usage useContext version "},
    {"ResearchElementDefinition", "43",
     "approvalDate author characteristic! comment contact copyright date description editor "
     "effectivePeriod endorser experimental identifier jurisdiction lastReviewDate library name "
     "publisher purpose relatedArtifact reviewer shortTitle status! subject* subtitle title "
     "topic type! url usage useContext variableType version "},
    {"ResearchStudy", "435",
     "arm/43 associatedParty/5 category/43 classifier/5 comparisonGroup/5 condition contact/43 "
     "date/5 description descriptionSummary/5 enrollment/43 focus identifier keyword label/5 "
     "location/43 name/5 note objective outcomeMeasure/5 partOf period phase primaryPurposeType "
     "principalInvestigator/43 progressStatus/5 protocol reasonStopped/43 recruitment/5 "
     "region/5 relatedArtifact result/5 site sponsor/43 status! studyDesign/5 title url/5 "
     "version/5 whyStopped/5 "},
    {"ResearchSubject", "435",
     "actualArm/43 actualComparisonGroup/5 assignedArm/43 assignedComparisonGroup/5 consent "
     "identifier individual!/43 period progress/5 status! study! subject!/5 "},
    {"RiskAssessment", "435",
     "basedOn basis code condition encounter identifier method mitigation note occurrence* "
     "parent performer prediction reason/5 reasonCode/43 reasonReference/43 status! subject! "},
    {"RiskEvidenceSynthesis", "4",
     "approvalDate author certainty contact copyright date description editor effectivePeriod "
     "endorser exposure identifier jurisdiction lastReviewDate name note outcome! population! "
     "publisher relatedArtifact reviewer riskEstimate sampleSize status! studyType "
     "synthesisType title topic url useContext version "},
    {"Schedule", "435",
     "active actor! comment identifier name/5 planningHorizon serviceCategory serviceType "
     "specialty "},
    {"SearchParameter", "435",
     "base! chain code! comparator component constraint/5 contact copyright/5 copyrightLabel/5 "
     "date derivedFrom description! experimental expression identifier/5 jurisdiction modifier "
     "multipleAnd multipleOr name! processingMode/5 publisher purpose status! target title/5 "
     "type! url! useContext version versionAlgorithm*/5 xpath/43 xpathUsage/43 "},
    {"ServiceRequest", "435",
     "asNeeded* authoredOn basedOn bodySite bodyStructure/5 category code doNotPerform "
     "encounter focus/5 identifier instantiatesCanonical instantiatesUri insurance intent! "
     "location/5 locationCode/43 locationReference/43 note occurrence* orderDetail "
     "patientInstruction performer performerType priority quantity* reason/5 reasonCode/43 "
     "reasonReference/43 relevantHistory replaces requester requisition specimen status! "
     "subject! supportingInfo "},
    {"Slot", "435",
     "appointmentType comment end! identifier overbooked schedule! serviceCategory serviceType "
     "specialty start! status! "},
    {"Specimen", "435",
     "accessionIdentifier collection combined/5 condition container feature/5 identifier note "
     "parent processing receivedTime request role/5 status subject type "},
    {"SpecimenDefinition", "435",
     "approvalDate/5 collection contact/5 copyright/5 copyrightLabel/5 date/5 "
     "derivedFromCanonical/5 derivedFromUri/5 description/5 effectivePeriod/5 experimental/5 "
     "identifier jurisdiction/5 lastReviewDate/5 name/5 patientPreparation publisher/5 "
     "purpose/5 status!/5 subject*/5 timeAspect title/5 typeCollected typeTested url/5 "
     "useContext/5 version/5 versionAlgorithm*/5 "},
    {"StructureDefinition", "435",
     "abstract! baseDefinition contact context contextInvariant copyright copyrightLabel/5 date "
     "derivation description differential experimental fhirVersion identifier jurisdiction "
     "keyword kind! mapping name! publisher purpose snapshot status! title type! url! "
     "useContext version versionAlgorithm*/5 "},
    {"StructureMap", "435",
     "const/5 contact copyright copyrightLabel/5 date description experimental group! "
     "identifier import jurisdiction name! publisher purpose status! structure title url! "
     "useContext version versionAlgorithm*/5 "},
    {"Subscription", "435",
     "channel!/43 channelType!/5 contact content/5 contentType/5 criteria!/43 end endpoint/5 "
     "error/43 filterBy/5 heartbeatPeriod/5 identifier/5 managingEntity/5 maxCount/5 name/5 "
     "parameter/5 reason/5 reason!/43 status! timeout/5 topic!/5 "},
    {"SubscriptionStatus", "35",
     "error eventsInNotification/3 eventsSinceSubscriptionStart notificationEvent status "
     "subscription! topic type! "},
    {"SubscriptionTopic", "35",
     "approvalDate canFilterBy contact copyright copyrightLabel/5 date derivedFrom description "
     "effectivePeriod eventTrigger experimental identifier jurisdiction lastReviewDate name/5 "
     "notificationShape publisher purpose resourceTrigger status! title url! useContext version "
     "versionAlgorithm*/5 "},
    {"Substance", "435",
     "category code! description expiry/5 identifier ingredient instance/43 instance!/5 "
     "quantity/5 status "},
    {"SubstanceDefinition", "35",
     "characterization/5 classification code description domain grade identifier "
     "informationSource manufacturer moiety molecularWeight name note nucleicAcid/5 polymer/5 "
     "property protein/5 referenceInformation/5 relationship sourceMaterial status structure "
     "supplier version "},
    {"SubstanceNucleicAcid", "45",
     "areaOfHybridisation numberOfSubunits oligoNucleotideType sequenceType subunit "},
    {"SubstancePolymer", "45",
     "class copolymerConnectivity geometry identifier/5 modification monomerSet repeat "},
    {"SubstanceProtein", "45",
     "disulfideLinkage numberOfSubunits sequenceType subunit "},
    {"SubstanceReferenceInformation", "45",
     "classification/4 comment gene geneElement target "},
    {"SubstanceSourceMaterial", "45",
     "countryOfOrigin developmentStage fractionDescription geographicalLocation organism "
     "organismId organismName parentSubstanceId parentSubstanceName partDescription "
     "sourceMaterialClass sourceMaterialState sourceMaterialType "},
    {"SubstanceSpecification", "4",
     "code comment description domain identifier moiety molecularWeight name nucleicAcid "
     "polymer property protein referenceInformation relationship source sourceMaterial status "
     "structure type "},
    {"SupplyDelivery", "435",
     "basedOn destination identifier occurrence* partOf patient receiver status suppliedItem "
     "supplier type "},
    {"SupplyRequest", "435",
     "authoredOn basedOn/5 category deliverFor/5 deliverFrom deliverTo identifier item!/5 "
     "item!*/43 occurrence* parameter priority quantity! reason/5 reasonCode/43 "
     "reasonReference/43 requester status supplier "},
    {"Task", "435",
     "authoredOn basedOn businessStatus code description doNotPerform/5 encounter "
     "executionPeriod focus for groupIdentifier identifier input instantiatesCanonical "
     "instantiatesUri insurance intent! lastModified location note output owner partOf "
     "performer/5 performerType/43 priority reason/5 reasonCode/43 reasonReference/43 "
     "relevantHistory requestedPerformer/5 requestedPeriod/5 requester restriction status! "
     "statusReason "},
    {"TerminologyCapabilities", "435",
     "closure codeSearch codeSystem contact copyright copyrightLabel/5 date! description "
     "expansion experimental identifier/5 implementation jurisdiction kind! lockedDate name "
     "publisher purpose software status! title translation url useContext validateCode version "
     "versionAlgorithm*/5 "},
    {"TestPlan", "5",
     "category contact copyright copyrightLabel date dependency description exitCriteria "
     "experimental identifier jurisdiction name publisher purpose scope status! testCase "
     "testTools title url useContext version versionAlgorithm* "},
    {"TestReport", "435",
     "identifier issued name participant result! score setup status! teardown test testScript! "
     "tester "},
    {"TestScript", "435",
     "contact copyright copyrightLabel/5 date description destination experimental fixture "
     "identifier jurisdiction metadata name! origin profile publisher purpose scope/5 setup "
     "status! teardown test title url/5 url!/43 useContext variable version versionAlgorithm*/5 "},
    {"Transport", "5",
     "authoredOn basedOn code completionTime currentLocation! description encounter focus for "
     "groupIdentifier history identifier input instantiatesCanonical instantiatesUri insurance "
     "intent! lastModified location note output owner partOf performerType priority reason "
     "relevantHistory requestedLocation! requester restriction status statusReason "},
    {"ValueSet", "435",
     "approvalDate/5 author/5 compose contact copyright copyrightLabel/5 date description "
     "editor/5 effectivePeriod/5 endorser/5 expansion experimental identifier immutable "
     "jurisdiction lastReviewDate/5 name publisher purpose relatedArtifact/5 reviewer/5 scope/5 "
     "status! title topic/5 url useContext version versionAlgorithm*/5 "},
    {"VerificationResult", "435",
     "attestation failureAction frequency lastPerformed need nextScheduled primarySource "
     "status! statusDate target targetLocation validationProcess validationType validator "},
    {"VisionPrescription", "435",
     "created! dateWritten! encounter identifier lensSpecification! patient! prescriber! "
     "status! "},
};

const size_t fhx__element_count = sizeof fhx__element_table / sizeof fhx__element_table[0];
