import { expect, it } from 'vitest'
import { secretsElsewhere } from './secret-use.ts'

const secrets = {
  bare: { env: 'A_TOKEN' },
  board: { env: 'B_TOKEN', targets: ['board'] },
  posted: { env: 'C_TOKEN', targets: ['board'], kinds: ['http.request'] },
  command: { env: 'D_TOKEN', kinds: ['command.run'] },
}
const header = (name: string, target: string) => ({ target, headers: { 'x-key': `key {{ secret.${name} }}` } })

it.each([
  ['http.request', header('board', 'board'), []],
  ['http.request', header('board', 'other'), ['board']],
  ['http.request', header('posted', 'board'), []],
  ['mcp.call', header('posted', 'board'), ['posted']],
  ['http.request', header('bare', 'board'), ['bare']],
  ['http.request', header('constructor', 'board'), ['constructor']],
  ['command.run', { argv: ['x'], secrets: ['command', 'board', 'bare', 'bare'] }, ['bare', 'board']],
  ['http.request', { target: 'board', body: [{ a: '{{secret.bare}}{{secret.command}}' }] }, ['bare', 'command']],
  ['http.request', { target: 'board', body: '{{secret}} {{ secrets.bare }}' }, []],
])('finds the secrets that an action uses without permission: %s %j', (kind, input, found) => {
  expect(secretsElsewhere(secrets, { kind, input })).toEqual(found)
})
