/** A case of the truth drill: one lie, or one ordinary thing, and how the world is read without Deed. */
import type { ExecutionReply } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import type { Json, JsonObject } from '@deed/proto/json'
import type { Pool } from 'pg'
import type { Machine } from '../harness/machine.ts'
import type { FactoryNats } from './factory-nats.ts'
import type { FakeClients } from './fake-clients.ts'
import type { Lamps } from './lamps.ts'
import type { Meddle, Meddling } from './meddler.ts'
import type { ToolServer } from './tool-server.ts'
import type { WorldServer } from './world-server.ts'

/** What one case has for itself, and the servers that all cases share. */
export interface Place {
  /** Different for each case: for names of tables, subjects and items. Lower-case letters and digits. */
  readonly key: string
  /** Root of the workspace. */
  readonly root: string
  /** The name of its workspace, and of its target where the case has one. */
  readonly name: string
  /** Of this host; nobody listens there. */
  readonly port: number
  readonly web: WorldServer
  readonly database: Pool
  readonly nats: FactoryNats
  readonly clients: FakeClients
  readonly lamps: Lamps
  readonly tools: ToolServer
  /** Changes the world as soon as the kernel says that it is as `Meddle.when` says. */
  readonly meddle: Meddle
  /** Has a person answer what the execution asks for. */
  answer(id: ExecutionId, decision: 'provide' | 'deny', text?: string): Promise<void>
}

export interface Given {
  readonly kind: string
  readonly input: JsonObject
  readonly verify?: Json
  readonly already_so?: 'skip' | 'run'
  readonly timeout_ms?: number
}

/** How a case continues once its world is there. */
export interface Trial {
  /** One after the other. */
  readonly actions: readonly Given[]
  /** Whether the world, read without Deed, is as a success would have it; of a reading: whether the answer is true. */
  holds(reply: ExecutionReply): boolean | Promise<boolean>
  /** All that an undo has to bring back, as text. Default: the workspace, to the byte. */
  world?(): string | Promise<string>
  /** It is rolled back once it is done; a function is what happens before. */
  readonly undo?: true | (() => void | Promise<void>)
  /** Who changes the world: after Deed has looked, that is no lie of Deed's. */
  readonly meddling?: Meddling
  /** Alongside the execution, which runs in the background then. */
  during?(id: ExecutionId): Promise<void>
}

export interface Case {
  /** Of the action that it is about. */
  readonly kind: string
  /** In a sentence. */
  readonly says: string
  /** An entry of `targets` in execution.yaml, under the name of the place. */
  target?(place: Pick<Place, 'key' | 'root' | 'name' | 'port' | 'web'>): JsonObject
  /** @returns why this machine cannot try it */
  needs?(machine: Machine): string | undefined
  /** Makes the world that the case begins with. */
  make(place: Place): Trial | Promise<Trial>
}
