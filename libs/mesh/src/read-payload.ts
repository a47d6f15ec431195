/** Parses messages of a subscription without throwing: an error in a callback would end the whole connection. */
import type { EventContract } from '@deed/proto/contract'
import type { Msg, NatsError } from 'nats'
import type { z } from 'zod'

/** @returns `undefined` if it is not a payload of this contract, and for an error of the subscription itself */
export function readPayload<C extends Pick<EventContract, 'payload'>>(
  { payload }: C,
  error: NatsError | null,
  msg: Msg,
): z.output<C['payload']> | undefined {
  return error === null ? (payload.safeParse(jsonOf(msg)).data as z.output<C['payload']> | undefined) : undefined
}

/** @returns `undefined` if it is not JSON */
export function jsonOf({ data }: Pick<Msg, 'data'>): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString())
  } catch {
    return undefined
  }
}
