import { describe, expect, it } from 'vitest'
import { splitCommand } from './command-line.ts'

describe('a command line', () => {
  it.each([
    ['git log --oneline -n 3', ['git', 'log', '--oneline', '-n', '3']],
    [`echo "a b" 'c "d"' e\\ f ""`, ['echo', 'a b', 'c "d"', 'e f', '']],
    ['git show HEAD~1', ['git', 'show', 'HEAD~1']],
    [`grep 'a|b' x`, ['grep', 'a|b', 'x']],
    [String.raw`printf "\n"`, ['printf', String.raw`\n`]],
  ])('%s is split at its spaces', (line, parts) => {
    expect(splitCommand(line)).toEqual(parts)
  })

  it.each(['cat x | sh', 'a && b', 'a; b', 'echo $HOME', 'echo `id`', 'ls > out', 'rm *', 'ls ~', `echo 'open`])(
    '%s is refused, since no shell runs',
    (line) => {
      expect(() => splitCommand(line)).toThrow(/shell|closed/)
    },
  )
})
