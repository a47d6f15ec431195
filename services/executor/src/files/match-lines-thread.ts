/** The thread of `match-lines.ts`: it tells in which of the lines that it is sent the expression matches, and where. */
import { parentPort, workerData } from 'node:worker_threads'

const { source, flags } = workerData as { source: string; flags: string }
const expression = new RegExp(source, flags)

parentPort?.on('message', (lines: readonly string[]) => {
  parentPort?.postMessage(
    lines.flatMap((line, index) => {
      const at = line.search(expression)
      return at === -1 ? [] : [[index, at]]
    }),
  )
})
parentPort?.postMessage('ready')
