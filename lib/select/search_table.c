/* The search parameters of FHIR. Written by lib/facts/tables.py from
   lib/facts/types.tsv, search.tsv and elements.tsv; change it there. */
#include "select/search_table.h"

const fhx__search_row fhx__search_table[] = {
    {"Account", 7,
     "guarantor=r4guarantor.party identifier=t7identifier name=s7name owner=r7owner "
     "patient=r7subject@Patient period=d7servicePeriod relatedaccount=r4relatedAccount.account "
     "status=t7status subject=r7subject type=t7type "},
    {"ActivityDefinition", 7, ""},
    {"ActorDefinition", 4, ""},
    {"AdministrableProductDefinition", 6, ""},
    {"AdverseEvent", 7,
     "actuality=t7actuality category=t7category code=t4code date=d3date "
     "date=d4occurrenceDateTime|occurrencePeriod|occurrenceTiming event=t3event "
     "identifier=t4identifier location=r7location patient=r4subject@Patient "
     "recorder=r7recorder resultingcondition=r3resultingCondition "
     "resultingeffect=r4resultingEffect seriousness=t7seriousness severity=t3severity "
     "status=t4status study=r7study subject=r7subject substance=r3suspectEntity.instance "
     "substance=r4suspectEntity.instanceReference "},
    {"AllergyIntolerance", 7,
     "asserter=r3asserter category=t7category clinical-status=t7clinicalStatus "
     "code=t7code|reaction.substance criticality=t7criticality date=d7recordedDate "
     "identifier=t7identifier last-date=d7lastOccurrence "
     "manifestation=t3reaction.manifestation "
     "manifestation-code=t4reaction.manifestation.concept "
     "manifestation-reference=r4reaction.manifestation.reference onset=d3reaction.onset "
     "participant=r4participant.actor patient=r7patient recorder=r3recorder "
     "route=t7reaction.exposureRoute severity=t7reaction.severity type=t7type "
     "verification-status=t7verificationStatus "},
    {"Appointment", 7,
     "actor=r7participant.actor appointment-type=t7appointmentType based-on=r7basedOn "
     "date=d3start date=x4 group=r4participant.actor@Group|subject@Group "
     "identifier=t7identifier location=r7participant.actor@Location "
     "part-status=t7participant.status patient=r3participant.actor@Patient "
     "patient=r4participant.actor@Patient|subject@Patient "
     "practitioner=r7participant.actor@Practitioner reason-code=t4reason.concept "
     "reason-code=t3reasonCode reason-reference=r4reason.reference "
     "reason-reference=r3reasonReference requested-period=d4requestedPeriod "
     "service-category=t7serviceCategory service-type=t3serviceType "
     "service-type=t4serviceType.concept service-type-reference=r4serviceType.reference "
     "slot=r7slot specialty=t7specialty status=t7status subject=r4subject "
     "supporting-info=r7supportingInformation "},
    {"AppointmentResponse", 7,
     "actor=r7actor appointment=r7appointment group=r4actor@Group identifier=t7identifier "
     "location=r7actor@Location part-status=t7participantStatus patient=r7actor@Patient "
     "practitioner=r7actor@Practitioner "},
    {"ArtifactAssessment", 4, ""},
    {"AuditEvent", 7,
     "action=t7action address=s3agent.network.address agent=r7agent.who "
     "agent-name=s3agent.name agent-role=t7agent.role altid=t3agent.altId based-on=r4basedOn "
     "category=t4category code=t4code date=d7recorded encounter=r4encounter "
     "entity=r7entity.what entity-name=s3entity.name entity-role=t7entity.role "
     "entity-type=t3entity.type outcome=t3outcome outcome=t4outcome.code "
     "patient=r3agent.who@Patient|entity.what@Patient patient=r4patient policy=u7agent.policy "
     "purpose=t4authorization|agent.authorization site=t3source.site source=r7source.observer "
     "subtype=t3subtype type=t3type "},
    {"Basic", 7,
     "author=r7author code=t7code created=d7created identifier=t7identifier "
     "patient=r7subject@Patient subject=r7subject "},
    {"Binary", 7, ""},
    {"BiologicallyDerivedProduct", 7, ""},
    {"BiologicallyDerivedProductDispense", 4,
     "identifier=t4identifier patient=r4patient performer=r4performer.actor product=r4product "
     "status=t4status "},
    {"BodyStructure", 7,
     "excluded_structure=t4excludedStructure.structure identifier=t7identifier "
     "included_structure=t4includedStructure.structure location=t3location "
     "morphology=t7morphology patient=r7patient "},
    {"Bundle", 7, ""},
    {"CapabilityStatement", 7, ""},
    {"CarePlan", 7,
     "activity-code=t3activity.detail.code "
     "activity-date=d3activity.detail.scheduledTiming|activity.detail.scheduledPeriod "
     "activity-reference=r4activity.plannedActivityReference "
     "activity-reference=r3activity.reference based-on=r7basedOn care-team=r7careTeam "
     "category=t7category condition=r3addresses condition=r4addresses.reference "
     "custodian=r4custodian date=d7period encounter=r7encounter goal=r7goal "
     "identifier=t7identifier instantiates-canonical=r7instantiatesCanonical "
     "instantiates-uri=u7instantiatesUri intent=t7intent part-of=r7partOf "
     "patient=r7subject@Patient performer=r3activity.detail.performer replaces=r7replaces "
     "status=t7status subject=r7subject "},
    {"CareTeam", 7,
     "category=t7category date=d3period date=x4 encounter=r3encounter identifier=t7identifier "
     "name=x4 participant=r7participant.member patient=r7subject@Patient status=t7status "
     "subject=r7subject "},
    {"CatalogEntry", 3, ""},
    {"ChargeItem", 7,
     "account=r7account code=t7code context=r3context encounter=r4encounter "
     "entered-date=d7enteredDate enterer=r7enterer factor-override=n3factorOverride "
     "factor-override=n4totalPriceComponent.factor identifier=t7identifier "
     "occurrence=d7occurrenceDateTime|occurrencePeriod|occurrenceTiming "
     "patient=r7subject@Patient performer-actor=r7performer.actor "
     "performer-function=t7performer.function performing-organization=r7performingOrganization "
     "price-override=q3priceOverride price-override=q4totalPriceComponent.amount "
     "quantity=q7quantity requesting-organization=r7requestingOrganization service=r3service "
     "service=r4service.reference status=t4status subject=r7subject "},
    {"ChargeItemDefinition", 7, ""},
    {"Citation", 6, ""},
    {"Claim", 7,
     "care-team=r7careTeam.provider created=d7created detail-udi=r7item.detail.udi "
     "encounter=r7item.encounter enterer=r7enterer facility=r7facility identifier=t7identifier "
     "insurer=r7insurer item-udi=r7item.udi patient=r7patient payee=r7payee.party "
     "priority=t7priority procedure-udi=r7procedure.udi provider=r7provider status=t7status "
     "subdetail-udi=r7item.detail.subDetail.udi use=t7use "},
    {"ClaimResponse", 7,
     "created=d7created disposition=s7disposition identifier=t7identifier insurer=r7insurer "
     "outcome=t7outcome patient=r7patient payment-date=d7payment.date request=r7request "
     "requestor=r7requestor status=t7status use=t7use "},
    {"ClinicalImpression", 7,
     "assessor=r3assessor date=d7date encounter=r7encounter "
     "finding-code=t4finding.item.concept finding-code=t3finding.itemCodeableConcept "
     "finding-ref=r4finding.item.reference finding-ref=r3finding.itemReference "
     "identifier=t7identifier investigation=r3investigation.item patient=r7subject@Patient "
     "performer=r4performer previous=r7previous problem=r7problem status=t7status "
     "subject=r7subject supporting-info=r7supportingInfo "},
    {"ClinicalUseDefinition", 6, ""},
    {"CodeSystem", 7, ""},
    {"Communication", 7,
     "based-on=r7basedOn category=t7category encounter=r7encounter identifier=t7identifier "
     "instantiates-canonical=r7instantiatesCanonical instantiates-uri=u7instantiatesUri "
     "medium=t7medium part-of=r7partOf patient=r7subject@Patient received=d7received "
     "recipient=r7recipient sender=r7sender sent=d7sent status=t7status subject=r7subject "
     "topic=t4topic "},
    {"CommunicationRequest", 7,
     "authored=d7authoredOn based-on=r7basedOn category=t7category encounter=r7encounter "
     "group-identifier=t7groupIdentifier identifier=t7identifier "
     "information-provider=r4informationProvider medium=t7medium "
     "occurrence=d3occurrenceDateTime occurrence=d4occurrenceDateTime|occurrencePeriod "
     "patient=r7subject@Patient priority=t7priority recipient=r7recipient replaces=r7replaces "
     "requester=r7requester sender=r3sender status=t7status subject=r7subject "},
    {"CompartmentDefinition", 7, ""},
    {"Composition", 7,
     "attester=r7attester.party author=r7author category=t7category "
     "confidentiality=t3confidentiality context=t3event.code date=d7date encounter=r7encounter "
     "entry=r7section.entry event-code=t4event.detail.concept "
     "event-reference=r4event.detail.reference identifier=t7identifier "
     "patient=r7subject@Patient period=d7event.period related=r4relatesTo.resourceReference "
     "related-id=t3relatesTo.targetIdentifier related-ref=r3relatesTo.targetReference "
     "section=t7section.code section-code-text=x4 section-text=x4 status=t7status "
     "subject=r7subject title=s7title type=t7type url=u4url version=t4version "},
    {"ConceptMap", 7, ""},
    {"Condition", 7,
     "abatement-age=q7abatementAge|abatementRange "
     "abatement-date=d7abatementDateTime|abatementPeriod abatement-string=s7abatementString "
     "asserter=r3asserter body-site=t7bodySite category=t7category "
     "clinical-status=t7clinicalStatus code=t7code encounter=r7encounter "
     "evidence=t3evidence.code evidence=t4evidence.concept evidence-detail=r3evidence.detail "
     "evidence-detail=r4evidence.reference identifier=t7identifier "
     "onset-age=q7onsetAge|onsetRange onset-date=d7onsetDateTime|onsetPeriod "
     "onset-info=s7onsetString participant-actor=r4participant.actor "
     "participant-function=t4participant.function patient=r7subject@Patient "
     "recorded-date=d7recordedDate severity=t7severity stage=t7stage.summary subject=r7subject "
     "verification-status=t7verificationStatus "},
    {"ConditionDefinition", 4, ""},
    {"Consent", 7,
     "action=t7provision.action actor=r7provision.actor.reference category=t7category "
     "consentor=r3performer controller=r4controller data=r7provision.data.reference "
     "date=d4date date=d3dateTime grantee=r4grantee identifier=t7identifier manager=r4manager "
     "organization=r3organization patient=r3patient patient=r4subject@Patient "
     "period=d7provision.period purpose=t7provision.purpose scope=t3scope "
     "security-label=t7provision.securityLabel source-reference=r7sourceReference "
     "status=t7status subject=r4subject verified=t4verification.verified "
     "verified-date=d4verification.verificationDate "},
    {"Contract", 7,
     "authority=r4authority domain=r4domain identifier=t4identifier "
     "instantiates=u4instantiatesUri issued=d4issued patient=r4subject@Patient "
     "signer=r4signer.party status=t4status subject=r4subject url=u4url "},
    {"Coverage", 7,
     "beneficiary=r7beneficiary class-type=t7class.type class-value=s3class.value "
     "class-value=t4class.value dependent=s7dependent identifier=t7identifier "
     "insurer=r4insurer patient=r7beneficiary paymentby-party=r4paymentBy.party payor=r3payor "
     "policy-holder=r7policyHolder status=t7status subscriber=r7subscriber "
     "subscriberid=t4subscriberId type=t7type "},
    {"CoverageEligibilityRequest", 7,
     "created=d7created enterer=r7enterer facility=r7facility identifier=t7identifier "
     "patient=r7patient provider=r7provider status=t7status "},
    {"CoverageEligibilityResponse", 7,
     "created=d7created disposition=s7disposition identifier=t7identifier insurer=r7insurer "
     "outcome=t7outcome patient=r7patient request=r7request requestor=r7requestor "
     "status=t7status "},
    {"DetectedIssue", 7,
     "author=r7author category=t4category code=t7code "
     "identified=d7identifiedDateTime|identifiedPeriod identifier=t7identifier "
     "implicated=r7implicated patient=r3patient patient=r4subject@Patient status=t4status "
     "subject=r4subject "},
    {"Device", 7, ""},
    {"DeviceAssociation", 4,
     "device=r4device identifier=t4identifier operator=r4operation.operator "
     "patient=r4subject@Patient status=t4status subject=r4subject@Patient "},
    {"DeviceDefinition", 7, ""},
    {"DeviceDispense", 4, ""},
    {"DeviceMetric", 7, ""},
    {"DeviceRequest", 7,
     "authored-on=d7authoredOn based-on=r7basedOn code=t4code.concept "
     "code=t3codeCodeableConcept device=r4code.reference device=r3codeReference "
     "encounter=r7encounter event-date=d7occurrenceDateTime|occurrencePeriod "
     "group-identifier=t7groupIdentifier identifier=t7identifier "
     "instantiates-canonical=r7instantiatesCanonical instantiates-uri=u7instantiatesUri "
     "insurance=r7insurance intent=t7intent patient=r7subject@Patient performer=r3performer "
     "performer=r4performer.reference performer-code=t4performer.concept "
     "prior-request=r3priorRequest prior-request=r4replaces requester=r7requester "
     "status=t7status subject=r7subject "},
    {"DeviceUsage", 4,
     "device=t4device.concept identifier=t4identifier patient=r4patient status=t4status "},
    {"DeviceUseStatement", 3,
     "device=r3device identifier=t3identifier patient=r1subject patient=r2subject@Patient "
     "subject=r3subject "},
    {"DiagnosticReport", 7,
     "based-on=r7basedOn category=t7category code=t7code conclusion=t7conclusionCode "
     "date=d7effectiveDateTime|effectivePeriod encounter=r7encounter identifier=t7identifier "
     "issued=d7issued media=r7media.link patient=r7subject@Patient performer=r7performer "
     "result=r7result results-interpreter=r7resultsInterpreter specimen=r7specimen "
     "status=t7status study=r4study subject=r7subject "},
    {"DocumentManifest", 3,
     "author=r3author created=d3created description=s3description "
     "identifier=t3masterIdentifier|identifier item=r3content patient=r3subject@Patient "
     "recipient=r3recipient related-id=t3related.identifier related-ref=r3related.ref "
     "source=u3source status=t3status subject=r3subject type=t3type "},
    {"DocumentReference", 7,
     "attester=r4attester.party authenticator=r3authenticator author=r7author "
     "based-on=r4basedOn bodysite=t4bodySite.concept bodysite-reference=r4bodySite.reference "
     "category=t7category contenttype=t7content.attachment.contentType context=r4context "
     "creation=d4content.attachment.creation custodian=r7custodian date=d7date "
     "description=s7description doc-status=t4docStatus encounter=r1context.encounter "
     "encounter=r2context.encounter@Encounter event=t3context.event event-code=t4event.concept "
     "event-reference=r4event.reference facility=t3context.facilityType "
     "facility=t4facilityType format=t3content.format "
     "format-canonical=r4content.profile.valueCanonical "
     "format-code=t4content.profile.valueCoding format-uri=u4content.profile.valueUri "
     "identifier=t4identifier identifier=t3masterIdentifier|identifier "
     "language=t7content.attachment.language location=u7content.attachment.url "
     "modality=t4modality patient=r7subject@Patient period=d3context.period period=d4period "
     "related=r3context.related relatesto=r7relatesTo.target relation=t7relatesTo.code "
     "relationship=x7 security-label=t7securityLabel setting=t3context.practiceSetting "
     "setting=t4practiceSetting status=t7status subject=r7subject type=t7type "
     "version=s4version "},
    {"EffectEvidenceSynthesis", 1, ""},
    {"Encounter", 7,
     "account=r7account appointment=r7appointment based-on=r7basedOn careteam=r4careTeam "
     "class=t7class date=d4actualPeriod date=d3period date-start=d4actualPeriod.start "
     "diagnosis=r3diagnosis.condition diagnosis-code=t4diagnosis.condition.concept "
     "diagnosis-reference=r4diagnosis.condition.reference end-date=d4actualPeriod.end "
     "episode-of-care=r7episodeOfCare identifier=t7identifier length=q7length "
     "location=r7location.location location-period=d7location.period part-of=r7partOf "
     "participant=r4participant.actor participant=r3participant.individual "
     "participant-type=t7participant.type patient=r7subject@Patient "
     "practitioner=r4participant.actor@Practitioner "
     "practitioner=r3participant.individual@Practitioner reason-code=t4reason.value.concept "
     "reason-code=t3reasonCode reason-reference=r4reason.value.reference "
     "reason-reference=r3reasonReference service-provider=r7serviceProvider "
     "special-arrangement=t3hospitalization.specialArrangement "
     "special-arrangement=t4specialArrangement status=t7status subject=r7subject "
     "subject-status=t4subjectStatus type=t7type "},
    {"EncounterHistory", 4,
     "encounter=r4encounter identifier=t4identifier patient=r4subject@Patient status=t4status "
     "subject=r4subject "},
    {"Endpoint", 7, ""},
    {"EnrollmentRequest", 7,
     "identifier=t7identifier patient=r7candidate status=t7status subject=r7candidate "},
    {"EnrollmentResponse", 7, ""},
    {"EpisodeOfCare", 7,
     "care-manager=r7careManager@Practitioner condition=r3diagnosis.condition date=d7period "
     "diagnosis-code=t4diagnosis.condition.concept "
     "diagnosis-reference=r4diagnosis.condition.reference identifier=t7identifier "
     "incoming-referral=r7referralRequest organization=r7managingOrganization "
     "patient=r7patient reason-code=t4reason.value.concept "
     "reason-reference=r4reason.value.reference status=t7status type=t7type "},
    {"EventDefinition", 7, ""},
    {"Evidence", 7, ""},
    {"EvidenceReport", 6, ""},
    {"EvidenceVariable", 7, ""},
    {"ExampleScenario", 7, ""},
    {"ExplanationOfBenefit", 7,
     "care-team=r7careTeam.provider claim=r7claim coverage=r7insurance.coverage "
     "created=d7created detail-udi=r7item.detail.udi disposition=s7disposition "
     "encounter=r7item.encounter enterer=r7enterer facility=r7facility identifier=t7identifier "
     "item-udi=r7item.udi patient=r7patient payee=r7payee.party procedure-udi=r7procedure.udi "
     "provider=r7provider status=t7status subdetail-udi=r7item.detail.subDetail.udi "},
    {"FamilyMemberHistory", 7,
     "code=t7condition.code date=d7date identifier=t7identifier "
     "instantiates-canonical=r7instantiatesCanonical instantiates-uri=u7instantiatesUri "
     "patient=r7patient relationship=t7relationship sex=t7sex status=t7status "},
    {"Flag", 7,
     "author=r7author category=t4category date=d7period encounter=r7encounter "
     "identifier=t7identifier patient=r7subject@Patient status=t4status subject=r7subject "},
    {"FormularyItem", 4, ""},
    {"GenomicStudy", 4,
     "focus=r4analysis.focus identifier=t4identifier patient=r4subject@Patient status=t4status "
     "subject=r4subject "},
    {"Goal", 7,
     "achievement-status=t7achievementStatus addresses=r4addresses category=t7category "
     "description=t4description identifier=t7identifier lifecycle-status=t7lifecycleStatus "
     "patient=r7subject@Patient start-date=d7startDate subject=r7subject "
     "target-date=d7target.dueDate target-measure=t4target.measure "},
    {"GraphDefinition", 7, ""},
    {"Group", 7,
     "actual=t3actual characteristic=t7characteristic.code "
     "characteristic-reference=r4characteristic.valueReference characteristic-value=x7 "
     "code=t7code exclude=t7characteristic.exclude identifier=t7identifier "
     "managing-entity=r7managingEntity member=r7member.entity membership=t4membership "
     "name=s4name type=t7type "
     "value=t7characteristic.valueCodeableConcept|characteristic.valueBoolean "},
    {"GuidanceResponse", 7,
     "identifier=t4identifier patient=r4subject@Patient request=t4requestIdentifier "
     "status=t4status subject=r4subject "},
    {"HealthcareService", 7,
     "active=t7active characteristic=t7characteristic communication=t4communication "
     "coverage-area=r7coverageArea eligibility=t4eligibility.code endpoint=r7endpoint "
     "identifier=t7identifier location=r7location name=s7name offered-in=r4offeredIn "
     "organization=r7providedBy program=t7program service-category=t7category "
     "service-type=t7type specialty=t7specialty "},
    {"ImagingSelection", 4,
     "based-on=r4basedOn body-site=t4bodySite.concept body-structure=r4bodySite.reference "
     "code=t4status derived-from=r4derivedFrom identifier=t4identifier issued=d4issued "
     "patient=r4subject@Patient status=t4status study-uid=t4studyUid subject=r4subject "},
    {"ImagingStudy", 7,
     "based-on=r4basedOn basedon=r3basedOn body-site=t4series.bodySite.concept "
     "body-structure=r4series.bodySite.reference bodysite=t3series.bodySite "
     "dicom-class=t7series.instance.sopClass encounter=r7encounter "
     "endpoint=r7endpoint|series.endpoint identifier=t7identifier "
     "instance=t7series.instance.uid interpreter=r3interpreter modality=t7series.modality "
     "patient=r7subject@Patient performer=r7series.performer.actor reason=t3reasonCode "
     "reason=x4 referrer=r7referrer series=t7series.uid started=d7started status=t7status "
     "subject=r7subject "},
    {"Immunization", 7,
     "date=d7occurrenceDateTime identifier=t7identifier location=r7location "
     "lot-number=s7lotNumber manufacturer=r3manufacturer manufacturer=r4manufacturer.reference "
     "patient=r7patient performer=r7performer.actor reaction=r3reaction.detail "
     "reaction=r4reaction.manifestation.reference reaction-date=d7reaction.date "
     "reason-code=t4reason.concept reason-code=t3reasonCode "
     "reason-reference=r4reason.reference reason-reference=r3reasonReference "
     "series=s7protocolApplied.series status=t7status status-reason=t7statusReason "
     "target-disease=t7protocolApplied.targetDisease vaccine-code=t7vaccineCode "},
    {"ImmunizationEvaluation", 7,
     "date=d7date dose-status=t7doseStatus identifier=t7identifier "
     "immunization-event=r7immunizationEvent patient=r7patient status=t7status "
     "target-disease=t7targetDisease "},
    {"ImmunizationRecommendation", 7,
     "date=d7date identifier=t7identifier "
     "information=r7recommendation.supportingPatientInformation patient=r7patient "
     "status=t7recommendation.forecastStatus support=r7recommendation.supportingImmunization "
     "target-disease=t7recommendation.targetDisease vaccine-type=t7recommendation.vaccineCode "},
    {"ImplementationGuide", 7, ""},
    {"Ingredient", 6, ""},
    {"InsurancePlan", 7, ""},
    {"InventoryItem", 4, ""},
    {"InventoryReport", 4, ""},
    {"Invoice", 7,
     "account=r7account date=d7date identifier=t7identifier issuer=r7issuer "
     "participant=r7participant.actor participant-role=t7participant.role "
     "patient=r7subject@Patient recipient=r7recipient status=t7status subject=r7subject "
     "totalgross=q7totalGross totalnet=q7totalNet type=t7type "},
    {"Library", 7, ""},
    {"Linkage", 7, ""},
    {"List", 7,
     "code=t7code date=d7date empty-reason=t7emptyReason encounter=r7encounter "
     "identifier=t7identifier item=r7entry.item notes=s7note.text patient=r7subject@Patient "
     "source=r7source status=t7status subject=r7subject title=s7title "},
    {"Location", 7,
     "address=s7address address-city=s7address.city address-country=s7address.country "
     "address-postalcode=s7address.postalCode address-state=s7address.state "
     "address-use=t7address.use characteristic=t4characteristic contains=x4 "
     "endpoint=r7endpoint identifier=t7identifier name=s7name|alias near=x7 "
     "operational-status=t7operationalStatus organization=r7managingOrganization "
     "partof=r7partOf status=t7status type=t7type "},
    {"ManufacturedItemDefinition", 6, ""},
    {"Measure", 7, ""},
    {"MeasureReport", 7,
     "date=d7date evaluated-resource=r7evaluatedResource identifier=t7identifier "
     "location=r4location measure=r7measure patient=r7subject@Patient period=d7period "
     "reporter=r7reporter status=t7status subject=r7subject "},
    {"Media", 3,
     "based-on=r3basedOn created=d3createdDateTime|createdPeriod device=r3device "
     "encounter=r3encounter identifier=t3identifier modality=t3modality operator=r3operator "
     "patient=r3subject@Patient site=t3bodySite status=t3status subject=r3subject type=t3type "
     "view=t3view "},
    {"Medication", 7,
     "code=t7code expiration-date=d7batch.expirationDate form=t3form form=x4 "
     "identifier=t7identifier ingredient=r4ingredient.item.reference "
     "ingredient=r3ingredient.itemReference ingredient-code=t4ingredient.item.concept "
     "ingredient-code=t3ingredient.itemCodeableConcept lot-number=t7batch.lotNumber "
     "manufacturer=r3manufacturer marketingauthorizationholder=r4marketingAuthorizationHolder "
     "serial-number=t4identifier status=t7status "},
    {"MedicationAdministration", 7,
     "code=t4medication.concept code=t3medicationCodeableConcept context=r3context "
     "date=d4occurenceDateTime|occurencePeriod device=r3device device=r4device.reference "
     "effective-time=d3effectiveDateTime|effectivePeriod encounter=r4encounter "
     "identifier=t7identifier medication=r4medication.reference "
     "medication=r3medicationReference patient=r7subject@Patient performer=r3performer.actor "
     "performer=r4performer.actor.reference performer-device-code=t4performer.actor.concept "
     "reason-given=r4reason.reference reason-given=t3reasonCode "
     "reason-given-code=t4reason.concept reason-not-given=t7statusReason request=r7request "
     "status=t7status subject=r7subject "},
    {"MedicationDispense", 7,
     "code=t4medication.concept code=t3medicationCodeableConcept context=r3context "
     "destination=r7destination encounter=r4encounter identifier=t7identifier "
     "location=r4location medication=r4medication.reference medication=r3medicationReference "
     "patient=r7subject@Patient performer=r7performer.actor "
     "prescription=r7authorizingPrescription receiver=r7receiver recorded=d4recorded "
     "responsibleparty=r7substitution.responsibleParty status=t7status subject=r7subject "
     "type=t7type whenhandedover=d7whenHandedOver whenprepared=d7whenPrepared "},
    {"MedicationKnowledge", 7, ""},
    {"MedicationRequest", 7,
     "authoredon=d7authoredOn category=t7category code=t4medication.concept "
     "code=t3medicationCodeableConcept "
     "combo-date=d4dosageInstruction.timing.event|dosageInstruction.timing.repeat.boundsPeriod "
     "date=d3dosageInstruction.timing.event encounter=r7encounter "
     "group-identifier=t4groupIdentifier identifier=t7identifier "
     "intended-dispenser=r4dispenseRequest.dispenser "
     "intended-dispenser=r3dispenseRequest.performer intended-performer=r7performer "
     "intended-performertype=t7performerType intent=t7intent medication=r4medication.reference "
     "medication=r3medicationReference patient=r7subject@Patient priority=t7priority "
     "requester=r7requester status=t7status subject=r7subject "},
    {"MedicationStatement", 7,
     "adherence=t4adherence.code category=t7category code=t4medication.concept "
     "code=t3medicationCodeableConcept context=r3context "
     "effective=d7effectiveDateTime|effectivePeriod encounter=r4encounter "
     "identifier=t7identifier medication=r4medication.reference "
     "medication=r3medicationReference part-of=r3partOf patient=r7subject@Patient "
     "source=r7informationSource status=t7status subject=r7subject "},
    {"MedicinalProduct", 1, ""},
    {"MedicinalProductAuthorization", 1, ""},
    {"MedicinalProductContraindication", 1, ""},
    {"MedicinalProductDefinition", 6, ""},
    {"MedicinalProductIndication", 1, ""},
    {"MedicinalProductIngredient", 1, ""},
    {"MedicinalProductInteraction", 1, ""},
    {"MedicinalProductManufactured", 1, ""},
    {"MedicinalProductPackaged", 1, ""},
    {"MedicinalProductPharmaceutical", 1, ""},
    {"MedicinalProductUndesirableEffect", 1, ""},
    {"MessageDefinition", 7, ""},
    {"MessageHeader", 7, ""},
    {"MolecularSequence", 7,
     "chromosome=t3referenceSeq.chromosome chromosome-variant-coordinate=x3 "
     "chromosome-window-coordinate=x3 focus=r4focus identifier=t7identifier patient=r3patient "
     "patient=r4subject@Patient referenceseqid=t3referenceSeq.referenceSeqId "
     "referenceseqid-variant-coordinate=x3 referenceseqid-window-coordinate=x3 "
     "subject=r4subject type=t7type variant-end=n3variant.end variant-start=n3variant.start "
     "window-end=n3referenceSeq.windowEnd window-start=n3referenceSeq.windowStart "},
    {"NamingSystem", 7, ""},
    {"NutritionIntake", 4,
     "code=t4code date=d4occurrenceDateTime|occurrencePeriod encounter=r4encounter "
     "identifier=t4identifier nutrition=t4consumedItem.nutritionProduct.concept "
     "patient=r4subject@Patient source=r4reportedReference status=t4status subject=r4subject "},
    {"NutritionOrder", 7,
     "additive=t4enteralFormula.additive.type.concept additive=t3enteralFormula.additiveType "
     "datetime=d7dateTime encounter=r7encounter formula=t3enteralFormula.baseFormulaType "
     "formula=t4enteralFormula.baseFormulaType.concept group-identifier=t4groupIdentifier "
     "identifier=t7identifier instantiates-canonical=r3instantiatesCanonical "
     "instantiates-uri=u3instantiatesUri oraldiet=t7oralDiet.type patient=r3patient "
     "patient=r4subject@Patient provider=r7orderer status=t7status subject=r4subject "
     "supplement=t3supplement.type supplement=t4supplement.type.concept "},
    {"NutritionProduct", 6, ""},
    {"Observation", 7,
     "based-on=r7basedOn category=t7category code=t7code code-value-concept=x7 "
     "code-value-date=x7 code-value-quantity=x7 code-value-string=x7 "
     "combo-code=t7code|component.code combo-code-value-concept=x7 "
     "combo-code-value-quantity=x7 "
     "combo-data-absent-reason=t7dataAbsentReason|component.dataAbsentReason "
     "combo-value-concept=t7valueCodeableConcept|component.valueCodeableConcept "
     "combo-value-quantity=q7valueQuantity|component.valueQuantity "
     "component-code=t7component.code component-code-value-concept=x7 "
     "component-code-value-quantity=x7 "
     "component-data-absent-reason=t7component.dataAbsentReason component-value-canonical=x4 "
     "component-value-concept=t7component.valueCodeableConcept "
     "component-value-quantity=q7component.valueQuantity "
     "component-value-reference=r4component.valueReference "
     "data-absent-reason=t7dataAbsentReason "
     "date=d7effectiveDateTime|effectivePeriod|effectiveTiming|effectiveInstant "
     "derived-from=r7derivedFrom device=r7device encounter=r7encounter focus=r7focus "
     "has-member=r7hasMember identifier=t7identifier method=t7method part-of=r7partOf "
     "patient=r7subject@Patient performer=r7performer specimen=r7specimen status=t7status "
     "subject=r7subject value-canonical=x4 value-concept=t7valueCodeableConcept "
     "value-date=d7valueDateTime|valuePeriod value-markdown=s4valueCodeableConcept.text "
     "value-quantity=q7valueQuantity value-reference=r4valueReference "
     "value-string=s4valueString value-string=s3valueString|valueCodeableConcept.text "},
    {"ObservationDefinition", 7, ""},
    {"OperationDefinition", 7, ""},
    {"OperationOutcome", 7, ""},
    {"Organization", 7,
     "active=t7active address=s3address address=s4contact.address address-city=s3address.city "
     "address-city=s4contact.address.city address-country=s3address.country "
     "address-country=s4contact.address.country address-postalcode=s3address.postalCode "
     "address-postalcode=s4contact.address.postalCode address-state=s3address.state "
     "address-state=s4contact.address.state address-use=t3address.use "
     "address-use=t4contact.address.use endpoint=r7endpoint identifier=t3identifier "
     "identifier=t4identifier|qualification.identifier name=s7name|alias partof=r7partOf "
     "phonetic=x7 type=t7type "},
    {"OrganizationAffiliation", 7, ""},
    {"PackagedProductDefinition", 6, ""},
    {"Parameters", 7, ""},
    {"Patient", 7,
     "active=t7active address=s7address address-city=s7address.city "
     "address-country=s7address.country address-postalcode=s7address.postalCode "
     "address-state=s7address.state address-use=t7address.use birthdate=d7birthDate "
     "death-date=d7deceasedDateTime deceased=t7deceasedBoolean!|deceasedDateTime! "
     "email=t7telecom#email family=s7name.family gender=t7gender "
     "general-practitioner=r7generalPractitioner given=s7name.given identifier=t7identifier "
     "language=t7communication.language link=r7link.other name=s7name "
     "organization=r7managingOrganization phone=t7telecom#phone phonetic=x7 telecom=t7telecom "},
    {"PaymentNotice", 7, ""},
    {"PaymentReconciliation", 7, ""},
    {"Permission", 4, ""},
    {"Person", 7,
     "address=s7address address-city=s7address.city address-country=s7address.country "
     "address-postalcode=s7address.postalCode address-state=s7address.state "
     "address-use=t7address.use birthdate=d7birthDate death-date=d4deceasedDateTime "
     "deceased=t4deceasedBoolean!|deceasedDateTime! email=t7telecom#email family=s4name.family "
     "gender=t7gender given=s4name.given identifier=t7identifier link=r7link.target "
     "name=s7name organization=r7managingOrganization patient=r7link.target@Patient "
     "phone=t7telecom#phone phonetic=x7 practitioner=r7link.target@Practitioner "
     "relatedperson=r7link.target@RelatedPerson telecom=t7telecom "},
    {"PlanDefinition", 7, ""},
    {"Practitioner", 7,
     "active=t7active address=s7address address-city=s7address.city "
     "address-country=s7address.country address-postalcode=s7address.postalCode "
     "address-state=s7address.state address-use=t7address.use communication=t3communication "
     "communication=t4communication.language death-date=d4deceasedDateTime "
     "deceased=t4deceasedBoolean!|deceasedDateTime! email=t7telecom#email family=s7name.family "
     "gender=t7gender given=s7name.given identifier=t3identifier "
     "identifier=t4identifier|qualification.identifier name=s7name phone=t7telecom#phone "
     "phonetic=x7 qualification-period=d4qualification.period telecom=t7telecom "},
    {"PractitionerRole", 7,
     "active=t7active characteristic=t4characteristic communication=t4communication "
     "date=d7period email=t4contact.telecom#email email=t3telecom#email endpoint=r7endpoint "
     "identifier=t7identifier location=r7location organization=r7organization "
     "phone=t4contact.telecom#phone phone=t3telecom#phone practitioner=r7practitioner "
     "role=t7code service=r7healthcareService specialty=t7specialty telecom=t4contact.telecom "
     "telecom=t3telecom "},
    {"Procedure", 7,
     "based-on=r7basedOn category=t7category code=t7code "
     "date=d4occurrenceDateTime|occurrencePeriod|occurrenceTiming "
     "date=d3performedDateTime|performedPeriod encounter=r7encounter identifier=t7identifier "
     "instantiates-canonical=r7instantiatesCanonical instantiates-uri=u7instantiatesUri "
     "location=r7location part-of=r7partOf patient=r7subject@Patient "
     "performer=r7performer.actor reason-code=t4reason.concept reason-code=t3reasonCode "
     "reason-reference=r4reason.reference reason-reference=r3reasonReference report=r4report "
     "status=t7status subject=r7subject "},
    {"Provenance", 7,
     "activity=t4activity agent=r7agent.who agent-role=t7agent.role agent-type=t7agent.type "
     "based-on=r4basedOn encounter=r4encounter entity=r7entity.what location=r7location "
     "patient=r4patient patient=r3target@Patient recorded=d7recorded "
     "signature-type=t7signature.type target=r7target when=d7occurredDateTime "},
    {"Questionnaire", 7, ""},
    {"QuestionnaireResponse", 7,
     "author=r7author authored=d7authored based-on=r7basedOn encounter=r7encounter "
     "identifier=t7identifier item-subject=x4 part-of=r7partOf patient=r7subject@Patient "
     "questionnaire=r7questionnaire source=r7source status=t7status subject=r7subject "},
    {"RegulatedAuthorization", 6, ""},
    {"RelatedPerson", 7,
     "active=t7active address=s7address address-city=s7address.city "
     "address-country=s7address.country address-postalcode=s7address.postalCode "
     "address-state=s7address.state address-use=t7address.use birthdate=d7birthDate "
     "email=t7telecom#email family=s4name.family gender=t7gender given=s4name.given "
     "identifier=t7identifier name=s7name patient=r7patient phone=t7telecom#phone phonetic=x7 "
     "relationship=t7relationship telecom=t7telecom "},
    {"RequestGroup", 3,
     "author=r3author authored=d3authoredOn code=t3code encounter=r3encounter "
     "group-identifier=t3groupIdentifier identifier=t3identifier "
     "instantiates-canonical=r3instantiatesCanonical instantiates-uri=u3instantiatesUri "
     "intent=t3intent participant=r3action.participant patient=r3subject@Patient "
     "priority=t3priority status=t3status subject=r3subject "},
    {"RequestOrchestration", 4,
     "author=r4author authored=d4authoredOn based-on=r4basedOn code=t4code "
     "encounter=r4encounter group-identifier=t4groupIdentifier identifier=t4identifier "
     "instantiates-canonical=r4instantiatesCanonical instantiates-uri=u4instantiatesUri "
     "intent=t4intent "
     "participant=r4action.participant.actorReference|action.participant.actorCanonical "
     "patient=r4subject@Patient priority=t4priority status=t4status subject=r4subject "},
    {"Requirements", 4, ""},
    {"ResearchDefinition", 3, ""},
    {"ResearchElementDefinition", 3, ""},
    {"ResearchStudy", 7, ""},
    {"ResearchSubject", 7,
     "date=d7period identifier=t7identifier individual=r3individual patient=r3individual "
     "patient=r4subject@Patient status=t7status study=r7study subject=r4subject "
     "subject_state=t4progress.subjectState "},
    {"RiskAssessment", 7,
     "condition=r7condition date=d7occurrenceDateTime encounter=r7encounter "
     "identifier=t7identifier method=t7method patient=r7subject@Patient performer=r7performer "
     "probability=n4prediction.probabilityDecimal "
     "probability=n3prediction.probabilityDecimal|prediction.probabilityRange "
     "risk=t7prediction.qualitativeRisk subject=r7subject "},
    {"RiskEvidenceSynthesis", 1, ""},
    {"Schedule", 7,
     "active=t7active actor=r7actor date=d7planningHorizon identifier=t7identifier name=s4name "
     "service-category=t7serviceCategory service-type=t3serviceType "
     "service-type=t4serviceType.concept service-type-reference=r4serviceType.reference "
     "specialty=t7specialty "},
    {"SearchParameter", 7, ""},
    {"ServiceRequest", 7,
     "authored=d7authoredOn based-on=r7basedOn body-site=t7bodySite "
     "body-structure=r4bodyStructure category=t7category code=t3code "
     "code-concept=t4code.concept code-reference=r4code.reference encounter=r7encounter "
     "identifier=t7identifier instantiates-canonical=r7instantiatesCanonical "
     "instantiates-uri=u7instantiatesUri intent=t7intent "
     "occurrence=d7occurrenceDateTime|occurrencePeriod|occurrenceTiming "
     "patient=r7subject@Patient performer=r7performer performer-type=t7performerType "
     "priority=t7priority replaces=r7replaces requester=r7requester requisition=t7requisition "
     "specimen=r7specimen status=t7status subject=r7subject "},
    {"Slot", 7, ""},
    {"Specimen", 7,
     "accession=t7accessionIdentifier bodysite=r4collection.bodySite.reference "
     "bodysite=t3collection.bodySite "
     "collected=d7collection.collectedDateTime|collection.collectedPeriod "
     "collector=r7collection.collector container=t3container.type "
     "container-device=r4container.device@Device container-id=t3container.identifier "
     "identifier=t7identifier parent=r7parent patient=r7subject@Patient "
     "procedure=r4collection.procedure status=t7status subject=r7subject type=t7type "},
    {"SpecimenDefinition", 7, ""},
    {"StructureDefinition", 7, ""},
    {"StructureMap", 7, ""},
    {"Subscription", 7, ""},
    {"SubscriptionStatus", 6, ""},
    {"SubscriptionTopic", 6, ""},
    {"Substance", 7, ""},
    {"SubstanceDefinition", 6, ""},
    {"SubstanceNucleicAcid", 5, ""},
    {"SubstancePolymer", 5, ""},
    {"SubstanceProtein", 5, ""},
    {"SubstanceReferenceInformation", 5, ""},
    {"SubstanceSourceMaterial", 5, ""},
    {"SubstanceSpecification", 1, ""},
    {"SupplyDelivery", 7,
     "identifier=t7identifier patient=r7patient receiver=r7receiver status=t7status "
     "supplier=r7supplier "},
    {"SupplyRequest", 7,
     "category=t7category date=d7authoredOn identifier=t7identifier patient=r4deliverFor "
     "requester=r7requester status=t7status subject=r7deliverTo supplier=r7supplier "},
    {"Task", 7,
     "actor=r4performer.actor authored-on=d4authoredOn based-on=r4basedOn "
     "business-status=t4businessStatus code=t4code encounter=r4encounter focus=r4focus "
     "group-identifier=t4groupIdentifier identifier=t4identifier intent=t4intent "
     "modified=d4lastModified output=r4output.valueReference owner=r4owner part-of=r4partOf "
     "patient=r4for@Patient performer=t4requestedPerformer.concept period=d4executionPeriod "
     "priority=t4priority requestedperformer-reference=r4requestedPerformer.reference "
     "requester=r4requester status=t4status subject=r4for "},
    {"TerminologyCapabilities", 7, ""},
    {"TestPlan", 4, ""},
    {"TestReport", 7, ""},
    {"TestScript", 7, ""},
    {"Transport", 4, ""},
    {"ValueSet", 7, ""},
    {"VerificationResult", 7, ""},
    {"VisionPrescription", 7,
     "datewritten=d7dateWritten encounter=r7encounter identifier=t7identifier "
     "patient=r7patient prescriber=r7prescriber status=t7status "},
};

const size_t fhx__search_table_count = sizeof fhx__search_table / sizeof fhx__search_table[0];
