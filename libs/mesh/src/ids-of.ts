/** What a log line says of the execution that a message is about: the ids that the message has. */
export function idsOf(input: unknown): { execution_id?: unknown; task_id?: unknown; attempt?: unknown } {
  if (typeof input !== 'object' || input === null) return {}
  return {
    ...('execution_id' in input && { execution_id: input.execution_id }),
    ...('task_id' in input && { task_id: input.task_id }),
    ...('token' in input && typeof input.token === 'number' && { attempt: input.token }),
  }
}
