/** What a task must have to itself while it runs. */
import type { TaskRow } from '../snapshot.ts'

/** The key that its manifest gives it is one of its tenant; a service or a folder is the same one for all. */
export function keysOf({ tenant, concurrency_key, resource_key }: TaskRow): string[] {
  const keys: string[] = []
  if (concurrency_key !== null) keys.push(`${tenant} ${concurrency_key}`)
  if (resource_key !== null) keys.push(resource_key)
  return keys
}
