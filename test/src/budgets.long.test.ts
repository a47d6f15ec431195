// A dollar a day, a model that costs, and a server that says of each call what cannot be.
import { startDeed } from '@deed/drill/harness/deed-process'
import { meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import type { PlanScreen } from '@deed/proto/approval'
import { executionStats, getExecution, requestExecution } from '@deed/proto/execution'
import { resumeExecution } from '@deed/proto/steering'
import { describe, expect, it } from 'vitest'
import { startFakeOllama } from '../fake-ollama/start-fake-ollama.ts'

/** What no server can have counted; JSON makes null of the first. */
const ODD = [Number.NaN, -1, 1e12, 2 ** 53 + 1, 0.5]
const ASKED = 30
/** Of a call: its 8,192 tokens of an answer at this price. */
const CALL_USD_MAX = 0.1
const AFFORDED = 10

describe('the last dollar of a day', () => {
  it('is spent once, whatever the model server reports, and the rest is refused', async () => {
    await using model = await startFakeOllama({
      answer: (_, index) => ({
        json: {
          actions: [
            { kind: 'file.write', name: 'write', title: 'write it', input: { path: `${index}.txt`, content: 'x' } },
          ],
        },
        answerTokens: ODD[index % ODD.length] ?? Number.NaN,
      }),
    })
    await using under = await meshUnderTest({
      config: `
models:
  prices: { "fake:latest": { prompt_usd_per_million: 0, answer_usd_per_million: 12.207 } }
  budget_usd_per_day: 1
`,
      env: { OLLAMA_HOST: model.url },
    })
    const alerts: { alert_id: string; data: { charged_microusd: number } }[] = []
    const costs = under.client.nc.subscribe('alerts.local.cost-unknown', {
      callback: (_, message) => void alerts.push(message.json()),
    })
    const replies = await Promise.all(
      Array.from({ length: ASKED }, async (_, index) => {
        const task = `Please compose verse ${index} about money for me`
        const { execution_id } = await under.client.call(requestExecution, { task, mode: 'background' })
        return until(
          async () => {
            const detail = await under.client.call(getExecution, { execution_id })
            return ['waiting', 'paused'].includes(detail.status) && detail
          },
          { timeoutMs: 120_000, what: 'a plan that waits, or none' },
        )
      }),
    )
    // What a model has solved waits for a person, and is paid for.
    const solved = replies.filter(({ status }) => status === 'waiting')
    expect(solved).toHaveLength(AFFORDED)
    for (const { method, metrics } of solved) {
      expect(method).toBe('llm_assisted')
      // The prompt's count could be, the answer's could not: nothing of it is added.
      expect(metrics).toMatchObject({ success: false, cost_usd: CALL_USD_MAX, tokens_used: 11 })
    }
    for (const reply of replies.filter(({ status }) => status !== 'waiting')) {
      expect(reply).toMatchObject({
        status: 'paused',
        metrics: { success: false, cost_usd: 0 },
        error: { code: 'budget_exceeded', message: expect.stringContaining('budget') },
      })
    }
    expect(model.calls).toHaveLength(AFFORDED)
    const { rows } = await under.database.query(
      `select scope, spent_microusd::int as spent, limit_microusd::int as most,
              (select sum(cost_microusd)::int from hybrid_agent.model_calls where cost_unknown) as charged
         from hybrid_agent.budgets`,
    )
    expect(rows).toEqual([
      { scope: expect.stringMatching(/^day:/), spent: 1_000_000, most: 1_000_000, charged: 1_000_000 },
    ])
    expect(await under.client.call(executionStats, {})).toMatchObject({ cost_usd: AFFORDED * CALL_USD_MAX })
    await until(() => alerts.length >= AFFORDED, { what: 'the alerts' })
    expect(new Set(alerts.map(({ alert_id: id }) => id)).size).toBe(AFFORDED)
    expect(alerts[0]?.data.charged_microusd).toBe(100_000)
    costs.unsubscribe()

    // What a request allows is kept, too; and rules cost nothing.
    const free = await under.client.call(requestExecution, { task: 'create folder frugal', budget_usd: 0 })
    expect(free).toMatchObject({ status: 'done', metrics: { cost_usd: 0 } })
  })
})

describe('an execution whose budget has no room for a call', () => {
  it('holds still with the reason, asks no model, says how to continue, and does so once it is resumed with more', async () => {
    await using model = await startFakeOllama({
      answer: () => ({
        json: {
          actions: [
            { kind: 'file.write', name: 'write', title: 'write it', input: { path: 'verse.txt', content: 'x' } },
          ],
        },
        answerTokens: 10,
      }),
    })
    await using under = await meshUnderTest({
      config: `
models:
  prices: { "fake:latest": { prompt_usd_per_million: 0, answer_usd_per_million: 12.207 } }
  api_models: [openai-compatible/unpriced]
  api_urls: { openai-compatible: "${model.url}/v1" }
`,
      env: { OLLAMA_HOST: model.url },
    })
    const task = 'Please compose a verse about money for me'
    // Before: what it would cost, at most and usually, who would be asked, and who not.
    const dry = await under.client.call(requestExecution, { task, dry_run: true, budget_usd: 0.5 })
    const { plan } = (dry.result?.data ?? {}) as unknown as { plan: PlanScreen }
    expect(plan.estimate).toMatchObject({
      solved_by: { rules: 0, cache: 0, models: 1 },
      models: {
        models: [{ model: 'fake:latest', where: 'local', cost_usd: 0.012207 }],
        ...{ cost_usd: 0.012207, cost_usd_max: 0.5, budget_usd: 0.5 },
        not_asked: ['openai-compatible/unpriced is not asked, since models.prices has no price for it'],
      },
    })
    const shown = (await startDeed(under.mesh.dataDir, ['run', '--dry-run', task]).ended).stdout
    expect(shown).toContain('1 part by models')
    // Twenty calls at most, each at its maximum.
    expect(shown).toMatch(
      /first fake:latest .local, about [$]0[.]01.; about [\d,]+ tokens; never more than [$]2[.]00; no budget/,
    )
    expect(shown).toContain('openai-compatible/unpriced is not asked')
    expect(model.calls).toHaveLength(0)
    const asked = await under.client.call(requestExecution, { task, mode: 'background', budget_usd: CALL_USD_MAX / 2 })
    const which = { execution_id: asked.execution_id }
    const seen = (status: string) =>
      until(
        async () => {
          const detail = await under.client.call(getExecution, which)
          return detail.status === status && detail
        },
        { timeoutMs: 60_000, what: `the execution ${status}` },
      )
    const paused = await seen('paused')
    expect(paused.error).toMatchObject({ code: 'budget_exceeded', message: expect.stringContaining('budget_usd') })
    expect(paused.tasks).toMatchObject([{ actual_status: 'pending', failures: 0 }])
    expect(model.calls).toHaveLength(0)
    // The command ends as well, and says how to continue.
    const other = startDeed(under.mesh.dataDir, ['run', `${task} again`, '--budget', String(CALL_USD_MAX / 2)])
    const { code, stdout, stderr } = await other.ended
    expect(code).toBe(1)
    expect(stdout).toContain('budget_exceeded')
    expect(stderr).toMatch(/It is paused\. Continue it with\n\s+deed resume [0-9a-f]+/)
    // With too little it holds still again.
    await under.client.call(resumeExecution, { ...which, budget_usd: CALL_USD_MAX * 0.9 })
    await until(
      async () =>
        (await under.client.call(getExecution, which)).timeline.filter(
          ({ type }) => type === 'execution.pause_requested',
        ).length === 2,
      {
        what: 'the second pause',
      },
    )
    await under.client.call(resumeExecution, { ...which, budget_usd: CALL_USD_MAX * 2, reason: 'it may cost more' })
    const solved = await seen('waiting')
    expect(solved).toMatchObject({ method: 'llm_assisted' })
    expect(solved.error).toBeUndefined()
    expect(model.calls).toHaveLength(1)
  })
})
