// What the command says of itself.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { COMMAND } from '@deed/drill/harness/deed-process'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { deedProgram } from './program.ts'

const SCREEN_LINES = 40
const WIDTH = 80

const help = (...args: string[]): string =>
  execFileSync(process.execPath, [COMMAND, ...args, '--help'], { encoding: 'utf8', env: { PATH: process.env.PATH } })

/** A command and all below it, with the words that name each. */
const walk = (command: Command, words: readonly string[] = []): { words: readonly string[]; command: Command }[] => [
  { words, command },
  ...command.commands.flatMap((one) => walk(one, [...words, one.name()])),
]

/** As it is printed, with what is added to it. */
function helpOf(command: Command): string {
  const parts: string[] = []
  command.configureOutput({ writeOut: (part) => parts.push(part) }).outputHelp()
  return parts.join('')
}

/** Of a help text: the names of its commands, under their headings. */
function commandsOf(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  let heading = ''
  // A list that is too long for its line continues in the next one.
  for (const line of text.replaceAll(/,\n {10,}/g, ', ').split('\n')) {
    heading = /^([A-Z][a-z ]+):$/.exec(line)?.[1] ?? heading
    const [, name, description = ''] = /^ {2}([a-z][a-z-]+) {2,}(\S.*)/.exec(line) ?? []
    const names = name === 'also' ? description.split(', ') : name === undefined ? [] : [name]
    if (names.length > 0) found.set(heading, [...(found.get(heading) ?? []), ...names])
  }
  return found
}

describe('deed --help', () => {
  const text = help()
  const groups = commandsOf(text)

  it('is one screen, with every command under what it is for', () => {
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(SCREEN_LINES)
    expect([...groups.keys()]).toEqual([
      ...['Do work', 'See what happens', 'Decide', 'Change what runs', 'Keep and repeat', 'Run the mesh'],
    ])
    const names = deedProgram().commands.map((command) => command.name())
    expect([...groups.values()].flat().sort()).toEqual(names.sort())
  })

  it('of get has all that is listed', () => {
    const names = [...commandsOf(help('get')).values()].flat()
    expect(names).toEqual(
      expect.arrayContaining(['executions', 'tasks', 'approvals', 'reviews', 'grants', 'goals', 'schedules']),
    )
  })
})

describe('every command', () => {
  const commands = walk(deedProgram())

  it('is there', () => expect(commands.length).toBeGreaterThan(40))

  it.each(commands.map((one) => [['deed', ...one.words].join(' '), one] as const))(
    '%s has an example, fits 80 columns, and says what it does',
    (name, { command }) => {
      const text = helpOf(command)
      expect(text).toMatch(new RegExp(`\\nExamples?:\\n(?: {2}.*\\n)*? {2}(?:\\S.* )?${name}`))
      expect(text.split('\n').filter((line) => line.length > WIDTH)).toEqual([])
      expect(command.description()).not.toBe('')
      expect(text).not.toContain('01997d0e-...')
    },
  )
})

it('deed --version is the version of the package', () => {
  const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../package.json'), 'utf8'))
  const printed = execFileSync(process.execPath, [COMMAND, '--version'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  })
  expect(printed).toBe(`${version}\n`)
})

describe('an error of the command line', () => {
  it.each([
    [['list'], "unknown command 'list'", 'See deed --help.'],
    [['diff'], "required option '-f, --file <file>' not specified", 'See deed diff --help.'],
    [['goal', 'put'], "missing required argument 'name'", 'See deed goal put --help.'],
    [['watch', 'x'], "for argument 'execution': it must be an id", 'See deed watch --help.'],
  ])('of %j says what is wrong, and where the help is', (args, wrong, where) => {
    const { status, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8' })
    expect(status).toBe(2)
    expect(stderr).toContain(wrong)
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(where)
  })
})
