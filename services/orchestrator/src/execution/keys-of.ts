/** The keys that a task holds exclusively while it runs. */
import type { TaskRow } from './snapshot.ts'

/** The key of a manifest is per tenant; a service or a folder is shared by all tenants. */
export function keysOf({ tenant, concurrency_key, resource_key }: TaskRow): string[] {
  const keys: string[] = []
  if (concurrency_key !== null) keys.push(`${tenant} ${concurrency_key}`)
  if (resource_key !== null) keys.push(resource_key)
  return keys
}
