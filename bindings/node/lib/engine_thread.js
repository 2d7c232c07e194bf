/**
 * @file The thread that has the engine of libfhirexport, and its callbacks over the table.
 *
 * The library's workers call back from threads of their own; koffi runs each callback here, while the
 * worker waits. So a callback must answer at once: what is still being read is answered by "wait". The
 * thread of the server is not this one, and is never held up.
 */
'use strict';

const {
  MessageChannel, Worker, parentPort, receiveMessageOnPort, workerData,
} = require('worker_threads');
const path = require('path');
const {
  koffi, prototypes, sized, Library, OK, END, ERR_NOT_FOUND, ERR_SOURCE, APPLIED_TYPE,
} = require('./native');
const { TableFailure } = require('./items');
const { Table, Cursor, failureOf } = require('./table');

const WAIT_US = 2000;
const READ_MS = 10000;
const SIZE_MS = 5 * 60 * 1000;
const RUNNING_COMPLETE_FAILED = 7;
const MILLION = 1000000;

const { options, closed } = workerData;
const lib = new Library(options.library);

/** Tells the server's thread what an operator should see. */
function report(where, error) {
  const cause = error.cause ?? error;
  parentPort.postMessage({ problem: `${where}: ${cause.stack ?? cause}` });
}

// --- the source ---

/** Reads single resources while this thread waits, by another one. */
class Reader {
  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.flag = new Int32Array(new SharedArrayBuffer(4));
    this.number = 0;
    this.worker = new Worker(path.join(__dirname, 'read_thread.js'), {
      workerData: { port: port2, flag: this.flag, table: options.table }, transferList: [port2],
    });
    this.worker.on('error', (error) => report('the thread that reads resources', error));
  }

  read(type, id, tenant, patience) {
    const end = Date.now() + Math.min(READ_MS, patience);
    const number = ++this.number;
    this.port.postMessage({ number, type, id, tenant });
    for (;;) {
      Atomics.store(this.flag, 0, 0);
      for (let got = receiveMessageOnPort(this.port); got !== undefined; got = receiveMessageOnPort(this.port)) {
        if (got.message.number !== number) continue; // of a request that was given up
        const { text, failure } = got.message;
        if (failure !== undefined) throw new TableFailure(failure.message, failure.retryable);
        return text;
      }
      if (Date.now() >= end) throw new TableFailure('DynamoDB does not answer in time', true);
      Atomics.wait(this.flag, 0, 0, end - Date.now());
    }
  }
}

class Source {
  constructor() {
    this.table = new Table(options.table);
    this.segments = options.table.segments;
    this.cursors = new Map();
    this.last = 0;
    this.reader = null;
    this.size = { items: 0, bytes: 0 };
    this.sizedAt = 0;
    this.census = null;
    this.registered = [];
  }

  /** The callbacks for the library. One that throws has failed, and says so. */
  callbacks() {
    const given = {};
    for (const [name, prototype] of Object.entries(prototypes)) {
      const guarded = (...values) => {
        try {
          this[name](...values.slice(1));
        } catch (error) {
          const failure = failureOf(error);
          report(name, failure);
          if (name === 'close_cursor') return;
          lib.reply_fail(values[values.length - 1], ERR_SOURCE, failure.retryable ? 1 : 0, failure.message);
        }
      };
      given[name] = koffi.register(guarded, prototype);
      this.registered.push(given[name]);
    }
    return given;
  }

  /** Whether the table has a type, as of a job's time: an export of all types looks once for all. */
  async has(type, asOf) {
    if (this.census === null || this.census.asOf < asOf) {
      this.census = { asOf, types: this.table.types(this.segments) };
      this.census.types.catch(() => { this.census = null; });
    }
    return (await this.census.types).has(type);
  }

  open_cursor(query, reply) {
    const type = lib.query_resource_type(query);
    const [segment, segments] = (lib.textOf('query_shard', query) ?? '0 1').split(' ').map(Number);
    const isNamed = lib.textOf('query_host_context', query) === 'types';
    const wanted = isNamed ? Promise.resolve(true) : this.has(type, lib.query_as_of_us(query));
    const wish = {
      type, segment, segments, tenant: lib.query_tenant(query), token: lib.textOf('query_token', query),
    };
    this.cursors.set(++this.last, { rows: new Cursor(this.table, wish, wanted), given: null });
    lib.reply_handle(reply, this.last, APPLIED_TYPE);
  }

  next_rows(number, want, reply) {
    const cursor = this.cursors.get(number);
    const page = cursor.rows.next();
    if (page !== null) {
      cursor.given = page; // the library reads it until the next call
      const { data, ends, count, token } = page;
      lib.reply_rows(reply, data, data.length, count, count > 0 ? ends : null, null, token, token?.length ?? 0);
    } else if (cursor.rows.isOver) {
      lib.reply_end(reply);
    } else {
      lib.reply_wait(reply, WAIT_US);
    }
  }

  close_cursor(number) {
    this.cursors.get(number).rows.close();
    this.cursors.delete(number);
  }

  list_shards(query, most, reply) {
    const count = Math.min(this.segments, most);
    for (let i = 0; count > 1 && i < count; i++) this.item(reply, `${i} ${count}`);
    lib.reply_done(reply);
  }

  list_types(reply) {
    for (const type of options.types) this.item(reply, type);
    lib.reply_done(reply);
  }

  /** Of the whole table, since it is not known by type. */
  count_estimate(query, reply) {
    this.measure();
    lib.reply_estimate(reply, this.size.items, this.size.bytes);
  }

