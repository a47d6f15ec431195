// Questions over the rows of the demo's inventory in words that no statement was written for, through the command.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Ended, startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from './markdown.ts'

const CONFIG = `
targets:
  inventory:
    type: sql
    url_env: INVENTORY_URL
    entities:
      assets: { table: assets, label_column: type, name_column: name, singular: asset }
`

let under: MeshUnderTest
let folder: string
let url: string

beforeAll(async () => {
  under = await meshUnderTest({
    config: CONFIG,
    prepare: async (adminUrl) => {
      await query(adminUrl, 'create database inventory')
      const own = new URL(adminUrl)
      own.pathname = '/inventory'
      url = own.href
      await query(url, readFileSync(join(ROOT, 'examples/demo/inventory.sql'), 'utf8'))
      return { executor: { INVENTORY_URL: url } }
    },
  })
  folder = dirname(under.workspace)
})
afterAll(() => under?.[Symbol.asyncDispose]())

async function query(at: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: at })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

interface Document {
  status: string
  method: string
  result: { text: string; data?: { statement: string; params: string[] } } | null
  verification: { outcome: string; observed: string; facts: Record<string, unknown> }[]
  error?: { code: string; message: string }
}

const deed = (...args: string[]): Promise<Ended> => startDeed(under.mesh.dataDir, args, { cwd: folder }).ended

async function run(task: string): Promise<Document> {
  const { stdout, stderr } = await deed('run', '--json', task)
  if (stdout === '') throw new Error(`nothing was printed: ${stderr}`)
  return JSON.parse(stdout) as Document
}

describe('a question in words', () => {
  it.each([
    ['how many Windows workstations do we have?', "6 Windows workstations (type = 'Windows workstations')"],
    ['how many assets without an assigned person do we have?', undefined],
    ['how many unassigned assets are there?', '1 asset (assigned_to is null)'],
    ['which assets are assigned to m.yilmaz?', "1 asset (assigned_to = 'm.yilmaz'): ws-berlin-02"],
    ['list the assets purchased before 2024', '2 assets (purchased_on < 2024-01-01): ws-berlin-03, ws-lisbon-02'],
    [
      'assets per operating system',
      '6 assets by operating_system: 4 Windows 11 Pro 24H2, 1 Windows 10 Pro 22H2, 1 Windows 11 Pro 23H2',
    ],
    [
      'how many assets with a name containing berlin by type',
      "3 assets by type (name contains 'berlin'): 3 Windows workstations",
    ],
    ['show assets that run Windows 10 Pro 22H2', "1 asset (operating_system = 'Windows 10 Pro 22H2'): ws-lisbon-02"],
    ['which assets are in Berlin?', "3 assets (location = 'Berlin'): ws-berlin-01, ws-berlin-02, ws-berlin-03"],
    ['which assets are not in Berlin or Lisbon?', "1 asset (location not in ('Berlin', 'Lisbon')): ws-remote-01"],
    ['which assets are in Paris?', undefined],
  ])('is answered by one SELECT, or refused with what could be asked: %s', async (task, text) => {
    const { status, method, result, verification, error } = await run(task)
    if (text === undefined) {
      expect(status).toBe('failed')
      expect(error?.message).toMatch(/neither a column of assets nor a value .*columns are id; name: ws-berlin-01/)
      return
    }
    expect({ status, method, text: result?.text }).toEqual({ status: 'done', method: 'autonomous', text })
    const { statement, params } = result!.data!
    expect(statement).toMatch(/^select .* from public\.assets t/)
    expect(verification).toMatchObject([{ outcome: 'verified', facts: { statement, params } }])
  })

  it('prints the conditions as they were understood, and how they were proved', async () => {
    const { code, stdout } = await deed('run', 'how many Windows workstations do we have?')
    expect(code).toBe(0)
    expect(stdout).toContain("6 Windows workstations (type = 'Windows workstations')")
    expect(stdout).toContain('a second connection counted the same 6 by another statement')
  })

  it('says what the database has where a word in it is unknown', async () => {
    const { code, stdout, stderr } = await deed('run', 'how many elephants do we have?')
    expect(code).not.toBe(0)
    expect(stdout + stderr).toContain(
      'nothing in inventory is called "elephants"; it has assets (columns are type: Windows workstations)',
    )
  })

  it('leaves the rows as they are, whatever is in the words', async () => {
    const before = await query(url, 'select * from assets order by id')
    for (const task of [
      `how many assets are called "x'; drop table assets; --"?`,
      'which assets are in Berlin; drop table assets',
      `how many "; drop table assets; -- do we have?`,
    ])
      await run(task)
    expect(await query(url, 'select * from assets order by id')).toEqual(before)
  })
})
