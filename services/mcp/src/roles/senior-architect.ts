/** The architect: designs on which others vote, specifications that the mesh can plan, standards. */
import { listDecisions } from '@deed/proto/decision'
import { remember } from '@deed/proto/organization-notes'
import { listStandards } from '@deed/proto/organization-work'
import { z } from 'zod'
import { Id, worldText } from '../tools/execution-view.ts'
import { featureOf } from './product-manager.ts'
import { readCode, readUsage } from './read-facts.ts'
import { Requested, requestWork } from './request-work.ts'
import { Decided, decide, Name, roleTool, Text } from './role-tool.ts'

export const ARCHITECT_TOOLS = [
  roleTool({
    name: 'design_system',
    title: 'Propose a design',
    description: 'Proposes your design, on which the cto and a developer vote. Once approved it is a standard.',
    input: {
      name: Name,
      requirements: Text,
      constraints: Text,
      architecture: Text,
      components: z.array(Name).min(1).max(50),
      data_flow: z.array(z.string().min(1).max(256)).max(50),
    },
    output: { ...Decided, architecture: z.string(), components: z.array(z.string()), data_flow: z.array(z.string()) },
    async run({ name, requirements, constraints, architecture, components, data_flow }, work) {
      work.fact('components', components.length, 'the proposal')
      await readCode(work)
      const decided = await decide(work, {
        type: 'architecture',
        subject: { name, text: architecture, details: { components, data_flow } },
        rationale: `Requirements: ${requirements}\nConstraints: ${constraints}`.slice(0, 8_192),
      })
      return { ...decided, architecture, components, data_flow }
    },
  }),
  roleTool({
    name: 'evaluate_technology',
    title: 'Evaluate a technology',
    description:
      'What was decided about a technology by name. score: the consensus of the last vote; null without one.',
    input: { technology: Name, use_case: Text },
    output: {
      score: z.number().nullable(),
      pros: z.array(z.string()),
      cons: z.array(z.string()),
      recommendation: z.string(),
    },
    reads: true,
    async run({ technology }, work) {
      await readUsage(work, technology)
      work.fact('advisories', null, 'no service reads advisories in this release')
      const found = await work.read(
        listDecisions,
        { type: 'technology', name: technology, limit: 5 },
        { decisions: ({ decisions }) => decisions.length },
      )
      const [last] = found?.decisions ?? []
      const said = (choice: string) =>
        (last?.votes ?? [])
          .filter(({ vote }) => vote === choice)
          .map((one) => worldText(`${one.role}: ${one.rationale}`))
      return {
        ...{ score: last?.consensus_score ?? null, pros: said('approve'), cons: said('reject') },
        recommendation:
          last === undefined ? 'unknown: nobody decided about it' : `${last.status} in ${last.decision_id}`,
        next: 'cto: select_technology puts it to the vote.',
      }
    },
  }),
  roleTool({
    name: 'create_technical_spec',
    title: 'Write a specification that can be planned',
    description:
      'Plans the tasks of a feature without doing them, and keeps the specification as a note if the plan is valid.',
    input: {
      feature: Id,
      architecture: Text,
      tasks: z.array(Text).min(1).max(50).describe('in plain words, in order'),
    },
    output: { ...Requested, spec_document: z.string(), implementation_guide: z.array(z.string()) },
    async run({ feature, architecture, tasks }, work) {
      const item = await featureOf(work, feature)
      const manifest = {
        name: `spec-${feature}`,
        tasks: tasks.map((task, index) => ({
          ...{ id: `step-${index + 1}`, task },
          depends_on: index === 0 ? [] : [`step-${index}`],
        })),
      }
      const planned = await requestWork(work, { manifest, dry_run: true })
      const key = `spec-${feature}`
      const content = `${item.name}\n${architecture}\n${tasks.join('\n')}`.slice(0, 8_192)
      await work.ask(remember, { key, content, tags: ['spec'], from: `feature ${feature}` })
      return { ...planned, spec_document: key, implementation_guide: tasks, next: 'recall with the tag spec finds it.' }
    },
  }),
  roleTool({
    name: 'check_conformance',
    title: 'List the standards to conform to',
    description:
      'The standards in force, and facts of the code. A standard is text, so its violations are not counted: null.',
    input: { rules: z.array(Name).max(50).default([]).describe('names; empty: all') },
    output: {
      standards: z.array(z.strictObject({ name: z.string(), decision_id: z.string(), untrusted: z.string() })),
      violations: z.number().nullable(),
    },
    reads: true,
    async run({ rules }, work) {
      work.fact('violations', null, 'a standard is text: no program checks it')
      await readCode(work)
      const { standards } = await work.ask(listStandards, {})
      const wanted = standards.filter(({ name }) => rules.length === 0 || rules.includes(name))
      return {
        standards: wanted.map(({ name, decision_id, rule }) => ({ name, decision_id, untrusted: worldText(rule) })),
        violations: null,
        next: 'senior_developer: review_change lists them with a change.',
      }
    },
  }),
]
