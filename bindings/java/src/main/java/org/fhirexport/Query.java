package org.fhirexport;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What is asked of a source. It can be read until its cursor is closed, elsewhere until the method returns. */
public final class Query {
  /** Whose resources are wanted. */
  public enum Scope {
    /** Everybody's and nobody's. */
    ALL,
    /** Those in some patient's compartment. */
    PATIENTS,
    /** Those in the compartments of {@link Query#patients}. */
    PATIENT_SET
  }

  private volatile Pointer pointer;

  Query(Pointer pointer) {
    this.pointer = pointer;
  }

  void end() {
    pointer = null;
  }

  private Pointer pointer() {
    Pointer now = pointer;
    if (now == null) {
      throw new FhirExportException(Status.MISUSE, "this Query is over: what it was made for has ended");
    }
    return now;
  }

  private static Optional<byte[]> bytes(Pointer data, LongByReference length) {
    return data == null ? Optional.empty() : Optional.of(data.getByteArray(0, (int) length.getValue()));
  }

  private static Instant instant(long microseconds) {
    return Instant.EPOCH.plus(microseconds, ChronoUnit.MICROS);
  }

  private static Optional<Instant> bound(long microseconds) {
    return microseconds == Lib.TIME_NONE ? Optional.empty() : Optional.of(instant(microseconds));
  }

  /** The FHIR type wanted; "" for {@link Source#openPatient}. */
  public String resourceType() {
    return Lib.text(Lib.fhx_query_resource_type(pointer()));
  }

  /** Whether the export has resources of this type, for {@link Source#openPatient}. */
  public boolean wantsType(String type) {
    try (Kept kept = new Kept()) {
      return Lib.fhx_query_wants_type(pointer(), kept.text(type)) == 1;
    }
  }

  /** A descriptor that {@link Source#listShards} gave; empty: the whole type. */
  public Optional<byte[]> shard() {
    LongByReference length = new LongByReference();
    return bytes(Lib.fhx_query_shard(pointer(), length), length);
  }

  /** Where to go on: the token of earlier rows; empty: from the beginning. */
  public Optional<byte[]> token() {
    LongByReference length = new LongByReference();
    return bytes(Lib.fhx_query_token(pointer(), length), length);
  }

  /** Resources as they were at this time, the job's transactionTime. */
  public Instant asOf() {
    return instant(Lib.fhx_query_as_of_us(pointer()));
  }

  /** Only what changed after this time, floored to a microsecond. */
  public Optional<Instant> since() {
    return bound(Lib.fhx_query_since_us(pointer()));
  }

  /** Only what changed before this time, rounded up to a microsecond. */
  public Optional<Instant> until() {
    return bound(Lib.fhx_query_until_us(pointer()));
  }

  /** Whose resources are wanted. */
  public Scope scope() {
    return Scope.values()[Lib.fhx_query_scope(pointer())];
  }

  /** The number of patients of {@link Scope#PATIENT_SET}. */
  public long patientCount() {
    return Lib.fhx_query_patient_count(pointer());
  }

  /** Ids of these patients in ascending order of bytes, at most so many, from a position on; none behind the last. */
  public List<String> patients(long first, int countMax) {
    if (first < 0 || countMax < 0) {
      throw new FhirExportException(Status.ARGUMENT, "a position or a count is negative");
    }
    long room = Math.min(countMax, patientCount());
    LongByReference count = new LongByReference();
    PointerByReference error = new PointerByReference();
    try (Memory ids = new Memory(8 * Math.max(1, room))) {
      Lib.check(Lib.fhx_query_patients(pointer(), first, room, ids, count, error), error);
      List<String> found = new ArrayList<>();
      for (long i = 0; i < count.getValue(); i++) {
        found.add(Lib.text(ids.getPointer(8 * i)));
      }
      return found;
    }
  }

  /** Whether the patient is one of them. */
  public boolean isPatient(String patientId) {
    IntByReference is = new IntByReference();
    PointerByReference error = new PointerByReference();
    try (Kept kept = new Kept()) {
      Lib.check(Lib.fhx_query_is_patient(pointer(), kept.text(patientId), is, error), error);
    }
    return is.getValue() == 1;
  }

  /** The {@code _typeFilter} queries for this type, one of which has to be met. They may be confidential. */
  public List<String> searches() {
    List<String> found = new ArrayList<>();
    for (long i = 0; i < Lib.fhx_query_search_count(pointer()); i++) {
      found.add(Lib.text(Lib.fhx_query_search(pointer(), i)));
    }
    return found;
  }

  /** The job's tenant, "" for none. */
  public String tenant() {
    return Lib.text(Lib.fhx_query_tenant(pointer()));
  }

  /** The job's host context, as the kick-off's {@link Request} had it. */
  public byte[] hostContext() {
    LongByReference length = new LongByReference();
    return bytes(Lib.fhx_query_host_context(pointer(), length), length).orElse(new byte[0]);
  }
}
