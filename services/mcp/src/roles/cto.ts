/** The chief technical officer: architecture, technology, debt, releases, standards. */

import { listStandards } from '@deed/proto/organization-work'
import { z } from 'zod'
import { worldText } from '../tools/execution-view.ts'
import { countBy, readAlerts, readCode, readExecutions, readUsage } from './read-facts.ts'
import { Decided, decide, Hours, hoursAgo, Name, roleTool, Text } from './role-tool.ts'

const FIXES_MAX = 10

export const CTO_TOOLS = [
  roleTool({
    name: 'review_architecture',
    title: 'Put an architecture to the vote',
    description:
      'Proposes an architecture, on which the architect and a developer vote. feedback: standards it must meet.',
    input: { design: Text, components: z.array(Name).min(1).max(50), scalability: Text },
    output: { ...Decided, feedback: z.array(z.string()), modifications: z.array(z.string()) },
    async run({ design, components, scalability }, work) {
      await readCode(work)
      work.fact('components', components.length, 'the proposal')
      const found = await work.read(listStandards, {}, { standards: ({ standards }) => standards.length })
      const decided = await decide(work, {
        type: 'architecture',
        subject: { name: components.join(', ').slice(0, 128), text: design, details: { components, scalability } },
        rationale: scalability,
      })
      const double = countBy(components, (one) => one.toLowerCase()).filter(([, count]) => count > 1)
      return {
        ...decided,
        feedback: (found?.standards ?? []).map(({ name, rule }) => worldText(`${name}: ${rule}`)),
        modifications: double.map(([name]) => `name ${name} once`),
      }
    },
  }),
  roleTool({
    name: 'select_technology',
    title: 'Choose a technology',
    description:
      'Weighs options by the given scores (0 to 1) and weights; the architect and a developer vote on the best.',
    input: {
      options: z
        .array(z.strictObject({ name: Name, scores: z.record(Name, z.number().min(0).max(1)) }))
        .min(1)
        .max(20),
      criteria: z.record(Name, z.number().min(0).max(100)).describe('weights'),
      timeline: Text,
    },
    output: { ...Decided, selected: z.string(), migration_plan: z.string() },
    async run({ options, criteria, timeline }, work) {
      const weight = Object.values(criteria).reduce((sum, one) => sum + one, 0)
      const scored = options.map(({ name, scores }) => {
        const sum = Object.entries(criteria).reduce((all, [key, by]) => all + by * (scores[key] ?? 0), 0)
        return { name, score: weight === 0 ? 0 : sum / weight }
      })
      const [best = { name: '', score: 0 }] = scored.toSorted((a, b) => b.score - a.score)
      for (const { name, score } of scored) work.fact(name.slice(0, 64), score, 'weighted sum of the given scores')
      await readUsage(work, best.name)
      const decided = await decide(work, {
        type: 'technology',
        subject: { name: best.name, text: timeline, details: { criteria } },
        rationale: `best of ${options.length} by the given weights: ${best.score.toFixed(3)}`,
      })
      return { ...decided, selected: best.name, migration_plan: timeline }
    },
  }),
  roleTool({
    name: 'assess_technical_debt',
    title: 'Assess technical debt',
    description:
      'priority_fixes: what failed most often, by error. hot_spots: files that are complex and change often. No rule makes a score of them.',
    input: { codebase_metrics: z.record(Name, z.number()).optional(), hours: Hours },
    output: {
      debt_score: z.number().nullable(),
      hot_spots: z.array(z.strictObject({ path: z.string(), commits: z.number(), complexity: z.number() })),
      priority_fixes: z.array(z.strictObject({ error: z.string(), failures: z.number(), untrusted: z.string() })),
    },
    reads: true,
    async run({ codebase_metrics: given = {}, hours }, work) {
      const code = await readCode(work)
      work.fact('debt_score', null, 'no rule makes a score of these facts')
      for (const [name, value] of Object.entries(given).slice(0, 20)) work.fact(name.slice(0, 64), value, 'the caller')
      const failed = await readExecutions(work, { status: 'failed', since: hoursAgo(hours) })
      return {
        debt_score: null,
        hot_spots: (code?.hot_spots ?? [])
          .slice(0, FIXES_MAX)
          .map(({ path, ...counts }) => ({ path: worldText(path), ...counts })),
        priority_fixes: countBy(failed, ({ error }) => error?.code ?? 'unknown')
          .slice(0, FIXES_MAX)
          .map(([error, failures]) => ({
            ...{ error, failures },
            untrusted: worldText(failed.find((one) => one.error?.code === error)?.task ?? ''),
          })),
        next: 'senior_architect or senior_developer: propose a change for the first of them.',
      }
    },
  }),
  roleTool({
    name: 'approve_deployment',
    title: 'Decide on a deployment',
    description:
      'Approves a release that passed assess_release for environments, while no critical alert fires; a person decides on production.',
    input: {
      release: Name,
      environments: z
        .array(z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/))
        .min(1)
        .max(16),
    },
    output: { ...Decided, deployment_plan: z.array(z.string()) },
    async run({ release, environments }, work) {
      await readAlerts(work)
      const decided = await decide(work, {
        type: 'deployment',
        subject: { name: release, environments },
        rationale: `deploy ${release} to ${environments.join(', ')}`,
      })
      return { ...decided, deployment_plan: decided.approved ? environments : [] }
    },
  }),
  roleTool({
    name: 'set_standard',
    title: 'Propose a standard',
    description:
      'Proposes a standard, on which architect, developer and test lead vote. Reviews list it once approved.',
    input: { name: Name, rule: Text, check: Text },
    output: { ...Decided, standard_id: z.string() },
    async run({ name, rule, check }, work) {
      const decided = await decide(work, {
        type: 'standard',
        subject: { name, text: `${rule}\nCheck: ${check}` },
        rationale: check,
      })
      return { ...decided, standard_id: name }
    },
  }),
]
