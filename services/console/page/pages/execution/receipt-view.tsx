/** What the execution cost, by what its answer was found. */
import type { ExecutionDetail } from '@deed/proto/execution'
import { call } from '../../app/call.ts'
import { useResource } from '../../app/resource.ts'
import { refusal } from '../../app/session.ts'
import { Empty, ErrorBlock } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { count, dollars, duration } from '../../text/times.ts'
import { receiptOf } from './receipt.ts'

export function ReceiptView({ detail }: { detail: ExecutionDetail }) {
  const lines = receiptOf(detail)
  const { metrics, request } = detail
  const budget = typeof request.budget_usd === 'number' ? request.budget_usd : undefined
  if (lines.length === 0) return <Empty title="Nothing was spent">No rule, template or model has answered yet.</Empty>
  return (
    <div class="scroll stacked-view">
      <section class="panel receipt" aria-label="cost">
        <table>
          <thead>
            <tr>
              <th scope="col">Found by</th>
              <th scope="col">Which</th>
              <th scope="col" class="numeric">
                Tokens
              </th>
              <th scope="col" class="numeric">
                Money
              </th>
            </tr>
          </thead>
          <tbody>
            {lines.map(({ source, what, tokens, usd }) => (
              <tr key={source}>
                <th scope="row">{source}</th>
                <td>
                  <Line text={what} max={128} />
                </td>
                <td class="numeric">{count(tokens)}</td>
                <td class="numeric">{dollars(usd)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">In all</th>
              <td>
                {duration(metrics.time_ms)}
                {budget !== undefined && `, budget ${dollars(budget)}`}
              </td>
              <td class="numeric">{count(metrics.tokens_used)}</td>
              <td class="numeric">{dollars(metrics.cost_usd)}</td>
            </tr>
          </tfoot>
        </table>
        {metrics.degraded && metrics.degraded.length > 0 && (
          <p class="text-wait">
            <span aria-hidden="true">! </span>Found without <Line text={metrics.degraded.join(', ')} />, which did not
            answer.
          </p>
        )}
      </section>
      {metrics.tokens_used > 0 && <ModelCalls id={detail.execution_id} endedAt={detail.finished_at} />}
    </div>
  )
}

const CALLS_MAX = 500

/** Each call to a model: what it answered to, and what it cost. */
function ModelCalls({ id, endedAt }: { id: string; endedAt: string | null }) {
  const notAllowed = refusal('model.calls')
  const { value, error } = useResource(`calls ${id} ${endedAt}`, async (signal) =>
    notAllowed === undefined ? call('model.calls', { execution_id: id, limit: CALLS_MAX }, { signal }) : undefined,
  )
  if (notAllowed !== undefined) return <p class="quiet">Each call to a model: {notAllowed}</p>
  if (error) return <ErrorBlock error={error} />
  if (!value) return null
  return (
    <section class="panel receipt" aria-label="calls to models">
      <table>
        <thead>
          <tr>
            <th scope="col">Asked</th>
            <th scope="col">Model</th>
            <th scope="col">Answer</th>
            <th scope="col" class="numeric">
              Tokens in
            </th>
            <th scope="col" class="numeric">
              Out
            </th>
            <th scope="col" class="numeric">
              Money
            </th>
          </tr>
        </thead>
        <tbody>
          {value.calls.map((one) => (
            <tr key={`${one.task_id} ${one.number}`}>
              <td>
                <Time at={one.asked_at} />
              </td>
              <td>
                <Line text={one.model} max={128} />
              </td>
              <td>
                {one.status}
                {one.problem !== null && (
                  <span class="text-bad">
                    {' '}
                    <Line text={one.problem} max={200} />
                  </span>
                )}
              </td>
              <td class="numeric">{count(one.prompt_tokens)}</td>
              <td class="numeric">{count(one.answer_tokens)}</td>
              <td class="numeric">
                {one.cost_unknown && 'at most '}
                {dollars(one.cost_usd)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {value.next_cursor !== null && <p class="quiet">The first {count(CALLS_MAX)} calls are shown.</p>}
    </section>
  )
}
