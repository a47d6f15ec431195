/** Requests that are right: one made of the contract's schema, and where more is asked than a schema says, real ones. */
import type { RequestContract } from '@deed/proto/contract'
import type { Json } from '@deed/proto/json'
import { exampleOf } from './example-of.ts'

const REAL: Readonly<Record<string, readonly Json[]>> = {
  'execution.request': [
    { task: 'create the folder fuzzed' },
    { task: 'write "x" to fuzzed.txt, then create the folder fuzzed/deeper', mode: 'background', priority: 'high' },
    {
      task: 'create the folder fuzzed',
      language: 'elixir',
      complexity: 'simple',
      context: { workspace: 'main', target_file: 'lib/fuzzed.ex', note: { deep: [1, 2, { a: 'b' }] } },
      acceptance_criteria: ['it is there'],
      budget_usd: 0.5,
      on_failure: 'ask',
      dry_run: true,
    },
    {
      manifest: {
        name: 'fuzzed',
        defaults: { priority: 'low', acceptance_criteria: ['it is there'] },
        tasks: [
          { id: 'a', task: 'create the folder fuzzed' },
          { id: 'b', action: { kind: 'dir.create', input: { path: 'fuzzed/b' } }, depends_on: ['a'] },
        ],
      },
    },
  ],
  'goal.put': [
    { name: 'fuzzed', task: 'create the folder fuzzed', interval_ms: 60_000, remedies_max: 3 },
    { name: 'fuzzed', execution_id: '018f2f64-7a4e-7cc3-98a1-1f2e3d4c5b6a' },
    { name: 'fuzzed', manifest: { name: 'fuzzed', tasks: [{ id: 'a', task: 'create the folder fuzzed' }] } },
  ],
  'schedule.put': [
    { name: 'fuzzed', request: { task: 'create the folder fuzzed' }, cron: '30 2 * * *', timezone: 'Europe/Berlin' },
    { name: 'fuzzed', request: { task: 'create the folder fuzzed', priority: 'low' }, every_ms: 3_600_000 },
    {
      name: 'fuzzed',
      request: { manifest: { name: 'fuzzed', tasks: [{ id: 'a', task: 'create the folder fuzzed' }] } },
      every_ms: 3_600_000,
    },
  ],
  'grant.put': [{ kind: 'file.write', path: 'fuzzed', level: 1, expires_at: '2099-01-01T00:00:00Z', reason: 'fuzzed' }],
  'task.decompose': [
    { goal: 'build a web server with tests', complexity: 'complex' },
    {
      goal: 'x',
      tasks: [
        { id: 'a', description: 'a' },
        { id: 'b', description: 'b', depends_on: ['a'] },
      ],
    },
  ],
  'agent.process': [{ description: 'create the folder fuzzed' }, { description: 'write "x" to fuzzed.txt' }],
  'agent.learn': [
    {
      execution_id: '018f2f64-7a4e-7cc3-98a1-1f2e3d4c5b6a',
      task: { description: 'tidy up' },
      source: 'model',
      solution: {
        actions: [{ name: 'a', title: 'a', action: { kind: 'dir.create', input: { path: 'fuzzed' } } }],
        confidence: 1,
      },
    },
  ],
  'rules.list': [{}, { rule: 'services/restart' }],
  'rules.test': [{ files: [{ file: 'own.yaml', text: 'pack: own' }] }],
  'rules.forget': [{ id: '0123456789ab' }, { all: true }],
  'action.inspect': [
    {
      execution_id: '018f2f64-7a4e-7cc3-98a1-1f2e3d4c5b6a',
      actions: [
        {
          kind: 'file.write',
          input: { path: 'fuzzed.txt', content: 'x' },
          verify: { kind: 'file', path: 'fuzzed.txt' },
        },
        { kind: 'dir.create', input: { path: 'fuzzed' }, workspace: 'main' },
      ],
    },
  ],
}

export const goodRequests = ({ subject, input }: RequestContract): readonly Json[] => [
  ...(REAL[subject] ?? []),
  exampleOf(input),
]
