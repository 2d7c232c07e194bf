package org.fhirexport;

import ca.uhn.fhir.rest.server.exceptions.AuthenticationException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.fhirexport.hapi.BulkExportInterceptor;
import org.fhirexport.hapi.BulkExportInterceptor.Caller;

/** The binding without HTTP. Each method {@code test...} is a test; main runs them all. */
public final class BindingTest {
  private static final String BASE = "https://fhir.example.org/r4";
  private static final long WAIT_SECONDS = 300;
  private static Path work;

  private BindingTest() {}

  // What the tests share.

  private static void need(boolean holds, Object what) {
    if (!holds) {
      throw new AssertionError(String.valueOf(what));
    }
  }

  private static void same(Object wanted, Object found) {
    need(wanted.equals(found), "wanted " + wanted + ", found " + found);
  }

  private static void until(BooleanSupplier holds, String what) throws InterruptedException {
    for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS); !holds.getAsBoolean(); ) {
      need(System.nanoTime() < end, what + " did not come");
      Thread.sleep(10);
    }
  }

  private interface Action {
    void run() throws Exception;
  }

  private static FhirExportException refused(Status status, Action action) throws Exception {
    try {
      action.run();
    } catch (FhirExportException failure) {
      same(status, failure.status());
      return failure;
    }
    throw new AssertionError("it was not refused with " + status);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] patient(String id) {
    return utf8("{\"resourceType\":\"Patient\",\"id\":\"" + id + "\"}");
  }

  private static Engine.Builder engine(Source source, Destination destination) {
    return Engine.builder(source, destination, BASE).settle(Duration.ZERO);
  }

  private static Destination folder() throws IOException {
    return Destination.directory(Files.createTempDirectory(work, "files"));
  }

  private static Request get(String target) {
    return new Request("GET", target).header("Accept", "application/fhir+json").header("Prefer", "respond-async");
  }

  private static String body(Response response) throws IOException {
    return new String(response.body().readAllBytes(), StandardCharsets.UTF_8);
  }

  private static String kickOff(Engine engine, Request request) throws IOException {
    try (Response response = engine.handle(request)) {
      need(response.status() == 202, response.status() + body(response));
      return response.header("content-location").substring(BASE.length());
    }
  }

  private record Answer(int status, String body) {}

  private static Answer ask(Engine engine, String target) throws IOException {
    try (Response response = engine.handle(new Request("GET", target))) {
      return new Answer(response.status(), body(response));
    }
  }

  /** Polls until the job has ended. */
  private static Answer end(Engine engine, String job) throws Exception {
    AtomicReference<Answer> last = new AtomicReference<>();
    until(() -> {
      try {
        last.set(ask(engine, job));
      } catch (IOException impossible) {
        throw new AssertionError(impossible);
      }
      return last.get().status() != 202 && last.get().status() != 429;
    }, "the end of the job");
    return last.get();
  }

  /** The lines of all files of a manifest. */
  private static List<String> lines(Engine engine, String manifest) throws IOException {
    List<String> found = new ArrayList<>();
    Matcher link = Pattern.compile("\"url\":\"" + Pattern.quote(BASE) + "([^\"]+)\"").matcher(manifest);
    while (link.find()) {
      Answer file = ask(engine, link.group(1));
      same(200, file.status());
      found.addAll(Arrays.asList(file.body().split("\n")));
    }
    Collections.sort(found);
    return found;
  }

  private static List<String> exported(Engine engine, String target) throws Exception {
    Answer answer = end(engine, kickOff(engine, get(target)));
    need(answer.status() == 200, answer);
    return lines(engine, answer.body());
  }

  private static List<String> patients(int count) {
    TreeSet<String> made = new TreeSet<>();
    for (int i = 0; i < count; i++) {
      made.add(new String(patient("p" + i), StandardCharsets.UTF_8));
    }
    return List.copyOf(made);
  }

  private static Cursor of(int count) {
    return Cursor.over(patients(count).stream().map(BindingTest::utf8).iterator(), Applied.TYPE);
  }

  // Tests.

  static void testOneMethodIsASource() throws Exception {
    try (Destination destination = folder();
        Engine engine = engine(query -> of(2000), destination).partCount(300).workers(3).build()) {
      same(patients(2000), exported(engine, "/$export?_type=Patient"));
      need(engine.metrics().contains("# EOF"), engine.metrics());
      // Without listTypes an export names its types.
      try (Response response = engine.handle(get("/$export"))) {
        same(400, response.status());
      }
    }
  }

  static void testPost() throws Exception {
    try (Destination destination = folder(); Engine engine = engine(query -> of(3), destination).sha256().build()) {
      String parameters = "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"_type\",\"valueString\":\"Patient\"}]}";
      Request request = new Request("POST", "/$export").header("Accept", "application/fhir+json")
          .header("Prefer", "respond-async").header("Content-Type", "application/fhir+json").body(utf8(parameters));
      String manifest = end(engine, kickOff(engine, request)).body();
      need(manifest.contains("sha256"), manifest);
      same(patients(3), lines(engine, manifest));
    }
  }

  /** Answers for everything, and notes what it was asked. */
  private static final class Curious implements Source {
    final List<String> heard = Collections.synchronizedList(new ArrayList<>());

    @Override
    public List<String> listTypes() {
      return List.of("Patient", "Observation", "Group");
    }

    @Override
    public Estimate countEstimate(Query query) {
      return new Estimate(10, 1L << 40);
    }

    @Override
    public List<byte[]> listShards(Query query, int countMax) {
      return query.resourceType().equals("Patient") ? List.of(utf8("0"), utf8("1")) : List.of();
    }

    @Override
    public byte[] readResource(Query query, String reference) {
      return reference.equals("Patient/p1") ? patient("p1") : null;
    }

    @Override
    public List<String> groupMembers(Query query, String groupId, String after) {
      if (groupId.equals("secret")) {
        throw new FhirExportException(Status.DENIED, "not for you");
      }
      if (!groupId.equals("odd")) {
        return null;
      }
      return after.isEmpty() ? List.of("Patient/p1", "Patient/p3") : List.of();
    }

    @Override
    public Cursor openCursor(Query query) throws Exception {
      refused(Status.ARGUMENT, () -> query.patients(-1, 1));
      refused(Status.ARGUMENT, () -> query.patients(0, -1));
      List<byte[]> rows = new ArrayList<>();
      Optional<String> shard = query.shard().map(one -> new String(one, StandardCharsets.UTF_8));
      for (int i = 0; i < 10 && query.resourceType().equals("Patient"); i++) {
        if (shard.isEmpty() || Integer.parseInt(shard.get()) == i / 5) {
          rows.add(patient("p" + i));
        }
      }
      heard.add(query.resourceType() + " " + shard.orElse("-") + " " + query.tenant() + " "
          + new String(query.hostContext(), StandardCharsets.UTF_8) + " " + query.since().orElse(null) + " "
          + query.until().isPresent() + " " + query.searches() + " " + query.scope()
          + (query.scope() != Query.Scope.PATIENT_SET ? ""
              : " " + query.patientCount() + query.patients(0, Integer.MAX_VALUE) + query.patients(2, 10)
                  + query.isPatient("p1") + query.isPatient("p2")));
      need(!query.asOf().isAfter(Instant.now().plusSeconds(60)), query.asOf());
      need(query.token().isEmpty(), "a token that was never given");
      return Cursor.over(rows.iterator());
    }

    @Override
    public Cursor openPatient(Query query, String patientId) {
      heard.add("patient " + patientId + " " + query.wantsType("Observation") + query.wantsType("Encounter"));
      return Cursor.over(List.of(utf8("{\"resourceType\":\"Observation\",\"id\":\"o" + patientId
          + "\",\"subject\":{\"reference\":\"Patient/" + patientId + "\"}}")).iterator());
    }
  }

  static void testWhatAQueryTells() throws Exception {
    Curious source = new Curious();
    try (Destination destination = folder(); Engine engine = engine(source, destination).shards(2).build()) {
      Request request = get("/$export?_type=Patient&_since=2024-01-01T00:00:00.5Z&_typeFilter=Patient%3Factive%3Dtrue")
          .tenant("north").client("c").hostContext(utf8("\u00e9\u20ac"));
      String job = kickOff(engine, request);
      until(() -> {
        try (Response response = engine.handle(new Request("GET", job).tenant("north").client("c"))) {
          return response.status() == 200;
        }
      }, "the end of the job");
      same(404, ask(engine, job).status()); // somebody else's
      for (String shard : List.of("0", "1")) {
        String wanted = "Patient " + shard + " north \u00e9\u20ac 2024-01-01T00:00:00.500Z false "
            + "[Patient?active=true] ALL";
        need(source.heard.contains(wanted), wanted + " is not in " + source.heard);
      }
    }
  }

  static void testGroupsAndPatients() throws Exception {
    Curious source = new Curious();
    try (Destination destination = folder(); Engine engine = engine(source, destination).build()) {
      List<String> wanted = patients(10).stream().filter(one -> one.contains("p1") || one.contains("p3")).toList();
      same(wanted, exported(engine, "/Group/odd/$export?_type=Patient"));
      need(source.heard.stream().anyMatch(one -> one.endsWith(" PATIENT_SET 2[p1, p3][]truefalse")), source.heard);
      for (String refused : List.of("absent", "secret")) {
        try (Response response = engine.handle(get("/Group/" + refused + "/$export"))) {
          need(response.status() == 404 || response.status() == 403, refused + response.status());
          need(body(response).contains("OperationOutcome"), refused);
        }
      }
      List<String> organised =
          exported(engine, "/Group/odd/$export?_type=Patient,Observation&organizeOutputBy=Patient");
      need(organised.containsAll(wanted) && organised.stream().filter(one -> one.contains("\"op")).count() == 2,
          organised);
      need(source.heard.contains("patient p1 truefalse"), source.heard);
    }
  }

  static void testPermittedTypes() throws Exception {
    try (Destination destination = folder(); Engine engine = engine(new Curious(), destination).build()) {
      try (Response response = engine.handle(get("/$export?_type=Patient").permittedTypes(List.of("Observation")))) {
        need(response.status() == 400 || response.status() == 403, response.status());
      }
      try (Response response = engine.handle(get("/$export?_type=Patient").permittedTypes(List.of("Patient")))) {
        same(202, response.status());
      }
    }
  }

  static void testTokens() throws Exception {
    AtomicInteger failures = new AtomicInteger();
    ConcurrentLinkedQueue<Integer> begun = new ConcurrentLinkedQueue<>();
    Source source = query -> {
      AtomicInteger next = new AtomicInteger(query.token().map(one -> (int) one[0]).orElse(0));
      begun.add(next.get());
      return wantBytes -> {
        if (next.get() == 3 && failures.incrementAndGet() == 1) {
          throw new FhirExportException(Status.SOURCE, "busy", true);
        }
        int now = next.getAndIncrement();
        return now == 5 ? null : Rows.of(List.of(patient("p" + now)), new byte[] {(byte) (now + 1)});
      };
    };
    try (Destination destination = folder(); Engine engine = engine(source, destination).partCount(1).build()) {
      same(patients(5), exported(engine, "/$export?_type=Patient"));
      // At most the open part is read again.
      int first = begun.remove();
      need(first == 0 && begun.size() == 1 && begun.peek() > 0, first + " and " + begun);
    }
  }

  static void testFailures() throws Exception {
    AtomicReference<Throwable> thrown = new AtomicReference<>(new FhirExportException(Status.SOURCE, "caf\u00e9 closed"));
    ConcurrentLinkedQueue<String> told = new ConcurrentLinkedQueue<>();
    Source source = query -> wantBytes -> {
      if (thrown.get() instanceof Error error) {
        throw error;
      }
      throw (Exception) thrown.get();
    };
    try (Destination destination = folder(); Engine engine = engine(source, destination)
        .onException((failure, where) -> {
          told.add(where + " " + failure.getMessage());
          throw new IllegalStateException("nobody sees this");
        }).build()) {
      Answer answer = end(engine, kickOff(engine, get("/$export?_type=Patient")));
      need(answer.status() == 500 && answer.body().contains("caf\u00e9 closed"), answer);
      need(told.isEmpty(), told);
      for (Throwable one : List.of(new IOException("secret"), new StackOverflowError("secret"))) {
        thrown.set(one);
        answer = end(engine, kickOff(engine, get("/$export?_type=Patient")));
        need(answer.status() == 500 && answer.body().contains("next threw " + one.getClass().getSimpleName()), answer);
        need(!answer.body().contains("secret"), answer);
        same("next secret", told.poll());
      }
    }
  }

  /** What a FhirExportException says may stand in the log, of anything else only the class. */
  static void testLog() throws Exception {
    List<String> logged = Collections.synchronizedList(new ArrayList<>());
    AtomicReference<Exception> thrown = new AtomicReference<>();
    Handler handler = new Handler() {
      @Override
      public void publish(LogRecord one) {
        logged.add(one.getMessage());
      }

      @Override
      public void flush() {}

      @Override
      public void close() {}
    };
    Logger logger = Logger.getLogger("org.fhirexport");
    logger.addHandler(handler);
    logger.setUseParentHandlers(false);
    try {
      for (Exception one : List.of(new FhirExportException(Status.IO, "it is gone"), new IOException("secret"))) {
        thrown.set(one);
        try (Destination destination = folder(); Engine engine = engine(query -> new Cursor() {
              @Override
              public Rows next(long wantBytes) {
                return null;
              }

              @Override
              public void close() throws Exception {
                throw thrown.get();
              }
            }, destination).build()) {
          exported(engine, "/$export?_type=Patient");
        }
      }
    } finally {
      logger.setUseParentHandlers(true);
      logger.removeHandler(handler);
    }
    need(logged.contains("close threw IO: it is gone"), logged);
    need(logged.stream().anyMatch(one -> one.startsWith("close threw java.io.IOException at ")), logged);
    need(!logged.toString().contains("secret"), logged);
  }

  static void testBadResources() throws Exception {
    Source source = query ->
        Cursor.over(List.of(patient("p0"), utf8("no JSON"), new byte[] {'{', (byte) 0xff}, patient("p1")).iterator());
    try (Destination destination = folder(); Engine engine = engine(source, destination).build()) {
      Answer answer = end(engine, kickOff(engine, get("/$export?_type=Patient")));
      List<String> lines = lines(engine, answer.body());
      need(lines.containsAll(patients(2)), lines);
      same(2L, lines.stream().filter(one -> one.contains("OperationOutcome")).count());
    }
  }

  /** What C holds lives, whatever the collector does; and goes when C is done with it. */
  static void testLifetimes() throws Exception {
    AtomicInteger closed = new AtomicInteger();
    int before = HostSource.held();
    try (Destination destination = folder(); Store store = Store.sqlite(work.resolve("lifetimes.db"))) {
      Engine.Builder builder = engine(query -> {
        AtomicInteger next = new AtomicInteger();
        return new Cursor() {
          @Override
          public Rows next(long wantBytes) {
            System.gc();
            int now = next.getAndIncrement();
            // Rows of very different sizes, so that their memory is made anew.
            List<byte[]> rows = new ArrayList<>();
            for (int i = 0; i < 1 << now; i++) {
              rows.add(patient("p" + ((1 << now) + i - 1)));
            }
            return now == 10 ? null : Rows.of(rows);
          }

          @Override
          public Set<Applied> applied() {
            return Set.of(Applied.TYPE);
          }

          @Override
          public void close() {
            closed.incrementAndGet();
          }
        };
      }, destination).store(store).urlKey(new byte[32]);
      try (Engine engine = builder.build()) {
        destination.close();
        store.close();
        builder = null;
        System.gc();
        same(patients(1023), exported(engine, "/$export?_type=Patient"));
      }
    }
    need(closed.get() >= 1, "no cursor was closed");
    same(before, HostSource.held());
  }

  /** A cursor that does not say what it applies is closed, before its query ends. */
  static void testCursorsThatDoNotOpen() throws Exception {
    for (Set<Applied> said : Arrays.<Set<Applied>>asList(null, Collections.singleton(null))) {
      ConcurrentLinkedQueue<String> closed = new ConcurrentLinkedQueue<>();
      try (Destination destination = folder(); Engine engine = engine(query -> new Cursor() {
            @Override
            public Rows next(long wantBytes) {
              return null;
            }

            @Override
            public Set<Applied> applied() {
              return said;
            }

            @Override
            public void close() {
              closed.add(query.resourceType());
              throw new IllegalStateException("nobody sees this");
            }
          }, destination).onException((failure, where) -> {}).build()) {
        Answer answer = end(engine, kickOff(engine, get("/$export?_type=Patient")));
        need(answer.status() == 500 && answer.body().contains("openCursor threw NullPointerException"), answer);
      }
      same(List.of("Patient"), List.copyOf(closed));
    }
  }

  /** A proxy has all methods, those that its source does not override among them. */
  static void testProxies() throws Exception {
    Source given = query -> of(3);
    Source proxy = (Source) Proxy.newProxyInstance(Source.class.getClassLoader(), new Class<?>[] {Source.class},
        (self, method, arguments) -> method.isDefault()
            ? InvocationHandler.invokeDefault(self, method, arguments) : method.invoke(given, arguments));
    try (Destination destination = folder(); Engine engine = engine(proxy, destination).shards(2).build()) {
      same(patients(3), exported(engine, "/$export?_type=Patient"));
    }
  }

  static void testQueriesEnd() throws Exception {
    AtomicReference<Query> kept = new AtomicReference<>();
    try (Destination destination = folder(); Engine engine = engine(query -> {
          kept.set(query);
          return of(1);
        }, destination).build()) {
      exported(engine, "/$export?_type=Patient");
    }
    refused(Status.MISUSE, () -> kept.get().resourceType());
  }

  static void testClosedFromASource() throws Exception {
    AtomicReference<Engine> engine = new AtomicReference<>();
    CountDownLatch made = new CountDownLatch(1);
    CountDownLatch over = new CountDownLatch(1);
    int before = HostSource.held();
    try (Destination destination = folder()) {
      engine.set(engine(query -> {
        made.await();
        engine.get().close();
        over.countDown();
        return of(1);
      }, destination).workers(2).build());
      kickOff(engine.get(), get("/$export?_type=Patient"));
      made.countDown();
      need(over.await(WAIT_SECONDS, TimeUnit.SECONDS), "close() in a source does not return");
      until(() -> HostSource.held() == before, "the end of the engine");
      refused(Status.MISUSE, () -> engine.get().handle(get("/$export")));
      engine.get().close();
    }
  }

  /** To close again waits for a worker that is still in a source. */
  static void testClosedAgain() throws Exception {
    AtomicReference<Engine> engine = new AtomicReference<>();
    AtomicReference<Thread> worker = new AtomicReference<>();
    CountDownLatch made = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    try (Destination destination = folder()) {
      engine.set(engine(query -> {
        made.await();
        engine.get().close();
        worker.set(Thread.currentThread());
        closed.countDown();
        released.await();
        return of(1);
      }, destination).build());
      kickOff(engine.get(), get("/$export?_type=Patient"));
      made.countDown();
      need(closed.await(WAIT_SECONDS, TimeUnit.SECONDS), "close() in a source does not return");
      Thread again = new Thread(() -> engine.get().close());
      again.start();
      until(() -> again.getState() == Thread.State.WAITING || !again.isAlive(), "the wait for the worker");
      boolean waits = again.isAlive();
      released.countDown();
      again.join(TimeUnit.SECONDS.toMillis(WAIT_SECONDS));
      need(waits && !again.isAlive() && !worker.get().isAlive(), "to close again does not wait for the worker");
    }
  }

  static void testResponsesOutliveTheEngine() throws Exception {
    int before = HostSource.held();
    Response response;
    try (Destination destination = folder(); Engine engine = engine(query -> of(1), destination).build()) {
      response = engine.handle(get("/metadata"));
    }
    same(before + 1, HostSource.held());
    need(body(response).contains("CapabilityStatement"), "the body is gone");
    response.close();
    response.close();
    same(before, HostSource.held());
    refused(Status.MISUSE, () -> {
      try {
        response.body().read();
      } catch (IOException failure) {
        throw (FhirExportException) failure.getCause();
      }
    });
  }

  static void testParkedAndGoneOnWith() throws Exception {
    CountDownLatch waits = new CountDownLatch(1);
    Path file = work.resolve("parked.db");
    String job;
    try (Destination destination = folder(); Store store = Store.sqlite(file)) {
      try (Engine engine = engine(query -> wantBytes -> {
            waits.countDown();
            return Rows.later(Duration.ofMillis(5));
          }, destination).store(store).urlKey(new byte[32]).build()) {
        job = kickOff(engine, get("/$export?_type=Patient"));
        need(waits.await(WAIT_SECONDS, TimeUnit.SECONDS), "nothing was asked of the source");
        same(202, ask(engine, job).status());
      }
      try (Engine engine = engine(query -> of(7), destination).store(store).urlKey(new byte[32]).build()) {
        same(patients(7), lines(engine, end(engine, job).body()));
      }
    }
  }

  static void testMistakes() throws Exception {
    int before = HostSource.held();
    FhirExportException failure =
        refused(Status.NOT_FOUND, () -> Destination.directory(work.resolve("absent")).close());
    need(!failure.getMessage().isEmpty() && !failure.retryable(), failure);
    refused(Status.STORE, () -> Store.sqlite(work).close());
    try (Destination destination = folder(); Store store = Store.sqlite(work.resolve("mistakes.db"))) {
      Source source = query -> of(1);
      refused(Status.ARGUMENT, () -> Engine.builder(source, destination, "not a URL").build());
      refused(Status.ARGUMENT, () -> engine(source, destination).store(store).build()); // no key
      refused(Status.ARGUMENT, () -> engine(source, destination).store(store).urlKey(new byte[31]).build());
      refused(Status.ARGUMENT, () -> engine(source, destination).workers(-1));
      refused(Status.ARGUMENT, () -> Engine.builder(source, destination, "https://a/\0b").build());
      try (Engine engine = engine(source, destination).workers(0).disabled().build()) {
        refused(Status.ARGUMENT, () -> engine.handle(get("/$export").client("a\0b")));
        try (Response response = engine.handle(get("/$export"))) {
          same(400, response.status());
        }
      }
      destination.close();
      refused(Status.MISUSE, () -> engine(source, destination).build());
    }
    same(before, HostSource.held());
  }

  /** A source that has nothing yet. */
  private static Cursor never(Query query) {
    return wantBytes -> Rows.later(Duration.ofMillis(20));
  }

  static void testLimitsAndJoins() throws Exception {
    try (Destination destination = folder();
        Engine one = engine(BindingTest::never, destination).jobs(3, 1).build();
        Engine joined = engine(BindingTest::never, destination).joinIdentical().bodyBytes(10).build()) {
      Request request = get("/$export?_type=Patient").client("a");
      String job = kickOff(one, request);
      try (Response response = one.handle(request)) {
        same(429, response.status());
      }
      kickOff(one, get("/$export?_type=Patient").client("b"));
      same(kickOff(joined, request), kickOff(joined, request));
      try (Response response = joined.handle(new Request("POST", "/$export").body(new byte[11]))) {
        same(413, response.status());
      }
      try (Response response = one.handle(new Request("DELETE", job).client("c"))) {
        same(404, response.status());
      }
      try (Response response = one.handle(new Request("DELETE", job).client("c").operator())) {
        same(202, response.status());
      }
    }
  }

  static void testOptions() throws Exception {
    Source source = query -> wantBytes -> {
      throw new FhirExportException(Status.SOURCE, "busy", true);
    };
    try (Destination destination = folder();
        Engine once = engine(source, destination).attempts(1).lease(Duration.ofSeconds(30)).build()) {
      Answer answer = end(once, kickOff(once, get("/$export?_type=Patient")));
      need(answer.status() == 500 && answer.body().contains("busy"), answer);
    }
    try (Destination destination = folder();
        Engine engine = engine(query -> of(9), destination).gzip().partBytes(100).keep(Duration.ofHours(40))
            .link(Duration.ofHours(30)).fhirVersion(43).filesNeedToken().build()) {
      String elsewhere = "https://other.example.org/r4b";
      String job;
      try (Response response = engine.handle(get("/$export?_type=Patient").baseUrl(elsewhere).client("a"))) {
        job = response.header("Content-Location").substring(elsewhere.length());
      }
      AtomicReference<Answer> last = new AtomicReference<>();
      until(() -> {
        try (Response response = engine.handle(new Request("GET", job).client("a"))) {
          last.set(new Answer(response.status(), body(response)));
        } catch (IOException impossible) {
          throw new AssertionError(impossible);
        }
        return last.get().status() == 200;
      }, "the end of the job");
      String manifest = last.get().body();
      need(manifest.contains("\"requiresAccessToken\":true"), manifest);
      Matcher link = Pattern.compile("\"url\":\"" + BASE + "([^\"]+[?]expires=(\\d+)[^\"]+)\"").matcher(manifest);
      need(link.find(), manifest);
      Duration left = Duration.between(Instant.now(), Instant.ofEpochSecond(Long.parseLong(link.group(2))));
      need(left.toHours() >= 25 && left.toHours() <= 30, left);
      Request request = new Request("GET", link.group(1)).header("Accept-Encoding", "gzip").client("a");
      try (Response response = engine.handle(request)) {
        same("gzip", response.header("Content-Encoding"));
        String text = new String(new GZIPInputStream(response.body()).readAllBytes(), StandardCharsets.UTF_8);
        need(text.startsWith(patients(9).get(0)) && text.length() <= 100, text);
      }
      need(ask(engine, "/metadata").body().contains("\"4.3.0\""), "another version of FHIR");
    }
  }

  static void testBucket() throws Exception {
    refused(Status.ARGUMENT, () -> Destination.s3(new S3("")).close());
    try (Bucket bucket = new Bucket();
        Destination destination = Destination.s3(new S3("clinic").prefix("exports").region("eu-north-1")
            .endpoint(bucket.url()).credentials("AKID", "secret", null).encryption("AES256", null));
        Engine engine = engine(query -> of(5), destination).build()) {
      String manifest = end(engine, kickOff(engine, get("/$export?_type=Patient"))).body();
      Matcher link = Pattern.compile("\"url\":\"(" + bucket.url() + "/clinic/exports/[^\"]+)\"").matcher(manifest);
      need(link.find(), manifest);
      try (InputStream file = URI.create(link.group(1)).toURL().openStream()) {
        same(String.join("\n", patients(5)) + "\n", new String(file.readAllBytes(), StandardCharsets.UTF_8));
      }
      need(bucket.mistakes.isEmpty(), bucket.mistakes);
    }
  }

  /** A request as far as the interceptor looks before it knows who asks. */
  private static HttpServletRequest request(String path) {
    Map<String, String> answers =
        Map.of("getContextPath", "", "getServletPath", "/fhir", "getRequestURI", "/fhir" + path);
    return (HttpServletRequest) Proxy.newProxyInstance(BindingTest.class.getClassLoader(),
        new Class<?>[] {HttpServletRequest.class}, (self, method, arguments) -> answers.get(method.getName()));
  }

  /** Who has no name gets no export, however it is spelt; everything else is HAPI's. */
  static void testInterceptor() throws Exception {
    for (Caller caller : Arrays.asList(null, new Caller(null, null), new Caller("", null))) {
      BulkExportInterceptor interceptor = new BulkExportInterceptor(null, 0, asked -> caller);
      for (String path : List.of("/$export", "/Patient/%24export", "/$%65xport/x")) {
        try {
          interceptor.answer(request(path), null);
        } catch (AuthenticationException refused) {
          continue;
        }
        throw new AssertionError(path + " is open to " + caller);
      }
      for (String path : List.of("/", "/Patient/$everything", "/%2524export", "/%zz")) {
        need(interceptor.answer(request(path), null), path);
      }
    }
  }

  private static void remove(Path folder) throws IOException {
    try (var all = Files.walk(folder)) {
      for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(one);
      }
    }
  }

  /** No arguments; says which tests have failed, and ends with 1 if any has. */
  public static void main(String[] arguments) throws Exception {
    work = Files.createTempDirectory("fhx-java");
    int failed = 0;
    int run = 0;
    for (Method method : BindingTest.class.getDeclaredMethods()) {
      if (!method.getName().startsWith("test")) {
        continue;
      }
      run++;
      try {
        method.invoke(null);
      } catch (InvocationTargetException failure) {
        failed++;
        System.out.println(method.getName() + " FAILED");
        failure.getCause().printStackTrace(System.out);
      }
    }
    remove(work);
    System.out.println(run + " tests run, " + failed + " failed");
    System.exit(failed == 0 && run > 0 ? 0 : 1);
  }
}
