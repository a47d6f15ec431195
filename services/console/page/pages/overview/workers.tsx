/** Which services answer, and which workers are busy. */
import type { Output } from '../../app/contracts.ts'
import { Line } from '../../components/text.tsx'
import { count } from '../../text/times.ts'
import { NEEDED } from './attention.ts'

export function Workers({ workers, services }: Output<'worker.list'>) {
  return (
    <table class="compact">
      <thead>
        <tr>
          <th scope="col">service</th>
          <th scope="col" class="numeric">
            answer
          </th>
          <th scope="col">slots</th>
        </tr>
      </thead>
      <tbody>
        {NEEDED.map((name) => {
          const instances = services.filter(({ service }) => service === name).length
          const own = workers.filter(({ service, status }) => service === name && status !== 'gone')
          const slots = own.reduce((sum, worker) => sum + worker.slots, 0)
          const running = own.reduce((sum, worker) => sum + worker.running, 0)
          return (
            <tr key={name}>
              <th scope="row">
                <Line text={name} />
              </th>
              <td class="numeric">{instances > 0 ? count(instances) : <strong class="text-bad">none</strong>}</td>
              <td>
                {slots > 0 && (
                  <>
                    <meter min={0} max={slots} value={running} aria-label={`busy slots of ${name}`} />{' '}
                    {running === 0 ? 'idle' : `${count(running)} busy`} of {count(slots)}
                  </>
                )}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
