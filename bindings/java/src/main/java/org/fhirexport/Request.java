package org.fhirexport;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** One HTTP request for an {@link Engine}. */
public final class Request {
  private final String method;
  private final String target;
  private final List<String> headers = new ArrayList<>();
  private byte[] body = new byte[0];
  private String baseUrl;
  private String tenant = "";
  private String client = "";
  private Collection<String> permittedTypes;
  private byte[] hostContext = new byte[0];
  private boolean operator;

  /**
   * A request.
   *
   * @param method "GET", "HEAD", "POST", "DELETE", ...
   * @param target path and query behind the FHIR base, as sent, not decoded: "/$export?_type=Patient"
   */
  public Request(String method, String target) {
    this.method = method;
    this.target = target;
  }

  /** Adds a header as the client has sent it. */
  public Request header(String name, String value) {
    headers.add(name);
    headers.add(value);
    return this;
  }

  /** The body of a POST. */
  public Request body(byte[] bytes) {
    body = bytes;
    return this;
  }

  /** The FHIR base for URLs if not the engine's; from the host's own configuration, never from a header. */
  public Request baseUrl(String url) {
    baseUrl = url;
    return this;
  }

  /** Who asks, as the host has authenticated them. */
  public Request client(String name) {
    client = name;
    return this;
  }

  /** Whose data it is about, as the host has found out; "" for hosts without tenants. */
  public Request tenant(String name) {
    tenant = name;
    return this;
  }

  /** The types that this client may read; null: all. */
  public Request permittedTypes(Collection<String> types) {
    permittedTypes = types;
    return this;
  }

  /** Stored with a job that this request starts, and given to every {@link Query}; no secrets. */
  public Request hostContext(byte[] context) {
    hostContext = context;
    return this;
  }

  /** The host's operator asks, whom the host has authenticated: DELETE cancels or removes a job whosever it is. */
  public Request operator() {
    operator = true;
    return this;
  }

  /** The request as C has it, for as long as {@code kept}. */
  Lib.fhx_request structure(Kept kept) {
    Lib.fhx_request made = new Lib.fhx_request();
    made.method = kept.text(method);
    made.target = kept.text(target.replace("\0", "%00"));
    made.headers = kept.texts(headers);
    made.header_count = headers.size() / 2;
    made.body = kept.bytes(body);
    made.body_len = body.length;
    made.base_url = kept.text(baseUrl);
    made.tenant = kept.text(tenant);
    made.client = kept.text(client);
    made.permitted_types = permittedTypes == null ? null : kept.text(String.join(",", permittedTypes));
    made.host_context = kept.bytes(hostContext);
    made.host_context_len = hostContext.length;
    made.flags = operator ? Lib.REQUEST_OPERATOR : 0;
    return made;
  }
}
