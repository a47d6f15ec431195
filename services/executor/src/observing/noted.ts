/** What a postcondition compares with: files and services as they were before the action, noted with its first intent. */
import type { JsonObject } from '@deed/proto/json'
import type { Observation, SingleObservation } from '@deed/proto/observation'
import { fileState } from '../files/file-state.ts'
import { readRegularFile } from '../files/regular-file.ts'
import type { Before, Context, Kind, Noted } from '../kind/kind.ts'
import { notedFile, notedService } from '../kind/kind.ts'
import { serviceProvider } from '../services/provider-of.ts'
import { stateText } from '../services/service-provider.ts'
import { segmentsOf } from '../workspace/workspace.ts'

/** What the kind reads before the action, and what the action's own `verify` will compare with. Changes nothing. */
export async function beforeOf(kind: Kind, input: JsonObject, context: Context): Promise<Before> {
  const before = await kind.before(input, context)
  const { verify } = context.action
  const noted = verify && (await noteFor(verify, context))
  // The same value: a kind may know it again.
  return noted ? Object.assign(before, { noted }) : before
}

/**
 * @returns `undefined` where the observation compares with nothing
 * @throws {DeedError} when what it compares with cannot be read
 */
export async function noteFor(observation: Observation, context: Context): Promise<Noted | undefined> {
  const noted: Noted = {}
  for (const single of comparing(observation)) {
    if (single.kind === 'file') {
      const file = readRegularFile(context.workspace, segmentsOf(context.workspace, single.path))
      noted[notedFile(single.path)] = fileState(file)
    } else if (single.kind === 'service') {
      const seen = await serviceProvider(context.world, single.target).state(context.signal)
      noted[notedService(single.target)] = stateText(seen)
    }
  }
  return Object.keys(noted).length === 0 ? undefined : noted
}

function comparing(observation: Observation): SingleObservation[] {
  if ('of' in observation) return observation.of.flatMap(comparing)
  const compares =
    (observation.kind === 'file' && observation.changed !== undefined) ||
    (observation.kind === 'service' && observation.new_process)
  return compares ? [observation] : []
}
