/**
 * @file FHIR Works on AWS's router over the adapter of bindings/node, for works.py.
 *
 * The settings are JSON on the command line. Who asks is what stands behind `Bearer`; the user "narrow" may
 * read Patient alone. It says its port. SIGTERM closes the adapter, SIGUSR2 exits without.
 */
'use strict';

const path = require('path');
const { generateServerlessRouter } = require('fhir-works-on-aws-routing');
const { stubs, UnauthorizedError } = require('fhir-works-on-aws-interface');
const { BulkExport } = require(path.join(__dirname, '..', '..', 'bindings', 'node'));

const { port, tenants, ...options } = JSON.parse(process.argv[2]);
const url = `http://127.0.0.1:${port}`;
const bulkDataAccess = new BulkExport({ baseUrl: url, multiTenancy: tenants, ...options });

const authorization = {
  ...stubs.passThroughAuthz,
  async verifyAccessToken({ accessToken }) {
    const [sub, tenant] = accessToken.split('@');
    return { sub, tenant };
  },
  async isAccessBulkDataJobAllowed({ userIdentity, jobOwnerId }) {
    if (userIdentity.sub !== jobOwnerId) throw new UnauthorizedError('Unauthorized');
  },
  async getAllowedResourceTypesForOperation({ userIdentity }) {
    return userIdentity.sub === 'narrow' ? ['Patient'] : stubs.passThroughAuthz.getAllowedResourceTypesForOperation();
  },
};

// An answer that has nothing to do with exports.
const persistence = {
  ...stubs.persistence,
  async readResource({ resourceType, id }) {
    return { message: 'found', resource: { resourceType, id, meta: { versionId: '1', lastUpdated: '2024-01-01' } } };
  },
};

const app = generateServerlessRouter({
  configVersion: 1,
  productInfo: { orgName: 'tests' },
  auth: { strategy: {}, authorization },
  server: { url },
  validators: [],
  profile: {
    fhirVersion: '4.0.1',
    systemOperations: [],
    bundle: stubs.bundle,
    systemSearch: stubs.search,
    systemHistory: stubs.history,
    bulkDataAccess,
    genericResource: {
      operations: ['read'], fhirVersions: ['4.0.1'], persistence, typeSearch: stubs.search, typeHistory: stubs.history,
    },
  },
  ...(tenants ?
    { multiTenancyConfig: { enableMultiTenancy: true, useTenantSpecificUrl: false, tenantIdClaimPath: 'tenant' } } : {}),
}, ['Patient', 'Observation', 'Group']);

(async () => {
  await bulkDataAccess.ready();
  const server = app.listen(port, '127.0.0.1', () => console.log(`listens on ${port}`));
  process.on('SIGUSR2', () => process.exit(7));
  process.on('SIGTERM', async () => {
    server.close();
    server.closeAllConnections();
    await bulkDataAccess.close();
    console.log('closed');
  });
})();