  read_resource(query, reference, reply) {
    this.reader ??= new Reader();
    const [type, id] = reference.split('/');
    const patience = Number(lib.reply_patience_us(reply)) / 1000;
    const text = this.reader.read(type, id, lib.query_tenant(query), patience);
    if (text === null) {
      lib.reply_fail(reply, ERR_NOT_FOUND, 0, 'there is no such resource');
    } else {
      this.item(reply, text);
      lib.reply_done(reply);
    }
  }

  item(reply, text) {
    const data = Buffer.from(text);
    lib.reply_item(reply, data, data.length);
  }

  async measure() {
    if (Date.now() - this.sizedAt < SIZE_MS) return;
    this.sizedAt = Date.now();
    try {
      this.size = await this.table.size();
    } catch (error) {
      report('the size of the table', error);
    }
  }

  /** When the engine has ended. */
  async end() {
    for (const callback of this.registered) koffi.unregister(callback);
    await this.reader?.worker.terminate();
    this.reader?.port.close();
  }
}

// --- the engine ---

function usOf(seconds) {
  return seconds === undefined ? undefined : Math.round(seconds * MILLION);
}

function makeDestination({ caFile, name, ...more }) {
  const http = caFile === undefined ? null : koffi.as(sized('fhx_http_options', { ca_file: caFile }), 'fhx_http_options *');
  return lib.make('s3_destination_new', sized('fhx_s3_options', {
    bucket: name, prefix: more.prefix, region: more.region, endpoint: more.endpoint,
    access_key_id: more.accessKeyId, secret_access_key: more.secretAccessKey, session_token: more.sessionToken,
    encryption: more.encryption, kms_key_id: more.kmsKeyId, storage_class: more.storageClass, http,
  }));
}

function makeStore(place) {
  return /^postgres(ql)?:/.test(place) ?
    lib.makeAside('postgres_store_new', sized('fhx_postgres_store_options', { conninfo: place })) :
    lib.makeAside('sqlite_store_new', sized('fhx_sqlite_store_options', { path: place }));
}

class Engine {
  async start() {
    this.source = new Source();
    await this.source.measure();
    const made = {};
    try {
      made.source = lib.make('source_new', sized('fhx_source_callbacks', this.source.callbacks()), null);
      made.destination = makeDestination(options.bucket);
      made.store = await makeStore(options.store);
      await this.make(made);
    } finally {
      for (const [kind, object] of Object.entries(made)) lib[`${kind}_free`](object); // the engine keeps its own
    }
  }

  async make({ source, destination, store }) {
    this.engine = await lib.makeAside('engine_new', sized('fhx_engine_options', {
      source, destination, store, base_url: options.baseUrl, workers: options.workers, helpers: 1,
      part_bytes: options.partBytes, shards_max: options.table.segments, jobs_max: options.jobs,
      jobs_per_client_max: options.jobsPerUser, keep_us: usOf(options.keepSeconds),
      link_us: usOf(options.linkSeconds), lease_us: usOf(options.leaseSeconds), settle_us: usOf(options.settleSeconds),
    }));
  }

  /** Hands the library a request; gives its status, headers and body. */
  async request({ method, target, tenant, client, types, context, baseUrl }) {
    const told = context === undefined ? null : Buffer.from(context);
    const response = await lib.makeAside('engine_handle', this.engine, sized('fhx_request', {
      method, target, tenant, client, permitted_types: types, base_url: baseUrl,
      headers: ['Prefer', 'respond-async'], header_count: 1, host_context: told,
      host_context_len: told?.length,
    }));
    try {
      return {
        status: lib.response_status(response), headers: this.headersOf(response), body: await this.bodyOf(response),
      };
    } finally {
      lib.response_free(response);
    }
  }

  headersOf(response) {
    const headers = {};
    for (let i = 0, name; (name = lib.response_header_name(response, i)) !== null; i++) {
      headers[name.toLowerCase()] = lib.response_header_value(response, i);
    }
    return headers;
  }

  async bodyOf(response) {
    const data = Buffer.alloc(65536);
    const pieces = [];
    for (;;) {
      const len = [0];
      const error = [null];
      const status = await lib.aside('response_read', response, data, data.length, len, error);
      if (status === END) return Buffer.concat(pieces).toString();
      if (status !== OK) lib.fail(error);
      pieces.push(Buffer.from(data.subarray(0, Number(len[0]))));
    }
  }

  /** Who has started a job of a tenant; null: there is no such job. */
  async owner({ job, tenant }) {
    for (let after = null; ;) {
      const wish = sized('fhx_job_list_options', { states: RUNNING_COMPLETE_FAILED, tenant, after, limit: 1000 });
      const made = [null];
      const error = [null];
      const status = await lib.aside('engine_jobs', this.engine, wish, made, error);
      if (status === END) return null;
      if (status !== OK) lib.fail(error);
      const [page] = made;
      after = lib.job_page_after(page);
      const found = this.find(page, job);
      lib.job_page_free(page);
      if (found !== null) return found;
    }
  }

  find(page, job) {
    for (let i = 0; i < lib.job_page_count(page); i++) {
      const summary = lib.job_page_job(page, i);
      if (lib.job_summary_id(summary) === job) return lib.job_summary_client(summary);
    }
    return null;
  }

  /** What runs is parked: another process, or the next, goes on with it. */
  async close() {
    await lib.aside('engine_free', this.engine);
    await this.source.end();
    Atomics.store(closed, 0, 1);
    Atomics.notify(closed, 0);
  }
}

const engine = new Engine();
const started = engine.start();

parentPort.on('message', async ({ number, call, given }) => {
  try {
    await started;
    const value = await engine[call](given);
    parentPort.postMessage({ number, value });
  } catch (error) {
    parentPort.postMessage({ number, failure: error.message });
  }
});

started.then(() => parentPort.postMessage({ ready: true }), (error) => {
  parentPort.postMessage({ refused: error.message });
  parentPort.close();
});
