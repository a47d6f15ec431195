/** What a person is asked to agree to: the whole plan on one screen, and the hash of just that. */

import { counted } from '@deed/config/counted'
import { type ReadBy, WordsRead } from '@deed/proto/action'
import type { ApprovalView, PlanScreen, PlanStep, SealedStep } from '@deed/proto/approval'
import { observationText } from '@deed/proto/observation-text'
import { base64Texts } from '@deed/text/base64-texts'
import { exposedLine, exposedText } from '@deed/text/exposed-text'
import { dollars, duration, moment } from '../terminal/amounts.ts'
import { deedCommand } from '../terminal/deed-command.ts'
import type { Paint } from '../terminal/paint.ts'
import { plainLine } from '../terminal/plain-text.ts'
import { shownId } from '../terminal/terminal.ts'

const LEVELS: Record<number, string> = { 1: 'confirm', 2: 'review of the whole plan', 3: 'this step by itself' }

const UNDO: Record<NonNullable<SealedStep['reversibility']>, string> = {
  reversible: 'what was there before is brought back',
  compensable: 'by another action, which makes up for it',
  irreversible: 'CANNOT BE UNDONE',
}

/** @param now milliseconds since 1970 */
export function approvalText(approval: ApprovalView, paint: Paint, now = Date.now()): string {
  const {
    approval_id: id,
    task,
    level,
    plan_hash: hash,
    policy_version: policy,
    expires_at: expires,
    omitted,
  } = approval
  return [
    paint('bold', `Approval is required: level ${level}, ${LEVELS[level] ?? 'unknown'}`),
    `  task      ${exposedLine(task)}`,
    `  asked by  ${exposedLine(approval.requested_by)}`,
    ...(approval.plan === null ? [] : planLines(approval.plan, paint, omitted?.steps)),
    ...stepLines(approval.actions, paint),
    ...(omitted === undefined || omitted.actions === 0
      ? []
      : [`  and ${omitted.actions} more that it covers: deed approve ${shownId(id)} --full`]),
    `  plan      ${hash}, policy ${exposedLine(policy)}`,
    `  expires   ${moment(expires, now)}`,
    `  approval  ${shownId(id)}`,
  ].join('\n')
}

const waysToDecide = (id: string): string =>
  `Approve with\n  ${deedCommand(`approve ${shownId(id)}`)}\nor deny with\n  ${deedCommand(`deny ${shownId(id)} --reason "..."`)}`

export const howToDecide = (id: string): string => `Waiting for a decision. ${waysToDecide(id)}`

/** For somebody who leaves without an answer. */
export const stillWaiting = ({ approval_id: id, execution_id: execution, expires_at: expires }: ApprovalView): string =>
  `Nothing was decided: execution ${shownId(execution)} still waits for approval ${shownId(id)}, until ${moment(expires)}.
${waysToDecide(id)}
and follow it with
  ${deedCommand(`watch ${shownId(execution)}`)}`

/**
 * The order of all steps, who agrees to which, and from where on there is no way back.
 *
 * @param omitted how many there are behind those that came along
 */
export function planLines(
  { steps, point_of_no_return: last, estimate }: PlanScreen,
  paint: Paint,
  omitted = 0,
): string[] {
  const numbers = new Map(steps.map(({ name }, index) => [name, index + 1]))
  const count = steps.length + omitted
  const facts = [
    counted(count, 'step'),
    ...(estimate === null ? [] : [`about ${duration(estimate.time_ms)}, ${dollars(estimate.cost_usd)}`]),
    last === null ? 'all of it can be undone' : `no way back from step ${numbers.get(last) ?? exposedLine(last)} on`,
  ]
  const sources = estimate?.solved_by && sourceLines(estimate)
  const lines = steps.length < 2 ? [] : steps.map((step) => planLine(step, numbers, last, paint))
  return [
    `  steps     ${facts.join('; ')}`,
    ...(sources ?? []),
    ...lines,
    ...(omitted > 0 ? [`        and ${omitted} more`] : []),
  ]
}

/** Who finds the actions, and what models would cost that are asked for some. */
function sourceLines({ solved_by: by, models }: NonNullable<PlanScreen['estimate']>): string[] {
  if (!by || by.cache + by.models === 0) return []
  const parts = Object.entries({ rules: by.rules, 'the cache': by.cache, models: by.models })
    .filter(([, count]) => count > 0)
    .map(([who, count]) => `${counted(count, 'part')} by ${who}`)
  const first = models?.models[0]
  const cost = models && [
    ...(first ? [] : ['no model can be asked']),
    ...models.models.map(
      ({ model, where, cost_usd: usd }, index) =>
        `${index === 0 ? 'first ' : 'else '}${plainLine(model)} (${where}, about ${dollars(usd)})`,
    ),
    ...(first ? [`about ${counted(models.tokens, 'token')}; never more than ${dollars(models.cost_usd_max)}`] : []),
    models.budget_usd === null ? 'no budget is set' : `the budget is ${dollars(models.budget_usd)}`,
  ]
  return [
    ...(parts.length > 0 ? [`  found     ${parts.join(', ')}`] : []),
    ...(cost ? [`  models    ${cost.join('; ')}`] : []),
    ...(models?.not_asked ?? []).map((why) => `            ${plainLine(why)}`),
    ...(by.models > 0 && !models ? ['  models    nobody could say what they would cost'] : []),
  ]
}

