/** Appends the record of an execution to a file: request, steps, model use, verifications, outcome. */
import { appendFile } from 'node:fs/promises'
import type { ExecutionReply } from '@deed/proto/execution'
import { redactValue } from '@deed/telemetry/redact'
import type { Snapshot } from '../execution/snapshot.ts'
import { viewOf } from './task-view.ts'

/** At least once per execution; readers take the last line of an id. */
export async function exportRecord(file: string, { execution, tasks }: Snapshot, reply: ExecutionReply): Promise<void> {
  const { tenant, user_name: user, request, created_at, finished_at } = execution
  const record = { ...reply, tenant, user, request, created_at, finished_at, tasks: [...tasks.values()].map(viewOf) }
  await appendFile(file, `${JSON.stringify(redactValue(record))}\n`, { mode: 0o600 })
}
