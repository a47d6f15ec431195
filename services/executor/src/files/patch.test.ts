import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { applyHunks, parseDiff, reversed } from './patch.ts'

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
      const [patch] = parseDiff(stdout, 'diff')
      expect(applyHunks(one, patch!.hunks).equals(two), stdout).toBe(true)
      expect(applyHunks(two, reversed(patch!).hunks).equals(one), stdout).toBe(true)
    }
    rmSync(folder, { recursive: true })
  })

  it('is applied to files of a million lines', () => {
    const many = Buffer.from('x\n'.repeat(1_000_000))
    const [diff] = parseDiff('@@ -999999,2 +999999,2 @@\n x\n-x\n+y\n', 'diff')
    expect(applyHunks(many, diff!.hunks).subarray(-4).toString()).toBe('x\ny\n')
  })

  const [patch] = parseDiff('@@ -2,2 +2,2 @@\n b\n-c\n+C\n', 'diff')
  const { hunks } = patch!

  it('fits only at the line it names, and only where every line is the same', () => {
    expect(applyHunks(Buffer.from('a\nb\nc\n'), hunks).toString()).toBe('a\nb\nC\n')
    for (const text of ['b\nc\n', 'x\na\nb\nc\n', 'a\nb \nc\n', 'a\nb\nc', 'a\r\nb\r\nc\r\n'])
      fails(() => applyHunks(Buffer.from(text), hunks), 'precondition_failed')
  })

  it('says where its lines are instead, and that only a line break differs', () => {
    expect(() => applyHunks(Buffer.from('x\na\nb\nc\nb\nc\n'), hunks)).toThrow(/for line 2, .* at line 3 and 5/)
    expect(() => applyHunks(Buffer.from('a\r\nb\r\nc\r\n'), hunks)).toThrow(/line 2 .* only its line break/)
  })

  it.each([
    ['no hunk', '--- a/x\n+++ b/x\n'],
    ['a count that is wrong', '@@ -1,2 +1 @@\n-a\n+b\n'],
    ['no diff in it', 'hello\n'],
    ['a file that is not text', 'diff --git a/x b/x\nindex 1..2 100644\nBinary files a/x and b/x differ\n'],
    ['a symbolic link', 'diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc\n'],
  ])('with %s is refused', (_, diff) => {
    fails(() => parseDiff(diff, 'diff'), 'invalid_request')
  })

  const hunk = '@@ -1 +1 @@\n-a\n+b\n'
  it.each<[string, string, object]>([
    ['of the index and the working tree', `--- i/a/x.py\n+++ w/a/x.py\n${hunk}`, { from: 'a/x.py', to: 'a/x.py' }],
    ['of a commit', `--- c/x.py\n+++ w/x.py\n${hunk}`, { from: 'x.py', to: 'x.py' }],
    ['of an object', `--- o/x.py\n+++ w/x.py\n${hunk}`, { from: 'x.py', to: 'x.py' }],
    ['without a prefix, in a folder called a', `--- a/x.py\n+++ a/x.py\n${hunk}`, { from: 'a/x.py', to: 'a/x.py' }],
    [
      'without a prefix, new in a folder called b',
      `diff --git b/x b/x\nnew file mode 100755\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n`,
      { from: null, to: 'b/x', executable: true },
    ],
    [
      'with names that are quoted',
      `diff --git "a/caf\\303\\251 1.txt" "b/caf\\303\\251 1.txt"\n--- "a/caf\\303\\251 1.txt"\n+++ "b/caf\\303\\251 1.txt"\n${hunk}`,
      { from: 'caf\u00e9 1.txt', to: 'caf\u00e9 1.txt' },
    ],
    ['with the time behind the name', `--- a/x y\t2024-01-01 10:00\n+++ b/x y\t2024-01-02\n${hunk}`, { to: 'x y' }],
    [
      'in a mail',
      `From: Ann\nSubject: x\n\nWords.\n---\n x | 2 +-\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n${hunk}-- \n2.39\n`,
      { to: 'x' },
    ],
    [
      'that only moves',
      'diff --git i/x w/y\nsimilarity index 100%\nrename from x\nrename to y\n',
      { from: 'x', to: 'y', hunks: [] },
    ],
    [
      'that moves and changes, without a prefix, in a folder called b',
      `diff --git b/x b/y\nsimilarity index 90%\nrename from b/x\nrename to b/y\n--- b/x\n+++ b/y\n${hunk}`,
      { from: 'b/x', to: 'b/y' },
    ],
    [
      'of the mode alone',
      'diff --git i/x.sh w/x.sh\nold mode 100644\nnew mode 100755\n',
      { to: 'x.sh', executable: true },
    ],
    [
      'of a new file that is empty',
      'diff --git i/x y w/x y\nnew file mode 100644\nindex 0..1\n',
      { from: null, to: 'x y' },
    ],
    [
      'that removes',
      `diff --git i/x w/x\ndeleted file mode 100644\n--- i/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n`,
      { from: 'x', to: null },
    ],
    ['whose own lines end as on Windows', `--- a/x\r\n+++ b/x\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n`, { from: 'x', to: 'x' }],
  ])('%s is read as it is meant', (_, diff, wanted) => {
    expect(parseDiff(diff, 'diff')).toMatchObject([wanted])
  })
})
