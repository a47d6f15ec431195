// Whatever a command prints, and however it came by the text: a terminal obeys none of it but colours.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openOutput } from './terminal/output.ts'

const NASTY = 'a\u202eb\u200bc\u001b]0;title\u0007d\u001b[2Je\u009b1mf\u2066g\u0000h\u{e0041}i'
const OBEYED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u

afterEach(() => vi.restoreAllMocks())

function written(json: boolean): string[] {
  const texts: string[] = []
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      texts.push(String(text))
      return true
    })
  const out = openOutput(json, {})
  out.print(`${NASTY} \u001b[31mred\u001b[39m`)
  out.document({ [NASTY]: NASTY })
  out.note(NASTY)
  out.progress(NASTY)
  vi.restoreAllMocks()
  return texts
}

describe('what a command prints', () => {
  it('has nothing in it that a terminal obeys, and shows what is not seen', () => {
    const texts = written(false)
    expect(texts.length).toBe(3)
    for (const text of texts) {
      expect(text.replace('\u001b[31m', '').replace('\u001b[39m', '')).not.toMatch(OBEYED)
      expect(text).toContain('a\\u{202e}b\\u{200b}c')
    }
    expect(texts[0]).toContain('\u001b[31mred\u001b[39m')
  })

  it('is JSON that means the same', () => {
    const [text = '', ...others] = written(true)
    expect(others).toEqual([])
    expect(text).not.toMatch(OBEYED)
    expect(JSON.parse(text)).toEqual({ [NASTY]: NASTY })
  })

  it('goes through this in every command', () => {
    const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    const direct = sources.filter(
      (name) =>
        /(?<!\.test)\.ts$/.test(name) &&
        /(?:stdout|stderr)\.write\((?!`\$\{jsonLine\()|(?<![\w'/`])console\.(?:log|error|warn|info|debug)\(/.test(
          readFileSync(join(import.meta.dirname, name), 'utf8'),
        ),
    )
    // The drill's own progress, the stack of a bug for who debugs it, and the screen that `deed top` draws.
    const own = ['commands/drill.ts', 'main.ts', 'terminal/full-screen.ts', 'terminal/output.ts']
    expect(direct.sort()).toEqual(own)
  })
})
