/** Deed over standard input and output, as a client starts it. */

import type { OrganizationRole } from '@deed/proto/organization'
import type { Log } from '@deed/telemetry/logger'
import { serverFactory } from './serving/factory.ts'
import { serveOverStdio } from './serving/serve-stdio.ts'
import type { Identity, Mesh } from './serving/tool.ts'

/** Resolves when the client is gone. @param role absent: Deed itself */
export async function serveDeed(mesh: Mesh, identity: Identity, log: Log, role?: OrganizationRole): Promise<void> {
  // Of many servers on one machine each loads what it serves.
  const definition =
    role === undefined
      ? (await import('./tools/deed-server.ts')).deedServer
      : (await import('./roles/role-server.ts')).roleServer(role)
  return serveOverStdio(serverFactory(definition, { mesh, log, identityOf: () => identity }), log)
}
