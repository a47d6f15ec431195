import { describe, expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'

const generate = (content: string) => ({
  kind: 'code.generate',
  input: { path: 'lib/a.ex', language: 'elixir', content },
})

describe('generating code', () => {
  it('is done when the file is there and its grammar accepts it', async () => {
    await using executor = await testExecutor()
    expect(await executor.run(generate('defmodule A do\n  def b(c), do: c\nend\n'))).toMatchObject({
      outcome: 'done',
      evidence: { facts: { parser: 'tree-sitter-elixir' } },
    })
  })

  it('fails with the place when the grammar does not, and is undone', async () => {
    await using executor = await testExecutor()
    const work = await executor.dispatch(generate('defmodule A do\n  def b(c, do: c\nend\n'))
    const conclusion = await executor.attempt(work)
    expect(conclusion).toMatchObject({ outcome: 'failed', effect: 'made', error: { code: 'verification_failed' } })
    expect(JSON.stringify(conclusion)).toMatch(/line \d/)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('lib/a.ex')).toBeUndefined()
  })
})
