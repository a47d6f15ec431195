/**
 * What a mesh of this release has stored, for the test of later ones: `node test/releases/dump-release.ts`, once, when a
 * release is made. One execution is done, one waits for an approval, and one ran when its executor died.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { faultMesh } from '@deed/drill/harness/fault-mesh'
import { until } from '@deed/process/until'
import { SERVICES } from '@deed/proto/contract'
import { requestExecution } from '@deed/proto/execution'
import pg from 'pg'
import { askedOf, endOf } from '../src/follow.ts'
import { dumpSchemas } from './dump-schemas.ts'

await using under = await faultMesh()
const accept = async (task: string, key: string) =>
  (await under.client.call(requestExecution, { task, idempotency_key: key, mode: 'background' })).execution_id
await endOf(under, await accept('write "it" to done.txt', 'done'))
await askedOf(under, await accept('tell the guarded witness "agreed"', 'waiting'))
await accept('run `sh count.sh slow 60` and expect the file slow.out', 'running')
await until(() => existsSync(join(under.workspace, 'slow.runs')), { what: 'the command' })
for (const service of SERVICES) await under.mesh.service(service).kill()

const client = new pg.Client({ connectionString: under.mesh.connection.database_url })
await client.connect()
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  version: string
}
writeFileSync(join(import.meta.dirname, `${version}.sql`), await dumpSchemas(client))
await client.end()
