/** A process of the benchmark's own: it is given one job, answers in messages, and ends with this one. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

export interface Child<Job extends object, Message extends { type: string }> extends AsyncDisposable {
  readonly pid: number
  send(job: Job): void
  /** The next message, of this type. @throws when it is another, or when the process ends first */
  next<T extends Message['type']>(type: T): Promise<Extract<Message, { type: T }>>
}

/** @param file a module of this folder that reads messages until it is disconnected */
export async function startChild<Job extends object, Message extends { type: string }>(
  file: URL,
): Promise<Child<Job, Message>> {
  const child: ChildProcess = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  await once(child, 'spawn')
  const exited = once(child, 'exit')
  const messages: Message[] = []
  let arrived = Promise.withResolvers<void>()
  child.on('message', (message) => {
    messages.push(message as Message)
    arrived.resolve()
  })
  return {
    pid: child.pid ?? 0,
    send: (job) => void child.send(job),
    async next<T extends Message['type']>(type: T) {
      while (messages.length === 0) {
        await Promise.race([
          arrived.promise,
          exited.then(([code]) => {
            throw new Error(`${file.pathname} ended with exit code ${code}`)
          }),
        ])
        arrived = Promise.withResolvers()
      }
      const message = messages.shift()
      if (message?.type !== type) throw new Error(`received ${JSON.stringify(message)} instead of ${type}`)
      return message as Extract<Message, { type: T }>
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}
