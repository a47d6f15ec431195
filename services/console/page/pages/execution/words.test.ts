import { EXECUTION_STATUSES } from '@deed/proto/states'
import { expect, it } from 'vitest'
import { isDiff, readDiff } from '../../text/diff-lines.ts'
import { receiptOf } from './receipt.ts'
import { type ServedSpan, spanRows } from './span-rows.ts'
import { verbsFor } from './verbs.ts'

const DIFF = `diff --git a/notes.txt b/notes.txt
--- a/notes.txt
+++ b/notes.txt
@@ -1,2 +1,2 @@
 kept
-old
--- not a file name
+new
`

it('the lines of a diff are counted, and its file names are no changes', () => {
  const { lines, added, removed } = readDiff(DIFF)
  expect(lines.map(({ kind }) => kind)).toEqual(['file', 'file', 'file', 'hunk', 'same', 'removed', 'removed', 'added'])
  expect([added, removed]).toEqual([1, 2])
  expect(isDiff(DIFF)).toBe(true)
  expect(isDiff('+ 3 files\n- none')).toBe(false)
})

it('a verb that does not apply says why, and at least one applies in every state', () => {
  for (const status of EXECUTION_STATUSES) {
    const verbs = verbsFor(status, () => undefined)
    for (const { reason } of verbs) expect(reason).not.toBe('')
    const usable = verbs.filter(({ reason }) => reason === undefined).map(({ verb }) => verb)
    expect(usable, status).toHaveLength(EXPECTED[status].length)
    expect(usable, status).toEqual(EXPECTED[status])
  }
})

const EXPECTED: Record<(typeof EXECUTION_STATUSES)[number], string[]> = {
  planning: ['pause', 'cancel'],
  waiting: ['pause', 'cancel'],
  running: ['pause', 'cancel'],
  paused: ['resume', 'cancel'],
  undoing: [],
  done: ['rollback'],
  failed: ['retry', 'rollback'],
  denied: ['rollback'],
  cancelled: ['retry', 'rollback'],
  rolled_back: ['retry'],
  rollback_failed: ['rollback'],
}

it('a role without the verb is a reason, after those of the state', () => {
  const reasons = verbsFor('done', (subject) => `not ${subject}`).map(({ verb, reason }) => [verb, reason])
  expect(reasons).toContainEqual(['rollback', 'not execution.rollback'])
  expect(reasons).toContainEqual(['pause', 'It is done; only what goes forward can be paused.'])
})

const metrics = { time_ms: 5, tokens_used: 0, cost_usd: 0, cache_hit: false, quality: null, success: true }

it('a receipt has a line for each source that was used', () => {
  const byRule = receiptOf({ method: 'autonomous', template_used: 'greeting', model_used: null, metrics })
  expect(byRule.map(({ source }) => source)).toEqual(['rule', 'template'])
  const paid = { ...metrics, tokens_used: 1_200, cost_usd: 0.01 }
  const byModel = receiptOf({ method: 'llm_assisted', template_used: null, model_used: 'large', metrics: paid })
  expect(byModel).toEqual([{ source: 'model over an API', what: 'large', tokens: 1_200, usd: 0.01 }])
  const cached = receiptOf({
    method: 'cached',
    template_used: null,
    model_used: null,
    metrics: { ...metrics, cache_hit: true },
  })
  expect(cached.map(({ source }) => source)).toEqual(['cache'])
})

const span = (
  id: string,
  parent: string | null,
  start: number,
  ms: number,
  more: Partial<ServedSpan> = {},
): ServedSpan => ({
  ...{ trace_id: 't', span_id: id, parent_id: parent, name: id, kind: 'internal', start_ms: start, duration_ms: ms },
  ...{ failed: false, attributes: {}, events: [], links: [], service: 'orchestrator', ...more },
})

it('spans are listed below their parents, in the order of their beginnings', () => {
  const rows = spanRows([
    span('c', 'a', 30, 10),
    span('a', null, 0, 100),
    span('b', 'a', 10, 50),
    span('d', 'b', 20, 5),
  ])
  expect(rows.map(({ span: { span_id: id }, depth }) => `${id}${depth}`)).toEqual(['a0', 'b1', 'd2', 'c1'])
  expect(rows[1]).toMatchObject({ x: 0.1, width: 0.5, lost: false })
})

it('a span whose parent is forgotten is shown at the top; statements are shown if asked for, or if they failed', () => {
  const statement = { attributes: { 'db.system.name': 'postgresql' } }
  const spans = [
    span('a', 'gone', 0, 10),
    span('b', 'a', 1, 1, statement),
    span('c', 'a', 2, 1, { ...statement, failed: true }),
  ]
  expect(spanRows(spans).map(({ span: { span_id: id }, lost }) => [id, lost])).toEqual([
    ['a', true],
    ['c', false],
  ])
  expect(spanRows(spans, { statements: true })).toHaveLength(3)
})
