// What is looked at answers now and then, never, or with something else: nothing counts as done that was not seen.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Observation } from '@deed/proto/observation'
import { describe, expect, it } from 'vitest'
import { testAttempt } from '../../test/test-attempt.ts'
import { type Site, withSite } from '../../test/test-site.ts'
import { act } from '../attempt/act.ts'
import type { Conclusion } from '../attempt/conclusion.ts'
import { KINDS } from '../kinds/kinds.ts'
import { observeOnce, type Patience, waitsOf } from './observe.ts'

const PROBE: Observation = { kind: 'http', target: 'site', path: '/health', status: 200, body_contains: 'well' }
const PATIENT: Patience = { attempts: 3, delayMs: 20 }

/** Writes a file, and looks at the site afterwards. */
async function noteAndObserve(
  { executor }: Site,
  { patience = PATIENT, ...more }: { patience?: Patience; timeout_ms?: number } = {},
): Promise<Conclusion> {
  const action = { kind: 'file.write', input: { path: 'note.txt', content: 'new' }, verify: PROBE, ...more }
  const work = await executor.dispatch(action)
  const attempt = testAttempt(work)
  const conclusion = await act(attempt, { ...executor.dependencies, patience })
  if (conclusion === 'stale') throw new Error('the attempt may not act')
  return conclusion
}

const answers = (...bodies: string[]) => {
  let at = 0
  return (_: IncomingMessage, response: ServerResponse) => void response.end(bodies[Math.min(at++, bodies.length - 1)])
}
/** Says nothing at all. */
const silent = () => undefined
/** Begins as it should, and goes no further. */
const halting = (_: IncomingMessage, response: ServerResponse) => void response.write('we')

describe('a probe that is flaky', () => {
  it('is asked again until it holds, and the observations before are kept', async () => {
    await using site = await withSite(answers('ill', 'ill', 'well'))
    expect(await noteAndObserve(site)).toMatchObject({
      outcome: 'done',
      evidence: { outcome: 'verified', facts: { observations: 3 } },
      earlierObservations: [{ outcome: 'failed' }, { outcome: 'failed' }],
    })
    expect(site.requests).toHaveLength(3)
  })

  it('that alternates is believed when it holds, not when it held', async () => {
    let reads = 0
    await using site = await withSite((_, response) => void response.end(reads++ % 2 === 0 ? 'ill' : 'well'))
    expect(await noteAndObserve(site)).toMatchObject({ outcome: 'done', evidence: { facts: { observations: 2 } } })
    // Seen once, it is still not seen in a second action's only look.
    const once = { patience: { attempts: 0, delayMs: 0 } }
    site.executor.write('note.txt', 'changed')
    expect(await noteAndObserve(site, once)).toMatchObject({
      outcome: 'failed',
      error: { code: 'verification_failed' },
    })
  })

  it('is given longer and longer waits, the last of them as configured', () => {
    expect(waitsOf({ attempts: 4, delayMs: 2_000 })).toEqual([250, 500, 1_000, 2_000])
    expect(waitsOf({ attempts: 0, delayMs: 2_000 })).toEqual([])
  })
})

describe('a probe that is not answered', () => {
  it.each([
    ['says nothing', silent],
    ['begins and goes no further', halting],
  ])('and %s: nobody has seen it, so it is not done', async (_, answer) => {
    await using site = await withSite(answer)
    const { outcome, effect, evidence, error } = await noteAndObserve(site, { timeout_ms: 1_000 })
    expect({ outcome, effect, seen: evidence?.outcome, code: error?.code }).toEqual({
      outcome: 'failed',
      effect: 'made',
      seen: 'unverified',
      code: 'unverified',
    })
  })

  it('is given up in time to be asked again', async () => {
    let reads = 0
    await using site = await withSite((_, response) => (reads++ === 0 ? undefined : void response.end('well')))
    expect(await noteAndObserve(site)).toMatchObject({
      outcome: 'done',
      earlierObservations: [{ outcome: 'unverified', facts: { code: 'deadline_exceeded' } }],
    })
  })
})

describe('a probe that lies', () => {
  it('with 200 and something else fails after the last observation, and the undo brings back what was there', async () => {
    await using site = await withSite(answers('nearly'))
    site.executor.write('note.txt', 'old')
    const work = await site.executor.dispatch({
      ...{ kind: 'file.write', input: { path: 'note.txt', content: 'new' } },
      verify: PROBE,
    })
    expect(await site.executor.attempt(work)).toMatchObject({
      outcome: 'failed',
      effect: 'made',
      error: { code: 'verification_failed', message: expect.stringContaining('without "well"') },
      evidence: { outcome: 'failed' },
    })
    expect(site.executor.read('note.txt')).toBe('new')
    expect(await site.executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(site.executor.read('note.txt')).toBe('old')
  })
})

describe('a probe', () => {
  it('goes to the server each time, and tells whatever is in between to do so too', async () => {
    await using site = await withSite((_, response) => {
      response.setHeader('cache-control', 'public, max-age=3600')
      response.setHeader('etag', '"always"')
      response.end('well')
    })
    for (let times = 1; times <= 2; times++) {
      site.executor.write('note.txt', 'old')
      expect(await noteAndObserve(site)).toMatchObject({ outcome: 'done', effect: 'made' })
      expect(site.requests).toHaveLength(times)
    }
    for (const { headers } of site.requests) {
      expect(headers).toMatchObject({ 'cache-control': 'no-cache' })
      expect(headers).not.toHaveProperty('if-none-match')
    }
  })
})

describe('a second reading', () => {
  const second = (same: boolean) => ({
    before: { state: '' },
    effect: { claimed: 'read', result: { text: 'read' } },
    again: async () => ({ outcome: 'verified' as const, observed: 'read again', same }),
  })

  it.each([
    ['same_again', true, 'verified'],
    ['same_again', false, 'failed'],
    ['answers_again', false, 'verified'],
  ] as const)(
    'proves what was agreed to, whatever its kind makes of it: %s, the same: %s',
    async (kind, same, outcome) => {
      expect(await observeOnce({ kind }, {} as never, second(same))).toMatchObject({ outcome })
    },
  )

  it('is stated by every kind that makes one', () => {
    const known: Record<string, object> = {
      ...Object.fromEntries(
        [
          ...['file.read', 'file.list', 'file.search', 'git.status', 'git.log', 'git.diff', 'sql.query', 'entity.find'],
          ...['service.status', 'service.logs', 'host.facts', 'http.check'],
        ].map((name) => [name, { kind: 'same_again' }]),
      ),
      'http.request': { kind: 'answers_again' },
      'mcp.call': { kind: 'answers_again' },
      // Its example may change something, and is not asked a second time.
      'nats.request': { kind: 'own_observation' },
    }
    for (const kind of KINDS.values()) {
      if (!kind.again) continue
      const input = kind.input.parse(kind.example)
      expect(kind.postcondition(input, { state: '' }, {} as never), kind.name).toEqual(known[kind.name])
    }
  })
})
