/** What a person is asked to agree to: every action with its arguments, and the hash of just that. */
import type { ApprovalView } from '@deed/proto/execution'
import type { Paint } from './paint.ts'
import { plainLine, plainText } from './plain-text.ts'

const LEVELS: Record<number, string> = { 1: 'confirm', 2: 'review of the whole plan', 3: 'this step by itself' }

export function approvalText(approval: ApprovalView, paint: Paint): string {
  const {
    approval_id: id,
    task,
    level,
    plan_hash: hash,
    policy_version: policy,
    expires_at: expires,
    actions,
  } = approval
  return [
    paint('bold', `Agreement is wanted: level ${level}, ${LEVELS[level] ?? 'unknown'}`),
    `  task      ${plainLine(task)}`,
    ...actions.flatMap(({ title, summary, level: own, why, action }, index) => [
      `  ${index + 1}. ${paint('bold', plainLine(summary === '' ? title : summary))}  (level ${own}: ${plainLine(why)})`,
      ...actionLines(action).map((line) => `     ${line}`),
    ]),
    `  plan      ${hash}, policy ${plainLine(policy)}`,
    `  expires   ${expires}`,
    `  approval  ${id}`,
  ].join('\n')
}

export const howToDecide = (id: string): string =>
  `Waiting for a decision. Approve with\n  npx --no-install deed approve ${id}\nor deny with\n  npx --no-install deed deny ${id} --reason "..."`

/** The arguments as they would run, a line each; text of several lines is indented below its name. */
export function actionLines(action: Readonly<Record<string, unknown>>): string[] {
  const { kind, kind_version: version, input, ...rest } = action
  const named = Object.entries({ ...(isObject(input) ? input : { input }), ...rest }).filter(
    ([name, value]) => value !== undefined && !(DEFAULTS[name] === value),
  )
  return [
    `kind: ${plainLine(String(kind))}${version === 1 || version === undefined ? '' : ` (version ${version})`}`,
    ...named.flatMap(([name, value]) => {
      const lines = plainText(typeof value === 'string' ? value : JSON.stringify(value)).split('\n')
      if (lines.length === 1) return [`${name}: ${lines[0]}`]
      return [`${name}:`, ...lines.map((line) => `  | ${line}`)]
    }),
  ]
}

/** What an action has when nobody said otherwise; of no interest to a reader. */
const DEFAULTS: Record<string, unknown> = { already_so: 'skip', observe_only: false, timeout_ms: 60_000 }

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
