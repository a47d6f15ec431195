// What the command says of itself.
import { execFileSync } from 'node:child_process'
import { COMMAND } from '@deed/drill/deed-process'
import { describe, expect, it } from 'vitest'

const help = (...args: string[]): string =>
  execFileSync(process.execPath, [COMMAND, ...args, '--help'], { encoding: 'utf8', env: { PATH: process.env.PATH } })

/** Of a help text: the names of its commands, under their headings. */
function commandsOf(text: string): [heading: string, names: string[]][] {
  return text.split('\n\n').flatMap((part) => {
    const [, heading, list] = /^([A-Z][a-z ]+):\n([\s\S]+)$/.exec(part) ?? []
    const names = [...(list ?? '').matchAll(/^ {2}([a-z]+)(?: .*?)? {2,}\S/gm)].map(([, name = '']) => name)
    return heading === undefined || names.length === 0 ? [] : [[heading, names]]
  })
}

describe('deed --help', () => {
  const groups = commandsOf(help())

  it('has every command in a group', () => {
    const named = groups.map(([heading]) => heading)
    expect(named).toEqual(
      expect.arrayContaining(['Ask for work', 'Look', 'Decide', 'Steer', 'What stands', 'The mesh']),
    )
    expect(groups.flatMap(([, names]) => names).length).toBeGreaterThan(25)
  })

  it('of get has all that is listed', () => {
    const names = commandsOf(help('get')).flatMap(([, some]) => some)
    expect(names).toEqual(
      expect.arrayContaining(['executions', 'tasks', 'approvals', 'reviews', 'grants', 'goals', 'schedules']),
    )
  })
})
