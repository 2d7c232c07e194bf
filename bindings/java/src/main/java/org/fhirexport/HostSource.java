package org.fhirexport;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;

/**
 * A {@link Source} as the library calls it.
 *
 * <p>The functions that C holds are made once and stay for ever. What C holds of an object is a number, under which it
 * stands in a table until C says that it is done with it; so nothing that C may still call is ever collected.
 */
final class HostSource {
  private static final AtomicLong numbers = new AtomicLong();
  private static final Map<Long, HostSource> sources = new ConcurrentHashMap<>();
  private static final Map<Long, Open> cursors = new ConcurrentHashMap<>();

  private final Source source;
  private final BiConsumer<Throwable, String> tell;

  private HostSource(Source source, BiConsumer<Throwable, String> tell) {
    this.source = source;
    this.tell = tell;
  }

  /** A new fhx_source, which the caller frees; {@code tell} gets what it throws that is no answer. */
  static Pointer make(Source source, BiConsumer<Throwable, String> tell) {
    Lib.fhx_source_callbacks callbacks = new Lib.fhx_source_callbacks();
    callbacks.open_cursor = OPEN_CURSOR;
    callbacks.next_rows = NEXT_ROWS;
    callbacks.close_cursor = CLOSE_CURSOR;
    callbacks.destroy = DESTROY;
    callbacks.list_shards = has(source, "listShards", Query.class, int.class) ? LIST_SHARDS : null;
    callbacks.read_resource = has(source, "readResource", Query.class, String.class) ? READ_RESOURCE : null;
    callbacks.group_members =
        has(source, "groupMembers", Query.class, String.class, String.class) ? GROUP_MEMBERS : null;
    callbacks.list_types = has(source, "listTypes") ? LIST_TYPES : null;
    callbacks.count_estimate = has(source, "countEstimate", Query.class) ? COUNT_ESTIMATE : null;
    callbacks.open_patient = has(source, "openPatient", Query.class, String.class) ? OPEN_PATIENT : null;
    long number = numbers.incrementAndGet();
    sources.put(number, new HostSource(source, tell));
    PointerByReference made = new PointerByReference();
    PointerByReference error = new PointerByReference();
    Lib.check(Lib.fhx_source_new(callbacks, number, made, error), error);
    return made.getValue();
  }

  /** Sources and cursors that the library may still call; for tests. */
  static int held() {
    return sources.size() + cursors.size();
  }

  private static boolean has(Source source, String method, Class<?>... parameters) {
    try {
      return source.getClass().getMethod(method, parameters).getDeclaringClass() != Source.class;
    } catch (NoSuchMethodException impossible) {
      throw new AssertionError(impossible);
    }
  }

  /** An open cursor, and the memory in which the library reads its rows until the next call. */
  private static final class Open {
    private final Cursor cursor;
    private final Query query;
    private Memory data;
    private Memory ends;
    private Memory token;

    Open(Cursor cursor, Query query) {
      this.cursor = cursor;
      this.query = query;
    }

    private static Memory room(Memory known, long size) {
      if (known != null && known.size() >= size) {
        return known;
      }
      if (known != null) {
        known.close();
      }
      return new Memory(Math.max(1024, size));
    }

    void answer(long wantBytes, Pointer reply) throws Exception {
      Rows rows = cursor.next(wantBytes);
      if (rows == null) {
        Lib.fhx_reply_end(reply);
      } else if (rows.pause != null) {
        Lib.fhx_reply_wait(reply, Math.max(0, rows.pause.dividedBy(Duration.ofNanos(1000))));
      } else {
        give(rows, reply);
      }
    }

    private void give(Rows rows, Pointer reply) {
      List<byte[]> resources = rows.resources;
      long size = 0;
      for (byte[] one : resources) {
        size += one.length;
      }
      data = room(data, size);
      ends = room(ends, 8L * resources.size());
      long at = 0;
      for (int i = 0; i < resources.size(); i++) {
        byte[] one = resources.get(i);
        data.write(at, one, 0, one.length);
        at += one.length;
        ends.setLong(8L * i, at);
      }
      if (rows.token != null) {
        token = room(token, rows.token.length);
        token.write(0, rows.token, 0, rows.token.length);
      }
      Lib.fhx_reply_rows(reply, data, at, resources.size(), ends, null, rows.token == null ? null : token,
          rows.token == null ? 0 : rows.token.length);
    }

    void end() throws Exception {
      try {
        cursor.close();
      } finally {
        query.end();
        for (Memory one : new Memory[] {data, ends, token}) {
          if (one != null) {
            one.close();
          }
        }
      }
    }
  }

  /** What a callback does, which may throw. */
  private interface Body {
    void run(HostSource host) throws Exception;
  }

