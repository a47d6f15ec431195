// What an earlier action of a plan may change, a later one does not count on.

import { Action } from '@deed/proto/action'
import { defined } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
import { readPolicy } from './policy.ts'
import { footprint, groundOf, targetsWritten, touchedBy } from './touched-by.ts'

const policy = readPolicy(`${import.meta.dirname}/../../policy/default.yaml`)
const workspaces = { workspaces: { app: { root: '/srv/app' } }, default_workspace: 'app' }
const touched = (kind: string, input: Record<string, string | string[]>, workspace?: string) =>
  touchedBy(policy, workspaces, Action.parse({ kind, input, ...defined({ workspace }) }))

describe('what an action changes', () => {
  it.each([
    ['file.write', { path: './a/../b.txt' }, undefined, ['file:/srv/app/b.txt']],
    ['file.write', { path: 'b.txt' }, '/srv/app/sub', ['file:/srv/app/sub/b.txt']],
    ['file.write', { path: '/srv/app/b.txt' }, 'app', ['file:/srv/app/b.txt']],
    ['file.move', { from: 'a', to: 'b' }, undefined, ['file:/srv/app/a', 'file:/srv/app/b']],
    ['file.copy', { from: 'a', to: 'b/' }, undefined, ['file:/srv/app/a', 'file:/srv/app/b']],
    ['service.restart', { target: 'api' }, undefined, ['target:api']],
    ['service.status', { target: 'api' }, undefined, []],
    ['http.request', { method: 'GET', target: 'api' }, undefined, []],
    ['http.request', { method: 'POST', target: 'api' }, undefined, ['target:api']],
  ])('%s %j', (kind, input, workspace, names) => expect(touched(kind, input, workspace)).toEqual(names))

  it.each(['command.run', 'test.run', 'git.branch', 'git.commit', 'git.apply', 'nats.request', 'lamp.switch'])(
    'of %s nobody knows',
    (kind) => expect(touched(kind, { path: 'a.txt' })).toBe('anything'),
  )
})

describe('the targets that answers are read from', () => {
  const written = (more: object) => targetsWritten(policy, workspaces, Action.parse(more))

  it.each([
    ['a write to a target', { kind: 'service.restart', input: { target: 'api' } }, ['target:api']],
    ['a write to a file', { kind: 'file.write', input: { path: 'a.txt' } }, []],
    ['a command in a box without a network', { kind: 'command.run', input: {}, expect_sandbox: 'unshare+seccomp' }, []],
    [
      'a command that may reach a host',
      { kind: 'command.run', input: { allow_hosts: ['example.org'] }, expect_sandbox: 'bwrap+seccomp' },
      ['*'],
    ],
    ['a command that nothing confines', { kind: 'command.run', input: {}, expect_sandbox: 'allow-list' }, ['*']],
    ['a kind of another service', { kind: 'lamp.switch', input: {} }, ['*']],
  ])('may be changed by %s as far as it reaches', (_, action, names) => expect(written(action)).toEqual(names))
})

describe('what an action meets', () => {
  const write = (path: string) => touched('file.write', { path })

  it('is what is there now, where nothing before it touches that', () => {
    const before = footprint()
    before.add(write('a.txt'), true)
    before.add(touched('service.restart', { target: 'api' }), false)
    expect(before.meetsWhatIs(write('b.txt'), false)).toBe(true)
    expect(before.meetsWhatIs(write('./a.txt'), false)).toBe(false)
    expect(before.meetsWhatIs(touched('command.run', {}), false)).toBe(false)
  })

  it('is unknown behind a program, a repository, a provided kind', () => {
    for (const kind of ['command.run', 'test.run', 'git.apply', 'lamp.switch']) {
      const before = footprint()
      before.add(touched(kind, {}), false)
      expect(before.meetsWhatIs(write('a.txt'), true)).toBe(false)
    }
  })

  it('is unknown at both ends of a move, and below them', () => {
    const before = footprint()
    before.add(touched('file.move', { from: 'old', to: 'new' }), false)
    for (const path of ['old', 'new', 'old/a', 'new/b/c']) expect(before.meetsWhatIs(write(path), true)).toBe(false)
    expect(before.meetsWhatIs(write('newer'), true)).toBe(true)
  })

  it('is known below a folder that is made before, and unknown above what is changed', () => {
    const before = footprint()
    before.add(touched('dir.create', { path: 'made' }), true)
    before.add(write('made/a.txt'), true)
    expect(before.meetsWhatIs(write('made/b.txt'), true)).toBe(true)
    expect(before.meetsWhatIs(touched('file.delete', { path: 'made' }), false)).toBe(false)
  })
})

describe('what programs share', () => {
  const nested = { workspaces: { all: { root: '/srv' }, app: { root: '/srv/app' }, apple: { root: '/srv2' } } }
  it.each([
    ['all', '/srv'],
    ['app', '/srv'],
    ['/srv/app/sub', '/srv'],
    ['apple', '/srv2'],
    ['/srv2/app', '/srv2'],
  ])('in %s is %s', (workspace, ground) => {
    expect(groundOf(nested, Action.parse({ kind: 'command.run', input: {}, workspace }))).toBe(ground)
  })
})
