package org.fhirexport;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/**
 * The whole of $export for a FHIR server: answers its requests, and runs the jobs that come of them on threads of its
 * own, the workers. Any thread may use it.
 *
 * <p>{@link #close} parks the jobs, waits for the workers, and frees the engine when all responses are closed. With a
 * {@link Store} in a file the jobs go on at the next start.
 */
public final class Engine extends Handle {
  private final CountDownLatch stopping = new CountDownLatch(1);
  private final List<Thread> workers = new ArrayList<>();
  private final BiConsumer<Throwable, String> tell;

  private Engine(Pointer pointer, int workerCount, BiConsumer<Throwable, String> tell) {
    super(pointer);
    this.tell = tell;
    try {
      for (int i = 0; i < workerCount; i++) {
        Thread worker = new Thread(() -> work(pointer), "fhirexport-worker-" + i);
        worker.setDaemon(true);
        workers.add(worker);
        enter();
      }
      workers.forEach(Thread::start);
    } catch (Throwable thrown) {
      workers.stream().filter(worker -> worker.getState() == Thread.State.NEW).forEach(worker -> leave());
      close();
      throw thrown;
    }
  }

  /**
   * Begins an engine.
   *
   * @param baseUrl the FHIR base as clients see it, without a slash at its end; URLs are built from it alone
   */
  public static Builder builder(Source source, Destination destination, String baseUrl) {
    return new Builder(source, destination, baseUrl);
  }

  @Override
  void free(Pointer pointer) {
    Lib.fhx_engine_free(pointer);
  }

  /** A worker: runs jobs until the engine is stopped. An error says that the store cannot be reached at present. */
  private void work(Pointer pointer) {
    try {
      while (stopping.getCount() > 0) {
        try {
          PointerByReference error = new PointerByReference();
          Lib.check(Lib.fhx_engine_run(pointer, error), error);
          return;
        } catch (Throwable failure) {
          rest(failure);
        }
      }
    } finally {
      leave();
    }
  }

