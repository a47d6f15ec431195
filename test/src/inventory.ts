/** A configuration with three services, two runbooks and an inventory in PostgreSQL. */
import pg from 'pg'

type Urls = Readonly<Record<string, string>>

const target = (url: Urls, name: string, script: string): string => `
  ${name}:
    type: process
    command: [node, ${script}]
    env: { PORT: "${new URL(url[name]!).port}" }
    health: { url: "${url[name]}" }`

/** @param url of each service */
export const configuration = (url: Urls): string => `
targets:${target(url, 'demo-api', 'server.mjs')}${target(url, 'test-service', 'server.mjs')}${target(url, 'application', 'workspace/app/server.mjs')}
    environment: production
  inventory:
    type: sql
    url_env: INVENTORY_URL
    entities:
      assets: { table: assets, label_column: type, name_column: name, singular: asset }
      servers: { table: servers, label_column: role, name_column: name, singular: server }
runbooks:
  deploy-the-application:
    expected_seconds: 60
    steps:
      - { name: stop, title: stop what runs, kind: service.stop, input: { target: application } }
      - name: place
        title: put the new release in its place
        kind: file.move
        input: { from: release/server.mjs, to: app/server.mjs, overwrite: true }
      - name: start
        title: start it, and see that it answers
        kind: service.start
        input: { target: application }
        timeout_ms: 5000
  delete-the-database:
    words: [delete the database, drop the database]
    expected_seconds: 60
    steps:
      - name: servers
        title: drop the table of servers
        kind: sql.execute
        input:
          target: inventory
          statement: drop table servers
          verify: { query: "select to_regclass('servers') is null", equals: true }
      - name: assets
        title: drop the table of assets
        kind: sql.execute
        input:
          target: inventory
          statement: drop table assets
          verify: { query: "select to_regclass('assets') is null", equals: true }
`

/** @returns the URL of a role that owns the inventory */
export async function seedInventory(adminUrl: string): Promise<string> {
  await query(adminUrl, 'create database inventory')
  await query(adminUrl, "create role keeper login password 'keeper'")
  const inventory = new URL(adminUrl)
  inventory.pathname = '/inventory'
  await query(
    inventory.href,
    `create table assets (name text primary key, type text not null);
     insert into assets select 'ws-' || n, case when n < 5 then 'Windows workstation' else 'printer' end
       from generate_series(1, 7) n;
     create table servers (name text primary key, role text, address text);
     insert into servers values ('web-01', 'web', '10.0.0.7'), ('web-02', 'web', '10.0.0.8');
     alter table assets owner to keeper; alter table servers owner to keeper;`,
  )
  inventory.username = 'keeper'
  inventory.password = 'keeper'
  return inventory.href
}

export async function query(at: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: at })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, unknown>>(text)
    return rows
  } finally {
    await client.end()
  }
}