  /** Runs a callback. Nothing that it throws gets into C; the reply, if there is one, says that it has failed. */
  private static void guard(long user, String where, Pointer reply, Body body) {
    HostSource host = sources.get(user);
    try {
      body.run(host);
    } catch (Throwable thrown) {
      host.fail(thrown, where, reply);
    }
  }

  private void fail(Throwable thrown, String where, Pointer reply) {
    try (Kept kept = new Kept()) {
      if (thrown instanceof FhirExportException answer && reply != null) {
        String message = String.valueOf(answer.getMessage()).replace('\0', ' ');
        Lib.fhx_reply_fail(reply, answer.status().code(), answer.retryable() ? 1 : 0, kept.text(message));
        return;
      }
      if (reply != null) {
        String message = where + " threw " + thrown.getClass().getSimpleName();
        Lib.fhx_reply_fail(reply, Status.SOURCE.code(), 0, kept.text(message));
      }
      tell.accept(thrown, where);
    } catch (Throwable second) {
      // The reply is a failure already, and there is nobody else to tell.
    }
  }

  private interface Opener {
    Cursor open(Query query) throws Exception;
  }

  private static void open(Pointer asked, Pointer reply, Opener opener) throws Exception {
    Query query = new Query(asked);
    Cursor cursor = null;
    try {
      cursor = opener.open(query);
      int applied = cursor.applied().stream().mapToInt(one -> one.bit).sum();
      long number = numbers.incrementAndGet();
      cursors.put(number, new Open(cursor, query));
      Lib.fhx_reply_handle(reply, number, applied);
    } catch (Throwable thrown) {
      close(cursor, thrown);
      query.end();
      throw thrown;
    }
  }

  /** Closes a cursor that C never had, if there is one. */
  private static void close(Cursor cursor, Throwable because) {
    try {
      if (cursor != null) {
        cursor.close();
      }
    } catch (Throwable second) {
      because.addSuppressed(second);
    }
  }

  private interface Asked<T> {
    T ask(Query query) throws Exception;
  }

  /** Asks with a query that lives only so long. */
  private static <T> T ask(Pointer asked, Asked<T> method) throws Exception {
    Query query = new Query(asked);
    try {
      return method.ask(query);
    } finally {
      query.end();
    }
  }

  private static void items(Pointer reply, List<byte[]> items) {
    for (byte[] item : items) {
      try (Kept kept = new Kept()) {
        Lib.fhx_reply_item(reply, kept.bytes(item), item.length);
      }
    }
    Lib.fhx_reply_done(reply);
  }

  private static void texts(Pointer reply, List<String> texts) {
    items(reply, texts.stream().map(one -> one.getBytes(StandardCharsets.UTF_8)).toList());
  }

  private static <T> T found(T given, String what) {
    if (given == null) {
      throw new FhirExportException(Status.NOT_FOUND, "there is no such " + what);
    }
    return given;
  }

  private static final Lib.OpenCursor OPEN_CURSOR = (user, query, reply) ->
      guard(user, "openCursor", reply, host -> open(query, reply, host.source::openCursor));

  private static final Lib.OpenPatient OPEN_PATIENT = (user, query, patient, reply) ->
      guard(user, "openPatient", reply, host ->
          open(query, reply, made -> host.source.openPatient(made, Lib.text(patient))));

  private static final Lib.NextRows NEXT_ROWS = (user, cursor, wantBytes, reply) ->
      guard(user, "next", reply, host -> cursors.get(cursor).answer(wantBytes, reply));

  private static final Lib.CloseCursor CLOSE_CURSOR = (user, cursor) ->
      guard(user, "close", null, host -> cursors.remove(cursor).end());

  private static final Lib.ListShards LIST_SHARDS = (user, query, countMax, reply) ->
      guard(user, "listShards", reply, host ->
          items(reply, ask(query, made -> host.source.listShards(made, countMax))));

  private static final Lib.ReadResource READ_RESOURCE = (user, query, reference, reply) ->
      guard(user, "readResource", reply, host -> items(reply, Collections.singletonList(found(
          ask(query, made -> host.source.readResource(made, Lib.text(reference))), "resource"))));

  private static final Lib.GroupMembers GROUP_MEMBERS = (user, query, group, after, reply) ->
      guard(user, "groupMembers", reply, host -> texts(reply, found(
          ask(query, made -> host.source.groupMembers(made, Lib.text(group), Lib.text(after))), "Group")));

  private static final Lib.ListTypes LIST_TYPES = (user, reply) ->
      guard(user, "listTypes", reply, host -> texts(reply, host.source.listTypes()));

  private static final Lib.CountEstimate COUNT_ESTIMATE = (user, query, reply) ->
      guard(user, "countEstimate", reply, host -> {
        Source.Estimate estimate = ask(query, host.source::countEstimate);
        Lib.fhx_reply_estimate(reply, estimate.resources(), estimate.bytes());
      });

  private static final Lib.Destroy DESTROY = sources::remove;
}
