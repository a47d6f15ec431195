/** Every message to and from workers comes a second time, later and in another order. */
import type { FaultMesh } from './fault-mesh.ts'
import type { Random } from './random.ts'

export const REPEAT_AFTER_MS_MAX = 1_500

/** Says that a message is a repeat, so that it is not repeated again. */
const REPEAT_HEADER = 'Drill-Repeat'

/** Until it is disposed of; what is to be repeated by then still is. */
export function repeatMessages({ client: { nc } }: FaultMesh, random: Random): Disposable {
  const repeated = ['work.>', 'task.report', 'task.report.>'].map((subject) =>
    nc.subscribe(subject, {
      callback: (_, message) => {
        if (message.headers?.has(REPEAT_HEADER)) return
        const headers = message.headers
        headers?.set(REPEAT_HEADER, '1')
        // Its id would have it taken for what it is.
        headers?.delete('Nats-Msg-Id')
        const again = () => {
          if (!nc.isClosed()) nc.publish(message.subject, message.data, headers ? { headers } : {})
        }
        setTimeout(again, random.between(0, REPEAT_AFTER_MS_MAX)).unref()
      },
    }),
  )
  return {
    [Symbol.dispose]: () => {
      for (const subscription of repeated) subscription.unsubscribe()
    },
  }
}
