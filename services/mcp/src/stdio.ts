/** Deed over standard input and output, as a client starts it. */
import type { Log } from '@deed/telemetry/logger'
import { serverFactory } from './serving/factory.ts'
import { serveOverStdio } from './serving/serve-stdio.ts'
import type { Identity, Mesh } from './serving/tool.ts'
import { deedServer } from './tools/deed-server.ts'

/** Resolves when the client is gone. */
export const serveDeed = (mesh: Mesh, identity: Identity, log: Log): Promise<void> =>
  serveOverStdio(serverFactory(deedServer, { mesh, log, identityOf: () => identity }), log)