  /** Tells of what run failed with, and waits before the next try. */
  private void rest(Throwable failure) {
    try {
      tell.accept(failure, "run");
    } catch (Throwable second) {
      // There is nobody else to tell.
    }
    try {
      stopping.await(1, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      // Of a source: only stop() ends a worker.
    }
  }

  /**
   * Answers a request under $export: kick-off, poll, cancel, files; and /metadata. Every mistake of the client is a
   * response. An exception says that the host is at fault, or that memory is short.
   */
  public Response handle(Request request) {
    PointerByReference made = new PointerByReference();
    PointerByReference error = new PointerByReference();
    Pointer pointer = enter(); // until the response is closed
    try (Kept kept = new Kept()) {
      Lib.check(Lib.fhx_engine_handle(pointer, request.structure(kept), made, error), error);
      return new Response(made.getValue(), this);
    } catch (Throwable thrown) {
      Lib.fhx_response_free(made.getValue());
      leave();
      throw thrown;
    }
  }

  /** What this engine has counted since it was made, as OpenMetrics text. */
  public String metrics() {
    PointerByReference made = new PointerByReference();
    PointerByReference error = new PointerByReference();
    Pointer pointer = enter();
    try {
      Lib.check(Lib.fhx_engine_metrics_new(pointer, made, error), error);
      return Lib.text(Lib.fhx_metrics_text(made.getValue(), null));
    } finally {
      Lib.fhx_metrics_free(made.getValue());
      leave();
    }
  }

  /** Parks all jobs and ends the workers; requests are still answered. Any thread, also from a source. */
  public void stop() {
    Pointer pointer = enter();
    try {
      stopping.countDown();
      Lib.fhx_engine_stop(pointer);
    } finally {
      leave();
    }
  }

  /** Stops the engine, waits for its workers (not on one of them), and frees it. To close again waits too. */
  @Override
  public void close() {
    try {
      stop();
    } catch (FhirExportException closed) {
      // It was stopped then, and its workers may still run.
    }
    super.close();
    if (workers.contains(Thread.currentThread())) {
      return; // the last of them frees it
    }
    boolean interrupted = false;
    for (Thread worker : workers) {
      while (worker.isAlive()) {
        try {
          worker.join();
        } catch (InterruptedException again) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** The options of an engine. Those that are not named have the library's defaults, which engine.h tells. */
  public static final class Builder {
    private final Lib.fhx_engine_options options = new Lib.fhx_engine_options();
    private final Source source;
    private final Destination destination;
    private final String baseUrl;
    private final List<byte[]> urlKeys = new ArrayList<>();
    private Store store;
    private int workers = 1;
    private BiConsumer<Throwable, String> tell = (thrown, where) ->
        System.getLogger("org.fhirexport").log(System.Logger.Level.ERROR, where + " threw " + placeOf(thrown));

    private Builder(Source source, Destination destination, String baseUrl) {
      this.source = source;
      this.destination = destination;
      this.baseUrl = baseUrl;
      options.helpers = 1;
    }

    /** Class and place of an exception: its text may hold data of patients, but for that of a FhirExportException. */
    private static String placeOf(Throwable thrown) {
      if (thrown instanceof FhirExportException known) {
        return known.status() + ": " + known.getMessage();
      }
      StackTraceElement[] trace = thrown.getStackTrace();
      return thrown.getClass().getName() + (trace.length > 0 ? " at " + trace[0] : "");
    }

    private static long microseconds(Duration time) {
      return time.dividedBy(Duration.ofNanos(1000));
    }

    /** Where jobs are recorded; without one they end with the engine. It needs a {@link #urlKey}. */
    public Builder store(Store made) {
      store = made;
      return this;
    }

    /** A key of at least 32 bytes that signs links to files: the first one given signs, all verify. */
    public Builder urlKey(byte[] key) {
      urlKeys.add(key.clone());
      return this;
    }

    /** Threads that run jobs, and so call the source; 0: this process only answers. 1 if not given. */
    public Builder workers(int count) {
      if (count < 0 || count > 1024) {
        throw new FhirExportException(Status.ARGUMENT, "workers is from 0 to 1,024");
      }
      workers = count;
      return this;
    }

    /** The bytes of a part after which the next one begins. */
    public Builder partBytes(long bytes) {
      options.part_bytes = bytes;
      return this;
    }

    /** The resources of a part after which the next one begins. */
    public Builder partCount(long count) {
      options.part_count = count;
      return this;
    }

    /** How long a worker that died is waited for before another takes its task. */
    public Builder lease(Duration time) {
      options.lease_us = microseconds(time);
      return this;
    }

    /** How long a job waits for writes that were stamped before its time and are not visible yet; zero: it does not. */
    public Builder settle(Duration time) {
      options.settle_us = time.isZero() ? -1 : microseconds(time);
      return this;
    }

    /** How long a job and its files are kept after its end. */
    public Builder keep(Duration time) {
      options.keep_us = microseconds(time);
      return this;
    }

    /** How long a link to a file is good from the poll that gave it. */
    public Builder link(Duration time) {
      options.link_us = microseconds(time);
      return this;
    }

    /** Unfinished jobs in all, and of one client, before a kick-off is answered 429. */
    public Builder jobs(int most, int mostPerClient) {
      options.jobs_max = most;
      options.jobs_per_client_max = mostPerClient;
      return this;
    }

    /** How often a task is tried before its job fails. */
    public Builder attempts(int most) {
      options.attempts_max = most;
      return this;
    }

    /** Into how many shards a type is divided at most. */
    public Builder shards(int most) {
      options.shards_max = most;
      return this;
    }

    /** The longest body of a request; a longer one is answered 413. */
    public Builder bodyBytes(long most) {
      options.body_bytes_max = most;
      return this;
    }

    /** The server's FHIR version: 40 for R4, 43 for R4B, 50 for R5. */
    public Builder fhirVersion(int version) {
      options.fhir_version = version;
      return this;
    }

    /** Parts in gzip. */
    public Builder gzip() {
      options.job_flags |= Lib.JOB_GZIP;
      return this;
    }

    /** Manifests tell the SHA-256 of files. */
    public Builder sha256() {
      options.job_flags |= Lib.JOB_SHA256;
      return this;
    }

    /** Files need the client that exported them, besides their signed link (the manifest's requiresAccessToken). */
    public Builder filesNeedToken() {
      options.flags |= Lib.FILES_NEED_TOKEN;
      return this;
    }

    /** No kick-offs; jobs that are in the store can be polled, fetched and cancelled. */
    public Builder disabled() {
      options.flags |= Lib.DISABLED;
      return this;
    }

    /** A kick-off that asks for what a running job of the same client is made for gets that job's URL. */
    public Builder joinIdentical() {
      options.flags |= Lib.JOIN_IDENTICAL;
      return this;
    }

    /**
     * Is told of what a source throws that is no {@link FhirExportException}, with the name of its method, and of a
     * store that cannot be reached ("run"). Without it class and place, of a {@link FhirExportException} status and
     * message, go to the System.Logger "org.fhirexport".
     */
    public Builder onException(BiConsumer<Throwable, String> handler) {
      tell = handler;
      return this;
    }

    private void keys(Kept kept) {
      options.url_keys = kept.pointers(urlKeys.stream().map(kept::bytes).toList());
      options.url_key_lens = kept.longs(urlKeys.stream().mapToLong(one -> one.length).toArray());
      options.url_key_count = urlKeys.size();
    }

    /** Makes the engine and starts its workers. An exception says which option is missing or wrong. */
    public Engine build() {
      PointerByReference made = new PointerByReference();
      PointerByReference error = new PointerByReference();
      try (Kept kept = new Kept()) {
        options.base_url = kept.text(baseUrl);
        keys(kept);
        options.destination = destination.enter();
        try {
          options.store = store == null ? null : store.enter();
          try {
            options.source = HostSource.make(source, tell);
            try {
              Lib.check(Lib.fhx_engine_new(options, made, error), error);
            } finally {
              Lib.fhx_source_free(options.source);
            }
          } finally {
            if (store != null) {
              store.leave();
            }
          }
        } finally {
          destination.leave();
        }
      }
      return new Engine(made.getValue(), workers, tell);
    }
  }
}
