/**
 * @file `$export` of FHIR Works on AWS by libfhirexport: an implementation of its interface BulkDataAccess.
 */
'use strict';

const path = require('path');
const { Worker } = require('worker_threads');
const {
  BASE_R4_RESOURCES, BadRequestError, ResourceNotFoundError, TooManyConcurrentExportRequestsError, UnauthorizedError,
} = require('fhir-works-on-aws-interface');

// How long a process that exits waits for what runs to be parked.
const EXIT_MS = 10000;
const JOB = /^[0-9a-f]{32}$/;

// Those that FHIR Works has: one export of a user at a time, two in all.
const DEFAULTS = {
  library: 'libfhirexport.so.0', store: ':memory:', workers: 4, jobs: 2, jobsPerUser: 1, multiTenancy: false,
};

/** What an OperationOutcome says. */
function diagnosticsOf(body) {
  try {
    return JSON.parse(body).issue.map((issue) => issue.diagnostics).join('; ');
  } catch {
    return 'the export could not be answered';
  }
}

function pathOf({ exportType, groupId }) {
  if (exportType === 'group') return `/Group/${encodeURIComponent(groupId)}/$export`;
  return exportType === 'patient' ? '/Patient/$export' : '/$export';
}

function targetOf(request) {
  const { outputFormat, since, type } = request;
  const query = Object.entries({ _outputFormat: outputFormat, _since: since, _type: type })
    .filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return pathOf(request) + (query.length > 0 ? `?${query.join('&')}` : '');
}

/** The reverse, of a manifest's `request`. */
function wishOf(text) {
  const url = new URL(text);
  const [, group] = /\/Group\/([^/]+)\/\$export$/.exec(url.pathname) ?? [];
  const one = (name) => url.searchParams.get(name) ?? undefined;
  return {
    exportType: group !== undefined ? 'group' : url.pathname.endsWith('/Patient/$export') ? 'patient' : 'system',
    groupId: group === undefined ? undefined : decodeURIComponent(group),
    outputFormat: one('_outputFormat'), since: one('_since'), type: one('_type'),
  };
}

/** What the router answers 503: the table, the bucket or the store cannot be reached at present. */
function unavailable(message) {
  return Object.assign(new Error(message), { expose: true, status: 503, statusCode: 503 });
}

/** The library's refusal of a kick-off, as FHIR Works' router knows it. */
function refusal(status, body, { groupId }) {
  const message = diagnosticsOf(body);
  if (status === 400) return new BadRequestError(message);
  if (status === 401 || status === 403) return new UnauthorizedError(message);
  if (status === 404) return new ResourceNotFoundError('Group', groupId ?? '', message);
  if (status === 429) return new TooManyConcurrentExportRequestsError();
  return status === 503 ? unavailable(message) : new Error(message);
}

/** Implements `BulkDataAccess` of fhir-works-on-aws-interface. The options are in index.d.ts. */
class BulkExport {
  constructor(options) {
    const { onProblem = (text) => console.error(text), multiTenancy, ...rest } = { ...DEFAULTS, ...options };
    this.multiTenancy = multiTenancy;
    this.onProblem = onProblem;
    this.calls = new Map();
    this.number = 0;
    this.owners = new Map();
    this.ended = null;
    const given = { types: BASE_R4_RESOURCES, ...rest, table: { segments: 8, ...rest.table } };
    this.closed = new Int32Array(new SharedArrayBuffer(4));
    this.worker = new Worker(path.join(__dirname, 'lib', 'engine_thread.js'), {
      workerData: { options: given, closed: this.closed },
    });
    this.started = new Promise((resolve, reject) => {
      this.start = { resolve, reject };
    });
    this.started.catch(() => {}); // every call tells it
    this.worker.on('message', (message) => this.hear(message));
    this.worker.on('error', (error) => this.end(error));
    this.worker.on('exit', () => this.end(new Error('the export engine is closed')));
    this.parkAtExit = () => this.park();
    process.once('exit', this.parkAtExit);
  }

  hear({ number, value, failure, problem, ready, refused }) {
    if (problem !== undefined) {
      this.onProblem(problem);
    } else if (ready) {
      this.start.resolve();
    } else if (refused !== undefined) {
      this.start.reject(new Error(refused));
    } else {
      const { resolve, reject } = this.calls.get(number);
      this.calls.delete(number);
      if (failure === undefined) resolve(value);
      else reject(new Error(failure));
    }
  }

