package org.fhirexport;

import com.sun.jna.Callback;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;

/** What is used of the library's headers. tests/java compares the structures with the headers. */
final class Lib {
  static final int OK = 0;
  static final int END = 1;
  static final long TIME_NONE = Long.MIN_VALUE;
  static final int FILES_NEED_TOKEN = 1;
  static final int DISABLED = 2;
  static final int JOIN_IDENTICAL = 4;
  static final int JOB_SHA256 = 1;
  static final int JOB_GZIP = 4;
  static final int REQUEST_OPERATOR = 1;

  private Lib() {}

  static {
    String name = System.getProperty("fhirexport.library", System.getenv("FHIREXPORT_LIBRARY"));
    Native.register(Lib.class, NativeLibrary.getInstance(name == null ? "libfhirexport.so.0" : name));
  }

  // Callbacks. A cursor and the user data are numbers of our own.

  public interface OpenCursor extends Callback {
    void call(long user, Pointer query, Pointer reply);
  }

  public interface NextRows extends Callback {
    void call(long user, long cursor, long wantBytes, Pointer reply);
  }

  public interface CloseCursor extends Callback {
    void call(long user, long cursor);
  }

  public interface ListShards extends Callback {
    void call(long user, Pointer query, int countMax, Pointer reply);
  }

  public interface ReadResource extends Callback {
    void call(long user, Pointer query, Pointer reference, Pointer reply);
  }

  public interface GroupMembers extends Callback {
    void call(long user, Pointer query, Pointer groupId, Pointer after, Pointer reply);
  }

  public interface ListTypes extends Callback {
    void call(long user, Pointer reply);
  }

  public interface CountEstimate extends Callback {
    void call(long user, Pointer query, Pointer reply);
  }

  public interface OpenPatient extends Callback {
    void call(long user, Pointer query, Pointer patientId, Pointer reply);
  }

  public interface Destroy extends Callback {
    void call(long user);
  }

  // Structures. Each says by its size how much of it there is.

  /** A structure that knows its size. */
  @FieldOrder("size")
  public abstract static class Sized extends Structure {
    public int size;

    Sized() {
      size = size();
    }

    final int offset(String field) {
      return fieldOffset(field);
    }
  }

  @FieldOrder({
    "reserved", "open_cursor", "next_rows", "close_cursor", "list_shards", "read_resource", "group_members",
    "list_types", "count_estimate", "snapshot_ready", "read_clock", "open_deleted", "open_patient", "destroy"
  })
  public static class fhx_source_callbacks extends Sized {
    public int reserved;
    public OpenCursor open_cursor;
    public NextRows next_rows;
    public CloseCursor close_cursor;
    public ListShards list_shards;
    public ReadResource read_resource;
    public GroupMembers group_members;
    public ListTypes list_types;
    public CountEstimate count_estimate;
    public Pointer snapshot_ready;
    public Pointer read_clock;
    public Pointer open_deleted;
    public OpenPatient open_patient;
    public Destroy destroy;
  }

  @FieldOrder({"flags", "path", "base_url"})
  public static class fhx_directory_options extends Sized {
    public int flags;
    public Pointer path;
    public Pointer base_url;
  }

  @FieldOrder({
    "flags", "bucket", "prefix", "region", "endpoint", "access_key_id", "secret_access_key", "session_token",
    "profile", "credentials", "user_data", "destroy", "storage_class", "encryption", "kms_key_id", "tags",
    "piece_bytes", "pieces_in_flight", "reserved", "http", "cache_control"
  })
  public static class fhx_s3_options extends Sized {
    public int flags;
    public Pointer bucket;
    public Pointer prefix;
    public Pointer region;
    public Pointer endpoint;
    public Pointer access_key_id;
    public Pointer secret_access_key;
    public Pointer session_token;
    public Pointer profile;
    public Pointer credentials;
    public Pointer user_data;
    public Pointer destroy;
    public Pointer storage_class;
    public Pointer encryption;
    public Pointer kms_key_id;
    public Pointer tags;
    public long piece_bytes;
    public int pieces_in_flight;
    public int reserved;
    public Pointer http;
    public Pointer cache_control;
  }

  @FieldOrder({"reserved", "path", "clock", "clock_user_data"})
  public static class fhx_sqlite_store_options extends Sized {
    public int reserved;
    public Pointer path;
    public Pointer clock;
    public Pointer clock_user_data;
  }

  @FieldOrder({
    "flags", "source", "destination", "store", "base_url", "url_keys", "url_key_lens", "url_key_count", "part_bytes",
    "part_count", "resource_bytes_max", "lease_us", "settle_us", "stall_us", "keep_us", "link_us", "target_bytes_max",
    "body_bytes_max", "attempts_max", "shards_max", "depth_max", "job_flags", "workers", "helpers", "jobs_max",
    "jobs_per_client_max", "fhir_version", "polls_max", "group_depth_max", "reserved", "group_members_max",
    "associated_types", "compartment_paths", "compartment_path_count", "part_bytes_min", "bad_rows_limit",
    "bad_rows_permille_limit", "reserved_2", "resource_hook", "attachment_hook", "hook_data", "associated_values",
    "worker_bytes", "client_destinations", "clock", "log", "log_user_data", "ig_version", "reserved_3",
    "maximum_file_size_min"
  })
  public static class fhx_engine_options extends Sized {
    public int flags;
    public Pointer source;
    public Pointer destination;
    public Pointer store;
    public Pointer base_url;
    public Pointer url_keys;
    public Pointer url_key_lens;
    public long url_key_count;
    public long part_bytes;
    public long part_count;
    public long resource_bytes_max;
    public long lease_us;
    public long settle_us;
    public long stall_us;
    public long keep_us;
    public long link_us;
    public long target_bytes_max;
    public long body_bytes_max;
    public int attempts_max;
    public int shards_max;
    public int depth_max;
    public int job_flags;
    public int workers;
    public int helpers;
    public int jobs_max;
    public int jobs_per_client_max;
    public int fhir_version;
    public int polls_max;
    public int group_depth_max;
    public int reserved;
    public long group_members_max;
    public Pointer associated_types;
    public Pointer compartment_paths;
    public long compartment_path_count;
    public long part_bytes_min;
    public long bad_rows_limit;
    public int bad_rows_permille_limit;
    public int reserved_2;
    public Pointer resource_hook;
    public Pointer attachment_hook;
    public Pointer hook_data;
    public Pointer associated_values;
    public long worker_bytes;
    public Pointer client_destinations;
    public Pointer clock;
    public Pointer log;
    public Pointer log_user_data;
    public int ig_version;
    public int reserved_3;
    public long maximum_file_size_min;
  }

