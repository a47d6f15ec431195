/** What the services of a mesh take of the memory. */
import { readFileSync } from 'node:fs'
import type { MeshUnderTest } from './mesh-under-test.ts'

/** Memory of each service that is in use, in MiB; of those that run, where the system tells. */
export function residentOf({ mesh }: Pick<MeshUnderTest, 'mesh'>): Record<string, number> {
  return Object.fromEntries(
    mesh.services.flatMap(({ service, pid }) => {
      const kib = pid === undefined ? undefined : /VmRSS:\s+(\d+)/.exec(statusOf(pid))?.[1]
      return kib === undefined ? [] : [[service, Number(kib) / 1024]]
    }),
  )
}

/** Empty for a process that has just ended. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}
