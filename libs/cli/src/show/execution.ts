/** An execution for a reader: the answer, how it was found, what proves it, and its tasks. */
import { counted } from '@deed/config/counted'
import { PlanScreen, SealedStep } from '@deed/proto/approval'
import type { ErrorBody } from '@deed/proto/errors'
import type { AuditRow, ExecutionDetail, ExecutionReply } from '@deed/proto/execution'
import { exposedLine } from '@deed/text/exposed-text'
import { z } from 'zod'
import { dollars, duration, moment } from '../terminal/amounts.ts'
import { type Paint, paintStatus } from '../terminal/paint.ts'
import { plainLine, plainText } from '../terminal/plain-text.ts'
import { shownId } from '../terminal/terminal.ts'
import { planLines, stepLines } from './approval.ts'
import { evidenceLines } from './evidence.ts'
import { howToChoose, optionLines } from './question.ts'
import { suggestionLines } from './suggestions.ts'
import { taskTree } from './task-tree.ts'

/** Clocks of two hosts may differ by this, in milliseconds, before an answer counts as one of before. */
const CLOCKS_MS = 1_000

/** What `deed run` ends with. @param askedAt on the clock of `performance.now()`: what was seen before is said to be so */
export function replyText(reply: ExecutionReply, paint: Paint, askedAt?: number): string {
  const { execution_id: id, status, result, metrics, verification, error, model_used: model } = reply
  // That a proposal is well formed is no effect that was verified.
  const proofs = verification.filter(({ kind }) => kind !== 'validated')
  const verified = proofs.filter(({ outcome }) => outcome === 'verified').length
  const unconfirmed = verification.filter(({ kind }) => kind === 'unconfirmed').length
  const facts = [
    ...(reply.method === null ? [] : [reply.method]),
    duration(metrics.time_ms),
    ...(proofs.length > 0 ? [`${verified} of ${proofs.length} verified`] : []),
    ...(unconfirmed > 0 ? [`${unconfirmed} asked once and not confirmed`] : []),
    ...(model === null
      ? []
      : [`${plainLine(model)}, ${counted(metrics.tokens_used, 'token')}, ${dollars(metrics.cost_usd)}`]),
    ...(metrics.cache_hit ? ['from the cache'] : []),
    ...(metrics.degraded ? [`without ${metrics.degraded.map((one) => plainLine(one)).join(', ')}`] : []),
  ]
  return [
    ...(result === null ? [] : [plainText(result.text)]),
    ...verification.flatMap((evidence) => evidenceLines(evidence, paint).map((line) => `  ${line}`)),
    ...(error === undefined ? [] : [`  error     ${errorText(error, result?.text, paint)}`]),
    ...(error === undefined ? [] : suggestionLines(error).map((line) => `  ${line}`)),
    ...unprovenLines(reply, paint).map((line) => `  ${line}`),
    `${paintStatus(paint, status)}  ${facts.join(', ')}`,
    ...(askedAt === undefined ? [] : seenBefore(reply, performance.now() - askedAt, paint)),
    paint('dim', `execution ${shownId(id)}, trace ${reply.trace_id}`),
  ].join('\n')
}

/** Its message only where the answer does not say it already. */
const errorText = ({ code, message }: ErrorBody, answer = '', paint: Paint): string =>
  answer.includes(message) ? paint('red', code) : `${paint('red', code)}: ${plainLine(message)}`

/** Done, and nobody knows whether it is what was meant. */
const unprovenLines = (
  { status, task_verified: verified }: Pick<ExecutionReply, 'status' | 'task_verified'>,
  paint: Paint,
): string[] =>
  status === 'done' && !verified
    ? [
        `${paint('red', 'unproven')}  the actions are verified. That they hold does not show that the`,
        '          task is done: check the result, or run it again with criteria that can',
        '          be checked, such as --criterion "notes.txt exists".',
      ]
    : []

function seenBefore({ seen_at: at, age_ms: age }: ExecutionReply, sinceMs: number, paint: Paint): string[] {
  if (at === undefined || age === undefined || age <= sinceMs + CLOCKS_MS) return []
  return [paint('yellow', `seen at ${at}, ${duration(age)} ago: this is an earlier answer, and was not observed again`)]
}

const Shown = z.object({ actions: z.array(SealedStep), plan: PlanScreen, counts: z.object({ steps: z.int() }) })

/** A dry run: what would be done, agreed to, looked at and undone; and nothing was. */
export function dryRunText(reply: ExecutionReply, paint: Paint): string {
  const { data: shown } = Shown.safeParse(reply.result?.data)
  return [
    plainText(reply.result?.text ?? 'nothing would be done'),
    ...(shown ? [...planLines(shown.plan, paint, omittedOf(shown)), ...stepLines(shown.actions, paint)] : []),
    paint('dim', 'A dry run: nothing was done, nothing was stored.'),
  ].join('\n')
}

