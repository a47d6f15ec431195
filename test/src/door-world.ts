/** A mesh at whose door bad input is tried: two workspaces, a database, and clients without Deed's own checks. */
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { type PlainClient, plainClient } from './plain-client.ts'

export interface DoorWorld {
  readonly shelf: TestDatabase<object>
  readonly under: MeshUnderTest
  readonly client: PlainClient
  /** May use the subjects of services too. */
  readonly operator: PlainClient
}

/** What it opens is closed with `opened`. */
export async function doorWorld(opened: AsyncDisposableStack): Promise<DoorWorld> {
  const shelf = opened.use(await testDatabase('shelf', {}))
  const under = opened.use(
    await meshUnderTest({
      config: `
  other: { root: ./other }
default_workspace: main
targets:
  shelf: { type: sql, url_env: SHELF_URL }
commands: { allow: [printf, echo, sleep] }
`,
      // As superuser, so that the fences are Deed's alone.
      env: { SHELF_URL: shelf.url },
    }),
  )
  const client = opened.use(await plainClient(under.mesh.connectionAs('client')))
  const operator = opened.use(await plainClient(under.mesh.connection))
  return { shelf, under, client, operator }
}
