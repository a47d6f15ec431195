/** The result of an execution, in words for a reader. */
import type { ActionResult } from '@deed/proto/action'
import type { AnswerFormat } from '@deed/proto/agent'
import type { Json, JsonObject } from '@deed/proto/json'
import type { ExecutionRow, Snapshot, TaskRow } from '../execution/snapshot.ts'

const ROWS_SHOWN = 50
/** The maximum number of parts of a large graph that are shown, since a message is limited. */
const PARTS_SHOWN = 200

/** One readable answer from the results of all tasks. */
export function aggregate({ execution, tasks, parts }: Pick<Snapshot, 'execution' | 'tasks' | 'parts'>): ActionResult {
  if (execution.status !== 'done') return { text: failure(execution, [...tasks.values()]) }
  const results = parts.slice(0, PARTS_SHOWN).map(({ title, answer, tasks: ids, reading, unchecked = [] }) => {
    const done = ids.map((id) => tasks.get(id)?.result).filter((result): result is ActionResult => result != null)
    const text = [
      ...(done.length === 0 && unchecked.length > 0 ? [] : [answerText(answer, done)]),
      ...(reading === undefined ? [] : [`understood as: ${reading}`]),
      ...unchecked.map((criterion) => `not observed: ${criterion}`),
    ].join('\n')
    return { title, text, data: done.map(({ data }) => data).filter((data) => data !== undefined) }
  })
  const data = results.flatMap((result) => result.data)
  return {
    text: [
      ...results.map(({ title, text }) => (results.length > 1 ? `${title}: ${text}` : text)),
      ...(parts.length > PARTS_SHOWN ? [`and ${parts.length - PARTS_SHOWN} more`] : []),
      ...undoneLines([...tasks.values()]),
    ].join('\n'),
    ...(data.length === 0 ? {} : { data: data.length === 1 ? (data[0] ?? null) : data }),
  }
}

function failure(execution: ExecutionRow, tasks: readonly TaskRow[]): string {
  const why = execution.error?.message ?? (execution.ending === 'rolled_back' ? 'as requested' : 'it did not succeed')
  const left = tasks.filter(({ effect, task_kind }) => task_kind === 'act' && effect !== 'none')
  const lines = [`${execution.status}: ${why}`, ...undoneLines(tasks)]
  for (const { title, last_error } of left) {
    lines.push(`not undone: ${title}${last_error === null ? '' : ` (${last_error.message})`}`)
  }
  if (lines.length > PARTS_SHOWN) lines.splice(PARTS_SHOWN, lines.length, `and ${lines.length - PARTS_SHOWN} more`)
  return lines.join('\n')
}

const undoneLines = (tasks: readonly TaskRow[]): string[] =>
  tasks.filter(({ actual_status }) => actual_status === 'undone').map(({ title }) => `undone: ${title}`)

function answerText(format: AnswerFormat, results: readonly ActionResult[]): string {
  const rows = results.flatMap(({ data }) => rowsOf(data))
  switch (format.kind) {
    case 'actions':
      return results.map(({ text }) => text).join('; ')
    case 'count_by_label':
      return countByLabel(format, rows)
    case 'record':
      return record(format.noun, rows)
    case 'table':
      return table(
        rows,
        results.reduce((sum, { data }) => sum + rowCountOf(data), 0),
      )
    case 'matching':
      return matching(format, results)
  }
}

function matching(
  { noun, where, words, asks }: Extract<AnswerFormat, { kind: 'matching' }>,
  results: readonly ActionResult[],
): string {
  const fits = ({ data }: ActionResult): boolean =>
    typeof data === 'object' &&
    data !== null &&
    !Array.isArray(data) &&
    Object.entries(where).every(([field, values]) => values.some((value) => value === data[field]))
  const matched = results.filter(fits)
  const all = results.length
  const share =
    matched.length === 0 ? `none of ${all}` : matched.length === all ? `all ${all}` : `${matched.length} of ${all}`
  const named = asks === 'which' ? matched : results.filter((result) => !fits(result))
  const list = named.map(({ text }) => text).join('; ')
  return `${share} ${noun} ${words}${list === '' ? '' : `: ${list}`}`
}

function rowsOf(data: Json | undefined): JsonObject[] {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return []
  const { rows } = data
  return Array.isArray(rows)
    ? rows.filter((row): row is JsonObject => typeof row === 'object' && row !== null && !Array.isArray(row))
    : []
}

function rowCountOf(data: Json | undefined): number {
  const count = typeof data === 'object' && data !== null && !Array.isArray(data) ? data.row_count : undefined
  return typeof count === 'number' ? count : rowsOf(data).length
}

/** Labels are data: they are repeated as they are. */
function countByLabel(
  { noun, singular = noun }: Extract<AnswerFormat, { kind: 'count_by_label' }>,
  rows: readonly JsonObject[],
): string {
  const counts = rows.map((row) => ({ label: cell(row.label ?? null), count: Number(row.count ?? 0) }))
  const total = counts.reduce((sum, { count }) => sum + count, 0)
  if (total === 0) return `no ${noun}`
  const sum = `${total} ${total === 1 ? singular : noun}`
  // Of a table without labels, the noun is the only one.
  if (counts.every(({ label }) => label === noun)) return sum
  return `${sum}: ${counts.map(({ label, count }) => `${count} ${label}`).join(', ')}`
}

function record(noun: string, rows: readonly JsonObject[]): string {
  const row = rows[0]
  if (!row) return `no ${noun} with this name`
  return Object.entries(row)
    .map(([column, value]) => `${column}: ${cell(value)}`)
    .join('\n')
}

/** @param total the number of all rows, including those that were not returned */
function table(rows: readonly JsonObject[], total: number): string {
  if (rows.length === 0) return 'no rows'
  const columns = Object.keys(rows[0] ?? {})
  const shown = rows.slice(0, ROWS_SHOWN).map((row) => columns.map((column) => cell(row[column] ?? null)))
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...shown.map((cells) => (cells[index] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd()
  const more = total > shown.length ? [`and ${total - shown.length} more`] : []
  return [line(columns), ...shown.map(line), ...more].join('\n')
}

const cell = (value: Json): string => (typeof value === 'string' ? value : value === null ? '-' : JSON.stringify(value))
