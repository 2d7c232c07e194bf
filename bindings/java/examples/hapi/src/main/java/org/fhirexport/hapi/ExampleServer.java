package org.fhirexport.hapi;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.interceptor.api.Hook;
import ca.uhn.fhir.interceptor.api.Interceptor;
import ca.uhn.fhir.interceptor.api.Pointcut;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.exceptions.AuthenticationException;
import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.fhirexport.Destination;
import org.fhirexport.Engine;
import org.fhirexport.Source;
import org.fhirexport.Store;
import org.hl7.fhir.r4.model.DomainResource;
import org.hl7.fhir.r4.model.Group;
import org.hl7.fhir.r4.model.Observation;
import org.hl7.fhir.r4.model.Patient;
import org.hl7.fhir.r4.model.Reference;

/**
 * A HAPI FHIR server with made-up resources in memory, whose $export is the library's.
 *
 * <p>Usage: ExampleServer FOLDER [PORT]. The folder gets the files and the record of jobs. It listens on 127.0.0.1;
 * port 0, or none, is a free one. Whoever asks says {@code Authorization: Bearer NAME}; any name is believed here.
 */
public final class ExampleServer implements AutoCloseable {
  private static final long BODY_BYTES = 1 << 20;
  private static final String CLIENT = ExampleServer.class.getName() + ".client";

  private final Server server;
  private final Engine engine;
  private final int port;

  /** Authenticates all requests of the server, $export among them. */
  @Interceptor
  public static final class Authentication {
    /** Lets nobody in who says no name. A real one verifies the token. */
    @Hook(value = Pointcut.SERVER_INCOMING_REQUEST_PRE_PROCESSED, order = 0)
    public void authenticate(HttpServletRequest request) {
      String given = request.getHeader("Authorization");
      if (given == null || !given.matches("Bearer \\w+")) {
        throw new AuthenticationException("a request needs an access token");
      }
      request.setAttribute(CLIENT, given.substring(7));
    }
  }

  /** Starts it. {@code wrap} may put a source of its own around the server's. */
  public ExampleServer(Path folder, int wantedPort, UnaryOperator<Source> wrap) throws Exception {
    FhirContext context = FhirContext.forR4();
    Map<String, MemoryProvider<?>> providers = resources();
    RestfulServer hapi = new RestfulServer(context);
    hapi.setResourceProviders(List.copyOf(providers.values()));

    server = new Server();
    ServerConnector connector = new ServerConnector(server);
    connector.setHost("127.0.0.1");
    connector.setPort(wantedPort);
    server.addConnector(connector);
    connector.open();
    port = connector.getLocalPort();

    Source source = wrap.apply(new ProviderSource(context, providers));
    Path files = Files.createDirectories(folder.resolve("files"));
    try (Destination destination = Destination.directory(files);
        Store store = Store.sqlite(folder.resolve("jobs.db"))) {
      engine = Engine.builder(source, destination, "http://127.0.0.1:" + port + "/fhir")
          .store(store)
          .urlKey(key(folder.resolve("url.key")))
          .workers(2)
          .partCount(100)
          .bodyBytes(BODY_BYTES)
          .settle(Duration.ofMillis(20))
          .filesNeedToken()
          .build();
    }
    hapi.registerInterceptor(new Authentication());
    hapi.registerInterceptor(new BulkExportInterceptor(engine, BODY_BYTES, request -> {
      String client = (String) request.getAttribute(CLIENT);
      if (client == null) {
        return null;
      }
      // The types that a client may read would come from its scopes. The context tells the source who asks.
      return new BulkExportInterceptor.Caller(client, null, client.getBytes(StandardCharsets.UTF_8));
    }));

    ServletContextHandler handler = new ServletContextHandler();
    handler.addServlet(new ServletHolder(hapi), "/fhir/*");
    server.setHandler(handler);
    server.start();
  }

  /** The key that signs links to files: made once, and kept, so that links outlive the process. */
  private static byte[] key(Path file) throws Exception {
    if (!Files.exists(file)) {
      byte[] made = new byte[32];
      new SecureRandom().nextBytes(made);
      Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.write(file, made);
    }
    return Files.readAllBytes(file);
  }

  private static <T extends DomainResource> T stamped(T resource, String id, int minutes) {
    resource.setId(id);
    resource.getMeta().setLastUpdated(Date.from(Instant.parse("2024-01-01T00:00:00Z").plusSeconds(60L * minutes)));
    return resource;
  }

  /** 120 patients with three observations each, and a Group of every tenth patient. */
  private static Map<String, MemoryProvider<?>> resources() {
    MemoryProvider<Patient> patients = new MemoryProvider<>(Patient.class);
    MemoryProvider<Observation> observations = new MemoryProvider<>(Observation.class);
    MemoryProvider<Group> groups = new MemoryProvider<>(Group.class);
    Group tenth = new Group().setType(Group.GroupType.PERSON).setActual(true);
    for (int i = 0; i < 120; i++) {
      Reference reference = new Reference("Patient/patient-" + i);
      patients.put(stamped(new Patient().setActive(true), "patient-" + i, i));
      for (int j = 0; j < 3; j++) {
        Observation observation = new Observation().setStatus(Observation.ObservationStatus.FINAL);
        observation.setSubject(reference).getCode().setText("made up");
        observations.put(stamped(observation, "observation-" + i + "-" + j, i));
      }
      if (i % 10 == 0) {
        tenth.addMember().setEntity(reference);
      }
    }
    groups.put(stamped(tenth, "tenth", 0));
    return Map.of("Patient", patients, "Observation", observations, "Group", groups);
  }

  /** Where it listens. */
  public int port() {
    return port;
  }

  /** Ends the server, then the engine, which parks its jobs. */
  @Override
  public void close() throws Exception {
    try {
      server.stop();
    } finally {
      engine.close();
    }
  }

  /** Starts one and says where; it ends cleanly by SIGTERM or Ctrl-C. */
  public static void run(Path folder, int port, UnaryOperator<Source> wrap) throws Exception {
    ExampleServer running = new ExampleServer(folder, port, wrap);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        running.close();
        System.out.println("closed");
      } catch (Exception failure) {
        System.out.println("it did not end cleanly: " + failure);
      }
    }));
    System.out.println("listens on http://127.0.0.1:" + running.port() + "/fhir");
    running.server.join();
  }

  /** See above. */
  public static void main(String[] arguments) throws Exception {
    int port = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 0;
    run(Path.of(arguments[0]), port, UnaryOperator.identity());
  }
}