  /** At process.exit(): Node must not take the engine's thread away from under the library. */
  park() {
    this.worker.postMessage({ number: ++this.number, call: 'close' });
    Atomics.wait(this.closed, 0, 0, EXIT_MS);
  }

  end(error) {
    this.ended ??= error;
    process.removeListener('exit', this.parkAtExit);
    this.start.reject(this.ended);
    for (const { reject } of this.calls.values()) reject(this.ended);
    this.calls.clear();
  }

  async call(call, given) {
    await this.started;
    if (this.ended !== null) throw this.ended;
    return new Promise((resolve, reject) => {
      const number = ++this.number;
      this.calls.set(number, { resolve, reject });
      this.worker.postMessage({ number, call, given });
    });
  }

  checkTenancy(tenantId) {
    if (this.multiTenancy === (tenantId === undefined)) {
      throw new Error(`the export has multi-tenancy ${this.multiTenancy ? 'on, but no' : 'off, but a'} tenant is given`);
    }
  }

  /** Resolves when exports can be started; rejects with what is wrong with the options. */
  async ready() {
    await this.started;
  }

  async initiateExport(request) {
    const { requesterUserId, allowedResourceTypes, tenantId, serverUrl, fhirVersion, type } = request;
    this.checkTenancy(tenantId);
    if (fhirVersion !== undefined && fhirVersion !== '4.0.1') {
      throw new BadRequestError(`$export is for FHIR 4.0.1 alone, not for ${fhirVersion}`);
    }
    if (type?.split(',').some((one) => !allowedResourceTypes.includes(one))) {
      throw new UnauthorizedError('User does not have permission for requested resource type.');
    }
    const { status, headers, body } = await this.call('request', {
      method: 'GET', target: targetOf(request), tenant: tenantId, client: requesterUserId, baseUrl: serverUrl,
      types: allowedResourceTypes.join(','), context: type === undefined ? undefined : 'types',
    });
    if (status !== 202) throw refusal(status, body, request);
    const job = headers['content-location'].split('/').pop();
    this.owners.set(this.keyOf(job, tenantId), requesterUserId ?? '');
    return job;
  }

  keyOf(job, tenantId) {
    return `${tenantId ?? ''}|${job}`;
  }

  /** Who has started a job. It is in the store, which other processes and earlier ones may have filled. */
  async ownerOf(job, tenantId) {
    this.checkTenancy(tenantId);
    const key = this.keyOf(job, tenantId);
    if (!this.owners.has(key)) {
      const owner = JOB.test(job) ? await this.call('owner', { job, tenant: tenantId ?? '' }) : null;
      if (owner === null) throw new ResourceNotFoundError('$export', job);
      this.owners.set(key, owner);
    }
    return this.owners.get(key);
  }

  async ask(method, jobId, tenantId) {
    const owner = await this.ownerOf(jobId, tenantId);
    const answer = await this.call('request', { method, target: `/$export/${jobId}`, tenant: tenantId, client: owner });
    if (answer.status === 404) {
      this.owners.delete(this.keyOf(jobId, tenantId));
      throw new ResourceNotFoundError('$export', jobId);
    }
    if (answer.status === 429) throw new TooManyConcurrentExportRequestsError();
    if (answer.status === 503) throw unavailable(diagnosticsOf(answer.body));
    return { owner, ...answer };
  }

  async getExportStatus(jobId, tenantId) {
    const { owner: jobOwnerId, status, body } = await this.ask('GET', jobId, tenantId);
    if (status === 202) return { jobOwnerId, jobStatus: 'in-progress' };
    if (status !== 200) return { jobOwnerId, jobStatus: 'failed', errorMessage: diagnosticsOf(body) };
    const { transactionTime, request, requiresAccessToken, output, error } = JSON.parse(body);
    return {
      jobOwnerId, jobStatus: 'completed', transactionTime, requiresAccessToken, exportedFileUrls: output,
      errorArray: error, errorMessage: '', ...wishOf(request),
    };
  }

  async cancelExport(jobId, tenantId) {
    await this.ask('DELETE', jobId, tenantId);
    this.owners.delete(this.keyOf(jobId, tenantId));
  }

  /** Parks what runs, and ends the engine; with a durable store the next process goes on. */
  async close() {
    if (this.ended !== null) return;
    await this.call('close').catch(() => {});
    await this.worker.terminate(); // with it what DynamoDB has not answered
  }
}

module.exports = { BulkExport };
