/** A task of the demo for a reader, and as a line of JSON. */
import { duration } from '../terminal/amounts.ts'
import { type Paint, paintStatus } from '../terminal/paint.ts'
import { plainLine } from '../terminal/plain-text.ts'
import type { DemoTask } from './demo-plan.ts'
import type { Performed } from './perform-task.ts'

export function performedText(number: number, { task, choose }: DemoTask, performed: Performed, paint: Paint): string {
  const { reply, level, why, approvedBy, first, seen, wrong } = performed
  const { metrics, verification } = reply
  const row = (name: string, text: string): string => `   ${name.padEnd(10)}${text}`
  const agreement =
    level === 0
      ? 'level 0, nobody is asked'
      : `level ${level} (${plainLine(why)}), approved by the demo as ${approvedBy}, for its own folder`
  return [
    `${paint('bold', `${number}  ${plainLine(task)}`)}`,
    ...(first ? [row('first', `${plainLine(first.task)}: ${first.reply.status} (level ${first.level})`)] : []),
    ...(performed.asked === undefined
      ? []
      : [row('asked', `${plainLine(performed.asked)} The demo chooses: ${plainLine(choose ?? 'none')}`)]),
    ...(reply.result?.text ?? '-').split('\n').map((line, index) => row(index === 0 ? 'answer' : '', plainLine(line))),
    row(
      'how',
      `${reply.method ?? '-'}${metrics.cache_hit ? ' (from the cache)' : ''}, ${agreement}, ${duration(metrics.time_ms)}`,
    ),
    ...verification.flatMap(({ claimed, observed, outcome, already_so: already }) => [
      row('claimed', plainLine(claimed)),
      row('observed', `${paintStatus(paint, outcome)}: ${plainLine(observed)}${already ? ' (it was so already)' : ''}`),
    ]),
    ...(reply.error ? [row('error', `${reply.error.code}: ${plainLine(reply.error.message)}`)] : []),
    ...seen.map((sentence) => row('world', plainLine(sentence))),
    row(
      'outcome',
      `${reply.status}, ${wrong.length === 0 ? paint('green', 'as it should be') : paint('red', 'not as it should be')}`,
    ),
    ...wrong.map((sentence) => row('', paint('red', plainLine(sentence)))),
  ].join('\n')
}

export function performedDocument(number: number, { task }: DemoTask, performed: Performed): object {
  const { reply, level, why, approvedBy, seen, wrong } = performed
  return {
    number,
    task,
    execution_id: reply.execution_id,
    status: reply.status,
    success: reply.metrics.success,
    method: reply.method,
    cache_hit: reply.metrics.cache_hit,
    level,
    why: why === '' ? null : why,
    approved_by: approvedBy === '' ? null : `${approvedBy} (the demo)`,
    text: reply.result?.text ?? null,
    verification: reply.verification.map(({ action_kind: kind, claimed, observed, outcome }) => ({
      action_kind: kind ?? null,
      claimed,
      observed,
      outcome,
    })),
    time_ms: reply.metrics.time_ms,
    world: seen,
    as_expected: wrong.length === 0,
    wrong,
  }
}
