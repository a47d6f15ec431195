/** The streams that hold what is nowhere else: submissions that no execution was made of yet, and parts of manifests. */

import { restoreStream, snapshotStream, streamsNamed } from '@deed/mesh/stream-snapshot'
import { intakeStream } from '@deed/proto/execution'
import { MANIFEST_BUCKET } from '@deed/proto/manifest'
import { ORG_STREAM } from '@deed/proto/organization'
import { RESTORING } from '@deed/proto/permissions'
import type { NatsConnection } from 'nats'
import { type BackupList, readCompressed, writeCompressed } from './backup-folder.ts'

/** Submissions first: a manifest is there for as long as the submission that names it. */
const KEPT = [intakeStream('*'), `OBJ_${MANIFEST_BUCKET}`]
/** Work is handed out again from the database, which has the messages and decisions of the organization, too. */
const ALL = [...KEPT, 'WORK', ORG_STREAM]

type Stored = BackupList['streams'][number]

/** @param user as whom the connection has entered */
export async function readStreams(nc: NatsConnection, user: string, folder: string): Promise<Stored[]> {
  const stored: Stored[] = []
  for (const name of await streamsNamed(await nc.jetstreamManager(), KEPT)) {
    let head: Stored['head'] | undefined
    const file = await writeCompressed(folder, `streams/${name}.gz`, async (to) => {
      head = await snapshotStream(nc, user, name, to)
    })
    if (head) stored.push({ ...file, head, last_seq: head.state.last_seq })
  }
  return stored
}

/** To be asked once the snapshot of the database is taken: it may know of later submissions than those of the streams. */
export async function latestSequences(nc: NatsConnection, streams: readonly Stored[]): Promise<Stored[]> {
  const jsm = await nc.jetstreamManager()
  return Promise.all(
    streams.map(async (one) => ({ ...one, last_seq: (await jsm.streams.info(one.head.config.name)).state.last_seq })),
  )
}

/** @returns a stream with messages that an execution may still be made of */
export async function streamWithMessages(nc: NatsConnection): Promise<string | undefined> {
  const jsm = await nc.jetstreamManager()
  for (const name of await streamsNamed(jsm, KEPT)) if ((await jsm.streams.info(name)).state.messages > 0) return name
  return undefined
}

/** In place of every stream of the mesh that is there. */
export async function writeStreams(
  nc: NatsConnection,
  folder: string,
  streams: readonly Stored[],
  replicas: number,
): Promise<void> {
  const jsm = await nc.jetstreamManager()
  for (const name of await streamsNamed(jsm, ALL)) await jsm.streams.delete(name)
  for (const { head, file, last_seq: last } of streams) {
    const { name, deny_delete, deny_purge } = head.config
    const open = { ...head, config: { ...head.config, deny_delete: false, deny_purge: false } }
    await restoreStream(nc, open, replicas, readCompressed(folder, file))
    if (name.startsWith(intakeStream(''))) await skipTo(nc, name, last)
    const { config } = await jsm.streams.info(name)
    await jsm.streams.update(name, {
      ...config,
      ...(deny_delete ? { deny_delete: true, deny_purge: deny_purge === true } : {}),
    })
  }
}

/**
 * A sequence names a submission for good, so one that the database may know already is not given to another: the
 * stream gets messages in their place, which are deleted.
 */
async function skipTo(nc: NatsConnection, name: string, last: number): Promise<void> {
  const jsm = await nc.jetstreamManager()
  const { config, state } = await jsm.streams.info(name)
  const subject = config.subjects.find((one) => one.endsWith('.*'))?.replace('*', RESTORING) ?? ''
  for (let sequence = state.last_seq + 1; sequence <= last; sequence++) {
    const { seq } = await nc.jetstream().publish(subject)
    await jsm.streams.deleteMessage(name, seq)
  }
}
