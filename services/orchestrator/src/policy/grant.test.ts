// What a grant pre-approves, and that it pre-approves nothing else.

import { Action, type ReadBy } from '@deed/proto/action'
import { Grant } from '@deed/proto/grant'
import { defined } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
import { covers } from './grant.ts'
import { readPolicy } from './policy.ts'

const policy = readPolicy(`${import.meta.dirname}/../../policy/default.yaml`)
const workspaces = {
  workspaces: { app: { root: '/srv/app' }, other: { root: '/srv/other' } },
  default_workspace: 'app',
}
const NOW = Date.parse('2026-01-01T00:00:00Z')

const grant = (scope: object) =>
  Grant.parse({
    grant_id: '01997d0e-0000-7000-8000-000000000001',
    kind: 'file.write',
    target: null,
    workspace: null,
    path: null,
    input: null,
    user: null,
    level: 2,
    expires_at: '2026-01-01T01:00:00.000Z',
    reason: null,
    granted_by: 'ada',
    created_at: '2025-12-31T00:00:00.000Z',
    revoked_by: null,
    revoked_at: null,
    uses: 0,
    ...scope,
  })
const allows = (scope: object, action: object, more: object = {}, by = policy): boolean =>
  covers(by, workspaces, grant(scope), {
    action: Action.parse({ kind: 'file.write', input: {}, ...action }),
    level: 1,
    user: 'bo',
    now: NOW,
    ...more,
  })
const at = (path: string, workspace?: string) => ({
  input: { path },
  ...defined({ workspace }),
})

describe('a grant', () => {
  it('covers nothing that was read out of words whose reading nobody has seen', () => {
    expect(allows({}, at('a.txt'))).toBe(true)
    const readBy = (by: ReadBy) => ({ ...at('a.txt'), reading: { of: 'leave a note', text: 'write a.txt', by } })
    for (const by of ['similarity', 'learned', 'model'] as const) expect(allows({}, readBy(by))).toBe(false)
    // The person who chose has seen the reading.
    expect(allows({}, readBy('choice'))).toBe(true)
  })

  it.each([
    [{ path: 'reports' }, at('reports/a.txt')],
    [{ path: 'reports/a.txt' }, at('./reports/x/../a.txt')],
    [{ path: 'reports' }, at('/srv/app/reports/a.txt')],
    [{ path: 'reports' }, at('a.txt', '/srv/app/reports')],
    [{ path: '.', workspace: 'other' }, at('a.txt', 'other')],
    [
      { kind: 'service.restart', target: 'api' },
      { kind: 'service.restart', input: { target: 'api' } },
    ],
    [
      { kind: 'command.run', input: { argv: ['npm', 'test'] } },
      { kind: 'command.run', input: { argv: ['npm', 'test'] } },
    ],
    [
      { kind: 'file.move', path: 'reports' },
      { kind: 'file.move', input: { from: 'reports/a', to: 'reports/b' } },
    ],
    [
      { kind: 'command.run', path: '.' },
      { kind: 'command.run', input: { argv: ['make'] } },
    ],
    [{ path: 'reports', user: 'bo' }, at('reports/a.txt')],
  ])('%j lets %j pass', (scope, action) => expect(allows(scope, action)).toBe(true))

  it.each([
    [{ path: 'reports' }, at('reports-2/a.txt')],
    [{ path: 'reports' }, at('reports/../a.txt')],
    [{ path: 'reports' }, at('reports/a.txt', 'other')],
    [{ path: 'reports' }, { kind: 'file.delete', input: { path: 'reports/a.txt' } }],
    [{ path: 'reports' }, {}],
    [
      { kind: 'service.restart', target: 'api' },
      { kind: 'service.restart', input: { target: 'db' } },
    ],
    [
      { kind: 'command.run', input: { argv: ['npm', 'test'] } },
      { kind: 'command.run', input: { argv: ['npm', 'i'] } },
    ],
    [
      { kind: 'command.run', input: { cwd: 'x' } },
      { kind: 'command.run', input: { argv: ['npm'] } },
    ],
    [
      { kind: 'file.move', path: 'reports' },
      { kind: 'file.move', input: { from: 'secrets', to: 'reports/b' } },
    ],
    [
      { kind: 'command.run', path: 'reports' },
      { kind: 'command.run', input: { argv: ['make'], cwd: 'reports' } },
    ],
    [{ path: 'reports', user: 'cy' }, at('reports/a.txt')],
    [{ path: 'reports', expires_at: '2026-01-01T00:00:00.000Z' }, at('reports/a.txt')],
    [{ path: 'reports', revoked_at: '2025-12-31T12:00:00.000Z' }, at('reports/a.txt')],
  ])('%j does not let %j pass', (scope, action) => expect(allows(scope, action)).toBe(false))

  it('ends below level 3, at its own level, and at the level of the person who gave it', () => {
    const inside = at('reports/a.txt')
    expect(allows({ path: 'reports' }, inside, { level: 2 })).toBe(true)
    expect(allows({ path: 'reports' }, inside, { level: 3 })).toBe(false)
    expect(allows({ path: 'reports', level: 1 }, inside, { level: 2 })).toBe(false)
    expect(allows({ path: 'reports' }, inside, { level: 2 }, { ...policy, approvers: { ada: 1 } })).toBe(false)
  })

  it('is no way to approve oneself where policy wants two', () => {
    const two = { ...policy, self_approval: false }
    expect(allows({ path: 'reports' }, at('reports/a.txt'), { user: 'ada', level: 2 }, two)).toBe(false)
    expect(allows({ path: 'reports' }, at('reports/a.txt'), { user: 'ada', level: 1 }, two)).toBe(true)
    expect(allows({ path: 'reports' }, at('reports/a.txt'), { user: 'bo', level: 2 }, two)).toBe(true)
  })
})
