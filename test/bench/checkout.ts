/** A checkout of Deed with its own `node_modules`, and the parts of it that a benchmark uses. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The root of this one. */
export const THIS = resolve(import.meta.dirname, '../..')

export interface Checkout {
  readonly root: string
  /** What starts a mesh. */
  forMeshes(): Promise<{
    startMesh: typeof import('@deed/local/local-mesh').startMesh
    startPostgres: typeof import('@deed/local/postgres').startPostgres
    readExecutionConfig: typeof import('@deed/config/execution-config').readExecutionConfig
  }>
  /** What a client speaks with. */
  forClients(): Promise<{
    connectBus: typeof import('@deed/mesh/bus').connectBus
    contract: Pick<typeof import('@deed/proto/execution'), 'requestExecution' | 'SUBMIT_SUBJECT'>
  }>
}

/** @throws if it is not a checkout, or has no `node_modules` of its own */
export function checkoutAt(root: string): Checkout {
  for (const part of ['libs/local/src/local-mesh.ts', 'node_modules/@deed/local'])
    if (!existsSync(join(root, part)))
      throw new Error(`${root} is no checkout with its dependencies: it has no ${part}`)
  // Modules resolve what they import from where they are, so these bring the code of their own checkout.
  const load = (file: string) => import(pathToFileURL(join(root, file)).href)
  return {
    root,
    async forMeshes() {
      const { startMesh } = await load('libs/local/src/local-mesh.ts')
      const { startPostgres } = await load('libs/local/src/postgres.ts')
      const { readExecutionConfig } = await load('libs/config/src/execution-config.ts')
      return { startMesh, startPostgres, readExecutionConfig }
    },
    async forClients() {
      const { connectBus } = await load('libs/mesh/src/bus.ts')
      return { connectBus, contract: await load('proto/src/execution.ts') }
    },
  }
}