  @FieldOrder({
    "reserved", "method", "target", "headers", "header_count", "body", "body_len", "base_url", "tenant", "client",
    "permitted_types", "host_context", "host_context_len", "flags", "ig_version"
  })
  public static class fhx_request extends Sized {
    public int reserved;
    public Pointer method;
    public Pointer target;
    public Pointer headers;
    public long header_count;
    public Pointer body;
    public long body_len;
    public Pointer base_url;
    public Pointer tenant;
    public Pointer client;
    public Pointer permitted_types;
    public Pointer host_context;
    public long host_context_len;
    public int flags;
    public int ig_version;
  }

  // Functions.

  static native int fhx_error_status(Pointer error);

  static native Pointer fhx_error_message(Pointer error);

  static native int fhx_error_retryable(Pointer error);

  static native void fhx_error_free(Pointer error);

  static native Pointer fhx_query_resource_type(Pointer query);

  static native int fhx_query_wants_type(Pointer query, Pointer type);

  static native Pointer fhx_query_shard(Pointer query, LongByReference len);

  static native Pointer fhx_query_token(Pointer query, LongByReference len);

  static native Pointer fhx_query_host_context(Pointer query, LongByReference len);

  static native long fhx_query_as_of_us(Pointer query);

  static native long fhx_query_since_us(Pointer query);

  static native long fhx_query_until_us(Pointer query);

  static native int fhx_query_scope(Pointer query);

  static native long fhx_query_patient_count(Pointer query);

  static native int fhx_query_patients(
      Pointer query, long first, long capacity, Pointer ids, LongByReference count, PointerByReference error);

  static native int fhx_query_is_patient(Pointer query, Pointer id, IntByReference is, PointerByReference error);

  static native long fhx_query_search_count(Pointer query);

  static native Pointer fhx_query_search(Pointer query, long position);

  static native Pointer fhx_query_tenant(Pointer query);

  static native int fhx_reply_done(Pointer reply);

  static native int fhx_reply_end(Pointer reply);

  static native int fhx_reply_wait(Pointer reply, long afterUs);

  static native int fhx_reply_fail(Pointer reply, int status, int retryable, Pointer message);

  static native int fhx_reply_handle(Pointer reply, long handle, int applied);

  static native int fhx_reply_rows(
      Pointer reply, Pointer data, long len, long count, Pointer ends, Pointer updated, Pointer token, long tokenLen);

  static native int fhx_reply_item(Pointer reply, Pointer data, long len);

  static native int fhx_reply_estimate(Pointer reply, long resources, long bytes);

  static native int fhx_source_new(
      fhx_source_callbacks callbacks, long user, PointerByReference made, PointerByReference error);

  static native void fhx_source_free(Pointer source);

  static native int fhx_directory_destination_new(
      fhx_directory_options options, PointerByReference made, PointerByReference error);

  static native int fhx_s3_destination_new(
      fhx_s3_options options, PointerByReference made, PointerByReference error);

  static native void fhx_destination_free(Pointer destination);

  static native int fhx_sqlite_store_new(
      fhx_sqlite_store_options options, PointerByReference made, PointerByReference error);

  static native void fhx_store_free(Pointer store);

  static native int fhx_engine_new(fhx_engine_options options, PointerByReference made, PointerByReference error);

  static native int fhx_engine_handle(
      Pointer engine, fhx_request request, PointerByReference made, PointerByReference error);

  static native int fhx_engine_run(Pointer engine, PointerByReference error);

  static native void fhx_engine_stop(Pointer engine);

  static native void fhx_engine_free(Pointer engine);

  static native int fhx_engine_metrics_new(Pointer engine, PointerByReference made, PointerByReference error);

  static native Pointer fhx_metrics_text(Pointer metrics, LongByReference len);

  static native void fhx_metrics_free(Pointer metrics);

  static native int fhx_response_status(Pointer response);

  static native int fhx_response_header_count(Pointer response);

  static native Pointer fhx_response_header_name(Pointer response, int position);

  static native Pointer fhx_response_header_value(Pointer response, int position);

  static native int fhx_response_read(
      Pointer response, Pointer buffer, long capacity, LongByReference len, PointerByReference error);

  static native void fhx_response_free(Pointer response);

  static String text(Pointer text) {
    return text == null ? "" : text.getString(0, "UTF-8");
  }

  /** A status that is no error; else throws what stands in {@code error}, and frees it. */
  static int check(int status, PointerByReference error) {
    if (status >= 0) {
      return status;
    }
    Pointer known = error.getValue();
    String message = text(fhx_error_message(known));
    boolean retryable = fhx_error_retryable(known) == 1;
    fhx_error_free(known);
    throw new FhirExportException(Status.of(status), message, retryable);
  }
}
