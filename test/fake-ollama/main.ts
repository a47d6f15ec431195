/**
 * The fake model server as a program: `node test/fake-ollama/main.ts [port] [answer]`.
 *
 * The answer is what every question is answered with; without one, a plan that writes a file.
 */
import { startFakeOllama } from './start-fake-ollama.ts'

const PLAN = {
  actions: [
    {
      kind: 'file.write',
      name: 'write',
      title: 'write a note',
      input: { path: 'note.txt', content: 'from a model\n' },
    },
  ],
}

const [port = '11434', answer = JSON.stringify(PLAN)] = process.argv.slice(2)
const { url } = await startFakeOllama({ port: Number(port), answer: () => answer })
process.stdout.write(`${url}\n`)
