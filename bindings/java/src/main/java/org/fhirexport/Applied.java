package org.fhirexport;

/** What the rows of a cursor obey already; the library does the rest. A cursor that says none is correct, only slower. */
public enum Applied {
  /** Only the wanted type is delivered. */
  TYPE(1),
  /** Only what changed after {@link Query#since}. */
  SINCE(2),
  /** Only what changed before {@link Query#until}. */
  UNTIL(4),
  /** Only what the query's patients have, each resource once. */
  PATIENTS(8),
  /** The versions that were current at {@link Query#asOf}. */
  AS_OF(16),
  /** Rows come in strictly ascending byte order of id; one out of order fails the job. */
  ASCENDING_IDS(32),
  /** Only what meets one of {@link Query#searches}, exactly as FHIR says. */
  SEARCH(64);

  final int bit;

  Applied(int bit) {
    this.bit = bit;
  }
}
