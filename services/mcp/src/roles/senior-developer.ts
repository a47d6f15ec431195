/** The developer: estimates from what was done, changes with their plan, reviews of the changes of others. */
import { type CodePlaces, searchCode } from '@deed/proto/code'
import { DeedError } from '@deed/proto/errors'
import { getExecution } from '@deed/proto/execution'
import { listStandards } from '@deed/proto/organization-work'
import { z } from 'zod'
import { Id, worldText } from '../tools/execution-view.ts'
import { quantile, readExecutions } from './read-facts.ts'
import { Proves, Requested, requestWork } from './request-work.ts'
import { roleTool, Text } from './role-tool.ts'

const SIMILAR_MAX = 5
const ENOUGH = 5
const PLACES_MAX = 20
const LINES_MAX = 60
const PLACE_CHARS_MAX = 4_000

export const DEVELOPER_TOOLS = [
  roleTool({
    name: 'find_code',
    title: 'Find places in the code',
    description:
      'Functions, classes and other places of a workspace, by words or parts of names, best first; by meaning, too, if ranked_by is both.',
    input: {
      query: z.string().min(1).max(1_000).describe('names or words: parse request'),
      workspace: z.string().min(1).max(4_096).optional(),
      path: z.string().min(1).max(4_096).default('.').describe('a folder below the workspace'),
      limit: z.int().min(1).max(PLACES_MAX).default(10),
      lines: z.int().min(0).max(LINES_MAX).default(10).describe('of the text of each place'),
    },
    output: {
      places: z.array(
        z.strictObject({
          path: z.string(),
          line: z.number(),
          end_line: z.number(),
          symbol: z.string().nullable(),
          score: z.number(),
          untrusted: z.string().describe('its text'),
        }),
      ),
      ranked_by: z.string(),
      unknown_words: z.array(z.string()),
    },
    reads: true,
    async run({ query: words, workspace, ...within }, work) {
      const request = { words, ...(workspace && { workspace }), ...within }
      const found = await work.read(searchCode, request, {
        places: ({ places }) => places.length,
        files_searched: ({ index }) => index.files,
        files_not_yet_read: ({ index }) => index.stopped?.left ?? 0,
      })
      const places = found?.places ?? []
      return {
        places: places.map(({ path, line, end_line, symbol, score, text }) => ({
          ...{ path: worldText(path), line, end_line, symbol: symbol === null ? null : worldText(symbol), score },
          untrusted: worldText(text, PLACE_CHARS_MAX),
        })),
        ranked_by: found?.ranked_by ?? 'nothing: see the facts',
        unknown_words: (found?.unknown_words ?? []).map((word) => worldText(word)),
        next: nextOf(found),
      }
    },
  }),
  roleTool({
    name: 'estimate_change',
    title: 'Estimate from what was done',
    description: 'How long executions took whose task has these words. Fewer than five are said to be few.',
    input: { description: z.string().min(1).max(256).describe('a part of the words of like tasks') },
    output: {
      p50_ms: z.number().nullable(),
      p95_ms: z.number().nullable(),
      n: z.number(),
      similar: z.array(z.strictObject({ execution_id: z.string(), status: z.string(), untrusted: z.string() })),
    },
    reads: true,
    async run({ description }, work) {
      const found = await readExecutions(work, { text: description, status: 'done' })
      const times = found.flatMap(({ time_ms: ms }) => (ms === null ? [] : [ms]))
      return {
        ...{ p50_ms: quantile(times, 0.5), p95_ms: quantile(times, 0.95), n: times.length },
        similar: found.slice(0, SIMILAR_MAX).map(({ execution_id, status, task }) => ({
          ...{ execution_id, status },
          untrusted: worldText(task),
        })),
        next:
          times.length < ENOUGH ? `Only ${times.length} are alike: do not rely on it.` : 'implement_change does one.',
      }
    },
  }),
  roleTool({
    name: 'implement_change',
    title: 'Make a change',
    description:
      'Plans and does a change in plain words; what changes something waits for a person. dry_run only shows it.',
    input: {
      task: Text.describe('in plain words: replace "a" with "b" in src/x.ts'),
      target_file: z.string().min(1).max(4_096).optional(),
      workspace: z.string().min(1).max(4_096).optional(),
      dry_run: z.boolean().default(false),
      proves: Proves,
    },
    output: Requested,
    run: ({ task, target_file, workspace, dry_run, proves }, work) =>
      requestWork(work, {
        ...{ task, dry_run, proves },
        context: { ...(workspace && { workspace }), ...(target_file && { target_file }) },
      }),
  }),
  roleTool({
    name: 'review_change',
    title: 'Review a change of others',
    description: 'What an execution did, what was observed of it, its levels, and the standards. Not of an own change.',
    input: { execution_id: Id },
    output: {
      verified: z.boolean(),
      findings: z.array(z.string()),
      standards: z.array(z.string()),
      untrusted: z.array(z.string()).describe('the steps'),
    },
    reads: true,
    async run({ execution_id }, work) {
      const detail = await work.ask(getExecution, getExecution.input.parse({ execution_id }))
      if (detail.user === work.call.agent.user)
        throw new DeedError('self_approval', 'it is a change of this role: another one reviews it')
      const found = await work.read(listStandards, {}, { standards: ({ standards }) => standards.length })
      const source = `execution.get execution_id=${execution_id}`
      work.fact('level_max', Math.max(0, ...detail.tasks.map(({ level }) => level)), source)
      work.fact('steps', detail.tasks.length, source)
      work.fact('evidence', detail.verification.length, source)
      const unsure = detail.verification.filter(({ outcome }) => outcome !== 'verified')
      return {
        verified: detail.task_verified,
        findings: [
          ...(detail.status === 'done' ? [] : [`it is ${detail.status}`]),
          ...(detail.task_verified ? [] : ['nobody knows whether it is what the task asks for']),
          ...unsure.map(({ observed }) => worldText(`not verified: ${observed}`)),
        ],
        standards: (found?.standards ?? []).map(({ name, rule }) => worldText(`${name}: ${rule}`)),
        untrusted: detail.tasks.map(({ title, actual_status: status }) => worldText(`${title}: ${status}`)),
        next: 'send_message tells its author; cast_vote where a decision is due.',
      }
    },
  }),
]

function nextOf(found: CodePlaces | undefined): string {
  if (!found) return 'Nothing is known of the code: see the facts, and try again later.'
  if (found.index.stopped?.why === 'time') return 'Not every file has been read yet: call it again to continue.'
  return found.places.length === 0 ? 'Try other words, or parts of names.' : 'implement_change makes a change there.'
}
