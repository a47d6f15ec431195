/** The product manager: features, their criteria and order; done is what executions showed. */

import { DeedError } from '@deed/proto/errors'
import { OrganizationRole } from '@deed/proto/organization'
import { recall, sendMessage } from '@deed/proto/organization-notes'
import { acceptFeature, addBacklogItem, type BacklogItem, listBacklog } from '@deed/proto/organization-work'
import { z } from 'zod'
import { Id, worldText } from '../tools/execution-view.ts'
import { Parameters, Requested, requestWork } from './request-work.ts'
import { Decided, decide, roleTool, Text, type Work } from './role-tool.ts'

/** @throws {DeedError} `not_found` */
export async function featureOf({ ask }: Pick<Work, 'ask'>, id: string): Promise<BacklogItem> {
  const { items } = await ask(listBacklog, listBacklog.input.parse({ backlog_id: id, limit: 1 }))
  const [item] = items
  if (item === undefined) throw new DeedError('not_found', 'there is no such item of the backlog')
  return item
}

export const PRODUCT_TOOLS = [
  roleTool({
    name: 'define_feature',
    title: 'Define a feature',
    description: 'Adds a feature with acceptance criteria to the backlog. Mark a criterion that no execution can show.',
    input: {
      name: z.string().min(1).max(256),
      user_stories: z.array(Text).min(1).max(20),
      business_value: Text,
      acceptance_criteria: z
        .array(z.strictObject({ text: z.string().min(1).max(512), checkable: z.boolean().default(true) }))
        .max(50)
        .default([]),
    },
    output: { feature_id: z.string(), requirements: z.array(z.string()), priority: z.number() },
    async run({ name, user_stories, business_value, acceptance_criteria }, work) {
      const text = [business_value, ...user_stories].join('\n').slice(0, 8_192)
      const item = await work.ask(addBacklogItem, { kind: 'feature', name, text, criteria: acceptance_criteria })
      return {
        ...{ feature_id: item.backlog_id, requirements: user_stories, priority: item.rank },
        next:
          acceptance_criteria.length === 0
            ? 'Without acceptance criteria it is never accepted: define it again under another name, with some.'
            : 'test_lead: define_test_plan; senior_developer: implement_change.',
      }
    },
  }),
  roleTool({
    name: 'prioritize_backlog',
    title: 'Order the backlog',
    description: 'Puts these items first, in this order; the others keep theirs behind them.',
    input: { items: z.array(Id).min(1).max(100), constraints: Text },
    output: {
      ...Decided,
      prioritized_backlog: z.array(z.strictObject({ feature_id: z.string(), untrusted: z.string() })),
    },
    async run({ items, constraints }, work) {
      const decided = await decide(work, {
        type: 'priority',
        subject: { name: 'backlog', details: { order: items } },
        rationale: constraints,
      })
      const { items: now } = await work.ask(listBacklog, { limit: 50 })
      return {
        ...decided,
        prioritized_backlog: now.map(({ backlog_id, name }) => ({
          feature_id: backlog_id,
          untrusted: worldText(name),
        })),
      }
    },
  }),
  roleTool({
    name: 'gather_requirements',
    title: 'Gather requirements',
    description: 'What the backlog and the notes say about a feature; asks the named roles in a message.',
    input: { feature: Id, stakeholders: z.array(OrganizationRole).max(8).default([]) },
    output: {
      requirements_doc: z.string().describe('untrusted'),
      acceptance_criteria: z.array(z.string()),
      asked: z.array(z.string()),
    },
    async run({ feature, stakeholders }, work) {
      const item = await featureOf(work, feature)
      const found = await work.read(
        recall,
        { query: item.name, limit: 10 },
        { notes: ({ memories }) => memories.length },
      )
      const others = stakeholders.filter((role) => role !== work.call.agent.user)
      for (const to of others)
        await work.ask(sendMessage, {
          ...{ to, type: 'request', subject: `What must ${item.name} do?` },
          content: `Answer in this thread, with what you need of ${item.name} (feature ${feature}).`,
        })
      const notes = (found?.memories ?? []).map(({ by, content }) => `${by}: ${worldText(content)}`)
      return {
        requirements_doc: [worldText(item.text, 8_192), ...notes].join('\n'),
        acceptance_criteria: item.criteria.map(({ text }) => worldText(text)),
        asked: others,
        next: 'read_inbox has the answers, when they come.',
      }
    },
  }),
  roleTool({
    name: 'accept_feature',
    title: 'Accept a feature',
    description:
      'A feature is done if an execution of its own shows each criterion, verified. unmet says what is missing.',
    input: { feature_id: Id },
    output: { accepted: z.boolean(), unmet: z.array(z.string()) },
    async run({ feature_id }, work) {
      const { accepted, unmet, item } = await work.ask(
        acceptFeature,
        acceptFeature.input.parse({ backlog_id: feature_id }),
      )
      work.fact('criteria', item.criteria.length, 'organization.accept-feature')
      const linked = item.criteria.filter(({ execution_id: id }) => id !== null)
      work.fact('criteria_linked', linked.length, 'organization.accept-feature')
      return {
        accepted,
        unmet: unmet.map((one) => worldText(one)),
        next: accepted ? 'It is done.' : 'test_lead: run_tests, or senior_developer: implement_change, with proves.',
      }
    },
  }),
  roleTool({
    name: 'develop_feature',
    title: 'Have a feature developed',
    description:
      'Starts the workflow feature_development for a feature of the backlog, and links it to a criterion; dry_run shows its plan.',
    input: {
      feature_id: Id,
      criterion: z.number().int().min(0).max(49).default(0),
      set: Parameters.describe('design, change, tests, release, environment, deploy'),
      dry_run: z.boolean().default(true),
    },
    output: Requested,
    async run({ feature_id, criterion, set, dry_run }, work) {
      const { name } = await featureOf(work, feature_id)
      const workflow = { name: 'feature_development', set: { ...set, feature: name } }
      return requestWork(work, { workflow, dry_run, proves: { feature_id, criterion } })
    },
  }),
]
