package org.fhirexport.hapi;

import ca.uhn.fhir.interceptor.api.Hook;
import ca.uhn.fhir.interceptor.api.Interceptor;
import ca.uhn.fhir.interceptor.api.Pointcut;
import ca.uhn.fhir.rest.server.exceptions.AuthenticationException;
import ca.uhn.fhir.rest.server.exceptions.InternalErrorException;
import ca.uhn.fhir.rest.server.exceptions.UnclassifiedServerFailureException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.function.Function;
import org.fhirexport.Engine;
import org.fhirexport.FhirExportException;
import org.fhirexport.Request;
import org.fhirexport.Response;
import org.hl7.fhir.instance.model.api.IBaseConformance;
import org.hl7.fhir.r4.model.CapabilityStatement;
import org.hl7.fhir.r4.model.CapabilityStatement.CapabilityStatementRestComponent;

/**
 * Hands the requests of $export to the library: kick-offs, status, cancel and files. Everything else is HAPI's.
 *
 * <p>It answers before HAPI has looked at the request, so it asks {@code identify} who it is. Interceptors that
 * authenticate have a lower order, and so come first.
 */
@Interceptor
public final class BulkExportInterceptor {
  /**
   * Who asks: a name for the client, and the types that it may read, null for all.
   *
   * @param context what {@link org.fhirexport.Query#hostContext} gives the source: by it a source says which Groups are
   *     not for them ({@link org.fhirexport.Status#DENIED}). It is stored with the job; no secrets
   */
  public record Caller(String client, Collection<String> permittedTypes, byte[] context) {
    /** One of whom the source is not told. */
    public Caller(String client, Collection<String> permittedTypes) {
      this(client, permittedTypes, new byte[0]);
    }
  }

  private static final String DEFINITION = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/";

  private final Engine engine;
  private final long bodyBytes;
  private final Function<HttpServletRequest, Caller> identify;

  /**
   * The interceptor.
   *
   * @param bodyBytes the engine's limit for bodies
   * @param identify who asks, as the host has found out; null, or one without a name, is answered 401
   */
  public BulkExportInterceptor(Engine engine, long bodyBytes, Function<HttpServletRequest, Caller> identify) {
    this.engine = engine;
    this.bodyBytes = bodyBytes;
    this.identify = identify;
  }

  private static boolean isExport(String segment) {
    try {
      return URLDecoder.decode(segment, StandardCharsets.UTF_8).equals("$export");
    } catch (IllegalArgumentException malformed) {
      return false;
    }
  }

  /** Answers a request under $export; true: it is HAPI's. */
  @Hook(value = Pointcut.SERVER_INCOMING_REQUEST_PRE_PROCESSED, order = 100)
  public boolean answer(HttpServletRequest request, HttpServletResponse response) throws IOException {
    String base = request.getContextPath() + request.getServletPath();
    String path = request.getRequestURI().substring(base.length());
    if (Arrays.stream(path.split("/")).noneMatch(BulkExportInterceptor::isExport)) {
      return true;
    }
    Caller caller = identify.apply(request);
    if (caller == null || caller.client() == null || caller.client().isEmpty()) {
      throw new AuthenticationException("an export needs an access token");
    }
    try (Response answer = engine.handle(asked(request, path, caller))) {
      response.setStatus(answer.status());
      answer.headers().forEach(one -> response.addHeader(one.getKey(), one.getValue()));
      if (!request.getMethod().equals("HEAD")) {
        try (InputStream body = answer.body()) {
          body.transferTo(response.getOutputStream());
        }
      }
    } catch (FhirExportException failure) {
      // Of the host's own mistakes a client sees no more than this.
      String text = "the server cannot answer at present";
      throw failure.retryable() ? new UnclassifiedServerFailureException(503, text) : new InternalErrorException(text);
    }
    return false;
  }

  private Request asked(HttpServletRequest request, String path, Caller caller) throws IOException {
    String query = request.getQueryString();
    Request made = new Request(request.getMethod(), query == null ? path : path + "?" + query)
        .client(caller.client())
        .permittedTypes(caller.permittedTypes())
        .hostContext(caller.context())
        .body(request.getInputStream().readNBytes((int) bodyBytes + 1));
    for (String name : Collections.list(request.getHeaderNames())) {
      Collections.list(request.getHeaders(name)).forEach(value -> made.header(name, value));
    }
    return made;
  }

  /** Tells of it at /metadata. */
  @Hook(Pointcut.SERVER_CAPABILITY_STATEMENT_GENERATED)
  public void describe(IBaseConformance conformance) {
    CapabilityStatement statement = (CapabilityStatement) conformance;
    statement.addInstantiates("http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data");
    CapabilityStatementRestComponent rest = statement.getRestFirstRep();
    rest.addOperation().setName("export").setDefinition(DEFINITION + "export");
    rest.getResource().forEach(one -> {
      if (one.getType().equals("Patient") || one.getType().equals("Group")) {
        one.addOperation().setName("export").setDefinition(DEFINITION + one.getType().toLowerCase() + "-export");
      }
    });
  }
}
