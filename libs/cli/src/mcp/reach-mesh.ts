/** The mesh as a server over MCP reaches it, which outlives it: found again by each call, and entered again where it is another one. */
import { localConsole } from '@deed/local/connection-file'
import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import { enterMesh, findMesh } from '../connect/connection.ts'

/** The NATS user of Deed's own server; each role has its own (`proto/src/role-requests.ts`). */
export const MCP_USER = 'mcp'

interface Entered {
  /** Of the mesh: one that was started again may be elsewhere. */
  readonly key: string
  readonly bus: Promise<Bus>
}

export interface ReachedMesh extends AsyncDisposable {
  /** @throws {DeedError} `unavailable` while there is no mesh */
  bus(): Promise<Bus>
  consoleUrl(): string | undefined
}

/** @param user of NATS, whose permissions hold what may be asked */
export function reachMesh(env: NodeJS.ProcessEnv, dataDir: string, user: string): ReachedMesh {
  let entered: Entered | undefined
  const leave = async (): Promise<void> => {
    const left = entered
    entered = undefined
    await (await left?.bus.catch(() => undefined))?.[Symbol.asyncDispose]()
  }
  const enter = async (): Promise<Bus> => {
    const address = findMesh(env, dataDir)
    const key = JSON.stringify([address.nats_url, address.users[user]])
    const current = entered?.key === key ? await entered.bus.catch(() => undefined) : undefined
    if (current && !current.nc.isClosed()) return current
    void leave().catch(() => undefined)
    entered = { key, bus: enterMesh(env, address, user) }
    return entered.bus
  }
  return {
    async bus() {
      try {
        return await enter()
      } catch (cause) {
        throw new DeedError('unavailable', cause instanceof Error ? cause.message : String(cause), { cause })
      }
    },
    consoleUrl: () => (env.NATS_URL ? undefined : localConsole(dataDir)),
    [Symbol.asyncDispose]: leave,
  }
}