const omittedOf = ({ plan, counts }: z.output<typeof Shown>): number => Math.max(0, counts.steps - plan.steps.length)

export function executionText(detail: ExecutionDetail, paint: Paint, verbose: boolean): string {
  const { execution_id: id, status, method, metrics, request, result, error } = detail
  const key = request.idempotency_key
  const row = (name: string, text: string): string => `${name.padEnd(10)}${text}`
  return [
    `${paint('bold', id)}  ${paintStatus(paint, status)}`,
    row('task', exposedLine(String(request.task ?? ''))),
    row('answer', result === null ? '-' : plainText(result.text).replaceAll('\n', `\n${' '.repeat(10)}`)),
    ...(error === undefined ? [] : [row('error', errorText(error, result?.text, paint))]),
    ...(error === undefined ? [] : suggestionLines(error)),
    ...(detail.readings ?? []).map(({ of, text, by }) =>
      row('read as', `${exposedLine(text ?? '-')}, by ${by}: ${exposedLine(of)}`),
    ),
    ...(detail.question && detail.approval_id
      ? [
          exposedLine(detail.question.text),
          ...optionLines(detail.question),
          howToChoose({ approval_id: detail.approval_id, question: detail.question }),
        ]
      : []),
    ...unprovenLines(detail, paint),
    ...detail.timeline.flatMap((one) => {
      const { data: again } = PlannedAgain.safeParse(one.type === 'task.replanned' ? one.data : undefined)
      return again ? [row('replanned', plannedAgainText(again))] : []
    }),
    row('method', [method ?? '-', ...(metrics.cache_hit ? ['from the cache'] : [])].join(', ')),
    row('template', plainLine(detail.template_used ?? '-')),
    row('model', plainLine(detail.model_used ?? '-')),
    row('tokens', `${metrics.tokens_used}, ${dollars(metrics.cost_usd)}`),
    row('time', duration(metrics.time_ms)),
    row('asked', `${moment(detail.created_at)} by ${plainLine(detail.tenant)}.${plainLine(detail.user)}`),
    row('ended', detail.finished_at === null ? '-' : moment(detail.finished_at)),
    row('trace', detail.trace_id),
    ...(typeof key === 'string' ? [row('key', plainLine(key))] : []),
    ...(detail.approval_id === undefined ? [] : [row('approval', shownId(detail.approval_id))]),
    ...(metrics.degraded ? [row('without', metrics.degraded.map((one) => plainLine(one)).join(', '))] : []),
    '',
    ...(detail.tasks.length > 0
      ? [taskTree(detail.tasks, paint, verbose)]
      : // Of a cached answer: no task of its own, but the evidence of the one it cites.
        detail.verification.flatMap((evidence) => evidenceLines(evidence, paint))),
    ...(detail.omitted?.tasks ? [`and ${detail.omitted.tasks} more tasks: deed show ${shownId(id)} --full`] : []),
    ...(verbose ? ['', paint('bold', 'timeline'), ...timelineLines(detail)] : []),
    ...(verbose && detail.omitted?.timeline
      ? [`and ${detail.omitted.timeline} more rows: deed show ${shownId(id)} --verbose --full`]
      : []),
  ].join('\n')
}

/** Of the row about a task that failed, in whose place others were planned. */
const PlannedAgain = z.object({
  name: z.string(),
  about: z.string(),
  error: z.object({ message: z.string() }).nullable(),
})

const plannedAgainText = ({ name, about, error }: z.output<typeof PlannedAgain>): string =>
  `${plainLine(about)} failed, so ${plainLine(name)} finds another way: ${plainLine(error?.message ?? '-', 160)}`

function timelineLines({ timeline, tasks, created_at: created }: ExecutionDetail): string[] {
  const titles = new Map<string, string>(tasks.map(({ task_id: id, title }) => [id, title]))
  return timeline.map(({ seq, type, at, task_id: task, data }: AuditRow) => {
    const after = `+${duration(Date.parse(at) - Date.parse(created))}`
    const facts = Object.keys(data).length === 0 ? '' : plainLine(JSON.stringify(data), 120)
    const title = task === undefined ? '' : plainLine(titles.get(task) ?? task)
    return `${String(seq).padStart(4)}  ${at}  ${after.padStart(9)}  ${type.padEnd(27)} ${[title, facts].filter((part) => part !== '').join('  ')}`
  })
}
