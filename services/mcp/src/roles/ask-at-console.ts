/**
 * What a person must decide opens in the console, where the client can show its address: the server of a role decides nothing, and asks for
 * no answer but that it was shown.
 */
import { type InputRequiredResult, inputRequired } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { Call } from '../serving/tool.ts'

const PAGE = 'console'
const Sealed = z.object({ tool: z.string(), answer: z.record(z.string(), z.json()) })

/** The answer of a call that comes again, once the person was shown the address: it is not made twice. */
export function earlierAnswer({ context }: Call, tool: string): object | undefined {
  const { data } = Sealed.safeParse(context.mcpReq.requestState())
  return data?.tool === tool ? data.answer : undefined
}

/** @param question absent: nobody is asked */
export async function askAtConsole(
  { mesh, shows, person, seal }: Call,
  tool: string,
  question: string | undefined,
  answer: object,
): Promise<object | InputRequiredResult> {
  const url = mesh.consoleUrl()
  if (question === undefined || !shows.url || person === undefined || url === undefined) return answer
  return inputRequired({
    inputRequests: { [PAGE]: inputRequired.elicitUrl({ message: question, url: `${url}/inbox` }) },
    requestState: await seal({ tool, answer }),
  })
}