function planLine(
  { name, title, level, after, agreement, reversibility }: PlanStep,
  numbers: ReadonlyMap<string, number>,
  last: string | null,
  paint: Paint,
): string {
  const waits = after.map((one) => numbers.get(one)).filter((number) => number !== undefined)
  const facts = [
    `level ${level}`,
    ...(waits.length === 0 ? [] : [`after ${waits.join(', ')}`]),
    ...(agreement === 'own' ? ['asked for by itself'] : agreement === 'grant' ? ['pre-approved'] : []),
    ...(reversibility === 'irreversible' ? [paint('red', 'cannot be undone')] : []),
    ...(name === last ? [paint('red', 'point of no return')] : []),
  ]
  return `    ${String(numbers.get(name)).padStart(2)}. ${exposedLine(title)}  (${facts.join(', ')})`
}

/** Each action as it would run: arguments, diff, what it meets, what proves it, how it is undone. */
export const stepLines = (actions: readonly SealedStep[], paint: Paint): string[] =>
  actions.flatMap((step, index) => {
    const { title, summary, level, why, action } = step
    return [
      `  ${index + 1}. ${paint('bold', exposedLine(summary === '' ? title : summary))}  (level ${level}: ${exposedLine(why)})`,
      ...[...readingLines(step), ...actionLines(action), ...factLines(step, paint)].map((line) => `     ${line}`),
    ]
  })

/** Where no rule knows the words as they are: the words of the task, and what they were understood as. */
function readingLines({ action, summary, title }: SealedStep): string[] {
  const { data: reading } = WordsRead.safeParse(action.reading)
  if (!reading) return []
  const text = reading.text ?? (summary === '' ? title : summary)
  return [`asked for: ${exposedLine(reading.of)}`, `understood as: ${exposedLine(text)} (${READ_BY[reading.by]})`]
}

const READ_BY: Record<ReadBy, string> = {
  similarity: 'by similarity; approve only if this is what was meant',
  learned: 'as learned from earlier tasks; approve only if this is what was meant',
  choice: 'as a person chose',
  model: 'by a model; approve only if this is what was meant',
  recalled: 'as an earlier request with similar words; approve only if this is what was meant',
}

function factLines(step: SealedStep, paint: Paint): string[] {
  const { action, effect, reversibility, environment, diff, observes, changed } = step
  // Where these are sealed, they are among the arguments.
  const state = action.expect_before === undefined ? step.state_before : null
  const sandbox = action.expect_sandbox === undefined ? step.sandbox : null
  const line = (name: string, text: string | null): string[] => (text === null ? [] : [`${name}: ${exposedLine(text)}`])
  return [
    ...line('effect', effect),
    ...line('meets', state),
    ...line('environment', environment),
    ...line('sandbox', sandbox),
    ...(diff === null
      ? []
      : [
          'diff:',
          ...exposedText(diff.replace(/\n$/, ''))
            .split('\n')
            .map((one) => diffLine(one, paint)),
        ]),
    ...line('proven by', observes === null ? null : observationText(observes)),
    ...(effect === null || effect === 'read' || reversibility === null
      ? []
      : [`undo: ${reversibility === 'irreversible' ? paint('red', UNDO[reversibility]) : UNDO[reversibility]}`]),
    ...changed.map(
      ({ path, before, after }) =>
        `changed since it was approved: ${exposedLine(path)}: ${exposedLine(before)} -> ${exposedLine(after)}`,
    ),
  ]
}

const diffLine = (line: string, paint: Paint): string =>
  `  ${line.startsWith('+') ? paint('green', line) : line.startsWith('-') ? paint('red', line) : line}`

/** The arguments as they would run, a line each; text of several lines is indented below its name. */
export function actionLines(action: Readonly<Record<string, unknown>>): string[] {
  const {
    kind,
    kind_version: version,
    input,
    reading: _shown,
    expect_resolved: means,
    expect_files: files,
    ...rest
  } = action
  const named = Object.entries({ ...(isObject(input) ? input : { input }), ...rest }).filter(
    ([name, value]) => value !== undefined && !(DEFAULTS[name] === value),
  )
  return [
    `kind: ${exposedLine(String(kind))}${version === 1 || version === undefined ? '' : ` (version ${version})`}`,
    ...named.flatMap(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      const lines = exposedText(text).split('\n')
      const encoded = base64Texts(text).map((one) => `  in base64: ${exposedLine(one)}`)
      if (lines.length === 1) return [`${exposedLine(name)}: ${lines[0]}`, ...encoded]
      return [`${exposedLine(name)}:`, ...lines.map((line) => `  | ${line}`), ...encoded]
    }),
    ...factLinesOf('its names mean', means),
    ...factLinesOf('files that it names', files),
  ]
}

const factLinesOf = (title: string, facts: unknown): string[] =>
  isObject(facts) && Object.keys(facts).length > 0
    ? [
        `${title}:`,
        ...Object.entries(facts).map(([name, value]) => `  ${exposedLine(name)}: ${exposedLine(String(value))}`),
      ]
    : []

/** What an action has when nobody said otherwise; of no interest to a reader. */
const DEFAULTS: Record<string, unknown> = { already_so: 'skip', observe_only: false, timeout_ms: 60_000 }

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
