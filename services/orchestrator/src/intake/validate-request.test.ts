// What the executor would not write is refused before it is planned.
import { parseExecutionConfig } from '@deed/config/execution-config'
import { PROTECTED_NAMES } from '@deed/config/protected-names'
import { ExecutionRequest } from '@deed/proto/execution'
import { expect, it } from 'vitest'
import { admitRequest } from './validate-request.ts'

const config = parseExecutionConfig('')
const asking = (target_file: string) => ExecutionRequest.parse({ task: 'write it', context: { target_file } })

it.each([...PROTECTED_NAMES])('a target file that is %s, or below it, is refused', (name) => {
  for (const file of [name, `app/${name.toUpperCase()}/x`])
    expect(() => admitRequest(config, asking(file))).toThrow(
      expect.objectContaining({ code: 'protected_path', path: '$.context.target_file' }),
    )
})

it('a target file whose name only looks like a protected one is taken', () => {
  for (const file of ['.env', '.gitignore', 'src/git', 'execution.yaml.md'])
    expect(admitRequest(config, asking(file)).context?.target_file).toBe(file)
})
