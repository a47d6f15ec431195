import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { applyPatch, parsePatch, reversed } from './apply-patch.ts'

const PAIRS = 60

/** A small generator, so that a failure can be run again. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

const fails = (run: () => unknown, code: string) => expect(run).toThrow(expect.objectContaining({ code }))

describe('a unified diff', () => {
  it(`of diff(1) makes the second file of the first, and the first of the second, ${PAIRS} times`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'deed-patch-'))
    const random = numbers(7)
    for (let pair = 0; pair < PAIRS; pair++) {
      const lines = Array.from({ length: Math.floor(random() * 40) }, () => `line ${Math.floor(random() * 6)}\r`)
      const changed = lines.flatMap((line) => {
        const kind = random()
        return kind < 0.1 ? [] : kind < 0.2 ? [line, 'added é'] : kind < 0.25 ? [`${line} changed`] : [line]
      })
      const end = () => (random() < 0.5 ? '\n' : '')
      const [one, two] = [Buffer.from(lines.join('\n') + end()), Buffer.from(changed.join('\n') + end())]
      if (one.equals(two)) continue
      writeFileSync(join(folder, 'one'), one)
      writeFileSync(join(folder, 'two'), two)
      const { stdout } = spawnSync('/usr/bin/env', ['diff', '-u', 'one', 'two'], { cwd: folder, encoding: 'utf8' })
      const patch = parsePatch(stdout)
      expect(applyPatch(one, patch).equals(two), stdout).toBe(true)
      expect(applyPatch(two, reversed(patch)).equals(one), stdout).toBe(true)
    }
    rmSync(folder, { recursive: true })
  })

  const patch = parsePatch('@@ -2,2 +2,2 @@\n b\n-c\n+C\n')

  it('fits only at the line it names, and only where every line is the same', () => {
    expect(applyPatch(Buffer.from('a\nb\nc\n'), patch).toString()).toBe('a\nb\nC\n')
    fails(() => applyPatch(Buffer.from('b\nc\n'), patch), 'precondition_failed')
    fails(() => applyPatch(Buffer.from('x\na\nb\nc\n'), patch), 'precondition_failed')
    fails(() => applyPatch(Buffer.from('a\nb \nc\n'), patch), 'precondition_failed')
    fails(() => applyPatch(Buffer.from('a\nb\nc'), patch), 'precondition_failed')
  })

  it.each([
    ['no hunk', '--- a/x\n+++ b/x\n'],
    ['a count that is wrong', '@@ -1,2 +1 @@\n-a\n+b\n'],
    ['words in between', '@@ -1 +1 @@\n-a\n+b\nand so on\n'],
    ['words before', 'Apply this:\n@@ -1 +1 @@\n-a\n+b\n'],
  ])('with %s is refused', (_, diff) => {
    fails(() => parsePatch(diff), 'invalid_request')
  })
})
