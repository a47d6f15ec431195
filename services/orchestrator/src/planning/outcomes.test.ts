import { Action } from '@deed/proto/action'
import { describe, expect, it } from 'vitest'
import { contradictionOf, outcomesOf, sharedBy } from './outcomes.ts'

const WORKSPACES = {
  workspaces: { main: { root: '/srv/app' }, other: { root: '/srv/other' } },
  default_workspace: 'main',
}

const of = (...actions: { kind: string; input: object; workspace?: string }[]) =>
  outcomesOf(
    WORKSPACES,
    actions.map((action) => Action.parse(action)),
  )
const write = (path: string, content: string, workspace = 'main') => ({
  kind: 'file.write',
  input: { path, content },
  workspace,
})
const remove = (path: string) => ({ kind: 'file.delete', input: { path } })
const service = (verb: string, target = 'api') => ({ kind: `service.${verb}`, input: { target } })
const scale = (replicas: number) => ({ kind: 'kubernetes.scale', input: { target: 'api', replicas } })

describe('two wishes contradict', () => {
  it.each([
    ['one file with two contents', of(write('a.txt', 'x')), of(write('a.txt', 'y')), 'file:/srv/app/a.txt'],
    [
      'a file that is written and one that is removed',
      of(write('a.txt', 'x')),
      of(remove('a.txt')),
      'file:/srv/app/a.txt',
    ],
    [
      'a file in a folder that is removed',
      of(remove('site')),
      of(write('site/a.txt', 'x')),
      'file:/srv/app/site/a.txt',
    ],
    [
      'a file that is moved away',
      of({ kind: 'file.move', input: { from: 'a', to: 'b' } }),
      of(write('a', 'x')),
      'file:/srv/app/a',
    ],
    [
      'a file that is added to and one that is removed',
      of({ kind: 'file.append', input: { path: 'a.txt', text: 'x' } }),
      of(remove('a.txt')),
      'file:/srv/app/a.txt',
    ],
    ['a service that runs and is stopped', of(service('start')), of(service('stop')), 'service:api'],
    ['a service that is restarted and stopped', of(service('restart')), of(service('stop')), 'service:api'],
    ['two numbers of replicas', of(scale(2)), of(scale(3)), 'replicas:api'],
    ['a service that runs and no replicas', of(service('start')), of(scale(0)), 'service:api'],
    [
      'an absolute path and a relative one',
      of(write('/srv/app/a.txt', 'x', '/srv/app')),
      of(remove('a.txt')),
      'file:/srv/app/a.txt',
    ],
  ])('over %s', (_, one, other, what) => {
    expect(contradictionOf(one, other)).toMatchObject({ what })
    expect(contradictionOf(other, one)).toMatchObject({ what })
  })
})

describe('two wishes go together', () => {
  it.each([
    ['the same content in the same file', of(write('a.txt', 'x')), of(write('a.txt', 'x'))],
    ['files of the same name in two workspaces', of(write('a.txt', 'x')), of(write('a.txt', 'y', 'other'))],
    ['a restart of what is to run', of(service('restart')), of(service('start'))],
    ['two services', of(service('start', 'a')), of(service('stop', 'b'))],
    ['a folder, and a file in it', of({ kind: 'dir.create', input: { path: 'site' } }), of(write('site/a.txt', 'x'))],
    ['a folder that is removed, and one whose name begins the same', of(remove('site')), of(write('site2/a.txt', 'x'))],
    ['a command, of which nothing is known', of({ kind: 'command.run', input: { argv: ['true'] } }), of(remove('a'))],
    ['a file that is removed and then written', of(remove('a'), write('a', 'x')), of(write('a', 'x'))],
  ])('over %s', (_, one, other) => {
    expect(contradictionOf(one, other)).toBeUndefined()
    expect(contradictionOf(other, one)).toBeUndefined()
  })

  it('share the outcomes that both have', () => {
    expect(sharedBy(of(write('a', 'x'), service('start')), of(write('a', 'x'), write('b', 'y')))).toEqual([
      'file:/srv/app/a',
    ])
  })
})
